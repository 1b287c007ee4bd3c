"""What there was of a drill ahead of its removal, as the journals of all its windows have it."""

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from drproof.model.codec import decode
from drproof.model.context import Effect, Effects
from drproof.model.errors import HeldError
from drproof.model.machines import ASKED_BY_NAME
from drproof.model.receipt import Count

CENSUS = "teardown.census"
UNREADABLE, UNREAD = "StateUnreadable", "cannot be read"
"""The code of a state that is there and is none, and how what is said of such an item begins."""
UNCOUNTED = "cannot be counted"
"""How what is said of a cluster begins in which nobody could look."""
UNMARKED = "without the drill's tag"
"""What is said of something that the journals know by its name, and no look by tags finds."""
IN_A_CLUSTER, CLUSTER = "cluster-object", "cluster"
SPACE = "Namespace"
OF_CLUSTERS = ("cluster.delete", "cluster.unlink")
REMOVING = ("runner.down", "objects.delete", *OF_CLUSTERS)
SURE = frozenset({*ASKED_BY_NAME, "objects", "state", "lock"})
"""Kinds that are looked for by their names, so that what a look does not see is gone: not by tags alone."""
UNTOUCHED = HeldError.__name__
"""The class of the error by which a removal has changed nothing of the state: somebody else held its lock."""
MACHINE = re.compile(r"i-[0-9a-f]{8,17}")

_Key = tuple[str, str]
_Outcomes = dict[_Key, str]
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
    """By this window's look, or by an earlier one's: it is looked for by its name, or its removal ended."""
    unsettled: tuple[Item, ...] = ()
    """By an earlier window's look whose removal is not known to have ended: it took this away, or looks are blind."""

    def without(self, gone: Collection[Item]) -> "Counted":
        """Return this count, in which what is open and known to be gone is settled."""
        return Counted(
            settled=(*self.settled, *(item for item in self.unsettled if item in gone)),
            unsettled=tuple(item for item in self.unsettled if item not in gone),
        )


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


def is_seen(item: Item) -> bool:
    """Return whether an item says that something is there, and not that nobody could look."""
    return not item.state.startswith((UNREAD, UNCOUNTED))


def named(effects: Effects) -> tuple[_Key, ...]:
    """Return what the platform can be asked for by its name: what the drill made, and what looks counted as its own.

    A tag may be gone that a look goes by. What a look counted as foreign besides is not the drill's.
    """
    found: dict[_Key, None] = {}
    for effect in effects.made("runner.up", CENSUS):
        if effect.intent.verb == CENSUS and effect.outcome == "done":
            foreign = {(item.kind, item.identity) for item in decode(tuple[Item, ...], effect.result["foreign"])}
            own = ((item.kind, item.identity) for item in decode(tuple[Item, ...], effect.result["own"]))
            found.update((key, None) for key in own if key[0] in ASKED_BY_NAME and key not in foreign)
        elif effect.outcome == "done":
            made = map(str, effect.result.get("created_ids", ()))
            found.update((("instance", identity), None) for identity in made if MACHINE.fullmatch(identity))
    return tuple(found)


def counted(effects: Effects, drill_id: str, creating: Sequence[str], seen: Iterable[Item]) -> Counted:
    """Return what the drill's looks counted since it last created something, and what is `seen` now, each thing once.

    Whoever looks after a removal would not see what that took away. What was counted before something was created says
    nothing about whether a later look sees that; what nobody knows the end of stays open. What could not be created
    changes nothing.
    """
    seen = tuple(seen)
    settled: dict[_Key, Item] = {}
    unsettled: dict[_Key, Item] = {}
    looks: list[tuple[Effect, _Outcomes]] = []
    for effect in effects.made(CENSUS, *creating, *REMOVING):
        verb = effect.intent.verb
        if verb in creating and effect.outcome != "failed":
            _settle(looks, drill_id, settled, unsettled)
            looks.clear()
            for key in settled:
                # It was open, and a later removal ended.
                unsettled.pop(key, None)
            settled.clear()
        elif verb == CENSUS and effect.outcome == "done":
            looks.append((effect, {}))
        elif verb in REMOVING and looks:
            looks[-1][1][verb, effect.intent.resource] = effect.outcome
    _settle(looks, drill_id, settled, unsettled)
    for item in seen:
        settled.setdefault((item.kind, item.identity), item)
    clusters = any(item.kind == CLUSTER for item in seen)
    rest = (
        item
        for key, item in unsettled.items()
        # A cluster that nobody could look into has been looked into since.
        if key not in settled and (clusters or item.kind != CLUSTER)
    )
    return Counted(settled=tuple(settled.values()), unsettled=tuple(rest))


def _settle(
    looks: Iterable[tuple[Effect, _Outcomes]], drill_id: str, settled: dict[_Key, Item], unsettled: dict[_Key, Item]
) -> None:
    for look, removals in looks:
        own = look.intent.resource == drill_id
        for item in decode(tuple[Item, ...], look.result["own"]):
            found = settled if own or item.kind in SURE or _ended(item, removals) else unsettled
            found.setdefault((item.kind, item.identity), item)


def _ended(item: Item, removals: _Outcomes) -> bool:
    """Return whether a removal since took a thing away: in a cluster its own or its namespace's, else the machine's."""
    if item.kind == CLUSTER:
        return False
    if item.kind != IN_A_CLUSTER:
        return _went(removals, "runner.down")
    identity, _, secret = item.identity.partition("#")
    if secret:
        return _went(removals, "cluster.unlink", identity)
    space = identity.partition("/")[0]
    return _went(removals, "cluster.delete", identity) or _went(removals, "cluster.delete", f"{SPACE}/{space}")


def _went(removals: _Outcomes, verb: str, identity: str = "") -> bool:
    """Return whether each removal by a verb ended well, and there was one; in a cluster those of one thing alone."""
    outcomes = {
        outcome
        for (tried, resource), outcome in removals.items()
        if tried == verb and (not identity or resource.partition("/")[2].removeprefix("/") == identity)
    }
    return outcomes == {"done"}


def held(effects: Effects, drill_id: str) -> Held:
    """Return what the drill's looks found in the state since its machine last came up.

    Each attempt of a removal says what the state held ahead of it, in receipts of an earlier drproof the first alone.
    """
    found: tuple[str, ...] = ()
    own: tuple[str, ...] = ()
    taken: tuple[str, ...] = ()
    unsettled: tuple[str, ...] = ()
    ours = False
    for effect in effects.made("runner.up", CENSUS, "runner.down"):
        if effect.intent.verb == "runner.up" and effect.outcome != "failed":
            # What comes up since may have the same names; what is open by now stays open.
            unsettled = tuple(name for name in unsettled if name not in {*own, *taken})
            found = own = taken = ()
        elif effect.intent.verb == "runner.down":
            found = tuple(map(str, effect.details.get("held", found)))
            if effect.outcome == "done":
                taken = (*taken, *found)
            elif effect.result.get("error_class") != UNTOUCHED:
                own, unsettled = ((*own, *found), unsettled) if ours else (own, (*unsettled, *found))
        elif effect.intent.verb == CENSUS and effect.outcome == "done":
            found = tuple(str(name) for name in effect.result.get("held", ()))
            ours = effect.intent.resource == drill_id
    before = tuple(dict.fromkeys((*own, *taken)))
    return Held(before=before, unsettled=tuple(name for name in dict.fromkeys(unsettled) if name not in before))
