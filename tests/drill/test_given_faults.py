"""Whatever one call to a cluster that stays does instead of answering: the drill ends, says so, and leaves nothing."""

import itertools
from collections import Counter
from typing import Any

import pytest

from drproof.embedded.faults.clusters import Planted
from drproof.embedded.faults.rules import KUBERNETES, Faults, Rule
from tests.drill import faulted
from tests.drill.given import Given
from tests.drill.test_faults import OF_CLUSTERS, WAITING, judged, named

CHANGING: dict[str, tuple[int, ...]] = {
    "create namespaces": (1,),
    "create serviceaccounts": (1,),
    "create configmaps": (1, 6, 11),
    "create secrets": (1,),
    "create roles": (1,),
    "create rolebindings": (1,),
    "create services": (1,),
    "create deployments": (1,),
    "create cronjobs": (1,),
    "patch secrets": (1,),
    "create jobs": (1,),
    "delete namespaces": (1,),
}
"""The calls that change something in the cluster, and which of their occurrences are struck."""

READING: dict[str, tuple[int, ...]] = {
    "": (1, 10, 40, 80, 110, 140),
    "get namespaces": (1, 2, 5, 20, 30, 36),
    "get serviceaccounts": (1, 3),
    "get configmaps": (1, 22, 44),
    "get secrets": (1, 4, 6),
    "get roles": (1,),
    "get rolebindings": (2,),
    "get services": (3,),
    "get deployments": (1,),
    "get cronjobs": (1, 5),
    "get jobs": (1, 2, 4),
    "get pods": (1, 2),
    "create * (dry run)": (1, 8, 16),
    "list nodes": (1, 5),
    "list pods": (2, 10),
    "list events": (1,),
    "list configmaps": (1, 2, 5, 9),
    "list secrets": (1, 4, 8),
    "list namespaces": (1, 5),
    "list *": (30, 80, 130, 180, 230),
}
"""The calls that only look; those without an action ask what the cluster is, and what kinds it serves."""

SAMPLE = {"answer-lost-create_jobs-1"}


def points() -> list[tuple[str, str, int]]:
    """Return kind, action and number of every call that is struck."""
    found = [(kind, action, numbers[0]) for action, numbers in CHANGING.items() for kind in OF_CLUSTERS]
    rest = itertools.cycle(OF_CLUSTERS)
    found += [(next(rest), action, number) for action, numbers in CHANGING.items() for number in numbers[1:]]
    for place, (action, numbers) in enumerate(READING.items()):
        kinds = itertools.cycle(OF_CLUSTERS[place % len(OF_CLUSTERS) :] + OF_CLUSTERS[: place % len(OF_CLUSTERS)])
        found += [(next(kinds), action, number) for number in numbers]
    return list(dict.fromkeys(found))


def sweep() -> list[Any]:
    made = []
    for kind, action, number in points():
        name = named((kind, action or "about the cluster", "", "", number))
        made.append(
            pytest.param((kind, action, number), id=name, marks=() if name in SAMPLE else (pytest.mark.exhaustive,))
        )
    return made


@pytest.mark.parametrize("point", sweep())
def test_a_drill_of_which_one_call_to_the_given_cluster_fails_leaves_nothing_there(
    operator: Any, given: Given, point: tuple[str, str, int]
) -> None:
    kind, action, number = point
    before = given.names()
    milliseconds = WAITING.get(kind, 0)
    rules = Faults([Rule(kind=kind, service=KUBERNETES, action=action, nth=number, milliseconds=milliseconds)])
    given.cluster.faults.append(Planted(rules))

    found = faulted.run(
        operator,
        words=(*faulted.SMALL, *given.words),
        beside=lambda: sorted(set(given.names()) - set(before)),
    )

    assert rules.all()[0]["struck"] == 1, "the call was never made: the table of points is out of date"
    judged(found, kind)
    assert given.names() == before
    # A repaired attempt applies what is there; what ended and was made again is another Job.
    assert [name for name, times in Counter(given.made).items() if times > 1] == []
