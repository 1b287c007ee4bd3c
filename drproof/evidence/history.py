"""The bundles of one folder in the order in which they were closed: each names the one before it."""

from pathlib import Path

from drproof.evidence import envelope, statements
from drproof.evidence.canonical import digest
from drproof.evidence.integrity import CLOSING
from drproof.evidence.statements import Closing
from drproof.model.errors import EvidenceError


def last_of(reports: Path, plan: str, mode: str) -> str | None:
    """Return the digest of the bundle of a plan that was closed last, by what the bundles themselves say."""
    found: list[tuple[str, str]] = []
    for path in reports.glob(f"*/{CLOSING}"):
        try:
            data = path.read_bytes()
            closing = statements.read(envelope.read(data), Closing).predicate
        except (OSError, EvidenceError):
            # What cannot be read is no link of a chain; verifying it says why.
            continue
        if (closing.plan, closing.mode) == (plan, mode):
            found.append((closing.closed_at, digest(data)))
    return max(found)[1] if found else None
