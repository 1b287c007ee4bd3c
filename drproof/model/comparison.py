"""What a comparison of two prefixes finds about one key."""

from dataclasses import dataclass
from enum import StrEnum

from drproof.model.listing import Row


class Kind(StrEnum):
    """In which way one key is not the same on both sides."""

    MISSING = "missing"
    """On the left and not on the right."""
    EXTRA = "extra"
    """On the right and not on the left."""
    SIZE = "different size"
    CONTENT = "different content"
    DOUBTFUL = "doubtful"
    """On both sides, as long on both, and nothing that was asked shows whether the content is the same."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One key that is not, or may not be, the same on both sides."""

    key: bytes
    """Below both prefixes, UTF-8."""
    kind: Kind
    left: Row | None = None
    right: Row | None = None
    reason: str = ""
    """What the kind rests on."""


@dataclass(slots=True, kw_only=True)
class Tally:
    """How many keys a comparison saw, by what they came to."""

    left: int = 0
    right: int = 0
    equal: int = 0
    missing: int = 0
    extra: int = 0
    size: int = 0
    content: int = 0
    doubtful: int = 0

    def add(self, difference: Difference) -> None:
        """Count a difference."""
        name = difference.kind.name.lower()
        setattr(self, name, getattr(self, name) + 1)

    def join(self, other: "Tally") -> None:
        """Count what another part of the same comparison saw."""
        for name in self.__slots__:
            setattr(self, name, getattr(self, name) + getattr(other, name))

    @property
    def differing(self) -> int:
        """How many keys are known not to be the same."""
        return self.missing + self.extra + self.size + self.content
