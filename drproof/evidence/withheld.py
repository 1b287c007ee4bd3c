"""Files that a bundle lacks, because they seemed to hold a secret: in their stead lies where, and by which rule.

Every file of a bundle is written by `keep`, which scans it first. What must exist whatever it holds (a receipt, the
verdicts, the journal) is written with its hits masked, and is on the list as well.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from drproof.evidence.bundle import write_atomic
from drproof.evidence.canonical import canonical
from drproof.evidence.redaction import Redactor
from drproof.evidence.statements import Withheld
from drproof.evidence.tripwire import Hit
from drproof.formats.strict_json import parse
from drproof.model.codec import decode, encode

FOLDER = "evidence/withheld"


@dataclass(frozen=True, slots=True, kw_only=True)
class WithheldFile:
    """What lies in the stead of a file."""

    schema_version: Literal[1] = 1
    withheld: tuple[Withheld, ...]


def keep(directory: Path, path: str, data: bytes, redactor: Redactor) -> bool:
    """Write a file of a bundle, unless it seems to hold a secret; return whether it was written."""
    if withhold(directory, path, data, redactor):
        return False
    write_atomic(directory / path, data)
    return True


def withhold(directory: Path, path: str, data: bytes, redactor: Redactor) -> bool:
    """Put a file on the list if it seems to hold a secret; return whether it does, and nothing lies in its place."""
    if not (hits := redactor.scan(data)):
        return False
    note(directory, path, hits)
    # What was written before under this name would pass for it.
    (directory / path).unlink(missing_ok=True)
    return True


def note(directory: Path, path: str, hits: Iterable[Hit]) -> None:
    """Put on the list what was found in a file."""
    place = directory / FOLDER / f"{path.replace('/', '.').removesuffix('.json')}.json"
    found = {Withheld(path=path, where=hit.where, rule=hit.rule) for hit in hits}
    if place.exists():
        found |= set(decode(WithheldFile, parse(place.read_bytes())).withheld)
    rows = tuple(sorted(found, key=lambda one: (one.where, one.rule)))
    write_atomic(place, canonical(encode(WithheldFile(withheld=rows))))


def withheld_in(directory: Path) -> tuple[Withheld, ...]:
    """Return what a bundle lacks, whichever process left it out.

    Raises:
        EvidenceError: the list cannot be read.
    """
    places = sorted((directory / FOLDER).glob("*.json"))
    return tuple(one for place in places for one in decode(WithheldFile, parse(place.read_bytes())).withheld)


def told(withheld: Withheld) -> str:
    """Return one entry of the list in words."""
    return f"{withheld.path} was not kept as it was: {withheld.where} is like a secret ({withheld.rule})"
