"""Read-only commands on the recovery machine; what they changed, if anything, is observed beside them."""

from collections.abc import Mapping
from dataclasses import dataclass
from shlex import quote

from drproof.model.capabilities import CommandResult
from drproof.model.context import Context
from drproof.model.errors import PhaseError
from drproof.model.phase import phase
from drproof.model.settings import Command
from drproof.phases.recovery.resolve_runner import resolve_runner

ONLINE_MS = 120_000
TAIL_LINES = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandSeen:
    """What one command came to."""

    name: str
    command: str
    command_id: str
    status: str
    exit_status: int
    stdout_tail: tuple[str, ...]
    stderr_tail: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ValidateObserved:
    """What the machine showed, and what looking at it changed."""

    instance_id: str
    commands: tuple[CommandSeen, ...]
    watched: tuple[str, ...]
    files_before: int
    files_after: int
    changed: tuple[str, ...]
    """Watched paths that were made, removed or rewritten while the commands ran."""


@phase(
    plans={"recovery"},
    after=["restore", "resolve_runner"],
    window="validate",
    uses={"host.run"},
    objective_ms=720_000,
    command_hint="pytest -m drill --validate-only --receipt-dir …",
    input=lambda ctx: {"commands": [command.name for command in ctx.settings.validation.commands]},
)
def validate(ctx: Context) -> ValidateObserved:
    """Every validation command has run on the recovery machine, between two looks at what it may not change."""
    instance_id = ctx.observed(resolve_runner).instance_id
    validation = ctx.settings.validation
    before = _look(ctx, instance_id, "before", validation.watch)
    results = tuple((command, run_on(ctx, instance_id, command)) for command in validation.commands)
    after = _look(ctx, instance_id, "after", validation.watch)
    changed = sorted(path for path in before.keys() | after.keys() if before.get(path) != after.get(path))
    return ValidateObserved(
        instance_id=instance_id,
        commands=tuple(seen(command, result) for command, result in results),
        watched=validation.watch,
        files_before=len(before),
        files_after=len(after),
        changed=tuple(changed),
    )


@validate.repair
def wait_for_the_machine(ctx: Context, error: Exception) -> str:
    """Wait until the machine takes commands again."""
    del error
    instance_id = ctx.observed(resolve_runner).instance_id
    ctx.target.recovery.hosts.wait_online(instance_id, timeout_ms=ONLINE_MS)
    return f"waited until {instance_id} takes commands"


def run_on(ctx: Context, instance_id: str, command: Command) -> CommandResult:
    """Run one command on the machine."""
    with ctx.effects.intend("host.run", f"{instance_id}/{command.name}", {"command": command.run}) as pending:
        result = ctx.target.recovery.hosts.run(
            pending.intent, instance_id, command.run, timeout_ms=ctx.settings.validation.timeout_ms
        )
        pending.done(status=result.status, exit_status=result.exit_status)
    ctx.say(f"{command.name}: {result.status}, exit status {result.exit_status}")
    return result


def seen(command: Command, result: CommandResult) -> CommandSeen:
    """Return a command's result as evidence keeps it."""
    return CommandSeen(
        name=command.name,
        command=command.run,
        command_id=result.command_id,
        status=result.status,
        exit_status=result.exit_status,
        stdout_tail=tuple(result.stdout.splitlines()[-TAIL_LINES:]),
        stderr_tail=tuple(result.stderr.splitlines()[-TAIL_LINES:]),
    )


def _look(ctx: Context, instance_id: str, when: str, watch: tuple[str, ...]) -> Mapping[str, str]:
    """Return kind, mode and SHA-256 of every watched path."""
    if not watch:
        return {}
    places = " ".join(quote(place) for place in watch)
    script = (
        f'for d in $(find {places} -type d 2>/dev/null | LC_ALL=C sort); do echo "directory  $d"; done; '
        f"find {places} -type f -exec sha256sum {{}} + 2>/dev/null | LC_ALL=C sort -k2"
    )
    result = run_on(ctx, instance_id, Command(name=f"look-{when}", run=script))
    if result.status != "Success":
        msg = f"the machine cannot be looked at {when} validation: {result.status} {result.stderr[-200:]}"
        raise PhaseError(msg)
    rows = (line.partition("  ") for line in result.stdout.splitlines())
    return {path: digest for digest, _, path in rows}
