"""Attempts: how often a phase is tried, what is repaired, and what is on record of each try."""

from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, cast

import pytest

from drproof.engine.attempts import Ending, attempt
from drproof.engine.context import PhaseContext
from drproof.evidence.redaction import MASK, Redactor
from drproof.model.context import Context
from drproof.model.errors import (
    GuardError,
    HeldError,
    Interruption,
    JournalError,
    LeaseError,
    NotFoundError,
    NotRunError,
    PhaseError,
    QuotaError,
    TargetError,
    ThrottledError,
)
from drproof.model.phase import Phase, phase
from drproof.model.receipt import Attempt, Cause, Outcome
from drproof.model.settings import Limits

SECRET = "wJalrXUtnFEMIK7MDENGbPxRfiCY"


@dataclass(frozen=True)
class Seen:
    """What the phases of these tests observe."""

    tries: int


@dataclass
class Ticking:
    """A clock that moves a second a look, and writes down each wait."""

    waits: list[int] = field(default_factory=list)
    signal: BaseException = field(default_factory=lambda: Interruption("SIGTERM received", exit_status=143))
    elapsed: int = 0
    interrupted_in: int = 0
    """The number of the wait in which a signal comes; 0 for none."""

    def now(self) -> str:
        return "2026-11-24T00:00:00.000Z"

    def monotonic_ms(self) -> int:
        self.elapsed += 1000
        return self.elapsed

    def sleep_ms(self, milliseconds: int) -> None:
        self.waits.append(milliseconds)
        if len(self.waits) == self.interrupted_in:
            raise self.signal


@dataclass
class Bench:
    """A phase that raises these errors in turn, and then observes; everything that was said about it."""

    errors: list[BaseException]
    window: str = ""
    removes: bool = False
    tries: int = 0
    said: list[str] = field(default_factory=list)
    begun: list[int] = field(default_factory=list)
    clock: Ticking = field(default_factory=Ticking)

    def phase(self) -> Phase[Any]:
        @phase(plans={"bench"}, window=self.window, always=self.removes, mutates=self.removes)
        def work(ctx: Context) -> Seen:
            """The work is done."""
            self.tries += 1
            if self.tries <= len(self.errors):
                raise self.errors[self.tries - 1]
            return Seen(tries=self.tries)

        return work

    def run(
        self, limits: Limits | None = None, work: Phase[Any] | None = None, before: tuple[Attempt, ...] = ()
    ) -> Ending:
        # The phases of these tests look at nothing of their context.
        context = cast("PhaseContext", SimpleNamespace(manual=None))
        ending, _ = attempt(
            work or self.phase(),
            lambda: context,
            limits or Limits(backoff_ms=100),
            self.clock,
            Redactor([SECRET]),
            self.said.append,
            begin=self.begun.append,
            before=before,
        )
        return ending


def test_a_phase_that_succeeds_is_tried_once():
    bench = Bench([])

    ending = bench.run()

    assert (ending.outcome, ending.observed, ending.reason) == (Outcome.PASSED, Seen(1), "")
    assert bench.begun == [1]
    assert [tried.outcome for tried in ending.attempts] == [Outcome.PASSED]
    assert bench.clock.waits == []


def test_what_the_platform_fails_is_tried_three_times_with_growing_waits_and_each_try_is_on_record():
    bench = Bench([TargetError(f"broken {n}", code="InternalError", call="ec2:RunInstances") for n in range(9)])

    ending = bench.run()

    assert (ending.outcome, ending.cause) == (Outcome.FAILED, Cause.WORLD)
    assert [(tried.number, tried.error, tried.error_class, tried.command) for tried in ending.attempts] == [
        (n, f"broken {n - 1}", "TargetError", "ec2:RunInstances") for n in (1, 2, 3)
    ]
    assert bench.clock.waits == [100, 200]
    assert bench.begun == [1, 2, 3]
    assert ending.reason == "broken 2 (after 3 attempts)"


def test_a_phase_that_succeeds_the_second_time_passed_and_the_first_try_stays_on_record():
    ending = Bench([ThrottledError("slow down", code="Throttling")]).run()

    assert ending.outcome is Outcome.PASSED
    assert [tried.outcome for tried in ending.attempts] == [Outcome.FAILED, Outcome.PASSED]
    assert ending.reason == ""


def test_with_one_attempt_allowed_there_is_no_second():
    bench = Bench([TargetError("broken", code="InternalError")])

    ending = bench.run(Limits(max_attempts=1, validate_max_retries=0))

    assert (ending.outcome, len(ending.attempts), bench.clock.waits) == (Outcome.FAILED, 1, [])
    assert ending.reason == "broken"


