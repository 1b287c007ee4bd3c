"""How executions end, and what of them can be asked: stops, time limits, tokens that come late, pages of a history.

The emulator leaves a stopped execution running until what it waits for is over, takes a token's answer when nobody
waits for it any more, and has one token for every attempt.
"""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from moto.core.exceptions import AWSError
from moto.core.responses import ActionResult, EmptyResult
from moto.stepfunctions.exceptions import InvalidToken
from moto.stepfunctions.parser.api import (
    ExecutionStatus,
    HistoryEventType,
)
from moto.stepfunctions.parser.asl.component.program.program import Program
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service.state_task_service_callback import (
    StateTaskServiceCallback,
)
from moto.stepfunctions.parser.asl.eval.callback.callback import (
    CallbackConsumerTimeout,
    CallbackEndpoint,
    CallbackOutcomeFailure,
    CallbackOutcomeSuccess,
)
from moto.stepfunctions.parser.asl.eval.environment import Environment
from moto.stepfunctions.parser.asl.eval.event.event_manager import EventHistoryContext, EventManager
from moto.stepfunctions.parser.asl.eval.program_state import ProgramStopped, ProgramTimedOut
from moto.stepfunctions.parser.backend.execution import BaseExecutionWorkerCommunication, Execution
from moto.stepfunctions.responses import StepFunctionResponse

from drproof.embedded.shims import seams
from drproof.embedded.world import World

_PARSER = "moto.stepfunctions.parser"
_STATE = f"{_PARSER}.asl.component.state.exec"
_TASK = f"{_STATE}.state_task.service.state_task_service_callback:StateTaskServiceCallback"
_ANSWERS = (
    "describe_execution",
    "get_execution_history",
    "send_task_failure",
    "send_task_heartbeat",
    "send_task_success",
    "stop_execution",
)
SEAMS = (
    f"{_PARSER}.asl.component.program.program:Program",
    f"{_PARSER}.asl.component.eval_component:EvalComponent.eval",
    f"{_STATE}.execute_state:ExecutionState._eval_execution",
    f"{_TASK}._is_integration_pattern",
    f"{_PARSER}.asl.eval.callback.callback:CallbackEndpoint.interrupt_all",
    f"{_PARSER}.asl.eval.environment:Environment.set_error",
    f"{_PARSER}.asl.eval.event.event_manager:EventManager.add_event",
    f"{_PARSER}.backend.execution:Execution.stop",
    f"{_PARSER}.backend.execution:BaseExecutionWorkerCommunication._reflect_execution_status",
    *(f"moto.stepfunctions.responses:StepFunctionResponse.{name}" for name in _ANSWERS),
)
ENDS = frozenset(
    {
        HistoryEventType.ExecutionAborted,
        HistoryEventType.ExecutionFailed,
        HistoryEventType.ExecutionSucceeded,
        HistoryEventType.ExecutionTimedOut,
    }
)
GONE = "Task Timed Out: 'Provided task does not exist anymore'"
PAGE, LARGEST_PAGE = 100, 1000
DATA = frozenset({"input", "output", "parameters", "inputDetails", "outputDetails"})
"""What a history leaves out of its events where nobody wants the data of the execution."""


class TaskTimedOutError(AWSError):
    """The task that had a token is over."""

    TYPE, STATUS = "TaskTimedOut", 400


class InvalidOutputError(AWSError):
    """What came with a token is no JSON."""

    TYPE, STATUS = "InvalidOutput", 400


def install(world: World) -> None:
    """Have executions end when they are ended, and answer as the service does."""
    del world
    _end_histories()
    _end_programs()
    seams.put(Execution, "stop", _stop)
    _renew_tokens()
    for name, answer in zip(_ANSWERS, (_described, _history, _failure, _heartbeat, _success, _stopped), strict=True):
        seams.put(StepFunctionResponse, name, answer)


def _end_histories() -> None:
    add = EventManager.add_event

    def added(manager: Any, context: Any, event_type: Any, *more: Any, **named: Any) -> Any:  # noqa: ANN401
        # What still worked when the execution ended says nothing any more.
        if getattr(manager, "is_over", False):
            return 0
        if event_type in ENDS:
            manager.is_over = True
        return add(manager, context, event_type, *more, **named)

    seams.put(EventManager, "add_event", added)


def _end_programs() -> None:
    through, fail = Program.eval, Environment.set_error
    reflect: Callable[[Any], None] = BaseExecutionWorkerCommunication._reflect_execution_status  # noqa: SLF001

    def run(program: Any, env: Any) -> None:  # noqa: ANN401 — the emulator's
        through(program, env)
        if isinstance(env.program_state(), ProgramTimedOut):
            details: Any = {"executionTimedOutEventDetails": {}}
            env.event_manager.add_event(env.event_history_context, HistoryEventType.ExecutionTimedOut, details)
            _wake(env)

    def failed(env: Any, error: Any) -> None:  # noqa: ANN401
        if not isinstance(env.program_state(), ProgramStopped | ProgramTimedOut):
            fail(env, error)

    def reflected(communication: Any) -> None:  # noqa: ANN401
        if communication.execution.exec_status == ExecutionStatus.RUNNING:
            reflect(communication)

    seams.put(Program, "eval", run)
    seams.put(Environment, "set_error", failed)
    seams.put(BaseExecutionWorkerCommunication, "_reflect_execution_status", reflected)


