"""A bundle: the folder of one drill, from the plan to the closing, as it is written and as it is read again.

Files are written whole or not at all. What is read is compared with what was sealed: `problems` lists every
difference, and an unfinished bundle says so instead of failing.
"""

import os
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, TypeAlias

from drproof.evidence.canonical import canonical, digest
from drproof.evidence.documents import Closing, Opening, Sealed, SealedFile, Verdicts
from drproof.formats.strict_json import parse
from drproof.model.codec import decode, encode
from drproof.model.criteria import PlanDocument
from drproof.model.errors import EvidenceError
from drproof.model.receipt import Receipt, receipt_type
from drproof.model.verdict import Verdict

PLAN, OPENING, VERDICTS, CLOSING = "plan.json", "opening.json", "verdicts.json", "closing.json"
Outcome: TypeAlias = Literal["proven", "refuted", "incomplete"]
"""What a whole drill comes to."""

UNLISTED = frozenset({CLOSING, "journal.reserve"})
"""What a closing does not list: itself, and room on the disk."""


def write_atomic(path: Path, data: bytes) -> None:
    """Write a file whole, durably, or not at all; folders above it are made."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
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


def opening_of(plan: PlanDocument, *, plan_digest: str) -> dict[str, Any]:
    """Return the opening: which plan was fixed, when, and how it was signed."""
    document: dict[str, Any] = encode(
        Opening(
            drill_id=plan.drill_id,
            mode=plan.mode,
            opened_at=plan.created_at,
            nonce=plan.nonce,
            plan=Sealed(path=PLAN, sha256=plan_digest),
            previous_bundle=plan.previous_bundle,
        )
    )
    return document


def closing_of(
    plan: PlanDocument, *, outcome: Outcome, files: Mapping[str, bytes], head: str, receipts: int
) -> dict[str, Any]:
    """Return the closing: every file of the bundle with its SHA-256, and the end of the receipts' chain."""
    document: dict[str, Any] = encode(
        Closing(
            drill_id=plan.drill_id,
            mode=plan.mode,
            outcome=outcome,
            window=plan.window,
            receipts=receipts,
            chain_head=head,
            files=tuple(
                SealedFile(path=path, sha256=digest(data), size=len(data)) for path, data in sorted(files.items())
            ),
            file_count=len(files),
        )
    )
    return document


def listed(directory: Path) -> dict[str, bytes]:
    """Return every file of a bundle by its path, the closing left out."""
    return {name: (directory / name).read_bytes() for name in sorted(_names(directory)) if name not in UNLISTED}


@dataclass(frozen=True, slots=True)
class ReceiptFile:
    """A receipt with the digest of the bytes it was read from."""

    path: str
    receipt: Receipt[Any]
    digest: str


@dataclass(frozen=True, slots=True)
class Problem:
    """One way in which a bundle is not what was sealed."""

    code: str
    path: str
    message: str


