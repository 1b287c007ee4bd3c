"""What is to become of each thing that a sweep finds, and why."""

from dataclasses import dataclass
from typing import Literal

from drproof.analysis.expiry import Terms, reason_to_leave
from drproof.engine.sweep_documents import Decision, SweptItem
from drproof.engine.sweep_find import Candidate

DUE: Literal["due"] = "due"


@dataclass(frozen=True, slots=True, kw_only=True)
class Looked:
    """One thing as a look found it, and what is to become of it."""

    candidate: Candidate
    decision: Decision
    why: str

    @property
    def kind(self) -> str:
        """Its kind."""
        return self.candidate.kind

    @property
    def identity(self) -> str:
        """Its name on the platform."""
        return self.candidate.identity

    @property
    def key(self) -> tuple[str, str, str, str]:
        """What must be the same in two looks."""
        return self.candidate.key


def looked(one: Candidate, terms: Terms) -> Looked:
    """Decide about one thing: what it says of itself comes first, then whether anything else says so too."""
    decision: Decision
    if why := one.unread:
        decision = "held"
    elif why := one.left or reason_to_leave(one.claimed, terms):
        decision = "left"
    elif one.doubt:
        decision, why = "foreign", one.doubt
    elif one.held:
        decision, why = "held", one.held
    else:
        decision, why = DUE, f"drill {one.claimed.drill} expired at {one.claimed.expires_at}"
        why += f"; it goes after {one.waits}" if one.waits else ""
    return Looked(candidate=one, decision=decision, why=why)


def item_of(one: Looked) -> SweptItem:
    """Return what the record says of one thing before anything is removed."""
    return SweptItem(
        kind=one.kind,
        identity=one.identity,
        drill=one.candidate.claimed.drill,
        expires_at=one.candidate.claimed.expires_at,
        decision=one.decision,
        why=one.why,
        next_step=one.candidate.next_step if one.decision in {"held", "foreign"} else "",
        count=one.candidate.count,
    )
