"""What says that a drill made a thing, besides a tag: "launch more like this" copies every tag that there is.

A machine has the client token that only the call which started it could set, or a state or a journal names it; a disk
hangs on such a machine; a group is named by a state; an object by the journal in the receipt store, where there is one.
"""

from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from drproof.analysis.ownership import older
from drproof.engine.clock import instant
from drproof.engine.effects import token_of
from drproof.engine.patience import PASSING, Patience
from drproof.engine.preparation import LONGEST_LIFE
from drproof.evidence.stored import place_of
from drproof.formats import s3_uri, strict_json, timestamps
from drproof.model.capabilities import ReceiptStore
from drproof.model.criteria import Storing
from drproof.model.errors import FormatError, TargetError
from drproof.model.machines import Resource
from drproof.phases.recovery.own_objects import WRITING
from drproof.targets.provisioners.place import State

STARTING, STARTED_IN = "runner.up", "bringup"
MOST = 1_000_000
AT_ONCE = 16
EARLIEST = LONGEST_LIFE + timedelta(minutes=1)
"""How long before an expiry the window that set it opened at the earliest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Announced:
    """What a drill wrote into the receipt store before it did it."""

    tokens: frozenset[str] = frozenset()
    """Of the effects that start a machine."""
    keys: frozenset[str] = frozenset()
    """Of the objects that it meant to write."""


@dataclass(slots=True)
class Evidence:
    """The evidence of one sweep; what was read once is not read again, and what hung on a machine is remembered."""

    receipts: ReceiptStore
    storing: Storing | None
    patience: Patience
    _journals: dict[str, Announced | None] = field(default_factory=dict)
    _closed: dict[str, str] = field(default_factory=dict)
    """Why the journal of a drill cannot be read, where it is refused."""
    _machines: dict[str, str] = field(default_factory=dict)
    """Machines that are surely a drill's, each with the drill."""
    _hanging: dict[str, str] = field(default_factory=dict)
    """What was seen to hang on a machine: nothing says so any more once the machine has ended."""
    _there: set[str] = field(default_factory=set)
    _named: dict[str, set[str]] = field(default_factory=dict)
    """What the states name, by drill."""

    def take(self, states: Iterable[State]) -> None:
        """Begin another look with what the states name by now; what one named at an earlier look stays named."""
        self._there.clear()
        for state in states:
            for thing in state.things if state.origin else ():
                self._named.setdefault(state.origin, set()).update((thing.identity, *thing.parts))

    def is_named(self, drill: str, identity: str) -> bool:
        """Return whether a state of the drill names a thing."""
        return identity in self._named.get(drill, ())

    def unknown(self, drill: str) -> str:
        """Return why the drill itself is not known; nothing where no receipt store could tell."""
        if self.storing is None or self._journal(drill) is not None:
            return ""
        if why := self._closed.get(drill):
            return f"what drill {drill} announced in the receipt store cannot be read: {why}"
        return f"the receipt store knows no effect of drill {drill}: the tag may be anybody's"

    def doubt(self, one: Resource, drill: str, expires_at: str) -> str:
        """Return why a thing with the drill's tag may not be the drill's; nothing where something besides names it."""
        if one.attached_to:
            self._hanging[one.identity] = one.attached_to
        if why := self.unknown(drill):
            return why
        if one.created_at and (opened := opened_at(expires_at)) and older(one.created_at, opened):
            return f"it was there at {one.created_at}, before a drill that ends at {expires_at} can have begun"
        if self._is_made_by(one, drill):
            if one.kind == "instance":
                self._machines[one.identity] = drill
                self._there.add(one.identity)
            return ""
        if one.kind == "instance":
            return f"its client token is of no effect of drill {drill}, and no state names it: its tags may be copied"
        return f"no state names it, and no machine that drill {drill} surely made holds it: its tags may be copied"

    def split(self, drill: str, keys: Iterable[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Return the keys that the drill announced, and the others; where no store could tell, none is another."""
        keys = tuple(keys)
        journal = self._journal(drill)
        if self.storing is None or journal is None:
            return keys, ()
        return tuple(k for k in keys if k in journal.keys), tuple(k for k in keys if k not in journal.keys)

    def machines_of(self, drill: str) -> tuple[str, ...]:
        """Return the machines that the last look found to be a drill's."""
        return tuple(sorted(one for one in self._there if self._machines.get(one) == drill))

    def _is_made_by(self, one: Resource, drill: str) -> bool:
        if self.is_named(drill, one.identity):
            return True
        if one.kind == "instance":
            journal = self._journal(drill)
            own = token_of(drill, STARTED_IN, STARTING, one.tags.get("Name", ""))
            return bool(one.effect) and one.effect in {own, *(journal.tokens if journal else ())}
        return self._machines.get(self._hanging.get(one.identity, "")) == drill

    def _journal(self, drill: str) -> Announced | None:
        """Return what the drill announced; None where it announced nothing, or there is no store."""
        if self.storing is None:
            return None
        if drill not in self._journals:
            try:
                found = _read(self.receipts, s3_uri.parse(place_of(self.storing, drill)), self.patience)
            except PASSING:
                raise
            except TargetError as exc:
                # Of one drill that lies in an archive by now, the others shall not cost on.
                found, self._closed[drill] = None, str(exc).partition("\n")[0]
            self._journals[drill] = found
        return self._journals[drill]


def opened_at(expires_at: str) -> str:
    """Return when the window opened at the earliest that set an expiry; "" for one that is no instant."""
    try:
        ends = timestamps.parse(expires_at)
    except FormatError:
        return ""
    # A tag can name an instant before which there is none.
    return instant(max(ends, timestamps.EPOCH + EARLIEST) - EARLIEST)


def _read(receipts: ReceiptStore, folder: s3_uri.S3Uri, patience: Patience) -> Announced | None:
    keys = receipts.keys(folder.bucket, f"{folder.join('journal')}/", most=MOST)
    if not keys:
        return None
    with ThreadPoolExecutor(AT_ONCE) as pool:
        bodies = pool.map(lambda key: patience.ask(lambda: receipts.look(folder.bucket, key).body), keys)
        records = [_record(body) for body in bodies]
    return Announced(
        tokens=frozenset(str(one.get("token")) for one in records if one.get("verb") == STARTING),
        keys=frozenset(str(key) for one in records if one.get("verb") == WRITING for key in _keys(one)),
    )


def _keys(record: Mapping[str, Any]) -> Iterable[object]:
    """Return the keys that an intent names; one of another form names none."""
    details = record.get("details")
    keys = details.get("keys") if isinstance(details, dict) else None
    return keys if isinstance(keys, list) else ()


def _record(body: bytes) -> Mapping[str, Any]:
    """Return the record of an intent; what is none names nothing."""
    try:
        found = strict_json.parse(body)
    except FormatError:
        return {}
    return found if isinstance(found, dict) else {}
