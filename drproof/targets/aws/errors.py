"""What AWS says when it refuses or fails, in the model's words."""

import re
from collections.abc import Collection, Iterator
from contextlib import contextmanager

from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError

from drproof.model.errors import (
    AlreadyExistsError,
    NotFoundError,
    QuotaError,
    TargetError,
    ThrottledError,
    UnansweredError,
)

ALREADY = frozenset(
    {
        "412",
        "PreconditionFailed",
        "ConditionalCheckFailed",
        "ConditionalCheckFailedException",
        "ConditionalRequestConflict",
        "ExecutionAlreadyExists",
    }
)
THROTTLED = frozenset(
    {
        "503",
        "BandwidthLimitExceeded",
        "EC2ThrottledException",
        "PriorRequestNotComplete",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "RequestThrottled",
        "RequestThrottledException",
        "SlowDown",
        "ThrottledException",
        "Throttling",
        "ThrottlingException",
        "TooManyRequestsException",
        "TransactionInProgressException",
        "UpstreamTooManyRequests",
    }
)
QUOTA = frozenset({"AccountLimitExceededException", "ServiceQuotaExceededException", "TooManyBuckets"})
UNANSWERED = frozenset(
    {
        "500",
        "504",
        "ConnectionClosedError",
        "ConnectionError",
        "HTTPClientError",
        "IncompleteReadError",
        "InternalError",
        "InternalFailure",
        "InternalServerError",
        "ReadTimeoutError",
        "ResponseParserError",
        "ResponseStreamingError",
        "ServiceUnavailable",
        "UpstreamUnavailable",
    }
)
"""Answers that do not say whether the call happened."""

RENEWED = frozenset(
    {
        "ExpiredToken",
        "ExpiredTokenException",
        "InvalidClientTokenId",
        "InvalidToken",
        "RequestExpired",
        "RequestTimeTooSkewed",
        "TokenRefreshRequired",
        "UnrecognizedClientException",
    }
)
"""Answers to the credentials and the time of a request: another process, or another build, signs with others."""

SERVER_FAILED = 500
"""From this status on an answer of HTTP says that the server failed, wherever it was by then."""

MISSING = re.compile(
    r"404|NoSuch[A-Za-z]+|[A-Za-z]*NotFound(Exception|Fault)?|Invalid[A-Za-z]+\.NotFound|InvalidAMIID\.Unavailable"
    r"|(Execution|StateMachine|Task)DoesNotExist"
)
LIMIT = re.compile(r"[A-Za-z]*(LimitExceeded|QuotaExceeded)(Exception|Fault)?|Max[A-Za-z]+LimitExceeded")
NEXT = {
    "AccessDenied": "allow the call to the drill's role; the bucket must belong to the account that the settings name",
    "NoSuchBucket": "aws s3 ls, as whoever owns the bucket, lists those that there are; mend its name or its region",
    "NoSuchKey": "aws s3 ls lists what lies there; mend the bucket, the prefix or the name",
    "ExpiredToken": "renew the credentials, then run the same command again",
    "ExpiredTokenException": "renew the credentials, then run the same command again",
    "RequestExpired": "renew the credentials, then run the same command again",
    "NoCredentialsError": "aws sts get-caller-identity must answer; or set `profile` in drproof.toml",
    "EndpointConnectionError": "check the network of this machine, then run the same command again",
    "UnauthorizedOperation": "allow the call to the drill's role",
    "VcpuLimitExceeded": "pytest -m preflight says how much of the quota is used, and how to ask for more",
    "AccessDeniedException": "allow the call to the drill's role",
    "DisabledException": "aws kms enable-key --region <region> --key-id <key>, or name another key as signing.signer",
    "KMSInvalidStateException": "aws kms describe-key --region <region> --key-id <key> says why; or name another key",
}


def family(code: str, status: int = 0) -> type[TargetError]:
    """Return the class of errors that an AWS error code belongs to; `status` is that of the answer, if one came."""
    if code in ALREADY:
        return AlreadyExistsError
    if code in THROTTLED:
        return ThrottledError
    if code in UNANSWERED:
        return UnansweredError
    if code in QUOTA or LIMIT.fullmatch(code):
        return QuotaError
    if MISSING.fullmatch(code):
        return NotFoundError
    return UnansweredError if status >= SERVER_FAILED else TargetError


def failure(  # noqa: PLR0913 — what a platform can say
    call: str, subject: str, code: str, message: str, *, status: int = 0, kept: Collection[str] = ()
) -> TargetError:
    """Return the error of a call: what was asked, of what, and what the platform said."""
    what = f"{call} {subject}".strip()
    said = f"{code}: {message}" if message else code
    hint = f"\n  next: {NEXT[code]}" if code in NEXT else ""
    return family(code, status)(f"{what}: {said}{hint}", code=code, call=call, kept=kept)


@contextmanager
def translated(call: str, subject: str = "") -> Iterator[None]:
    """Turn what the SDK raises inside into the model's errors."""
    try:
        yield
    except ClientError as exc:
        error = exc.response.get("Error", {})
        code, message = str(error.get("Code", "Unknown")), str(error.get("Message", ""))
        status = int(exc.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
        raise failure(call, subject, code, message, status=status) from exc
    except (BotoCoreError, ResponseParserError) as exc:
        raise failure(call, subject, type(exc).__name__, str(exc)) from exc
