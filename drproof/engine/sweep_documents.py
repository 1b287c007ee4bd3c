"""What a sweep writes down: what it found, what it decided about each thing and why, and what came of that."""

from dataclasses import dataclass
from typing import Literal

from drproof.model.receipt import Caller, Count, Mode, Tool

Decision = Literal["held", "foreign", "due", "failed", "removed", "left"]
REMAINING = frozenset({"held", "foreign", "due", "failed"})


@dataclass(frozen=True, slots=True, kw_only=True)
class SweptItem:
    """One thing with a drill's mark."""

    kind: str
    identity: str
    drill: str
    expires_at: str
    decision: Decision
    """Of what has expired: `due` is what a dry run would remove, `failed` what is still there after the removal, `held`
    what a drill made and a sweep may not remove (and a state or lock that nobody can read, and objects of which nobody
    asked whose they are), `foreign` what carries a drill's tag and nothing besides says it is that drill's. `left` is
    what is not due."""
    why: str
    next_step: str = ""
    """The command for what is left; empty where there is nothing to do."""
    count: Count = 1
    """Objects below one prefix are one item."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SweepRecord:
    """The record of one sweep."""

    schema_version: Literal[1] = 1
    sweep_id: str
    mode: Mode
    dry_run: bool
    started_at: str
    ended_at: str
    platform_at: str = ""
    """What time it was for the platform when it began: by that things expire, and not by this machine's clock."""
    account_id: str
    region: str
    caller: Caller
    drill: str
    """The only drill that was looked at; empty for all."""
    older_than_ms: Count
    max_deletions: Count
    items: tuple[SweptItem, ...]
    obstacle: str = ""
    """Why a sweep did not remove what is due, or ended before it had: who holds the target."""
    kept_away: bool = False
    """Whether that is somebody else's lease, and nothing was begun: the next sweep comes."""
    tool: Tool

    @property
    def remaining(self) -> tuple[SweptItem, ...]:
        """What has expired and is still there: that nobody may remove it here does not make it gone."""
        return tuple(item for item in self.items if item.decision in REMAINING)
