"""An execution that was handed in, as a bundle of ours: read once, judged by the contracts of its plan, and sealed.

Nothing outside the handed files is asked: the plan opens no target. A seal says what was collected and when; it says
nothing about who wrote what was collected.
"""

import secrets
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, cast

from drproof import catalog
from drproof.engine.attempts import Ending, attempt
from drproof.engine.clock import SystemClock
from drproof.engine.conclusion import Conclusion, conclude
from drproof.engine.context import PhaseContext
from drproof.engine.criteria import expected_of
from drproof.engine.handed import Handed, gather
from drproof.engine.keys import Sealer
from drproof.engine.opening import write_plan
from drproof.engine.preparation import Prepared
from drproof.engine.record import Record
from drproof.engine.refusal import refuse
from drproof.engine.window import WindowRequest, cover
from drproof.evidence.journal import Journal
from drproof.evidence.redaction import Redactor
from drproof.formats.alarm_evidence import sequence_is_found
from drproof.formats.failback_receipts import RECEIPTS as OF_A_FAILBACK
from drproof.formats.pointers import LABELS
from drproof.formats.receipts_v1 import PHASES
from drproof.model.capabilities import Target
from drproof.model.collection import Collection
from drproof.model.context import Effects
from drproof.model.criteria import Backup, Criteria, Execution, Input, Site, Sites, Storing, Workload
from drproof.model.errors import GuardError
from drproof.model.phase import Phase
from drproof.model.receipt import Mode
from drproof.model.settings import (
    ClusterSettings,
    Limits,
    Metrics,
    Primary,
    ProvisionerSettings,
    Recovery,
    Settings,
    Validation,
)
from drproof.model.signing import Signer
from drproof.phases.execution.observed import ExecutionObserved
from drproof.phases.execution.sorting import sort
from drproof.phases.failback.observed import FailbackObserved
from drproof.phases.failback.sorting import is_failback

REQUIRED = ("check_health", "bringup", "restore", "validate", "notify", "request_manual_approval")
"""The phases whose receipts the reference's collector demands, in the order of its state machine."""

REQUIRED_OF_A_FAILBACK = ("inputs", "verify_before", "plan", "apply", "verify_after")
"""The receipts that the reference promises of pointers that were switched back, in the order of its script."""

NOBODY = "000000000000"
"""Stands for an account that nobody named; no account of AWS has this number."""


@dataclass(frozen=True, slots=True)
class Imported:
    """What an import came to."""

    directory: Path
    conclusion: Conclusion
    observed: ExecutionObserved | FailbackObserved | None
    decision: bool
    """Whether a recorded decision was demanded."""
    plan: str


class _Nothing:
    """What stands where a target would be: whoever asks it for anything is told that there is none."""

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 — it returns nothing
        msg = f"an import asks nothing outside its files, and was asked for {name}"
        raise GuardError(msg)


def collect(handed: Handed, directory: Path, signer: Signer | None = None) -> Imported:
    """Read what was handed in, judge it, and write the bundle to `directory`, a folder that is not there yet.

    `signer` signs the collection as its collector; it says who collected, never who wrote what was collected.

    Raises:
        Refusal: what was handed in cannot be found, or the folder is taken.
    """
    collection = gather(handed)
    if is_failback(collection):
        prepared = prepare_import(catalog.FAILBACK_RECEIPTS, criteria_of_failback(handed), collection, directory)
    else:
        prepared = prepare_import(catalog.EXECUTION, criteria_of(handed, collection), collection, directory)
    return judge_handed(prepared, collection, directory, signer, decision=handed.decision)


