"""`codebuild:startBuild.sync`: a state that starts a build, waits for it, and stops it when the execution is stopped.

The emulator knows no builds in a state machine. Here a state that runs out of time leaves its build at work: that a
stopped execution stops its build is documented, and nothing says so of a state.
"""

import time
from collections.abc import Callable
from datetime import datetime
from typing import Any

from botocore.exceptions import ClientError
from moto.stepfunctions.parser.api import HistoryEventType
from moto.stepfunctions.parser.asl.component.common.error_name.custom_error_name import CustomErrorName
from moto.stepfunctions.parser.asl.component.common.error_name.failure_event import FailureEvent, FailureEventException
from moto.stepfunctions.parser.asl.component.common.error_name.states_error_name import StatesErrorName
from moto.stepfunctions.parser.asl.component.common.error_name.states_error_name_type import StatesErrorNameType
from moto.stepfunctions.parser.asl.component.state.exec.state_task import state_task_factory
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service.resource import ResourceCondition
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service.state_task_service_callback import (
    StateTaskServiceCallback,
)
from moto.stepfunctions.parser.asl.eval.program_state import ProgramStopped
from moto.stepfunctions.parser.asl.utils.boto_client import boto_client_for
from moto.stepfunctions.parser.asl.utils.encoding import to_json_str

from drproof.embedded.shims import seams
from drproof.embedded.world import World

_EXEC = "moto.stepfunctions.parser.asl.component.state.exec.state_task"
SEAMS = (
    f"{_EXEC}.state_task_factory:state_task_service_for",
    f"{_EXEC}.service.state_task_service_callback:StateTaskServiceCallback._eval_integration_pattern",
)
SERVICE = "codebuild"
FACTORY = "state_task_service_for"
PARAMETERS = {
    "startBuild": frozenset(
        {
            "BuildspecOverride",
            "EnvironmentVariablesOverride",
            "IdempotencyToken",
            "ProjectName",
            "QueuedTimeoutInMinutesOverride",
            "SourceVersion",
            "TimeoutInMinutesOverride",
        }
    ),
    "stopBuild": frozenset({"Id"}),
    "batchGetBuilds": frozenset({"Ids"}),
}
POLL_SECONDS = 0.1


def install(world: World) -> None:
    """Have state machines run builds."""
    del world
    known: Callable[..., Any] = vars(state_task_factory)[FACTORY]

    def found(service_name: str) -> Any:  # noqa: ANN401 — the emulator's
        return Builds() if service_name == SERVICE else known(service_name)

    seams.put(state_task_factory, FACTORY, found)


class Builds(StateTaskServiceCallback):
    """The integration with CodeBuild."""

    def __init__(self) -> None:
        super().__init__(supported_integration_patterns={ResourceCondition("sync")})

    def _get_supported_parameters(self) -> set[str] | None:
        found = PARAMETERS.get(self.resource.api_action)
        return set(found) if found else None

    def _client(self, part: Any, credentials: Any) -> Any:  # noqa: ANN401
        return boto_client_for(service=SERVICE, region=part.region, state_credentials=credentials)

    def _eval_service_task(
        self,
        env: Any,  # noqa: ANN401
        resource_runtime_part: Any,  # noqa: ANN401
        normalised_parameters: dict[str, Any],
        state_credentials: Any,  # noqa: ANN401
    ) -> None:
        call = getattr(self._client(resource_runtime_part, state_credentials), self._get_boto_service_action())
        answer = call(**_cased(normalised_parameters, str.lower))
        answer.pop("ResponseMetadata", None)
        env.stack.append(_cased(answer, str.upper))

    def _eval_integration_pattern(
        self,
        env: Any,  # noqa: ANN401
        resource_runtime_part: Any,  # noqa: ANN401
        normalised_parameters: dict[str, Any],
        state_credentials: Any,  # noqa: ANN401
    ) -> None:
        del normalised_parameters
        started = env.stack.pop()
        name = started["Build"]["Id"]
        client = self._client(resource_runtime_part, state_credentials)
        while env.is_running():
            build = _cased(client.batch_get_builds(ids=[name])["builds"][0], str.upper)
            if build["BuildComplete"]:
                if build["BuildStatus"] != "SUCCEEDED":
                    raise self._broken(env, build)
                env.stack.append({"Build": build})
                return
            time.sleep(POLL_SECONDS)
        if isinstance(env.program_state(), ProgramStopped):
            client.stop_build(id=name)
        env.stack.append(started)

    def _from_error(self, env: Any, ex: Exception) -> Any:  # noqa: ANN401
        if not isinstance(ex, ClientError):
            return super()._from_error(env=env, ex=ex)
        error = f"CodeBuild.{ex.response['Error']['Code']}"
        return self._failed(env, CustomErrorName(error), error, str(ex.response["Error"]["Message"]))

    def _broken(self, env: Any, build: dict[str, Any]) -> FailureEventException:  # noqa: ANN401
        name = StatesErrorName(typ=StatesErrorNameType.StatesTaskFailed)
        return FailureEventException(self._failed(env, name, "States.TaskFailed", to_json_str(build)))

    def _failed(self, env: Any, name: Any, error: str, cause: str) -> FailureEvent:  # noqa: ANN401
        place = {"resource": self._get_sfn_resource(), "resourceType": self._get_sfn_resource_type()}
        details: Any = {"taskFailedEventDetails": {"error": error, "cause": cause, **place}}
        return FailureEvent(
            env=env,
            error_name=name,
            event_type=HistoryEventType.TaskFailed,
            event_details=details,
        )


def _cased(value: Any, how: Any) -> Any:  # noqa: ANN401 — JSON both ways
    """Return a value with the first letters of its names as Step Functions, or as the service, has them."""
    if isinstance(value, dict):
        return {how(name[:1]) + name[1:]: _cased(item, how) for name, item in value.items()}
    if isinstance(value, list):
        return [_cased(item, how) for item in value]
    return int(value.timestamp() * 1000) if isinstance(value, datetime) else value
