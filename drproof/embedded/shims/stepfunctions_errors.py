"""Errors of Step Functions as the service has them: which a handler handles, and how each is called.

`States.Runtime` passes every handler, and a Choice that asks for a value that is not there ends the execution with it:
the emulator hands both on to the next state, and a machine that would die unheard looks sound.
"""

from collections.abc import Iterable
from typing import Any

from moto.stepfunctions.parser.api import HistoryEventType
from moto.stepfunctions.parser.asl.component.common.error_name.error_equals_decl import ErrorEqualsDecl
from moto.stepfunctions.parser.asl.component.common.error_name.failure_event import FailureEvent, FailureEventException
from moto.stepfunctions.parser.asl.component.common.error_name.states_error_name import StatesErrorName
from moto.stepfunctions.parser.asl.component.common.error_name.states_error_name_type import StatesErrorNameType
from moto.stepfunctions.parser.asl.component.state.choice.comparison.comparison_operator_type import (
    ComparisonOperatorType,
)
from moto.stepfunctions.parser.asl.component.state.choice.comparison.comparison_variable import ComparisonVariable
from moto.stepfunctions.parser.asl.component.state.choice.comparison.variable import NoSuchVariable
from moto.stepfunctions.parser.asl.component.state.exec.state_task.state_task import StateTask
from moto.stepfunctions.parser.asl.eval.callback.callback import HeartbeatTimeoutError

from drproof.embedded.shims import seams
from drproof.embedded.world import World

_COMMON = "moto.stepfunctions.parser.asl.component.common.error_name"
_STATE = "moto.stepfunctions.parser.asl.component.state"
SEAMS = (
    f"{_COMMON}.error_equals_decl:ErrorEqualsDecl",
    f"{_STATE}.choice.comparison.comparison_variable:ComparisonVariable",
    f"{_STATE}.choice.comparison.variable:NoSuchVariable",
    f"{_STATE}.exec.state_task.state_task:StateTask",
    # What these override is where their names come from.
    "moto.stepfunctions.parser.asl.component.eval_component:EvalComponent._eval_body",
    f"{_STATE}.exec.execute_state:ExecutionState._from_error",
)
ALL, TASK_FAILED, RUNTIME = "States.ALL", "States.TaskFailed", "States.Runtime"
TIMEOUT, HEARTBEAT, DATA_LIMIT = "States.Timeout", "States.HeartbeatTimeout", "States.DataLimitExceeded"


def install(world: World) -> None:
    """Have errors handled and named as the service does."""
    del world
    seams.put(ErrorEqualsDecl, "_eval_body", _compared)
    seams.put(ComparisonVariable, "_eval_body", _chosen)
    named = StateTask._from_error  # noqa: SLF001 — the seam

    def told(task: Any, env: Any, ex: Exception) -> Any:  # noqa: ANN401 — the emulator's
        return _unheard(task, env) if isinstance(ex, HeartbeatTimeoutError) else named(task, env, ex)

    seams.put(StateTask, "_from_error", told)


def handles(named: Iterable[str], error: str) -> bool:
    """Return whether a handler of the named errors handles one."""
    named = frozenset(named)
    if error == RUNTIME:
        return False
    if error in named or (error == HEARTBEAT and TIMEOUT in named):
        return True
    if error == DATA_LIMIT:
        return False
    return ALL in named or (TASK_FAILED in named and error not in {TIMEOUT, HEARTBEAT})


def runtime(env: Any, cause: str) -> FailureEventException:  # noqa: ANN401 — the emulator's
    """Return the error that ends an execution whatever a handler names."""
    details: Any = {"taskFailedEventDetails": {"error": RUNTIME, "cause": cause}}
    return FailureEventException(
        failure_event=FailureEvent(
            env=env,
            error_name=StatesErrorName(typ=StatesErrorNameType.StatesRuntime),
            event_type=HistoryEventType.TaskFailed,
            event_details=details,
        )
    )


def _compared(handler: Any, env: Any) -> None:  # noqa: ANN401
    error = env.stack.pop()
    env.stack.append(handles((one.error_name for one in handler.error_names), error.error_name if error else ""))


def _chosen(rule: Any, env: Any) -> None:  # noqa: ANN401
    rule.variable.eval(env)
    asks = rule.comparison_function.operator_type
    if isinstance(env.stack[-1], NoSuchVariable) and asks is not ComparisonOperatorType.IsPresent:
        path = rule.variable.string_sampler.literal_value
        raise runtime(env, f"Invalid path '{path}': The choice state's condition path references an invalid value.")
    rule.comparison_function.eval(env)


def _unheard(task: Any, env: Any) -> FailureEvent:  # noqa: ANN401
    asked = {"resourceType": "_get_sfn_resource_type", "resource": "_get_sfn_resource"}
    place = {name: getattr(task, ask)() for name, ask in asked.items() if hasattr(task, ask)}
    details: Any = {"taskTimedOutEventDetails": {"error": HEARTBEAT, **place}}
    return FailureEvent(
        env=env,
        error_name=StatesErrorName(typ=StatesErrorNameType.StatesHeartbeatTimeout),
        event_type=HistoryEventType.TaskTimedOut,
        event_details=details,
    )