@pytest.mark.parametrize(("retries", "tries"), [(0, 1), (1, 2), (9, 3)])
def test_validation_has_a_bound_of_its_own_below_that_of_all_phases(retries, tries):
    bench = Bench([TargetError("broken")] * 9, window="validate")

    assert len(bench.run(Limits(backoff_ms=1, validate_max_retries=retries)).attempts) == tries


@pytest.mark.parametrize("code", ["AccessDenied", "UnauthorizedOperation", "ExpiredToken", "LockHeld"])
def test_an_answer_that_the_same_call_gets_again_is_not_asked_for_again(code):
    ending = Bench([TargetError("no", code=code)] * 9).run()

    assert (ending.outcome, len(ending.attempts)) == (Outcome.FAILED, 1)


def test_what_somebody_else_holds_after_an_attempt_that_failed_has_not_left_recovery_untried():
    ending = Bench([TargetError("broken"), HeldError("locked", code="LockHeld")]).run()

    assert (ending.outcome, ending.cause, len(ending.attempts)) == (Outcome.FAILED, Cause.LEASE, 2)


def test_what_takes_away_has_failed_where_somebody_else_holds_what_it_needs():
    ending = Bench([HeldError("locked", code="LockHeld")], removes=True).run()

    assert (ending.outcome, ending.cause) == (Outcome.FAILED, Cause.LEASE)


def test_what_takes_away_has_failed_where_a_quota_leaves_it_no_room():
    """What is up stays up meanwhile, so it is tried as often as anything that failed."""
    ending = Bench([QuotaError("quota is 0")] * 3, removes=True).run()

    assert (ending.outcome, ending.cause, len(ending.attempts)) == (Outcome.FAILED, Cause.QUOTA, 3)


@pytest.mark.parametrize(
    ("error", "outcome", "cause"),
    [
        (NotRunError("nothing to do"), Outcome.NOT_RUN, None),
        (QuotaError("quota is 0"), Outcome.BLOCKED, Cause.QUOTA),
        (HeldError("locked", code="LockHeld"), Outcome.BLOCKED, Cause.LEASE),
        (GuardError("not ours"), Outcome.FAILED, Cause.GUARD),
        (LeaseError("lost"), Outcome.FAILED, Cause.LEASE),
        (NotFoundError("gone"), Outcome.FAILED, Cause.WORLD),
        (PhaseError("not reached"), Outcome.FAILED, Cause.END_STATE),
        (ZeroDivisionError("a defect"), Outcome.FAILED, Cause.DEFECT),
        (Interruption("SIGINT received", exit_status=130), Outcome.INTERRUPTED, Cause.SIGNAL),
        (KeyboardInterrupt(), Outcome.INTERRUPTED, Cause.SIGNAL),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, BaseException) else str(value),
)
def test_every_way_to_end_has_its_outcome_and_its_cause_and_is_not_repeated(error, outcome, cause):
    ending = Bench([error]).run()

    assert (ending.outcome, ending.cause, len(ending.attempts)) == (outcome, cause, 1)
    assert ending.attempts[0].error_class == type(error).__name__
    assert (ending.interruption is error) is (outcome is Outcome.INTERRUPTED)


@pytest.mark.parametrize("error", [JournalError("the journal cannot be read"), OSError(5, "Input/output error")])
@pytest.mark.parametrize(("removes", "tries"), [(False, 1), (True, 2)])
def test_what_takes_away_is_tried_again_when_this_machines_own_disk_failed_and_nothing_else_is(error, removes, tries):
    ending = Bench([error], removes=removes).run()

    assert len(ending.attempts) == tries
    assert ending.outcome is (Outcome.PASSED if removes else Outcome.FAILED)


def test_a_phase_that_observes_something_else_than_it_says_has_failed():
    @phase(plans={"bench"})
    def work(ctx: Context) -> Seen:
        """The work is done."""
        return cast("Seen", {"tries": 1})

    ending = Bench([]).run(work=work)

    assert (ending.outcome, ending.cause, ending.observed) == (Outcome.FAILED, Cause.DEFECT, None)
    assert "observed dict, expected Seen" in ending.reason


def test_a_phase_is_repaired_once_however_often_it_fails_and_the_repair_is_on_record():
    bench = Bench([TargetError("broken", code="InternalError")] * 9)
    work = bench.phase()
    mended: list[str] = []

    @work.repair
    def mend(ctx: Context, error: Exception) -> str:
        mended.append(str(error))
        return "the stale lock was removed"

    ending = bench.run(work=work)

    assert mended == ["broken"]
    assert [tried.repair for tried in ending.attempts] == ["the stale lock was removed", "", ""]
    assert any("repaired: the stale lock was removed" in line for line in bench.said)


