"""A run out of its receipt store alone: fetched, compared with what was signed, and laid where it can be gone on with.

Nothing is believed but what a trusted key signed, and what that names by its digest. One thing that does not fit
refuses the whole: nothing is left on the disk then, and nothing was done.
"""

import re
import shutil
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from drproof import catalog
from drproof.engine import digest_keys
from drproof.engine.clock import SystemClock
from drproof.engine.effects import token_of
from drproof.engine.private import HANDOVER, Handover, Private
from drproof.engine.progress import EARLIER, WITHHELD
from drproof.engine.refusal import refuse
from drproof.engine.stored_run import StoredRun
from drproof.evidence import statements
from drproof.evidence.bundle import Bundle, write_atomic
from drproof.evidence.canonical import digest
from drproof.evidence.documents import StoredFile
from drproof.evidence.exact import read_known
from drproof.evidence.expectations import Expectations
from drproof.evidence.integrity import CLOSING, OPENING, PLAN
from drproof.evidence.journal import Journal
from drproof.evidence.statements import Checkpoint, Progress
from drproof.evidence.verification import SIGNATURES, verify
from drproof.formats import strict_json
from drproof.formats.receipt_names import RECEIPT, execution_id
from drproof.model.capabilities import Target
from drproof.model.codec import decode
from drproof.model.errors import EvidenceError
from drproof.model.receipt import Receipt

ANNOUNCED = re.compile(r"journal/(\d+)(?:\.\d+)?\.json")
"""A record that announces an effect, by its number; one that came again has another number behind."""

