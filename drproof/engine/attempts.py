"""One phase: its attempts, its one repair, and the record of each.

This is the only place that times a phase and catches what it raises: a failed phase is a receipt, not an exception.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from drproof.engine.context import PhaseContext
from drproof.evidence.redaction import Redactor
from drproof.model.context import Clock
from drproof.model.errors import (
    DrproofError,
    GuardError,
    HeldError,
    JournalError,
    LeaseError,
    NotFoundError,
    NotRunError,
    QuotaError,
    TargetError,
    UnobservedError,
)
from drproof.model.phase import Phase
from drproof.model.receipt import Attempt, Cause, ManualAct, Outcome
from drproof.model.settings import Limits

TAIL_LINES = 60
REFUSED_CODES = frozenset(
    {
        "AccessDenied",
        "Forbidden",
        "Invalid",
        "Unauthorized",
        "UntrustedCertificate",
        "AccessDeniedException",
        "UnauthorizedOperation",
        "AuthFailure",
        "InvalidClientTokenId",
        "LockHeld",
        "StateHeld",
        "StateUnreadable",
        "PlanDestroys",
        "ExpiredToken",
        "ExpiredTokenException",
        "RequestExpired",
        "RequestTimeTooSkewed",
    }
)
"""Answers that the same call gets again: a retry would only cost time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """How a phase ended, with everything its receipt says about that."""

    outcome: Outcome
    attempts: tuple[Attempt, ...]
    started_at: str
    ended_at: str
    duration_ms: int
    observed: Any = None
    reason: str = ""
    cause: Cause | None = None
    interruption: BaseException | None = None
    manual: ManualAct | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Try:
    outcome: Outcome
    observed: Any = None
    error: BaseException | None = None
    cause: Cause | None = None


def attempt(  # noqa: PLR0913 — a phase and what it runs in
    phase: Phase[Any],
    new_context: Callable[[], PhaseContext],
    limits: Limits,
    clock: Clock,
    masker: Redactor,
    log: Callable[[str], None],
    *,
    begin: Callable[[int], None],
    before: tuple[Attempt, ...] = (),
) -> tuple[Ending, PhaseContext]:
    """Run a phase until it ends, and return how, with the context of its last attempt.

    `begin` is called with the number of each attempt before it acts; `before` are attempts that were broken off, which
    stay on record and use up none.
    """
    started_at, started = clock.now(), clock.monotonic_ms()
    attempts = list(before)
    most = len(before) + limit_of(phase, limits)
    repaired = False
    while True:
        number = len(attempts) + 1
        begin(number)
        context = new_context()
        begun_at, begun = clock.now(), clock.monotonic_ms()
        tried = _act(phase, context, first=not attempts)
        repair = ""
        again = number < most and (_worth_another(tried) or (phase.removes and _of_the_disk(tried)))
        if again and not repaired and phase.mend is not None and isinstance(tried.error, Exception):
            repaired = True
            try:
                repair = _mend(phase, context, tried.error)
            except BaseException as exc:  # noqa: BLE001 — as in the phase itself: the receipt is written first
                again, tried = False, _interrupted(exc)
        attempts.append(_recorded(number, begun_at, clock.monotonic_ms() - begun, tried, repair, masker))
        _write_tail(attempts[-1], log)
        if not again:
            break
        try:
            clock.sleep_ms(limits.backoff_ms * number)
        except BaseException as exc:  # noqa: BLE001 — another plugin's timeout ends the wait as a signal does
            tried = _interrupted(exc)
            break
    ending = Ending(
        outcome=tried.outcome,
        attempts=tuple(attempts),
        started_at=started_at,
        ended_at=clock.now(),
        duration_ms=clock.monotonic_ms() - started,
        observed=tried.observed,
        reason=masker.redact(_reason(tried, attempts), record=False),
        cause=tried.cause,
        interruption=None if tried.error is None or isinstance(tried.error, Exception) else tried.error,
        manual=context.manual,
    )
    return ending, context


def limit_of(phase: Phase[Any], limits: Limits) -> int:
    """Return how many attempts a phase has; validation has a bound of its own."""
    if phase.window == "validate":
        return min(limits.max_attempts, limits.validate_max_retries + 1)
    return limits.max_attempts


