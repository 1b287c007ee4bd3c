"""Failures that a scenario plants in front of the API server, or behind it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Fault:
    """What happens to one call instead of its answer."""

    status: int = 0
    """The HTTP status to answer with; 0: none of its own (the call is only delayed, or its connection reset)."""
    reason: str = ""
    message: str = ""
    retry_after: int | None = None
    """Seconds, as the header `Retry-After` and in the Status."""
    reset: bool = False
    """Whether the connection is reset without an answer."""
    hang_seconds: float = 0
    """How long the call waits before anything else happens."""
    after: bool = False
    """Whether the call is executed first: its effect happened, and its answer is lost."""
