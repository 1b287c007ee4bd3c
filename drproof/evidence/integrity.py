"""Whether a bundle is what was sealed: each file by its digest, each receipt in its chain, each statement by its form.

One pass, one file in memory at a time. Whose signatures count is not decided here: each envelope is shown to a
witness. Source: `docs/bundle-format.md`, sections 1 to 4.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, TypeAlias, TypeVar

from drproof.evidence import envelope, statements
from drproof.evidence.by_hand import doubts_of, doubts_of_verdicts
from drproof.evidence.documents import StoredReceipts, Verdicts
from drproof.evidence.envelope import Envelope
from drproof.evidence.exact import parsed, read_known
from drproof.evidence.files import Folder, Problem
from drproof.evidence.own_tests import OWN_TESTS, OwnTests
from drproof.evidence.statements import Checkpoint, Closing, Opening, SignOff, Statement
from drproof.evidence.stored import STORED, unstored
from drproof.model.criteria import PlanDocument
from drproof.model.errors import EvidenceError
from drproof.model.receipt import Outcome, Receipt, receipt_type
from drproof.model.verdict import Verdict

PLAN, OPENING, VERDICTS, CLOSING = "plan.json", "opening.dsse.json", "verdicts.json", "closing.dsse.json"
TEST_RESULT = "test-result.json"
RESERVE, AFTER, TRUSTED_TIME = "journal.reserve", "after/", "after/trusted-time.tsr"
RECEIPT = re.compile(r"receipts/([0-9]{2,9})-([^/]+)\.json")
CHECKPOINT = re.compile(r"checkpoints/([0-9]{2,9})-([^/]+)\.dsse\.json")
SIGN_OFF = re.compile(r"after/[^/]+\.dsse\.json")
UNTYPED: Any = Receipt[Any]
"""What a receipt of a phase that is not installed is read as."""
ACCEPTED = frozenset({Outcome.PASSED, Outcome.NOT_RUN})

SignedAs: TypeAlias = Literal["drill", "collection", "sign-off"]
Witness: TypeAlias = Callable[[str, Envelope, str, SignedAs], Iterable[Problem]]
"""Is shown each envelope: its path, the instant that it claims, and what it is a statement of."""

S = TypeVar("S")


@dataclass(frozen=True, slots=True)
class ReceiptFile:
    """A receipt with the digest of the bytes it was read from."""

    path: str
    receipt: Receipt[Any]
    digest: str


@dataclass(slots=True)
class Inspection:
    """What lies in a bundle, and every way in which it is not what it must be."""

    folder: Folder
    problems: list[Problem]
    plan: PlanDocument | None = None
    opening: Opening | None = None
    receipts: list[ReceiptFile] = field(default_factory=list)
    """Those of known phases, which contracts can judge."""
    verdicts: tuple[Verdict, ...] = ()
    closing: Closing | None = None
    sign_offs: dict[str, SignOff] = field(default_factory=dict)
    outcomes: dict[str, Outcome] = field(default_factory=dict)

    @property
    def is_closed(self) -> bool:
        """Whether there is a closing, readable or not."""
        return CLOSING in self.folder.paths

    def digest(self, path: str) -> str:
        """Return the SHA-256 of a file of the bundle."""
        return self.folder.digest(path)


def inspect(directory: Path, types: Mapping[str, Any], witness: Witness | None = None) -> Inspection:
    """Return what lies in a bundle and what is wrong with it; `types` maps each phase to the type it observes.

    Raises:
        EvidenceError: `unreadable` or `too-large`: nothing can be said about it.
    """
    folder = Folder.walk(directory)
    return _Inspector(Inspection(folder, list(folder.problems)), types, witness or _nobody).inspect()


def _nobody(path: str, signed: Envelope, instant: str, kind: SignedAs) -> Iterable[Problem]:
    del path, signed, instant, kind
    return ()


class _Inspector:
    """One inspection."""

    def __init__(self, found: Inspection, types: Mapping[str, Any], witness: Witness) -> None:
        self.found = found
        self.folder = found.folder
        self.types = types
        self.witness = witness
        self.head = self.opening_digest = ""
        self.planned: frozenset[str] = frozenset()
        self.count = 0
        """Of the receipts."""
        self.opened_at = ""
        self.unstored: tuple[str, ...] = ()
        self.judged_nothing = False
        self.manual: set[str] = set()
        """The phases so far that a person did."""
        self.by_hand: dict[str, tuple[str, ...]] = {}
        """What each receipt builds on that was done by hand, by the receipt's digest."""
        self.doubted = ""
        """The first of the operator's own tests beside which nothing is proven."""

    def inspect(self) -> Inspection:
        found = self.found
        if PLAN not in self.folder.paths and OPENING not in self.folder.paths:
            raise EvidenceError("unreadable", f"{self.folder.directory} holds neither {PLAN} nor {OPENING}")
        with self._noting(PLAN):
            found.plan = read_known(PlanDocument, self.folder.read(PLAN))
        self._opening()
        if found.plan is not None:
            self._receipts(found.plan)
            self._verdicts(found.plan)
            if TEST_RESULT in self.folder.paths:
                with self._noting(TEST_RESULT):
                    parsed(self.folder.read(TEST_RESULT))
            self._own_tests()
            self._store(found.plan)
            self._closing(found.plan)
            self._after(found.plan)
        return found

    def problem(self, code: str, path: str, message: str) -> None:
        self.found.problems.append(Problem(code, path, message))

    @contextmanager
    def _noting(self, path: str) -> Iterator[None]:
        """Note what cannot be read; what would be too large to read at all ends the inspection."""
        try:
            yield
        except EvidenceError as exc:
            self._note(path, exc)

    def _note(self, path: str, exc: EvidenceError) -> None:
        if exc.code in {"too-large", "unreadable"}:
            raise exc
        self.problem(exc.code, path, f"{path}: {exc}")

    def _statement(self, path: str, kind: type[S], instant: str = "") -> Statement[S] | None:
        """Return the statement in a file, shown to the witness; None when there is none that can be read."""
        # A context manager here would be a tenth of what a checkpoint costs.
        try:
            signed = envelope.read(self.folder.read(path))
            statement = statements.read(signed, kind)
        except EvidenceError as exc:
            self._note(path, exc)
            return None
        claimed = instant or _claimed(statement.predicate)
        self.found.problems += self.witness(path, signed, claimed, self._signed_as(kind))
        return statement

    def _signed_as(self, kind: type) -> SignedAs:
        if kind is SignOff:
            return "sign-off"
        plan = self.found.plan
        return "collection" if plan is not None and plan.plan in statements.COLLECTED else "drill"

    def _opening(self) -> None:
        statement = self._statement(OPENING, Opening)
        if OPENING in self.folder.paths:
            self.head = self.opening_digest = self.folder.digest(OPENING)
        plan = self.found.plan
        if plan is not None:
            self.opened_at = plan.created_at
        if statement is None:
            return
        self.found.opening = opening = statement.predicate
        self.opened_at = opening.opened_at
        if plan is None:
            return
        if statement.subjects != {PLAN: self.folder.digest(PLAN)}:
            self.problem("opening", OPENING, f"the opening does not name {PLAN} as it is")
        if opening != statements.opening_of(plan):
            self.problem("opening", OPENING, f"the opening does not say what {PLAN} says")

    def _receipts(self, plan: PlanDocument) -> None:
        """Follow the chain, and compare each receipt with its checkpoint and its evidence."""
        self.planned = frozenset(plan.phases)
        numbered = sorted(
            (int(match[1]), match[2], path)
            for path in self.folder.below("receipts/")
            if (match := self._match(RECEIPT, path, "receipt-name"))
        )
        points = {
            path: (int(match[1]), match[2])
            for path in self.folder.below("checkpoints/")
            if (match := self._match(CHECKPOINT, path, "checkpoint"))
        }
        self.count = len(numbered)
        for position, (number, phase, path) in enumerate(numbered, start=1):
            if number != position:
                self.problem("sequence", path, f"receipt {position} has the number {number}")
            try:
                self._receipt(plan, path, number, phase)
            except EvidenceError as exc:
                self._note(path, exc)
            self.head = self.folder.digest(path)
            point = f"checkpoints/{number:02}-{phase}.dsse.json"
            if points.pop(point, None) is not None:
                self._checkpoint(plan, point, path, number)
            elif self.found.is_closed or position < len(numbered):
                self.problem("checkpoint-missing", point, f"{path} has no checkpoint")
        for point in points:
            self.problem("checkpoint", point, f"{point} is the checkpoint of no receipt")

    def _match(self, pattern: re.Pattern[str], path: str, code: str) -> re.Match[str] | None:
        match = pattern.fullmatch(path)
        if match is None or match[1] != f"{int(match[1]):02}":
            self.problem(code, path, f"{path} has a name that no drill gives")
            return None
        return match

    def _receipt(self, plan: PlanDocument, path: str, number: int, phase: str) -> None:
        data = self.folder.read(path)
        # A receipt of another phase than its name says is found here as a receipt of the wrong type, or below.
        installed = phase in self.types
        receipt: Receipt[Any] = read_known(receipt_type(self.types[phase]) if installed else UNTYPED, data)
        if (receipt.sequence, receipt.phase) != (number, phase):
            self.problem("receipt-name", path, f"it is receipt {receipt.sequence} of {receipt.phase}")
        if receipt.phase in self.found.outcomes:
            self.problem("sequence", path, f"{receipt.phase} has a receipt already")
        if receipt.previous != self.head:
            self.problem("chain", path, f"{path} does not name the one before it")
        belongs = (receipt.opening, receipt.drill_id, receipt.mode, receipt.plan)
        ours = (self.opening_digest, plan.drill_id, plan.mode, plan.plan)
        if belongs != ours or receipt.phase not in self.planned:
            self.problem("foreign", path, "the receipt belongs to another drill")
        for ref in receipt.evidence:
            if ref.path not in self.folder.paths:
                self.problem("evidence-missing", ref.path, f"{path} refers to {ref.path}, which is not there")
            elif (self.folder.digest(ref.path), self.folder.sizes[ref.path]) != (ref.sha256, ref.size):
                self.problem("evidence-changed", ref.path, f"{ref.path} is not the file that {path} refers to")
        for doubt in doubts_of(receipt, plan, self.manual):
            self.problem("by-hand", path, doubt)
        self.by_hand[self.folder.digest(path)] = receipt.by_hand
        self.manual |= {receipt.phase} if receipt.manual is not None else set()
        self.found.outcomes[receipt.phase] = receipt.outcome
        if installed:
            self.found.receipts.append(ReceiptFile(path, receipt, self.folder.digests[path]))

    def _checkpoint(self, plan: PlanDocument, point: str, path: str, number: int) -> None:
        statement = self._statement(point, Checkpoint, self.opened_at)
        if statement is None:
            return
        expected = Checkpoint(drill_id=plan.drill_id, opening=self.opening_digest, sequence=number)
        if statement.predicate != expected or statement.subjects != {path: self.folder.digest(path)}:
            self.problem("checkpoint", point, f"the checkpoint does not speak of {path} as it is")

    def _verdicts(self, plan: PlanDocument) -> None:
        if VERDICTS not in self.folder.paths:
            if self.found.is_closed:
                self.problem("verdict-missing", VERDICTS, f"{VERDICTS} is not there")
            return
        with self._noting(VERDICTS):
            self.found.verdicts = read_known(Verdicts, self.folder.read(VERDICTS)).verdicts
            self.judged_nothing = not self.found.verdicts
            for code, message in _coverage(plan, self.found.verdicts):
                self.problem(code, VERDICTS, message)
            for doubt in doubts_of_verdicts(self.found.verdicts, self.by_hand):
                self.problem("by-hand", VERDICTS, doubt)

    def _own_tests(self) -> None:
        if OWN_TESTS in self.folder.paths:
            # What cannot be read speaks for nothing.
            self.doubted = OWN_TESTS
            with self._noting(OWN_TESTS):
                doubtful = read_known(OwnTests, self.folder.read(OWN_TESTS)).doubtful
                self.doubted = doubtful[0].test if doubtful else ""

    def _closing(self, plan: PlanDocument) -> None:
        if not self.found.is_closed:
            self.problem("not-closed", CLOSING, "the bundle was never closed: the drill died, or its end was removed")
            return
        statement = self._statement(CLOSING, Closing)
        if statement is None:
            return
        self.found.closing = closing = statement.predicate
        self._contents(statement.subjects)
        expected = {
            "drill_id": (closing.drill_id, plan.drill_id),
            "mode": (closing.mode, plan.mode),
            "plan": (closing.plan, plan.plan),
            "window": (closing.window, plan.window),
            "opening": (closing.opening, self.opening_digest),
            "receipts": (closing.receipts, self.count),
            "chain_head": (closing.chain_head, self.head),
            "file_count": (closing.file_count, len(statement.subjects)),
        }
        for name, (said, wanted) in expected.items():
            if said != wanted:
                self.problem("closing", CLOSING, f"the closing's {name} is not that of the bundle")
        if self.opened_at and closing.closed_at < self.opened_at:
            self.problem("closing", CLOSING, "the bundle was closed before it was opened")
        if closing.outcome == "proven" and not self._all_proven(plan, closing):
            self.problem("outcome", CLOSING, "the closing says proven, and not every verdict and receipt does")
        if closing.outcome == "proven" and self.doubted:
            self.problem("outcome", CLOSING, "the closing says proven, and a test of the operator's own does not")
        if closing.outcome == "proven" and self.unstored:
            self.problem("outcome", CLOSING, f"the closing says proven, and {self.unstored[0]}")

    def _store(self, plan: PlanDocument) -> None:
        """Compare what was to be stored elsewhere with what the bundle says of it."""
        said = None
        if STORED in self.folder.paths:
            with self._noting(STORED):
                said = read_known(StoredReceipts, self.folder.read(STORED))
        paths = [path for path in (PLAN, OPENING) if path in self.folder.paths] + self.folder.below("receipts/")
        self.unstored = unstored(plan, {path: self.folder.digest(path) for path in paths}, said)

    def _contents(self, sealed: Mapping[str, str]) -> None:
        """Compare every file with what was sealed, both ways."""
        present = {path for path in self.folder.paths if path != CLOSING and not path.startswith(AFTER)}
        if RESERVE in present and not self.folder.read(RESERVE).strip(b"\0"):
            # A drill that died right after its closing leaves it; with anything in it, it is a stranger.
            present.discard(RESERVE)
        # What was sealed is in order already; only a difference makes a new one necessary.
        for path in sealed if sealed.keys() == present else sorted(sealed.keys() | present):
            if path not in present:
                self.problem("file-missing", path, f"{path} was sealed and is gone")
            elif path not in sealed:
                self.problem("file-extra", path, f"{path} was not sealed")
            elif sealed[path] != self.folder.digest(path):
                self.problem("file-changed", path, f"{path} is not the file that was sealed")

    def _all_proven(self, plan: PlanDocument, closing: Closing) -> bool:
        return (
            not closing.withheld
            and not self.judged_nothing
            and all(verdict.proven for verdict in self.found.verdicts)
            and all(self.found.outcomes.get(name) in ACCEPTED for name in plan.phases)
            and all(outcome in ACCEPTED for outcome in self.found.outcomes.values())
        )

    def _after(self, plan: PlanDocument) -> None:
        for path in self.folder.below(AFTER):
            if path == TRUSTED_TIME and self.found.is_closed:
                continue
            if not SIGN_OFF.fullmatch(path) or not self.found.is_closed:
                self.problem("after", path, f"{path} is no statement over a closing")
                continue
            statement = self._statement(path, SignOff)
            if statement is None:
                continue
            about = (statement.subjects, statement.predicate.drill_id)
            if about != ({CLOSING: self.folder.digest(CLOSING)}, plan.drill_id):
                self.problem("after", path, f"{path} speaks of another closing")
            self.found.sign_offs[path] = statement.predicate


