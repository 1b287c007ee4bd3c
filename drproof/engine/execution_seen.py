"""An execution as an operator has to see it: where it stands, what it rests on, and why it failed if it did."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from drproof.engine import release_behind
from drproof.engine.refusal import refuse
from drproof.evidence.canonical import digest
from drproof.evidence.redaction import Redactor
from drproof.formats import s3_uri, strict_json
from drproof.formats.release_metadata import Release
from drproof.model.capabilities import ReceiptStore
from drproof.model.errors import EvidenceError, FormatError, NotFoundError
from drproof.model.workflows import ExecutionInfo, Workflows

PARTS, MACHINE_PARTS = 8, 7
ASK = "request_manual_approval"
ENTERED = "StateEntered"
ENDED = frozenset({"TaskSucceeded", "TaskFailed", "TaskTimedOut", "TaskSubmitFailed", "TaskStartFailed"})
FAILED = frozenset(
    {
        "TaskFailed",
        "TaskTimedOut",
        "TaskSubmitFailed",
        "TaskStartFailed",
        "LambdaFunctionFailed",
        "LambdaFunctionTimedOut",
        "LambdaFunctionScheduleFailed",
        "LambdaFunctionStartFailed",
        "ExecutionFailed",
        "ExecutionAborted",
        "ExecutionTimedOut",
    }
)
WENT_WELL = frozenset({"TaskSucceeded", "LambdaFunctionSucceeded"})
TELLING = frozenset({"tell_of_failure", "seal"})
"""Acts that speak of a failure, and are none."""

Event = Mapping[str, Any]


class Reaches(Protocol):
    """Who asks: their executions and their buckets."""

    @property
    def workflows(self) -> Workflows: ...  # noqa: D102
    @property
    def receipts(self) -> ReceiptStore: ...  # noqa: D102
    @property
    def secrets(self) -> tuple[str, ...]: ...  # noqa: D102


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """What an ARN says of an execution or of a state machine."""

    region: str
    account_id: str
    name: str
    """Of the execution; empty for a machine."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Waits:
    """The task of an execution that waits for a person; its token is not shown with it."""

    since: str
    timeout_seconds: int
    token: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """One execution."""

    info: ExecutionInfo
    phase: str
    """The phase that is under way, or at which it ended."""
    cause: str
    """Why it failed, as deep as its history goes; empty where it did not."""
    phases: Mapping[str, Mapping[str, Any]]
    """What each phase answered: `receipt` and `sha256` among it."""
    build_id: str
    """The build that brought the machine up, or was about to when it failed or the execution was ended."""
    waits: Waits | None

    @property
    def newest_receipt(self) -> str:
        """Where the newest receipt lies; empty where there is none."""
        return next((str(one["receipt"]) for one in reversed(tuple(self.phases.values())) if one.get("receipt")), "")

    @property
    def requested_by(self) -> str:
        """Who had it run, as its input says."""
        return str(_document(self.info.input).get("requested_by") or "")


def place_of_execution(arn: str) -> Place:
    """Return what the ARN of an execution says.

    Raises:
        Refusal: it is none.
    """
    parts = arn.split(":")
    if len(parts) != PARTS or parts[2] != "states" or parts[5] != "execution":
        raise refuse(
            "--execution-arn names no execution",
            expected="arn:aws:states:<region>:<account>:execution:<machine>:<name>",
            got=arn,
            next_step="drproof status --state-machine-arn ARN, which shows the newest",
        )
    return Place(region=parts[3], account_id=parts[4], name=parts[7])


def place_of_machine(arn: str) -> Place:
    """Return what the ARN of a state machine says.

    Raises:
        Refusal: it is none.
    """
    parts = arn.split(":")
    if len(parts) != MACHINE_PARTS or parts[2] != "states" or parts[5] != "stateMachine":
        raise refuse(
            "--state-machine-arn names no state machine",
            expected="arn:aws:states:<region>:<account>:stateMachine:<name>",
            got=arn,
            next_step="aws stepfunctions list-state-machines --region <region>",
        )
    return Place(region=parts[3], account_id=parts[4], name="")


def newest(workflows: Workflows, machine: str) -> str:
    """Return the ARN of the newest execution of a state machine.

    Raises:
        NotFoundError: it has none.
    """
    for found in workflows.executions(machine):
        return found.arn
    msg = f"{machine} has no execution\n  next: drproof trigger --state-machine-arn {machine}"
    raise NotFoundError(msg, code="NoExecution", call="states:ListExecutions")


