"""What is known of a machine's tasks by the acts that they ask the function for, and what is not."""

from typing import Any

import pytest

from drproof.analysis.machine.acts import KEPT, PREPARED, SEAL, TELL, act_of, answer_to, knowledge_of
from drproof.analysis.machine.shapes import ANYTHING, TEXT, TRUTH, There, at, record
from drproof.formats.asl import machine_of

INVOKE = "arn:aws:states:::lambda:invoke"


def _machine(payload: Any, resource: str = INVOKE) -> Any:
    told = {"FunctionName": "f", "Payload": payload}
    return machine_of(
        {"StartAt": "A", "States": {"A": {"Type": "Task", "Resource": resource, "Parameters": told, "End": True}}}
    )


def test_each_act_has_an_answer_of_its_own() -> None:
    """A phase is answered with references, the order of a build with that order, a message with nothing that is kept."""
    assert answer_to("prepare_bringup") == PREPARED
    assert answer_to(TELL) == ANYTHING
    assert answer_to(SEAL) == ANYTHING
    assert answer_to("restore") == record(known=dict.fromkeys(KEPT, TEXT))
    assert answer_to("check_health") == record(known={**dict.fromkeys(KEPT, TEXT), "needs_recovery": TRUTH})
    assert answer_to("promote") == record(known={**dict.fromkeys(KEPT, TEXT), "approved": TRUTH})


@pytest.mark.parametrize(
    ("payload", "act"),
    [
        ({"act": "restore", "execution": {}}, "restore"),
        ({"act": "restore"}, ""),
        ({"act": "restore", "execution": "e"}, ""),
        ({"execution": {}}, ""),
        ({"act": 1, "execution": {}}, ""),
        ("restore", ""),
        (None, ""),
    ],
)
def test_an_act_is_asked_for_by_a_payload_with_an_execution(payload: Any, act: str) -> None:
    """Anything else is somebody else's function."""
    (state,) = _machine(payload).all_states()
    assert act_of(state) == act


def test_a_state_without_parameters_asks_for_no_act() -> None:
    """Nor does one whose parameters are no object."""
    without: list[dict[str, Any]] = [{}, {"Parameters": []}]
    for fields in without:
        machine = machine_of({"StartAt": "A", "States": {"A": {"Type": "Task", "End": True, **fields}}})
        (state,) = machine.all_states()
        assert act_of(state) == ""


def test_the_answer_of_a_call_that_ends_by_itself_is_known() -> None:
    """It lies in the payload of what the integration answers."""
    answers = knowledge_of(_machine({"act": "check_health", "execution": {}})).answers
    assert set(answers) == {"A"}
    assert at(answers["A"], ("Payload", "needs_recovery")) == (There.SURE, TRUTH)
    assert at(answers["A"], ("StatusCode",))[0] is There.SURE


@pytest.mark.parametrize(
    ("payload", "resource"),
    [
        ({"act": "restore", "execution": {}}, f"{INVOKE}.waitForTaskToken"),
        ({"act": "restore", "execution": {}}, "arn:aws:states:::sns:publish"),
        ({"other": "restore"}, INVOKE),
    ],
    ids=["a person answers it", "it is another call", "it is another function"],
)
def test_an_answer_that_is_somebody_elses_stays_unknown(payload: Any, resource: str) -> None:
    """Nothing may be taken out of what a token comes back with."""
    assert knowledge_of(_machine(payload, resource)).answers == {}
