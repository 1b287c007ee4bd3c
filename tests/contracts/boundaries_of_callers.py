"""Where the comparisons turn that ask who acted: known and right, known and another, and nobody knows."""

from drproof.model.receipt import Caller, Outcome
from tests.contracts.boundary import PROVEN, REFUTED, UNPROVEN, boundary, expect
from tests.contracts.checks import House
from tests.contracts.evidence import PASSING, UNDECIDED, decided
from tests.evidence import keys


@boundary
def whether_somebody_else_decided_is_open_where_nobody_knows_who_ran_the_drill(house: House) -> None:
    contract, yes = "recorded_decision_is_one_that_counts", decided(True)
    nameless = PASSING.receipt("validate", caller=None)
    unknown = decided(True, of=nameless)
    given = yes.receipts["promote"].facts
    approver = Caller(arn=given.approver, account_id=given.account_id, region="us-west-2")
    expect(
        house,
        contract,
        (yes, PROVEN),
        (unknown, UNPROVEN),
        (yes.receipt("promote", caller=None), UNPROVEN),
        (unknown.receipt("promote", caller=None), UNPROVEN),
        (unknown.receipt("promote", caller=approver), REFUTED),
        (decided(True, of=PASSING.receipt("validate", caller=approver)).receipt("promote", caller=None), REFUTED),
        (unknown.facts("promote", ticket="another"), REFUTED),
        (unknown.receipt("promote", outcome=Outcome.NOT_RUN, observed=None, reason="lost"), REFUTED),
        (decided(True, of=nameless, by=keys.STRANGER), REFUTED),
        (decided(True, of=nameless, reason=" "), REFUTED),
        (UNDECIDED.receipt("validate", caller=None).receipt("promote", caller=None), PROVEN),
    )
    assert house.verdict(contract, unknown.receipt("promote", caller=None)).reason == (
        "nobody knows who acted in validate, promote"
    )