LOST = "lost"
"""The kind of a record that stands where one was that only the lost machine had."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    """A run as it was fetched."""

    bundle: Bundle
    private: Private
    files: Mapping[str, StoredFile]
    """What the store holds of it, by the path in the folder."""
    intents: tuple[int, ...]
    """The records of the journal that the store holds."""
    has_its_key: bool
    """Whether the digest key is the one that the drill began with."""
    progress: statements.Statement[Progress]
    size: int
    """Bytes of the journal that the statement speaks of."""


def fetch(stored: StoredRun, directory: Path, target: Target) -> Fetched:
    """Lay a run into a folder that does not exist yet, and what is private of it beside it.

    Raises:
        Refusal: it does not fit; nothing is left on the disk.
        TargetError: the store does not answer, or the digest key is out of reach.
    """
    private = Private.of(directory)
    for path in (directory, private.path):
        if path.exists():
            raise refuse(f"{path} exists already", expected="a folder that is made", next_step="name another folder")
    directory.mkdir(parents=True)
    private.path.mkdir(mode=0o700)
    try:
        return _fetched(stored, directory, private, target)
    except BaseException:
        shutil.rmtree(directory, ignore_errors=True)
        shutil.rmtree(private.path, ignore_errors=True)
        raise


def _fetched(stored: StoredRun, directory: Path, private: Private, target: Target) -> Fetched:
    stored.read_ahead()
    progress = stored.progress()
    said = progress.predicate
    names = _bundle_names(stored, said)
    for path, name in names.items():
        write_atomic(directory / path, stored.read(name).body)
    for path, sha256 in progress.subjects.items():
        if path.startswith(WITHHELD):
            write_atomic(directory / path, stored.carried(sha256))
    for name in ("receipts", "checkpoints", "evidence", "logs"):
        (directory / name).mkdir(exist_ok=True)
    numbers = _journal(stored, progress.subjects, said, directory / "journal.log")
    handover, has_its_key = _handover(stored, progress.subjects, said, directory, private, target)
    private.hand_over(handover)
    bundle = Bundle.open(directory, catalog.types())
    _refuse_what_does_not_fit(stored, bundle)
    files = {path: _stored_file(stored, path, name) for path, name in names.items()}
    return Fetched(
        bundle=bundle,
        private=private,
        files=files,
        intents=numbers,
        has_its_key=has_its_key,
        progress=progress,
        size=len(stored.journal(progress.subjects)),
    )


def _bundle_names(stored: StoredRun, said: Progress) -> dict[str, str]:
    """Return the object of each file of the bundle: what the opening, the checkpoints and the receipts name."""
    opening = stored.with_digest(OPENING, said.opening)
    plan = stored.statement(opening, statements.Opening).subjects.get(PLAN, "")
    names = {PLAN: stored.with_digest(PLAN, plan), OPENING: opening}
    receipts: dict[int, tuple[str, str]] = {}
    for name in sorted(stored.names):
        if not name.startswith("bundle/checkpoints/"):
            continue
        point = stored.statement(name, Checkpoint)
        if point.predicate.opening != said.opening:
            continue
        ((path, sha256),) = point.subjects.items()
        if receipts.setdefault(point.predicate.sequence, (path, sha256)) != (path, sha256):
            raise stored.refusal(f"two processes wrote receipt {point.predicate.sequence}")
        if RECEIPT.fullmatch(path) is None:
            raise stored.refusal(f"{name} speaks of {path}, which is no receipt")
        names[path.replace("receipts/", "checkpoints/").replace(".json", ".dsse.json")] = name
    if sorted(receipts) != list(range(1, len(receipts) + 1)) or len(receipts) < said.receipts - 1:
        # A receipt that has no checkpoint yet is nobody's: its phase is gone on with as if it had died.
        raise stored.refusal(f"it has the receipts {sorted(receipts)}, and {said.receipts} were written")
    for path, sha256 in receipts.values():
        names[path] = stored.with_digest(path, sha256)
        content = read_known(Receipt[Any], stored.read(names[path]).body)
        names |= {ref.path: stored.with_digest(ref.path, ref.sha256) for ref in content.evidence}
    return names


def _journal(stored: StoredRun, subjects: Mapping[str, str], said: Progress, path: Path) -> tuple[int, ...]:
    """Write the journal: what was stored of it whole, then what was announced since, each under its own number."""
    path.write_bytes(stored.journal(subjects))
    announced: dict[int, list[dict[str, Any]]] = defaultdict(list)
    numbers = []
    for name in sorted(stored.names):
        if (match := ANNOUNCED.fullmatch(name)) is not None:
            numbers.append(int(match[1]))
            if int(match[1]) > said.records:
                announced[int(match[1])].append(_record(stored, name, said.drill_id))
    with Journal(path) as journal:
        if len(journal.records()) != said.records:
            raise stored.refusal(f"its journal has {len(journal.records())} records, and {said.records} were signed")
        number = said.records
        for wanted in sorted(announced):
            while number + 1 < wanted:
                number = journal.append({"kind": LOST})
            number = journal.append(_numberless(announced[wanted][0]))
        for again in (other for many in announced.values() for other in many[1:]):
            # Two processes announced under one number: both may have acted, and neither is forgotten.
            journal.append(_numberless(again))
    return tuple(sorted(set(numbers)))


def _record(stored: StoredRun, name: str, drill_id: str) -> dict[str, Any]:
    """Return a record that announces an effect, once its token is the one that this effect has."""
    try:
        record = strict_json.parse(stored.read(name).body)
        token = token_of(drill_id, record["phase"], record["verb"], record["resource"])
        numbered = ANNOUNCED.fullmatch(name)
        number = int(numbered[1]) if numbered is not None else 0
        sound = (record["kind"], record["number"], record["token"]) == ("intent", number, token)
        details = isinstance(record["details"], dict)
    except (EvidenceError, KeyError, TypeError, AttributeError):
        sound = details = False
    if not sound or not details:
        raise stored.refusal(f"{name} announces no effect of this drill")
    return dict(record)


def _numberless(record: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in record.items() if key != "number"}


def _handover(  # noqa: PLR0913 — what a handover is made whole with
    stored: StoredRun,
    subjects: Mapping[str, str],
    said: Progress,
    directory: Path,
    private: Private,
    target: Target,
) -> tuple[Handover, bool]:
    """Return what the next process must know, with what is secret made anew."""
    if HANDOVER not in subjects:
        raise stored.refusal(f"no {HANDOVER} was signed")
    try:
        handover = decode(Handover, strict_json.parse(stored.carried(subjects[HANDOVER])))
    except EvidenceError as exc:
        raise stored.refusal(f"{HANDOVER}: {exc}") from exc
    journals = []
    for name in sorted(subjects):
        if name.startswith(EARLIER):
            path = private.path / f"{name.replace('/', '-')}.log"
            path.write_bytes(stored.carried(subjects[name]))
            journals.append(str(path))
    handover = replace(handover, journals=tuple(journals), reports=str(directory.parent))
    return digest_keys.regained(handover, said.drill_id, private, target)


def _refuse_what_does_not_fit(stored: StoredRun, bundle: Bundle) -> None:
    """Refuse a bundle that is not as it was written, or not signed by trusted keys throughout."""
    if execution_id(bundle.plan.drill_id) != stored.place.key.rpartition("/")[2]:
        raise stored.refusal(f"it is the drill {bundle.plan.drill_id}")
    if problems := bundle.chain_problems():
        raise stored.refusal(problems[0].message)
    found = verify(
        bundle.directory,
        catalog.types(),
        trust=stored.trust,
        expect=Expectations(accept_rehearsal=True),
        now=SystemClock().now(),
    )
    doubts = [problem.message for problem in found.problems if problem.code in SIGNATURES]
    if doubts:
        raise stored.refusal(doubts[0])


def _stored_file(stored: StoredRun, path: str, name: str) -> StoredFile:
    found = stored.read(name)
    return StoredFile(
        path=path,
        sha256=digest(found.body),
        uri=f"s3://{stored.place.bucket}/{stored.names[name]}",
        version=found.version or None,
        etag=found.etag,
        was_there=True,
        retention_mode=found.retention.mode if found.retention is not None else None,
        retained_until=found.retention.until if found.retention is not None else None,
        problem="",
    )


def copied(stored: StoredRun, directory: Path) -> None:
    """Copy a sealed bundle out of its store, by the digests of its closing, into a folder that does not exist yet.

    Raises:
        Refusal: it is not sealed by a trusted key, or a file is not there as it was sealed.
        TargetError: the store does not answer.
    """
    name, body, _ = stored.closing()
    sealed = stored.statement(name, statements.Closing).subjects
    directory.mkdir(parents=True)
    for path, sha256 in sealed.items():
        write_atomic(directory / path, stored.read(stored.with_digest(path, sha256)).body)
    write_atomic(directory / CLOSING, body)
