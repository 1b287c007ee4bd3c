"""Promotion records what people decided, word for word; without one that counts it stops at the gate."""

from dataclasses import replace

import pytest

from drproof.engine.gate import GivenGate
from drproof.evidence.canonical import canonical, digest
from drproof.model.codec import encode
from drproof.model.context import Answered
from drproof.model.criteria import PlanDocument, Window
from drproof.model.errors import NotRunError, PhaseError
from drproof.model.receipt import Tool
from drproof.phases.recovery.promote import promote
from tests.contracts.evidence import AWAITED, PASSING, decided
from tests.contracts.observed import DRILL, RECOVERY, at
from tests.evidence.keys import STRANGER

PLAN = PlanDocument(
    drill_id=DRILL,
    mode="rehearsal",
    plan="recovery",
    created_at=at(0),
    nonce="0" * 64,
    window=Window(full=True, start_at="bringup", stop_after="promote"),
    phases=("promote",),
    contracts=(),
    criteria=replace(PASSING.criteria, approval=AWAITED),
    max_attempts=1,
    tool=Tool(version="1"),
)


@pytest.fixture
def context(drill):
    made = drill.context("promote")
    made.drill_id, made.plan = DRILL, PLAN
    made.clock.now = lambda: at(44)
    made.target.recovery.identity = type("Identity", (), {"caller": lambda _: RECOVERY})()
    made.kept = {}
    made.evidence = made.kept.__setitem__
    return made


def given(approved, **changes):
    plan = digest(canonical(encode(PLAN)))
    path = "evidence/promote/decision.json"
    return decided(approved, plan_sha256=plan, **changes).files[path]["signed"]


@pytest.mark.parametrize(("approved", "mode"), [(True, "approved"), (False, "rejected")])
def test_a_yes_and_a_no_are_recorded_alike(context, approved, mode):
    context.decision = GivenGate(given(approved)).answer

    observed = promote.act(context)

    assert (observed.mode, observed.approved, observed.ticket, observed.reason) == (mode, approved, "CHG-7", "seen")
    assert observed.promotion_status == "recorded_nothing_switched"
    assert encode(context.kept["decision"].signed) == given(approved)


@pytest.mark.parametrize(
    "spoiled",
    [
        {"by": STRANGER},
        {"validation_sha256": "0" * 64},
        {"approver": RECOVERY.arn},
        {"expires_at": at(43)},
        {"execution_arn": "arn:aws:states:us-west-2:444455556666:execution:one:two"},
    ],
)
def test_a_decision_that_does_not_count_is_not_recorded(context, spoiled):
    context.decision = GivenGate(given(True, **spoiled)).answer

    with pytest.raises(PhaseError, match="the decision does not count"):
        promote.act(context)


def test_a_decision_about_another_plan_does_not_count(context):
    context.decision = GivenGate(decided(True).files["evidence/promote/decision.json"]["signed"]).answer

    with pytest.raises(PhaseError, match="it is about another plan"):
        promote.act(context)


def test_without_a_decision_it_stops_at_the_gate_and_keeps_what_did_not_count(context):
    context.decision = lambda _: Answered(value=None, refused=("nobody signed it",))

    with pytest.raises(NotRunError, match="no decision within 1 h; stopped at manual promotion gate"):
        promote.act(context)
    assert context.kept["decision"].refused == ("nobody signed it",)