def _renew_tokens() -> None:
    begin, interrupt = StateTaskServiceCallback._eval_execution, CallbackEndpoint.interrupt_all  # noqa: SLF001

    def begun(task: Any, env: Any) -> None:  # noqa: ANN401 — the emulator's
        context = env.states.context_object
        known = context.context_object_data
        if known.get("State", {}).get("RetryCount", 0) and "Task" in known:
            env.callback_pool_manager.add(context.update_task_token())
        begin(task, env)

    def interrupted(endpoint: Any) -> None:  # noqa: ANN401
        endpoint.report(CallbackConsumerTimeout())
        interrupt(endpoint)

    seams.put(StateTaskServiceCallback, "_eval_execution", begun)
    seams.put(CallbackEndpoint, "interrupt_all", interrupted)


def _wake(env: Any) -> None:  # noqa: ANN401
    """End every wait for a token: nobody waits for its answer any more."""
    for endpoint in list(env.callback_pool_manager._pool.values()):  # noqa: SLF001 — the emulator has no other way
        endpoint.interrupt_all()


def _stop(execution: Any, stop_date: datetime, error: str | None, cause: str | None) -> None:  # noqa: ANN401
    env = execution.exec_worker.env if execution.exec_worker else None
    if env is None or execution.exec_status != ExecutionStatus.RUNNING:
        return
    env.set_stop(stop_date=stop_date, cause=cause, error=error)
    said = {name: text for name, text in (("error", error), ("cause", cause)) if text}
    details: Any = {"executionAbortedEventDetails": said}
    env.event_manager.add_event(
        EventHistoryContext.of_program_start(),
        HistoryEventType.ExecutionAborted,
        details,
    )
    execution.exec_status = ExecutionStatus.ABORTED
    execution.stop_date, execution.error, execution.cause = stop_date, error or None, cause or None
    _wake(env)


def _stopped(response: Any) -> ActionResult:  # noqa: ANN401
    execution = response.stepfunction_backend.describe_execution(response._get_param("executionArn"))  # noqa: SLF001
    error, cause = (response._get_param(name) for name in ("error", "cause"))  # noqa: SLF001
    execution.stop(stop_date=datetime.now(UTC), error=error, cause=cause)
    return ActionResult({"stopDate": execution.stop_date})


def _described(response: Any) -> ActionResult:  # noqa: ANN401
    execution = response.stepfunction_backend.describe_execution(response._get_param("executionArn"))  # noqa: SLF001
    return ActionResult({name: value for name, value in execution.to_describe_output().items() if value is not None})


def _history(response: Any) -> ActionResult:  # noqa: ANN401
    events = list(
        response.stepfunction_backend.get_execution_history(response._get_param("executionArn"))["events"]  # noqa: SLF001
    )
    asked = json.loads(response.body)
    if asked.get("reverseOrder"):
        events.reverse()
    if asked.get("includeExecutionData") is False:
        events = [_without_data(event) for event in events]
    first, most = int(asked.get("nextToken") or 0), min(int(asked.get("maxResults") or PAGE), LARGEST_PAGE)
    more = {"nextToken": str(first + most)} if first + most < len(events) else {}
    return ActionResult({"events": events[first : first + most], **more})


def _without_data(event: dict[str, Any]) -> dict[str, Any]:
    return {
        name: {key: item for key, item in value.items() if key not in DATA} if isinstance(value, dict) else value
        for name, value in event.items()
    }


def _success(response: Any) -> EmptyResult:  # noqa: ANN401
    token, output = (response._get_param(name) for name in ("taskToken", "output"))  # noqa: SLF001
    try:
        json.loads(output)
    except ValueError as exc:
        msg = "Invalid Output: 'The output is no JSON'"
        raise InvalidOutputError(msg) from exc
    _waiting(response, token).notify(CallbackOutcomeSuccess(callback_id=token, output=output))
    return EmptyResult()


def _failure(response: Any) -> EmptyResult:  # noqa: ANN401
    token, error, cause = (response._get_param(name) for name in ("taskToken", "error", "cause"))  # noqa: SLF001
    _waiting(response, token).notify(CallbackOutcomeFailure(callback_id=token, error=error, cause=cause))
    return EmptyResult()


def _heartbeat(response: Any) -> EmptyResult:  # noqa: ANN401
    _waiting(response, response._get_param("taskToken")).notify_heartbeat()  # noqa: SLF001
    return EmptyResult()


def _waiting(response: Any, token: str) -> CallbackEndpoint:  # noqa: ANN401
    """Return where the answer to a token goes.

    Raises:
        InvalidToken: nobody ever had it.
        TaskTimedOutError: the task that had it is over.
    """
    for execution in response.stepfunction_backend._get_executions():  # noqa: SLF001
        env = execution.exec_worker.env if execution.exec_worker else None
        endpoint = env.callback_pool_manager.get(token) if env else None
        if endpoint is None:
            continue
        runs = execution.exec_status == ExecutionStatus.RUNNING
        if not runs or endpoint.consumer_error is not None or endpoint.get_outcome() is not None:
            raise TaskTimedOutError(GONE)
        return endpoint  # type: ignore[no-any-return] # the emulator's
    raise InvalidToken
