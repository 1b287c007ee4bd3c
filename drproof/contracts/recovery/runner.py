"""The machine that carries the recovery: one, started by this drill, where it was meant to be."""

from dataclasses import replace
from typing import Any, TypeVar

from drproof.analysis.callers import anonymous
from drproof.model.context import DRILL_TAG
from drproof.model.contract import NotApplicableError, contract
from drproof.model.criteria import Criteria
from drproof.model.receipt import Receipt
from drproof.model.verdict import Finding, Status, compare, undecided
from drproof.phases.recovery.bringup import BringupObserved
from drproof.phases.recovery.inspect_cluster import ClusterInspected
from drproof.phases.recovery.inspect_runner import RunnerInspected
from drproof.phases.recovery.reach_cluster import ClusterObserved
from drproof.phases.recovery.resolve_runner import RunnerObserved
from drproof.phases.recovery.restore import RestoreObserved
from drproof.phases.recovery.restore_state import StateObserved
from drproof.phases.recovery.validate import ValidateObserved

T = TypeVar("T")
CONTROLS = ["NIST CP-10", "SOC 2 A1.3"]


@contract(needs=["resolve_runner"], controls=CONTROLS)
def exactly_one_runner_was_resolved(resolve_runner: Receipt[RunnerObserved], criteria: Criteria) -> Finding:
    """One machine, and no more, carries the recovery's tags, and it runs."""
    facts = resolve_runner.facts
    return compare(
        observed={"candidates": list(facts.candidates), "count": len(facts.candidates), "state": facts.state},
        expected={"candidates": [facts.instance_id], "count": criteria.runner_limit, "state": "running"},
        reason="the recovery does not run on exactly one machine",
    )


@exactly_one_runner_was_resolved.sabotage("a second machine carries the tags")
def second_machine(resolve_runner: Receipt[RunnerObserved]) -> Receipt[RunnerObserved]:
    """Add a machine."""
    facts = resolve_runner.facts
    return replace(resolve_runner, observed=replace(facts, candidates=(*facts.candidates, "i-00000000000000000")))


@exactly_one_runner_was_resolved.sabotage("the machine is another than the candidate")
def other_machine(resolve_runner: Receipt[RunnerObserved]) -> Receipt[RunnerObserved]:
    """Exchange the machine."""
    return replace(resolve_runner, observed=replace(resolve_runner.facts, candidates=("i-00000000000000000",)))


@exactly_one_runner_was_resolved.sabotage("the machine is stopped")
def stopped_machine(resolve_runner: Receipt[RunnerObserved]) -> Receipt[RunnerObserved]:
    """Stop the machine."""
    return replace(resolve_runner, observed=replace(resolve_runner.facts, state="stopped"))


@contract(needs=["bringup", "resolve_runner"], controls=CONTROLS)
def runner_was_started_by_this_drill(
    bringup: Receipt[BringupObserved], resolve_runner: Receipt[RunnerObserved]
) -> Finding:
    """The machine was created by this drill's bring-up and carries its tag: it was not there before."""
    brought, facts = bringup.facts, resolve_runner.facts
    return compare(
        observed={
            "start": brought.start,
            "created_here": facts.instance_id in brought.instance_ids,
            "there_before": facts.instance_id in brought.present_before,
            "tag": facts.tags.get(DRILL_TAG, ""),
        },
        expected={"start": "cold", "created_here": True, "there_before": False, "tag": brought.origin},
        reason="the machine is not one that this drill started",
    )


@runner_was_started_by_this_drill.sabotage("bring-up changed nothing", spoils="bringup")
def no_op(bringup: Receipt[BringupObserved]) -> Receipt[BringupObserved]:
    """Do nothing."""
    return replace(bringup, observed=replace(bringup.facts, start="no-op"))


@runner_was_started_by_this_drill.sabotage("bring-up created another machine", spoils="bringup")
def created_another(bringup: Receipt[BringupObserved]) -> Receipt[BringupObserved]:
    """Create another machine."""
    return replace(bringup, observed=replace(bringup.facts, instance_ids=("i-00000000000000000",)))


@runner_was_started_by_this_drill.sabotage("the machine was there before", spoils="bringup")
def there_before(
    bringup: Receipt[BringupObserved], resolve_runner: Receipt[RunnerObserved]
) -> Receipt[BringupObserved]:
    """Have it there before."""
    return replace(bringup, observed=replace(bringup.facts, present_before=(resolve_runner.facts.instance_id,)))


