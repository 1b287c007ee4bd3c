"""The command that gives a cluster its control plane."""

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from drproof.cli.control_plane.options import BundleFolder, ReceiptFolder
from drproof.cli.errors import clear, echo

if TYPE_CHECKING:
    from drproof.cli.control_plane.rendering import Rendered
    from drproof.model.cluster import Cluster


def apply(  # noqa: PLR0913 — the options of the reference's script, and which cluster is meant
    bundle_dir: BundleFolder,
    namespace: Annotated[str, typer.Option("--namespace", help="The namespace of the workload; it is there already.")],
    kubeconfig: Annotated[Path, typer.Option("--kubeconfig", help="The kubeconfig; never a default one.")],
    context: Annotated[str, typer.Option("--context", help="A context of it; by default its current one.")] = "",
    cluster_uid: Annotated[
        str, typer.Option("--cluster-uid", help="The UID that the cluster must have; else it is asked and printed.")
    ] = "",
    allow_exec: Annotated[
        list[str] | None,
        typer.Option("--allow-exec", metavar="NAME", help="A command that the kubeconfig may start for credentials."),
    ] = None,
    receipt_dir: ReceiptFolder = None,
) -> None:
    """Apply the ConfigMaps of a fetched bundle server-side, and look whether the cluster holds the same bytes.

    Nothing else is made or changed: no namespace, no account, no Secret, nothing that switches publishing.
    Exit status: 0 applied and read back as it is in the bundle, 2 refused or failed.
    """
    from drproof.cli.control_plane import options
    from drproof.cli.control_plane.receipts import Receipts
    from drproof.cli.control_plane.rendering import SUMMARY, YAML, rendered
    from drproof.targets.kubernetes.access import KubeconfigAccess

    with clear():
        found = rendered(bundle_dir, namespace=namespace, names=options.names())
        receipts = Receipts(receipt_dir)
        generated = receipts.write(YAML, found.yaml)
        applied = False
        try:
            with tempfile.TemporaryDirectory(prefix="drproof-apply-") as private:
                access = KubeconfigAccess(Path(private), context=context, exec_allowed=tuple(allow_exec or ()))
                text = kubeconfig.read_text(encoding="utf-8")
                access.keep(text, source="arg_kubeconfig", base=kubeconfig.resolve().parent)
                cluster = access.open(uid=cluster_uid)
                try:
                    identity = cluster.identity
                    echo(f"cluster: {identity.server}, context {identity.context}, UID {identity.uid}")
                    _apply(cluster, found, namespace, Path(private), access.secrets())
                finally:
                    cluster.close()
            applied = True
        finally:
            # Also when it failed: what the summary says of the cluster is what came of it.
            receipts.write(
                SUMMARY,
                found.summary(
                    namespace=namespace, generated=generated, receipts=str(receipt_dir or ""), applied=applied
                ),
            )
        echo(f"applied: {len(found.objects)} ConfigMaps of bundle {found.bundle.sha256}")


def _apply(cluster: "Cluster", found: "Rendered", namespace: str, private: Path, secrets: tuple[str, ...]) -> None:
    """Apply every ConfigMap once the cluster has said that it would take them all, and read each back."""
    from drproof.engine.effects import JournalledEffects
    from drproof.evidence.journal import Journal
    from drproof.evidence.redaction import Redactor
    from drproof.model.cluster import CONFIG_MAP, NAMESPACE, named
    from drproof.model.errors import GuardError

    if cluster.get(NAMESPACE, namespace) is None:
        msg = (
            f"there is no namespace {namespace}, and this command makes none\n"
            f"  next: kubectl create namespace {namespace}"
        )
        raise GuardError(msg)
    for one in found.objects:
        cluster.try_out(one)
    with Journal(private / "journal.log") as journal:
        effects = JournalledEffects(journal, drill_id=found.bundle.sha256, phase="apply", masker=Redactor(secrets))
        for one in found.objects:
            place = f"{cluster.identity.uid}/{namespace}/{named(one)}"
            with effects.intend("cluster.apply", place) as pending:
                cluster.apply(pending.intent, one)
            live = cluster.get(CONFIG_MAP, one["metadata"]["name"], namespace=namespace)
            _must_hold(one, live or {})
            echo(f"applied: {named(one)}")


def _must_hold(wanted: Mapping[str, Any], live: Mapping[str, Any]) -> None:
    from drproof.formats.control_plane_objects import contents
    from drproof.model.cluster import named
    from drproof.model.errors import GuardError

    expected, got = contents(wanted), contents(live)
    other = sorted(key for key in expected.keys() | got.keys() if expected.get(key) != got.get(key))
    if other:
        left = other[0] not in expected
        msg = (
            f"{named(wanted)} holds {other[0]}, which "
            + ("the bundle does not have: somebody else applied it before, and keeps it" if left else "is another one")
            + f"\n  next: kubectl -n {wanted['metadata']['namespace']} delete configmap {wanted['metadata']['name']},"
            " then run the same command again"
        )
        raise GuardError(msg)
