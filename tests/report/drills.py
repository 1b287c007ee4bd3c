"""Bundles as a drill leaves them, built from a few small phases; each part of a drill can be replaced."""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

from drproof.evidence.bundle import Bundle, digests, sealed_checkpoint, sealed_closing, sealed_opening, write_atomic
from drproof.evidence.canonical import canonical, digest
from drproof.model.codec import encode
from drproof.model.criteria import (
    Backup,
    Criteria,
    ExpectedContract,
    Input,
    PlanDocument,
    Site,
    Sites,
    Window,
    Workload,
)
from drproof.model.receipt import Attempt, Caller, Cause, EvidenceRef, ManualAct, Outcome, Receipt, Tool
from drproof.model.settings import (
    ClusterSettings,
    Command,
    Metrics,
    Primary,
    Promotion,
    ProvisionerSettings,
    Recovery,
    Settings,
    Validation,
)
from drproof.model.verdict import Control, ControlResult, Status, Verdict
from tests.report.observed import DONE, IMAGE, SHA, TYPES, URI, Health

START = datetime(2026, 11, 1, 8, 0, 0, 250_000, tzinfo=UTC)
TOOL = Tool(version="0.1.0", git_sha="c0ffee" * 6 + "c0ff", python="3.11.7")
SITES = Sites(
    primary=Site(account_id="111122223333", region="us-east-1", owner="111122223333"),
    recovery=Site(account_id="444455556666", region="us-west-2", owner="444455556666"),
)
CALLER = Caller(arn="arn:aws:sts::444455556666:assumed-role/drill/ada", account_id="444455556666", region="us-west-2")
MANUAL = "auto promote disabled; stopped at manual promotion gate"


@dataclass(kw_only=True)
class Step:
    """How one phase went."""

    phase: str
    took_ms: int = 4_200
    outcome: Outcome = Outcome.PASSED
    observed: Any = None
    reason: str = ""
    cause: Cause | None = None
    errors: tuple[str, ...] = ()
    repair: str = ""
    inherited: bool = False
    manual: ManualAct | None = None
    evidence: dict[str, Any] = field(default_factory=dict)


def passed(phase: str, **said: Any) -> Step:
    return Step(phase=phase, observed=said.pop("observed", DONE[phase]), **said)


def whole() -> list[Step]:
    """A whole drill without a decision."""
    steps = [passed(name) for name in DONE]
    steps[1].evidence = {"members": {"state.tar.zst": [{"path": "a", "size": 1}]}}
    steps[-2] = Step(phase="promote", took_ms=2, outcome=Outcome.NOT_RUN, reason=MANUAL)
    return steps


def failed_at(phase: str, reason: str = "terraform apply ended with exit status 1") -> list[Step]:
    """A drill that failed in one phase: what follows is blocked, and the teardown has run."""
    steps = []
    broken = False
    for step in whole():
        if step.phase == phase:
            broken = True
            step = Step(  # noqa: PLW2901
                phase=phase,
                outcome=Outcome.FAILED,
                reason=reason,
                cause=Cause.WORLD,
                errors=("boom", "boom again"),
                repair="mended",
            )
        elif broken and step.phase != "teardown":
            step = Step(  # noqa: PLW2901
                phase=step.phase,
                took_ms=0,
                outcome=Outcome.BLOCKED,
                reason=f"phase {phase} is failed",
                cause=Cause.PREREQUISITE,
            )
        steps.append(step)
    return steps


def verdict(contract: str, subject: str = "", status: Status = Status.PROVEN, **said: Any) -> Verdict:
    controls = (
        Control(name="one byte differs", kind="sabotage", result=ControlResult.REFUTED, reason="the digests differ"),
        Control(name="one byte is missing", kind="sabotage", result=ControlResult.REFUTED, reason="the sizes differ"),
        Control(name="too old", kind="sabotage", result=ControlResult.NOT_APPLICABLE, reason="no age is promised"),
        Control(name="receipt absent", kind="removal", result=ControlResult.UNPROVEN, reason="no receipt"),
    )
    plain: dict[str, Any] = {
        "version": 1,
        "claim": f"What {contract.replace('_', ' ')} says holds.",
        "observed": {"size": 7, "sha256": SHA},
        "expected": {"size": 7, "sha256": SHA},
        "controls_of": ("NIST CP-9(1)", "ISO 27001 A.8.13"),
        "controls": controls if status is Status.PROVEN else (),
    }
    return Verdict(contract=contract, subject=subject, status=status, **{**plain, **said})


