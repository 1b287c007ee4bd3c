"""Runs that are killed twice: nothing is left, nothing is done twice, and the bundle is whole."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from drproof.model.capabilities import Intent, RunnerSpec
from drproof.model.context import DRILL_TAG
from drproof.model.errors import AlreadyExistsError, TargetError
from tests import shares
from tests.engine.fake_world import FakeFleet, FakeObjects, FakeTopics, FakeWorld

PARTS = 200
"""All first points in so many parts; CI takes each day another one of each kind of namespace, `make sweep` all of them."""
SECONDS = 20
AT_LEAST = 0.9
"""Of the pairs that were drawn: some processes have fewer points than the one by which the second was chosen."""

ROOT = Path(__file__).resolve().parents[2]
SPEC = RunnerSpec(
    name="runner", purpose="recovery", instance_type="t4g.small", vpc_id="v", subnet_id="s", allowed_cidr="c",
    tags={DRILL_TAG: "d"},
)  # fmt: skip


def parts():
    taken = shares.today() % PARTS
    for part in range(PARTS):
        for name, environment in (("own", {}), ("shared", {"SHARED_NAMESPACE": "1"})):
            marks = () if part == taken else (pytest.mark.exhaustive,)
            yield pytest.param(part, environment, marks=marks, id=f"{name}-namespace-part-{part}")


def swept(folder: Path, part: str, seconds: int, **environment: str) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-m", "tests.engine.crashes", str(folder / "d"), part, str(seconds)],
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize(("part", "environment"), list(parts()))
def test_two_kills_at_any_points_leave_nothing_and_do_nothing_twice(part, environment, tmp_path):
    told = swept(tmp_path, f"{part}/{PARTS}", SECONDS, **environment)

    assert told["wrong"] == {}
    # A part of early points may have none: they leave a process nothing to resume.
    assert told["pairs"] >= AT_LEAST * told["drawn"]
    assert told["points"] * SECONDS >= 5000, "the parts together are less than was promised"


def test_a_run_that_died_with_a_machine_is_killed_again_at_as_many_points_as_were_asked(tmp_path):
    told = swept(tmp_path, "after ec2.launch", SECONDS)

    assert told["wrong"] == {}
    assert told["drawn"] == SECONDS
    assert told["pairs"] >= AT_LEAST * SECONDS


@pytest.mark.parametrize("hours", ["-3", pytest.param("3", marks=pytest.mark.exhaustive)])
def test_a_clock_that_is_set_before_another_process_goes_on_leaves_nothing_and_breaks_no_bundle(hours, tmp_path):
    told = swept(tmp_path, "17/168", 6, CLOCK_JUMP=hours)

    assert told["wrong"] == {}
    assert told["pairs"] > 0


def test_an_engine_that_forgets_its_tokens_is_found_out(tmp_path):
    told = swept(tmp_path, "after ec2.launch", 4, NEW_TOKENS="1")

    assert "twice: 2 machines were launched" in [one for found in told["wrong"].values() for one in found]


def intent(token="t", verb="runner.up"):
    return Intent(number=1, verb=verb, resource="r", token=token)


@pytest.fixture
def world(tmp_path):
    return FakeWorld(tmp_path / "world")


def test_the_world_gives_the_same_machine_for_the_same_token_also_to_the_next_process(world):
    first = FakeFleet(world).launch(intent(), SPEC)
    world.keep()
    again = FakeWorld(world.path)

    assert FakeFleet(again).launch(intent(), SPEC) == first
    assert again.doubles() == []
    assert again.left("d") == [f"machine {first.instance_id} is pending"]


def test_the_world_does_not_revive_a_machine_and_refuses_a_token_with_other_words(world):
    fleet = FakeFleet(world)
    runner = fleet.launch(intent(), SPEC)
    fleet.terminate(intent("end"), runner.instance_id)

    with pytest.raises(TargetError, match="is shutting-down") as ended:
        fleet.launch(intent(), SPEC)
    with pytest.raises(TargetError) as mismatch:
        fleet.launch(intent(), RunnerSpec(**{**{n: getattr(SPEC, n) for n in SPEC.__slots__}, "name": "other"}))
    assert (ended.value.code, mismatch.value.code) == ("Ended", "IdempotentParameterMismatch")


def twice_a_machine(world):
    FakeFleet(world).launch(intent("one"), SPEC)
    FakeFleet(world).launch(intent("two"), SPEC)


def written_over(world):
    FakeObjects(world).put(intent(), "b", "k", b"one")
    FakeObjects(world).put(intent(), "b", "k", b"two")


def told_twice(world):
    FakeTopics(world).publish(intent(), "topic", "subject", "text")
    FakeTopics(world).publish(intent(), "topic", "subject", "text")


def ended_twice(world):
    runner = FakeFleet(world).launch(intent(), SPEC)
    FakeFleet(world).terminate(intent(), runner.instance_id)
    FakeFleet(world).terminate(intent(), runner.instance_id)


@pytest.mark.parametrize("act", [twice_a_machine, written_over, told_twice, ended_twice])
def test_the_worlds_own_log_tells_what_was_done_twice(world: FakeWorld, act: Callable[[FakeWorld], Any]):
    act(world)

    assert len(world.doubles()) == 1


def test_the_same_bytes_under_the_same_key_are_one_object(world):
    FakeObjects(world).put(intent(), "b", "k", b"one")
    FakeObjects(world).put(intent(), "b", "k", b"one")

    assert world.doubles() == []
    with pytest.raises(AlreadyExistsError):
        FakeObjects(world).put(intent(), "b", "k", b"one", if_absent=True)


@pytest.mark.parametrize("key", ["drills/d/file", "state.tfstate.tflock", "state.tfstate.drproof-lease"])
def test_the_world_knows_what_a_drill_left(world, key):
    FakeObjects(world).put(intent(), "b", key, b"x", tags={DRILL_TAG: "d"} if "file" in key else {})

    assert world.left("d") == [f"object b/{key}"]
