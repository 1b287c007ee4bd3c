"""What functions printed: the log group that the platform keeps for each."""

from typing import TYPE_CHECKING, Any

from drproof.formats.timestamps import milliseconds
from drproof.targets.aws.errors import translated

if TYPE_CHECKING:
    from mypy_boto3_logs.client import CloudWatchLogsClient

GROUP = "/aws/lambda/"
"""Where a function that names no group of its own prints to."""


class AwsFunctionLogs:
    """The log groups of functions."""

    def __init__(self, client: "CloudWatchLogsClient") -> None:
        """Ask through `client`."""
        self._client: Any = client

    def printed(self, function: str, *, since: str, until: str) -> tuple[str, ...]:
        """Return every line that a function printed between two instants, oldest first; somebody else's text.

        Raises:
            NotFoundError: nobody kept anything of it.
            TargetError: it may not be read, or nobody answered.
        """
        group = GROUP + name_of(function)
        events: list[dict[str, Any]] = []
        with translated("logs:FilterLogEvents", group):
            for page in self._client.get_paginator("filter_log_events").paginate(
                logGroupName=group, startTime=milliseconds(since), endTime=milliseconds(until)
            ):
                events += page.get("events", [])
        # Streams are of processes: only together and by time do they tell of one execution.
        events.sort(key=lambda event: int(event.get("timestamp", 0)))
        return tuple(line for event in events for line in str(event.get("message", "")).splitlines() if line.strip())


def name_of(function: str) -> str:
    """Return the name of a function that is named by itself or by its ARN, with a version or alias or without."""
    _, inside, after = function.partition(":function:")
    return (after if inside else function).partition(":")[0]
