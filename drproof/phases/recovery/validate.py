"""Read-only commands on the recovery machine; what they changed, if anything, is observed beside them."""

import hashlib
from dataclasses import dataclass
from shlex import quote

from drproof.model.capabilities import CommandResult
from drproof.model.context import Context
from drproof.model.errors import PhaseError
from drproof.model.phase import phase
from drproof.model.receipt import Count, Digest
from drproof.model.settings import Command
from drproof.phases.recovery.resolve_runner import resolve_runner

ONLINE_MS = 120_000
TAIL_LINES = 20
LISTED_BYTES = 16_000
MARK = "drproof-look"
NOTHING = f"{MARK} 0 {hashlib.sha256(b'').hexdigest()}"
"""What a machine is made to say when nothing is watched."""


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
class Look:
    """What the machine says of the watched paths: how many entries, and one SHA-256 over all of them."""

    entries: Count
    sha256: Digest


@dataclass(frozen=True, slots=True, kw_only=True)
class ValidateObserved:
    """What the machine showed, and what looking at it changed."""

    instance_id: str
    commands: tuple[CommandSeen, ...]
    watched: tuple[str, ...]
    before: Look
    """Taken once, ahead of the first command of the first attempt."""
    after: Look
    changed: tuple[str, ...]
    """Watched entries that differ between the two looks, as far as the machine's output can carry them."""


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
    before, entries_before = _baseline(ctx, instance_id)
    results = tuple((command, run_on(ctx, instance_id, command)) for command in validation.commands)
    after, entries_after = _look(ctx, instance_id, "after")
    return ValidateObserved(
        instance_id=instance_id,
        commands=tuple(seen(command, result) for command, result in results),
        watched=validation.watch,
        before=before,
        after=after,
        changed=tuple(sorted(entries_before ^ entries_after)) if before != after else (),
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


def _baseline(ctx: Context, instance_id: str) -> tuple[Look, frozenset[str]]:
    """Return the first look of this drill at the machine: one taken after a command would not see what that made."""
    place = f"{instance_id}#{ctx.drill_id}"
    for effect in ctx.effects.made("validation.baseline"):
        if effect.intent.resource == place and effect.outcome == "done":
            # The names of the entries are not kept: an attempt after the first tells only that something changed.
            return Look(entries=effect.result["entries"], sha256=effect.result["sha256"]), frozenset()
    with ctx.effects.intend("validation.baseline", place) as pending:
        look, entries = _look(ctx, instance_id, "before")
        pending.done(entries=look.entries, sha256=look.sha256)
    return look, entries


def _look(ctx: Context, instance_id: str, when: str) -> tuple[Look, frozenset[str]]:
    """Return count and digest of every watched entry (kind, mode, path, content), and the entries themselves.

    The machine counts and hashes, so that an output that is cut cannot hide anything; the entries follow as far as
    they fit.
    """
    places = " ".join(quote(place) for place in ctx.settings.validation.watch)
    script = (
        f"listing=$(for p in {places}; do\n"
        '  if [ -e "$p" ] || [ -L "$p" ]; then\n'
        '    find "$p" -exec stat -c \'%F %a %N\' {} + && find "$p" -type f -exec sha256sum {} +\n'
        '  else echo "absent $p"; fi\n'
        # What cannot be read is an entry too: the machine's complaint stands in its place.
        "done 2>&1 | LC_ALL=C sort)\n"
        'printf "%s %s %s\\n" '
        f"{MARK} "
        '"$(printf "%s\\n" "$listing" | grep -c .)" "$(printf "%s\\n" "$listing" | sha256sum | cut -d " " -f 1)"\n'
        f'printf "%s\\n" "$listing" | head -c {LISTED_BYTES}\n'
    )
    result = run_on(ctx, instance_id, Command(name=f"look-{when}", run=script if places else f"echo {NOTHING}"))
    first, _, listing = result.stdout.partition("\n")
    words = first.split(" ")
    if result.status != "Success" or len(words) != len(NOTHING.split(" ")) or words[0] != MARK:
        msg = f"the machine cannot be looked at {when} validation: {result.status} {result.stderr[-200:]}"
        raise PhaseError(msg)
    return Look(entries=int(words[1]), sha256=words[2]), frozenset(listing.splitlines())
