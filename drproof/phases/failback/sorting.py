"""What each handed file is: a receipt, a pointer or a copy of a run by its name, a listing by its shape."""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import PurePosixPath

from drproof.formats import cronjobs, failback_receipts, pointers, s3_listing
from drproof.formats.cronjobs import Schedule
from drproof.formats.failback_receipts import COMPARISON, LEGACY, RECEIPTS, FailbackReceipt
from drproof.formats.run_files import SUMMARY as RUN_SUMMARY
from drproof.formats.s3_listing import Stored
from drproof.formats.strict_json import parse as parse_json
from drproof.model.collection import Collection, HandedFile
from drproof.model.errors import FormatError
from drproof.phases.failback.observed import FailbackFile

RECEIPT, POINTER, COPY, LISTING, BESIDE, UNKNOWN = "receipt", "pointer", "copy", "listing", "beside", "unknown"
SCHEDULES = "schedules"
BEFORE, AFTER = "before", "after"
FIRST_READ = "pointer."
"""How the longer script calls the pointers that it reads before it begins."""

UNREAD = frozenset({".log", ".txt", ".stdout", ".stderr", ".yaml", ".write-test"})
UNREAD_JSON = re.compile(
    r"primary_run_summary|teardown\.dr_runner_check|(dr|primary)\.cronjobs\.before|dr\.(jobs|jobpods)\.active"
)
"""Names of what the scripts leave besides; nothing is judged by it."""

FROZEN: Mapping[str, str] = {"dr.cronjobs.after.json": "recovery", "primary.cronjobs.after.json": "original"}
"""The lists of schedules once they were frozen: that of the recovery by a script, that of the original by a person."""

SIDES: Mapping[str, str] = {"dr": "recovered", "primary": "original"}
"""The folders of the two copies that the scripts compare."""


@dataclass(frozen=True, slots=True)
class KeptPointer:
    """A pointer as a script read it; `label` says which, or is empty while only a path says it."""

    side: str
    label: str
    path: str
    file: str
    data: bytes


@dataclass(slots=True)
class Sorted:
    """Every handed file, and what could be read of it."""

    files: list[FailbackFile] = field(default_factory=list)
    receipts: dict[str, FailbackReceipt] = field(default_factory=dict)
    kept: list[KeptPointer] = field(default_factory=list)
    outcome: str = ""
    copies: dict[str, set[str]] = field(default_factory=dict)
    """The runs whose summaries lie in each of the two copies."""
    copied: dict[str, dict[str, bytes]] = field(default_factory=dict)
    """The files of each of the two copies, by their paths below its folder."""
    stored: tuple[Stored, ...] | None = None
    schedules: dict[str, tuple[Schedule, ...]] = field(default_factory=dict)


def is_failback(collection: Collection) -> bool:
    """Return whether the folder is one of a failback: whatever else lies in it is a stranger there."""
    return any(file.handed_as == "folder" and file.name in RECEIPTS for file in collection.files)


def sort(collection: Collection) -> Sorted:
    """Return what the handed files are; whatever is wrong with one stands at that file."""
    found = Sorted()
    for file in sorted(collection.files, key=lambda one: one.name):
        kind = _kind(file)
        seen = FailbackFile(
            name=file.name,
            kind=kind,
            size=len(file.data),
            sha256=hashlib.sha256(file.data).hexdigest(),
            problem=file.problem,
        )
        found.files.append(seen if seen.problem else replace(seen, problem=_take(found, file, kind)))
    return found


def _kind(file: HandedFile) -> str:
    path = PurePosixPath(file.name)
    if file.handed_as != "folder":
        return LISTING if file.handed_as == "listing" else UNKNOWN
    if file.name in RECEIPTS:
        return RECEIPT
    if file.name == COMPARISON:
        return "comparison"
    if file.name in FROZEN:
        return SCHEDULES
    if path.parts[0] in {BEFORE, AFTER} and path.suffix == ".json" and len(path.parts) > 1:
        return POINTER
    if file.name in {f"{FIRST_READ}{name}" for name in LEGACY}:
        return POINTER
    if path.parts[0] == "compare" and len(path.parts) > 2 and path.parts[1] in SIDES:  # noqa: PLR2004 — a file below a side
        return COPY
    if len(path.parts) > 1:
        return UNKNOWN
    if path.suffix in UNREAD or path.name in UNREAD or UNREAD_JSON.fullmatch(path.stem):
        return BESIDE
    return LISTING if _is_listing(file.data) else UNKNOWN


def _is_listing(data: bytes) -> bool:
    try:
        return s3_listing.is_one(parse_json(data, fractions=True))
    except FormatError:
        return False


def _take(found: Sorted, file: HandedFile, kind: str) -> str:
    """Read one file into `found`; return the code of what is wrong with it, or ""."""
    path = PurePosixPath(file.name)
    try:
        if kind == SCHEDULES:
            found.schedules[FROZEN[file.name]] = cronjobs.parse(file.data)
        elif kind == RECEIPT:
            which = RECEIPTS[file.name]
            found.receipts[which] = failback_receipts.parse(file.data, which)
        elif kind == POINTER:
            found.kept.append(_pointer(file))
            pointers.parse(file.data)
        elif kind == "comparison":
            found.outcome = failback_receipts.parse_comparison(file.data)
        elif kind == COPY:
            _take_copy(found, path, file.data)
        elif kind == LISTING:
            if found.stored is not None:
                return "comes twice"
            found.stored = s3_listing.parse(parse_json(file.data, fractions=True))
        elif kind == UNKNOWN:
            return "stranger" if file.handed_as == "folder" else f"no {file.handed_as} belongs to a failback"
    except FormatError as exc:
        said = str(exc) if exc.code == "receipt-field" else ""
        return f"{exc.code}: {said}" if said else exc.code
    return ""


def _take_copy(found: Sorted, path: PurePosixPath, data: bytes) -> None:
    side = SIDES[path.parts[1]]
    found.copied.setdefault(side, {})["/".join(path.parts[2:])] = data
    if path.name == RUN_SUMMARY:
        found.copies.setdefault(side, set()).add(failback_receipts.run_id_of(data))


def _pointer(file: HandedFile) -> KeptPointer:
    """Return a pointer by the scripts' own name for it, or by its key below the folder of its side."""
    if file.name.startswith(FIRST_READ):
        return KeptPointer(BEFORE, LEGACY[file.name.removeprefix(FIRST_READ)], "", file.name, file.data)
    side, _, path = file.name.partition("/")
    return KeptPointer(side, LEGACY.get(path, ""), path, file.name, file.data)