def _claimed(predicate: object) -> str:
    """Return when a statement says that it was made."""
    if isinstance(predicate, Opening):
        return predicate.opened_at
    if isinstance(predicate, Closing):
        return predicate.closed_at
    return predicate.signed_at if isinstance(predicate, SignOff) else ""


def _coverage(plan: PlanDocument, verdicts: tuple[Verdict, ...]) -> Iterator[tuple[str, str]]:
    """Compare what was judged with what the plan asks for, both ways."""
    rows = {row.name: row for row in plan.contracts}
    expected = {(row.name, subject) for row in plan.contracts if not row.discovers for subject in row.subjects or ("",)}
    judged = set()
    for verdict in verdicts:
        pair = (verdict.contract, verdict.subject)
        row = rows.get(verdict.contract)
        if row is None or row.version != verdict.version or pair in judged or not (row.discovers or pair in expected):
            yield "verdict-extra", f"there is a verdict on {verdict.name} that the plan does not ask for"
        judged.add(pair)
    for name, subject in sorted(expected - judged):
        yield "verdict-missing", f"there is no verdict on {name}{f'[{subject}]' if subject else ''}"
    for name in sorted({row.name for row in plan.contracts if row.discovers} - {name for name, _ in judged}):
        yield "verdict-missing", f"there is no verdict on {name}"
