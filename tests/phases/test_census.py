"""What looks counted in a cluster that outlives a drill is settled by what took it away, thing by thing."""

from types import SimpleNamespace
from typing import Any

import pytest

from drproof.model.capabilities import Intent
from drproof.model.codec import encode
from drproof.model.context import Effect
from drproof.phases.recovery import census
from drproof.phases.recovery.census import CENSUS, Item

UID = "11111111-2222-3333-4444-555555555555"
SECRET = Item(kind=census.IN_A_CLUSTER, identity="atlas/Secret/pull")
ELSEWHERE = Item(kind=census.IN_A_CLUSTER, identity="other/ConfigMap/left")
SPACE = Item(kind=census.IN_A_CLUSTER, identity="Namespace/atlas")
LINK = Item(kind=census.IN_A_CLUSTER, identity="atlas/ServiceAccount/default#pull")
BLIND = Item(kind=census.CLUSTER, identity=UID, state="cannot be counted: it does not answer")


def effect(verb: str, resource: str, outcome: str = "done", **result: Any) -> Effect:
    return Effect(
        intent=Intent(number=1, verb=verb, resource=resource, token="0" * 32),
        phase="teardown",
        outcome=outcome,
        details={},
        result=result,
        at="2026-01-31T12:00:00.000Z",
    )


def look(*own: Item, by: str = "drill-1") -> Effect:
    return effect(CENSUS, by, own=encode(own), foreign=[])


def counted(*effects: Effect, seen: tuple[Item, ...] = ()) -> census.Counted:
    """Count in a second window, which sees what is said."""
    made: Any = SimpleNamespace(made=lambda *verbs: tuple(one for one in effects if one.intent.verb in verbs))
    return census.counted(made, "drill-2", ("cluster.apply",), seen)


def test_one_removal_in_a_cluster_settles_nothing_else_there() -> None:
    found = counted(look(SECRET, ELSEWHERE), effect("cluster.delete", f"{UID}/atlas/Secret/pull"))

    assert (found.settled, found.unsettled) == ((SECRET,), (ELSEWHERE,))


@pytest.mark.parametrize(
    ("verb", "resource", "settles"),
    [
        ("cluster.delete", f"{UID}//Namespace/atlas", {SECRET, SPACE}),
        ("cluster.unlink", f"{UID}/atlas/ServiceAccount/default", {LINK}),
        ("cluster.delete", f"{UID}/atlas/ServiceAccount/default", set()),
        ("cluster.delete", f"{UID}/other/Secret/pull", set()),
    ],
)
def test_a_namespace_goes_with_what_is_in_it_and_a_link_by_itself(verb: str, resource: str, settles: set[Item]) -> None:
    assert {*counted(look(SECRET, SPACE, LINK), effect(verb, resource)).settled} == settles


@pytest.mark.parametrize("outcome", ["", "failed"])
def test_a_removal_that_is_not_known_to_have_ended_settles_nothing(outcome: str) -> None:
    found = counted(look(SECRET), effect("cluster.delete", f"{UID}/atlas/Secret/pull", outcome))

    assert (found.settled, found.unsettled) == ((), (SECRET,))


def test_a_cluster_that_nobody_could_look_into_is_no_question_once_somebody_has() -> None:
    assert counted(look(BLIND)).unsettled == ()
    assert counted(look(BLIND), seen=(BLIND,)).settled == (BLIND,)


def test_what_a_later_removal_answered_is_open_no_more_when_more_is_made() -> None:
    unheard = (look(SECRET), effect("cluster.delete", f"{UID}/atlas/Secret/pull", ""))
    again = (look(SECRET), effect("cluster.delete", f"{UID}/atlas/Secret/pull"))

    assert counted(*unheard, *again, effect("cluster.apply", f"{UID}/atlas/Secret/other")) == census.Counted()


def test_what_is_open_and_known_to_be_gone_is_settled() -> None:
    found = census.Counted(settled=(SPACE,), unsettled=(SECRET, ELSEWHERE))

    assert found.without([ELSEWHERE]) == census.Counted(settled=(SPACE, ELSEWHERE), unsettled=(SECRET,))


def test_what_is_open_stays_open_when_more_is_made() -> None:
    found = counted(look(SECRET), effect("cluster.apply", f"{UID}/atlas/Secret/other"))

    assert (found.settled, found.unsettled) == ((), (SECRET,))
    gone = (look(SECRET), effect("cluster.delete", f"{UID}/atlas/Secret/pull"))
    assert counted(*gone, effect("cluster.apply", f"{UID}/atlas/Secret/other")) == census.Counted()
    assert counted(*gone, effect("cluster.apply", f"{UID}/atlas/Secret/other", "failed")).settled == (SECRET,)
