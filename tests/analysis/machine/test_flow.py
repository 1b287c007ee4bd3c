"""Which data reach which state, on both sides of where each question of it turns."""

from typing import Any

import pytest

from drproof.analysis.machine.flow import Flow, Knowledge, follow
from drproof.analysis.machine.shapes import NUMBER, TEXT, TRUTH, Record, Row, record
from drproof.formats.asl import machine_of

GIVEN = record("any", maybe=("perhaps",), known={"name": TEXT, "count": NUMBER, "on": TRUTH, "list": Row(TEXT)})
END = {"Type": "Succeed"}


def _flow(given: Any = GIVEN, answers: Any = None, **states: Any) -> Flow:
    machine = machine_of({"StartAt": next(iter(states)), "States": {**states, "End": END}})
    return follow(machine, Knowledge(given=given, answers=answers or {}))


def _told(given: Any = GIVEN, **states: Any) -> list[tuple[str, str, str]]:
    return [(one.state, one.place, one.code) for one in _flow(given, **states).defects]


def _taken(path: str, **fields: Any) -> dict[str, Any]:
    return {"Type": "Pass", "Parameters": {"x.$": path}, "End": True, **fields}


def test_what_reaches_each_state_is_kept_of_the_outer_machine_alone() -> None:
    """Of the states that something reaches."""
    inner = {"StartAt": "Inner", "States": {"Inner": {"Type": "Pass", "End": True}}}
    flow = _flow(
        A={"Type": "Map", "ItemsPath": "$.list", "ItemProcessor": inner, "ResultPath": "$.kept", "Next": "B"},
        B={"Type": "Pass", "End": True},
        C={"Type": "Pass", "End": True},
    )
    assert set(flow.inputs) == {"A", "B"}
    assert flow.inputs["A"] == GIVEN
    assert flow.inputs["B"] == Record({**GIVEN.sure, "kept": Row(TEXT)}, GIVEN.maybe)
    assert flow.defects == ()


@pytest.mark.parametrize(
    ("path", "codes", "followed", "unknown"),
    [
        ("$.name", [], 1, ()),
        ("$.perhaps", ["path_is_not_there_on_every_way"], 1, ()),
        ("$.gone", ["path_leads_to_nothing"], 1, ()),
        ("$.any.part", [], 0, ("A.Parameters.x.$: $.any.part",)),
        ("$$.Execution.Id", [], 1, ()),
        ("$$.Execution.Gone", ["context_has_no_such_field"], 1, ()),
        ("$$.Execution.RedriveTime", ["path_is_not_there_on_every_way"], 1, ()),
        ("$$.Execution.Input.name", [], 1, ()),
        ("$$.State.RetryCount", ["context_has_no_such_field"], 1, ()),
        ("$$.Task.Token", ["context_has_no_such_field"], 1, ()),
        ("$$.Map.Item.Value", ["context_has_no_such_field"], 1, ()),
        ("$$.StateMachine.Id", [], 1, ()),
    ],
)
def test_a_path_leads_to_a_value_to_none_or_nobody_knows(
    path: str, codes: list[str], followed: int, unknown: tuple[str, ...]
) -> None:
    """What was decided is counted, besides the paths that every state has."""
    flow = _flow(A=_taken(path))
    assert [one.code for one in flow.defects] == codes
    assert flow.followed == followed + _flow(A={"Type": "Pass", "End": True}).followed
    assert flow.unknown == unknown


def test_a_task_has_a_context_of_its_own() -> None:
    """How often it was tried; and where it waits for one, its token."""
    task = {"Type": "Task", "Resource": "arn:aws:states:::lambda:invoke", "End": True}
    waiting = {**task, "Resource": f"{task['Resource']}.waitForTaskToken"}
    for state, path, codes in (
        (task, "$$.State.RetryCount", []),
        (task, "$$.Task.Token", ["context_has_no_such_field"]),
        (waiting, "$$.Task.Token", []),
    ):
        assert [code for _, _, code in _told(A={**state, "Parameters": {"x.$": path}})] == codes, path


