"""What a Task may call, what it must be told, and what comes back: the service integrations of Step Functions.

Fields and patterns are those of AWS' documentation of each optimised integration and of the answers of the service's
API, in capitals as Step Functions passes them on.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from drproof.analysis.machine.shapes import ANYTHING, NUMBER, TEXT, TRUTH, Record, Row, Shape, record

WAITING = ".waitForTaskToken"
SYNC = ".sync"
FUNCTION_ARN = re.compile(r"arn:[a-z-]+:lambda:[a-z0-9-]+:[0-9]{12}:function:.+")
ACTIVITY_ARN = re.compile(r"arn:[a-z-]+:states:[a-z0-9-]+:[0-9]{12}:activity:.+")
INTEGRATION = re.compile(r"arn:[a-z-]+:states:[a-z0-9-]*:[0-9]*:(?P<call>[A-Za-z0-9:-]+)(?P<pattern>\.[A-Za-z:0-9]+)?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Integration:
    """One call that a Task can make."""

    required: frozenset[str]
    optional: frozenset[str] = frozenset()
    patterns: frozenset[str] = frozenset({""})
    """The ways in which the answer can be waited for."""
    answer: Shape = ANYTHING
    open: bool = False
    """Whether it takes parameters that are not listed here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    """What the text in `Resource` means."""

    call: str
    """Such as `lambda:invoke`; `function` and `activity` for a bare ARN of one; empty where it means nothing."""
    pattern: str

    @property
    def waits_for_token(self) -> bool:
        """Whether the state ends only when somebody sends its token back."""
        return self.pattern == WAITING


def _names(*names: str) -> frozenset[str]:
    return frozenset(names)


SDK = ("SdkHttpMetadata", "SdkResponseMetadata")
"""What an optimised integration may hand on of the call itself."""
BUILD = Record(
    {
        "Build": record(
            maybe=(
                "Artifacts",
                "BuildBatchArn",
                "Cache",
                "DebugSession",
                "EncryptionKey",
                "EndTime",
                "Environment",
                "ExportedEnvironmentVariables",
                "FileSystemLocations",
                "Logs",
                "NetworkInterface",
                "Phases",
                "ReportArns",
                "ResolvedSourceVersion",
                "SecondaryArtifacts",
                "SecondarySources",
                "SecondarySourceVersions",
                "ServiceRole",
                "Source",
                "SourceVersion",
                "VpcConfig",
            ),
            known={
                "Arn": TEXT,
                "BuildComplete": TRUTH,
                "BuildNumber": NUMBER,
                "BuildStatus": TEXT,
                "CurrentPhase": TEXT,
                "Id": TEXT,
                "Initiator": TEXT,
                "ProjectName": TEXT,
                "QueuedTimeoutInMinutes": NUMBER,
                "StartTime": ANYTHING,
                "TimeoutInMinutes": NUMBER,
            },
        )
    },
    dict.fromkeys(SDK, ANYTHING),
)
EXECUTION = record("ExecutionArn", "StartDate", *SDK)
ENDED_EXECUTION = record(
    "ExecutionArn", "Input", "Name", "StartDate", "StateMachineArn", "Status", "StopDate", maybe=("Output", "Error")
)

