"""A teardown ends the machine of its own execution, and never the one that came up after it."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, cast

import pytest

from drproof.engine.operating import refuse_what_another_holds, take_away, the_one_to_take_away
from drproof.engine.refusal import Refusal
from drproof.model.errors import HeldError, NotFoundError, TargetError
from drproof.model.machines import Resource
from drproof.model.workflows import ExecutionInfo
from drproof.targets.aws.codebuild import AwsBuilds, BuildSeen


def build(number: int, act: str, whose: str, *, status: str = "SUCCEEDED", key: str = "dr.tfstate") -> BuildSeen:
    variables = {"ACTION": act, "EXECUTION_ID": whose, "TF_STATE_BUCKET": "states", "TF_STATE_KEY": key}
    return BuildSeen(
        build_id=f"dr:{number}",
        status=status,
        phase="COMPLETED",
        started_at="",
        ended_at="",
        variables=variables,
        exported={},
        failed_phase="",
        cause="",
        log=("", ""),
    )


class Builds:
    """What a project has built, the newest first."""

    def __init__(self, *newest: BuildSeen) -> None:
        self._newest = newest

    def newest(self) -> tuple[BuildSeen, ...]:
        return self._newest


UP = build(1, "bringup", "one")


def judged(*since: BuildSeen) -> None:
    refuse_what_another_holds(cast("AwsBuilds", cast("Any", Builds(*since, UP, build(0, "bringup", "before")))), UP)


@pytest.mark.parametrize("status", ["SUCCEEDED", "IN_PROGRESS", "TIMED_OUT", "STOPPED", "FAULT"])
def test_a_state_that_a_later_execution_brought_a_machine_up_with_is_not_destroyed(status):
    with pytest.raises(Refusal, match=rf"dr:2 \({status}\) has since brought up the machine of two") as refused:
        judged(build(2, "bringup", "two", status=status))

    assert "drproof teardown --execution-arn …:two" in str(refused.value)


@pytest.mark.parametrize(
    "since",
    [
        (),
        (build(3, "teardown", "two"), build(2, "bringup", "two")),
        (build(2, "bringup", "two", status="FAILED"),),
        (build(2, "bringup", "two", key="other.tfstate"),),
        (build(3, "teardown", "one", status="FAILED"), build(2, "bringup", "one")),
    ],
    ids=["nothing", "taken away since", "found it held", "another state", "its own"],
)
def test_what_is_its_own_or_nobodys_is_taken_away(since):
    judged(*since)


def test_a_teardown_that_failed_took_nothing_away():
    with pytest.raises(Refusal, match="of two"):
        judged(build(3, "teardown", "two", status="FAILED"), build(2, "bringup", "two"))


class Platform:
    """Executions of one machine, the newest first, and what is up with the tag of a drill."""

    def __init__(self, *newest: str, runs: str = "", up: tuple[str, ...] = ()) -> None:
        self._newest, self._runs, self._up = newest, runs, up

    def executions(self, machine: str) -> list[ExecutionInfo]:
        return [
            ExecutionInfo(
                arn=f"arn:{name}",
                name=name,
                machine=machine,
                status="RUNNING" if name == self._runs else "SUCCEEDED",
                started_at="",
            )
            for name in self._newest
        ]

    def carrying(self, key: str) -> list[Resource]:
        return [Resource(kind="instance", identity=f"i-{name}", state="running", tags={key: name}) for name in self._up]


def chosen(platform: Platform) -> str:
    told = cast("Any", platform)
    return the_one_to_take_away(told, told, "arn:machine")


@pytest.mark.parametrize(
    ("up", "runs", "named"),
    [
        (("recovered", "another-machine-s"), "", "recovered"),
        (("before", "recovered"), "", "recovered"),
        (("recovered",), "look-2", "recovered"),
        (("another-machine-s",), "look-1", "look-1"),
        (("another-machine-s",), "", "look-2"),
        ((), "", "look-2"),
    ],
)
def test_of_a_machine_the_execution_is_taken_away_that_something_is_up_of(up, runs, named):
    """A schedule looks each quarter of an hour: the newest execution is one that brought nothing up."""
    assert chosen(Platform("look-2", "look-1", "recovered", "before", runs=runs, up=up)) == f"arn:{named}"


def test_of_a_machine_that_never_ran_nothing_is_taken_away():
    with pytest.raises(NotFoundError, match="has no execution\n  next: drproof trigger"):
        chosen(Platform())


LOCKED = (
    "Error: Error acquiring the state lock",
    "Lock Info:",
    "  ID:        6f1c",
    "  Operation: OperationTypeApply",
    "  Who:       somebody@elsewhere",
    "  Created:   2026-01-01 00:00:00 +0000 UTC",
)


class Project(Builds):
    """A project whose teardowns end as they are told to."""

    def __init__(self, *newest: BuildSeen, ends: str = "SUCCEEDED", prints: tuple[str, ...] = ()) -> None:
        super().__init__(*newest)
        self.started: list[str] = []
        self._ends, self._prints = ends, prints

    def start(self, *_: object, **__: object) -> BuildSeen:
        self.started.append("dr:9")
        return build(9, "teardown", "one", status="IN_PROGRESS")

    def looks(self, build_id: str, _: int) -> Iterator[BuildSeen]:
        if self._ends == "nobody waits":
            raise KeyboardInterrupt
        yield replace(build(0, "teardown", "one", status=self._ends), build_id=build_id)

    def tail(self, _: BuildSeen) -> tuple[str, ...]:
        return self._prints


def taken_away(project: Project) -> tuple[BuildSeen, list[str]]:
    said: list[str] = []
    return take_away(cast("Any", project), UP, "2026-01-01T00:00:00.000Z", said.append), said


def test_a_teardown_that_somebody_stopped_waiting_for_is_waited_for_and_no_second_one_is_built():
    under_way = build(7, "teardown", "one", status="IN_PROGRESS")
    project = Project(build(8, "teardown", "two", status="IN_PROGRESS"), under_way, UP)

    ended, said = taken_away(project)

    assert (ended.build_id, project.started) == ("dr:7", [])
    assert said[0] == "build dr:7 is under way"
    assert taken_away(Project(replace(under_way, status="FAILED"), UP))[0].build_id == "dr:9"


def test_whoever_stops_waiting_is_told_that_the_build_goes_on():
    with pytest.raises(KeyboardInterrupt) as stopped:
        taken_away(Project(UP, ends="nobody waits"))

    assert stopped.value.__notes__ == ["build dr:9 goes on\n  next: the same command again, which waits for it"]


def test_a_lock_in_the_table_is_not_told_as_one_beside_the_state():
    in_table = (LOCKED[0], "Error message: operation error DynamoDB: PutItem, https response", *LOCKED[1:])
    project = Project(UP, ends="FAILED", prints=in_table)
    ended = next(project.looks("dr:9", 0))
    variables = {**ended.variables, "TF_STATE_DYNAMODB_TABLE": "locks"}
    project.looks = lambda *_: iter([replace(ended, variables=variables)])  # type: ignore[method-assign]

    with pytest.raises(HeldError) as held:
        taken_away(project)

    assert str(held.value).startswith("build dr:9: locks states/dr.tfstate: LockHeld: expected no lock, got lock 6f1c")
    assert "-backend-config=dynamodb_table=locks" in str(held.value)


def test_a_teardown_that_finds_the_lock_held_names_who_holds_it_and_how_it_is_given_back():
    with pytest.raises(HeldError) as held:
        taken_away(Project(UP, ends="FAILED", prints=LOCKED))

    said = str(held.value)
    assert said.startswith(
        "build dr:9: s3://states/dr.tfstate: LockHeld: expected no lock, got lock 6f1c of somebody@elsewhere since "
        "2026-01-01 00:00:00 +0000 UTC (OperationTypeApply)\n"
        "  next: wait for its holder; if that process is surely dead, cd "
    )
    assert "-backend-config=bucket=states -backend-config=key=dr.tfstate" in said
    assert said.endswith(" && terraform force-unlock 6f1c")
    with pytest.raises(TargetError, match="build dr:9: FAILED: no phase: no cause given"):
        taken_away(Project(UP, ends="FAILED", prints=("Error: something else",)))
