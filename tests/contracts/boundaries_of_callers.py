"""Where the comparisons turn that ask who acted: known and right, known and another, and nobody knows."""

from dataclasses import replace
from itertools import chain

from drproof import catalog
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


@boundary
def whoever_acted_from_bring_up_to_validation_is_asked_for_and_nobody_after_it(house: House) -> None:
    contract, other = "one_account_and_region_throughout", "i-0000000000000000f"
    asked = {
        "bringup", "resolve_runner", "reach_cluster", "restore_state", "restore", "inspect_cluster", "inspect_runner",
        "validate",
    }  # fmt: skip
    before = set(chain(asked, *(_before(name) for name in asked)))
    at_the_site = {one.name for one in catalog.phases() if one.name in before and one.site == "recovery"}
    assert at_the_site == asked == set(house.contracts[contract].needs)
    for phase in sorted(asked):
        caller, unknown = PASSING.receipts[phase].caller, PASSING.receipt(phase, caller=None)
        assert caller is not None
        expect(
            house,
            contract,
            (PASSING.receipt(phase, caller=PASSING.receipts["check_health"].caller), REFUTED),
            (PASSING.receipt(phase, caller=replace(caller, account_id="000000000000")), REFUTED),
            (PASSING.receipt(phase, caller=replace(caller, region="nowhere-1")), REFUTED),
            (PASSING.receipt(phase, caller=replace(caller, arn="arn:aws:iam::444455556666:user/another")), PROVEN),
            (unknown, UNPROVEN),
            (unknown.facts("inspect_runner", instance_id=other), REFUTED),
            (PASSING.without(phase), UNPROVEN),
        )
    for phase in ("notify", "promote", "teardown"):
        expect(house, contract, (PASSING.receipt(phase, caller=None), PROVEN), (PASSING.without(phase), PROVEN))
    assert "bring-up to validation" in house.contracts[contract].claim


def _before(name: str) -> set[str]:
    """Return the phases that a phase comes after, with those that they come after."""
    (one,) = (one for one in catalog.phases() if one.name == name)
    return set(chain(one.after, *(_before(earlier) for earlier in one.after)))
