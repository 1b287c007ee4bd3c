"""A bundle: the folder of one drill, from the plan to the closing, as it is written and as it is read again.

Files are written whole or not at all. What is read is compared with what was sealed: `problems` lists every
difference, and an unfinished bundle says so instead of failing.
"""

import os
import re
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any, BinaryIO, Literal, TypeAlias

from drproof.evidence import envelope
from drproof.evidence.canonical import digest
from drproof.evidence.documents import StoredReceipts, Verdicts
from drproof.evidence.exact import known, parsed, read_known
from drproof.evidence.files import Problem
from drproof.evidence.integrity import AFTER, CLOSING, OPENING, PLAN, RESERVE, VERDICTS, ReceiptFile, inspect
from drproof.evidence.own_tests import OWN_TESTS, OwnTests
from drproof.evidence.statements import Checkpoint, Closing, Withheld, opening_of, signed
from drproof.evidence.statements import read as read_statement
from drproof.evidence.stored import stored_receipts
from drproof.evidence.stored import unstored as unstored_of
from drproof.formats.strict_json import parse
from drproof.model.criteria import PlanDocument
from drproof.model.errors import EvidenceError
from drproof.model.receipt import EvidenceRef, Receipt, receipt_type
from drproof.model.signing import Signer
from drproof.model.verdict import Verdict

Outcome: TypeAlias = Literal["proven", "refuted", "incomplete"]
"""What a whole drill comes to."""

UNLISTED = frozenset({CLOSING, RESERVE})
"""What a closing does not list: itself, and room on the disk."""


def write_atomic(path: Path, data: bytes) -> None:
    """Write a file whole, durably, or not at all; folders above it are made."""
    with being_written(path) as file:
        file.write(data)


@contextmanager
def being_written(path: Path) -> Iterator[BinaryIO]:
    """Open a file that is there once the block has ended, whole and durably; whatever ends it otherwise leaves none."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(descriptor, "w+b") as file:
            yield file
            file.flush()
            os.fchmod(file.fileno(), 0o644)
            os.fsync(file.fileno())
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


UNFINISHED = re.compile(r"\..+\.[a-z0-9_]{8}")
"""How a file is named while it is written."""


def clear_unfinished(directory: Path) -> None:
    """Remove what a killed run was still writing into its bundle; no run may be writing there."""
    for path in sorted(directory.rglob(".*")):
        # What comes after the closing is others' to write, at any time.
        if not path.relative_to(directory).as_posix().startswith(AFTER) and _is_unfinished(path):
            path.unlink()


def _is_unfinished(path: Path) -> bool:
    return UNFINISHED.fullmatch(path.name) is not None and path.is_file() and not path.is_symlink()


def sealed_opening(plan: PlanDocument, *, plan_digest: str, signers: Iterable[Signer] = ()) -> bytes:
    """Return the file that fixes a plan before the first effect."""
    return signed({PLAN: plan_digest}, opening_of(plan), signers)


def sealed_checkpoint(receipt: Receipt[Any], data: bytes, signers: Iterable[Signer] = ()) -> tuple[str, bytes]:
    """Return path and content of the file that seals a receipt as its phase ends."""
    said = Checkpoint(drill_id=receipt.drill_id, opening=receipt.opening, sequence=receipt.sequence)
    name = f"{receipt.sequence:02}-{receipt.phase}"
    return f"checkpoints/{name}.dsse.json", signed({f"receipts/{name}.json": digest(data)}, said, signers)


def sealed_closing(  # noqa: PLR0913 — what a closing says
    plan: PlanDocument,
    *,
    opening: str,
    outcome: Outcome,
    files: Mapping[str, str],
    head: str,
    receipts: int,
    closed_at: str,
    withheld: tuple[Withheld, ...] = (),
    signers: Iterable[Signer] = (),
) -> bytes:
    """Return the file that seals a bundle: every file by its digest, and the end of the receipts' chain."""
    said = Closing(
        drill_id=plan.drill_id,
        mode=plan.mode,
        plan=plan.plan,
        opening=opening,
        outcome=outcome,
        window=plan.window,
        receipts=receipts,
        chain_head=head,
        file_count=len(files),
        closed_at=closed_at,
        withheld=withheld,
    )
    return signed(files, said, signers)


def listed(directory: Path) -> dict[str, bytes]:
    """Return every file that a closing lists, by its path."""
    names = (name for name in sorted(_names(directory)) if name not in UNLISTED and not name.startswith(AFTER))
    return {name: (directory / name).read_bytes() for name in names}


def digests(directory: Path) -> dict[str, str]:
    """Return the digest of every file that a closing lists, by its path."""
    return {name: digest(data) for name, data in listed(directory).items()}


