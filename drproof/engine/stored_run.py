"""The folder of one drill in a store, as somebody else left it; nothing in it is believed before a key says so."""

import re
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TypeVar

from drproof.engine.patience import Patience
from drproof.engine.progress import PART
from drproof.engine.refusal import Refusal, refuse
from drproof.evidence import envelope, statements
from drproof.evidence.canonical import digest
from drproof.evidence.integrity import CLOSING
from drproof.evidence.statements import Progress
from drproof.evidence.trust import Trust, public_key, verifies
from drproof.formats import s3_uri
from drproof.formats.receipt_names import execution_id, name_of
from drproof.model.capabilities import ReceiptStore, StoredObject
from drproof.model.errors import EvidenceError, NotFoundError
from drproof.model.signing import Role

MOST = 20_000
"""Objects in the folder of one drill."""

AT_ONCE = 8
"""Objects that are read at a time."""

OURS = re.compile(r"(bundle|run)/.+|[^/]+\.json")
"""What is read ahead of a run: files of its bundle, receipts among them, and what carries it on."""

T = TypeVar("T")


@dataclass(slots=True)
class StoredRun:
    """The folder of one drill in a store, as somebody else left it."""

    store: ReceiptStore
    place: s3_uri.S3Uri
    trust: Trust
    patience: Patience | None = None
    """How a question is asked that nobody answered; None where whoever asks comes again by himself."""
    names: dict[str, str] = field(default_factory=dict)
    """The keys, by their names below the folder."""
    _read: dict[str, StoredObject] = field(default_factory=dict)
    _locked: bool | None = None

    @classmethod
    def at(cls, uri: str, store: ReceiptStore, trust: Trust, patience: Patience | None = None) -> "StoredRun":
        """Return what lies under `s3://bucket/prefix/<drill-id>`; nothing is read yet.

        Raises:
            FormatError: it is no such URI.
            TargetError: the store does not answer, or holds too much there.
        """
        place = s3_uri.parse(uri.rstrip("/"))
        prefix = f"{place.key}/"
        found = cls(store, place, trust, patience)
        keys = found._ask(lambda: store.keys(place.bucket, prefix, most=MOST))
        # What a console makes as a folder is an empty object of that name, and nobody's.
        found.names = {key.removeprefix(prefix): key for key in keys if not key.endswith("/")}
        return found

    def _ask(self, question: Callable[[], T]) -> T:
        return question() if self.patience is None else self.patience.ask(question)

    @property
    def uri(self) -> str:
        """The folder, as a URI."""
        return str(self.place)

    @property
    def has_begun(self) -> bool:
        """Whether there is anything to go on with."""
        return any(name.startswith("run/progress-") for name in self.names)

    @property
    def is_closed(self) -> bool:
        """Whether the drill was sealed."""
        return name_of(CLOSING) in self.names

    def closing(self) -> tuple[str, bytes, str]:
        """Return the closing by its name, its bytes, and the outcome that it states; of several, the last.

        Raises:
            Refusal: there is none that a trusted key signed.
        """
        said = {}
        for name in self.variants(CLOSING):
            sealed = self.statement(name, statements.Closing).predicate
            if execution_id(sealed.drill_id) != self.place.key.rpartition("/")[2]:
                raise self.refusal(f"{name} closes the drill {sealed.drill_id}")
            said[name] = sealed.outcome
        if not said:
            raise self.refusal("it is not sealed")
        last = list(said)[-1]
        return last, self.read(last).body, said[last]

    def refusal(self, why: str) -> Refusal:
        """Return the refusal of a store that does not fit."""
        return refuse(
            f"{self.uri} cannot be gone on with: {why}",
            expected="the objects of one drill, as a trusted key signed them",
            got="nothing was changed",
            next_step="look for who wrote there; what the drill made carries its tag",
        )

    def read(self, name: str) -> StoredObject:
        """Return an object by its name, with its retention if it is of the bundle; one that is gone is a refusal."""
        if name not in self._read:
            if self._locked is None:
                self._locked = self._ask(lambda: self.store.locks(self.place.bucket))
            # Whoever goes on says again of each file how it is kept; of what only carries a run on, nobody does.
            locked, key = self._locked and not name.startswith(("journal/", "run/")), self.place.join(name)
            try:
                self._read[name] = self._ask(lambda: self.store.look(self.place.bucket, key, locked=locked))
            except NotFoundError as exc:
                raise self.refusal(f"{name} is not there") from exc
        return self._read[name]

    def read_ahead(self) -> None:
        """Read what a run in progress is made of, many objects at a time."""
        # What others laid there is named by nobody, and may be too large to be read.
        wanted = [name for name in self.names if OURS.fullmatch(name)]
        if wanted:
            self.read(wanted[0])
            with ThreadPoolExecutor(AT_ONCE) as pool:
                list(pool.map(self.read, wanted[1:]))

    def variants(self, path: str) -> Iterator[str]:
        """Yield the names under which a file of a bundle lies, those that came again included."""
        for number in range(1, MOST):
            name = name_of(path, number)
            if name not in self.names:
                return
            yield name

    def with_digest(self, path: str, sha256: str) -> str:
        """Return the name of the object of a path that has these bytes."""
        for name in self.variants(path):
            if digest(self.read(name).body) == sha256:
                return name
        raise self.refusal(f"{path} is not there with the digest {sha256} that was signed")

    def carried(self, sha256: str) -> bytes:
        """Return bytes that lie there by their digest."""
        body = self.read(f"run/{sha256}").body
        if digest(body) != sha256:
            raise self.refusal(f"run/{sha256} has other bytes than its name says")
        return body

    def statement(self, name: str, kind: type[T]) -> statements.Statement[T]:
        """Return a statement that a trusted key of a drill signed; any other is a refusal."""
        try:
            sealed = envelope.read(self.read(name).body)
            said = statements.read(sealed, kind)
        except EvidenceError as exc:
            raise self.refusal(f"{name}: {exc}") from exc
        if not sealed.signatures:
            raise self.refusal(f"{name} is not signed")
        for signature in sealed.signatures:
            key = self.trust.named(signature.keyid).get(Role.RUNNER)
            if key is None:
                raise self.refusal(f"{name} is signed by {signature.keyid}, which is no trusted key of a runner")
            if not verifies(public_key(key.public_key), signature.sig, sealed.message):
                raise self.refusal(f"the signature of {name} is not one of {signature.keyid}")
        return said

    def journal(self, subjects: Mapping[str, str]) -> bytes:
        """Return the journal as far as a statement speaks of it."""
        return b"".join(self.carried(subjects[name]) for name in sorted(subjects) if name.startswith(PART))

    def progress(self) -> statements.Statement[Progress]:
        """Return the last statement of how far the drill is."""
        names = sorted(name for name in self.names if name.startswith("run/progress-"))
        if not names:
            raise self.refusal(
                "nothing says how far the drill came: it was stored by an earlier drproof, or never begun"
            )
        found = [self.statement(name, Progress) for name in names]
        last = max(one.predicate.records for one in found)
        newest = [one for one in found if one.predicate.records == last]
        if len({self.journal(one.subjects) for one in newest}) != 1:
            raise self.refusal(f"{len(newest)} statements say how far it is, and not the same")
        newest.sort(key=lambda one: -one.predicate.receipts)
        if any(one.predicate.opening != newest[0].predicate.opening for one in found):
            raise self.refusal("two drills wrote there under one name")
        return newest[0]
