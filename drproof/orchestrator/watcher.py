"""The Lambda function that tells people of executions that could not tell of themselves.

A rule of EventBridge calls it when an execution ends as FAILED, TIMED_OUT or ABORTED. An abort, `States.Runtime` and a
limit of the whole execution pass every Catch, and telling of a failure can fail itself. Whom the machine told already
is not told again; an event that comes twice is told twice, because people rather hear of a failure twice than never.
Words of others stay outside the message: of a cause it has the state, the error's name and what was denied.
"""

import json
import os
import re
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from drproof.analysis.execution_steps import Cause, deepest_cause
from drproof.analysis.machine.acts import PREPARE, RECORD, TELL
from drproof.engine.clock import SystemClock
from drproof.engine.criteria import settings_of
from drproof.engine.opening import assert_sites
from drproof.engine.places import rooted
from drproof.engine.refusal import refuse
from drproof.engine.settings import EMBEDDED, find_file, resolve
from drproof.evidence.canonical import digest
from drproof.formats import execution_history
from drproof.formats.execution_history import Event
from drproof.model.capabilities import Intent
from drproof.model.criteria import Sites
from drproof.model.errors import DrproofError
from drproof.model.settings import Settings
from drproof.orchestrator.definition import phases, state_of
from drproof.orchestrator.still_up import machines_of
from drproof.targets import open_target
from drproof.targets.sites import AwsTarget

