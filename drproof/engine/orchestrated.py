"""An execution of a state machine, judged: asked for live, or read from a folder that was exported before.

Either way the same files are read by the same phases; live only means that they are exported now and kept nowhere.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from drproof import catalog
from drproof.engine.approving import approvers_of
from drproof.engine.export import export, export_settings
from drproof.engine.handed import Handed, gather
from drproof.engine.imports import REQUIRED, Imported, criteria_of, judge_handed, prepare_import
from drproof.engine.keys import read_trust
from drproof.engine.refusal import refuse
from drproof.engine.settings import setting
from drproof.model.collection import Collection
from drproof.model.criteria import Approval, Criteria, Site
from drproof.model.receipt import Mode
from drproof.phases.execution.sorting import Sorted, sort

PHASES = (
    "check_health",
    "read_restore_point",
    "bringup",
    "resolve_runner",
    "restore",
    "validate",
    "notify",
    "request_manual_approval",
    "promote",
)
"""The phases of our own orchestrator that must have a receipt, in the order of its machine."""

WIRING = {
    "function": "orchestrator.function",
    "machine": "orchestrator.machine",
    "role": "orchestrator.role",
    "project": "recovery.provisioner.codebuild.project",
    "topic": "recovery.topic_arn",
}
"""What an execution must have used, and the setting that names it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Which execution is to be judged: one of the two is given."""

    arn: str = ""
    folder: Path | None = None
    endpoint: str = ""
    """The embedded world that a live execution of a rehearsal ran in."""


def check(asked: Asked, options: Mapping[str, Any], start: Path, directory: Path) -> Imported:
    """Judge an execution and write the bundle to `directory`; settings are looked for from `start` on.

    Raises:
        Refusal: no execution is named, or two are, or what is named is none.
        TargetError: the platform did not answer.
    """
    if bool(asked.arn) is bool(asked.folder):
        raise refuse(
            "no execution is named" if not asked.arn else "two executions are named",
            expected="--execution-arn ARN for a live one, or --execution-dir FOLDER for an exported one",
            got="neither" if not asked.arn else "both",
            next_step="drproof export --execution-arn <ARN> --out <folder>",
        )
    site: Site | None = None
    mode: Mode = "live"
    if asked.folder is not None:
        collection = gather(Handed(folder=asked.folder))
    else:
        collection, site = _live(asked, options, start)
    found = sort(collection)
    criteria = _criteria(collection, found, options, start, site)
    if found.beside.mode == "rehearsal":
        mode = "rehearsal"
    prepared = prepare_import(catalog.ORCHESTRATOR, criteria, collection, directory, mode=mode, drill_id=directory.name)
    return judge_handed(prepared, collection, directory)


def _live(asked: Asked, options: Mapping[str, Any], start: Path) -> tuple[Collection, Site]:
    """Return the files of a live execution, and the site of the settings: it must have run there."""
    settings = export_settings(options, os.environ, start)
    if (settings.target == "embedded") is not bool(asked.endpoint):
        raise refuse(
            "an execution of a rehearsal is in its embedded world",
            expected="--target embedded together with DRPROOF_ENDPOINT",
            got=f"target {settings.target}, DRPROOF_ENDPOINT {asked.endpoint or 'not set'}",
            next_step="export it while its world runs, and name the folder with --execution-dir",
        )
    return export(asked.arn, settings, asked.endpoint).collection, settings.sites.recovery


def _criteria(
    collection: Collection, found: Sorted, options: Mapping[str, Any], start: Path, site: Site | None
) -> Criteria:
    """Return the bar: what the settings name, and what was handed in, so that it cannot be lost afterwards."""
    own = any(receipt.form == "drproof" for _, receipt in found.receipts.values()) or any(
        "act" in event.document("parameters").get("Payload", {}) for event in found.events
    )

    def named(path: str) -> Any:  # noqa: ANN401 — settings are of many kinds
        return setting(path, options, os.environ, start)

    criteria = criteria_of(
        Handed(
            folder=Path(),
            execution_id=options.get("expect_drill") or "",
            account_id=options.get("expect_account") or (site.account_id if site is not None else ""),
            region=options.get("expect_region") or (site.region if site is not None else ""),
        ),
        collection,
    )
    execution = replace(
        criteria.execution,
        phases=PHASES if own else REQUIRED,
        # Whoever exports asks for the history and the store: that one of them is missing proves nothing.
        history=True,
        own=own,
        wiring={kind: str(value) for kind, path in WIRING.items() if (value := named(path))},
        triggers=(
            *(f"rule {name}" for name in named("triggers.rules") or ()),
            *(f"alarm {name}" for name in named("triggers.alarms") or ()),
        ),
    )
    # Only a trust file that was named: the project's own is that of whoever ran the execution.
    trust = str(named("signing.trust") or "")
    ended = found.events[-1].at if found.events else ""
    approvers = approvers_of(read_trust(start / Path(trust).expanduser()), at=ended) if trust and own else ()
    if trust and own and not approvers:
        raise refuse(
            f"{trust} names nobody who may decide",
            expected="a key with the role approver that signs nothing else",
            got="none",
            next_step="--trust with the file of whoever checks; without it nobody judges who signed",
        )
    return replace(criteria, execution=execution, approval=Approval(approvers=approvers))