class Bundle:
    """A bundle as it lies on the disk."""

    def __init__(self, directory: Path, plan: PlanDocument, files: tuple[ReceiptFile, ...]) -> None:
        """Hold what was read; `open` reads."""
        self.directory = directory
        self.plan = plan
        self.files = files

    @classmethod
    def open(cls, directory: Path, types: Mapping[str, type]) -> "Bundle":
        """Read plan and receipts; `types` maps each phase to the type it observes.

        Raises:
            EvidenceError: one of them cannot be read; `problems` reports what merely differs.
        """
        plan = decode(PlanDocument, _parsed(directory, PLAN))
        folder = directory / "receipts"
        names = sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []
        files = tuple(_receipt(directory, f"receipts/{name}", types) for name in names if name.endswith(".json"))
        return cls(directory, plan, tuple(sorted(files, key=lambda file: file.receipt.sequence)))

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
    def closing(self) -> Mapping[str, Any]:
        """The closing; `EvidenceError` while there is none."""
        return _object(self.directory, CLOSING)

    @cached_property
    def verdicts(self) -> tuple[Verdict, ...]:
        """The verdicts as they were sealed; none while there are none."""
        if not (self.directory / VERDICTS).exists():
            return ()
        return decode(Verdicts, _object(self.directory, VERDICTS)).verdicts

    def problems(self) -> tuple[Problem, ...]:
        """Return every difference between what was sealed and what is there; empty when there is none."""
        found = (*self.chain_problems(), *self._closing_problems())
        if not found and self.closing["outcome"] == "proven" and not self._all_proven():
            return (Problem("outcome", CLOSING, "the closing says proven, and not every verdict and receipt does"),)
        return found

    def chain_problems(self) -> tuple[Problem, ...]:
        """Return what is wrong with opening, receipts and evidence, sealed or not."""
        return (*self._opening_problems(), *self._chain_problems())

    def _opening_problems(self) -> Iterator[Problem]:
        opening = _object(self.directory, OPENING)
        expected = opening_of(self.plan, plan_digest=digest(_read(self.directory, PLAN)))
        for name, value in expected.items():
            if opening.get(name) != value:
                yield Problem("opening", OPENING, f"the opening's {name} does not speak of {PLAN}")

    def _chain_problems(self) -> Iterator[Problem]:
        previous = self.opening_digest
        for number, file in enumerate(self.files, start=1):
            receipt = file.receipt
            if receipt.sequence != number:
                yield Problem("sequence", file.path, f"receipt {number} has the number {receipt.sequence}")
            if receipt.previous != previous:
                yield Problem("chain", file.path, "the receipt does not name the one before it")
            if receipt.opening != self.opening_digest or receipt.drill_id != self.plan.drill_id:
                yield Problem("foreign", file.path, "the receipt belongs to another drill")
            for ref in receipt.evidence:
                yield from self._evidence_problems(file, ref.path, ref.sha256)
            previous = file.digest

    def _evidence_problems(self, file: ReceiptFile, path: str, sha256: str) -> Iterator[Problem]:
        target = self.directory / path
        if not target.resolve().is_relative_to(self.directory.resolve()) or not target.is_file():
            yield Problem("evidence-missing", path, f"{file.path} refers to {path}, which is not there")
        elif digest(target.read_bytes()) != sha256:
            yield Problem("evidence-digest", path, f"{path} is not the file that {file.path} refers to")

    def _closing_problems(self) -> Iterator[Problem]:
        if not self.is_closed:
            yield Problem("open", CLOSING, "the bundle was never sealed")
            return
        content = self.closing
        try:
            closing = decode(Closing, content)
        except EvidenceError as exc:
            yield Problem(exc.code, CLOSING, f"the closing cannot be read: {exc}")
            return
        yield from self._content_problems(closing)
        expected = {
            "drill_id": (closing.drill_id, self.plan.drill_id),
            "mode": (closing.mode, self.plan.mode),
            "window": (closing.window, self.plan.window),
            "file_count": (closing.file_count, len(closing.files)),
        }
        for name, (said, wanted) in expected.items():
            if said != wanted:
                yield Problem("closing", CLOSING, f"the closing's {name} is not that of the bundle")
        head = self.files[-1].digest if self.files else self.opening_digest
        if (closing.chain_head, closing.receipts) != (head, len(self.files)):
            yield Problem("chain", CLOSING, "the closing names another end of the receipts' chain")

    def _content_problems(self, closing: Closing) -> Iterator[Problem]:
        """Compare every file with what was sealed, both ways."""
        sealed = {file.path: file for file in closing.files}
        if len(sealed) != len(closing.files):
            yield Problem("closing", CLOSING, "the closing lists a path twice")
        links = [path for path in self.directory.rglob("*") if path.is_symlink()]
        for link in links:
            yield Problem("symlink", str(link.relative_to(self.directory)), f"{link.name} is a link, not a file")
        present = listed(self.directory)
        for path in sorted(sealed.keys() | present.keys()):
            if path not in present:
                yield Problem("missing", path, f"{path} was sealed and is gone")
            elif path not in sealed:
                yield Problem("extra", path, f"{path} was not sealed")
            elif (sealed[path].sha256, sealed[path].size) != (digest(present[path]), len(present[path])):
                yield Problem("changed", path, f"{path} is not the file that was sealed")

    def _all_proven(self) -> bool:
        judged = {(verdict.contract, verdict.subject) for verdict in self.verdicts if verdict.proven}
        expected = {(row.name, subject) for row in self.plan.contracts for subject in row.subjects or ("",)}
        discovered = {row.name for row in self.plan.contracts if row.discovers}
        shown = {pair for pair in expected if pair[0] not in discovered}
        outcomes = {receipt.phase: receipt.outcome for receipt in self.receipts}
        return (
            shown <= judged
            and all(verdict.proven for verdict in self.verdicts)
            and all(outcomes.get(name) in {"passed", "not_run"} for name in self.plan.phases)
        )


def _receipt(directory: Path, name: str, types: Mapping[str, type]) -> ReceiptFile:
    data = _read(directory, name)
    content = _parse_canonical(data, name)
    phase = content.get("phase")
    if not isinstance(phase, str) or phase not in types:
        raise EvidenceError("unknown-phase", f"{name} is the receipt of {phase!r}, which is not installed")
    receipt: Receipt[Any] = decode(receipt_type(types[phase]), content)
    return ReceiptFile(name, receipt, digest(data))


def _parsed(directory: Path, name: str) -> Mapping[str, Any]:
    return _parse_canonical(_read(directory, name), name)


def _parse_canonical(data: bytes, name: str) -> Mapping[str, Any]:
    content = parse(data)
    if not isinstance(content, dict):
        raise EvidenceError("shape", f"{name} is no JSON object")
    if canonical(content) != data:
        raise EvidenceError("not-canonical", f"{name} is not written canonically")
    return content


def _object(directory: Path, name: str) -> Mapping[str, Any]:
    return _parse_canonical(_read(directory, name), name)


def _read(directory: Path, name: str) -> bytes:
    try:
        return (directory / name).read_bytes()
    except OSError as exc:
        raise EvidenceError("missing", f"{name} cannot be read: {exc.strerror}") from exc


def _names(directory: Path) -> Iterator[str]:
    for path in directory.rglob("*"):
        if path.is_file():
            yield path.relative_to(directory).as_posix()
