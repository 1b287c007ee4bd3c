"""Whose a thing is that carries a drill's tag, and how many of them may go at once."""

from collections.abc import Collection

from drproof.formats.timestamps import milliseconds
from drproof.model.errors import GuardError
from drproof.model.machines import Resource
from drproof.model.ownership import Bounds

INSTANCE = "instance"

SKEW_MS = 60_000
"""How far the platform's clock may be behind the one that wrote the journal."""


def doubts(one: Resource, bounds: Bounds) -> tuple[str, ...]:
    """Return why a thing with the drill's tag may not be the drill's; nothing means that it is.

    A machine must say everything: what the platform does not tell of one is a doubt as well.
    """
    found = []
    if one.effect not in bounds.tokens and one.identity not in bounds.identities:
        found.append("no journal of this drill knows the effect that made it")
    if one.kind != INSTANCE:
        return tuple(found)
    if one.account_id != bounds.account_id:
        found.append(f"it belongs to account {one.account_id or 'unknown'}, expected {bounds.account_id}")
    if one.network != bounds.network:
        found.append(f"it is in network {one.network or 'unknown'}, expected {bounds.network}")
    if not one.created_at or not bounds.since or older(one.created_at, bounds.since):
        found.append(f"it started at {one.created_at or 'an unknown time'}, before {bounds.since or 'any effect'}")
    return tuple(found)


def older(created_at: str, since: str) -> bool:
    """Return whether an instant of the platform is surely before one of ours; both in UTC, as evidence has them."""
    return milliseconds(since) - milliseconds(created_at) > SKEW_MS


def refuse_too_many(what: str, found: Collection[object], most: int, setting: str) -> None:
    """Refuse to remove more than a limit allows, before the first one is removed.

    Raises:
        GuardError: there are more; the message names the setting, or the option.
    """
    count = len(found)
    if count > most:
        where = (
            f"{setting} in drproof.toml" if "." in setting else f"{setting}, of the reaper its module's max_deletions"
        )
        msg = (
            f"{count} {what} would be removed; expected at most {most} ({setting}); nothing was removed\n"
            f"  next: look at what carries the tag; if all of it is to go, raise {where}"
        )
        raise GuardError(msg)