def judge_handed(
    prepared: Prepared, collection: Collection, directory: Path, signer: Signer | None = None, *, decision: bool = False
) -> Imported:
    """Read a collection by every phase of the plan, judge it, and write the bundle.

    Raises:
        Refusal: the folder is taken.
    """
    if directory.exists() and any(directory.iterdir()):
        raise refuse(
            f"{directory} is not empty",
            expected="a folder of its own for the bundle: what lies there already would seem to belong to it",
            next_step="name another --output-dir",
        )
    for name in ("receipts", "evidence", "logs"):
        (directory / name).mkdir(parents=True)
    masker = Redactor()
    record = write_plan(prepared, directory, masker, Sealer((signer,) if signer is not None else ()))
    clock = SystemClock()
    journal = Journal(directory / "journal.log")
    journal.append({"at": clock.now(), "kind": "opened", "drill": prepared.drill_id, "opening": record.opening})
    # The key is kept nowhere: equal secrets have equal tags within one bundle, and in no other.
    key, observed, interruption = secrets.token_hex(32), None, None
    for phase in prepared.plan.phases:
        ending = _act(phase, prepared, record, collection, journal=journal, masker=masker, key=key)
        interruption = interruption or ending.interruption
        if isinstance(ending.observed, ExecutionObserved | FailbackObserved):
            observed = ending.observed
    conclusion = conclude(record, prepared, journal=journal, masker=masker, interruption=interruption)
    journal.close()
    return Imported(directory, conclusion, observed, decision, prepared.plan.name)


def _act(  # noqa: PLR0913 — what one phase works with
    phase: Phase[Any],
    prepared: Prepared,
    record: Record,
    collection: Collection,
    *,
    journal: Journal,
    masker: Redactor,
    key: str,
) -> Ending:
    clock = SystemClock()

    def log(line: str) -> None:
        with (record.directory / "logs" / f"{phase.name}.log").open("a", encoding="utf-8") as file:
            file.write(f"{clock.now()} {line}\n")

    def context() -> PhaseContext:
        return PhaseContext(
            phase=phase,
            origin=prepared.drill_id,
            plan=record.plan,
            settings=prepared.settings,
            target=cast("Target", _Nothing()),
            effects=cast("Effects", _Nothing()),
            clock=clock,
            receipts=record.receipts,
            directory=record.directory,
            expires_at="",
            key=key,
            masker=masker,
            say=log,
            collection=collection,
        )

    def begin(number: int) -> None:
        journal.append({"at": clock.now(), "kind": "phase", "phase": phase.name, "attempt": number})

    ending, used = attempt(phase, context, prepared.settings.limits, clock, masker, log, begin=begin)
    record.write(phase.name, ending, given={}, caller=None, evidence=tuple(used.kept.values()))
    journal.append(
        {
            "at": clock.now(),
            "kind": "ended",
            "phase": phase.name,
            "outcome": ending.outcome.value,
            "receipt": record.head,
        }
    )
    return ending


def shortfalls(imported: Imported) -> tuple[str, ...]:
    """Return what a collection lacks to be whole, in the words of the reference's collector; empty when it is."""
    facts = imported.observed
    if facts is None:
        return (f"unreadable_collection:{imported.conclusion.stop_reason}",)
    if isinstance(facts, FailbackObserved):
        return _shortfalls_of_a_failback(facts)
    there = {row.phase for row in facts.receipts}
    names = {
        phase: ",".join(f"{stem}.json" for stem, of in PHASES.items() if of == phase)
        for phase in (*REQUIRED, *(("decision",) if imported.decision else ()))
    }
    said = {"decision": "record_manual_decision"}
    found = [
        f"missing_required_receipt:{said.get(phase, phase)}:{stems}"
        for phase, stems in names.items()
        if phase not in there
    ]
    if not sequence_is_found(facts.alarms):
        found.append("missing_alarm_evidence:OK->ALARM->OK")
    return (*found, *(f"file:{seen.name}:{seen.problem}" for seen in facts.files if seen.problem))


