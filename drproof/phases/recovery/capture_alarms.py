"""The history of the original site's alarms during the drill, captured and not interpreted."""

from dataclasses import dataclass
from typing import Any

from drproof.formats import alarm_history
from drproof.model.context import Context
from drproof.model.errors import FormatError
from drproof.model.phase import phase
from drproof.model.receipt import Count


@dataclass(frozen=True, slots=True, kw_only=True)
class AlarmSeen:
    """One alarm: its state now, and how much history there is of the window."""

    name: str
    state: str
    comparison: str
    """How it compares a datapoint with its threshold, in CloudWatch's words; empty when nobody can tell."""
    transitions: Count


@dataclass(frozen=True, slots=True, kw_only=True)
class AlarmsObserved:
    """The captured window; the items themselves are evidence."""

    since: str
    until: str
    alarms: tuple[AlarmSeen, ...]


@phase(
    plans={"recovery"},
    after=["notify", "validate", "check_health"],
    window="promote",
    site="primary",
    uses={"alarms.read"},
    objective_ms=60_000,
    keeps={"history": dict[str, tuple[dict[str, Any], ...]]},
    command_hint="aws cloudwatch describe-alarm-history --region … --alarm-name …",
)
def capture_alarms(ctx: Context) -> AlarmsObserved:
    """The history of every expected alarm since the drill's first look was captured."""
    names = ctx.plan.criteria.alarms
    since = ctx.receipts["check_health"].started_at if "check_health" in ctx.receipts else ctx.plan.created_at
    deadline = ctx.clock.monotonic_ms() + ctx.settings.limits.alarms_ms
    while True:
        until = ctx.clock.now()
        histories = {
            name: [dict(item) for item in ctx.target.primary.alarms.history(name, since=since, until=until)]
            for name in names
        }
        counts = {name: len(_transitions(items)) for name, items in histories.items()}
        # OK to ALARM and back are two; what they rest on is for the contract.
        if all(count >= 2 for count in counts.values()) or ctx.clock.monotonic_ms() >= deadline:  # noqa: PLR2004
            break
        ctx.clock.sleep_ms(ctx.settings.limits.poll_ms)
    states = ctx.target.primary.alarms.states(names)
    comparisons = ctx.target.primary.alarms.comparisons(names)
    ctx.evidence("history", histories)
    return AlarmsObserved(
        since=since,
        until=until,
        alarms=tuple(
            AlarmSeen(
                name=name,
                state=states.get(name, "absent"),
                comparison=comparisons.get(name, ""),
                transitions=counts[name],
            )
            for name in names
        ),
    )


def _transitions(items: list[dict[str, object]]) -> tuple[alarm_history.Transition, ...]:
    try:
        return alarm_history.parse(items)
    except FormatError:
        # What cannot be read is captured all the same; the contract says that it cannot be read.
        return ()
