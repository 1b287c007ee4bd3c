"""The command that gives a cluster its pull secret, with the options of the reference's script."""

import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

if TYPE_CHECKING:
    from drproof.model.capabilities import RegistryLogin
    from drproof.model.cluster import Cluster, ClusterAccess
    from drproof.phases.recovery.pull_secret import PullSecret

MISUSED = 2
MARK = "drproof.io/made-by"
MARKED = "pull-secret"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Ways:
    """How the cluster and the registry are reached."""

    access: "ClusterAccess"
    login: "Callable[[str], RegistryLogin]"
    secrets: tuple[str, ...]


def pull_secret(  # noqa: PLR0913 — the options of the reference's script
    namespace: Annotated[str, typer.Option("--namespace", help="The namespace of the workload.")],
    aws_region: Annotated[str, typer.Option("--aws-region", help="The region of the registry.")] = "",
    image_ref: Annotated[str, typer.Option("--image-ref", help="An image of the registry.")] = "",
    ecr_registry: Annotated[str, typer.Option("--ecr-registry", help="The registry itself, instead.")] = "",
    secret_name: Annotated[str, typer.Option("--secret-name", help="The name of the secret.")] = "ecr-pull",  # noqa: S107 — a name
    service_account: Annotated[str, typer.Option("--service-account", help="The account that may use it.")] = "default",
    kubeconfig: Annotated[
        Path | None, typer.Option("--kubeconfig", help="The kubeconfig of the cluster; never a default one.")
    ] = None,
    context: Annotated[str, typer.Option("--context", help="A context of it; by default its current one.")] = "",
    allow_exec: Annotated[
        list[str] | None,
        typer.Option("--allow-exec", metavar="NAME", help="A command that the kubeconfig may start for credentials."),
    ] = None,
    profile: Annotated[str, typer.Option("--profile", help="A profile of the AWS configuration.")] = "",
    drill: Annotated[
        Path | None,
        typer.Option("--drill", help="The folder of a drill that is kept up: its cluster, its account, its registry."),
    ] = None,
    receipt_dir: Annotated[
        Path | None, typer.Option("--receipt-dir", help="Where result.env is written; it holds no secret.")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Ask registry and cluster whether they would; change nothing.")
    ] = False,
) -> None:
    """Let a cluster pull from a registry of ECR for twelve hours: the secret, and the account that may use it.

    The registry's token stands in no argument, no file and no log. Exit status: 0 done, 2 refused or failed.
    """
    from drproof.formats.image_ref import ECR
    from drproof.model.errors import DrproofError
    from drproof.phases.recovery.pull_secret import PullSecret

    registry = ecr_registry or image_ref.partition("/")[0]
    match = ECR.fullmatch(f"{registry}/any")
    if match is None or (aws_region and match["region"] != aws_region):
        _refuse(
            f"expected --ecr-registry or --image-ref of a registry of ECR{' in ' + aws_region if aws_region else ''}, "
            f"got {registry or 'neither'}\n  next: drproof pull-secret --image-ref <account>.dkr.ecr.<region>…"
        )
    if (kubeconfig is None) is (drill is None):
        _refuse("expected one of --kubeconfig and --drill: a default kubeconfig is never used")
    secret = PullSecret(namespace=namespace, name=secret_name, service_account=service_account, registry=registry)
    try:
        with tempfile.TemporaryDirectory(prefix="drproof-pull-secret-") as private:
            ways = (
                _of_the_drill(drill)
                if drill is not None
                else _given(kubeconfig or Path(), Path(private), context, tuple(allow_exec or ()), profile)
            )
            facts = _ensure(ways, ways.access.open(), secret, Path(private), dry_run=dry_run)
        if receipt_dir is not None:
            receipt_dir.mkdir(parents=True, exist_ok=True)
            lines = "".join(f"{name}={value}\n" for name, value in facts.items())
            (receipt_dir / "result.env").write_text(lines, encoding="utf-8")
    except (DrproofError, OSError, ValueError) as exc:
        _refuse(str(exc))
    for name, value in facts.items():
        typer.echo(f"{name}={value}")


