"""A look at the recovery machine, for people; it decides nothing."""

from dataclasses import dataclass

from drproof.model.context import Context
from drproof.model.errors import NotRunError
from drproof.model.phase import phase
from drproof.phases.recovery.resolve_runner import resolve_runner
from drproof.phases.recovery.validate import CommandSeen, run_on, seen


@dataclass(frozen=True, slots=True, kw_only=True)
class DiagnosticsObserved:
    """What the diagnostic commands printed."""

    instance_id: str
    commands: tuple[CommandSeen, ...]


@phase(
    plans={"recovery"},
    after=["resolve_runner"],
    window="diagnostics",
    uses={"host.run"},
    objective_ms=360_000,
    command_hint="pytest -m drill --diagnostics-only",
)
def diagnose(ctx: Context) -> DiagnosticsObserved:
    """Every diagnostic command has run on the recovery machine."""
    if not ctx.settings.diagnostics:
        msg = "no diagnostic command is set: name some under [[diagnostics.commands]] in drproof.toml"
        raise NotRunError(msg)
    instance_id = ctx.observed(resolve_runner).instance_id
    return DiagnosticsObserved(
        instance_id=instance_id,
        commands=tuple(seen(command, run_on(ctx, instance_id, command)) for command in ctx.settings.diagnostics),
    )