def test_a_defect_is_told_of_what_reaches_a_state_in_the_end() -> None:
    """The first way to a state lacks what a second one brings: it is missing on a way, and not never there."""
    found = _told(
        A={
            "Type": "Choice",
            "Choices": [{"Variable": "$.on", "BooleanEquals": True, "Next": "C"}],
            "Default": "B",
        },
        B={"Type": "Pass", "Result": 1, "ResultPath": "$.late", "Next": "C"},
        C=_taken("$.late"),
    )
    assert found == [("C", "Parameters.x.$", "path_is_not_there_on_every_way")]


def _mapped(inner: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {"Type": "Map", "ItemProcessor": {"StartAt": "I", "States": {"I": inner}}, "End": True, **fields}


def test_a_map_hands_each_item_to_its_machine() -> None:
    """Of a list that is known it is known what the items are."""
    rows = record(known={"rows": Row(record("id")), "name": TEXT})
    assert _told(rows, A=_mapped(_taken("$.id"), ItemsPath="$.rows")) == []
    assert _told(rows, A=_mapped(_taken("$.gone"), ItemsPath="$.rows")) == [
        ("I", "Parameters.x.$", "path_leads_to_nothing")
    ]
    selected = {"part.$": "$$.Map.Item.Value.id", "who.$": "$.name"}
    assert _told(rows, A=_mapped(_taken("$.part"), ItemsPath="$.rows", ItemSelector=selected)) == []
    older = _mapped(_taken("$.part"), ItemsPath="$.rows", Parameters=selected)
    assert _told(rows, A=older) == []
    lost = {"part.$": "$$.Map.Item.Value.gone"}
    assert _told(rows, A=_mapped(_taken("$.part"), ItemsPath="$.rows", ItemSelector=lost)) == [
        ("A", "ItemSelector.part.$", "context_has_no_such_field")
    ]
    unknown = _flow(rows, A=_mapped({"Type": "Pass", "End": True}, ItemsPath="$.rows", ItemSelector={"x.$": "$.name"}))
    assert (unknown.defects, unknown.unknown) == ((), ())
    for path, codes in (("$$.Map.Item.Index", []), ("$$.Map.Item.Gone", ["context_has_no_such_field"])):
        assert [code for _, _, code in _told(rows, A=_mapped(_taken(path), ItemsPath="$.rows"))] == codes
    assert _flow(rows, A=_mapped(_taken("$$.Map.Item.Value.x"), ItemsPath="$.rows")).unknown == (
        "I.Parameters.x.$: $$.Map.Item.Value.x",
    ), "inside, the item may be anything"


def test_a_map_that_reads_and_writes_elsewhere_knows_neither_items_nor_results() -> None:
    """What it is told of those places is followed all the same."""
    read = {"ItemReader": {"Parameters": {"Key.$": "$.gone"}}}
    written = {"ResultWriter": {"Parameters": {"Prefix.$": "$.gone"}}}
    inner = {"Type": "Pass", "End": True}
    assert _told(A=_mapped(inner, ItemsPath="$.list", **read)) == [
        ("A", "ItemReader.Parameters.Key.$", "path_leads_to_nothing")
    ]
    assert _told(A=_mapped(inner, ItemsPath="$.list", **written)) == [
        ("A", "ResultWriter.Parameters.Prefix.$", "path_leads_to_nothing")
    ]
    assert _flow(A=_mapped(_taken("$.x"), ItemsPath="$.list", ItemReader={})).unknown == ("I.Parameters.x.$: $.x",)
    then = {"End": None, "Next": "B", "ItemsPath": "$.list"}
    for fields, unknown, codes in (
        ({}, (), ["path_leads_to_nothing"]),
        ({"ResultWriter": {}}, ("B.Parameters.x.$: $.where",), []),
    ):
        flow = _flow(A=_mapped(inner, **then, **fields), B=_taken("$.where"))
        assert (flow.unknown, [one.code for one in flow.defects]) == (unknown, codes)


def test_only_what_ends_well_is_what_a_branch_returns() -> None:
    """A failure hands nothing on."""
    branch = {
        "StartAt": "I",
        "States": {
            "I": {
                "Type": "Choice",
                "Choices": [{"Variable": "$.on", "BooleanEquals": True, "Next": "Good"}],
                "Default": "Bad",
            },
            "Good": {"Type": "Pass", "Result": {"x": 1}, "Next": "Done"},
            "Done": {"Type": "Succeed"},
            "Bad": {"Type": "Fail", "Error": "E"},
        },
    }
    parallel = {"Type": "Parallel", "Branches": [branch], "Next": "B"}
    assert _told(A=parallel, B=_taken("$[0].x")) == []
    assert _told(A=parallel, B=_taken("$[0].on")) == [("B", "Parameters.x.$", "path_leads_to_nothing")]


@pytest.mark.parametrize("name", ["ToleratedFailureCountPath", "ToleratedFailurePercentagePath", "MaxConcurrencyPath"])
def test_a_field_of_a_map_that_says_a_path_is_followed(name: str) -> None:
    """As those of other states."""
    inner = {"Type": "Pass", "End": True}
    assert _told(A=_mapped(inner, ItemsPath="$.list", End=True, **{name: "$.count"})) == []
    assert _told(A=_mapped(inner, ItemsPath="$.list", End=True, **{name: "$.gone"})) == [
        ("A", name, "path_leads_to_nothing")
    ]


def test_a_map_that_hands_out_batches_hands_a_list_to_its_machine() -> None:
    """With what the batcher adds; its own paths are followed as well."""
    batcher = {"MaxItemsPerBatchPath": "$.count", "BatchInput": {"name.$": "$.name"}}
    paths = {"x.$": "$.Items", "y.$": "$.BatchInput.name"}
    given = {"ItemsPath": "$.list", "End": True}

    def told(batcher: dict[str, Any], parameters: dict[str, Any]) -> list[tuple[str, str, str]]:
        inner = {"Type": "Pass", "Parameters": parameters, "End": True}
        return _told(A=_mapped(inner, ItemBatcher=batcher, **given))

    assert told(batcher, paths) == []
    assert told({"MaxItemsPerBatch": 2}, paths) == [("I", "Parameters.y.$", "path_leads_to_nothing")]
    assert told({**batcher, "MaxItemsPerBatchPath": "$.gone"}, paths) == [
        ("A", "ItemBatcher.MaxItemsPerBatchPath", "path_leads_to_nothing")
    ]
    assert told({**batcher, "BatchInput": {"name.$": "$.gone"}}, paths) == [
        ("A", "ItemBatcher.BatchInput.name.$", "path_leads_to_nothing")
    ]


@pytest.mark.parametrize("name", ["SecondsPath", "TimestampPath", "TimeoutSecondsPath", "HeartbeatSecondsPath"])
def test_a_field_that_says_a_path_is_followed(name: str) -> None:
    """And one that is not written is not."""
    kind = {"Type": "Wait"} if name in {"SecondsPath", "TimestampPath"} else {"Type": "Task", "Resource": "x"}
    assert _told(A={**kind, name: "$.count", "End": True}) == []
    assert _told(A={**kind, name: "$.gone", "End": True}) == [("A", name, "path_leads_to_nothing")]


def test_an_input_and_an_output_are_chosen_by_their_paths() -> None:
    """Each before what follows it; the items of a map are looked for once."""
    assert _flow(A={"Type": "Pass", "End": True}).followed == 2, "its input and its output"
    assert _told(A={"Type": "Pass", "InputPath": "$.gone", "End": True}) == [
        ("A", "InputPath", "path_leads_to_nothing")
    ]
    assert _told(A=_mapped({"Type": "Pass", "End": True}, ItemsPath="$.gone")) == [
        ("A", "ItemsPath", "path_leads_to_nothing")
    ]
    one = _flow(A=_mapped({"Type": "Pass", "End": True}, ItemsPath="$.list"))
    assert one.followed == _flow(A=_mapped({"Type": "Pass", "End": True})).followed, "the field is there once"
    assert _told(A={"Type": "Pass", "InputPath": None, "Parameters": {"x.$": "$.name"}, "End": True}) == [
        ("A", "Parameters.x.$", "path_leads_to_nothing")
    ]


def _chosen(rule: dict[str, Any], path: str = "$.perhaps", *, default: str = "End") -> list[tuple[str, str, str]]:
    """Return what is told where a rule leads to a state that takes a path."""
    choice = {"Type": "Choice", "Choices": [{**rule, "Next": "B"}], "Default": default}
    return _told(A=choice, B=_taken(path))


MISSING = [("B", "Parameters.x.$", "path_is_not_there_on_every_way")]
PRESENT = {"Variable": "$.perhaps", "IsPresent": True}
ABSENT = {"Variable": "$.perhaps", "IsPresent": False}
ON = {"Variable": "$.on", "BooleanEquals": True}


@pytest.mark.parametrize(
    ("rule", "told"),
    [
        (PRESENT, []),
        ({"Variable": "$.perhaps", "IsPresent": False}, MISSING),
        ({"Variable": "$.name", "IsPresent": True}, MISSING),
        ({"Variable": "$$.Execution.perhaps", "IsPresent": True}, MISSING),
        ({"Variable": "$.perhaps[*]", "IsPresent": True}, MISSING),
        ({"And": [PRESENT, {"Variable": "$.perhaps", "StringEquals": "x"}]}, []),
        ({"Or": [PRESENT, PRESENT]}, []),
        ({"Or": [PRESENT, {"Variable": "$.on", "BooleanEquals": True}]}, MISSING),
        ({"Not": PRESENT}, MISSING),
        ({"Not": ABSENT}, []),
        ({"Not": {"Or": [ABSENT, {"Variable": "$.perhaps", "StringEquals": "x"}]}}, []),
        ({"Not": {"And": [PRESENT, ON]}}, MISSING),
        ({"Or": [{"And": [PRESENT, ON]}, {"And": [ON, PRESENT]}]}, []),
        ({"Variable": "$.on", "BooleanEquals": True}, MISSING),
    ],
)
def test_a_rule_that_holds_says_what_is_there(rule: dict[str, Any], told: list[tuple[str, str, str]]) -> None:
    """A value that was seen is there behind it, and no other one."""
    assert _chosen(rule) == told


@pytest.mark.parametrize(
    ("rule", "told"),
    [
        ({"Variable": "$.perhaps", "IsPresent": False}, []),
        (PRESENT, MISSING),
        ({"Not": PRESENT}, []),
        ({"Or": [ABSENT, {"Variable": "$.perhaps", "StringEquals": "x"}]}, []),
        ({"And": [ABSENT, ON]}, MISSING),
        ({"And": [ABSENT]}, []),
        ({"Not": {"And": [PRESENT, ON]}}, []),
        ({"Variable": "$$.perhaps", "IsPresent": False}, MISSING),
        ({"Variable": "$.perhaps[*]", "IsPresent": False}, MISSING),
        ({"Variable": "$.on", "BooleanEquals": True}, MISSING),
    ],
)
def test_a_rule_that_does_not_hold_says_it_as_well(rule: dict[str, Any], told: list[tuple[str, str, str]]) -> None:
    """What is not missing is there."""
    choice = {"Type": "Choice", "Choices": [{**rule, "Next": "End"}], "Default": "B"}
    assert _told(A=choice, B=_taken("$.perhaps")) == told


def test_a_rule_asks_only_for_what_is_there_and_says_how_it_ends_otherwise() -> None:
    """A choice on a missing value ends the execution."""
    flow = _flow(
        A={
            "Type": "Choice",
            "Choices": [{"Variable": "$.gone", "StringEqualsPath": "$.perhaps", "Next": "End"}],
            "Default": "End",
        }
    )
    assert [(one.place, one.code) for one in flow.defects] == [
        ("Choices[0].StringEqualsPath", "path_is_not_there_on_every_way"),
        ("Choices[0].Variable", "path_leads_to_nothing"),
    ]
    assert all("the choice ends the execution with States.Runtime" in one.what for one in flow.defects)
    (taken,) = _flow(A=_taken("$.gone")).defects
    assert taken.what == "$.gone is never there: the execution ends with States.Runtime, which no Catch catches"
    unread = {"Variable": "$.name", "StringEqualsPath": "$.name[", "Next": "End"}
    assert [code for _, _, code in _told(A={"Type": "Choice", "Choices": [unread], "Default": "End"})] == [
        "path_cannot_be_read"
    ]
    said = {"Variable": "$.name", "StringEqualsPath": "$.name", "Next": "End"}
    assert _told(A={"Type": "Choice", "Choices": [said], "Default": "End"}) == []
