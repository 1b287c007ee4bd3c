"""Whether anything starts the orchestrator by itself while people drill by hand."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from drproof.model.context import Context
from drproof.model.errors import TargetError
from drproof.model.phase import phase

ENABLED, DISABLED, ABSENT = "enabled", "disabled", "absent"


@dataclass(frozen=True, slots=True, kw_only=True)
class Trigger:
    """A rule or an alarm: `enabled`, `disabled`, `absent`, or the code with which it could not be read."""

    name: str
    state: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TriggersObserved:
    """The triggers that the settings name, and the site that they are at."""

    site: str
    triggers: tuple[Trigger, ...]


@phase(plans={"preflight"}, uses={"triggers.read"}, objective_ms=30_000, command_hint="pytest -m preflight")
def read_triggers(ctx: Context) -> TriggersObserved:
    """Each named trigger of the orchestrator has been asked whether it is enabled."""
    named = ctx.settings.triggers
    site = ctx.target.primary if named.site == "primary" else ctx.target.recovery
    if not named.rules and not named.alarms:
        ctx.say("no trigger is named: triggers.rules and triggers.alarms say what starts the orchestrator by itself")
        return TriggersObserved(site=named.site, triggers=())

    def alarms() -> Mapping[str, str]:
        return {
            name: ENABLED if rule.actions_enabled else DISABLED
            for name, rule in site.alarms.rules(named.alarms).items()
        }

    def rules() -> Mapping[str, str]:
        return {name: state.lower() for name, state in site.readiness.triggers.rules(named.rules).items()}

    return TriggersObserved(
        site=named.site,
        triggers=(*_read(ctx, "rule", named.rules, rules), *_read(ctx, "alarm", named.alarms, alarms)),
    )


def _read(ctx: Context, kind: str, names: tuple[str, ...], ask: Callable[[], Mapping[str, str]]) -> tuple[Trigger, ...]:
    if not names:
        return ()
    try:
        states, otherwise = ask(), ABSENT
    except TargetError as exc:
        ctx.say(str(exc))
        states, otherwise = {}, exc.code or "unreachable"
    return tuple(Trigger(name=f"{kind} {name}", state=states.get(name, otherwise)) for name in names)