KNOWN: Mapping[str, Integration] = {
    "lambda:invoke": Integration(
        required=_names("FunctionName"),
        optional=_names("Payload", "InvocationType", "ClientContext", "LogType", "Qualifier"),
        patterns=_names("", WAITING),
        answer=record(
            "Payload",
            *SDK,
            maybe=("LogResult", "FunctionError"),
            known={"ExecutedVersion": TEXT, "StatusCode": NUMBER},
        ),
    ),
    "codebuild:startBuild": Integration(
        required=_names("ProjectName"), open=True, patterns=_names("", SYNC), answer=BUILD
    ),
    "codebuild:stopBuild": Integration(required=_names("Id"), answer=BUILD),
    "codebuild:batchGetBuilds": Integration(
        required=_names("Ids"),
        answer=Record({"Builds": Row(ANYTHING)}, {"BuildsNotFound": Row(TEXT), **dict.fromkeys(SDK, ANYTHING)}),
    ),
    "sns:publish": Integration(
        required=_names("Message"),
        optional=_names(
            "TopicArn",
            "TargetArn",
            "PhoneNumber",
            "Subject",
            "MessageStructure",
            "MessageAttributes",
            "MessageDeduplicationId",
            "MessageGroupId",
        ),
        patterns=_names("", WAITING),
        answer=record(*SDK, maybe=("SequenceNumber",), known={"MessageId": TEXT}),
    ),
    "sqs:sendMessage": Integration(
        required=_names("QueueUrl", "MessageBody"),
        optional=_names("DelaySeconds", "MessageAttributes", "MessageDeduplicationId", "MessageGroupId"),
        patterns=_names("", WAITING),
        answer=record(
            "MD5OfMessageBody",
            *SDK,
            maybe=("MD5OfMessageAttributes", "SequenceNumber"),
            known={"MessageId": TEXT},
        ),
    ),
    "states:startExecution": Integration(
        required=_names("StateMachineArn"),
        optional=_names("Input", "Name", "TraceHeader"),
        patterns=_names("", SYNC, f"{SYNC}:2", WAITING),
        answer=EXECUTION,
    ),
    "dynamodb:getItem": Integration(required=_names("TableName", "Key"), open=True),
    "dynamodb:putItem": Integration(required=_names("TableName", "Item"), open=True),
    "dynamodb:updateItem": Integration(required=_names("TableName", "Key"), open=True),
    "dynamodb:deleteItem": Integration(required=_names("TableName", "Key"), open=True),
    "events:putEvents": Integration(required=_names("Entries"), patterns=_names("", WAITING), answer=ANYTHING),
}


NOT_DESCRIBED: Mapping[str, frozenset[str]] = {
    "apigateway": _names("", WAITING),
    "athena": _names("", SYNC),
    "aws-sdk": _names("", WAITING),
    "batch": _names("", SYNC),
    "bedrock": _names("", SYNC),
    "databrew": _names("", SYNC),
    "ecs": _names("", SYNC, WAITING),
    "eks": _names("", SYNC, WAITING),
    "elasticmapreduce": _names("", SYNC),
    "emr-containers": _names("", SYNC),
    "emr-serverless": _names("", SYNC),
    "glue": _names("", SYNC),
    "http": _names(""),
    "mediaconvert": _names("", SYNC),
    "sagemaker": _names("", SYNC),
}
"""Services that a Task can call as well, and how their answers can be waited for: of their calls nothing is known."""


def patterns_of(call: str) -> frozenset[str] | None:
    """Return the ways in which the answer of a call can be waited for; None where it is no call that is known."""
    if call in KNOWN:
        return KNOWN[call].patterns
    if call in {"function", "activity"}:
        return _names("")
    return NOT_DESCRIBED.get(call.partition(":")[0])


def resource_of(text: str) -> Resource:
    """Return what a Task calls."""
    if FUNCTION_ARN.fullmatch(text):
        return Resource(call="function", pattern="")
    if ACTIVITY_ARN.fullmatch(text):
        return Resource(call="activity", pattern="")
    found = INTEGRATION.fullmatch(text)
    if found is None:
        return Resource(call="", pattern="")
    return Resource(call=found["call"], pattern=found["pattern"] or "")


def answer_of(resource: Resource) -> Shape:
    """Return what is known of an answer before anybody says what a function or a person returns."""
    if resource.waits_for_token or resource.call not in KNOWN:
        # Whoever sends the token back sends the answer with it.
        return ANYTHING
    if resource.call == "states:startExecution" and resource.pattern:
        return ENDED_EXECUTION
    return KNOWN[resource.call].answer
