"""CodeBuild as the world serves it: the commands of a buildspec really run, one build after the other."""

import json
import threading
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from drproof.embedded import buildspecs
from drproof.embedded.builds import Build, Order
from tests.patience import until

from .conftest import RunningWorld, Start

PROJECT = "atlas-dr-infra"


def spec(*build: str, **phases: dict[str, Any]) -> str:
    """Return a buildspec; JSON is YAML."""
    env = {"shell": "bash", "exported-variables": ["SAID"]}
    return json.dumps({"version": 0.2, "env": env, "phases": {"build": {"commands": list(build)}, **phases}})


def start(world: RunningWorld, buildspec: str, *, token: str = "", **variables: str) -> dict[str, Any]:
    asked: dict[str, Any] = {"projectName": PROJECT, "buildspecOverride": buildspec}
    asked["environmentVariablesOverride"] = [{"name": name, "value": value} for name, value in variables.items()]
    if token:
        asked["idempotencyToken"] = token
    return dict(world.client("codebuild").start_build(**asked)["build"])


def look(world: RunningWorld, build: dict[str, Any]) -> dict[str, Any]:
    return dict(world.client("codebuild").batch_get_builds(ids=[build["id"]])["builds"][0])


def ended(world: RunningWorld, build: dict[str, Any]) -> dict[str, Any]:
    return dict(until(lambda: seen if (seen := look(world, build))["buildComplete"] else None))


def phases(build: dict[str, Any]) -> dict[str, str]:
    return {one["phaseType"]: one.get("phaseStatus", "") for one in build["phases"]}


def log(world: RunningWorld, build: dict[str, Any]) -> str:
    found = world.client("logs").get_log_events(
        logGroupName=build["logs"]["groupName"], logStreamName=build["logs"]["streamName"]
    )
    return "".join(event["message"] for event in found["events"])


def test_commands_run_with_the_variables_that_were_asked_for_and_share_one_shell(world: RunningWorld) -> None:
    build = start(world, spec("SAID=$GIVEN-1", "export SAID", 'echo "said $SAID"'), GIVEN="hello")

    seen = ended(world, build)

    assert seen["buildStatus"] == "SUCCEEDED"
    assert log(world, seen) == "said hello-1\n"
    assert {one["name"]: one["value"] for one in seen["exportedEnvironmentVariables"]} == {"SAID": "hello-1"}
    assert {"name": "GIVEN", "value": "hello", "type": "PLAINTEXT"} in seen["environment"]["environmentVariables"]
    assert not [one for one in seen["environment"]["environmentVariables"] if one["name"].startswith("AWS_")]


def test_a_command_that_fails_is_named_and_what_comes_last_runs_all_the_same(world: RunningWorld) -> None:
    text = spec(
        "false; (exit 7)",
        "echo never",
        post_build={"commands": ["echo after"]},
        install={"commands": ["true"]},
    )
    document = json.loads(text)
    document["phases"]["build"]["finally"] = ["echo last"]

    seen = ended(world, start(world, json.dumps(document)))

    assert seen["buildStatus"] == "FAILED"
    assert (phases(seen)["BUILD"], phases(seen)["POST_BUILD"]) == ("FAILED", "SUCCEEDED")
    (context,) = next(one for one in seen["phases"] if one["phaseType"] == "BUILD")["contexts"]
    assert context["statusCode"] == "COMMAND_EXECUTION_ERROR"
    assert context["message"] == "Error while executing command: false; (exit 7). Reason: exit status 7"
    assert log(world, seen) == "last\nafter\n"


def test_what_comes_before_the_build_and_fails_leaves_it_out(world: RunningWorld) -> None:
    seen = ended(world, start(world, spec("echo never", pre_build={"commands": ["exit 3"]})))

    assert "BUILD" not in phases(seen)
    assert (phases(seen)["PRE_BUILD"], seen["buildStatus"]) == ("FAILED", "FAILED")


