"""What there was of a drill ahead of its removal, as the journals of all its windows have it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from drproof.model.codec import decode
from drproof.model.context import Effect, Effects
from drproof.model.errors import HeldError
from drproof.model.receipt import Count

CENSUS = "teardown.census"
UNREADABLE, UNREAD = "StateUnreadable", "cannot be read"
"""The code of a state that is there and is none, and how what is said of such an item begins."""
OF_MACHINES, OF_OBJECTS, OF_CLUSTERS = ("runner.down",), ("objects.delete",), ("cluster.delete", "cluster.unlink")
OF_KINDS = {"objects": OF_OBJECTS, "cluster-object": OF_CLUSTERS, "cluster": OF_CLUSTERS}
"""By which effects the things of a kind go away; all others go with the machine."""
REMOVING = (*OF_MACHINES, *OF_OBJECTS, *OF_CLUSTERS)
UNTOUCHED = HeldError.__name__
"""The class of the error by which a removal has changed nothing of the state: somebody else held its lock."""

_Outcomes = dict[tuple[str, str], str]
"""How the last effect of a verb on a resource ended."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """Something that exists at the recovery site; objects under one prefix are one item."""

    kind: str
    identity: str
    state: str = ""
    count: Count = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """What there was of a drill ahead of removals."""

    settled: tuple[Item, ...] = ()
    """By this window's look, or by an earlier one's whose removal ended."""
    unsettled: tuple[Item, ...] = ()
    """By an earlier window's look whose removal is not known to have ended: it took this away, or looks are blind."""


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


def counted(effects: Effects, drill_id: str, creating: Sequence[str], seen: Iterable[Item]) -> Counted:
    """Return what the drill's looks counted since it last created something, and what is `seen` now, each thing once.

    Whoever looks after a removal would not see what that took away. What was counted before something was created says
    nothing about whether a later look sees that.
    """
    looks: list[tuple[Effect, _Outcomes]] = []
    for effect in effects.made(CENSUS, *creating, *REMOVING):
        verb = effect.intent.verb
        if verb in creating:
            looks.clear()
        elif verb == CENSUS and effect.outcome == "done":
            looks.append((effect, {}))
        elif verb != CENSUS and looks:
            looks[-1][1][verb, effect.intent.resource] = effect.outcome
    settled: dict[tuple[str, str], Item] = {}
    unsettled: dict[tuple[str, str], Item] = {}
    for look, removals in looks:
        own = look.intent.resource == drill_id
        for item in decode(tuple[Item, ...], look.result["own"]):
            found = settled if own or _ended(item, removals) else unsettled
            found.setdefault((item.kind, item.identity), item)
    for item in seen:
        settled.setdefault((item.kind, item.identity), item)
    rest = (item for key, item in unsettled.items() if key not in settled)
    return Counted(settled=tuple(settled.values()), unsettled=tuple(rest))


def _ended(item: Item, removals: _Outcomes) -> bool:
    """Return whether what takes away things of this kind was tried after they were counted, and has ended well."""
    verbs = OF_KINDS.get(item.kind, OF_MACHINES)
    outcomes = [outcome for (verb, _), outcome in removals.items() if verb in verbs]
    return bool(outcomes) and set(outcomes) == {"done"}


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
        elif effect.intent.verb == "runner.down" and effect.result.get("error_class") != UNTOUCHED:
            unsettled = (*unsettled, *found)
        elif effect.intent.verb == CENSUS and effect.outcome == "done":
            found = tuple(str(name) for name in effect.result.get("held", ()))
            own = found if effect.intent.resource == drill_id else own
    before = tuple(dict.fromkeys((*own, *taken)))
    return Held(before=before, unsettled=tuple(name for name in dict.fromkeys(unsettled) if name not in before))
