"""A defect of a state machine: where it is, which kind, and what follows from it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Defect:
    """One defect; `code` is stable."""

    state: str
    """Empty where it is one of the machine."""
    place: str
    """The field of the state, as a path into the document."""
    code: str
    what: str
    """What happens because of it, in one sentence."""

    def __str__(self) -> str:
        """Return it as one line."""
        where = ".".join(part for part in (self.state or "machine", self.place) if part)
        return f"{where}: {self.code}: {self.what}"
