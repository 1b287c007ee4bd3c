"""What a drill made in a cluster that outlives it, and its removal; a cluster on the runner ends with the runner."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from drproof.model.cluster import DRILL_LABEL, NAMESPACE, SERVICE_ACCOUNT, Cluster, Manifest, kind_of
from drproof.model.context import Context, Effect
from drproof.model.errors import DrproofError
from drproof.phases.recovery.marks import is_ours, label_of
from drproof.phases.recovery.pull_secret import linked_secrets

MAKING = ("cluster.apply", "cluster.create")
LINK = "cluster.link"
GONE_MS = 120_000
NAMESPACED = 2
"""Slashes in the identity of what is in a namespace."""
OF_THE_CLUSTER = frozenset({"ConfigMap/kube-root-ca.crt", "ServiceAccount/default"})
"""What every namespace has by itself."""

DERIVED = frozenset({"Endpoints", "EndpointSlice", "Event", "Lease", "PodMetrics"})
"""Kinds that follow from other objects, and go with them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Census:
    """What is in the cluster: of this drill, and of others where this drill worked."""

    own: tuple[Manifest, ...]
    """What the journals know, and what carries the mark without being known."""
    unknown: frozenset[str]
    """Those of `own` that are in no journal: another window of this drill may have made them."""
    links: tuple[tuple[Manifest, str], ...]
    """Accounts of others that may still use this drill's pull secret, with its name."""
    foreign: tuple[Manifest, ...]
    """What others put into a namespace of this drill."""


def identity_of(manifest: Manifest) -> str:
    """Return how an object is spoken of: `namespace/Kind/name`."""
    metadata: Mapping[str, Any] = manifest["metadata"]
    return f"{metadata.get('namespace', '')}/{manifest['kind']}/{metadata['name']}".removeprefix("/")


def is_gone(cluster: Cluster, identity: str) -> bool:
    """Return whether nothing of that name is there, whatever it carries, by what `identity_of` called it.

    Of a link, whether the account has no such secret any more. What has no namespace and is none is not asked for.
    """
    identity, _, secret = identity.partition("#")
    kind, _, name = identity.partition("/")
    if kind == NAMESPACE.kind and "/" not in name:
        return cluster.get(NAMESPACE, name) is None
    if identity.count("/") != NAMESPACED:
        return False
    found = [one for one in cluster.everything(namespace=kind) if identity_of(one) == identity]
    return not any(not secret or secret in linked_secrets(one) for one in found)


def outlives(ctx: Context) -> bool:
    """Return whether this drill wrote into a cluster that does not end with the recovery machine.

    The journals decide: what a kubeconfig is called today says nothing of where it led yesterday.
    """
    return any(effect.details.get("given") for effect in ctx.effects.made(*MAKING, LINK))


def census(ctx: Context, cluster: Cluster) -> Census:
    """Count by the mark and not by the journal: a recount that only looks where one removed is none."""
    marked = cluster.everything(labels=_label(ctx))
    known = _known(ctx)
    # An endpoint copies the labels of its Service, and goes a moment after it.
    own = tuple(one for one in marked if _is_own(one, known) and not _follows(one, set()))
    unknown = frozenset(identity_of(one) for one in own if identity_of(one) not in known)
    spaces = {str(one["metadata"]["name"]) for one in own if one["kind"] == NAMESPACE.kind}
    ours = {identity_of(one) for one in own}
    sets = {str(one["metadata"]["name"]) for one in own if one["kind"] == "StatefulSet"}
    foreign = tuple(
        one
        for space in sorted(spaces)
        for one in cluster.everything(namespace=space)
        if identity_of(one) not in ours and not _follows(one, sets)
    )
    return Census(own=own, unknown=unknown, links=tuple(_linked(ctx, cluster)), foreign=foreign)


def opened(ctx: Context) -> Cluster:
    """Open the cluster that was written to, and no other.

    Raises:
        DrproofError: it does not answer, another one does, or nobody knows the way any more.
    """
    given = [effect for effect in ctx.effects.made(*MAKING, LINK) if effect.details.get("given")]
    return ctx.target.recovery.clusters.open(uid=given[-1].intent.resource.partition("/")[0])


