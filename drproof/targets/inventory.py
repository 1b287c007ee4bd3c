"""Two inventories on this machine, verified file by file and joined by DuckDB within a bound of memory."""

import hashlib
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from drproof.analysis import inventory_sql
from drproof.formats import s3_inventory
from drproof.formats.s3_inventory import DataFile, Manifest
from drproof.model.comparison import Difference, Kind, Tally
from drproof.model.errors import FormatError, NotFoundError, TargetError
from drproof.model.listing import Row

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

CHUNK = 1 << 20
BATCH = 2_000
LINES = 4 << 20
"""Bytes of CSV that are taken at once by each thread: DuckDB's own choice is eight times that."""
MEMORY = "512MB"
THREADS = (2, 1)
"""How many join: each holds rows of its own, so that one of them ends within a memory that is too small for two."""
OUT_OF_MEMORY = "OutOfMemoryException"
SIDES = ("left", "right")
PATTERN = frozenset("*?[]{}")
FOLDER = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}-\d{2}Z", re.ASCII)
"""The folder of an inventory, named after the moment at which it was begun."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Inventory:
    """One inventory whose every file is what its manifest says."""

    manifest: Manifest
    files: tuple[Path, ...]
    taken: str
    """The name of its folder; empty where it lies in another."""


def opened(path: Path) -> Inventory:
    """Return an inventory after comparing manifest and data files with the checksums that S3 delivered beside them.

    Raises:
        FormatError: `inventory-checksum`, and what the manifest's format refuses.
        NotFoundError: a file is missing.
    """
    data = _bytes(path)
    beside = path.with_suffix(".checksum")
    said, found = _bytes(beside).decode(errors="replace").strip(), hashlib.md5(data, usedforsecurity=False).hexdigest()
    if said != found:
        raise FormatError("inventory-checksum", f"{path}: expected MD5 {said} by {beside.name}, got {found}")
    manifest = s3_inventory.parse(data)
    files = tuple(_verified(path, one) for one in manifest.files)
    taken = path.parent.name if FOLDER.fullmatch(path.parent.name) else ""
    return Inventory(manifest=manifest, files=files, taken=taken)


def statements(left: Inventory, right: Inventory, prefix_left: str, prefix_right: str) -> str:
    """Return what Athena needs to answer the same question."""
    tables = [
        inventory_sql.athena_tables(side, one.manifest, one.taken or "<the inventory's folder>")
        for side, one in zip(SIDES, (left, right), strict=True)
    ]
    return "\n\n".join((*tables, inventory_sql.compared(prefix_left, prefix_right) + ";"))


class InventoryComparison:
    """One comparison: an iterator over what differs, and what it came to once that has ended."""

    def __init__(  # noqa: PLR0913 — two places, and where DuckDB may put what memory does not hold
        self,
        left: Inventory,
        right: Inventory,
        prefix_left: str,
        prefix_right: str,
        *,
        scratch: Path,
        memory: str = MEMORY,
    ) -> None:
        """Compare what two inventories say lies below a prefix each."""
        self.tally = Tally()
        self._sides = (left, right)
        self._prefixes = (prefix_left, prefix_right)
        self._scratch = scratch
        self._memory = memory

    def __iter__(self) -> Iterator[Difference]:
        """Yield what differs and what stays in doubt, in key order.

        Raises:
            FormatError: `inventory-rows`, when a row is none; `inventory-twice`, when a key comes twice on one side.
            TargetError: DuckDB is not installed, or gives up.
        """
        for threads in THREADS:
            try:
                yield from self._compared(threads)
                break
            except TargetError as exc:
                # The join holds all rows before it gives the first.
                if exc.code != OUT_OF_MEMORY or self.tally.differing or self.tally.doubtful or threads == THREADS[-1]:
                    raise
        self._settle()

    def _compared(self, threads: int) -> Iterator[Difference]:
        with _database(self._scratch, self._memory, threads) as database:
            for side, one in zip(SIDES, self._sides, strict=True):
                database.execute(_view(side, one))
            (left, right), (of_left, of_right) = SIDES, self._prefixes
            self.tally.left, keys = _counts(database, inventory_sql.counted_once(f"{left}_inventory", of_left))
            # One side is enough: with that one sound, a key that comes twice on the other cannot be balanced.
            if keys != self.tally.left:
                raise _twice()
            (self.tally.right,) = _counts(database, inventory_sql.counted(f"{right}_inventory", of_right))
            database.execute(inventory_sql.compared(*self._prefixes))
            while rows := database.fetchmany(BATCH):
                for row in rows:
                    found = _difference(*row)
                    self.tally.add(found)
                    yield found

    def _settle(self) -> None:
        """Count what is equal: the same from both sides, or a key came twice."""
        tally = self.tally
        unlike = tally.size + tally.content + tally.doubtful
        equal = tally.left - tally.missing - unlike
        if equal != tally.right - tally.extra - unlike or equal < 0:
            raise _twice()
        tally.equal = equal


def _twice() -> FormatError:
    msg = "the current objects of one side are not one a key: an inventory names a key twice"
    return FormatError("inventory-twice", msg)


def _difference(  # noqa: PLR0913 — the columns of the statement
    key: str, kind: str, left_size: int | None, left_etag: str | None, right_size: int | None, right_etag: str | None
) -> Difference:
    named = key.encode()
    left: Row | None = None if left_size is None else (named, left_size, (left_etag or "").encode())
    right: Row | None = None if right_size is None else (named, right_size, (right_etag or "").encode())
    return Difference(key=named, kind=Kind(kind), left=left, right=right, reason=_REASONS.get(kind, ""))


_REASONS: dict[str, str] = {
    Kind.CONTENT: "MD5 of the whole objects",
    Kind.DOUBTFUL: "ETags that do not tell; drproof compare-prefixes asks the objects themselves",
}


def _view(side: str, inventory: Inventory) -> str:
    manifest = inventory.manifest
    files = ", ".join(_quoted(str(one)) for one in inventory.files)
    columns = inventory_sql.columns_of(manifest, "url_decode(replace(key, '+', '%20'))")
    if manifest.file_format == "Parquet":
        source = f"read_parquet([{files}])"
    else:
        named = ", ".join(f"{_quoted(name)}: 'VARCHAR'" for name in manifest.columns)
        source = (
            f"read_csv([{files}], columns={{{named}}}, header=false, auto_detect=false, delim=',', quote='\"', "
            f"escape='\"', nullstr='', compression='auto', buffer_size={LINES})"
        )
    # A row without a key would lie below no prefix, and be seen on neither side.
    key = "COALESCE(NULLIF(key, ''), error('it has no key')) AS key"
    rows = f"SELECT {', '.join(columns)} FROM {source}"  # noqa: S608 — names are quoted
    return f"CREATE VIEW {side}_inventory AS SELECT * REPLACE ({key}) FROM ({rows})"  # noqa: S608


@contextmanager
def _database(scratch: Path, memory: str, threads: int) -> Iterator["DuckDBPyConnection"]:
    try:
        import duckdb
    except ImportError as exc:
        msg = "inventories are joined by DuckDB, which is not installed\n  next: pip install 'drproof[inventory]'"
        raise TargetError(msg, code="NotInstalled", call="duckdb:connect") from exc
    settings: dict[str, str | bool | int | float | list[str]] = {
        "memory_limit": memory,
        "threads": str(threads),
        "temp_directory": str(scratch),
        "preserve_insertion_order": "false",
        # Nothing is fetched: what cannot be done with what is installed is an error.
        "autoinstall_known_extensions": "false",
        "autoload_known_extensions": "false",
    }
    try:
        with duckdb.connect(":memory:", config=settings) as database:
            yield database
    except (duckdb.InvalidInputException, duckdb.ConversionException) as exc:
        raise FormatError("inventory-rows", f"a row of an inventory cannot be read: {_first_line(exc)}") from exc
    except duckdb.Error as exc:
        more = "\n  next: give the join more by --memory" if type(exc).__name__ == OUT_OF_MEMORY else ""
        raise TargetError(f"duckdb: {_first_line(exc)}{more}", code=type(exc).__name__, call="duckdb:execute") from exc


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0]


def _counts(database: "DuckDBPyConnection", statement: str) -> list[int]:
    return [int(count) for count in database.execute(statement).fetchone() or ()]


def _verified(manifest: Path, named: DataFile) -> Path:
    """Return where a data file lies, after reading it whole and comparing it with what its manifest says."""
    path = _found(manifest, named)
    if PATTERN.intersection(str(path)):
        msg = f"{path}: DuckDB takes a path with any of {' '.join(sorted(PATTERN))} for a pattern of many files"
        raise FormatError("inventory-path", f"{msg}\n  next: copy the inventory to a folder without them")
    digest, size = hashlib.md5(usedforsecurity=False), 0
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            digest.update(chunk)
            size += len(chunk)
    if (size, digest.hexdigest()) != (named.size, named.md5):
        expected = f"expected {named.size} bytes with MD5 {named.md5}, got {size} with {digest.hexdigest()}"
        raise FormatError("inventory-checksum", f"{path}: {expected}")
    return path


def _found(manifest: Path, named: DataFile) -> Path:
    """Return the file of a key in a copy of the inventory that begins at any of the key's folders."""
    parts = named.key.split("/")
    for folder in manifest.absolute().parents:
        for first in range(len(parts)):
            if (path := folder.joinpath(*parts[first:])).is_file():
                return path
    msg = (
        f"{manifest} names {named.key}, which lies neither beside it nor above it\n"
        "  next: aws s3 sync the folder that holds both data/ and the manifest's own folder"
    )
    raise NotFoundError(msg, code="NoSuchFile", call="inventory:open")


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError as exc:
        msg = (
            f"{path} is missing: S3 delivers it with every inventory\n  next: aws s3 sync the inventory's folder again"
        )
        raise NotFoundError(msg, code="NoSuchFile", call="inventory:open") from exc


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
