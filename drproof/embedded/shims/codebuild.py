"""CodeBuild: a build waits for its turn, really runs the commands of its buildspec, and ends as they ended."""

import functools
import json
import os
import sys
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from moto.codebuild.exceptions import InvalidInputException, ResourceNotFoundException
from moto.codebuild.models import codebuild_backends
from moto.codebuild.responses import CodeBuildResponse
from moto.core.exceptions import JsonRESTError
from moto.core.responses import ActionResult
from moto.logs.models import logs_backends

from drproof.embedded import builds
from drproof.embedded.builds import Build, Order
from drproof.embedded.shims import seams
from drproof.embedded.world import World

SEAMS = (
    "moto.codebuild.models:codebuild_backends",
    "moto.codebuild.responses:CodeBuildResponse.codebuild_backend",
    "moto.codebuild.responses:CodeBuildResponse.start_build",
    "moto.codebuild.responses:CodeBuildResponse.batch_get_builds",
    "moto.codebuild.responses:CodeBuildResponse.stop_build",
    "moto.codebuild.responses:CodeBuildResponse.list_builds_for_project",
    "moto.logs.models:logs_backends",
)
TOKEN_SECONDS = 300
"""How long the service remembers an idempotency token."""
QUEUED_MINUTES, MINUTES = (5, 480), (5, 2160)
QUOTA_ZERO = "codebuild-quota-zero"
FAILS = "codebuild-fails"
ACTING = ("ACTION", "bringup")


def install(world: World) -> None:
    """Have builds run on this machine, as the site that takes over, one at a time."""
    service = _Service(world)
    world.on_end.append(service.end)
    for name, answer in (
        ("start_build", service.start),
        ("batch_get_builds", service.get),
        ("stop_build", service.stop),
        ("list_builds_for_project", service.of_project),
    ):
        seams.put(CodeBuildResponse, name, functools.partialmethod(_answered, answer))


def _answered(response: CodeBuildResponse, answer: Callable[[CodeBuildResponse], ActionResult]) -> ActionResult:
    """Hand one request of the emulator to the service; what is put on a class is called with its instance first."""
    return answer(response)


