"""The recovery cluster as the receipts speak of it: which one, what is in it, what ran there, and what that shows."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from drproof.evidence.bundle import Bundle
from drproof.report import facts

PHASES = frozenset({"reach_cluster", "restore", "inspect_cluster", "validate"})
GRADED = "recovery_is_shown_as_strongly_as_demanded"
ORIGINS = {
    "backup": "from the backup",
    "baseline": "from the baseline",
    "control_plane": "of the control plane",
    "drill": "made for the drill",
}
"""Where an object of the cluster comes from, in words."""

SOURCES = {
    "bringup_generated": "the recovery machine's own",
    "arg_kubeconfig": "given by the operator",
    "receipt_dir_autoload": "kept by the window before",
    "over_ssm": "none read: asked on the recovery machine, over SSM",
}
"""Where a kubeconfig comes from, in words."""


@dataclass(frozen=True, slots=True)
class Container:
    """One container of the validation Job."""

    name: str
    digest: str
    pulled: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RecoveryCluster:
    """What the page says of the cluster; an empty text where no passed phase knows it."""

    uid: str
    server: str
    version: str
    kubeconfig: str
    namespace: str
    made_by_the_drill: bool
    restored: bool
    objects: int
    by_origin: tuple[str, ...]
    left_out: tuple[str, ...]
    overrides: tuple[str, ...]
    job: str
    job_source: str
    node: str
    containers: tuple[Container, ...]
    run_id: str
    grade: str
    """The grade that is reached; empty when nobody judged it."""
    status: str
    demanded: str


def recovery_cluster(bundle: Bundle) -> RecoveryCluster | None:
    """Return what the receipts say of the recovery cluster; None for a plan that has none."""
    if PHASES.isdisjoint({*bundle.plan.phases, *bundle.plan.window.left_out}):
        return None
    receipts = facts.by_phase(bundle)
    reached, restored, ran = (facts.observed(receipts.get(name)) for name in ("reach_cluster", "restore", "validate"))
    objects = facts.rows(restored, "objects")
    judged = next((verdict for verdict in bundle.verdicts if verdict.contract == GRADED), None)
    source = facts.text(reached, "source")
    return RecoveryCluster(
        uid=facts.text(reached, "uid"),
        server=facts.text(reached, "server"),
        version=facts.text(reached, "version"),
        kubeconfig=SOURCES.get(source, source),
        namespace=bundle.plan.criteria.workload.namespace,
        made_by_the_drill=restored.get("namespace_created") is True,
        restored=bool(restored),
        objects=len(objects),
        by_origin=_by_origin(objects),
        left_out=facts.names(restored, "left_out"),
        overrides=facts.names(restored, "overrides"),
        job=facts.text(ran, "job"),
        job_source=facts.text(ran, "source"),
        node=facts.text(ran, "node"),
        containers=tuple(
            Container(facts.text(row, "name"), facts.text(row, "digest"), facts.text(row, "pulled"))
            for row in facts.rows(ran, "containers")
        ),
        run_id=facts.text(ran, "run_id"),
        grade=facts.spelt(judged.observed) if judged is not None and judged.observed is not None else "",
        status=judged.status.value if judged is not None else "",
        demanded=bundle.plan.criteria.grade.value,
    )


def _by_origin(objects: tuple[Mapping[str, Any], ...]) -> tuple[str, ...]:
    counted = Counter(facts.text(row, "origin") for row in objects)
    return tuple(f"{number} {ORIGINS.get(origin, origin)}" for origin, number in counted.items())
