"""A clock that is ahead of the platform's: what is made by it seems to be older than the word that announced it."""

from drproof.analysis.ownership import SKEW_MS
from drproof.engine.clock import SystemClock
from drproof.engine.patience import PASSING, Patience
from drproof.engine.refusal import refuse
from drproof.formats.timestamps import milliseconds
from drproof.model.capabilities import Identity
from drproof.model.errors import TargetError
from drproof.model.settings import Limits


def refuse_a_clock_ahead(identity: Identity, limits: Limits) -> None:
    """Refuse to make what a teardown would take for somebody else's, because it seems to have been there before.

    Raises:
        Refusal: this machine's clock is further ahead than a teardown allows for, or the platform does not tell.
    """
    clock = SystemClock()
    try:
        there = Patience(limits, clock).ask(identity.platform_time)
    except PASSING as exc:
        raise refuse(f"the recovery site does not answer: {exc}", next_step="run the same command again") from exc
    except TargetError as exc:
        raise refuse(f"the recovery site does not say what time it is: {exc}", next_step="pytest -m preflight") from exc
    # The platform tells whole seconds, and told them before this machine is asked.
    ahead = milliseconds(clock.now()) - milliseconds(there)
    if ahead > SKEW_MS:
        raise refuse(
            "the clock of this machine is ahead of the platform's: what the drill makes would seem to be older than it",
            expected=f"at most {SKEW_MS} ms",
            got=f"{ahead} ms; nothing was changed",
            next_step="set the clock (timedatectl set-ntp true), then run the same command again",
        )
