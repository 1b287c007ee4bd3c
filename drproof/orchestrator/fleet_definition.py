"""The state machine that reads a fleet: a Distributed Map over a manifest of restore points.

Nothing of one team is in it: bucket, manifest, function and results come with the input of an execution. The file in
`deploy/` is made from here, and a test compares them.
"""

import json
from collections.abc import Iterable
from typing import Any

MAX_ATTEMPTS = 6
"""How often a restore point is read again when the platform asks to come back later."""
CONCURRENT = 40
"""Restore points that are read at a time: a bucket gives 5,500 requests a second a prefix, a function 1,000 at once."""
LONGEST_SECONDS = 900
"""How long one reading may take: the longest that Lambda allows."""

AGAIN = (
    "ThrottledError",
    "UnansweredError",
    "Lambda.AWSLambdaException",
    "Lambda.SdkClientException",
    "Lambda.ServiceException",
    "Lambda.TooManyRequestsException",
)
"""What passes when one waits: our own two errors, and the ones that the documentation of Lambda names."""


def definition() -> dict[str, Any]:
    """Return the definition in the Amazon States Language."""
    return {
        "Comment": "drproof: reads every restore point of a fleet; drproof fleet collect judges and seals",
        "StartAt": "ReadRestorePoints",
        "States": {
            "ReadRestorePoints": {
                "Type": "Map",
                "Label": "ReadRestorePoints",
                "ItemReader": {
                    "Resource": "arn:aws:states:::s3:getObject",
                    "ReaderConfig": {"InputType": "JSON"},
                    "Parameters": {"Bucket.$": "$.manifest.bucket", "Key.$": "$.manifest.key"},
                },
                "ItemSelector": {
                    "backup_uri.$": "$$.Map.Item.Value.backup_uri",
                    "results.$": "$.results",
                    "reader.$": "$.reader",
                    "execution.$": "$$.Execution.Name",
                },
                "ItemProcessor": {
                    "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"},
                    "StartAt": "ReadRestorePoint",
                    "States": {"ReadRestorePoint": _read_one()},
                },
                "MaxConcurrency": CONCURRENT,
                "ToleratedFailurePercentage": 0,
                "ResultWriter": {
                    "Resource": "arn:aws:states:::s3:putObject",
                    # By the context object: the emulator resolves a path here in what the map returned.
                    "Parameters": {
                        "Bucket.$": "$$.Execution.Input.writer.bucket",
                        "Prefix.$": "$$.Execution.Input.writer.prefix",
                    },
                },
                "End": True,
            }
        },
    }


def text() -> str:
    """Return the definition as the file that is checked in."""
    return json.dumps(definition(), indent=2) + "\n"


def manifest(uris: Iterable[str]) -> str:
    """Return the items of an execution: one restore point each."""
    return json.dumps([{"backup_uri": uri} for uri in uris], indent=2) + "\n"


def _read_one() -> dict[str, Any]:
    return {
        "Type": "Task",
        "Resource": "arn:aws:states:::lambda:invoke",
        "Parameters": {
            "FunctionName.$": "$.reader",
            "Payload": {
                "backup_uri.$": "$.backup_uri",
                "results.$": "$.results",
                "execution.$": "$.execution",
                "retry_count.$": "$$.State.RetryCount",
            },
        },
        "OutputPath": "$.Payload",
        "TimeoutSeconds": LONGEST_SECONDS,
        "Retry": [
            {
                "ErrorEquals": list(AGAIN),
                "IntervalSeconds": 2,
                "BackoffRate": 2,
                "MaxAttempts": MAX_ATTEMPTS,
                "MaxDelaySeconds": 120,
                "JitterStrategy": "FULL",
            }
        ],
        "End": True,
    }