@runner_was_started_by_this_drill.sabotage("the machine carries another drill's tag", spoils="resolve_runner")
def foreign_tag(resolve_runner: Receipt[RunnerObserved]) -> Receipt[RunnerObserved]:
    """Change the tag."""
    facts = resolve_runner.facts
    return replace(resolve_runner, observed=replace(facts, tags={**facts.tags, DRILL_TAG: "another"}))


@contract(
    needs=[
        "bringup",
        "resolve_runner",
        "reach_cluster",
        "restore_state",
        "restore",
        "inspect_cluster",
        "inspect_runner",
        "validate",
    ],
    controls=["NIST CP-4", "ISO 27001 A.5.30"],
)
def one_account_and_region_throughout(  # noqa: PLR0913 — every phase that acted
    bringup: Receipt[BringupObserved],
    resolve_runner: Receipt[RunnerObserved],
    reach_cluster: Receipt[ClusterObserved],
    restore_state: Receipt[StateObserved],
    restore: Receipt[RestoreObserved],
    inspect_cluster: Receipt[ClusterInspected],
    inspect_runner: Receipt[RunnerInspected],
    validate: Receipt[ValidateObserved],
    criteria: Criteria,
) -> Finding:
    """Each phase at the recovery site, bring-up to validation, acted in its account and region, on one machine."""
    # A validation that passed has the receipts of all that it rests on; of what comes after it a window may have none.
    receipts: tuple[Receipt[Any], ...] = (
        bringup,
        resolve_runner,
        reach_cluster,
        restore_state,
        restore,
        inspect_cluster,
        inspect_runner,
        validate,
    )
    site = criteria.sites.recovery
    places = {
        receipt.phase: f"{receipt.caller.account_id} in {receipt.caller.region}"
        for receipt in receipts
        if receipt.caller is not None
    }
    found = compare(
        observed={"machine": inspect_runner.facts.instance_id, **places},
        expected={
            "machine": resolve_runner.facts.instance_id,
            **dict.fromkeys(places, f"{site.account_id} in {site.region}"),
        },
        reason="the drill did not act in one place throughout",
    )
    unknown = anonymous(*receipts)
    return undecided(unknown) if unknown and found.status is Status.PROVEN else found


@one_account_and_region_throughout.sabotage("bring-up acted in another account")
def bringup_elsewhere(bringup: Receipt[BringupObserved]) -> Receipt[BringupObserved]:
    """Act elsewhere."""
    return _moved(bringup, account_id="000000000000")


@one_account_and_region_throughout.sabotage("the runner was resolved in another region")
def resolved_elsewhere(resolve_runner: Receipt[RunnerObserved]) -> Receipt[RunnerObserved]:
    """Act elsewhere."""
    return _moved(resolve_runner, region="nowhere-1")


@one_account_and_region_throughout.sabotage("state was restored by another account")
def state_restored_by_another(restore_state: Receipt[StateObserved]) -> Receipt[StateObserved]:
    """Act elsewhere."""
    return _moved(restore_state, account_id="000000000000")


@one_account_and_region_throughout.sabotage("the cluster was restored in another region")
def cluster_restored_elsewhere(restore: Receipt[RestoreObserved]) -> Receipt[RestoreObserved]:
    """Act elsewhere."""
    return _moved(restore, region="nowhere-1")


@one_account_and_region_throughout.sabotage("the cluster was reached by another account")
def cluster_reached_by_another(reach_cluster: Receipt[ClusterObserved]) -> Receipt[ClusterObserved]:
    """Act elsewhere."""
    return _moved(reach_cluster, account_id="000000000000")


@one_account_and_region_throughout.sabotage("the cluster was looked at in another region")
def cluster_inspected_elsewhere(inspect_cluster: Receipt[ClusterInspected]) -> Receipt[ClusterInspected]:
    """Act elsewhere."""
    return _moved(inspect_cluster, region="nowhere-1")


@one_account_and_region_throughout.sabotage("another machine was looked at")
def inspected_elsewhere(inspect_runner: Receipt[RunnerInspected]) -> Receipt[RunnerInspected]:
    """Look at another machine."""
    return replace(inspect_runner, observed=replace(inspect_runner.facts, instance_id="i-00000000000000000"))


@one_account_and_region_throughout.sabotage("validation acted in another account")
def validated_by_another(validate: Receipt[ValidateObserved]) -> Receipt[ValidateObserved]:
    """Act elsewhere."""
    return _moved(validate, account_id="000000000000")


def _moved(receipt: Receipt[T], **changes: str) -> Receipt[T]:
    if receipt.caller is None:
        msg = f"the receipt of {receipt.phase} does not say who acted"
        raise NotApplicableError(msg)
    return replace(receipt, caller=replace(receipt.caller, **changes))