def the_one_that_runs(workflows: Workflows, machine: str) -> str:
    """Return the ARN of the execution of a state machine that runs: the only one that can wait for a person.

    Raises:
        Refusal: none does, or several do: which of them is meant is not to be guessed.
    """
    found = [one.arn for one in workflows.executions(machine, status="RUNNING")]
    if len(found) != 1:
        raise refuse(
            f"{len(found) or 'no'} executions of {machine} run",
            expected="one that is RUNNING",
            got=", ".join(found) or "none",
            next_step="name one with --execution-arn" if found else f"drproof status --state-machine-arn {machine}",
        )
    return found[0]


def look(reaches: Reaches, arn: str) -> Seen:
    """Return an execution as its history shows it.

    Raises:
        NotFoundError: there is none of that ARN, or no longer.
    """
    info = reaches.workflows.execution(arn)
    events = reaches.workflows.history(arn)
    state, document = _last_state(events)
    cause_phase, cause = _cause(events, Redactor(reaches.secrets)) if info.status != "RUNNING" else ("", "")
    phases = document.get("phases")
    return Seen(
        info=info,
        phase=cause_phase or _phase(state),
        cause=cause if info.status not in {"RUNNING", "SUCCEEDED"} else "",
        phases={name: row for name, row in phases.items() if isinstance(row, dict)} if isinstance(phases, dict) else {},
        build_id=_build(events, document),
        waits=_waits(events),
    )


def receipt(reaches: Reaches, seen: Seen, phase: str) -> tuple[bytes, Mapping[str, Any]]:
    """Return the receipt that a phase answered, its digest compared: the bytes, and the document in them.

    Raises:
        NotFoundError: the phase answered none, or it is not there.
        EvidenceError: it has other bytes than the phase answered.
    """
    told = seen.phases.get(phase, {})
    uri, wanted = str(told.get("receipt") or ""), str(told.get("sha256") or "")
    if not uri:
        msg = f"{seen.info.name}: phase {phase} has answered no receipt"
        raise NotFoundError(msg, code="NoReceipt")
    place = s3_uri.parse(uri)
    body = reaches.receipts.look(place.bucket, place.key).body
    if digest(body) != wanted:
        raise EvidenceError("receipt", f"{uri} is not the receipt that the execution refers to: expected {wanted}")
    return body, _document(body.decode("utf-8", "replace"))


def observed(reaches: Reaches, seen: Seen, phase: str, name: str) -> str:
    """Return one fact of a receipt as text; "unknown" where nobody says it."""
    try:
        document = receipt(reaches, seen, phase)[1]
    except (NotFoundError, EvidenceError):
        return "unknown"
    facts = document.get("observed")
    found = document.get(name) or (facts.get(name) if isinstance(facts, dict) else None)
    return str(found) if found else "unknown"


def lines(reaches: Reaches, seen: Seen, release: tuple[str, Release] | None = None) -> list[str]:
    """Return what an operator is shown of an execution; `release` is what they know of a release, with its file."""
    image = observed(reaches, seen, "validate", "image_ref").rpartition("@")[2]
    restored = str(seen.phases.get("restore", {}).get("receipt") or "none yet")
    newest_one = seen.newest_receipt
    found = [
        f"execution_arn: {seen.info.arn}",
        f"status: {seen.info.status}",
        f"current_phase: {seen.phase or 'none yet'}",
        *([f"failure_reason: {seen.cause}"] if seen.cause else []),
        f"started_at: {seen.info.started_at}",
        f"stopped_at: {seen.info.stopped_at or 'not yet'}",
        f"requested_by: {seen.requested_by or 'nobody: it was started by itself'}",
        f"instance_id: {observed(reaches, seen, 'resolve_runner', 'instance_id')}",
        f"image_digest: {image}",
        f"release_metadata: {release_behind.told(release, image)}",
        f"restore_receipt: {restored}",
        f"receipt_base: {newest_one.rpartition('/')[0] or 'none yet'}",
        f"latest_receipt: {newest_one or 'none yet'}",
    ]
    if seen.waits is not None and seen.info.status == "RUNNING":
        found.append(f"waits for a decision since {seen.waits.since}: drproof approve --execution-arn {seen.info.arn}")
    return found


