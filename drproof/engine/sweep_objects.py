"""Objects that carry a drill's mark, below the prefixes of drills, for as long as there is time to ask for it."""

import secrets
from collections.abc import Callable, Collection, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TypeVar

from drproof.analysis.expiry import Claimed
from drproof.engine.patience import PASSING, Patience
from drproof.engine.sweep_evidence import Evidence, opened_at
from drproof.engine.sweep_find import Candidate
from drproof.engine.sweep_time import SweepTime
from drproof.model.capabilities import Intent, ObjectInfo
from drproof.model.context import DRILL_TAG, EXPIRES_TAG
from drproof.model.errors import NotFoundError, TargetError
from drproof.model.settings import Settings
from drproof.targets.sites import AwsTarget

T = TypeVar("T")
WORKERS = 16
OBJECTS = "objects"
LIST = "look whose they are, no journal of drill {drill} names them: aws s3 ls --recursive {place}"
ALONE = "drproof gc --drill {drill}, which looks at nothing else and has no end"
ALLOW = "allow s3:ListBucket and s3:GetObjectTagging to the caller of the sweep"


@dataclass(frozen=True, slots=True, kw_only=True)
class Still:
    """What is there of objects that were to go."""

    marked: frozenset[str]
    """Of them, those with the very marks by which they were to go."""
    others: frozenset[str]
    """Those that somebody marked otherwise, or wrote anew, since."""


