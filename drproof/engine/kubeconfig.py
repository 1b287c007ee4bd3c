"""The kubeconfig of a run: given by the operator, or found again beside the bundle of an earlier window."""

from pathlib import Path
from typing import TYPE_CHECKING

from drproof.engine.private import Private
from drproof.engine.refusal import refuse
from drproof.evidence.bundle import Bundle
from drproof.model.capabilities import Target
from drproof.model.errors import DrproofError

if TYPE_CHECKING:
    from drproof.engine.preparation import Prepared

KEPT = "kubeconfig.yaml"
GIVEN, AUTOLOADED = "arg_kubeconfig", "receipt_dir_autoload"
REACHES = "reach_cluster"
SETTING, EARLIER = "cluster.kubeconfig", "the earlier run"


def take_over(prepared: "Prepared", target: Target) -> None:
    """Keep the kubeconfig that the operator gave, or that of the window before; a run without one fetches it.

    Nothing is started. A cluster that the operator gave is asked who it is before anything else is done.

    Raises:
        Refusal: it cannot be read, is not allowed, or opens another cluster than the one that was meant.
    """
    access = target.recovery.clusters
    if not access.by_kubeconfig:
        return
    given = prepared.settings.cluster.kubeconfig
    earlier = Private.of(prepared.prior.directory).path / KEPT if prepared.prior is not None else None
    reaches = any(phase.name == REACHES for phase in prepared.coverage.run)
    try:
        if given:
            # The operator's file may be gone by the next window, or changed; the one that was kept is whole.
            kept = earlier if earlier is not None and earlier.exists() and not _typed(prepared) else Path(given)
            access.keep(kept.read_text(encoding="utf-8"), source=GIVEN, base=kept.parent)
        elif earlier is not None and earlier.exists():
            access.keep(earlier.read_text(encoding="utf-8"), source=_source_of(prepared))
        found = access.open(uid=prepared.settings.cluster.uid) if given and reaches else None
    except (DrproofError, OSError, UnicodeDecodeError) as exc:
        raise refuse(
            f"--kubeconfig {given or earlier}: {exc}",
            expected="a kubeconfig that opens the recovery cluster, and starts nothing that is not allowed",
            got="nothing was changed",
            next_step="mend it, or leave --kubeconfig out: the recovery machine has one of its own",
        ) from exc
    if found is None:
        return
    identity = found.identity
    found.close()
    if not prepared.settings.cluster.uid:
        raise refuse(
            f"--kubeconfig {given} opens a cluster, and nothing says that it is the one that is meant",
            expected="--cluster-uid, or cluster.uid in drproof.toml",
            got=f"{identity.server} has the UID {identity.uid}",
            next_step=f"compare it with the cluster you mean, then add --cluster-uid {identity.uid}",
        )


def _typed(prepared: "Prepared") -> bool:
    """Return whether this window itself names the kubeconfig, instead of taking it over."""
    return any(row.name == SETTING and row.source != EARLIER for row in prepared.inputs)


def _source_of(prepared: "Prepared") -> str:
    """Return what the kept kubeconfig is called: one that was given stays one that was given."""
    for receipt in prepared.prior.receipts if prepared.prior is not None else ():
        if receipt.phase == REACHES and getattr(receipt.observed, "source", "") == GIVEN:
            return GIVEN
    return AUTOLOADED


def uid_of(prior: Bundle | None) -> str:
    """Return the UID of the cluster that an earlier window worked on; empty when there was none."""
    for receipt in prior.receipts if prior is not None else ():
        if receipt.phase == REACHES and receipt.passed:
            return str(getattr(receipt.observed, "uid", ""))
    return ""