def _shortfalls_of_a_failback(facts: FailbackObserved) -> tuple[str, ...]:
    names = {kind: name for name, kind in OF_A_FAILBACK.items()}
    return (
        *(
            f"missing_required_receipt:{kind}:{names[kind]}"
            for kind in REQUIRED_OF_A_FAILBACK
            if kind not in facts.kinds
        ),
        *(f"file:{seen.name}:{seen.problem}" for seen in facts.files if seen.problem),
    )


def prepare_import(  # noqa: PLR0913 — what a run is named by
    name: str, criteria: Criteria, collection: Collection, directory: Path, *, mode: Mode = "live", drill_id: str = ""
) -> Prepared:
    """Return a run of a plan that asks nothing outside a collection."""
    plan = catalog.plan(name)
    coverage = cover(plan, WindowRequest(), None)
    drill_id = drill_id or f"{plan.name}-{datetime.now(UTC):%Y%m%dT%H%M%SZ}-{secrets.token_hex(3)}"
    return Prepared(
        drill_id=drill_id,
        mode=mode,
        plan=plan,
        coverage=coverage,
        criteria=criteria,
        settings=bare_settings(criteria.sites),
        contracts=expected_of(plan, coverage, criteria),
        inputs=tuple(Input(name=one.name, value=one.handed_as, source="handed in") for one in collection.files),
        reports=directory.parent,
        scenario=None,
        prior=None,
        values={},
        notes=(),
    )


def criteria_of(handed: Handed, collection: Collection) -> Criteria:
    """Return the bar; what was handed in is fixed with it, so that it cannot be lost afterwards."""
    kinds = {seen.kind for seen in sort(collection).files} | {file.handed_as for file in collection.files}
    site = Site(account_id=handed.account_id or NOBODY, region=handed.region, owner=handed.account_id or NOBODY)
    return Criteria(
        rto_ms=0,
        rpo_ms=0,
        freshness_limit_ms=0,
        backup=Backup(uri="", objects=(), archives=()),
        control_plane_sections=(),
        pointers=(),
        alarms=(),
        validation_commands=(),
        image_ref="",
        sites=Sites(primary=site, recovery=site),
        workload=Workload(namespace=""),
        teardown=False,
        execution=Execution(
            phases=REQUIRED,
            execution_id=handed.execution_id,
            account_id=handed.account_id,
            region=handed.region,
            history=bool(kinds & {"history", "description"}),
            listing="listing" in kinds,
            manifest="manifest" in kinds,
            decision=handed.decision,
            alarm_lead_ms=handed.alarm_lead_ms,
        ),
    )


def criteria_of_failback(handed: Handed) -> Criteria:
    """Return the bar of a failback: all four pointers, and which failback is meant, by the run that it comes from.

    Raises:
        Refusal: what only an execution has is demanded.
    """
    if handed.decision:
        raise refuse(
            "--require-record-manual-decision is about an execution",
            expected="the receipts of an execution",
            got=f"those of a failback in {handed.folder}",
            next_step="leave it out",
        )
    bar = criteria_of(handed, Collection())
    return replace(bar, pointers=tuple(LABELS), execution=replace(bar.execution, phases=()))


def bare_settings(
    sites: Sites,
    *,
    target: Literal["embedded", "aws"] = "aws",
    profile: str = "",
    storing: Storing | None = None,
) -> Settings:
    """Return settings that name nothing but sites: an import has no place to act in, and a verifier must not act."""
    return Settings(
        target=target,
        profile=profile,
        storing=storing,
        backup_uri="",
        image_ref="",
        sites=sites,
        primary=Primary(bucket="", prefix="", metrics=Metrics(namespace="", dimensions={}), alarms=()),
        recovery=Recovery(
            bucket="",
            prefix="",
            runner_name="",
            runner_purpose="",
            provisioner=ProvisionerSettings(state_bucket="", state_key=""),
        ),
        validation=Validation(commands=()),
        cluster=ClusterSettings(namespace="", publishing_config_map="", publishing_off={}),
        limits=Limits(max_attempts=1),
    )