class Bundle:
    """A bundle as it lies on the disk."""

    def __init__(
        self, directory: Path, plan: PlanDocument, files: tuple[ReceiptFile, ...], types: Mapping[str, type]
    ) -> None:
        """Hold what was read; `open` reads."""
        self.directory = directory
        self.plan = plan
        self.files = files
        self._types = types

    @classmethod
    def open(cls, directory: Path, types: Mapping[str, type]) -> "Bundle":
        """Read plan and receipts; `types` maps each phase to the type it observes.

        Raises:
            EvidenceError: one of them cannot be read; `problems` reports what merely differs.
        """
        plan = read_known(PlanDocument, _read(directory, PLAN))
        folder = directory / "receipts"
        names = sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []
        files = tuple(_receipt(directory, f"receipts/{name}", types) for name in names if name.endswith(".json"))
        return cls(directory, plan, tuple(sorted(files, key=lambda file: file.receipt.sequence)), types)

    @property
    def receipts(self) -> tuple[Receipt[Any], ...]:
        """The receipts in order."""
        return tuple(file.receipt for file in self.files)

    @property
    def is_closed(self) -> bool:
        """Whether the bundle was sealed."""
        return (self.directory / CLOSING).exists()

    @cached_property
    def digest(self) -> str:
        """The SHA-256 of the closing, which names everything else; of the opening while there is none."""
        return digest(_read(self.directory, CLOSING if self.is_closed else OPENING))

    @cached_property
    def opening_digest(self) -> str:
        """The SHA-256 of the opening."""
        return digest(_read(self.directory, OPENING))

    @cached_property
    def closing(self) -> Closing:
        """What the closing says; `EvidenceError` while there is none."""
        return read_statement(envelope.read(_read(self.directory, CLOSING)), Closing).predicate

    @cached_property
    def signers(self) -> tuple[str, ...]:
        """The keyids that the opening names; whether they are anybody's, only a reader's trust file says."""
        return tuple(signature.keyid for signature in envelope.read(_read(self.directory, OPENING)).signatures)

    @cached_property
    def verdicts(self) -> tuple[Verdict, ...]:
        """The verdicts as they were sealed; none while there are none."""
        if not (self.directory / VERDICTS).exists():
            return ()
        return read_known(Verdicts, _read(self.directory, VERDICTS)).verdicts

    @cached_property
    def own_tests(self) -> OwnTests | None:
        """What the operator's own tests found; None when there were none."""
        if not (self.directory / OWN_TESTS).exists():
            return None
        return read_known(OwnTests, _read(self.directory, OWN_TESTS))

    @cached_property
    def stored(self) -> StoredReceipts | None:
        """Where the receipts lie besides; None where the bundle says nothing of it that can be read."""
        try:
            return stored_receipts(self.directory)
        except EvidenceError:
            return None

    @cached_property
    def unstored(self) -> tuple[str, ...]:
        """Why the receipts are not stored as the plan asks, one line a reason; empty when they are."""
        digests = {PLAN: digest(_read(self.directory, PLAN)), OPENING: self.opening_digest}
        digests |= {file.path: file.digest for file in self.files}
        return unstored_of(self.plan, digests, self.stored)

    def problems(self) -> tuple[Problem, ...]:
        """Return every difference between what was sealed and what is there; empty when there is none."""
        return tuple(inspect(self.directory, self._types).problems)

    def chain_problems(self) -> tuple[Problem, ...]:
        """Return what is wrong before the bundle is closed: with opening, receipts, checkpoints and evidence."""
        return tuple(problem for problem in self.problems() if problem.code != "not-closed")


def read_evidence(directory: Path, ref: EvidenceRef) -> Any:  # noqa: ANN401 — plain JSON
    """Return the parsed content of an evidence file.

    Raises:
        EvidenceError: it is missing, or not the bytes that the receipt refers to.
    """
    try:
        data = (directory / ref.path).read_bytes()
    except OSError as exc:
        raise EvidenceError("evidence-missing", f"{ref.path}: {exc.strerror}") from exc
    if digest(data) != ref.sha256:
        raise EvidenceError("evidence-changed", f"{ref.path} is not the file that the receipt refers to")
    return parse(data)


def _receipt(directory: Path, name: str, types: Mapping[str, type]) -> ReceiptFile:
    data = _read(directory, name)
    content = parsed(data)
    phase = content.get("phase") if isinstance(content, dict) else None
    if not isinstance(phase, str) or phase not in types:
        raise EvidenceError("unknown-phase", f"{name} is the receipt of {phase!r}, which is not installed")
    receipt: Receipt[Any] = known(receipt_type(types[phase]), content)
    return ReceiptFile(name, receipt, digest(data))


def _read(directory: Path, name: str) -> bytes:
    try:
        return (directory / name).read_bytes()
    except OSError as exc:
        raise EvidenceError("missing", f"{name} cannot be read: {exc.strerror}") from exc


def _names(directory: Path) -> Iterator[str]:
    for path in directory.rglob("*"):
        if path.is_file():
            yield path.relative_to(directory).as_posix()
