"""Faults that are answers: each service has its own code for being busy, broken, or unwilling."""

from drproof.embedded.asked import Asked
from drproof.embedded.faults.rules import Rule
from drproof.embedded.refusals import Refusal

_CODES: dict[str, dict[str, tuple[int, str]]] = {
    "throttle": {
        "s3": (503, "SlowDown"),
        "ec2": (503, "RequestLimitExceeded"),
        "query": (400, "Throttling"),
        "rest-json": (429, "TooManyRequestsException"),
        "": (400, "ThrottlingException"),
    },
    "server-error": {
        "s3": (500, "InternalError"),
        "ec2": (500, "InternalError"),
        "query": (500, "InternalFailure"),
        "": (500, "InternalServerError"),
    },
    "unavailable": {
        "ec2": (503, "Unavailable"),
        "": (503, "ServiceUnavailable"),
    },
    "denied": {
        "s3": (403, "AccessDenied"),
        "ec2": (403, "UnauthorizedOperation"),
        "query": (403, "AccessDenied"),
        "": (400, "AccessDeniedException"),
    },
    "expired": {
        "s3": (400, "ExpiredToken"),
        "ec2": (400, "RequestExpired"),
        "query": (403, "ExpiredToken"),
        "": (400, "ExpiredTokenException"),
    },
}
_MESSAGES = {
    "throttle": "Rate exceeded: please reduce your request rate.",
    "server-error": "We encountered an internal error. Please try again.",
    "unavailable": "The service is unavailable. Please try again.",
    "denied": "{call} is not allowed here",
    "expired": "The security token included in the request is expired",
}


def refusal(rule: Rule, asked: Asked) -> Refusal:
    """Return the answer that a rule gives to a call of AWS."""
    return refusal_of(rule.kind, asked, code=rule.code)


def refusal_of(kind: str, asked: Asked, *, code: str = "") -> Refusal:
    """Return how the service of a call says that it is busy, broken, or unwilling."""
    table = _CODES[kind]
    status, own = table.get(asked.protocol) or table[""]
    message = _MESSAGES[kind].format(call=f"{asked.service}:{asked.action}")
    if asked.key:
        message = f"{message} ({asked.key})"
    return Refusal(status, code or own, message)
