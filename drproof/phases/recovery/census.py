"""What there was of a drill ahead of its removal, as the journals of all its windows have it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from drproof.model.codec import decode
from drproof.model.context import Effect, Effects
from drproof.model.receipt import Count

CENSUS = "teardown.census"
UNREADABLE, UNREAD = "StateUnreadable", "cannot be read"
"""The code of a state that is there and is none, and how what is said of such an item begins."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """Something that exists at the recovery site; objects under one prefix are one item."""

    kind: str
    identity: str
    state: str = ""
    count: Count = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """What the remote state held of a drill ahead of removals."""

    before: tuple[str, ...] = ()
    """By this window's look, or by an earlier one's whose removal ended."""
    unsettled: tuple[str, ...] = ()
    """By an earlier window's look whose removal is not known to have ended: it took this away, or the state lost it."""


def unread_state(items: Iterable[Item]) -> str:
    """Return what is said of a state that could not be read; empty when none of the items is one."""
    return next((item.state for item in items if item.kind == "state" and item.state.startswith(UNREAD)), "")


def of_this_window(effects: Effects, drill_id: str) -> Effect | None:
    """Return the look ahead of the first removal of this window; None before there was one."""
    looks = (one for one in effects.made(CENSUS) if one.outcome == "done" and one.intent.resource == drill_id)
    return next(looks, None)


def counted(effects: Effects, creating: Sequence[str]) -> tuple[Item, ...]:
    """Return what the drill's looks have counted since it last created something, each thing once.

    Whoever looks after a removal would not see what that took away. What was counted before something was created says
    nothing about whether a later look sees that.
    """
    found: dict[tuple[str, str], Item] = {}
    for effect in effects.made(CENSUS, *creating):
        if effect.intent.verb != CENSUS:
            found.clear()
        elif effect.outcome == "done":
            for item in decode(tuple[Item, ...], effect.result["own"]):
                found.setdefault((item.kind, item.identity), item)
    return tuple(found.values())


def held(effects: Effects, drill_id: str) -> Held:
    """Return what the drill's looks found in the state since its machine last came up."""
    found: tuple[str, ...] = ()
    own: tuple[str, ...] = ()
    taken: tuple[str, ...] = ()
    unsettled: tuple[str, ...] = ()
    for effect in effects.made("runner.up", CENSUS, "runner.down"):
        if effect.intent.verb == "runner.up":
            # What comes up since may have the same names.
            found = taken = unsettled = ()
        elif effect.intent.verb == "runner.down" and effect.outcome == "done":
            taken = (*taken, *found)
        elif effect.intent.verb == "runner.down":
            unsettled = (*unsettled, *found)
        elif effect.outcome == "done":
            found = tuple(str(name) for name in effect.result.get("held", ()))
            own = found if effect.intent.resource == drill_id else own
    before = tuple(dict.fromkeys((*own, *taken)))
    return Held(before=before, unsettled=tuple(name for name in dict.fromkeys(unsettled) if name not in before))
