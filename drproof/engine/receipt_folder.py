"""The folder of one drill in a receipt store: objects are made in it once, and read back before they count."""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from drproof.evidence.canonical import canonical, digest
from drproof.evidence.documents import StoredFile
from drproof.evidence.redaction import Redactor
from drproof.evidence.stored import place_of, retain_until, shortfall
from drproof.formats import s3_uri
from drproof.formats.receipt_names import name_of
from drproof.model.capabilities import Intent, ReceiptStore, Retention, StoredObject
from drproof.model.context import Pending
from drproof.model.criteria import PlanDocument, Storing
from drproof.model.errors import AlreadyExistsError, NotFoundError, TargetError, UnansweredError

VERB = "receipt.store"
CARRY = "progress.store"
TRIES = 2
"""How often one object is made when its making was not answered and it is not there."""

NAMES = 1000
"""How many objects of one phase a folder can hold."""


@dataclass(slots=True)
class ReceiptFolder:
    """Where the files of one drill lie besides."""

    storing: Storing
    store: ReceiptStore
    plan: PlanDocument
    directory: Path
    masker: Redactor
    locked: bool | None = None
    """Whether the bucket has Object Lock; None until it has said so."""

    @property
    def place(self) -> str:
        """The folder, as a URI."""
        return place_of(self.storing, self.plan.drill_id)

    @property
    def retention(self) -> Retention | None:
        """What the bucket is asked to keep the objects by; None where it cannot, or nobody asks."""
        if not self.locked or not self.storing.retention_days:
            return None
        return Retention(mode=self.storing.retention_mode, until=retain_until(self.plan, self.storing))

    def uri(self, path: str, number: int = 1) -> str:
        """Return where a file is stored; from 2 on, where one that came again is."""
        return f"{self.place}/{name_of(path, number)}"

    def put(self, path: str, intend: Callable[[str], AbstractContextManager[Pending]]) -> StoredFile:
        """Make a file, under the first name that is free or holds the very same bytes; `intend` is asked for each name.

        Raises:
            TargetError: the store refused it, or did not answer.
        """
        data = (self.directory / path).read_bytes()
        if self.masker.finds(data):
            msg = "it holds a value that is known to be secret, and is not uploaded"
            raise TargetError(msg)
        self.ask_for_the_lock()
        for number in range(1, NAMES):
            uri = self.uri(path, number)
            with intend(uri) as pending:
                found = self._put_at(path, uri, data, pending.intent)
                pending.done(**_outcome(found))
            if found is not None:
                return found
        msg = f"{self.place} holds {NAMES} objects of {path} already"
        raise TargetError(msg)

    def announce(self, record: Mapping[str, Any]) -> None:
        """Make an object of a journal's record that announces an effect; an answer of the store is enough.

        Raises:
            TargetError: the store refused it, or did not answer.
        """
        data = canonical(dict(record))
        if self.masker.finds(data):
            msg = f"record {record['number']} of the journal holds a value that is known to be secret"
            raise TargetError(msg)
        self.ask_for_the_lock()
        # What announces an effect cannot be announced itself.
        intent = Intent(**{name: record[name] for name in ("number", "verb", "resource", "token")})
        for number in range(1, NAMES):
            if self._is_there(s3_uri.parse(self.uri(f"journal/{record['number']}.json", number)), data, intent):
                return

    def lay(self, path: str, data: bytes) -> None:
        """Make an object of bytes that another machine needs to go on; they are there already, or are put there.

        Raises:
            TargetError: the store refused it or did not answer, or the bytes hold what is secret.
        """
        if self.masker.finds(data):
            msg = f"{path} holds a value that is known to be secret, and is not uploaded"
            raise TargetError(msg)
        self.ask_for_the_lock()
        for number in range(1, NAMES):
            uri = self.uri(path, number)
            # What a run is carried on with changes nothing of the world: its journal need not announce it.
            intent = Intent(number=0, verb=CARRY, resource=uri, token=digest(data)[:32])
            if self._is_there(s3_uri.parse(uri), data, intent):
                return

    def ask_for_the_lock(self) -> None:
        """Ask the bucket once whether it has Object Lock: an object can be given its retention only as it is made."""
        if self.locked is None:
            self.locked = self.store.locks(s3_uri.parse(self.storing.uri).bucket)

    def _is_there(self, place: s3_uri.S3Uri, data: bytes, intent: Intent) -> bool:
        """Return whether the bytes are at a place; False when others are."""
        error: TargetError | None = None
        for _ in range(TRIES):
            try:
                self.store.create(intent, place.bucket, place.key, data, retention=self.retention)
            except (AlreadyExistsError, UnansweredError) as exc:
                error = exc
            else:
                return True
            try:
                return self.store.look(place.bucket, place.key, locked=bool(self.locked)).body == data
            except NotFoundError:
                continue
        raise error or AssertionError("no try was made")

    def missing(self, path: str, problem: str) -> StoredFile:
        """Return what is to be said of a file that is not stored."""
        return StoredFile(
            path=path,
            sha256=digest((self.directory / path).read_bytes()),
            uri=self.uri(path),
            version=None,
            etag="",
            was_there=False,
            retention_mode=None,
            retained_until=None,
            problem=problem,
        )

    def _put_at(self, path: str, uri: str, data: bytes, intent: Intent) -> StoredFile | None:
        """Make an object and read it back; None when another one has that name."""
        there, found = self._made(s3_uri.parse(uri), data, intent)
        if found.body != data:
            if there:
                return None
            msg = f"{uri} was read back with other bytes than were written"
            raise TargetError(msg)
        retention = found.retention
        kept = StoredFile(
            path=path,
            sha256=digest(data),
            uri=uri,
            version=found.version or None,
            etag=found.etag,
            was_there=there,
            retention_mode=retention.mode if retention is not None else None,
            retained_until=retention.until if retention is not None else None,
            problem="",
        )
        asked = self.retention
        return replace(kept, problem=shortfall(asked.mode, asked.until, kept)) if asked is not None else kept

    def _made(self, place: s3_uri.S3Uri, data: bytes, intent: Intent) -> tuple[bool, StoredObject]:
        """Make an object, and return whether something was at its place already, and what is there now."""
        error: TargetError | None = None
        for _ in range(TRIES):
            version, there = "", False
            try:
                version = self.store.create(intent, place.bucket, place.key, data, retention=self.retention)
            except (AlreadyExistsError, UnansweredError) as exc:
                # Either may be the echo of a write of our own whose answer was lost.
                error, there = exc, True
            try:
                return there, self.store.look(place.bucket, place.key, version=version, locked=bool(self.locked))
            except NotFoundError as exc:
                error = error or exc
        raise error or AssertionError("no try was made")


def _outcome(found: StoredFile | None) -> dict[str, Any]:
    return {"taken": True} if found is None else {"version": found.version, "was_there": found.was_there}