def test_a_repair_that_fails_is_on_record_and_the_next_attempt_is_made():
    bench = Bench([TargetError("broken", code="InternalError")])
    work = bench.phase()

    @work.repair
    def mend(ctx: Context, error: Exception) -> str:
        raise TargetError("no right to mend", code="AccessDenied")

    ending = bench.run(work=work)

    assert ending.outcome is Outcome.PASSED
    assert ending.attempts[0].repair == "the repair failed: no right to mend"


def test_a_repair_with_a_defect_costs_no_attempt_and_no_record():
    bench = Bench([TargetError("broken", code="InternalError")])
    work = bench.phase()

    @work.repair
    def mend(ctx: Context, error: Exception) -> str:
        raise ZeroDivisionError("a defect")

    ending = bench.run(work=work)

    assert ending.outcome is Outcome.PASSED
    assert ending.attempts[0].repair == "the repair failed: ZeroDivisionError: a defect"


def test_a_signal_in_a_repair_interrupts_the_phase_and_its_attempt_is_on_record():
    bench = Bench([TargetError("broken", code="InternalError")] * 9)
    work = bench.phase()

    @work.repair
    def mend(ctx: Context, error: Exception) -> str:
        raise Interruption("SIGINT received", exit_status=130)

    ending = bench.run(work=work)

    assert (ending.outcome, ending.cause, len(ending.attempts)) == (Outcome.INTERRUPTED, Cause.SIGNAL, 1)
    assert isinstance(ending.interruption, Interruption)


def test_nothing_is_repaired_before_a_last_attempt_that_is_not_coming():
    bench = Bench([TargetError("broken", code="AccessDenied")])
    work = bench.phase()

    @work.repair
    def mend(ctx: Context, error: Exception) -> str:
        raise AssertionError("nothing follows that a repair could help")

    assert bench.run(work=work).outcome is Outcome.FAILED


def test_a_signal_while_waiting_for_the_next_attempt_interrupts_the_phase():
    bench = Bench([TargetError("broken", code="InternalError")] * 9, clock=Ticking(interrupted_in=1))

    ending = bench.run()

    assert (ending.outcome, ending.cause) == (Outcome.INTERRUPTED, Cause.SIGNAL)
    assert ending.interruption is bench.clock.signal
    assert [tried.outcome for tried in ending.attempts] == [Outcome.FAILED]
    assert ending.reason == "SIGTERM received"


def test_an_interrupt_of_another_plugin_while_waiting_is_a_receipt_too():
    bench = Bench([TargetError("broken", code="InternalError")] * 9)
    bench.clock = Ticking(interrupted_in=1, signal=KeyboardInterrupt())

    assert bench.run().outcome is Outcome.INTERRUPTED


def test_no_secret_reaches_the_record_or_the_log_of_a_failed_attempt():
    told = f"denied for {SECRET}\nfirst {SECRET}\nlast line"
    bench = Bench([TargetError(told, code="AccessDenied", call=f"sts --key {SECRET}")])

    ending = bench.run()

    (tried,) = ending.attempts
    assert tried.error == f"denied for {MASK}"
    assert tried.error_tail == (f"denied for {MASK}", f"first {MASK}", "last line")
    assert tried.command == f"sts --key {MASK}"
    assert ending.reason == f"denied for {MASK}"
    assert SECRET not in "".join(bench.said)
    assert "  last line" in bench.said


def test_what_was_added_to_an_error_on_its_way_is_on_record():
    error = ThrottledError("slow down", code="Throttling")
    error.add_note(f"build 7 may still run, {SECRET}\n  next: stop it")

    ending = Bench([error]).run()

    assert ending.attempts[0].error == "slow down"
    assert ending.attempts[0].error_tail == ("slow down", f"build 7 may still run, {MASK}", "  next: stop it")


def test_the_tail_of_an_error_is_its_end_and_bounded():
    bench = Bench([PhaseError("\n".join(f"line {n}" for n in range(500)))])

    (tried,) = bench.run().attempts

    assert len(tried.error_tail) == 60
    assert tried.error_tail[-1] == "line 499"


def test_durations_come_from_the_monotonic_clock():
    bench = Bench([TargetError("broken", code="InternalError")])

    ending = bench.run()

    assert [tried.duration_ms for tried in ending.attempts] == [1000, 1000]
    assert ending.duration_ms == 5000


def test_attempts_that_were_broken_off_stay_on_record_and_use_up_none():
    broken = Bench([Interruption("another plugin's timeout", exit_status=1)]).run().attempts
    bench = Bench([TargetError("broken", code="InternalError")] * 2)

    ending = bench.run(before=broken)

    assert [(tried.number, tried.outcome) for tried in ending.attempts] == [
        (1, Outcome.INTERRUPTED), (2, Outcome.FAILED), (3, Outcome.FAILED), (4, Outcome.PASSED),
    ]  # fmt: skip
    assert ending.outcome is Outcome.PASSED
