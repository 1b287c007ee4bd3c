"""Taking the target: the lease that keeps two drills apart, behind an intent of its own."""

from datetime import timedelta
from functools import partial

from drproof.engine.clock import SystemClock
from drproof.engine.effects import JournalledEffects
from drproof.engine.lease import Lease
from drproof.engine.patience import Patience
from drproof.engine.preparation import EXPIRES_AFTER, Prepared
from drproof.engine.private import Handover
from drproof.engine.refusal import Refusal, refuse
from drproof.evidence.journal import Journal
from drproof.model.capabilities import Target
from drproof.model.context import DRILL_TAG, EXPIRES_TAG
from drproof.model.errors import LeaseError, NotFoundError, TargetError
from drproof.model.settings import Settings

RUNNING = frozenset({"RUNNING", "PENDING_REDRIVE"})


def sealed_before(prepared: Prepared) -> tuple[str, ...]:
    """Return the drill that this one goes on with, once it was sealed: it changes nothing any more."""
    prior = prepared.prior
    return (prior.plan.drill_id,) if prior is not None and prior.is_closed else ()


def still_runs(target: Target, execution: str) -> bool:
    """Return whether an execution of the recovery site still runs; one that the platform has forgotten does not.

    Raises:
        TargetError: the platform does not say.
    """
    try:
        return target.recovery.workflows.execution(execution).status in RUNNING
    except NotFoundError:
        return False


def lease_on(  # noqa: PLR0913 — a lease, its terms, and who holds it
    settings: Settings,
    target: Target,
    drill_id: str,
    *,
    origin: str,
    expires_at: str,
    ended: tuple[str, ...] = (),
    execution: str = "",
) -> Lease:
    """Return the lease on the target of these settings; nothing is taken yet."""
    provisioner = settings.recovery.provisioner
    return Lease(
        target.recovery.leases,
        provisioner.state_bucket,
        provisioner.state_key,
        drill_id=drill_id,
        length_ms=settings.limits.lease_ms,
        clock=SystemClock(),
        tags={DRILL_TAG: origin, EXPIRES_TAG: expires_at},
        ended=ended,
        execution=execution,
        runs=partial(still_runs, target),
        # As long as what it makes may live.
        longest_ms=EXPIRES_AFTER // timedelta(milliseconds=1) + settings.promotion.await_ms,
    )


def take_lease(
    handover: Handover, target: Target, journal: Journal, drill_id: str, *, ended: tuple[str, ...] = ()
) -> Lease:
    """Take the lease of a drill, behind an intent in its journal.

    Raises:
        Refusal: another drill holds it, or it cannot be taken.
    """
    settings, clock = handover.settings, SystemClock()
    lease = lease_on(settings, target, drill_id, origin=handover.origin, expires_at=handover.expires_at, ended=ended)
    effects = JournalledEffects(journal, drill_id=drill_id, phase="", clock=clock)
    try:
        with effects.intend("lease.take", lease.uri) as pending:
            Patience(settings.limits, clock).ask(lambda: lease.take(pending.intent))
            pending.done(fence=lease.fence)
    except LeaseError as exc:
        raise Refusal(str(exc)) from exc
    except TargetError as exc:
        raise refuse(
            f"the lease {lease.uri} cannot be taken: {exc}", next_step="pytest -m preflight says what is missing"
        ) from exc
    return lease
