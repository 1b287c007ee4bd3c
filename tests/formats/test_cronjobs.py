"""Lists of CronJobs: which schedules there are, and which of them could start something."""

import json
from typing import Any

import pytest

from drproof.formats.cronjobs import Schedule, parse
from drproof.model.errors import FormatError


def listed(*items: Any) -> bytes:
    return json.dumps({"apiVersion": "v1", "kind": "List", "items": list(items)}).encode()


def cronjob(**spec: Any) -> dict[str, Any]:
    return {"kind": "CronJob", "metadata": {"name": "daily", "namespace": "atlas"}, "spec": spec}


@pytest.mark.parametrize(
    ("spec", "suspended"),
    [({"suspend": True}, True), ({"suspend": False}, False), ({}, False), ({"suspend": "true"}, False)],
)
def test_only_what_says_so_by_a_boolean_is_suspended(spec: dict[str, Any], suspended: bool):
    assert parse(listed(cronjob(**spec))) == (Schedule(name="atlas/daily", suspended=suspended),)


def test_items_of_a_typed_list_name_no_kind_and_an_empty_list_has_none():
    untyped = {"metadata": {"name": "daily"}, "spec": {"suspend": True}}

    assert parse(listed(untyped)) == (Schedule(name="daily", suspended=True),)
    assert parse(listed()) == ()


def test_a_page_of_a_longer_list_is_refused_and_a_uid_is_read():
    document = {"metadata": {"continue": "more"}, "items": [cronjob()]}
    with pytest.raises(FormatError) as refused:
        parse(json.dumps(document).encode())
    assert refused.value.code == "cronjobs-cut"
    named = {**cronjob(suspend=True), "metadata": {"name": "daily", "uid": "u"}}
    assert [one.uid for one in parse(json.dumps({**document, "metadata": {}, "items": [named]}).encode())] == ["u"]


@pytest.mark.parametrize(
    "data",
    [
        b"[]",
        b"{}",
        b'{"items": {}}',
        listed("daily"),
        listed({"metadata": {"name": "daily"}}),
        listed({"metadata": [], "spec": {}}),
        listed({"metadata": {}, "spec": {}}),
        listed({**cronjob(), "kind": "Job"}),
    ],
)
def test_what_is_no_list_of_cronjobs_is_refused(data: bytes):
    with pytest.raises(FormatError) as refused:
        parse(data)
    assert refused.value.code == "cronjobs"
