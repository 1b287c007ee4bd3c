"""The state machine of a recovery, made from the plan: a state for each phase, one function that all of them call.

The file in `deploy/` is made from here (`drproof machine write`), and a test compares them. Nothing of one team is in
it: what differs is the function, which Terraform fills in, and the function's own settings.

No state takes a field out of what a person or the input of an execution says: a field that is missing there would end
the execution with `States.Runtime`, which no Catch catches. Such values go to the function whole, which refuses them.
"""

import json
from collections.abc import Iterator
from typing import Any

from drproof import catalog
from drproof.analysis.machine.acts import ASK, DECIDE, KEPT, LOOK, MORE, PREPARE, RECORD, SEAL, TELL
from drproof.engine.leaves_of_builds import AT, BUILDS
from drproof.formats import durations
from drproof.model.phase import Phase
from drproof.orchestrator import fleet_definition
from drproof.orchestrator.fleet_definition import AGAIN, MAX_ATTEMPTS

FUNCTION = "${function_arn}"
"""The place of the function's ARN, as Terraform and CloudFormation fill it in."""
LONGEST_SECONDS = fleet_definition.LONGEST_SECONDS
"""How long one call of the function may take."""
APPROVAL_SECONDS = 86_400
"""How long a person may take: a day, as the reference system has it."""
MARGIN_SECONDS = 60
"""How much longer a state waits than what it calls may take: what still works must not be told of as failed."""
LEFT_OUT = frozenset({"diagnostics", "teardown"})
"""The windows that are an operator's acts: what runs unattended takes nothing away."""
MOST_PAUSE_SECONDS = 120
START_AGAIN = (
    "CodeBuild.AWSCodeBuildException",
    "CodeBuild.CodeBuildException",
    "CodeBuild.SdkClientException",
    "CodeBuild.ThrottlingException",
)
"""What passes when a build is asked for again; a quota of 0 does not, and a build that failed is not built again."""

Fields = dict[str, Any]


def phases() -> tuple[Phase[Any], ...]:
    """Return the phases that run unattended, in the order of the plan.

    Raises:
        ValueError: one of them may take longer than a function may.
    """
    found = tuple(phase for phase in catalog.plan(catalog.RECOVERY).phases if phase.window not in LEFT_OUT)
    for phase in found:
        if (phase.objective_ms or 0) > LONGEST_SECONDS * 1000:
            msg = (
                f"phase {phase.name} may take {phase.objective_ms} ms, and a function {LONGEST_SECONDS * 1000} ms\n"
                "  next: split it into two phases"
            )
            raise ValueError(msg)
    return found


def definition(*, approval_seconds: int = APPROVAL_SECONDS) -> Fields:
    """Return the definition in the Amazon States Language."""
    states = dict(_states(approval_seconds))
    return {
        "Comment": "drproof: recovers at another site, and asks a person; made by drproof machine write",
        "StartAt": "Begin",
        # Later than the last state may end: a failure is told by the machine, not by its end.
        "TimeoutSeconds": sum(map(_longest, states.values())),
        "States": states,
    }


def text() -> str:
    """Return the definition as the file that is checked in."""
    return json.dumps(definition(), indent=2) + "\n"


def state_of(name: str) -> str:
    """Return the name of the state of an act."""
    return "".join(word.capitalize() for word in name.split("_"))


def _states(approval_seconds: int) -> Iterator[tuple[str, Fields]]:
    # What an execution is given is read from the context alone, and cannot stand where a phase's answer is expected.
    begun: Fields = {"phases": {}, "failures": {}}
    yield "Begin", {"Type": "Pass", "Result": begun, "ResultPath": "$", "Next": state_of(phases()[0].name)}
    names = [phase.name for phase in phases()]
    following = {name: _first_of(after) for name, after in zip(names, [*names[1:], ""], strict=True)}
    for name in names:
        if name == RECORD:
            yield from _bringup(following[name])
        elif name == ASK:
            yield state_of(name), _asking(following[name], approval_seconds)
        elif name == LOOK:
            yield state_of(name), _phase(name, "NeedsRecovery")
            yield "NeedsRecovery", _needing(following[name])
        elif name == DECIDE:
            yield state_of(name), _phase(name, "Decided", **{"decision.$": "$.decision"})
        else:
            yield state_of(name), _phase(name, following[name])
    yield "Decided", _choice(DECIDE, "approved", "SealApproved", "SealRejected", "DecisionIsUnclear")
    for seal, end, status in (
        ("SealHealthy", "HealthyNoop", "healthy_noop"),
        ("SealHeld", "TargetHeld", "target_held"),
        ("SealApproved", "PromoteApproved", "promote_approved"),
        ("SealRejected", "PromotionRejected", "promotion_rejected"),
    ):
        yield seal, _sealing(end)
        yield end, {"Type": "Pass", "Result": status, "ResultPath": "$.status", "End": True}
    yield "NeedIsUnclear", _unclear(LOOK, "needs_recovery")
    yield "DecisionIsUnclear", _unclear(DECIDE, "approved")
    yield from _failing()


def _first_of(name: str) -> str:
    return state_of(PREPARE if name == RECORD else name)


def _event(act: str, **more: Any) -> Fields:  # noqa: ANN401 — what an act needs beside the rest
    return {
        "act": act,
        "execution": {
            "arn.$": "$$.Execution.Id",
            "name.$": "$$.Execution.Name",
            "started_at.$": "$$.Execution.StartTime",
            "machine.$": "$$.StateMachine.Id",
        },
        "attempt.$": "$$.State.RetryCount",
        "input.$": "$$.Execution.Input",
        **more,
    }


