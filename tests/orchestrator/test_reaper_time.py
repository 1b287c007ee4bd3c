"""A function is ended when its time is over, and says nothing then: the reaper ends before, and tells how far it came."""

from collections.abc import Iterator

import pytest

from drproof.model.context import DRILL_TAG, EXPIRES_TAG
from drproof.targets import embedded
from tests.orchestrator.test_reaper import call, deploy, machines
from tests.targets.decoys import BUCKET, PAST, STATE_KEY, STATES, Yard, marked, yard_in

pytestmark = pytest.mark.costly("a function that has little time")

SECONDS = 24
MANY = 160


@pytest.fixture(scope="module")
def yard(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Yard]:
    found = yard_in(tmp_path_factory.mktemp("yard"))
    deploy(found, seconds=SECONDS)
    # A process that is started has to import first, which is no part of a function's time.
    assert not call(found, drill="nobody")[0]
    yield found
    found.world.stop()


@pytest.fixture
def slow(yard: Yard) -> Iterator[None]:
    """A store that takes a second to say whose an object is: ten for all of them, at sixteen a time."""
    rule = {"service": "s3", "action": "GetObjectTagging", "kind": "latency", "times": 0, "milliseconds": 1_000}
    embedded.ask(yard.world.endpoint, "POST", "faults", rule)
    yield
    embedded.ask(yard.world.endpoint, "DELETE", "faults")


def objects(yard: Yard, drill: str, expires_at: str, count: int = MANY) -> None:
    tags = {name: marked(drill, expires_at)[name] for name in (DRILL_TAG, EXPIRES_TAG)}
    for number in range(count):
        yard.put(f"drills/{drill}/{number:04}.json", tags)


def keys(yard: Yard, drill: str) -> set[str]:
    there = yard.world.inventory()["objects"]
    return {one["key"] for one in there if one["bucket"] == BUCKET and one["key"].startswith(f"drills/{drill}/")}


def test_a_function_whose_time_does_not_suffice_removes_what_it_can_and_tells_the_rest(yard: Yard, slow: None) -> None:
    due = yard.made_by("dead-with-many", PAST)
    objects(yard, "dead-with-many", PAST)

    failed, said = call(yard, dry_run=False)

    assert failed
    assert said["errorType"] == "RuntimeError", "it was ended, and said nothing"
    assert f"held objects s3://{BUCKET}/drills/dead-with-many/: " in said["errorMessage"]
    assert "the time was over" in said["errorMessage"]
    assert due not in machines(yard)
    left = keys(yard, "dead-with-many")
    assert 0 < len(left) < MANY
    there = {one["key"] for one in yard.world.inventory()["objects"] if one["bucket"] == STATES}
    assert f"{STATE_KEY}.drproof-lease" not in there, "the next one finds the target free"

    embedded.ask(yard.world.endpoint, "DELETE", "faults")
    failed, done = call(yard, dry_run=False)
    assert not failed, done
    assert keys(yard, "dead-with-many") == set()
