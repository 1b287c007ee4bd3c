"""How long the drill's credentials live at each site, and what time it is there."""

from dataclasses import dataclass

from drproof.formats.timestamps import milliseconds
from drproof.model.capabilities import SiteTarget
from drproof.model.context import Context
from drproof.model.errors import TargetError
from drproof.model.phase import phase
from drproof.model.receipt import Caller


@dataclass(frozen=True, slots=True, kw_only=True)
class IdentitySeen:
    """Who a site takes us for, until when, and how far our clock is from its own."""

    caller: Caller
    asked_at: str
    expires_at: str
    """Empty for credentials that do not end or are renewed by themselves; `unknown` for those that do not say."""
    skew_ms: int | None
    """The platform's clock minus ours; None where it does not tell the time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IdentitiesObserved:
    """Both identities."""

    primary: IdentitySeen
    recovery: IdentitySeen


@phase(plans={"preflight"}, uses={"identity.read"}, objective_ms=30_000, command_hint="pytest -m preflight")
def read_identities(ctx: Context) -> IdentitiesObserved:
    """Both sites have said who we are, and their clocks and the credentials' end are known."""
    return IdentitiesObserved(primary=_seen(ctx, ctx.target.primary), recovery=_seen(ctx, ctx.target.recovery))


def _seen(ctx: Context, site: SiteTarget) -> IdentitySeen:
    identity = site.identity
    return IdentitySeen(
        caller=identity.caller(),
        asked_at=ctx.clock.now(),
        expires_at=identity.expires_at(),
        skew_ms=_skew(ctx, site),
    )


def _skew(ctx: Context, site: SiteTarget) -> int | None:
    """Return how far the clocks are apart; the answer was written at some moment between the two that we read."""
    before = milliseconds(ctx.clock.now())
    try:
        there = milliseconds(site.identity.platform_time())
    except TargetError as exc:
        ctx.say(str(exc))
        return None
    return there - (before + milliseconds(ctx.clock.now())) // 2