def _call(act: str, following: str, *, resource: str = "lambda:invoke", **more: Any) -> Fields:  # noqa: ANN401
    return {
        "Type": "Task",
        "Resource": f"arn:aws:states:::{resource}",
        "Parameters": {"FunctionName": FUNCTION, "Payload": _event(act, **more)},
        # A function cannot be stopped from outside: a state that gave up earlier would leave it at work.
        "TimeoutSeconds": LONGEST_SECONDS + MARGIN_SECONDS,
        "Retry": [_again(AGAIN)],
        "Catch": [_caught(act)],
        "Next": following,
    }


def _phase(name: str, following: str, **more: Any) -> Fields:  # noqa: ANN401
    kept = (*KEPT, *MORE.get(name, {}))
    return _call(name, following, **more) | {
        "ResultSelector": {f"{field}.$": f"$.Payload.{field}" for field in kept},
        "ResultPath": f"$.phases.{name}",
    }


def _bringup(following: str) -> Iterator[tuple[str, Fields]]:
    prepared = f"$.phases.{PREPARE}"
    queued, built = _minutes("queued_timeout"), _minutes("build_timeout")
    yield (
        state_of(PREPARE),
        _call(PREPARE, "Bringup")
        | {
            "ResultSelector": {
                f"{field}.$": f"$.Payload.{field}" for field in ("project", "environment", "idempotency_token")
            },
            "ResultPath": prepared,
        },
    )
    yield (
        "Bringup",
        {
            "Type": "Task",
            "Resource": "arn:aws:states:::codebuild:startBuild.sync",
            "Parameters": {
                "ProjectName.$": f"{prepared}.project",
                "EnvironmentVariablesOverride.$": f"{prepared}.environment",
                "IdempotencyToken.$": f"{prepared}.idempotency_token",
                "QueuedTimeoutInMinutesOverride": queued,
                "TimeoutInMinutesOverride": built,
            },
            "ResultSelector": {"id.$": "$.Build.Id", "status.$": "$.Build.BuildStatus"},
            "ResultPath": "$.bringup",
            # A state that gives up does not stop its build: the build's own limits come first.
            "TimeoutSeconds": (queued + built) * 60 + 5 * MARGIN_SECONDS,
            "Retry": [_again(START_AGAIN)],
            "Catch": [_caught(RECORD)],
            "Next": "RecordBringup",
        },
    )
    yield "RecordBringup", _phase(RECORD, following, **{"build_id.$": "$.bringup.id"})


def _asking(following: str, approval_seconds: int) -> Fields:
    # A person sends no heartbeat, and the rest is waited for by the platform: no state here can have one.
    waiting = "lambda:invoke.waitForTaskToken"
    return _call(ASK, following, resource=waiting, **{"task_token.$": "$$.Task.Token"}) | {
        "ResultPath": "$.decision",
        "TimeoutSeconds": approval_seconds,
    }


def _choice(act: str, field: str, yes: str, no: str, otherwise: str) -> Fields:
    """Return a choice that takes true and false for what they are, and anything else for neither."""
    variable = f"$.phases.{act}.{field}"
    return {
        "Type": "Choice",
        "Choices": [
            {"Variable": variable, "BooleanEquals": True, "Next": yes},
            {"Variable": variable, "BooleanEquals": False, "Next": no},
        ],
        "Default": otherwise,
    }


def _needing(following: str) -> Fields:
    """Return the choice after the look; that of the schedule is blocked where the target is held: no failure."""
    choice = _choice(LOOK, "needs_recovery", following, "SealHealthy", "NeedIsUnclear")
    held = {"Variable": f"$.phases.{LOOK}.outcome", "StringEquals": "blocked", "Next": "SealHeld"}
    return choice | {"Choices": [held, *choice["Choices"]]}


def _unclear(act: str, field: str) -> Fields:
    said = {"Error": "AnswerIsUnclear", "Cause": f"{act} answered neither true nor false as {field}"}
    return {"Type": "Pass", "Result": said, "ResultPath": f"$.failures.{act}", "Next": state_of(TELL)}


def _sealing(following: str) -> Fields:
    return _call(SEAL, following) | {"ResultSelector": {"answer.$": "$.Payload"}, "ResultPath": "$.seal"}


def _failing() -> Iterator[tuple[str, Fields]]:
    yield (
        state_of(TELL),
        _call(TELL, "SealFailed", **{"failures.$": "$.failures"})
        | {"ResultPath": None, "Catch": [_caught(TELL, "SealFailed")]},
    )
    yield "SealFailed", _call(SEAL, "FailWorkflow") | {"ResultPath": None, "Catch": [_caught(SEAL, "FailWorkflow")]}
    yield (
        "FailWorkflow",
        {
            "Type": "Fail",
            "Error": "DRPhaseFailed",
            "Cause": "A phase failed; drproof status names it, with its deepest cause and its receipt",
        },
    )


def _again(errors: tuple[str, ...]) -> Fields:
    return {
        "ErrorEquals": list(errors),
        "IntervalSeconds": 2,
        "BackoffRate": 2,
        "MaxAttempts": MAX_ATTEMPTS,
        "MaxDelaySeconds": MOST_PAUSE_SECONDS,
        "JitterStrategy": "FULL",
    }


def _caught(act: str, following: str = "TellOfFailure") -> Fields:
    return {"ErrorEquals": ["States.ALL"], "ResultPath": f"$.failures.{act}", "Next": following}


def _minutes(name: str) -> int:
    (leaf,) = (leaf for leaf in BUILDS if leaf.path == AT + name)
    return durations.parse(str(leaf.default)) // 60_000


def _longest(state: Fields) -> int:
    """Return how long a state may take, with every pause between its attempts."""
    return int(state.get("TimeoutSeconds", 0)) + (MAX_ATTEMPTS * MOST_PAUSE_SECONDS if "Retry" in state else 0)