class DrillObjects:
    """The objects of drills; who has too little time for all begins elsewhere the next time."""

    def __init__(  # noqa: PLR0913 — a place, how it is asked, and for how long
        self,
        target: AwsTarget,
        settings: Settings,
        evidence: Evidence,
        patience: Patience,
        time: SweepTime,
        *,
        drill: str,
        go_on: Callable[[], None],
    ) -> None:
        """Look at those of one drill, of all where it is empty; `go_on` is asked before each request that removes."""
        self._store = target.recovery.objects
        self._settings = settings
        self._bucket = settings.recovery.bucket
        self._above = f"{settings.recovery.prefix.strip('/')}/"
        self._evidence = evidence
        self._patience = patience
        self._time = time
        self._drill = drill
        self._go_on = go_on
        self._turn = secrets.randbelow(1 << 30)

    def look(self, drills: Collection[str] | None) -> Iterator[Candidate]:
        """Yield them by drill and expiry, of these drills only where any are named; each must carry its drill's tag."""
        try:
            names = self._store.folders(self._bucket, self._above).names
        except PASSING:
            raise
        except TargetError as exc:
            # Where nobody may list, or there is no bucket any more, a machine is ended all the same.
            yield self._unseen("", self._refused(exc), step=ALLOW)
            return
        # A folder without a name is no drill's.
        named = [name for name in names if name and self._drill in {"", name} and (drills is None or name in drills)]
        for drill in _turned(named, self._turn):
            if self._time.is_over:
                yield self._unseen(drill, self._time.over)
            else:
                yield from self._of(drill)

    def still(self, one: Candidate) -> Still:
        """Return what is there by now of objects that were to go; nobody's time is asked for what need not be known."""
        below = self._store.list(self._bucket, f"{self._above}{one.claimed.drill}/")
        there = [info for info in below if info.key in one.keys]
        marks = self._marks(there)
        claimed = (one.claimed.drill, one.claimed.expires_at)
        others = {
            info.key
            for info, found in zip(there, marks.found, strict=True)
            if found is not None and (found.get(DRILL_TAG), found.get(EXPIRES_TAG, "")) != claimed
        }
        return Still(marked=frozenset(info.key for info in there) - others, others=frozenset(others))

    def _of(self, drill: str) -> Iterator[Candidate]:
        prefix = f"{self._above}{drill}/"
        try:
            # Where the time does not suffice for one folder, another part of it comes first the next time.
            infos = _turned(tuple(self._store.list(self._bucket, prefix)), self._turn)
        except PASSING:
            raise
        except TargetError as exc:
            yield self._unseen(drill, self._refused(exc), step=ALLOW)
            return
        marks = self._marks(infos)
        grouped: dict[str, list[ObjectInfo]] = {}
        for info, found in zip(infos, marks.found, strict=True):
            if found is not None and found.get(DRILL_TAG) == drill:
                grouped.setdefault(found.get(EXPIRES_TAG, ""), []).append(info)
        for expires_at, carrying in sorted(grouped.items()):
            yield from self._candidates(drill, expires_at, carrying)
        if count := marks.found.count(None):
            why = marks.failure or self._time.over
            yield self._unseen(drill, why, count=count, step=ALLOW if marks.failure else ALONE.format(drill=drill))

    def _candidates(self, drill: str, expires_at: str, carrying: Sequence[ObjectInfo]) -> Iterator[Candidate]:
        place, keys = self._place(drill), tuple(sorted(info.key for info in carrying))
        claimed = Claimed(drill=drill, expires_at=expires_at, account_id=self._settings.sites.recovery.owner)
        unknown = self._evidence.unknown(drill)
        own, others = ((), keys) if unknown else self._evidence.split(drill, keys)
        if own:

            def remove(intent: Intent) -> None:
                since, seen = opened_at(expires_at) or expires_at, {_as_it_is(info) for info in carrying}
                # To end takes a machine minutes: what somebody wrote over meanwhile is theirs.
                there = self._store.list(self._bucket, f"{self._above}{drill}/")
                unchanged = {info.key for info in there if _as_it_is(info) in seen}
                self._store.delete(intent, self._bucket, unchanged.intersection(own), since=since, go_on=self._go_on)

            yield Candidate(
                kind=OBJECTS, identity=place, claimed=claimed, count=len(own), keys=frozenset(own), remove=remove
            )
        if others:
            yield Candidate(
                kind="foreign-objects",
                identity=place,
                claimed=claimed,
                count=len(others),
                doubt=unknown or f"no journal of drill {drill} names them: their tags may be copied",
                next_step=LIST.format(drill=drill, place=place),
            )

    def _unseen(self, drill: str, why: str, *, count: int = 1, step: str = "") -> Candidate:
        """Return what nobody could ask whose it is: whether any of it has expired is not known."""
        return Candidate(
            kind=OBJECTS,
            identity=self._place(drill),
            claimed=Claimed(drill=drill, expires_at="", account_id=self._settings.sites.recovery.owner),
            count=count,
            unread=f"whose they are was not asked: {why}",
            next_step=step or ALONE.format(drill=drill),
        )

    def _place(self, drill: str) -> str:
        return f"s3://{self._bucket}/{self._above}{f'{drill}/' if drill else ''}"

    def _refused(self, error: TargetError) -> str:
        return str(error).partition("\n")[0]

    def _marks(self, infos: Sequence[ObjectInfo]) -> "_Marks":
        """Return the tags of each object, None where nobody could be asked; what is gone meanwhile carries none."""
        marks = _Marks()

        def tags(info: ObjectInfo) -> dict[str, str] | None:
            if self._time.is_over or marks.is_given_up:
                return None
            try:
                # Of thousands some answer is missing every time: no look would ever come to its end.
                return dict(self._patience.ask(lambda: self._store.tags(info.bucket, info.key)))
            except NotFoundError:
                return {}
            except TargetError as exc:
                # One that is refused is one; a platform that does not answer is not asked a thousand times.
                marks.failure = self._refused(exc)
                marks.is_given_up = isinstance(exc, PASSING)
                return None

        with ThreadPoolExecutor(WORKERS) as pool:
            marks.found = list(pool.map(tags, infos))
        return marks


@dataclass(slots=True)
class _Marks:
    """What was said when objects were asked whose they are."""

    found: list[dict[str, str] | None] = field(default_factory=list)
    failure: str = ""
    is_given_up: bool = False


def _as_it_is(info: ObjectInfo) -> tuple[str, str, str]:
    return info.key, info.etag, info.modified_at


def _turned(things: Sequence[T], turn: int) -> Sequence[T]:
    """Return the same in the same order, from another one on."""
    first = turn % len(things) if things else 0
    return (*things[first:], *things[:first])