def _ensure(ways: _Ways, cluster: "Cluster", secret: "PullSecret", private: Path, *, dry_run: bool) -> dict[str, str]:
    """Make the secret and the link, and return what may be told of them."""
    from drproof.engine.clock import SystemClock
    from drproof.engine.effects import JournalledEffects
    from drproof.evidence.journal import Journal
    from drproof.evidence.redaction import Redactor
    from drproof.phases.recovery import pull_secret as phase

    masker = Redactor(ways.secrets)
    with Journal(private / "journal.log") as journal:
        hand = phase.Hand(
            effects=JournalledEffects(journal, drill_id=secret.namespace, phase="pull-secret", masker=masker),
            mark=partial(_marked, of_the_namespace=_marks_of(cluster, secret.namespace)),
            ours=_is_ours,
            now=SystemClock().now,
            hide=lambda value: masker.learn([value]),
            uid=cluster.identity.uid,
        )
        if dry_run:
            expires_at = phase.try_out(hand, cluster, secret, ways.login)
        else:
            expires_at = phase.ensure(hand, cluster, secret, ways.login, renew=True)
            phase.link(hand, cluster, secret)
    return {
        "secret": secret.name,
        "server": secret.registry,
        "namespace": secret.namespace,
        "service_account": secret.service_account,
        "expires_at": expires_at,
        "cluster_uid": cluster.identity.uid,
        "dry_run": "1" if dry_run else "0",
    }


def _given(kubeconfig: Path, private: Path, context: str, allowed: tuple[str, ...], profile: str) -> _Ways:
    """Return the ways that the options name: a kubeconfig, and the operator's own AWS configuration."""
    from drproof.targets.aws.ecr import AwsImages
    from drproof.targets.aws.sessions import Session
    from drproof.targets.kubernetes.access import KubeconfigAccess

    access = KubeconfigAccess(private, context=context, exec_allowed=allowed)
    text = kubeconfig.read_text(encoding="utf-8")
    access.keep(text, source="arg_kubeconfig", base=kubeconfig.resolve().parent)

    def login(registry: str) -> "RegistryLogin":
        region = registry.split(".")[3]
        session = Session(region, profile=profile)
        return AwsImages(lambda where: session.client("ecr", region=where)).login(registry)

    return _Ways(access=access, login=login, secrets=access.secrets())


def _of_the_drill(directory: Path) -> _Ways:
    """Return the ways of a drill that is kept up."""
    from drproof.engine import world as worlds
    from drproof.engine.private import Private
    from drproof.targets import open_target

    private = Private.of(directory.resolve())
    handover = private.handover()
    world = worlds.again(handover.world) if handover.world else None
    endpoint = world.endpoint if world is not None else None
    target = open_target(handover.settings, endpoint, directory=private.path, origin=handover.origin)
    recovery = target.recovery
    if not recovery.clusters.by_kubeconfig:
        recovery.clusters.at(_machine_of(directory.resolve()))
    return _Ways(
        access=recovery.clusters,
        login=recovery.images.login,
        secrets=(*target.secrets, *recovery.clusters.secrets()),
    )


def _machine_of(directory: Path) -> str:
    """Return the machine that the cluster of a drill runs on, as its receipts name it."""
    from drproof import catalog
    from drproof.evidence.bundle import Bundle

    receipts = Bundle.open(directory, catalog.types()).receipts
    resolved = [receipt for receipt in receipts if receipt.phase == "resolve_runner" and receipt.passed]
    if not resolved:
        _refuse(f"{directory} names no recovery machine\n  next: drproof pull-secret --kubeconfig FILE")
    return str(getattr(resolved[-1].observed, "instance_id", ""))


def _marks_of(cluster: "Cluster", namespace: str) -> dict[str, dict[str, str]]:
    """Return the marks of the drill that made the namespace: what is put into it goes with it."""
    from drproof.model.cluster import DRILL_ANNOTATION, DRILL_LABEL, NAMESPACE

    found = cluster.get(NAMESPACE, namespace)
    metadata: Mapping[str, Any] = found["metadata"] if found is not None else {}
    return {
        field: {name: value for name, value in (metadata.get(field) or {}).items() if name == mark}
        for field, mark in (("labels", DRILL_LABEL), ("annotations", DRILL_ANNOTATION))
    }


def _marked(manifest: Mapping[str, Any], *, of_the_namespace: Mapping[str, Mapping[str, str]]) -> dict[str, Any]:
    metadata = manifest["metadata"]
    labels = {**(metadata.get("labels") or {}), MARK: MARKED, **of_the_namespace["labels"]}
    annotations = {**(metadata.get("annotations") or {}), **of_the_namespace["annotations"]}
    return {**manifest, "metadata": {**metadata, "labels": labels, "annotations": annotations}}


def _is_ours(live: Mapping[str, Any]) -> bool:
    from drproof.model.cluster import DRILL_LABEL

    labels = live["metadata"].get("labels") or {}
    return labels.get(MARK) == MARKED or DRILL_LABEL in labels


def _refuse(text: str) -> NoReturn:
    typer.echo(f"drproof: {text}", err=True)
    raise typer.Exit(MISUSED)
