"""How executions of our machine end: one row a scenario, for the replay, the embedded world and the page of the docs."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from drproof.orchestrator import definition

FUNCTION, WATCHER, NOBODY = "the function", "the watcher", "nobody has to"
OVER = "DRPhaseFailed"
APPROVED: dict[str, Any] = {
    "decision": {"approved": True, "approver": "arn:aws:sts::222222222222:assumed-role/approver/ada", "ticket": "T-1"},
    "dsse": {"payload": "e30=", "signatures": []},
}
REJECTED: dict[str, Any] = {**APPROVED, "decision": {**APPROVED["decision"], "approved": False}}


@dataclass(frozen=True, slots=True, kw_only=True)
class End:
    """One scenario, and how it has to end."""

    name: str
    says: str
    acts: Mapping[str, str] = field(default_factory=dict)
    """What goes wrong with an act, or with the `build`."""
    person: str = "approves"
    status: str = "FAILED"
    last: str = "FailWorkflow"
    error: str = OVER
    told: str = FUNCTION
    """Who tells people of it."""
    limit: str = ""
    """Which limit is short: of the `approval`, or of the `machine`."""


def rows() -> tuple[End, ...]:
    """Return every scenario."""
    return (*_decided(), *_undecided(), *_failed(), *_broken())


def _decided() -> Iterator[End]:
    done: dict[str, Any] = {"status": "SUCCEEDED", "error": "", "told": NOBODY}
    yield End(
        name="healthy",
        says="the original site is healthy",
        acts={"check_health": "is healthy"},
        person="",
        last="HealthyNoop",
        **done,
    )
    yield End(
        name="held",
        says="the schedule looks while another holds the target",
        acts={"check_health": "is held"},
        person="",
        last="TargetHeld",
        **done,
    )
    yield End(name="approved", says="a person approves", last="PromoteApproved", **done)
    yield End(
        name="rejected",
        says="a person rejects: the token comes back with `approved: false`",
        person="rejects",
        last="PromotionRejected",
        **done,
    )
    yield End(
        name="throttled",
        says="the function is throttled once",
        acts={"validate": "is throttled"},
        last="PromoteApproved",
        **done,
    )


def _undecided() -> Iterator[End]:
    yield End(name="refused", says="a person gives the token back as a failure", person="fails the task")
    yield End(name="silent", says="nobody decides in time", person="is silent", limit="approval")
    yield End(name="strange", says="the token comes back with no decision", person="says yes")
    yield End(
        name="aborted",
        says="somebody aborts the execution while it waits for a person",
        person="aborts",
        status="ABORTED",
        last="RequestManualApproval",
        error="",
        told=WATCHER,
    )


def _failed() -> Iterator[End]:
    for name in ("prepare_bringup", *(phase.name for phase in definition.phases())):
        fails = "fails" if name in {"prepare_bringup", "promote", "request_manual_approval"} else "fails or is blocked"
        yield End(name=f"{name}-fails".replace("_", "-"), says=f"`{name}` {fails}", acts={name: "fails"})
    yield End(name="build-fails", says="the build fails", acts={"build": "fails"})
    yield End(name="quota-zero", says="the account may run no build", acts={"build": "is refused"})
    yield End(
        name="need-unclear", says="`check_health` answers neither true nor false", acts={"check_health": "is unclear"}
    )
    yield End(name="decision-unclear", says="`promote` answers neither true nor false", acts={"promote": "is unclear"})
    yield End(name="unsealed", says="a bundle cannot be sealed", acts={"seal": "fails"})


def _broken() -> Iterator[End]:
    yield End(
        name="untold",
        says="a phase fails, and so does telling of it",
        acts={"validate": "fails", "tell_of_failure": "fails"},
        told=WATCHER,
    )
    yield End(
        name="runtime",
        says="an answer lacks a field that the machine keeps",
        acts={"validate": "forgets"},
        last="Validate",
        error="States.Runtime",
        told=WATCHER,
    )
    yield End(
        name="out-of-time",
        says="the execution takes longer than all its states may",
        person="is silent",
        status="TIMED_OUT",
        last="RequestManualApproval",
        error="",
        told=WATCHER,
        limit="machine",
    )


def table() -> str:
    """Return the scenarios as the page of the docs has them."""
    head = "| what happens | status | last state | who tells people |\n|---|---|---|---|\n"
    return head + "".join(f"| {row.says} | {row.status} | `{row.last}` | {row.told} |\n" for row in rows())


def document(limit: str = "", *, seconds: int = 2) -> dict[str, Any]:
    """Return our machine, with one of its limits made short."""
    found = definition.definition(**({"approval_seconds": seconds} if limit == "approval" else {}))
    return found | ({"TimeoutSeconds": seconds} if limit == "machine" else {})
