"""An execution of a state machine, judged: asked for live, or read from a folder that was exported before.

Either way the same files are read by the same phases; live only means that they are exported now and kept nowhere.
Sources of Terraform can be handed in beside it, or alone: then nothing but them is judged, and the check is a part.
"""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from drproof import catalog
from drproof.engine.approving import approvers_of
from drproof.engine.export import export, export_settings
from drproof.engine.handed import Handed, gather
from drproof.engine.imports import NOBODY, REQUIRED, Imported, criteria_of, judge_handed, prepare_import
from drproof.engine.keys import read_trust
from drproof.engine.named import bar_of, drills_in, modules_in, now, trust_in
from drproof.engine.places import rooted_signer
from drproof.engine.refusal import refuse
from drproof.engine.settings import setting
from drproof.model.collection import Collection, ModuleHanded
from drproof.model.criteria import Approval, ByItself, Criteria, Guardrails, Site
from drproof.model.receipt import Mode
from drproof.model.signing import Signer
from drproof.phases.execution.sorting import Sorted, sort
from drproof.targets import open_key

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

MACHINE_PARTS = 7
"""`arn:aws:states:<region>:<account>:stateMachine:<name>`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Which execution is to be judged: one of the two is given."""

    arn: str = ""
    folder: Path | None = None
    endpoint: str = ""
    """The embedded world that a live execution of a rehearsal ran in."""
    modules: tuple[Path, ...] = ()
    """Folders of Terraform's sources."""
    drills: tuple[Path, ...] = ()
    """Bundles of drills that triggers may follow."""


def check(asked: Asked, options: Mapping[str, Any], start: Path, directory: Path) -> Imported:
    """Judge an execution and write the bundle to `directory`; settings are looked for from `start` on.

    Raises:
        Refusal: nothing is named, or two executions are, or what is named is none.
        TargetError: the platform did not answer, or the key that is to sign cannot be used.
    """
    if (asked.arn and asked.folder) or not (asked.arn or asked.folder or asked.modules):
        raise refuse(
            "no execution is named" if not asked.arn else "two executions are named",
            expected="--execution-arn ARN for a live one, --execution-dir FOLDER for an exported one, or "
            "--terraform-dir FOLDER for sources alone",
            got="none of them" if not asked.arn else "two executions",
            next_step="drproof export --execution-arn <ARN> --out <folder>",
        )
    named = partial(setting, options=options, environment=os.environ, directory=start)
    modules = modules_in(asked.modules)
    signer = _signer(named, start)
    if not asked.arn and asked.folder is None:
        return _sources_alone(modules, named, directory, signer)
    site: Site | None = None
    mode: Mode = "live"
    if asked.folder is not None:
        collection = gather(Handed(folder=asked.folder))
    else:
        collection, site = _live(asked, options, start)
    trust = trust_in(named("signing.trust"), start)
    collection = replace(collection, modules=modules, drills=drills_in(asked.drills, trust, now()))
    found = sort(collection)
    if found.beside.mode == "rehearsal":
        mode = "rehearsal"
    criteria = _criteria(collection, found, options, start, site)
    _assert_somebody_may_decide(criteria, asked, options)
    criteria = replace(
        criteria,
        guardrails=_guardrails(modules, named),
        by_itself=_by_itself(criteria, found, named, embedded=mode == "rehearsal"),
    )
    prepared = prepare_import(catalog.ORCHESTRATOR, criteria, collection, directory, mode=mode, drill_id=directory.name)
    return judge_handed(prepared, collection, directory, signer)


def _sources_alone(
    modules: tuple[ModuleHanded, ...], named: Callable[[str], Any], directory: Path, signer: Signer | None
) -> Imported:
    """Judge sources and nothing else: what is about an execution is left out before the bar is fixed."""
    collection = Collection(modules=modules)
    criteria = replace(criteria_of(Handed(folder=Path()), collection), guardrails=_guardrails(modules, named))
    prepared = prepare_import(
        catalog.ORCHESTRATOR,
        criteria,
        collection,
        directory,
        drill_id=directory.name,
        only=frozenset({"read_terraform"}),
    )
    return judge_handed(prepared, collection, directory, signer)


def _signer(named: Callable[[str], Any], start: Path) -> Signer | None:
    """Return the key that signs the check, where one is configured."""
    uri = rooted_signer(named("signing.signer"), start)
    region, profile = named("sites.recovery.region") or named("sites.primary.region"), named("profile")
    return open_key(uri, region=region or "", profile=profile or "") if uri else None


def _guardrails(modules: tuple[ModuleHanded, ...], named: Callable[[str], Any]) -> Guardrails:
    return Guardrails(
        sources=tuple(module.name for module in modules),
        always_on=tuple(named("guardrails.always_on")),
        trigger_variable=named("guardrails.trigger_variable"),
    )


def _by_itself(criteria: Criteria, found: Sorted, named: Callable[[str], Any], *, embedded: bool) -> ByItself:
    """Return what a drill must be that the triggers of this execution's machine may follow."""
    machine = named("orchestrator.machine") or found.beside.machine
    parts = machine.split(":")
    here = Site(account_id=NOBODY, region="", owner=NOBODY)
    if len(parts) == MACHINE_PARTS:
        here = Site(account_id=parts[4], region=parts[3], owner=parts[4])
    account, region = criteria.execution.account_id or here.account_id, criteria.execution.region or here.region
    return bar_of(
        Site(account_id=account, region=region, owner=account),
        machine=machine,
        max_age_ms=named("triggers.drill_max_age"),
        embedded=embedded,
    )


def _live(asked: Asked, options: Mapping[str, Any], start: Path) -> tuple[Collection, Site]:
    """Return the files of a live execution, and the site of the settings: it must have run there."""
    settings = export_settings(options, os.environ, start, arn=asked.arn)
    rehearsal = settings.target == "embedded"
    if rehearsal is not bool(asked.endpoint):
        raise refuse(
            "an execution of a rehearsal is in its embedded world",
            expected="--target embedded together with DRPROOF_ENDPOINT",
            got=f"target {settings.target}, DRPROOF_ENDPOINT {asked.endpoint or 'not set'}",
            next_step="export it while its world runs, and name the folder with --execution-dir"
            if rehearsal
            else "unset it, or say --target embedded",
        )
    return export(asked.arn, settings, asked.endpoint).collection, settings.sites.recovery


def _criteria(
    collection: Collection, found: Sorted, options: Mapping[str, Any], start: Path, site: Site | None
) -> Criteria:
    """Return the bar: what the settings name, and what was handed in, so that it cannot be lost afterwards."""
    told = [event.document("parameters").get("Payload") for event in found.events]
    own = any(receipt.form == "drproof" for _, receipt in found.receipts.values()) or any(
        isinstance(payload, dict) and "act" in payload for payload in told
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
    return replace(criteria, execution=execution, approval=Approval(approvers=approvers))


def _assert_somebody_may_decide(criteria: Criteria, asked: Asked, options: Mapping[str, Any]) -> None:
    """Refuse a trust file that was named for the answer, and names nobody who may give one."""
    # A file of the settings, or one for the drills behind triggers, may well be about runners alone.
    if options.get("trust") and criteria.execution.own and not criteria.approval.approvers and not asked.drills:
        raise refuse(
            f"{options['trust']} names nobody who may decide",
            expected="a key with the role approver that signs nothing else",
            got="none",
            next_step="--trust with the file of whoever checks; without it nobody judges who signed",
        )