def _last_state(events: Sequence[Event]) -> tuple[str, Mapping[str, Any]]:
    """Return the state that was entered last, but those that tell of failures, and what the execution knew by then."""
    name, known = "", dict[str, Any]()
    for event in events:
        details = event.get("stateEnteredEventDetails")
        if isinstance(details, dict):
            document = _document(details.get("input"))
            if isinstance(document.get("phases"), dict):
                known = dict(document)
            name = str(details.get("name", ""))
        details = event.get("stateExitedEventDetails")
        if isinstance(details, dict) and isinstance(_document(details.get("output")).get("phases"), dict):
            known = dict(_document(details.get("output")))
    return name, known


def _build(events: Iterable[Event], known: Mapping[str, Any]) -> str:
    """Return the build of the bring-up: as the execution knows it, else the last one that was begun."""
    kept = known.get("bringup")
    if isinstance(kept, dict) and kept.get("id"):
        return str(kept["id"])
    found = ""
    for event in events:
        details = event.get("taskSubmittedEventDetails")
        if isinstance(details, dict) and details.get("resourceType") == "codebuild":
            build = _document(details.get("output")).get("Build")
            found = str(build.get("Id") or found) if isinstance(build, dict) else found
    return found


def _waits(events: Iterable[Event]) -> Waits | None:
    """Return the task that waits for a person; None when none does, or does no longer."""
    found: Waits | None = None
    for event in events:
        details = event.get("taskScheduledEventDetails")
        if isinstance(details, dict):
            payload = _document(details.get("parameters")).get("Payload")
            asks = isinstance(payload, dict) and ASK in {payload.get("act"), payload.get("action")}
            if isinstance(payload, dict) and asks and isinstance(payload.get("task_token"), str):
                timeout = details.get("timeoutInSeconds")
                found = Waits(
                    since=str(event.get("timestamp", "")),
                    timeout_seconds=timeout if isinstance(timeout, int) else 0,
                    token=payload["task_token"],
                )
        elif event.get("type") in ENDED or str(event.get("type", "")).startswith("Execution"):
            found = None
    return found


def _cause(events: Sequence[Event], redactor: Redactor) -> tuple[str, str]:
    """Return the act that failed and was not tried again with success, and its error in words that may be shown."""
    act, found = "", ("", "")
    for event in events:
        details = event.get("taskScheduledEventDetails")
        if isinstance(details, dict):
            payload = _document(details.get("parameters")).get("Payload")
            act = str(payload.get("act") or payload.get("action") or "") if isinstance(payload, dict) else "bringup"
        if event.get("type") in WENT_WELL and act not in TELLING:
            # What failed before was tried again.
            found = ("", "")
        if event.get("type") not in FAILED or (act in TELLING and not str(event["type"]).startswith("Execution")):
            continue
        of_execution = str(event["type"]).startswith("Execution")
        if of_execution and found[1]:
            # The last event only says that the state for failures was reached.
            continue
        rows = [value for name, value in event.items() if name.endswith("EventDetails") and isinstance(value, dict)]
        said = rows[0] if rows else {}
        words = _words(said, redactor) or str(event["type"])
        found = (act, f"{act}: {words}" if act else words)
    return found


def _words(details: Mapping[str, Any], redactor: Redactor) -> str:
    error, cause = str(details.get("error") or ""), str(details.get("cause") or "")
    document = _document(cause)
    message = document.get("errorMessage") if isinstance(document.get("errorMessage"), str) else ""
    build = document.get("Build", document)
    if isinstance(build, dict) and "BuildStatus" in build:
        said = f"build {build.get('Id', 'unknown')}: {build['BuildStatus']}"
    elif message and error.startswith("Phase"):
        # Our own words, redacted before they were said.
        said = redactor.mask(str(message))
    else:
        said = redactor.redact(str(message) or cause, record=False)
    return ": ".join(filter(None, (error, said)))


def _phase(state: str) -> str:
    """Return the phase that a state of the machine is of: `ReadRestorePoint` is of `read_restore_point`."""
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in state).lstrip("_")


def _document(text: object) -> Mapping[str, Any]:
    if not isinstance(text, str):
        return {}
    try:
        value = strict_json.parse(text.encode(), fractions=True)
    except FormatError:
        return {}
    return value if isinstance(value, dict) else {}
