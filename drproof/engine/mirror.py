"""The mirror: each receipt in a bucket besides, made there once as its phase ends, and read back.

A drill whose receipts cannot be stored goes on, because its teardown must come: what is missing is tried again at the
end of the next phase and once more at the end of the run, and what is missing then is said.
"""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from drproof.engine.clock import SystemClock
from drproof.engine.effects import JournalledEffects
from drproof.engine.opening import Opened
from drproof.engine.progress import Trail
from drproof.engine.receipt_folder import VERB, ReceiptFolder
from drproof.evidence.bundle import listed, write_atomic
from drproof.evidence.canonical import canonical
from drproof.evidence.documents import StoredFile, StoredReceipts
from drproof.evidence.integrity import CLOSING
from drproof.evidence.statements import Progress, Statement
from drproof.evidence.stored import STORED
from drproof.model.capabilities import Intent
from drproof.model.codec import encode
from drproof.model.context import Clock, Pending
from drproof.model.errors import DrproofError, ThrottledError, UnansweredError
from drproof.model.settings import Limits

if TYPE_CHECKING:
    from drproof.engine.opening import Opened

WHILE_IT_RUNS = ("plan.json", "opening*.json", "evidence/*.json", "receipts/*.json", "checkpoints/*.json")
"""What is stored while a drill runs, in this order; the closing follows when there is one."""

PAUSE_MS = 60_000
"""How long a store that did not answer is left alone while phases run: every question costs the recovery its time."""


@dataclass(slots=True)
class Mirror:
    """The receipt store of one run."""

    folder: ReceiptFolder
    effects: JournalledEffects
    """Not bound to the lease: that it was lost is just what a receipt must be able to say."""
    limits: Limits
    clock: Clock
    trail: Trail | None = None
    """What another machine needs to go on; None where nobody could."""
    alone: bool = False
    """Whether nothing but the store remembers this run: what it does not hold may not happen."""
    _files: dict[str, StoredFile] = field(default_factory=dict)
    _unanswered: set[str] = field(default_factory=set)
    """What may be stored later: the store did not answer, or asked to be called less often."""
    _silent_until_ms: int = 0
    _closing: Intent | None = None
    _intents: dict[int, bool] = field(default_factory=dict)
    """The records of the journal that announce an effect, and whether they are in the store."""

    def sync(self) -> None:
        """Store what is on the disk and not in the store yet; what cannot be stored now is tried again later."""
        if self.alone or self.clock.monotonic_ms() >= self._silent_until_ms:
            self._sync(again=False)

    def announced(self, record: Mapping[str, Any]) -> None:
        """Store the record of an effect before it happens, so that the loss of this machine does not lose it.

        A store that refuses or does not answer is asked again at the end of the run: the record on the disk holds.

        Raises:
            TargetError: it does, and nothing but the store remembers this run.
        """
        if self.alone:
            self._intents[record["number"]] = False
            self.folder.announce(record)
            self._intents[record["number"]] = True
            return
        silent = self.clock.monotonic_ms() < self._silent_until_ms
        self._intents[record["number"]] = not silent and self._announce(record)

    def finish(self) -> None:
        """Store what is missing, as often as the limits allow, and write down where everything lies."""
        for number in range(1, self.limits.max_attempts + 1):
            self._sync(again=True)
            self._announce_what_is_missing()
            if not self._unanswered or number == self.limits.max_attempts:
                break
            self.clock.sleep_ms(self.limits.backoff_ms * number)
        folder = self.folder
        stored = StoredReceipts(
            place=folder.place,
            owner=folder.storing.owner,
            object_lock=folder.locked,
            retain_until=folder.retention.until if folder.retention is not None else None,
            files=tuple(
                self._files.get(path) or folder.missing(path, "the store did not answer for a file before it")
                for path in self._paths()
            ),
            intents=sum(self._intents.values()),
            intents_missing=tuple(number for number, there in sorted(self._intents.items()) if not there),
        )
        write_atomic(folder.directory / STORED, canonical(folder.masker.masked(encode(stored))))

    def know(
        self, files: Mapping[str, StoredFile], intents: Iterable[int], progress: Statement[Progress], size: int
    ) -> None:
        """Take over what an earlier process stored, as it was read back."""
        if self.trail is not None:
            self.trail.know(progress, size)
        self._files |= files
        self._intents |= dict.fromkeys(intents, True)

    def stored(self, path: str) -> StoredFile | None:
        """Return where a file lies; None where it is not stored."""
        found = self._files.get(path)
        return found if found is not None and not found.problem else None

    def announce_closing(self) -> None:
        """Write down that the closing will be stored: it seals the journal, so that later is too late."""
        self._closing = self.effects.announce(VERB, self.folder.uri(CLOSING))

    def store_closing(self) -> str:
        """Store the closing, and return why it is not stored, or ""; the sealed bundle cannot say it any more.

        Where the store alone remembers the run, everything that the closing lists lies there before it.
        """
        try:
            for path, data in listed(self.folder.directory).items() if self.alone else ():
                if self.stored(path) is None:
                    self.folder.lay(path, data)
        except (DrproofError, OSError) as exc:
            return _line(exc)
        return store_closing(self.folder, self._closing, self.limits, self.clock)

    def _announce(self, record: Mapping[str, Any]) -> bool:
        try:
            self.folder.announce(record)
        except (UnansweredError, ThrottledError):
            self._silent_until_ms = self.clock.monotonic_ms() + PAUSE_MS
            return False
        except DrproofError:
            return False
        return True

    def _announce_what_is_missing(self) -> None:
        """Store the intents of this run that are not in the store, those of a process before this one included."""
        records = {record["number"]: record for record in self.effects.intents() if record["verb"] != VERB}
        self._intents = {number: self._intents.get(number, False) for number in records}
        for number, record in records.items():
            if not self._intents[number] and not self._announce(record):
                return
            self._intents[number] = True

    def _paths(self) -> Iterator[str]:
        directory = self.folder.directory
        for pattern in WHILE_IT_RUNS:
            yield from sorted(str(path.relative_to(directory)) for path in directory.glob(pattern))

    def _sync(self, *, again: bool) -> None:
        """Store what is missing, up to the first thing that is not answered; `again` also what was refused."""
        followed = self.trail is None
        for path in self._paths():
            if not followed and path.partition("/")[0] in {"receipts", "checkpoints"}:
                # Not before: a receipt that lies there without its effects would have the next process forget them.
                followed = True
                if not self._follow():
                    return
            if path in self._files and path not in self._unanswered and not (again and self._files[path].problem):
                continue
            self._unanswered.discard(path)
            try:
                self._files[path] = self.folder.put(path, self._intend)
            except (UnansweredError, ThrottledError) as exc:
                self._files[path] = self.folder.missing(path, _line(exc))
                self._unanswered.add(path)
                self._silent_until_ms = self.clock.monotonic_ms() + PAUSE_MS
                return
            except (DrproofError, OSError) as exc:
                self._files[path] = self.folder.missing(path, _line(exc))
        if not followed:
            self._follow()

    def _follow(self) -> bool:
        """Store what another machine needs; return whether receipts may be stored now."""
        try:
            if self.trail is not None:
                receipts = len(list(self.folder.directory.glob("receipts/*.json")))
                self.trail.keep(receipts)
        except (UnansweredError, ThrottledError):
            self._silent_until_ms = self.clock.monotonic_ms() + PAUSE_MS
            return not self.alone
        except (DrproofError, OSError):
            return not self.alone
        return True

    def _intend(self, uri: str) -> AbstractContextManager[Pending]:
        return self.effects.intend(VERB, uri)