def verdicts() -> list[Verdict]:
    return [
        verdict("backup_object_matches_its_metadata", "state.tar.zst"),
        verdict("backup_object_matches_its_metadata", "metadata.json"),
        verdict("no_residue_is_left"),
    ]


@dataclass(kw_only=True)
class Drill:
    """Everything that a bundle is made of."""

    steps: list[Step] = field(default_factory=whole)
    signers: tuple[Any, ...] = ()
    verdicts: list[Verdict] = field(default_factory=verdicts)
    outcome: str = "proven"
    mode: Any = "rehearsal"
    window: Window = field(default_factory=lambda: Window(full=True, start_at="bringup", stop_after="promote"))
    inputs: tuple[Input, ...] = (Input(name="criteria.rto", value="30m", source="drproof.toml criteria.rto"),)
    plan: dict[str, Any] = field(default_factory=dict)
    criteria: dict[str, Any] = field(default_factory=dict)
    unjudged: tuple[ExpectedContract, ...] = ()
    caller: Caller | None = CALLER

    def document(self) -> PlanDocument:
        expected: dict[str, list[str]] = {}
        for one in self.verdicts:
            expected.setdefault(one.contract, []).append(one.subject)
        criteria = Criteria(
            rto_ms=1_800_000,
            rpo_ms=129_600_000,
            freshness_limit_ms=93_600_000,
            backup=Backup(uri=URI, objects=("metadata.json", "state.tar.zst"), archives=("state.tar.zst",)),
            control_plane_sections=("candidates", "alerts", "providers", "scoring"),
            pointers=("global",),
            alarms=("atlas-dr-pipeline-freshness",),
            validation_commands=("host_answers",),
            image_ref=IMAGE,
            sites=SITES,
            workload=Workload(namespace="atlas"),
            teardown="teardown" not in self.window.left_out,
        )
        document = PlanDocument(
            drill_id="recovery-20261101T080000Z-0a1b2c",
            mode=self.mode,
            plan="recovery",
            created_at=_instant(0),
            nonce="0" * 64,
            window=self.window,
            phases=tuple(step.phase for step in self.steps),
            contracts=(
                *(
                    ExpectedContract(name=name, version=1, subjects=tuple(s for s in subjects if s))
                    for name, subjects in expected.items()
                ),
                *self.unjudged,
            ),
            criteria=replace(criteria, **self.criteria),
            max_attempts=3,
            inputs=self.inputs,
            tool=TOOL,
        )
        return replace(document, **self.plan)


def build(directory: Path, drill: Drill | None = None, *, close: bool = True) -> Bundle:
    """Write the bundle of a drill, sealed when `close` is set, and open it."""
    drill = drill or Drill()
    plan = drill.document()
    data = canonical(encode(plan))
    write_atomic(directory / "plan.json", data)
    opening = sealed_opening(plan, plan_digest=digest(data), signers=drill.signers)
    write_atomic(directory / "opening.dsse.json", opening)
    previous, at, written = digest(opening), 100, {}
    for number, step in enumerate(drill.steps, start=1):
        receipt = _receipt(directory, drill, plan, step, at, previous=previous, opening=digest(opening), number=number)
        content = canonical(encode(receipt))
        name = "".join(char if char.isalnum() or char == "_" else "-" for char in step.phase)
        write_atomic(directory / "receipts" / f"{number:02}-{name}.json", content)
        previous = written[step.phase] = digest(content)
        write_atomic(
            directory / f"checkpoints/{number:02}-{name}.dsse.json",
            sealed_checkpoint(receipt, content, drill.signers)[1],
        )
        at += step.took_ms + 50
    judged = [one if one.receipts else replace(one, receipts=tuple(written.values())[:1]) for one in drill.verdicts]
    write_atomic(directory / "verdicts.json", canonical({"schema_version": 1, "verdicts": encode(judged)}))
    if close:
        seal(directory, drill, head=previous)
    return opened(directory, drill)