class _Service:
    """The builds of the world."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._lock = threading.Lock()
        self._builds: dict[str, Build] = {}
        self._tokens: dict[tuple[str, str], tuple[float, str, str]] = {}
        # The account's quota of builds at a time is 1; a fresh account has no more for a while.
        self._turn = threading.Semaphore(1)

    def end(self) -> None:
        """End what still runs."""
        for build in list(self._builds.values()):
            build.stop()

    def start(self, response: CodeBuildResponse) -> ActionResult:
        """Answer `StartBuild`."""
        asked: dict[str, Any] = json.loads(response.body)
        project = _project(response, str(asked.get("projectName")))
        if self._world.scenario == QUOTA_ZERO:
            code, message = "AccountLimitExceededException", "Cannot have more than 0 builds in queue for the account"
            raise _refused(code, message)
        token = str(asked.get("idempotencyToken", ""))
        said = json.dumps(asked, sort_keys=True)
        with self._lock:
            at, earlier, build_id = self._tokens.get((response.current_account, token), (0.0, "", ""))
            if token and build_id and time.monotonic() - at < TOKEN_SECONDS:
                if earlier != said:
                    msg = "The idempotency token was used with other parameters"
                    raise InvalidInputException(msg)
                return ActionResult({"build": _document(response, self._builds[build_id])})
            build = self._made(response, project, asked)
            self._builds[build.order.build_id] = build
            self._tokens[response.current_account, token] = (time.monotonic(), said, build.order.build_id)
        build.begin()
        return ActionResult({"build": _document(response, build)})

    def get(self, response: CodeBuildResponse) -> ActionResult:
        """Answer `BatchGetBuilds`."""
        asked = [str(name) for name in json.loads(response.body)["ids"]]
        found = [self._builds[name] for name in asked if name in self._builds]
        missing = [name for name in asked if name not in self._builds]
        return ActionResult({"builds": [_document(response, one) for one in found], "buildsNotFound": missing})

    def stop(self, response: CodeBuildResponse) -> ActionResult:
        """Answer `StopBuild`."""
        name = str(json.loads(response.body)["id"])
        if name not in self._builds:
            msg = f"Build {name} does not exist"
            raise ResourceNotFoundException(msg)
        self._builds[name].stop()
        return ActionResult({"build": _document(response, self._builds[name])})

    def of_project(self, response: CodeBuildResponse) -> ActionResult:
        """Answer `ListBuildsForProject`: the newest first, as long as nobody asks for another order."""
        asked = json.loads(response.body)
        project = _project(response, str(asked.get("projectName")))
        names = [name for name, build in self._builds.items() if build.order.project == project["name"]]
        return ActionResult({"ids": names if asked.get("sortOrder") == "ASCENDING" else names[::-1]})

    def _made(self, response: CodeBuildResponse, project: dict[str, Any], asked: dict[str, Any]) -> Build:
        build_id = f"{project['name']}:{uuid4()}"
        given = [
            *project["environment"].get("environmentVariables", []),
            *asked.get("environmentVariablesOverride", []),
        ]
        if wrong := [one["name"] for one in given if one.get("type", "PLAINTEXT") != "PLAINTEXT"]:
            msg = f"the embedded world has variables of the type PLAINTEXT alone, not those of {', '.join(wrong)}"
            raise InvalidInputException(msg)
        folder = self._world.directory / "builds" / build_id.rpartition(":")[2]
        variables = {one["name"]: one["value"] for one in given}
        order = Order(
            project=project["name"],
            build_id=build_id,
            number=sum(one.order.project == project["name"] for one in self._builds.values()) + 1,
            buildspec=asked.get("buildspecOverride") or project["source"].get("buildspec", ""),
            environment={**self._container(project["name"], build_id, folder), **variables},
            queued_minutes=_bounded(asked, project, "queuedTimeoutInMinutes", QUEUED_MINUTES),
            minutes=_bounded(asked, project, "timeoutInMinutes", MINUTES),
        )
        if self._world.scenario == FAILS and ACTING in variables.items():
            order.environment = {**order.environment, "TF_VAR_instance_type": "t4g.nosuch"}
            order.environment |= {"DRPROOF_SPEC": _other_type(variables.get("DRPROOF_SPEC", ""))}
        return Build(order, folder, self._turn, _logger(response, order))

    def _container(self, project: str, build_id: str, folder: Any) -> dict[str, str]:  # noqa: ANN401 — a path
        """Return what the container of a build has before anybody sets a variable."""
        world, site = self._world, self._world.recovery
        image = builds.image(world.directory / "image")
        return {
            **builds.kept(),
            "PATH": f"{image}:/usr/local/bin:/usr/bin:/bin",
            "HOME": str(folder / "home"),
            "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
            "AWS_REGION": site.region,
            "AWS_DEFAULT_REGION": site.region,
            "AWS_ACCESS_KEY_ID": site.access_key_id,
            "AWS_SECRET_ACCESS_KEY": site.secret_access_key,
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_SDK_UA_APP_ID": project,
            **{f"AWS_ENDPOINT_URL_{name}": world.endpoint for name in ("DYNAMODB", "IAM", "S3", "STS")},
            "TF_CLI_CONFIG_FILE": os.devnull,
            "DRPROOF_ENDPOINT": world.endpoint,
            "CODEBUILD_BUILD_ID": build_id,
            "CODEBUILD_BUILD_ARN": _arn(site.region, site.account_id, build_id),
            "CODEBUILD_SRC_DIR": str(folder / "src"),
        }


def _project(response: CodeBuildResponse, name: str) -> dict[str, Any]:
    projects = codebuild_backends[response.current_account][response.region].codebuild_projects
    if name not in projects:
        arn = _arn(response.region, response.current_account, name, kind="project")
        msg = f"Project cannot be found: {arn}"
        raise ResourceNotFoundException(msg)
    found: dict[str, Any] = projects[name].project_metadata
    return found


def _bounded(asked: dict[str, Any], project: dict[str, Any], name: str, bounds: tuple[int, int]) -> int:
    minutes = int(asked.get(f"{name}Override") or project.get(name) or bounds[1])
    if not bounds[0] <= minutes <= bounds[1]:
        msg = f"Invalid {name}: expected {bounds[0]} to {bounds[1]}, got {minutes}"
        raise InvalidInputException(msg)
    return minutes


def _document(response: CodeBuildResponse, build: Build) -> dict[str, Any]:
    order, status = build.order, build.status
    own = [{"name": name, "value": value, "type": "PLAINTEXT"} for name, value in sorted(order.environment.items())]
    group, stream = _log_of(order)
    document = {
        "id": order.build_id,
        "arn": _arn(response.region, response.current_account, order.build_id),
        "buildNumber": order.number,
        "startTime": build.started,
        "currentPhase": build.current,
        "buildStatus": status,
        "buildComplete": status != "IN_PROGRESS",
        "projectName": order.project,
        "phases": [dict(one) for one in list(build.phases)],
        # The variables of the container itself are none of the build's.
        "environment": {
            "type": "LINUX_CONTAINER",
            "image": "aws/codebuild/standard:7.0",
            "computeType": "BUILD_GENERAL1_MEDIUM",
            "environmentVariables": [one for one in own if not one["name"].startswith(("AWS_", "CODEBUILD_"))],
        },
        "exportedEnvironmentVariables": list(build.exported),
        "logs": {"groupName": group, "streamName": stream},
        "timeoutInMinutes": order.minutes,
        "queuedTimeoutInMinutes": order.queued_minutes,
    }
    return document | ({"endTime": build.ended} if build.ended is not None and status != "IN_PROGRESS" else {})


def _log_of(order: Order) -> tuple[str, str]:
    return f"/aws/codebuild/{order.project}", order.build_id.rpartition(":")[2]


def _logger(response: CodeBuildResponse, order: Order) -> Callable[[str], None]:
    """Return what writes a line of a build into CloudWatch Logs."""
    backend = logs_backends[response.current_account][response.region]
    group, stream = _log_of(order)
    backend.ensure_log_group(group)
    backend.create_log_stream(group, stream)

    def write(line: str) -> None:
        now = int(datetime.now(UTC).timestamp() * 1000)
        backend.put_log_events(group, stream, [{"timestamp": now, "message": line}])

    return write


def _other_type(spec: str) -> str:
    return json.dumps({**json.loads(spec), "instance_type": "t4g.nosuch"}) if spec else ""


def _arn(region: str, account: str, name: str, *, kind: str = "build") -> str:
    return f"arn:aws:codebuild:{region}:{account}:{kind}/{name}"


def _refused(code: str, message: str) -> JsonRESTError:
    refusal = JsonRESTError(code, message)
    refusal.code = 400
    return refusal