def mirror_of(opened: "Opened", limits: Limits) -> Mirror | None:
    """Return where the receipts of an open run are stored besides; None where nobody asked for it."""
    plan, clock = opened.record.plan, SystemClock()
    if plan.criteria.storing is None:
        return None
    folder = ReceiptFolder(plan.criteria.storing, opened.target.receipts, plan, opened.directory, opened.masker)
    trail = Trail(folder, opened.journal.path, opened.record.sealer, opened.handover, opened.record.opening)
    effects = JournalledEffects(opened.journal, drill_id=plan.drill_id, phase="", clock=clock, masker=opened.masker)
    return Mirror(folder, effects, limits, clock, trail)


def store_closing(folder: ReceiptFolder, announced: Intent | None, limits: Limits, clock: Clock) -> str:
    """Store a closing whose intent is in the sealed journal, and return why it is not stored, or ""."""
    if announced is None:
        return "the journal does not announce it"
    pending = _Announced(announced)
    for number in range(1, limits.max_attempts + 1):
        try:
            return folder.put(CLOSING, lambda _: nullcontext(pending)).problem
        except (UnansweredError, ThrottledError) as exc:
            if number == limits.max_attempts:
                return _line(exc)
        except (DrproofError, OSError) as exc:
            return _line(exc)
        clock.sleep_ms(limits.backoff_ms * number)
    return ""


class _Announced:
    """An effect whose outcome no journal can hold."""

    def __init__(self, intent: Intent) -> None:
        self.intent = intent

    def done(self, **_: Any) -> None:  # noqa: ANN401 — plain JSON
        """Keep nothing."""


def _line(error: Exception) -> str:
    return str(error).partition("\n")[0]
