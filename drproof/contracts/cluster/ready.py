"""The recovery cluster can carry the workload: its namespace, its nodes, and its way to the image."""

from dataclasses import replace

from drproof.formats.image_ref import registry_of
from drproof.model.contract import contract, expected
from drproof.model.criteria import Criteria
from drproof.model.receipt import Receipt
from drproof.model.verdict import Finding, compare, hold, undecided
from drproof.phases.recovery.inspect_cluster import ClusterInspected
from drproof.phases.recovery.restore import RestoreObserved

CONTROLS = ["NIST CP-10"]
Inspection = Receipt[ClusterInspected]


@contract(
    needs=["restore", "inspect_cluster"],
    subjects=expected("namespace", lambda criteria: (criteria.workload.namespace,)),
    controls=CONTROLS,
)
def recovery_namespace_is_the_restored_one(
    restore: Receipt[RestoreObserved], inspect_cluster: Inspection, subject: str
) -> Finding:
    """The namespace that validation finds is the one that was restored into, and was not made to be found."""
    return compare(
        observed={"namespace": inspect_cluster.facts.namespace, "uid": inspect_cluster.facts.namespace_uid or "absent"},
        expected={"namespace": subject, "uid": restore.facts.namespace_uid},
        reason=f"the namespace {subject} is not the one that was restored into",
    )


@recovery_namespace_is_the_restored_one.sabotage("the namespace is not there", spoils="inspect_cluster")
def namespace_absent(inspect_cluster: Inspection) -> Inspection:
    """Lose the namespace."""
    return replace(inspect_cluster, observed=replace(inspect_cluster.facts, namespace_uid=""))


@recovery_namespace_is_the_restored_one.sabotage("the namespace was made anew", spoils="inspect_cluster")
def namespace_made_anew(inspect_cluster: Inspection) -> Inspection:
    """Make it anew."""
    uid = f"not-{inspect_cluster.facts.namespace_uid}"
    return replace(inspect_cluster, observed=replace(inspect_cluster.facts, namespace_uid=uid))


@contract(needs=["inspect_cluster"], controls=CONTROLS)
def cluster_nodes_are_ready(inspect_cluster: Inspection) -> Finding:
    """Every node of the recovery cluster is ready, and there is at least one."""
    nodes = inspect_cluster.facts.nodes
    lame = [node.name for node in nodes if not node.ready]
    return hold(
        bool(nodes) and not lame,
        observed={"nodes": len(nodes), "not_ready": lame},
        expected={"nodes": "at least 1", "not_ready": []},
        reason="the cluster has no node that is ready, or one that is not",
    )


@cluster_nodes_are_ready.sabotage("a node is not ready")
def node_not_ready(inspect_cluster: Inspection) -> Inspection:
    """Lame a node."""
    first, *rest = inspect_cluster.facts.nodes
    nodes = (replace(first, ready=False), *rest)
    return replace(inspect_cluster, observed=replace(inspect_cluster.facts, nodes=nodes))


@cluster_nodes_are_ready.sabotage("there is no node")
def no_node(inspect_cluster: Inspection) -> Inspection:
    """Lose all nodes."""
    return replace(inspect_cluster, observed=replace(inspect_cluster.facts, nodes=()))


def _needs_a_login(criteria: Criteria) -> bool:
    return bool(criteria.workload.pull_secret and registry_of(criteria.image_ref))


@contract(
    needs=["inspect_cluster"],
    subjects=expected("pull secret", lambda criteria: (criteria.workload.pull_secret,)),
    applies=_needs_a_login,
    controls=CONTROLS,
)
def pull_secret_is_linked(inspect_cluster: Inspection, criteria: Criteria, subject: str) -> Finding:
    """The pull secret speaks of the image's registry, and the workload's account may use it."""
    seen = inspect_cluster.facts.pull_secret
    registry = registry_of(criteria.image_ref)
    if seen.name and seen.name != subject:
        return undecided(f"the receipt speaks of {seen.name}, not of {subject}")
    return compare(
        observed={
            "present": seen.present,
            "type": seen.of_the_right_type,
            "speaks_of_the_registry": registry in seen.registries,
            "account": seen.service_account,
            "linked": subject in seen.linked,
        },
        expected={
            "present": True,
            "type": True,
            "speaks_of_the_registry": True,
            "account": criteria.workload.service_account,
            "linked": True,
        },
        reason=f"the workload cannot pull its image with {subject}",
    )


@pull_secret_is_linked.sabotage("the secret is not there")
def secret_absent(inspect_cluster: Inspection) -> Inspection:
    """Lose the secret."""
    return _secret(inspect_cluster, present=False)


@pull_secret_is_linked.sabotage("the secret is of another type")
def secret_of_another_type(inspect_cluster: Inspection) -> Inspection:
    """Change its type."""
    return _secret(inspect_cluster, of_the_right_type=False)


@pull_secret_is_linked.sabotage("the secret speaks of another registry")
def secret_of_another_registry(inspect_cluster: Inspection) -> Inspection:
    """Speak of another registry."""
    return _secret(inspect_cluster, registries=("registry.example",))


@pull_secret_is_linked.sabotage("the account may not use it")
def secret_not_linked(inspect_cluster: Inspection) -> Inspection:
    """Cut the link."""
    return _secret(inspect_cluster, linked=())


@pull_secret_is_linked.sabotage("another account may use it")
def another_account(inspect_cluster: Inspection) -> Inspection:
    """Link another account."""
    return _secret(inspect_cluster, service_account="another")


def _secret(inspect_cluster: Inspection, **changes: object) -> Inspection:
    facts = inspect_cluster.facts
    spoiled = replace(facts.pull_secret, **changes)  # type: ignore[arg-type] # fields of one value
    return replace(inspect_cluster, observed=replace(facts, pull_secret=spoiled))
