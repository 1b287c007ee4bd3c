"""Whether the recovery cluster will be able to pull the image: a login, and the cluster's word; nothing is kept."""

import base64
from dataclasses import dataclass

from drproof.formats import registry_login
from drproof.formats.image_ref import registry_of
from drproof.model.capabilities import RegistryLogin
from drproof.model.cluster import NAMESPACE, SECRET, Manifest
from drproof.model.context import Context
from drproof.model.errors import DrproofError, TargetError
from drproof.model.phase import phase


@dataclass(frozen=True, slots=True, kw_only=True)
class PullTried:
    """What came of asking for a login, and of asking the cluster whether it would take it."""

    registry: str
    login: str
    """`ok`, `none` where the registry needs none of ours, or the code with which it was refused."""
    asked_at: str
    expires_at: str
    cluster: str
    """`ok`, `none` where no cluster can be asked before a drill, or why it would not take the secret."""
    tried_in: str = ""
    """The namespace in which the cluster was asked."""


@phase(plans={"preflight"}, uses={"registry.login"}, objective_ms=60_000, command_hint="pytest -m preflight")
def try_pull_secret(ctx: Context) -> PullTried:
    """The registry has given a login, and a cluster that is there already has said whether it would take it."""
    registry, asked = registry_of(ctx.plan.criteria.image_ref), ctx.clock.now()
    if not ctx.plan.criteria.preflight.login_expected:
        ctx.say(
            "the cluster pulls without a login of ours: cluster.pull_secret is empty, or the registry is none of ECR"
        )
        return PullTried(registry=registry, login="none", asked_at=asked, expires_at="", cluster="none")
    try:
        login = ctx.target.recovery.images.login(registry)
    except TargetError as exc:
        ctx.say(str(exc))
        code = exc.code or "unreachable"
        return PullTried(registry=registry, login=code, asked_at=asked, expires_at="", cluster="none")
    ctx.hide(login.password)
    cluster, tried_in = _asked(ctx, login)
    return PullTried(
        registry=registry,
        login="ok",
        asked_at=asked,
        expires_at=login.expires_at,
        cluster=cluster,
        tried_in=tried_in,
    )


def _asked(ctx: Context, login: RegistryLogin) -> tuple[str, str]:
    """Return what the operator's own cluster says of the secret, and the namespace in which it was asked."""
    if not ctx.plan.criteria.preflight.cluster_expected:
        ctx.say("no cluster can be asked before a drill: cluster.kubeconfig names none")
        return "none", ""
    settings, access = ctx.settings.cluster, ctx.target.recovery.clusters
    try:
        ctx.hide(*access.secrets())
        cluster = access.open(uid=settings.uid)
        try:
            # A namespace that only the drill makes cannot hold anything yet; the secret's form is judged in another.
            there = cluster.get(NAMESPACE, settings.namespace) is not None
            namespace = settings.namespace if there else "default"
            cluster.try_out(_manifest(ctx, namespace, login))
        finally:
            cluster.close()
    except DrproofError as exc:
        ctx.say(str(exc))
        return getattr(exc, "code", "") or type(exc).__name__, ""
    return "ok", namespace


def _manifest(ctx: Context, namespace: str, login: RegistryLogin) -> Manifest:
    config = base64.b64encode(registry_login.docker_config(login.server, login.username, login.password)).decode()
    ctx.hide(config)
    return {
        "apiVersion": SECRET.api_version,
        "kind": SECRET.kind,
        "metadata": {"name": ctx.settings.cluster.pull_secret, "namespace": namespace},
        "type": registry_login.SECRET_TYPE,
        "data": {registry_login.KEY: config},
    }
