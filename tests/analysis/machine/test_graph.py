"""What leads where in a machine, on both sides of where each question of it turns."""

from typing import Any

import pytest

from drproof.analysis.machine.graph import examine
from drproof.formats.asl import machine_of

DONE = {"Type": "Succeed"}


def _told(*, start: Any = "A", **states: Any) -> list[tuple[str, str]]:
    return [(one.state, one.code) for one in sorted(examine(machine_of({"StartAt": start, "States": states})))]


def _whats(*, start: Any = "A", **states: Any) -> list[str]:
    return [one.what for one in sorted(examine(machine_of({"StartAt": start, "States": states})))]


def _pass(following: str = "", **fields: Any) -> dict[str, Any]:
    return {"Type": "Pass", **({"Next": following} if following else {"End": True}), **fields}


def _choice(following: str, default: str | None = "Done", **rule: Any) -> dict[str, Any]:
    chosen = rule or {"Variable": "$.n", "NumericLessThan": 5}
    whole = {"Type": "Choice", "Choices": [{**chosen, "Next": following}]}
    return whole if default is None else {**whole, "Default": default}


COUNTED = {"Parameters": {"n.$": "States.MathAdd($.n, 1)"}}


def test_a_name_that_no_state_bears_is_told_with_that_name() -> None:
    """At the start, and on the way."""
    assert _told(A=_pass("B")) == [
        ("", "machine_never_ends"),
        ("A", "end_is_out_of_reach"),
        ("A", "target_does_not_exist"),
    ]
    assert "it leads to B, and no state beside it bears that name" in _whats(A=_pass("B"))
    nowhere = {"Type": "Pass", "Next": None}
    assert "it leads to nothing, and no state beside it bears that name" in _whats(A=nowhere)
    assert "`StartAt` names B, and no state bears that name" in _whats(start="B", A=_pass())
    assert "`StartAt` names nothing, and no state bears that name" in _whats(start="", A=_pass())
    assert _told(start="B", A=_pass()) == [("", "target_does_not_exist"), ("A", "state_is_unreachable")]


def test_a_state_of_an_inner_machine_stays_in_it_and_has_a_name_of_its_own() -> None:
    """It leads to no state outside, and bears no name that is taken."""
    inner = {"StartAt": "I", "States": {"I": _pass()}}
    assert _told(A={"Type": "Parallel", "Branches": [inner], "End": True}) == []
    assert _told(A={"Type": "Parallel", "Branches": [inner, inner], "End": True}) == [("I", "name_comes_twice")]
    outside = {"StartAt": "I", "States": {"I": _pass("A")}}
    assert ("I", "target_does_not_exist") in _told(A={"Type": "Parallel", "Branches": [outside], "End": True})


@pytest.mark.parametrize(
    ("state", "codes"),
    [
        (_pass(), []),
        ({"Type": "Pass", "Next": "Done"}, []),
        ({"Type": "Pass", "Next": "Done", "End": False}, []),
        ({"Type": "Pass", "Next": "Done", "End": True}, ["way_on_is_unclear"]),
        ({"Type": "Pass"}, ["end_is_out_of_reach", "way_on_is_unclear"]),
        ({"Type": "Succeed"}, []),
        ({"Type": "Succeed", "End": True}, ["way_on_is_unclear"]),
        ({"Type": "Fail", "Next": "Done"}, ["way_on_is_unclear"]),
        (_choice("Done"), []),
        (_choice("Done", None), ["choice_has_no_default"]),
        ({**_choice("Done"), "Next": "Done"}, ["way_on_is_unclear"]),
        ({**_choice("Done"), "End": True}, ["way_on_is_unclear"]),
        ({"Type": "Choice", "Choices": [], "Default": "Done"}, ["choice_is_empty"]),
    ],
)
def test_it_is_clear_how_each_state_goes_on(state: dict[str, Any], codes: list[str]) -> None:
    """By `Next` or by `End`; a Choice by its rules, an end by neither."""
    found = [code for name, code in _told(A=state, Done=DONE) if name == "A"]
    assert found == codes


def test_a_way_on_that_is_unclear_is_told_in_words() -> None:
    """Which of the two is too many, or missing."""
    assert "it has both `Next` and `End`" in _whats(A=_pass("Done", End=True), Done=DONE)
    assert "it has neither `Next` nor `End`" in _whats(A={"Type": "Pass"}, Done=DONE)
    assert "a Succeed has no way on" in _whats(A={**DONE, "Next": "Done"}, Done=DONE)


def test_states_that_follow_each_other_for_ever_are_told_once() -> None:
    """Each circle by itself, and none where there is no way back."""
    assert _told(A=_pass("B"), B=_choice("A"), Done=DONE) == [("A", "loop_is_not_bounded")]
    assert _told(A=_pass("B"), B=_choice("Done"), Done=DONE) == []
    both = {"A": _choice("A", "B"), "B": _choice("B"), "Done": DONE}
    assert _told(**both) == [("A", "loop_is_not_bounded"), ("B", "loop_is_not_bounded")]
    whats = _whats(A=_pass("B"), B=_pass("C"), C=_choice("A"), Done=DONE)
    assert whats == ["A, B, C may follow each other for ever: no number is counted up and compared on the way"]


