"""Commands on the recovery machine, and what evidence keeps of them."""

from dataclasses import dataclass

from drproof.model.capabilities import CommandResult
from drproof.model.context import Context
from drproof.model.settings import Command

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
    truncated: bool = False
    """Whether the platform kept less than the command printed: the tails are then not known to be the ends."""


def run_on(
    ctx: Context, instance_id: str, command: Command, *, apart: str = "/", timeout_ms: int | None = None
) -> CommandResult:
    """Run one command on the machine; `apart` keeps the names of ours and of the settings' commands apart."""
    with ctx.effects.intend("host.run", f"{instance_id}{apart}{command.name}", {"command": command.run}) as pending:
        result = ctx.target.recovery.hosts.run(
            pending.intent, instance_id, command.run, timeout_ms=timeout_ms or ctx.settings.validation.timeout_ms
        )
        pending.done(status=result.status, exit_status=result.exit_status)
    cut = ", output cut" if result.truncated else ""
    ctx.say(f"{command.name}: {result.status}, exit status {result.exit_status}{cut}")
    return result


def seen(ctx: Context, command: Command, result: CommandResult) -> CommandSeen:
    """Return a command's result as evidence keeps it: what it printed is somebody else's text."""
    return CommandSeen(
        name=command.name,
        command=command.run,
        command_id=result.command_id,
        status=result.status,
        exit_status=result.exit_status,
        stdout_tail=tuple(ctx.redact(result.stdout, lines=TAIL_LINES).splitlines()),
        stderr_tail=tuple(ctx.redact(result.stderr, lines=TAIL_LINES).splitlines()),
        truncated=result.truncated,
    )