def remove(ctx: Context, cluster: Cluster, found: Census) -> list[DrproofError]:
    """Remove what the journals know, object by object where others are in the way, and return what went wrong.

    One refusal keeps nothing else from being removed.
    """
    errors: list[DrproofError] = []
    for account, secret in found.links:
        _try(errors, lambda account=account, secret=secret: _unlink(ctx, cluster, account, secret))
    held = {str(one["metadata"]["namespace"]) for one in found.foreign}
    spaces = {
        str(one["metadata"]["name"])
        for one in found.own
        if one["kind"] == NAMESPACE.kind and str(one["metadata"]["name"]) not in held
    }
    for one in sorted(found.own, key=_last):
        if identity_of(one) in found.unknown or ((one["kind"] == NAMESPACE.kind) and one["metadata"]["name"] in held):
            continue
        # A namespace takes everything in it away.
        if one["metadata"].get("namespace") not in spaces:
            _try(errors, lambda one=one: _delete(ctx, cluster, one))
    return errors


def _try(errors: list[DrproofError], act: Any) -> None:  # noqa: ANN401 — whatever it returns is not used
    try:
        act()
    except DrproofError as exc:
        errors.append(exc)


def _last(manifest: Manifest) -> tuple[bool, bool]:
    """Secrets go first, because they are the worst to leave, and namespaces last."""
    return manifest["kind"] == NAMESPACE.kind, manifest["kind"] != "Secret"


def _delete(ctx: Context, cluster: Cluster, one: Manifest) -> None:
    metadata: Mapping[str, Any] = one["metadata"]
    namespace, name, uid = str(metadata.get("namespace", "")), str(metadata["name"]), str(metadata["uid"])
    place = f"{cluster.identity.uid}/{namespace}/{one['kind']}/{name}"
    with ctx.effects.intend("cluster.delete", place) as pending:
        cluster.delete(pending.intent, kind_of(one), name, namespace=namespace, uid=uid, timeout_ms=GONE_MS)


def _unlink(ctx: Context, cluster: Cluster, account: Manifest, secret: str) -> None:
    metadata: Mapping[str, Any] = account["metadata"]
    kept = [row for row in account.get("imagePullSecrets") or () if row.get("name") != secret]
    place = f"{cluster.identity.uid}/{metadata['namespace']}/ServiceAccount/{metadata['name']}"
    with ctx.effects.intend("cluster.unlink", place, {"secret": secret}) as pending:
        cluster.replace(pending.intent, {**account, "imagePullSecrets": kept})


def _label(ctx: Context) -> dict[str, str]:
    return {DRILL_LABEL: label_of(ctx)}


def _known(ctx: Context) -> dict[str, frozenset[str]]:
    """Return what the journals know by identity, with the UIDs that it had; none where nobody heard of the outcome."""
    known: dict[str, frozenset[str]] = {}
    for effect in ctx.effects.made(*MAKING):
        if effect.outcome == "failed":
            continue
        identity = _identity_of_effect(effect)
        uid = str(effect.result.get("uid", ""))
        before = known.get(identity)
        # An effect whose outcome is unknown may have made whatever is there and carries the mark.
        open_ended = not uid or before == frozenset()
        known[identity] = frozenset() if open_ended else (before or frozenset()) | {uid}
    return known


def _is_own(one: Manifest, known: Mapping[str, frozenset[str]]) -> bool:
    """Return whether what carries the mark is the drill's: one of the same name that came after it is not."""
    uids = known.get(identity_of(one))
    return not uids or str(one["metadata"]["uid"]) in uids


def _identity_of_effect(effect: Effect) -> str:
    _, namespace, kind, name = effect.intent.resource.split("/")
    return f"{namespace}/{kind}/{name}".removeprefix("/")


def _follows(one: Manifest, sets: set[str]) -> bool:
    """Return whether an object is there because of another, and goes with it."""
    metadata: Mapping[str, Any] = one["metadata"]
    if one["kind"] in DERIVED or any(owner.get("controller") for owner in metadata.get("ownerReferences") or ()):
        return True
    if one["kind"] == "PersistentVolumeClaim":
        return any(re.fullmatch(rf".+-{re.escape(name)}-\d+", str(metadata["name"])) for name in sets)
    return f"{one['kind']}/{metadata['name']}" in OF_THE_CLUSTER


def _linked(ctx: Context, cluster: Cluster) -> Iterator[tuple[Manifest, str]]:
    """Yield the accounts of others that may still use this drill's pull secret."""
    seen = set()
    for effect in ctx.effects.made(LINK):
        _, namespace, _, name = effect.intent.resource.split("/")
        secret = str(effect.details["secret"])
        if (namespace, name, secret) in seen or secret in effect.details["before"]:
            continue
        seen.add((namespace, name, secret))
        live = cluster.get(SERVICE_ACCOUNT, name, namespace=namespace)
        if live is not None and not is_ours(ctx, live) and secret in linked_secrets(live):
            yield live, secret
