"""The history of a Step Functions execution, and its description, as the command line prints them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from drproof.formats.aws_instants import instant
from drproof.formats.receipts_v1 import identifier, word
from drproof.formats.strict_json import parse as parse_json
from drproof.model.errors import FormatError

ENDINGS: Mapping[str, str] = {
    "ExecutionSucceeded": "SUCCEEDED",
    "ExecutionFailed": "FAILED",
    "ExecutionAborted": "ABORTED",
    "ExecutionTimedOut": "TIMED_OUT",
}
"""The events that end an execution, and the status that each gives it."""

STATUSES = frozenset({"RUNNING", "PENDING_REDRIVE", *ENDINGS.values()})
DETAILS = "EventDetails"
ARN_PARTS = 8
"""`arn:aws:states:<region>:<account>:execution:<machine>:<name>`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One event; `details` are what the event's kind adds."""

    number: int
    previous: int
    kind: str
    at: str
    details: Mapping[str, Any]

    def document(self, name: str) -> Mapping[str, Any]:
        """Return a detail that is JSON in a text; empty where it is none, or was not recorded."""
        text = self.details.get(name)
        if not isinstance(text, str):
            return {}
        try:
            value = parse_json(text, fractions=True)
        except FormatError:
            return {}
        return value if isinstance(value, dict) else {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Description:
    """What DescribeExecution says."""

    execution: str
    account_id: str
    region: str
    status: str
    started_at: str
    stopped_at: str


def is_history(document: object) -> bool:
    """Return whether a document means to be a history."""
    return isinstance(document, dict) and "events" in document


def is_description(document: object) -> bool:
    """Return whether a document means to be the description of an execution."""
    return isinstance(document, dict) and "executionArn" in document and "status" in document


def parse(pages: Iterable[object]) -> tuple[Event, ...]:
    """Return the events of all pages, oldest first, in whichever order they were asked for.

    Raises:
        FormatError: `history-empty`, `history-cut` (the last page is missing), `history-twice` (a number that comes
            twice), `history`.
    """
    rows: list[Any] = []
    tokens = []
    for page in pages:
        if not isinstance(page, dict) or not isinstance(page.get("events"), list):
            raise FormatError("history", "the execution history has no list of events")
        rows += page["events"]
        tokens.append(page.get("nextToken") or page.get("NextToken"))
    if not rows:
        raise FormatError("history-empty", "the execution history has no event")
    # Of several pages all but one say that there are more.
    if sum(bool(token) for token in tokens) >= len(tokens):
        raise FormatError("history-cut", "the execution history is a part of a longer one")
    try:
        events = sorted((_event(row) for row in rows), key=lambda event: event.number)
    except (KeyError, TypeError, AttributeError) as exc:
        raise FormatError("history", f"an event of the history cannot be read: {type(exc).__name__}") from exc
    if len({event.number for event in events}) != len(events):
        raise FormatError("history-twice", "two events of the history have one number")
    return tuple(events)


def parse_description(document: object) -> Description:
    """Return what a description says.

    Raises:
        FormatError: `history`.
    """
    if not isinstance(document, dict):
        raise FormatError("history", "the description of the execution is no JSON object")
    arn = word(document.get("executionArn"))
    parts = arn.split(":")
    status = document.get("status")
    if len(parts) < ARN_PARTS or status not in STATUSES:
        raise FormatError("history", "the description names no execution, or a status that executions do not have")
    stopped = document.get("stopDate")
    return Description(
        execution=identifier(arn),
        account_id=parts[4],
        region=parts[3],
        status=str(status),
        started_at=instant(document.get("startDate")),
        stopped_at=instant(stopped) if stopped is not None else "",
    )


def _event(row: Mapping[str, Any]) -> Event:
    number, previous = row["id"], row.get("previousEventId", 0)
    if any(isinstance(one, bool) or not isinstance(one, int) for one in (number, previous)):
        raise FormatError("history", "an event of the history has no number")
    details = [value for key, value in row.items() if key.endswith(DETAILS)]
    return Event(
        number=number,
        previous=previous,
        kind=str(row["type"]),
        at=instant(row["timestamp"]),
        details=details[0] if details and isinstance(details[0], dict) else {},
    )
