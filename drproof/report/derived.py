"""The files of the reference drill under their own names, made from a bundle so that its readers go on working."""

import json
from collections.abc import Mapping

from drproof.evidence.bundle import Bundle
from drproof.model.codec import encode
from drproof.model.settings import Settings
from drproof.report import derived_cluster, derived_phases
from drproof.report.derived_drill import TIMES_FILE, Drill
from drproof.report.visible import visible


def files(
    bundle: Bundle,
    settings: Settings,
    *,
    stop_reason: str,
    exit_code: int | None = None,
    hints: Mapping[str, str] | None = None,
) -> dict[str, bytes]:
    """Return every derived file by its path below `derived/`.

    `exit_code` is the run's own; without it, 0 stands for a drill that is proven and 1 for any other. `hints` maps
    phases to the command that runs each alone.
    """
    drill = Drill(bundle, settings, stop_reason, exit_code)
    phases = derived_phases.documents(bundle, promotes=settings.promotion.auto_promote, hints=hints or {})
    documents: dict[str, object] = {
        "drill.summary.json": drill.summary(phases),
        TIMES_FILE: drill.times(phases),
        "drill.cost.inputs.json": drill.cost_inputs(),
        "drill.cost.actual.json": drill.cost_actual(),
        "drill.context.json": drill.context(),
        "promote.decision.json": drill.decision(),
        "dr_restore.control_plane.summary.json": derived_cluster.control_plane(bundle),
        derived_cluster.APPLIED: derived_cluster.applied(bundle),
        derived_cluster.SUBMITTED: derived_cluster.submitted(bundle, settings),
        **{f"phases/{phase.phase}.json": phase for phase in phases},
    }
    texts = {
        # It is read with `cat`, and may hold what a platform or the name of a test says.
        "drill.stop_reason.txt": f"{visible(stop_reason, lines=True)}\n",
        derived_cluster.FETCHED: derived_cluster.fetched(bundle),
        **derived_cluster.texts(bundle),
    }
    written = {path: _document(document) for path, document in documents.items() if document is not None}
    written |= {path: text.encode("utf-8", "backslashreplace") for path, text in texts.items() if text is not None}
    return dict(sorted(written.items()))


def _document(document: object) -> bytes:
    return (json.dumps(encode(document), indent=2, sort_keys=True) + "\n").encode()