@pytest.mark.parametrize(
    ("counting", "gate", "bounded"),
    [
        (COUNTED, _choice("A"), True),
        ({}, _choice("A"), False),
        ({"Parameters": {"n.$": "States.MathRandom(1, 2)"}}, _choice("A"), False),
        ({"Comment": "States.MathAdd counts"}, _choice("A"), False),
        ({"Parameters": {"n.$": "no States.MathAdd here"}}, _choice("A"), False),
        ({"Parameters": {"n": "States.MathAdd($.n, 1)"}}, _choice("A"), False),
        ({"Parameters": {"deep": [{"n.$": "States.MathAdd($.n, 1)"}]}}, _choice("A"), True),
        (COUNTED, _choice("A", Variable="$.s", StringEquals="x"), False),
        (COUNTED, _choice("A", Variable="$.other", NumericLessThan=5), False),
        (COUNTED, _choice("A", Variable="$.n[0]", NumericLessThan=5), True),
        (COUNTED, _choice("A", Variable="$", NumericLessThan=5), False),
        (COUNTED, _choice("A", Variable="n", NumericLessThan=5), False),
        ({"Parameters": {"m.$": "States.MathAdd($.n, 1)"}}, _choice("A", Variable="$.m", NumericLessThan=5), True),
        (
            {"Parameters": {"m.$": "States.MathAdd($.n, 1)", "k.$": "$.l", "l.$": "$.m"}},
            _choice("A", Variable="$.k", NumericLessThan=5),
            True,
        ),
        ({"Parameters": {"n.$": "States.MathAdd($.n"}}, _choice("A", Variable="$.m", NumericLessThan=5), False),
        (COUNTED, _choice("A", "A"), False),
        (COUNTED, _choice("A", And=[{"Variable": "$.n", "NumericLessThan": 5}]), True),
        (COUNTED, _choice("A", Or=[{"Variable": "$.n", "NumericLessThan": 5}]), True),
        (COUNTED, _choice("A", Not={"Variable": "$.n", "NumericLessThan": 5}), True),
        (COUNTED, _choice("A", Not={"Variable": "$.s", "StringEquals": "x"}), False),
    ],
)
def test_a_circle_is_bounded_by_a_number_that_it_counts_and_compares(
    counting: dict[str, Any], gate: dict[str, Any], bounded: bool
) -> None:
    """Counted up by a function, compared as a number, and with a way out."""
    codes = [code for _, code in _told(A=_pass("B", **counting), B=gate, Done=DONE)]
    assert ("loop_is_not_bounded" not in codes) is bounded


def test_a_way_around_that_avoids_the_gate_is_not_bounded() -> None:
    """Each way around must pass a Choice that compares; a Task that only leads out is none."""
    gate = _choice("A")
    aside = {"Type": "Choice", "Choices": [{"Variable": "$.s", "StringEquals": "x", "Next": "A"}], "Default": "C"}
    assert _told(A=_pass("B", **COUNTED), B=aside, C=gate, Done=DONE) == [("A", "loop_is_not_bounded")]
    before = {"Type": "Choice", "Choices": [{"Variable": "$.s", "StringEquals": "x", "Next": "C"}], "Default": "C"}
    assert _told(A=_pass("B", **COUNTED), B=before, C=gate, Done=DONE) == []
    caught = {
        "Type": "Task",
        "Resource": "r",
        "Next": "A",
        "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "Done"}],
        "Choices": [{"Variable": "$.n", "NumericLessThan": 5, "Next": "A"}],
    }
    assert _told(A=_pass("B", **COUNTED), B=caught, Done=DONE) == [("A", "loop_is_not_bounded")]
    alone = {"A": {**gate, "OutputPath": "States.MathAdd($.n, 1)"}, "Done": DONE}
    assert _told(**alone) == [], "one state that leads to itself, and is the gate"
    inside = _choice("B", "A")
    assert _told(A=_pass("B", **COUNTED), B=inside, C=_choice("A"), Done=DONE) == [
        ("", "machine_never_ends"),
        ("A", "end_is_out_of_reach"),
        ("A", "loop_is_not_bounded"),
        ("B", "end_is_out_of_reach"),
        ("C", "state_is_unreachable"),
        ("Done", "state_is_unreachable"),
    ], "a Choice that leads nowhere else is no way out"


def test_a_way_around_that_counts_nothing_is_not_bounded() -> None:
    """Of two ways back to the start one counts: who goes the other way goes round for ever."""
    gate = {
        "Type": "Choice",
        "Choices": [
            {"Variable": "$.n", "NumericGreaterThan": 5, "Next": "Done"},
            {"Variable": "$.s", "StringEquals": "slow", "Next": "Count"},
        ],
        "Default": "A",
    }
    counted = {"A": _pass("B"), "B": gate, "Count": _pass("A", **COUNTED), "Done": DONE}
    assert _told(**counted) == [("A", "loop_is_not_bounded")]
    assert _told(**{**counted, "B": {**gate, "Default": "Count"}}) == []


def test_a_circle_that_never_ends_is_told_state_by_state() -> None:
    """Also where what leads to an end stands later in the document."""
    assert _told(A=_pass("B"), B=_pass("C"), C=_pass("Done"), Done=DONE) == []
    caught = [{"ErrorEquals": ["States.ALL"], "Next": "Done"}]
    assert _told(A={"Type": "Task", "Resource": "r", "End": True, "Catch": caught}, Done=DONE) == []
