"""Evidence that is made, looked at and written a piece at a time: no listing of a million rows is whole in memory.

The bytes are those of the whole, and so is what is withheld: a piece that seems to hold a secret is written nowhere,
and all of it is looked at then.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, is_dataclass
from pathlib import Path
from typing import Any, TypeAlias, get_args, get_origin

from drproof.evidence.bundle import being_written
from drproof.evidence.canonical import canonical
from drproof.evidence.files import LARGEST_FILE
from drproof.evidence.redaction import Redactor
from drproof.evidence.tripwire import scan_json
from drproof.evidence.withheld import withhold
from drproof.model.codec import decode, encode
from drproof.model.errors import EvidenceError

ROWS = 10_000
"""Rows of one piece, of some 100 to 200 bytes each."""

Piece: TypeAlias = tuple[Any, bytes]
"""Plain JSON in the shape of the whole, and its part of the canonical bytes; None where the bytes are the whole."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """What came of keeping a file; one that is withheld has the digest and size that it would have had."""

    sha256: str
    size: int
    written: bool


class _WithheldError(Exception):
    """What is being written must not be."""


def keep_by_pieces(directory: Path, path: str, made: Iterator[Piece], redactor: Redactor) -> Kept:
    """Write a file of a bundle unless it seems to hold a secret.

    Raises:
        EvidenceError: `too-large`: no reader of a bundle would take it.
    """
    found, size, tail = hashlib.sha256(), 0, b""
    try:
        with being_written(directory / path) as file:
            for value, data in made:
                doubtful = _shows(value, data, tail, redactor)
                if doubtful:
                    # What was written so far is harmless by itself; whether all is, only all of it tells.
                    file.seek(0)
                    data = b"".join([file.read(), data, *(rest for _, rest in made)])  # noqa: PLW2901
                    file.seek(0)
                    found, size = hashlib.sha256(), 0
                found.update(data)
                size += len(data)
                if size > LARGEST_FILE:
                    msg = (
                        f"{path} comes to more than {LARGEST_FILE} bytes, which no reader of a bundle takes"
                        "\n  next: pack fewer files into one archive"
                    )
                    raise EvidenceError("too-large", msg)
                if doubtful and withhold(directory, path, data, redactor):
                    raise _WithheldError  # noqa: TRY301 — any other way out of the block leaves the file
                file.write(data)
                tail = (tail + data)[-redactor.longest :] if redactor.longest else b""
    except _WithheldError:
        return Kept(sha256=found.hexdigest(), size=size, written=False)
    return Kept(sha256=found.hexdigest(), size=size, written=True)


def _shows(value: Any, data: bytes, tail: bytes, redactor: Redactor) -> bool:  # noqa: ANN401 — plain JSON
    if value is None:
        return bool(redactor.scan(data))
    return bool(scan_json(value)) or redactor.finds(tail + data)


def pieces(kind: Any, content: object) -> Iterator[Piece]:  # noqa: ANN401 — a type, or a generic alias
    """Yield the canonical bytes of `content` as a value of `kind`: rows by some, all else at once.

    Raises:
        EvidenceError: it is no value of that kind, or has no canonical bytes.
    """
    if not isinstance(content, Mapping) or not _has_rows(kind, content):
        yield None, canonical(encode(decode(kind, encode(content))))
        return
    mark = b"{"
    for name in sorted(content, key=_by_utf16):
        rows = content[name]
        # A name is looked at with its rows; one without any would be looked at nowhere.
        yield {} if rows else {name: []}, mark + canonical(name) + b":["
        for start in range(0, len(rows), ROWS):
            value = encode(decode(kind, encode({name: rows[start : start + ROWS]})))
            yield value, (b"," if start else b"") + canonical(value[name])[1:-1]
        mark = b"],"
    yield {}, b"]}"


def _has_rows(kind: Any, content: Mapping[Any, object]) -> bool:  # noqa: ANN401 — a type, or a generic alias
    """Return whether these are many objects by name, of which each shows what it shows without the others."""
    rows = get_args(kind)[1] if get_origin(kind) is dict else None
    if get_origin(rows) is not tuple or not is_dataclass(get_args(rows)[0]):
        return False
    held = [one for name, one in content.items() if isinstance(name, str) and isinstance(one, Sequence)]
    return len(held) == len(content) and sum(map(len, held)) > ROWS


def _by_utf16(name: str) -> bytes:
    return name.encode("utf-16-be", "surrogatepass")
