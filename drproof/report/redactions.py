"""What was masked in the words of others, as far as a bundle's folder says."""

from dataclasses import dataclass

from drproof.evidence.bundle import Bundle
from drproof.evidence.redaction import REDACTIONS, Redacted
from drproof.formats.strict_json import parse
from drproof.model.codec import decode
from drproof.model.errors import EvidenceError


@dataclass(frozen=True, slots=True, kw_only=True)
class Redaction:
    """The texts that one phase redacted; `texts` is None where its file does not say."""

    phase: str
    path: str
    texts: int | None


def redactions(bundle: Bundle) -> tuple[Redaction, ...]:
    """Return what each phase redacted, in the order of the receipts' names."""
    suffix = f".{REDACTIONS}.json"
    places = sorted((bundle.directory / "evidence").glob(f"*{suffix}"))
    return tuple(
        Redaction(
            phase=place.name.removesuffix(suffix), path=f"evidence/{place.name}", texts=_texts(place.read_bytes())
        )
        for place in places
    )


def _texts(data: bytes) -> int | None:
    try:
        return len(decode(tuple[Redacted, ...], parse(data)))
    except EvidenceError:
        # A page is made of whatever lies in a folder; a file that cannot be counted is still shown.
        return None