def seal(directory: Path, drill: Drill, *, head: str) -> None:
    closing = sealed_closing(
        drill.document(),
        opening=digest((directory / "opening.dsse.json").read_bytes()),
        outcome=cast("Any", drill.outcome),
        files=digests(directory),
        head=head,
        receipts=len(drill.steps),
        closed_at=_instant(10**6),
        signers=drill.signers,
    )
    write_atomic(directory / "closing.dsse.json", closing)


def opened(directory: Path, drill: Drill | None = None) -> Bundle:
    types = dict(TYPES)
    for step in (drill or Drill()).steps:
        types[step.phase] = types.get(step.phase, Health) if step.observed is None else type(step.observed)
    return Bundle.open(directory, types)


def settings(**promotion: Any) -> Settings:
    return Settings(
        target="embedded",
        backup_uri=URI,
        image_ref=IMAGE,
        sites=SITES,
        primary=Primary(bucket="p", prefix="atlas", metrics=Metrics(namespace="A", dimensions={}), alarms=("a",)),
        recovery=Recovery(
            bucket="r",
            prefix="drills",
            runner_name="atlas",
            runner_purpose="dr",
            provisioner=ProvisionerSettings(state_bucket="s", state_key="k", vpc_id="vpc-1", subnet_id="subnet-1"),
        ),
        validation=Validation(commands=(Command(name="host_answers", run="uname"),)),
        cluster=ClusterSettings(
            namespace="atlas", publishing_config_map="atlas-config", publishing_off={"PUBLISH": "0"}
        ),
        promotion=Promotion(**promotion),
    )


def _receipt(
    directory: Path, drill: Drill, plan: PlanDocument, step: Step, at: int, *, previous: str, opening: str, number: int
) -> Receipt[Any]:
    refs = []
    for name, content in step.evidence.items():
        data = canonical(content)
        path = f"evidence/{step.phase}.{name}.json"
        write_atomic(directory / path, data)
        refs.append(EvidenceRef(name=name, path=path, sha256=digest(data), size=len(data)))
    attempts = [
        Attempt(
            number=n,
            started_at=_instant(at),
            duration_ms=step.took_ms,
            outcome=Outcome.FAILED,
            error=error,
            error_class="TargetError",
            command="terraform apply",
            error_tail=(f"tail of {error}",),
            repair=step.repair,
        )
        for n, error in enumerate(step.errors, start=1)
    ]
    if step.outcome is Outcome.PASSED:
        attempts.append(
            Attempt(number=len(attempts) + 1, started_at=_instant(at), duration_ms=step.took_ms, outcome=step.outcome)
        )
    return Receipt(
        drill_id=plan.drill_id,
        mode=plan.mode,
        plan=plan.plan,
        phase=step.phase,
        sequence=number,
        previous=previous,
        opening=opening,
        outcome=step.outcome,
        started_at=_instant(at),
        ended_at=_instant(at + step.took_ms),
        duration_ms=step.took_ms,
        attempts=tuple(attempts),
        input={"asked": step.phase},
        observed=step.observed,
        reason=step.reason,
        cause=step.cause,
        manual=step.manual,
        by_hand=(step.phase,) if step.manual else (),
        caller=drill.caller if step.outcome is Outcome.PASSED else None,
        tool=TOOL,
        image_ref=IMAGE,
        evidence=tuple(refs),
        inherited_from=SHA if step.inherited else None,
    )


def _instant(after_ms: int) -> str:
    moment = START + timedelta(milliseconds=after_ms)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