def _act(phase: Phase[Any], context: PhaseContext, *, first: bool) -> _Try:
    """Call the phase once; every way it can end has a name."""
    try:
        observed = phase.act(context)
    except (NotRunError, UnobservedError) as exc:
        outcome = Outcome.NOT_RUN if isinstance(exc, NotRunError) else Outcome.UNOBSERVED
        return _Try(outcome=outcome, error=exc, cause=None)
    except (QuotaError, HeldError) as exc:
        return _not_tried(exc, first=first, removes=phase.removes)
    except GuardError as exc:
        return _Try(outcome=Outcome.FAILED, error=exc, cause=Cause.GUARD)
    except LeaseError as exc:
        return _Try(outcome=Outcome.FAILED, error=exc, cause=Cause.LEASE)
    except (TargetError, JournalError, OSError) as exc:
        return _Try(outcome=Outcome.FAILED, error=exc, cause=Cause.WORLD)
    except DrproofError as exc:
        return _Try(outcome=Outcome.FAILED, error=exc, cause=Cause.END_STATE)
    except Exception as exc:  # noqa: BLE001 — a defect of a phase is a failed phase; hiding it would be a false proof
        return _Try(outcome=Outcome.FAILED, error=exc, cause=Cause.DEFECT)
    except BaseException as exc:  # noqa: BLE001 — the receipt is written first, then it goes on
        return _interrupted(exc)
    if not isinstance(observed, phase.observes):
        error = TypeError(f"{phase.name} observed {type(observed).__name__}, expected {phase.observes.__name__}")
        return _Try(outcome=Outcome.FAILED, error=error, cause=Cause.DEFECT)
    return _Try(outcome=Outcome.PASSED, observed=observed)


def _not_tried(error: QuotaError | HeldError, *, first: bool, removes: bool) -> _Try:
    """Return the end of a phase whose effect was refused before it began.

    What takes away has failed while its things are there, whoever refused. So has what an earlier attempt has begun,
    where somebody else holds what it needs.
    """
    quota = isinstance(error, QuotaError)
    untouched = not removes and (first or quota)
    return _Try(
        outcome=Outcome.BLOCKED if untouched else Outcome.FAILED,
        error=error,
        cause=Cause.QUOTA if quota else Cause.LEASE,
    )


def _interrupted(error: BaseException) -> _Try:
    return _Try(outcome=Outcome.INTERRUPTED, error=error, cause=Cause.SIGNAL)


def _worth_another(tried: _Try) -> bool:
    """Return whether the same phase may end differently next time."""
    return (
        tried.outcome is Outcome.FAILED
        and isinstance(tried.error, TargetError)
        and not isinstance(tried.error, NotFoundError)
        and tried.error.code not in REFUSED_CODES
    )


def _of_the_disk(tried: _Try) -> bool:
    """Return whether the disk of this machine failed: what takes away is tried again by it as by a platform."""
    return tried.outcome is Outcome.FAILED and isinstance(tried.error, (JournalError, OSError))


def _mend(phase: Phase[Any], context: PhaseContext, error: Exception) -> str:
    """Repair once; a repair that fails is on record, and the next attempt shows what it was worth."""
    if phase.mend is None:
        return ""
    try:
        return phase.mend(context, error)
    except DrproofError as exc:
        return f"the repair failed: {exc}"
    except Exception as exc:  # noqa: BLE001 — a defect of a repair must not cost the receipt of what failed before it
        return f"the repair failed: {type(exc).__name__}: {exc}"


def _recorded(  # noqa: PLR0913 — what an attempt is recorded with
    number: int, begun_at: str, duration_ms: int, tried: _Try, repair: str, masker: Redactor
) -> Attempt:
    # Redacted as one text: a secret may be cut in two by the end of a line.
    lines = masker.redact("\n".join(_told(tried.error))).splitlines()
    return Attempt(
        number=number,
        started_at=begun_at,
        duration_ms=duration_ms,
        outcome=tried.outcome,
        error=lines[0] if lines else "",
        error_class=type(tried.error).__name__ if tried.error is not None else "",
        command=masker.mask(getattr(tried.error, "call", "")),
        error_tail=tuple(lines[-TAIL_LINES:]) if len(lines) > 1 else (),
        repair=masker.redact(repair),
    )


def _told(error: BaseException | None) -> tuple[str, ...]:
    """Return what an error says, and what was added to it on its way, such as what could not be cleaned up."""
    return (str(error or ""), *getattr(error, "__notes__", ()))


def _write_tail(recorded: Attempt, log: Callable[[str], None]) -> None:
    log(f"attempt {recorded.number}: {recorded.outcome} after {recorded.duration_ms} ms")
    for line in (recorded.error_class and f"{recorded.error_class}: {recorded.error}", *recorded.error_tail):
        if line:
            log(f"  {line}")
    if recorded.repair:
        log(f"  repaired: {recorded.repair}")


def _reason(tried: _Try, attempts: list[Attempt]) -> str:
    if tried.error is None:
        return ""
    text = str(tried.error).partition("\n")[0] or type(tried.error).__name__
    if tried.outcome is Outcome.FAILED and len(attempts) > 1:
        return f"{text} (after {len(attempts)} attempts)"
    return text
