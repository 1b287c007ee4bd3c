"""Executions of state machines: whether one still runs."""

from typing import Any

from drproof.model.errors import TargetError
from drproof.targets.aws.errors import translated

UNDER_WAY = frozenset({"RUNNING", "PENDING_REDRIVE"})
UNKNOWN = frozenset({"ExecutionDoesNotExist", "InvalidArn"})
"""Answers about an execution that is none, or of which the platform has forgotten everything."""


class AwsExecutions:
    """The executions of one site."""

    def __init__(self, client: Any) -> None:  # noqa: ANN401 — boto3's
        """Ask through `client`."""
        self._client = client

    def runs(self, arn: str) -> bool:
        """Return whether an execution still runs; one that the platform no longer knows does not.

        Raises:
            TargetError: the platform does not say.
        """
        try:
            with translated("states:DescribeExecution", arn):
                return self._client.describe_execution(executionArn=arn)["status"] in UNDER_WAY
        except TargetError as exc:
            if exc.code in UNKNOWN:
                return False
            raise
