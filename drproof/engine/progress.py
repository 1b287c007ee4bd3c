"""How far a drill is, in its receipt store: what another machine needs to go on, and a signed statement of it.

Everything lies there by its digest. The statement is made anew as each phase ends, before the receipt of that phase is
stored: a receipt that lies there has its effects beside it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from drproof.engine.keys import Sealer
from drproof.engine.private import HANDOVER, Handover
from drproof.engine.receipt_folder import ReceiptFolder
from drproof.evidence.canonical import canonical, digest
from drproof.evidence.statements import Progress, Statement, signed
from drproof.model.codec import encode
from drproof.model.errors import TargetError

PART, EARLIER = "journal/", "earlier/"
"""A part of the journal, by the number of its first record; the journal of an earlier window, oldest first."""

WITHHELD = "evidence/withheld"
STATEMENT = "run/progress-{records:08}.dsse.json"


@dataclass(slots=True)
class Trail:
    """What a run leaves in its store for whoever goes on with it."""

    folder: ReceiptFolder
    journal: Path
    sealer: Sealer
    handover: Handover
    opening: str
    _parts: dict[str, str] = field(default_factory=dict)
    """The digests of the parts of the journal that are there, by their names."""
    _size: int = 0
    _records: int = 0
    _said: bytes = b""

    def know(self, progress: Statement[Progress], size: int) -> None:
        """Take over what an earlier process stored; `size` is that of the parts of the journal together."""
        self._parts = {name: sha256 for name, sha256 in progress.subjects.items() if name.startswith(PART)}
        self._size, self._records = size, progress.predicate.records
        self._said = _seen(progress.subjects, progress.predicate)

    def keep(self, receipts: int) -> None:
        """Store what is new, then say so; the same again stores nothing.

        Raises:
            TargetError: the store refused it or did not answer, or the statement could not be signed.
        """
        subjects = {HANDOVER: self._lay(self._handover())}
        self._follow()
        for path in sorted((self.folder.directory / WITHHELD).glob("*.json")):
            subjects[path.relative_to(self.folder.directory).as_posix()] = self._lay(path.read_bytes())
        for number, journal in enumerate(self.handover.journals, start=1):
            subjects[f"{EARLIER}{number:08}"] = self._lay(Path(journal).read_bytes())
        subjects |= self._parts
        said = Progress(
            drill_id=self.folder.plan.drill_id, opening=self.opening, records=self._records, receipts=receipts
        )
        seen = _seen(subjects, said)
        if seen == self._said:
            return
        before = self.sealer.failure
        content = self.sealer.seal(lambda signers: signed(subjects, said, signers))
        if self.sealer.failure and not before and self.sealer.signers:
            raise TargetError(self.sealer.failure)
        self.folder.lay(STATEMENT.format(records=self._records), content)
        self._said = seen

    def _follow(self) -> None:
        """Store what the journal holds since it was last looked at, whole records only."""
        with self.journal.open("rb") as file:
            file.seek(self._size)
            data = file.read()
        data = data[: data.rfind(b"\n") + 1]
        if data:
            self._parts[f"{PART}{self._records + 1:08}"] = self._lay(data)
            self._size += len(data)
            self._records += data.count(b"\n")

    def _handover(self) -> bytes:
        """Return what the next process must know, without what is secret and without what is of this machine."""
        return canonical(encode(replace(self.handover, key="", journals=(), reports="")))

    def _lay(self, data: bytes) -> str:
        name = digest(data)
        self.folder.lay(f"run/{name}", data)
        return name


def _seen(subjects: Mapping[str, str], said: Progress) -> bytes:
    """Return what makes one statement another."""
    return canonical({"subjects": dict(subjects), "said": encode(said)})
