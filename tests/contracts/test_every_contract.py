"""Every contract of every plan: proven by passing evidence, refuted by each of its sabotages, unproven without it."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from drproof import catalog
from drproof.model.contract import Contract, Sabotage
from drproof.model.receipt import Outcome
from drproof.model.verdict import ControlResult, Status
from tests.contracts import checks
from tests.contracts.evidence import PASSING, VARIANTS, Evidence
from tests.contracts.observed import LOOK

CONTRACTS = {contract.name: contract for contract in catalog.contracts()}


@pytest.mark.parametrize("check", checks.EVERY, ids=lambda check: check.__name__)
@pytest.mark.parametrize("contract", CONTRACTS.values(), ids=CONTRACTS)
def test_every_contract(contract: Contract, check: Callable[[Contract], None]):
    check(contract)


@pytest.mark.parametrize("contract", CONTRACTS.values(), ids=CONTRACTS)
def test_a_receipt_that_says_failed_interrupted_or_blocked_leaves_the_claim_unproven(contract: Contract):
    for phase in contract.needs:
        for outcome in set(Outcome) - contract.accepts:
            verdicts = PASSING.receipt(phase, outcome=outcome).verdicts(contract)

            assert {verdict.status for verdict in verdicts} == {Status.UNPROVEN}


@pytest.mark.parametrize("contract", CONTRACTS.values(), ids=CONTRACTS)
def test_evidence_that_cannot_be_read_leaves_the_claim_unproven(contract: Contract):
    for phase, name in contract.reads.values():
        gone = {path: content for path, content in PASSING.files.items() if not path.endswith(f"/{phase}/{name}.json")}
        lost = Evidence(PASSING.receipts, gone, PASSING.criteria)
        unnamed = PASSING.receipt(phase, evidence=())

        assert {verdict.status for verdict in lost.verdicts(contract)} == {Status.UNPROVEN}
        assert {verdict.status for verdict in unnamed.verdicts(contract)} == {Status.UNPROVEN}


@pytest.mark.parametrize("name", sorted(contract.name for contract in catalog.plan("preflight").contracts))
def test_whatever_a_preflight_refutes_it_says_what_to_do_next(name: str):
    for _, evidence in checks.variants(CONTRACTS[name]):
        for verdict in evidence.verdicts(CONTRACTS[name]):
            for control in verdict.controls:
                if control.result is ControlResult.REFUTED:
                    assert "\n  next: " in control.reason, f"{control.name}: {control.reason}"


def test_a_contract_without_a_sabotage_fails_the_check_that_ci_runs():
    one = next(iter(CONTRACTS.values()))
    bare = Contract(name=one.name, claim=one.claim, decide=one.decide, needs=one.needs)

    with pytest.raises(AssertionError, match="never shows that it can fail"):
        checks.has_a_claim_and_a_sabotage(bare)


def test_a_sabotage_of_two_facts_fails_the_check_that_ci_runs():
    original = CONTRACTS["validation_observed_only"]
    both = Sabotage(
        "two facts",
        lambda inspect_runner: PASSING.facts(
            "inspect_runner", after=replace(LOOK, entries=9), changed=("/srv/made",)
        ).receipts["inspect_runner"],
        "inspect_runner",
    )
    two = Contract(
        name=original.name, claim=original.claim, decide=original.decide, needs=original.needs, sabotages=[both]
    )

    with pytest.raises(AssertionError, match="two facts changes"):
        checks.every_sabotage_changes_one_fact(two)


def test_each_plan_has_its_contracts_among_those_that_the_evidence_speaks_of():
    for name in catalog.plans():
        for contract in catalog.plan(name).contracts:
            assert contract.name in CONTRACTS
            assert list(checks.variants(contract)), f"no evidence proves {contract.name}"


def test_what_evidence_leaves_unproven_is_named_and_really_not_proven():
    for evidence, unproven in VARIANTS.values():
        for name in unproven:
            assert all(not verdict.proven for verdict in evidence.verdicts(CONTRACTS[name]))


@pytest.mark.parametrize(
    ("before", "after", "count"),
    [
        ({"a": 1}, {"a": True}, 1),
        ({"a": 1, "b": 2}, {"a": 3, "b": 4}, 2),
        ({"a": {"b": 1}}, {"a": None}, 1),
        ([1, 2, 3], [], 1),
        ([1, 2, 3], [1, 3], 1),
        ([1, 2, 3], [1], 2),
        ([{"t": 1, "d": 1}, {"t": 2, "d": 2}], [{"t": 3, "d": 1}, {"t": 4, "d": 2}], 1),
        ([{"t": 1}, {"t": 2}, {"t": 3}], [{"t": 3}, {"t": 4}, {"t": 3}], 2),
        ([{"t": 1, "d": 1}, {"t": 2, "d": 2}], [{"t": 3, "d": 3}, {"t": 4, "d": 4}], 4),
        ({"a": 1}, {"a": 1}, 0),
    ],
)
def test_facts_are_counted_as_people_would(before, after, count):
    assert len(checks.facts_between(before, after)) == count
