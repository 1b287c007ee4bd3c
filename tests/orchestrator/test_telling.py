"""A phase whose act left no receipt ends as its build says; where nobody can say, as the machine caught it."""

import json
from types import SimpleNamespace
from typing import Any

import pytest

from drproof.model.errors import FormatError, HeldError, QuotaError, TargetError
from drproof.model.receipt import Cause, Outcome
from drproof.orchestrator.telling import obstacle_of
from drproof.phases.recovery.bringup import bringup
from drproof.phases.recovery.restore import restore

FAILED = json.dumps(
    {"Id": "atlas:1", "BuildStatus": "FAILED", "Phases": [{"PhaseType": "BUILD", "PhaseStatus": "FAILED"}]}
)
MACHINE = "its act ended without a receipt: States.TaskFailed: atlas:1: BUILD FAILED: no cause given"


def taken(answer: Any, *, refusal: str = "") -> Any:
    """Return an execution whose builds answer like this."""

    def why(build: str) -> TargetError | None:
        assert build == "atlas:1"
        if isinstance(answer, Exception) and "raised" in {answer.args[0], getattr(answer, "code", "")}:
            raise answer
        return answer

    return SimpleNamespace(refusal=refusal, codebuild=SimpleNamespace(why=why))


@pytest.mark.parametrize(
    ("answer", "outcome", "cause", "reason"),
    [
        (HeldError("the lock of ada", code="LockHeld", call="x"), Outcome.BLOCKED, Cause.LEASE, "the lock of ada"),
        (QuotaError("it waits", code="QueuedTooLong", call="x"), Outcome.BLOCKED, Cause.QUOTA, "it waits"),
        (TargetError("apply failed", code="BuildFailed", call="x"), Outcome.FAILED, Cause.WORLD, "apply failed"),
        (TargetError("raised", code="AccessDenied", call="x"), Outcome.FAILED, Cause.WORLD, MACHINE),
        (FormatError("raised", "no receipt"), Outcome.FAILED, Cause.WORLD, MACHINE),
        (None, Outcome.FAILED, Cause.WORLD, MACHINE),
    ],
)
def test_a_bringup_ends_as_its_build_says(answer, outcome, cause, reason):
    found = obstacle_of(taken(answer), bringup, "States.TaskFailed", FAILED)

    assert (found.outcome, found.cause, found.reason) == (outcome, cause, reason)


def test_no_other_phase_is_explained_by_a_build_and_whoever_was_refused_is_blocked():
    other = obstacle_of(taken(AssertionError("raised")), restore, "States.TaskFailed", FAILED)
    refused = obstacle_of(taken(AssertionError("raised"), refusal="held by x"), bringup, "States.TaskFailed", FAILED)

    assert (other.outcome, other.reason) == (Outcome.FAILED, MACHINE)
    assert (refused.outcome, refused.cause, refused.reason) == (Outcome.BLOCKED, Cause.LEASE, "held by x")


@pytest.mark.parametrize(
    ("error", "cause"),
    [
        ("CodeBuild.AccountLimitExceededException", Cause.QUOTA),
        ("AccountLimitExceededException", Cause.QUOTA),
        ("QuotaError", Cause.QUOTA),
        ("Ec2.VcpuLimitExceeded", Cause.QUOTA),
        ("States.DataLimitExceeded", Cause.WORLD),
        ("Ec2.RequestLimitExceeded", Cause.WORLD),
        ("States.Timeout", Cause.WORLD),
    ],
)
def test_only_a_quota_is_told_as_one_and_not_whatever_was_too_large_or_too_often(error: str, cause: Cause):
    found = obstacle_of(taken(AssertionError("not asked")), restore, error, "{}")

    assert (found.cause, found.outcome) == (cause, Outcome.BLOCKED if cause is Cause.QUOTA else Outcome.FAILED)