KIND = "drproof_execution_ended"
UNHEARD = frozenset({"FAILED", "TIMED_OUT", "ABORTED"})
"""The ends that people must hear of."""
ARN = re.compile(
    r"arn:[a-z-]+:states:(?P<region>[a-z0-9-]+):(?P<account>[0-9]{12}):execution:[^:]{1,80}:(?P<name>[^:]{1,80})"
)
NEEDED = ("target", "sites.", "recovery.topic_arn")
TELLING = state_of(TELL)
MOST_RECEIPTS = 32
"""How many receipts a message names; the plan has half as many phases."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """What the event says."""

    arn: str
    name: str
    status: str
    region: str
    account_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """What the history of the execution shows, as far as it could be read."""

    cause: Cause | None = None
    receipts: tuple[str, ...] = ()
    told: bool = False
    """Whether the machine told people itself."""
    problem: str = ""


def handler(event: Mapping[str, Any], context: object) -> dict[str, Any]:
    """Tell people how an execution ended, where nobody did; return what was sent.

    Raises:
        ValueError: the event is none of Step Functions, or of an execution elsewhere; nobody was told.
        GuardError: the function runs in another account or region than the recovery site's.
        TargetError: the topic did not take the message; EventBridge calls again.
    """
    del context
    ended = ended_of(event)
    if ended.status not in UNHEARD:
        return {"told": False, "why": f"{ended.status} is nothing that people must hear of"}
    settings = _settings()
    _refuse_elsewhere(ended, settings)
    endpoint = os.environ.get("DRPROOF_ENDPOINT", "") if settings.target == EMBEDDED else ""
    with tempfile.TemporaryDirectory(prefix="drproof-watcher-") as private:
        target = open_target(settings, endpoint or None, directory=Path(private), origin=ended.name)
        assert_sites(
            target, Sites(primary=settings.sites.primary, recovery=settings.sites.recovery), sides=("recovery",)
        )
        shown = shown_by(target, ended)
        if shown.told:
            return {"told": False, "why": f"{TELLING} told of it"}
        message = message_of(ended, shown, _still_up(target, settings, ended), mode=_mode(settings))
        return {"told": True, "message_id": _sent(target, settings, ended, message)} | message


def ended_of(event: Mapping[str, Any]) -> Ended:
    """Return what an event says.

    Raises:
        Refusal: it is none of a change of an execution's status.
    """
    detail = event.get("detail")
    detail = detail if isinstance(detail, Mapping) else {}
    found = ARN.fullmatch(str(detail.get("executionArn", "")))
    status = detail.get("status")
    if event.get("source") != "aws.states" or found is None or not isinstance(status, str):
        raise refuse(
            "the event is no change of an execution's status",
            expected="source aws.states, and detail with executionArn and status",
            got=f"source {str(event.get('source'))[:40]!r}, detail with {', '.join(sorted(map(str, detail)))[:200]}",
            next_step="let the rule match detail-type 'Step Functions Execution Status Change'",
        )
    return Ended(arn=found[0], name=found["name"], status=status, region=found["region"], account_id=found["account"])


def shown_by(target: AwsTarget, ended: Ended) -> Shown:
    """Return what the history of an execution shows; one that cannot be read keeps nobody from being told."""
    try:
        events = execution_history.parse([{"events": list(target.recovery.workflows.history(ended.arn))}])
    except DrproofError as exc:
        return Shown(problem=f"the history could not be read: {type(exc).__name__}")
    return read(events)


def read(events: Sequence[Event]) -> Shown:
    """Return what events show: what went wrong before anybody was told, not that telling failed as well."""
    entered = [number for number, event in enumerate(events) if _entered(event) == TELLING]
    before = [*events[: entered[0]], events[-1]] if entered else events
    return Shown(
        cause=_placed(deepest_cause(before), before),
        receipts=tuple(dict.fromkeys(_receipts(events)))[-MOST_RECEIPTS:],
        told=any(event.kind == "TaskStateExited" and event.details.get("name") == TELLING for event in events)
        and not any(_entered(event) == "SealFailed" and TELL in _failures(event) for event in events),
    )


def message_of(ended: Ended, shown: Shown, still_up: list[dict[str, Any]], *, mode: str) -> dict[str, Any]:
    """Return the message: how it ended, in which phase and why, which receipts there are, what is up, what to do."""
    cause = shown.cause
    return {
        "kind": KIND,
        "drill_id": ended.name,
        "execution": ended.arn,
        "mode": mode,
        "status": ended.status,
        "phase": phase_of(cause.phase or cause.state) if cause else "unknown",
        "cause": _words(cause) or shown.problem or "unknown",
        "receipts": list(shown.receipts),
        "still_up": still_up,
        "next": f"drproof teardown --execution-arn {ended.arn}",
        "note": "Nothing is torn down by itself: what is still up is held for whoever looks into this.",
    }


def phase_of(said: str) -> str:
    """Return the phase that a state belongs to; a state that belongs to none, as it is called."""
    states = {state_of(phase.name): phase.name for phase in phases()}
    beside = {state_of(PREPARE): RECORD, "RecordBringup": RECORD}
    return {**states, **beside}.get(said, said) or "unknown"


def _placed(cause: Cause | None, events: Sequence[Event]) -> Cause | None:
    """Return a cause with a state: where nothing was waited for, the one that was entered last."""
    if cause is None or cause.state or cause.phase:
        return cause
    last = next((name for event in reversed(events) if (name := _entered(event))), "")
    return Cause(kind=cause.kind, state=last, error=cause.error, denied=cause.denied)


def _words(cause: Cause | None) -> str:
    if cause is None:
        return ""
    said = cause.kind + (f": {cause.error}" if cause.error else "")
    return f"{said}; {cause.denied} was denied" if cause.denied else said


def _receipts(events: Sequence[Event]) -> Iterator[str]:
    for event in events:
        payload = event.document("output").get("Payload") if event.kind == "TaskSucceeded" else None
        receipt = payload.get("receipt") if isinstance(payload, dict) else None
        if isinstance(receipt, str) and receipt.startswith("s3://") and receipt.isprintable():
            yield receipt


def _entered(event: Event) -> str:
    return str(event.details.get("name", "")) if event.kind.endswith("StateEntered") else ""


def _failures(event: Event) -> Mapping[str, Any]:
    failures = event.document("input").get("failures")
    return failures if isinstance(failures, dict) else {}


def _settings() -> Settings:
    """Return the settings beside the function: `drproof.toml` in its package, and its environment."""
    folder = Path(os.environ.get("LAMBDA_TASK_ROOT") or ".")
    resolved = resolve({}, os.environ, find_file(folder), needed=NEEDED, directory=folder)
    return rooted(settings_of(resolved, no_retry=False), folder)


def _refuse_elsewhere(ended: Ended, settings: Settings) -> None:
    site = settings.sites.recovery
    if (ended.account_id, ended.region) != (site.account_id, site.region):
        raise refuse(
            "the execution is not one of the recovery site",
            expected=f"{site.account_id} in {site.region}",
            got=f"{ended.account_id} in {ended.region}",
            next_step="mend sites.recovery in the function's drproof.toml, or the rule that calls it",
        )


def _mode(settings: Settings) -> str:
    return "rehearsal" if settings.target == EMBEDDED else "live"


def _still_up(target: AwsTarget, settings: Settings, ended: Ended) -> list[dict[str, Any]]:
    now, disk_gb = SystemClock().now(), settings.cost.ebs_root_gb
    return machines_of(ended.name, target.recovery.fleet, now=now, disk_gb=disk_gb)


def _sent(target: AwsTarget, settings: Settings, ended: Ended, message: Mapping[str, Any]) -> str:
    topic = settings.recovery.topic_arn
    # The event itself is what is known before: it comes again until the function has returned.
    token = digest(f"{topic} {ended.arn} {ended.status}".encode())
    intent = Intent(number=1, verb="messages.publish", resource=f"{topic}#{ended.name}/ended", token=token)
    subject = f"drproof {message['mode']} {ended.name}: {ended.status} in {message['phase']}"[:100]
    text = json.dumps(message, sort_keys=True)
    return str(target.recovery.messenger.publish(intent, topic, subject, text))
