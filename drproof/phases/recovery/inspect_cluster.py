"""A look at the recovery cluster before anything runs in it; nothing is made, and nothing is changed."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from drproof.analysis.covering import projected
from drproof.formats import pod_templates
from drproof.model.cluster import CRON_JOB, NAMESPACE, SECRET, SERVICE_ACCOUNT, Cluster, kind_of
from drproof.model.context import Context
from drproof.model.phase import phase
from drproof.phases.recovery import secret_values
from drproof.phases.recovery.pull_secret import CONFIG_TYPE, linked_secrets, servers_of
from drproof.phases.recovery.reach_cluster import NodeSeen, nodes_of, pinned
from drproof.phases.recovery.restore import restore


@dataclass(frozen=True, slots=True, kw_only=True)
class CronJobSeen:
    """One CronJob of the workload."""

    name: str
    present: bool
    suspended: bool
    image: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PullSecretSeen:
    """The pull secret, and whether the workload's account may use it; never its content."""

    name: str
    present: bool
    of_the_right_type: bool
    registries: tuple[str, ...]
    service_account: str
    linked: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterInspected:
    """What the cluster holds; the objects themselves are evidence."""

    uid: str
    namespace: str
    namespace_uid: str
    """Empty when the namespace is not there."""
    nodes: tuple[NodeSeen, ...]
    missing: tuple[str, ...]
    """Objects that were restored, and are not there."""
    cronjobs: tuple[CronJobSeen, ...]
    schedules_that_run: tuple[str, ...]
    """CronJobs of the namespace, whoever made them, that would start something by themselves."""
    publishing: Mapping[str, str]
    """The switches of publishing as they are; a key that is not there is absent."""
    switched_on: tuple[str, ...]
    """Containers of restored workloads that switch publishing on for themselves, as `Kind/name/container: KEY`."""
    pull_secret: PullSecretSeen


@phase(
    plans={"recovery"},
    after=["restore", "reach_cluster"],
    window="validate",
    renewed=True,
    uses={"cluster.read"},
    objective_ms=60_000,
    keeps={"live": dict[str, dict[str, Any]]},
    command_hint="pytest -m drill --validate-only --receipt-dir …",
)
def inspect_cluster(ctx: Context) -> ClusterInspected:
    """Every object that was restored has been read back from the cluster, and nothing was made or changed."""
    cluster = pinned(ctx)
    workload = ctx.plan.criteria.workload
    namespace = cluster.get(NAMESPACE, workload.namespace)
    wanted: dict[str, dict[str, Any]] = ctx.read_evidence("restore", "wanted")
    live = look(ctx, cluster, wanted)
    ctx.evidence("live", live)
    switches = live.get(f"ConfigMap/{workload.publishing_config_map}", {}).get("data") or {}
    return ClusterInspected(
        uid=cluster.identity.uid,
        namespace=workload.namespace,
        namespace_uid=str(namespace["metadata"]["uid"]) if namespace is not None else "",
        nodes=nodes_of(cluster),
        missing=tuple(sorted(wanted.keys() - live.keys())),
        cronjobs=tuple(_cronjob(cluster, workload.namespace, name) for name in workload.cronjobs),
        schedules_that_run=running_schedules(cluster, workload.namespace),
        publishing={key: str(switches[key]) for key in workload.publishing_off if key in switches},
        switched_on=tuple(sorted(_switched_on(live, workload.publishing_off))),
        pull_secret=_pull_secret(ctx, cluster),
    )


def _switched_on(live: Mapping[str, Any], publishing_off: Mapping[str, str]) -> Iterator[str]:
    """Yield the containers that are not told themselves that publishing is off.

    A switch that stands elsewhere can be moved there, and an image may publish where nobody says anything.
    """
    for name, one in live.items():
        for container in pod_templates.containers(one):
            told = {row["name"]: row.get("value") for row in container.get("env") or ()}
            for key, value in publishing_off.items():
                if told.get(key) != value:
                    yield f"{name}/{container.get('name', '')}: {key}"


def _cronjob(cluster: Cluster, namespace: str, name: str) -> CronJobSeen:
    found = cluster.get(CRON_JOB, name, namespace=namespace)
    if found is None:
        return CronJobSeen(name=name, present=False, suspended=False, image="")
    spec: Mapping[str, Any] = found.get("spec", {})
    containers = spec.get("jobTemplate", {}).get("spec", {}).get("template", {}).get("spec", {}).get("containers") or []
    return CronJobSeen(
        name=name,
        present=True,
        suspended=spec.get("suspend") is True,
        image=str(containers[0].get("image", "")) if containers else "",
    )


def look(ctx: Context, cluster: Cluster, wanted: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Return what is in the cluster of what was restored, as evidence keeps it."""
    namespace = ctx.settings.cluster.namespace
    answers = {
        name: cluster.get(kind_of(manifest), manifest["metadata"]["name"], namespace=namespace)
        for name, manifest in wanted.items()
    }
    live = {name: found for name, found in answers.items() if found is not None}
    secret_values.hide(ctx, list(live.values()))
    return {name: projected(found, tag=ctx.tag) for name, found in live.items()}


def running_schedules(cluster: Cluster, namespace: str) -> tuple[str, ...]:
    """Return the CronJobs that would start something by themselves."""
    found = cluster.list(CRON_JOB, namespace=namespace)
    return tuple(
        sorted(str(one["metadata"]["name"]) for one in found if one.get("spec", {}).get("suspend") is not True)
    )


def _pull_secret(ctx: Context, cluster: Cluster) -> PullSecretSeen:
    restored = ctx.observed(restore)
    account_name, namespace = ctx.settings.cluster.service_account, restored.namespace
    secret = cluster.get(SECRET, restored.pull_secret, namespace=namespace) if restored.pull_secret else None
    account = cluster.get(SERVICE_ACCOUNT, account_name, namespace=namespace)
    return PullSecretSeen(
        name=restored.pull_secret,
        present=secret is not None,
        of_the_right_type=secret is not None and secret.get("type") == CONFIG_TYPE,
        registries=servers_of(secret) if secret is not None else (),
        service_account=account_name,
        linked=linked_secrets(account) if account is not None else (),
    )
