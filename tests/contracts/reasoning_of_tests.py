"""The claims that tests of `drproof.analysis` make with plain values, put to a mutant of the file as well."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import product
from types import FunctionType, ModuleType
from typing import Any

import pytest

from tests.analysis import (
    test_alarm_causes,
    test_bringup_start,
    test_comparing_prefixes,
    test_covering,
    test_cutting_listings,
    test_execution_steps,
    test_grades,
    test_inventory_sql,
    test_mutation_verbs,
    test_ownership,
    test_pods,
    test_server_defaults,
    test_state_report,
)
from tests.contracts.checks import House
from tests.contracts.reasoning import reasoning
from tests.prefixes import test_merging


@reasoning
def an_object_covers_its_manifest_as_its_tests_say(house: House) -> None:
    _claim(test_covering, house.modules["covering"])
    _claim(test_server_defaults, house.modules["covering"])


@reasoning
def pods_and_events_say_what_their_tests_say(house: House) -> None:
    _claim(test_pods, house.modules["pods"])


@reasoning
def grades_stand_on_each_other_as_their_tests_say(house: House) -> None:
    _claim(test_grades, house.modules["grades"])


@reasoning
def reports_of_the_state_are_read_as_their_tests_say(house: House) -> None:
    _claim(test_state_report, house.modules["state_report"])


@reasoning
def executions_of_others_are_read_as_their_tests_say(house: House) -> None:
    _claim(test_execution_steps, house.modules["execution_steps"])
    _claim(test_bringup_start, house.modules["bringup_start"])
    _claim(test_mutation_verbs, house.modules["mutation_verbs"])
    _claim(test_alarm_causes, house.modules["alarm_causes"])


@reasoning
def whose_a_thing_is_and_when_it_may_go_is_decided_as_its_tests_say(house: House) -> None:
    _claim(test_ownership, house.modules["ownership"])
    _claim(test_ownership, house.modules["expiry"])


@reasoning
def listings_are_merged_cut_and_decided_as_their_tests_say(house: House) -> None:
    for name in ("comparing_prefixes", "cutting_listings", "deciding_doubt"):
        _claim(test_merging, house.modules[name])
    _claim(test_comparing_prefixes, house.modules["comparing_prefixes"])
    _claim(test_cutting_listings, house.modules["cutting_listings"])
    _claim(test_inventory_sql, house.modules["inventory_sql"])


@reasoning
def what_is_encoded_is_compared_by_what_it_says_and_only_when_it_says_something(house: House) -> None:
    differences = house.modules["covering"].differences

    def binary(text: str) -> dict[str, Any]:
        return {"kind": "ConfigMap", "binaryData": {"b": text}}

    def secret(text: str) -> dict[str, Any]:
        return {"kind": "Secret", "data": {"s": text}}

    for holder, path in ((binary, "binaryData.b"), (secret, "data.s")):
        assert differences(holder("aGVsbG8="), holder("aGVs\nbG8=")) == ()
        assert differences(holder("aGVsbG8="), holder("aGVs*bG8=")) == (path,)


@reasoning
def entries_of_a_list_are_no_quantities_and_a_list_is_no_other_thing(house: House) -> None:
    differences = house.modules["covering"].differences

    def arguments(value: Any) -> dict[str, Any]:
        return {"spec": {"limits": value}}

    assert differences(arguments(["1"]), arguments(["1000m"])) == ("spec.limits[0]",)
    assert differences(arguments({"cpu": "1"}), arguments({"cpu": "1000m"})) == ()
    for other in ("1", {"0": "1"}, 1, None):
        assert differences(arguments(["1"]), arguments(other))
        if other is not None:
            assert differences(arguments(other), arguments(["1"])) == ("spec.limits",)


@reasoning
def an_image_of_an_init_container_is_asked_for_as_well(house: House) -> None:
    images = house.modules["pods"].images
    status = {"name": "check", "image": "tool:resolved", "imageID": ""}
    pod = {"spec": {"initContainers": [{"name": "check", "image": "tool:1"}]}, "status": {}}
    pod["status"] = {"initContainerStatuses": [status]}

    assert images(pod) == {"check": ("tool:1", "")}
    alone = {"spec": {"containers": [{"name": "app", "image": "app:1"}]}}
    assert images({**alone, "status": {"containerStatuses": [{"name": "app"}]}}) == {"app": ("app:1", "")}


def _claim(tests: ModuleType, subject: ModuleType) -> None:
    with _about(tests, subject):
        made = 0
        for test in vars(tests).values():
            if isinstance(test, FunctionType) and test.__name__.startswith("test_") and _is_plain(test):
                for arguments in _cases(test):
                    _put(test, arguments)
                    made += 1
        assert made > len(_names(tests, subject)), "the tests claim hardly anything"


def _put(test: FunctionType, arguments: Mapping[str, Any]) -> None:
    try:
        test(**arguments)
    except pytest.fail.Exception as exc:
        # It is no Exception, so that no test can catch it; here it is a claim that does not hold.
        raise AssertionError(str(exc)) from exc


@contextmanager
def _about(tests: ModuleType, subject: ModuleType) -> Iterator[None]:
    """Let the tests speak of this module where they import from the one of its name."""
    kept = {name: vars(tests)[name] for name in _names(tests, subject)}
    try:
        for name in kept:
            setattr(tests, name, vars(subject)[name])
        yield
    finally:
        for name, value in kept.items():
            setattr(tests, name, value)


def _names(tests: ModuleType, subject: ModuleType) -> list[str]:
    own = subject.__name__
    return [name for name, value in vars(tests).items() if getattr(value, "__module__", None) == own]


def _is_plain(test: FunctionType) -> bool:
    # What hypothesis draws is no claim about one value.
    return not hasattr(test, "hypothesis")


def _cases(test: FunctionType) -> Iterator[Mapping[str, Any]]:
    """Yield the arguments of each case of a parametrised test; one empty case for any other."""
    marks = [mark for mark in getattr(test, "pytestmark", ()) if mark.name == "parametrize"]
    for rows in product(*(_rows(*mark.args) for mark in marks)):
        yield {name: value for row in rows for name, value in row.items()}


def _rows(names: str | tuple[str, ...], values: Any) -> Iterator[Mapping[str, Any]]:
    split = [name.strip() for name in names.split(",")] if isinstance(names, str) else list(names)
    for value in values:
        row = getattr(value, "values", value)
        yield dict(zip(split, row if len(split) > 1 else [row], strict=True))
