"""The pull secret: how the cluster may pull the pinned image for a while, and the account that is allowed to."""

import base64
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from drproof.formats import registry_login
from drproof.formats.timestamps import milliseconds
from drproof.model.capabilities import RegistryLogin
from drproof.model.cluster import SECRET, SERVICE_ACCOUNT, Cluster, Manifest
from drproof.model.context import Effects
from drproof.model.errors import FormatError, GuardError, PhaseError

CONFIG_KEY = ".dockerconfigjson"
CONFIG_TYPE = "kubernetes.io/dockerconfigjson"
EXPIRES_ANNOTATION = "drproof.io/login-expires-at"
ENOUGH_MS = 2 * 3_600_000
"""A login that lives this long is long enough for a drill, and is not exchanged."""

ACCOUNT_MS = 60_000
"""How long a cluster may take to give a new namespace its service account."""

Mark = Callable[[Manifest], dict[str, Any]]
"""Adds the marks of whoever makes an object."""

Ours = Callable[[Manifest], bool]
"""Says whether an object carries them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PullSecret:
    """The names of a pull secret, and of the account it is linked to."""

    namespace: str
    name: str
    service_account: str
    registry: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Hand:
    """Whose effects these are: the journal they are written to, and the marks of what is made."""

    effects: Effects
    mark: Mark
    ours: Ours
    now: Callable[[], str]
    hide: Callable[[str], None]
    uid: str
    """The UID of the cluster, as effects are spoken of."""
    given: bool = False
    """Whether the cluster outlives whoever acts."""


def ensure(
    hand: Hand, cluster: Cluster, secret: PullSecret, login: Callable[[str], RegistryLogin], *, renew: bool = False
) -> str:
    """Let the cluster pull from the registry, and return until when; a login that lives long enough is kept.

    Raises:
        GuardError: a secret of that name is there and is somebody else's.
    """
    there = _own(hand, cluster, secret)
    if there is not None and not renew and _lives(hand, there, secret.registry):
        return str(there["metadata"]["annotations"][EXPIRES_ANNOTATION])
    found = login(secret.registry)
    manifest = _manifest(hand, secret, found)
    cluster.try_out(manifest)
    place = f"{hand.uid}/{secret.namespace}/Secret/{secret.name}"
    with hand.effects.intend(
        "cluster.apply", place, {"api_version": SECRET.api_version, "given": hand.given}
    ) as pending:
        stored = cluster.apply(pending.intent, manifest)
        pending.done(uid=stored["metadata"]["uid"], created=there is None)
    return found.expires_at


def try_out(hand: Hand, cluster: Cluster, secret: PullSecret, login: Callable[[str], RegistryLogin]) -> str:
    """Ask registry and cluster whether `ensure` and `link` would do, and return until when; nothing is changed.

    Raises:
        GuardError: a secret of that name is there and is somebody else's.
        PhaseError: there is no such account.
    """
    _own(hand, cluster, secret)
    if cluster.get(SERVICE_ACCOUNT, secret.service_account, namespace=secret.namespace) is None:
        msg = f"there is no ServiceAccount/{secret.service_account} in {secret.namespace}"
        raise PhaseError(msg)
    found = login(secret.registry)
    cluster.try_out(_manifest(hand, secret, found))
    return found.expires_at


def _own(hand: Hand, cluster: Cluster, secret: PullSecret) -> Manifest | None:
    """Return the secret that is there already, if it is of this hand; None when there is none."""
    there = cluster.get(SECRET, secret.name, namespace=secret.namespace)
    if there is not None and not hand.ours(there):
        msg = (
            f"Secret/{secret.name} in {secret.namespace} is there, and drproof did not make it: it is not overwritten\n"
            "  next: name another one, with --secret-name or in cluster.pull_secret"
        )
        raise GuardError(msg)
    return there


def _manifest(hand: Hand, secret: PullSecret, login: RegistryLogin) -> dict[str, Any]:
    """Return the secret as it is applied; what it holds is hidden from now on."""
    hand.hide(login.password)
    config = base64.b64encode(registry_login.docker_config(secret.registry, login.username, login.password)).decode()
    hand.hide(config)
    metadata = {
        "name": secret.name,
        "namespace": secret.namespace,
        "annotations": {EXPIRES_ANNOTATION: login.expires_at},
    }
    return hand.mark(
        {
            "apiVersion": SECRET.api_version,
            "kind": SECRET.kind,
            "metadata": metadata,
            "type": CONFIG_TYPE,
            "data": {CONFIG_KEY: config},
        }
    )


def link(hand: Hand, cluster: Cluster, secret: PullSecret) -> None:
    """Let the account of the workload use the secret; the others that it may use stay.

    Raises:
        PhaseError: there is no such account.
        TargetError: it was changed meanwhile; the next attempt reads it again.
    """
    account = cluster.wait(
        SERVICE_ACCOUNT,
        secret.service_account,
        namespace=secret.namespace,
        until=lambda live: live is not None,
        timeout_ms=ACCOUNT_MS,
    )
    if account is None:
        msg = f"there is no ServiceAccount/{secret.service_account} in {secret.namespace}"
        raise PhaseError(msg)
    linked = linked_secrets(account)
    if secret.name in linked:
        return
    # The list is replaced as a whole, whoever writes it: it is written only as it was read.
    changed = {**account, "imagePullSecrets": [*(account.get("imagePullSecrets") or ()), {"name": secret.name}]}
    place = f"{hand.uid}/{secret.namespace}/ServiceAccount/{secret.service_account}"
    details = {"secret": secret.name, "before": list(linked), "given": hand.given}
    with hand.effects.intend("cluster.link", place, details) as pending:
        cluster.replace(pending.intent, changed)
        pending.done(linked=[*linked, secret.name])


def linked_secrets(account: Manifest) -> tuple[str, ...]:
    """Return the pull secrets that an account may use."""
    return tuple(str(row.get("name", "")) for row in account.get("imagePullSecrets") or ())


def servers_of(secret: Manifest) -> tuple[str, ...]:
    """Return the registries that a pull secret speaks of; none when it cannot be read."""
    data: Mapping[str, Any] = secret.get("data") or {}
    try:
        return registry_login.servers(base64.b64decode(str(data.get(CONFIG_KEY, "")), validate=True))
    except (ValueError, FormatError):
        return ()


def _lives(hand: Hand, secret: Manifest, registry: str) -> bool:
    expires_at = (secret["metadata"].get("annotations") or {}).get(EXPIRES_ANNOTATION, "")
    try:
        left = milliseconds(expires_at) - milliseconds(hand.now())
    except FormatError:
        return False
    return left >= ENOUGH_MS and registry in servers_of(secret)
