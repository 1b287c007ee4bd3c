"""The bundles of one folder in the order in which they were closed: each names the one before it."""

from collections.abc import Iterator
from pathlib import Path

from drproof.evidence import envelope, statements
from drproof.evidence.canonical import digest
from drproof.evidence.integrity import CLOSING
from drproof.evidence.statements import Closing
from drproof.model.errors import EvidenceError


def newest_of(reports: Path, plan: str) -> Path | None:
    """Return the folder of the bundle of a plan that was closed last; None when there is none."""
    found = [(closing.closed_at, path) for path, closing, _ in _closed(reports) if closing.plan == plan]
    return max(found)[1] if found else None


def last_of(reports: Path, plan: str, mode: str) -> str | None:
    """Return the digest of the bundle of a plan that was closed last, by what the bundles themselves say."""
    found = [
        (closing.closed_at, sha256)
        for _, closing, sha256 in _closed(reports)
        if (closing.plan, closing.mode) == (plan, mode)
    ]
    return max(found)[1] if found else None


def _closed(reports: Path) -> Iterator[tuple[Path, Closing, str]]:
    """Yield the folder, the closing and its digest of each bundle below a folder."""
    for path in reports.glob(f"*/{CLOSING}"):
        try:
            data = path.read_bytes()
            closing = statements.read(envelope.read(data), Closing).predicate
        except (OSError, EvidenceError):
            # What cannot be read is no link of a chain; verifying it says why.
            continue
        yield path.parent, closing, digest(data)
