"""Everything that was done to a cluster was done to one cluster, and to the one that was meant."""

from dataclasses import replace

from drproof.model.contract import NotApplicableError, contract
from drproof.model.criteria import Criteria
from drproof.model.receipt import Receipt
from drproof.model.verdict import Finding, compare, undecided
from drproof.phases.recovery.inspect_cluster import ClusterInspected
from drproof.phases.recovery.marks import GIVEN
from drproof.phases.recovery.reach_cluster import ClusterObserved
from drproof.phases.recovery.restore import RestoreObserved
from drproof.phases.recovery.validate import ValidateObserved

CONTROLS = ["NIST CP-10", "ISO 27001 A.5.30"]
ANOTHER = "00000000-0000-4000-8000-000000000000"


@contract(needs=["reach_cluster"], controls=CONTROLS)
def cluster_is_the_one_that_was_meant(reach_cluster: Receipt[ClusterObserved], criteria: Criteria) -> Finding:
    """The cluster that answers is the one on the recovery machine, or the one that the operator named."""
    facts, named = reach_cluster.facts, criteria.workload.cluster_uid
    reason = "another cluster answers than the one that was meant"
    if not facts.uid:
        return undecided("the cluster that answers does not say which one it is")
    if facts.source != GIVEN:
        return compare(
            observed={"uid": facts.uid, "uid_of_the_machine": facts.machine_uid},
            expected={"uid": named or facts.uid, "uid_of_the_machine": facts.uid},
            reason=reason,
        )
    if not named:
        return undecided("the operator gave a kubeconfig and named no UID: nobody can say which cluster was meant")
    return compare(observed={"uid": facts.uid}, expected={"uid": named}, reason=reason)


@cluster_is_the_one_that_was_meant.sabotage("the machine runs another cluster")
def machine_runs_another(reach_cluster: Receipt[ClusterObserved]) -> Receipt[ClusterObserved]:
    """Let another cluster run on the machine."""
    if reach_cluster.facts.source == GIVEN:
        msg = "the kubeconfig was given: no machine says which cluster it runs"
        raise NotApplicableError(msg)
    return replace(reach_cluster, observed=replace(reach_cluster.facts, machine_uid=ANOTHER))


@cluster_is_the_one_that_was_meant.sabotage("another cluster answers")
def another_answers(reach_cluster: Receipt[ClusterObserved]) -> Receipt[ClusterObserved]:
    """Let another cluster answer."""
    return replace(reach_cluster, observed=replace(reach_cluster.facts, uid=ANOTHER))


@contract(needs=["reach_cluster", "restore", "inspect_cluster", "validate"], controls=CONTROLS)
def one_cluster_throughout(
    reach_cluster: Receipt[ClusterObserved],
    restore: Receipt[RestoreObserved],
    inspect_cluster: Receipt[ClusterInspected],
    validate: Receipt[ValidateObserved],
    criteria: Criteria,
) -> Finding:
    """What was restored, what was looked at and what ran was all in one namespace of the cluster that was reached."""
    uid = reach_cluster.facts.uid
    if not uid:
        return undecided("the cluster that was reached does not say which one it is")
    place = f"{uid}/{criteria.workload.namespace}"
    return compare(
        observed={
            "restore": f"{restore.facts.uid}/{restore.facts.namespace}",
            "inspect_cluster": f"{inspect_cluster.facts.uid}/{inspect_cluster.facts.namespace}",
            "validate": f"{validate.facts.uid}/{validate.facts.namespace}",
        },
        expected={"restore": place, "inspect_cluster": place, "validate": place},
        reason="the phases did not all act in one place",
    )


@one_cluster_throughout.sabotage("the restore went into another cluster")
def restored_elsewhere(restore: Receipt[RestoreObserved]) -> Receipt[RestoreObserved]:
    """Restore elsewhere."""
    return replace(restore, observed=replace(restore.facts, uid=ANOTHER))


@one_cluster_throughout.sabotage("another cluster was looked at")
def inspected_elsewhere(inspect_cluster: Receipt[ClusterInspected]) -> Receipt[ClusterInspected]:
    """Look elsewhere."""
    return replace(inspect_cluster, observed=replace(inspect_cluster.facts, uid=ANOTHER))


@one_cluster_throughout.sabotage("the workload ran in another cluster")
def validated_elsewhere(validate: Receipt[ValidateObserved]) -> Receipt[ValidateObserved]:
    """Run elsewhere."""
    return replace(validate, observed=replace(validate.facts, uid=ANOTHER))


@one_cluster_throughout.sabotage("the workload ran in another namespace")
def validated_beside(validate: Receipt[ValidateObserved]) -> Receipt[ValidateObserved]:
    """Run in another namespace."""
    return replace(validate, observed=replace(validate.facts, namespace=f"not-{validate.facts.namespace}"))
