"""Credentials must outlive a drill and its teardown: what nobody may remove any more costs on."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from drproof.engine.clock import instant
from drproof.engine.refusal import refuse
from drproof.formats import timestamps
from drproof.model.phase import Phase
from drproof.model.readiness import EXPIRY_UNKNOWN
from drproof.model.settings import Limits

PHASE_MS = 60_000
"""What a phase without an objective of its own is counted with."""


def budget_ms(phases: Iterable[Phase[Any]]) -> int:
    """Return how long a window may take by the objectives of its phases, each tried once."""
    return sum(phase.objective_ms or PHASE_MS for phase in phases)


def needed_ms(phases: Iterable[Phase[Any]], limits: Limits, *, waits_ms: int = 0) -> int:
    """Return how long credentials must live for these phases, what waits for people among them, and a teardown."""
    return budget_ms(phases) + limits.teardown_reserve_ms + waits_ms


def refuse_short_lived(
    ends_at: str, phases: Iterable[Phase[Any]], limits: Limits, *, now: str, waits: timedelta = timedelta()
) -> None:
    """Refuse a run whose credentials end before it may have ended and been undone; empty ones do not end.

    Raises:
        Refusal: they end too early, or nobody knows when and something is made: what nobody may remove costs on.
    """
    phases = tuple(phases)
    makes = any(phase.mutates and not phase.removes for phase in phases)
    # What only takes away is the end of such costs: on a guess, it is rather begun.
    if not ends_at or (ends_at == EXPIRY_UNKNOWN and not makes):
        return
    until = timestamps.parse(now) + timedelta(milliseconds=needed_ms(phases, limits)) + waits
    if ends_at == EXPIRY_UNKNOWN:
        raise refuse(
            "the credentials end, and do not say when: a drill that outlives them cannot be torn down",
            expected=f"credentials until {instant(until)}, or such as renew themselves",
            got="a session token without AWS_CREDENTIAL_EXPIRATION",
            next_step="use a profile or a role that renews them, or set AWS_CREDENTIAL_EXPIRATION beside them to when "
            "they end (aws configure export-credentials --format env does), then run the same command again",
        )
    if timestamps.parse(ends_at) >= until:
        return
    raise refuse(
        f"the credentials end at {ends_at}, and nothing renews them: a drill that outlives them cannot be torn down",
        expected=f"credentials until {instant(until)}: the objectives of the phases, limits.teardown_reserve "
        "and --await-approval",
        got=ends_at,
        next_step="renew them (aws sso login, a new session token, a role that is assumed by a profile), "
        "then run the same command",
    )
