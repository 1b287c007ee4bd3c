"""What a dead drill left may be removed by anyone once it has expired; this decides what that is, and says why not."""

from dataclasses import dataclass

from drproof.formats.timestamps import milliseconds
from drproof.model.errors import FormatError


@dataclass(frozen=True, slots=True, kw_only=True)
class Claimed:
    """What a thing says of itself by its tags, and whose it is."""

    drill: str
    expires_at: str
    account_id: str
    """Empty where the platform does not tell, and lists only what is the caller's own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What may go."""

    account_id: str
    now: str
    older_than_ms: int = 0
    """For how long it must have expired."""


def reason_to_leave(claimed: Claimed, terms: Terms) -> str:
    """Return why a thing is left by what it says of itself; nothing when it may go, if it is a drill's at all."""
    if not claimed.drill:
        return "it does not say which drill made it"
    if claimed.account_id and claimed.account_id != terms.account_id:
        return f"it belongs to account {claimed.account_id}, expected {terms.account_id}"
    try:
        ends = milliseconds(claimed.expires_at) + terms.older_than_ms
    except FormatError:
        return f"it does not say when it may go: {claimed.expires_at or 'no expiry'}"
    if ends >= milliseconds(terms.now):
        return f"it has not expired for long enough: it expires at {claimed.expires_at}"
    return ""
