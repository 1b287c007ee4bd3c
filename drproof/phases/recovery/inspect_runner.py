"""Read-only commands on the recovery machine; what they changed, if anything, is observed beside them."""

import hashlib
import re
from dataclasses import dataclass
from shlex import quote

from drproof.model.codec import decode, encode
from drproof.model.context import Context
from drproof.model.errors import PhaseError
from drproof.model.phase import phase
from drproof.model.receipt import Count, Digest
from drproof.model.settings import Command
from drproof.phases.recovery.commands import CommandSeen, run_on, seen
from drproof.phases.recovery.resolve_runner import resolve_runner

ONLINE_MS = 120_000
LISTED_BYTES = 16_000
"""How much of a listing a machine prints; what runs commands keeps only so much of an output."""

LOOKED = re.compile(r"drproof-look ([0-9]+) ([0-9]+) ([0-9a-f]{64})")
NOTHING = f"drproof-look 0 0 {hashlib.sha256(b'').hexdigest()}"
"""What a machine is made to say when nothing is watched."""

BASELINE = "validation.baseline"


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What the machine says of the watched paths: how many entries, and one SHA-256 over all of them."""

    entries: Count
    unreadable: Count
    """How often the machine could not look: what lies there can change unseen."""
    sha256: Digest


@dataclass(frozen=True, slots=True, kw_only=True)
class RunnerInspected:
    """What the machine showed, and what looking at it changed."""

    instance_id: str
    commands: tuple[CommandSeen, ...]
    watched: tuple[str, ...]
    before: Look
    """Taken once for a machine, ahead of the first command of the first attempt of the first window."""
    commands_before: Count
    """Commands that validation had begun on the machine ahead of that look: what they made, it takes for given."""
    after: Look
    changed: tuple[str, ...]
    """Watched entries that differ; empty also when they cannot be told, because a listing was cut or not kept."""


@phase(
    plans={"recovery"},
    after=["restore", "resolve_runner"],
    window="validate",
    uses={"host.run"},
    objective_ms=720_000,
    command_hint="pytest -m drill --validate-only --receipt-dir …",
    input=lambda ctx: {"commands": [command.name for command in ctx.settings.validation.commands]},
)
def inspect_runner(ctx: Context) -> RunnerInspected:
    """Every validation command has run on the recovery machine, between two looks at what it may not change."""
    instance_id = ctx.observed(resolve_runner).instance_id
    validation = ctx.settings.validation
    before, listed_before, commands_before = _baseline(ctx, instance_id)
    results = tuple((command, run_on(ctx, instance_id, command)) for command in validation.commands)
    after, listed_after = _look(ctx, instance_id, "after")
    return RunnerInspected(
        instance_id=instance_id,
        commands=tuple(seen(ctx, command, result) for command, result in results),
        watched=validation.watch,
        before=before,
        commands_before=commands_before,
        after=after,
        changed=_difference(listed_before, listed_after),
    )


@inspect_runner.repair
def wait_for_the_machine(ctx: Context, error: Exception) -> str:
    """Wait until the machine takes commands again."""
    del error
    instance_id = ctx.observed(resolve_runner).instance_id
    ctx.target.recovery.hosts.wait_online(instance_id, timeout_ms=ONLINE_MS)
    return f"waited until {instance_id} takes commands"


def _baseline(ctx: Context, instance_id: str) -> tuple[Look, frozenset[str] | None, int]:
    """Return the first look at the machine, its entries where they are known, and how many commands came before it.

    Every later attempt and window uses it again: a look of its own would take for given what the commands made.
    """
    commands = 0
    for effect in ctx.effects.made(BASELINE, "host.run"):
        place, verb = effect.intent.resource, effect.intent.verb
        if (verb, place, effect.outcome) == (BASELINE, instance_id, "done"):
            return decode(Look, effect.result), None, commands
        # A command that failed, or that nobody knows the end of, may have made something as well.
        commands += verb == "host.run" and effect.phase == "inspect_runner" and place.startswith(f"{instance_id}/")
    with ctx.effects.intend(BASELINE, instance_id) as pending:
        look, listed = _look(ctx, instance_id, "before")
        pending.done(**encode(look))
    return look, listed, commands


def _difference(before: frozenset[str] | None, after: frozenset[str] | None) -> tuple[str, ...]:
    return () if before is None or after is None else tuple(sorted(before ^ after))


def _look(ctx: Context, instance_id: str, when: str) -> tuple[Look, frozenset[str] | None]:
    """Return count and digest of every watched entry (kind, mode, path, content), and the entries if all were printed.

    The machine counts and hashes, so that an output that is cut cannot hide anything.
    """
    places = " ".join(quote(place) for place in ctx.settings.validation.watch)
    script = (
        f"listing=$(for p in {places}; do\n"
        '  if [ -e "$p" ] || [ -L "$p" ]; then\n'
        # A watched path that is a link is followed; a link below it is an entry.
        '    find -H "$p" -exec stat -c \'%F %a %N\' {} + 2>/dev/null || echo "unreadable $p"\n'
        '    find -H "$p" -type f -exec sha256sum {} + 2>/dev/null || echo "unreadable $p"\n'
        '  else echo "absent $p"; fi\n'
        "done | LC_ALL=C sort)\n"
        "entries=$(printf '%s\\n' \"$listing\" | grep -c .)\n"
        "unreadable=$(printf '%s\\n' \"$listing\" | grep -c '^unreadable ')\n"
        "digest=$(printf '%s\\n' \"$listing\" | sha256sum | cut -d ' ' -f 1)\n"
        'echo "drproof-look $entries $unreadable $digest"\n'
        f"printf '%s\\n' \"$listing\" | head -c {LISTED_BYTES}\n"
    )
    name = f"look-{when}"
    result = run_on(ctx, instance_id, Command(name=name, run=script if places else f"echo {NOTHING}"), apart="#")
    first, _, listing = result.stdout.partition("\n")
    said = LOOKED.fullmatch(first)
    if result.status != "Success" or said is None:
        msg = (
            f"the machine cannot be looked at {when} validation: expected count and digest of what is watched, "
            f"got {result.status} {first[:200]!r} {result.stderr[-200:]}"
        )
        raise PhaseError(msg)
    look = Look(entries=int(said[1]), unreadable=int(said[2]), sha256=said[3])
    # Not splitlines: a name may hold what Python takes for the end of a line.
    lines = [line for line in listing.split("\n") if line]
    whole = not result.truncated and len(listing.encode()) < LISTED_BYTES and len(lines) == look.entries
    return look, frozenset(lines) if whole else None
