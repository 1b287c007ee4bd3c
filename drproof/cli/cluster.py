"""The command that shows what drproof takes for granted of a cluster."""

import json
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

if TYPE_CHECKING:
    from drproof.model.cluster import Cluster, ClusterIdentity
    from drproof.model.errors import Interruption
    from drproof.targets.kubernetes.ground import Probe, Result

MISUSED = 2
WORDS = {"ok": "ok", "failed": "FAILED", "not_shown": "not shown"}


def conformance(
    kubeconfig: Annotated[
        Path, typer.Option("--kubeconfig", help="The kubeconfig of the cluster; never a default one.")
    ],
    context: Annotated[str, typer.Option("--context", help="A context of it; by default its current one.")] = "",
    allow_exec: Annotated[
        list[str] | None,
        typer.Option("--allow-exec", metavar="NAME", help="A command that the kubeconfig may start for credentials."),
    ] = None,
    image: Annotated[
        str, typer.Option("--image", metavar="REF", help="An image with /bin/sh that the cluster can pull.")
    ] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Show in a throw-away namespace of a cluster that it behaves as drproof expects.

    Exit status: 0 all is as expected, 1 something is not, 2 misused, or the cluster cannot be reached.
    """
    from drproof.model.errors import DrproofError, Interruption
    from drproof.targets.kubernetes.access import KubeconfigAccess
    from drproof.targets.kubernetes.conformance import new_namespace

    namespace, cluster = new_namespace(), None
    try:
        with tempfile.TemporaryDirectory(prefix="drproof-conformance-") as private, _ended_by_signals():
            access = KubeconfigAccess(Path(private), context=context, exec_allowed=tuple(allow_exec or ()))
            text = kubeconfig.read_text(encoding="utf-8")
            access.keep(text, source="arg_kubeconfig", base=kubeconfig.resolve().parent)
            cluster = access.open()
            results = _run(cluster, Path(private), access.secrets(), namespace, image, quiet=as_json)
    except (DrproofError, OSError, ValueError, Interruption) as exc:
        typer.echo(f"drproof: {_lines(str(exc))}", err=True)
        if cluster is not None:
            typer.echo(f"  next: kubectl delete namespace {namespace} --ignore-not-found", err=True)
        raise typer.Exit(exc.exit_status if isinstance(exc, Interruption) else MISUSED) from exc
    if as_json:
        typer.echo(json.dumps(_document(cluster.identity, namespace, results), indent=2))
    failed = [result for result in results if result.status == "failed"]
    if not as_json:
        shown = sum(1 for result in results if result.status == "ok")
        typer.echo(f"{shown} of {len(results)} shown, {len(failed)} failed")
    raise typer.Exit(1 if failed else 0)


def _run(  # noqa: PLR0913 — what a run of the probes needs
    cluster: "Cluster", private: Path, secrets: tuple[str, ...], namespace: str, image: str, *, quiet: bool
) -> "tuple[Result, ...]":
    from drproof.engine.effects import JournalledEffects
    from drproof.evidence.journal import Journal
    from drproof.evidence.redaction import Redactor
    from drproof.targets.kubernetes.conformance import run

    if not quiet:
        identity = cluster.identity
        typer.echo(_line(f"{identity.server}: {identity.version}, UID {identity.uid}, namespace {namespace}"))
    with Journal(private / "journal.jsonl") as journal:
        effects = JournalledEffects(journal, drill_id=namespace, phase="conformance", masker=Redactor(secrets))
        return run(cluster, effects, namespace=namespace, image=image, heard=_silent if quiet else _tell)


@contextmanager
def _ended_by_signals() -> Iterator[None]:
    """Let a signal end what runs, so that the namespace is removed; a second one does not end that."""
    from drproof.engine.signals import Signals

    signals = Signals(_end)
    signals.install()
    try:
        with signals.phase():
            yield
    finally:
        signals.restore()


def _end(interruption: "Interruption") -> NoReturn:
    raise interruption


def _tell(result: "Result") -> None:
    typer.echo(_line(f"{WORDS[result.status]:9}  {_told()[result.name].claim}"))
    if result.detail:
        typer.echo(_line(f"{'':9}  {result.detail}"))


def _silent(_: "Result") -> None:
    """Say nothing."""


def _document(identity: "ClusterIdentity", namespace: str, results: "tuple[Result, ...]") -> dict[str, Any]:
    told = _told()
    return {
        "server": identity.server,
        "uid": identity.uid,
        "version": identity.version,
        "namespace": namespace,
        "results": [
            {
                "name": result.name,
                "claim": told[result.name].claim,
                "source": told[result.name].source,
                "status": result.status,
                "detail": result.detail,
            }
            for result in results
        ],
    }


def _told() -> "dict[str, Probe]":
    from drproof.targets.kubernetes.conformance import probes

    return {probe.name: probe for probe in probes()}


def _line(text: str) -> str:
    from drproof.report.visible import printable

    return printable(text)


def _lines(text: str) -> str:
    from drproof.report.visible import printable

    return printable(text, lines=True)