def test_a_build_that_was_stopped_while_it_waited_does_not_begin_when_its_turn_comes(tmp_path: Path) -> None:
    order = Order(
        project="p", build_id="p:1", number=1, buildspec=spec("echo never"), environment={}, queued_minutes=5, minutes=5
    )
    build = Build(order, tmp_path / "build", threading.Semaphore(1), lambda _: None)

    build.stop()
    build.begin()
    until(lambda: build.ended is not None)

    assert build.status == "STOPPED"
    assert [one["phaseType"] for one in build.phases if one.get("phaseStatus") == "SUCCEEDED"] == ["SUBMITTED"]


def test_a_build_waits_for_the_one_before_it_and_both_can_be_stopped(world: RunningWorld) -> None:
    first = start(world, spec("sleep 6000"))
    until(lambda: look(world, first)["currentPhase"] == "BUILD")
    second = start(world, spec("echo never"))
    assert look(world, second)["currentPhase"] == "QUEUED"

    for build in (second, first):
        world.client("codebuild").stop_build(id=build["id"])

    assert (ended(world, second)["buildStatus"], phases(ended(world, second))["QUEUED"]) == ("STOPPED", "STOPPED")
    assert (ended(world, first)["buildStatus"], phases(ended(world, first))["BUILD"]) == ("STOPPED", "STOPPED")


def test_one_token_is_one_build_and_with_other_parameters_a_mistake(world: RunningWorld) -> None:
    text = spec("true")
    first = start(world, text, token="a-token")
    assert start(world, text, token="a-token")["id"] == first["id"]
    with pytest.raises(ClientError) as refused:
        start(world, text, token="a-token", OTHER="1")
    assert refused.value.response["Error"]["Code"] == "InvalidInputException"
    assert start(world, text, token="another")["id"] != first["id"]


def test_an_unknown_build_is_told_as_unknown_and_the_newest_comes_first(world: RunningWorld) -> None:
    codebuild = world.client("codebuild")
    older, newer = start(world, spec("true")), start(world, spec("true"))
    answer = codebuild.batch_get_builds(ids=[f"{PROJECT}:nobody", older["id"]])
    assert answer["buildsNotFound"] == [f"{PROJECT}:nobody"]
    assert [one["id"] for one in answer["builds"]] == [older["id"]]
    assert codebuild.list_builds_for_project(projectName=PROJECT)["ids"][:2] == [newer["id"], older["id"]]
    with pytest.raises(ClientError, match="does not exist"):
        codebuild.stop_build(id=f"{PROJECT}:nobody")
    with pytest.raises(ClientError, match="Project cannot be found"):
        codebuild.start_build(projectName="nobody")


def test_a_build_that_takes_too_long_is_timed_out(start_of: Any) -> None:
    world = start_of("none")
    build = world.client("codebuild").start_build(
        projectName=PROJECT, buildspecOverride=spec("sleep 6000"), timeoutInMinutesOverride=5
    )["build"]
    seen = ended(world, build)
    assert (seen["buildStatus"], phases(seen)["BUILD"]) == ("TIMED_OUT", "TIMED_OUT")


@pytest.fixture
def start_of(start: Start, monkeypatch: pytest.MonkeyPatch) -> Start:
    """Start worlds in which a minute of a build is a moment."""
    monkeypatch.setenv("EMBEDDED_WORLD_MINUTE", "0.1")
    return start


def test_a_quota_of_none_refuses_every_build(start: Start) -> None:
    with pytest.raises(ClientError, match="more than 0 builds in queue") as refused:
        start("codebuild-quota-zero").client("codebuild").start_build(projectName=PROJECT)
    assert refused.value.response["Error"]["Code"] == "AccountLimitExceededException"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("- a", "expected a table"),
        ("version: 0.1\nphases: {}", "expected version 0.2, got 0.1"),
        ("version: 0.2\nphases: {build: {commands: [true], on-failure: ABORT}}", "does not carry out on-failure"),
        ("version: 0.2\nphases: {build: {commands: [1]}}", "expected a list of texts"),
        ("version: 0.2\nenv: {secrets-manager: {}}\nphases: {}", "does not carry out secrets-manager"),
        ("version: [", "YAML_FILE_ERROR"),
    ],
)
def test_what_a_buildspec_asks_and_the_world_does_not_do_is_refused(text: str, why: str) -> None:
    with pytest.raises(buildspecs.BuildspecError, match=why):
        buildspecs.parse(text)
