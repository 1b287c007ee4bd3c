"""What each handed file is: a receipt or a manifest by its name, a vendor's answer by its shape."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any

from drproof.formats import (
    alarm_evidence,
    execution_export,
    execution_history,
    own_receipts,
    receipt_manifest,
    receipts_v1,
    s3_listing,
)
from drproof.formats.alarm_evidence import Change
from drproof.formats.execution_export import Companions
from drproof.formats.execution_history import Description, Event
from drproof.formats.receipt_manifest import Listed
from drproof.formats.receipts_v1 import ReceiptV1
from drproof.formats.s3_listing import Stored
from drproof.formats.strict_json import parse as parse_json
from drproof.model.collection import Collection, HandedFile
from drproof.model.errors import FormatError
from drproof.phases.execution.observed import FileSeen

SUFFIX = ".json"
UNKNOWN = "unknown"
ONCE = frozenset({"description", "listing", "manifest", *execution_export.KINDS})
"""Of what there can be only one: two would contradict each other, or hide which is meant."""


@dataclass(slots=True)
class Sorted:
    """Every handed file, and what could be read of it."""

    files: list[FileSeen] = field(default_factory=list)
    receipts: dict[str, tuple[str, ReceiptV1]] = field(default_factory=dict)
    """Each phase's file and receipt; a phase with two receipts keeps the first, and both files say so."""
    changes: tuple[Change, ...] = ()
    events: tuple[Event, ...] = ()
    description: Description | None = None
    stored: tuple[Stored, ...] = ()
    listed: tuple[Listed, ...] | None = None
    beside: Companions = field(default_factory=Companions)
    """What an export has beside receipts and history."""
    documents: dict[str, Any] = field(default_factory=dict)
    """Each file that is JSON, parsed: where secrets are looked for."""


def sort(collection: Collection) -> Sorted:
    """Return what the handed files are; whatever is wrong with one stands at that file."""
    found = Sorted()
    pages: dict[str, Any] = {}
    for file in sorted(collection.files, key=lambda one: one.name):
        seen, document = _seen(file)
        if not seen.problem and seen.kind == "history":
            pages[seen.name] = document
        elif not seen.problem:
            seen = _take(found, seen, file, document)
        found.files.append(seen)
        if document is not None:
            found.documents[file.name] = document
    _take_history(found, pages)
    masked = {row.file for row in found.beside.masked}
    found.files[:] = [replace(seen, masked=seen.name in masked) for seen in found.files]
    _mark_what_comes_twice(found)
    return found


def _seen(file: HandedFile) -> tuple[FileSeen, Any]:
    stem = file.name.removesuffix(SUFFIX)
    seen = FileSeen(
        name=file.name,
        kind=UNKNOWN,
        size=len(file.data),
        sha256=hashlib.sha256(file.data).hexdigest(),
        # The ETag of an object that was uploaded in one part; nothing here rests on its strength.
        md5=hashlib.md5(file.data, usedforsecurity=False).hexdigest(),
        problem=file.problem,
    )
    if file.problem:
        return seen, None
    named = stem in receipts_v1.PHASES and file.name.endswith(SUFFIX) and file.handed_as == "folder"
    if named:
        seen = replace(seen, kind="receipt", phase=receipts_v1.PHASES[stem])
    try:
        document = parse_json(file.data, fractions=True)
    except FormatError as exc:
        return replace(seen, problem=exc.code if named or file.name.endswith(SUFFIX) else "stranger"), None
    if file.handed_as == "folder" and file.name.endswith(SUFFIX) and own_receipts.is_one(document):
        # Ours are known by their shape: an orchestrator of ours has more phases than the reference's.
        return replace(seen, kind="receipt", phase=stem), document
    if named:
        return seen, document
    kind = "manifest" if file.name == receipt_manifest.NAME else _shape(document)
    allowed = {
        "folder": {"manifest", "alarms", "history", "description", "listing", *execution_export.KINDS},
        "alarms": {"alarms"},
        "history": {"history", "description"},
        "listing": {"listing"},
    }[file.handed_as]
    problem = "" if kind in allowed else "stranger" if file.handed_as == "folder" else f"not {file.handed_as}"
    return replace(seen, kind=kind, problem=problem), document


def _shape(document: object) -> str:
    if alarm_evidence.is_one(document):
        return "alarms"
    if execution_history.is_history(document):
        return "history"
    if execution_history.is_description(document):
        return "description"
    if kind := execution_export.kind_of(document):
        return kind
    return "listing" if s3_listing.is_one(document) else UNKNOWN


def _take(found: Sorted, seen: FileSeen, file: HandedFile, document: object) -> FileSeen:
    """Read one file into `found`; return it with the code of what is wrong with it."""
    try:
        if seen.kind == "receipt":
            own = own_receipts.is_one(document)
            stem = file.name.removesuffix(SUFFIX)
            receipt = own_receipts.parse(file.data) if own else receipts_v1.parse(file.data, stem)
            found.receipts.setdefault(seen.phase, (file.name, receipt))
        elif seen.kind == "alarms":
            found.changes = _merged(found.changes, alarm_evidence.parse(document))
        elif seen.kind == "description":
            found.description = execution_history.parse_description(document)
        elif seen.kind == "listing":
            found.stored = s3_listing.parse(document)
        elif seen.kind == "manifest":
            found.listed = receipt_manifest.parse(file.data)
        elif seen.kind in execution_export.KINDS:
            found.beside = execution_export.take(found.beside, seen.kind, document)
    except FormatError as exc:
        said = str(exc) if exc.code == "receipt-field" else ""
        return replace(seen, problem=f"{exc.code}: {said}" if said else exc.code)
    return seen


def _merged(before: tuple[Change, ...], new: Iterable[Change]) -> tuple[Change, ...]:
    """Return the changes of several histories; one that is told with its reason replaces the same without."""
    told: dict[tuple[str, str, str, str], Change] = {}
    for change in (*before, *new):
        key = (change.alarm, change.at, change.old, change.new)
        if key not in told or told[key].said == "nothing":
            told[key] = change
    return tuple(told[key] for key in sorted(told))


def _take_history(found: Sorted, pages: dict[str, Any]) -> None:
    if not pages:
        return
    try:
        found.events = execution_history.parse(pages.values())
    except FormatError as exc:
        found.files[:] = [replace(seen, problem=exc.code) if seen.name in pages else seen for seen in found.files]


def _mark_what_comes_twice(found: Sorted) -> None:
    kinds = [(seen.kind, seen.phase) for seen in found.files]
    found.files[:] = [
        replace(seen, problem=seen.problem or "comes twice")
        if (seen.kind == "receipt" or seen.kind in ONCE) and kinds.count((seen.kind, seen.phase)) > 1
        else seen
        for seen in found.files
    ]
