"""Functions of the world stay warm as the platform's do: what one call leaves in memory is there in the next one."""

import io
import json
import threading
import zipfile
from pathlib import Path
from typing import Any

import pytest

from drproof.embedded.functions import WHOLE
from tests.embedded.conftest import RunningWorld, Start
from tests.patience import until
from tests.processes import lives

CODE = """
import os, sys

calls = 0


def handler(event, context):
    global calls
    calls += 1
    print("was told", event.get("say"))
    if event.get("raise"):
        raise type(event["raise"], (Exception,), {})("said so")
    if event.get("die"):
        os._exit(3)
    if event.get("import"):
        __import__(event["import"])
    if event.get("meet"):
        open(os.path.join(event["meet"], str(os.getpid())), "w").close()
        while len(os.listdir(event["meet"])) < 2:
            pass
    while event.get("hang"):
        pass
    return {"calls": calls, "pid": os.getpid(), "left": context.get_remaining_time_in_millis()}
"""


def deploy(world: RunningWorld, name: str, *, seconds: int = 60, whole: bool = False) -> None:
    package = io.BytesIO()
    with zipfile.ZipFile(package, "w") as archive:
        archive.writestr("made.py", CODE)
        if whole:
            archive.writestr(WHOLE, "{}")
    role = world.client("iam").create_role(RoleName=name, AssumeRolePolicyDocument="{}")["Role"]["Arn"]
    world.client("lambda").create_function(
        FunctionName=name,
        Runtime="python3.13",
        Role=role,
        Handler="made.handler",
        Code={"ZipFile": package.getvalue()},
        Timeout=seconds,
    )


def call(world: RunningWorld, name: str, **event: Any) -> dict[str, Any]:
    answer = world.client("lambda").invoke(FunctionName=name, Payload=json.dumps(event).encode())
    return dict(json.loads(answer["Payload"].read()))


def test_a_second_call_finds_the_process_of_the_first_one_also_after_an_error(world: RunningWorld) -> None:
    deploy(world, "warm")

    first = call(world, "warm")
    failed = call(world, "warm", **{"raise": "PhaseFailed"})
    third = call(world, "warm")

    assert failed == {"errorType": "PhaseFailed", "errorMessage": "said so"}
    assert (first["calls"], third["calls"], third["pid"]) == (1, 3, first["pid"])
    assert 0 < third["left"] <= 60_000


@pytest.mark.parametrize(
    ("event", "kind"), [({"die": True}, "Runtime.ExitError"), ({"hang": True}, "Sandbox.Timedout")]
)
def test_a_process_that_dies_or_hangs_is_not_used_again(world: RunningWorld, event: dict[str, Any], kind: str) -> None:
    name = kind.replace(".", "-")
    deploy(world, name, seconds=2)
    first = call(world, name)

    failed = call(world, name, **event)
    after = call(world, name)

    assert failed["errorType"] == kind
    assert after["calls"] == 1
    assert not Path(f"/proc/{first['pid']}").exists()


def test_two_calls_at_once_have_a_process_each(world: RunningWorld, tmp_path: Path) -> None:
    deploy(world, "two")
    found: list[dict[str, Any]] = []
    callers = [threading.Thread(target=lambda: found.append(call(world, "two", meet=str(tmp_path)))) for _ in range(2)]

    for one in callers:
        one.start()
    for one in callers:
        one.join()

    assert [one["calls"] for one in found] == [1, 1]
    assert len({one["pid"] for one in found}) == 2


def test_what_a_call_prints_is_in_the_log_group_of_its_function(world: RunningWorld) -> None:
    deploy(world, "talks")

    call(world, "talks", say="one")
    call(world, "talks", say="two", **{"raise": "PhaseFailed"})

    events = world.client("logs").filter_log_events(logGroupName="/aws/lambda/talks")["events"]
    lines = [event["message"] for event in events]
    assert [line for line in lines if line.startswith("was told")] == ["was told one", "was told two"]
    assert "Traceback (most recent call last):" in lines


def test_a_package_that_is_whole_sees_nothing_that_is_installed_here(world: RunningWorld) -> None:
    deploy(world, "whole", whole=True)
    deploy(world, "bare")

    assert call(world, "whole", **{"import": "moto"})["errorType"] == "ModuleNotFoundError"
    assert call(world, "bare", **{"import": "moto"})["calls"] == 1


def test_the_processes_end_with_the_world(start: Start) -> None:
    world = start()
    deploy(world, "ends")
    pid = call(world, "ends")["pid"]
    assert Path(f"/proc/{pid}").exists()

    world.stop()

    until(lambda: not lives(pid))
