"""The recovery cluster gets its namespace, its pull secret, its control plane and its workloads; nothing publishes."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from drproof.analysis.covering import differences, projected
from drproof.formats.image_ref import registry_of
from drproof.model.cluster import NAMESPACE, SECRET, SERVICE_ACCOUNT, Cluster, Manifest, kind_of, named
from drproof.model.context import Context
from drproof.model.errors import AlreadyExistsError, GuardError, PhaseError
from drproof.model.phase import phase
from drproof.phases.recovery import pull_secret, secret_values
from drproof.phases.recovery.marks import GIVEN, as_it_expires, effect_details, is_ours, marked
from drproof.phases.recovery.pull_secret import Hand, PullSecret, linked_secrets
from drproof.phases.recovery.reach_cluster import pinned
from drproof.phases.recovery.sources import DocumentSeen, Origin, Wanted, sources

NAMESPACE_MS = 120_000
ACTIVE = "Active"
MISSING_SHOWN = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Applied:
    """One object as the cluster keeps it after it was applied."""

    name: str
    origin: Origin
    uid: str
    resource_version: str
    created: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class RestoreObserved:
    """What was put into the cluster, and what was not."""

    uid: str
    namespace: str
    namespace_uid: str
    namespace_created: bool
    """Whether the namespace was made by this drill, in whichever attempt."""
    manifests_sha256: str
    bundle_sha256: str
    documents: tuple[DocumentSeen, ...]
    objects: tuple[Applied, ...]
    left_out: tuple[str, ...]
    overrides: tuple[str, ...]
    """What was set otherwise than it was backed up, so that the recovered workload keeps still."""
    pull_secret: str
    registry: str
    login_expires_at: str


@phase(
    plans={"recovery"},
    after=["restore_state", "reach_cluster"],
    window="restore",
    mutates=True,
    requires=[
        "materialised_state_is_what_was_backed_up",
        "control_plane_pointer_names_its_bundle",
        "control_plane_files_equal_the_manifest",
        "cluster_is_the_one_that_was_meant",
    ],
    uses={"objects.read", "registry.login", "cluster.read", "cluster.apply"},
    objective_ms=300_000,
    keeps={"wanted": dict[str, dict[str, Any]]},
    command_hint="pytest -m drill --start-at restore --stop-after restore --receipt-dir …",
    input=lambda ctx: {"namespace": ctx.settings.cluster.namespace, "image_ref": ctx.plan.criteria.image_ref},
)
def restore(ctx: Context) -> RestoreObserved:
    """The control plane and the workloads of the restore point are in the recovery cluster, and cannot publish."""
    found = sources(ctx)
    secret_values.hide(ctx, [one.manifest for one in found.objects])
    cluster = pinned(ctx)
    settings = ctx.settings.cluster
    namespace = _namespace(ctx, cluster)
    secret = pull_secret_of(ctx)
    wanted = tuple(_finished(ctx, cluster, one, secret) for one in found.objects)
    for one in wanted:
        cluster.try_out(one.manifest)
    applied = tuple(_applied(ctx, cluster, one) for one in wanted)
    expires_at = ""
    if secret is not None:
        hand = hand_of(ctx, cluster)
        expires_at = pull_secret.ensure(hand, cluster, secret, ctx.target.recovery.images.login)
        pull_secret.link(hand, cluster, secret)
    ctx.evidence("wanted", {named(one.manifest): projected(one.manifest, tag=ctx.tag) for one in wanted})
    ctx.say(f"{len(applied)} objects in namespace {settings.namespace}, {len(found.left_out)} left out")
    return RestoreObserved(
        uid=cluster.identity.uid,
        namespace=settings.namespace,
        namespace_uid=str(namespace["metadata"]["uid"]),
        namespace_created=is_ours(ctx, namespace),
        manifests_sha256=found.manifests_sha256,
        bundle_sha256=found.bundle_sha256,
        documents=found.documents,
        objects=applied,
        left_out=found.left_out,
        overrides=found.overrides,
        pull_secret=secret.name if secret else "",
        registry=secret.registry if secret else "",
        login_expires_at=expires_at,
    )


@restore.repair
def wait_for_the_cluster(ctx: Context, error: Exception) -> str:
    """Wait until the cluster answers again: what was applied is applied again, and changes nothing."""
    del error
    identity = pinned(ctx).identity
    return f"the cluster {identity.uid} answers again"


@restore.looking
def seen_in_the_cluster(ctx: Context) -> RestoreObserved:
    """Return what is in the cluster of what the restore would have put there; what is missing is named."""
    found = sources(ctx)
    secret_values.hide(ctx, [one.manifest for one in found.objects])
    cluster, name = pinned(ctx), ctx.settings.cluster.namespace
    namespace, secret = cluster.get(NAMESPACE, name), pull_secret_of(ctx)
    live = {
        named(one.manifest): cluster.get(kind_of(one.manifest), str(one.manifest["metadata"]["name"]), namespace=name)
        for one in found.objects
    }
    login = cluster.get(SECRET, secret.name, namespace=name) if secret is not None else None
    lacking = [one for one, there in live.items() if there is None]
    if secret is not None and login is None:
        lacking.append(f"Secret/{secret.name}")
    if namespace is None or lacking:
        what = ", ".join(lacking[:MISSING_SHOWN]) if namespace is not None else f"the namespace {name} itself"
        msg = f"after the act by hand {len(lacking)} of {len(live)} objects are not in {name}: {what}"
        raise PhaseError(msg)
    wanted = tuple(_as_it_must_be(ctx, one, live[named(one.manifest)] or {}, secret) for one in found.objects)
    ctx.evidence("wanted", {named(one.manifest): projected(one.manifest, tag=ctx.tag) for one in wanted})
    annotations = ((login or {}).get("metadata") or {}).get("annotations") or {}
    return RestoreObserved(
        uid=cluster.identity.uid,
        namespace=name,
        namespace_uid=str(namespace["metadata"]["uid"]),
        namespace_created=is_ours(ctx, namespace),
        manifests_sha256=found.manifests_sha256,
        bundle_sha256=found.bundle_sha256,
        documents=found.documents,
        objects=tuple(_seen(one, live[named(one.manifest)] or {}) for one in wanted),
        left_out=found.left_out,
        overrides=found.overrides,
        pull_secret=secret.name if secret else "",
        registry=secret.registry if secret else "",
        login_expires_at=str(annotations.get(pull_secret.EXPIRES_ANNOTATION, "")),
    )


def _as_it_must_be(ctx: Context, wanted: Wanted, live: Manifest, secret: PullSecret | None) -> Wanted:
    """Return an object as it must be whoever made it: what the drill made has its marks."""
    manifest = as_it_expires(marked(ctx, wanted.manifest), live) if is_ours(ctx, live) else dict(wanted.manifest)
    return Wanted(manifest=_that_pulls(manifest, live, secret), origin=wanted.origin)


def _seen(wanted: Wanted, live: Manifest) -> Applied:
    metadata: Mapping[str, Any] = live["metadata"]
    return Applied(
        name=named(wanted.manifest),
        origin=wanted.origin,
        uid=str(metadata["uid"]),
        resource_version=str(metadata["resourceVersion"]),
        created=False,
    )


def hand_of(ctx: Context, cluster: Cluster) -> Hand:
    """Return the hand of this drill, for what others than drills do as well."""
    return Hand(
        effects=ctx.effects,
        mark=lambda manifest: marked(ctx, manifest),
        ours=lambda live: is_ours(ctx, live),
        now=ctx.clock.now,
        hide=ctx.hide,
        uid=cluster.identity.uid,
        given=ctx.target.recovery.clusters.source == GIVEN,
    )


def pull_secret_of(ctx: Context) -> PullSecret | None:
    """Return the pull secret that the image needs; None when no setting names one, or the registry needs no login."""
    settings = ctx.settings.cluster
    registry = registry_of(ctx.plan.criteria.image_ref)
    if not settings.pull_secret or not registry:
        return None
    return PullSecret(
        namespace=settings.namespace,
        name=settings.pull_secret,
        service_account=settings.service_account,
        registry=registry,
    )


def _namespace(ctx: Context, cluster: Cluster) -> Manifest:
    """Return the namespace, made where there is none; one that ends cannot be restored into."""
    name = ctx.settings.cluster.namespace
    there = cluster.get(NAMESPACE, name)
    if there is None:
        manifest = {"apiVersion": NAMESPACE.api_version, "kind": NAMESPACE.kind, "metadata": {"name": name}}
        _create(ctx, cluster, marked(ctx, manifest))
    ready = cluster.wait(
        NAMESPACE,
        name,
        until=lambda live: live is not None and live.get("status", {}).get("phase", ACTIVE) == ACTIVE,
        timeout_ms=NAMESPACE_MS,
    )
    if ready is None:
        msg = f"the namespace {name} is gone as soon as it was made"
        raise PhaseError(msg)
    # Pods of a namespace wait for its own account; to wait for it here says which of both is late.
    cluster.wait(
        SERVICE_ACCOUNT, "default", namespace=name, until=lambda live: live is not None, timeout_ms=NAMESPACE_MS
    )
    return ready


def _finished(ctx: Context, cluster: Cluster, wanted: Wanted, secret: PullSecret | None) -> Wanted:
    """Return an object with the drill's marks; the workload's account keeps every pull secret that it has."""
    manifest = marked(ctx, wanted.manifest)
    name = str(manifest["metadata"]["name"])
    live = cluster.get(kind_of(manifest), name, namespace=ctx.settings.cluster.namespace)
    if live is not None:
        manifest = as_it_expires(manifest, live)
    return Wanted(manifest=_that_pulls(manifest, live, secret), origin=wanted.origin)


def _that_pulls(manifest: dict[str, Any], live: Manifest | None, secret: PullSecret | None) -> dict[str, Any]:
    """Return an object; the account of the workload with the pull secret, beside those that it has."""
    if secret is None or named(manifest) != f"{SERVICE_ACCOUNT.kind}/{secret.service_account}":
        return manifest
    names = dict.fromkeys((*linked_secrets(manifest), *(linked_secrets(live) if live else ()), secret.name))
    return {**manifest, "imagePullSecrets": [{"name": name} for name in names]}


def _applied(ctx: Context, cluster: Cluster, wanted: Wanted) -> Applied:
    name = str(wanted.manifest["metadata"]["name"])
    there = cluster.get(kind_of(wanted.manifest), name, namespace=ctx.settings.cluster.namespace)
    if there is not None and not is_ours(ctx, there):
        msg = (
            f"{named(wanted.manifest)} is in {ctx.settings.cluster.namespace} already, and is not of this drill: "
            "it is not overwritten\n  next: restore into an empty namespace, with --namespace"
        )
        raise GuardError(msg)
    if there is None:
        stored = _create(ctx, cluster, wanted.manifest)
    else:
        # What is as it must be is not written again: a restore that is repeated changes nothing.
        stored = _apply(ctx, cluster, wanted.manifest) if differences(wanted.manifest, there) else there
    metadata: Mapping[str, Any] = stored["metadata"]
    return Applied(
        name=named(stored),
        origin=wanted.origin,
        uid=str(metadata["uid"]),
        resource_version=str(metadata["resourceVersion"]),
        created=there is None,
    )


def _create(ctx: Context, cluster: Cluster, manifest: Manifest) -> Manifest:
    """Create an object that was not there a moment ago; if it is by now, it is somebody else's, and stays theirs."""
    with ctx.effects.intend("cluster.create", _place(cluster, manifest), effect_details(ctx, manifest)) as pending:
        try:
            stored = cluster.create(pending.intent, manifest)
        except AlreadyExistsError as exc:
            msg = f"{named(manifest)} was made by somebody else a moment ago: it is not overwritten"
            raise GuardError(msg) from exc
        pending.done(uid=stored["metadata"]["uid"])
    return stored


def _apply(ctx: Context, cluster: Cluster, manifest: Manifest) -> Manifest:
    with ctx.effects.intend("cluster.apply", _place(cluster, manifest), effect_details(ctx, manifest)) as pending:
        stored = cluster.apply(pending.intent, manifest)
        pending.done(uid=stored["metadata"]["uid"])
    return stored


def _place(cluster: Cluster, manifest: Manifest) -> str:
    metadata: Mapping[str, Any] = manifest["metadata"]
    return f"{cluster.identity.uid}/{metadata.get('namespace', '')}/{named(manifest)}"
