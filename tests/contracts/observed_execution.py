"""An execution that was handed in whole and shows a recovery: what is read of it, and what it is judged by."""

import hashlib
from dataclasses import replace

from drproof.evidence import approvals
from drproof.formats.alarm_evidence import Change
from drproof.formats.s3_listing import Stored
from drproof.model.approval import Decision as Signed
from drproof.model.codec import encode
from drproof.model.criteria import Approval, Approver, Execution
from drproof.phases.execution.observed import (
    ActSeen,
    Age,
    BuildHanded,
    Changes,
    Decision,
    ExecutionObserved,
    FileSeen,
    Machine,
    ManifestSeen,
    ReceiptSeen,
    Restored,
    RunSeen,
    StepSeen,
    Told,
    TriggerHanded,
    Validated,
    Wire,
)
from tests.evidence.keys import APPROVER

PHASES = ("check_health", "bringup", "restore", "validate", "notify", "request_manual_approval")
NAME = "drill-of-atlas"
ACCOUNT, REGION, MACHINE = "111122223333", "eu-west-1", "i-0a1b2c3d4e5f60718"
MINUTE = 60_000
FILES = {phase: f"{phase}.json" for phase in PHASES} | {"bringup": "codebuild-bringup.json", "decision": "promote.json"}
KEPT = (*PHASES, "decision")


def sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def moment(minutes: int, seconds: int = 0) -> str:
    return f"2026-05-04T10:{minutes:02}:{seconds:02}.000Z"


def _receipt(number: int, phase: str) -> ReceiptSeen:
    return ReceiptSeen(
        phase=phase,
        file=FILES[phase],
        form="build" if phase == "bringup" else "lambda",
        says_phase=phase,
        status="ok",
        at=moment(2 + 3 * number),
        execution=NAME,
        account_id=ACCOUNT,
        region=REGION,
        given_sha256="" if phase == "bringup" else sha256(f"given {phase}"),
        result_sha256=sha256(f"result {phase}"),
    )


def _step(number: int, phase: str) -> StepSeen:
    return StepSeen(
        phase=phase,
        state=f"State{number}",
        outcome="succeeded",
        scheduled_at=moment(1 + 3 * number),
        ended_at=moment(2 + 3 * number, 30),
        execution=NAME,
        account_id=ACCOUNT,
        region=REGION,
        given_sha256=sha256(f"given {phase}"),
        result_sha256=sha256(f"result {phase}"),
    )


def _file(phase: str) -> FileSeen:
    name = FILES[phase]
    return FileSeen(
        name=name,
        kind="receipt",
        phase=phase,
        size=len(name),
        sha256=sha256(name),
        md5=hashlib.md5(name.encode()).hexdigest(),
    )


RISE = Change(
    alarm="atlas-freshness",
    at="2026-05-04T09:52:00.000Z",
    old="OK",
    new="ALARM",
    said="threshold",
    datapoints=("31",),
    newest_datapoint_at="2026-05-04T09:47:00.000Z",
    threshold="26",
    comparison="GreaterThanThreshold",
    period_ms=300_000,
)
FALL = Change(
    alarm="atlas-freshness",
    at=moment(19),
    old="ALARM",
    new="OK",
    said="threshold",
    datapoints=("1",),
    newest_datapoint_at=moment(15),
    threshold="26",
    comparison="GreaterThanThreshold",
    period_ms=300_000,
)
OBSERVED = ExecutionObserved(
    files=tuple(_file(phase) for phase in KEPT),
    receipts=tuple(_receipt(number, phase) for number, phase in enumerate(KEPT)),
    machine=Machine(
        brought_up=MACHINE,
        resolved=MACHINE,
        validated=MACHINE,
        launched_at=moment(3),
        changes=Changes(added=4, changed=0, destroyed=0),
        node_ages=(Age(node="runner", at_least_ms=5 * MINUTE, less_than_ms=6 * MINUTE),),
        looked_at=moment(11),
    ),
    restored=tuple(
        Restored(key=f"atlas/backups/one/{name}", size=7, sha256=sha256(name), restored_to=True)
        for name in ("metadata.json", "state.tar.zst")
    ),
    validated=Validated(status="Success", lines=2, whole=True),
    told=Told(published=True, message_id="message-1", status="dr_validation_completed"),
    asked=Told(published=True, message_id="message-2"),
    decisions=(Decision(source="promote.json", approved="yes", approver="ada", at=moment(18)),),
    alarms=(RISE, FALL),
    run=RunSeen(
        status="SUCCEEDED",
        started_at=moment(0),
        stopped_at=moment(21),
        events=40,
        problem="",
        steps=tuple(_step(number, phase) for number, phase in enumerate(PHASES)),
        answer=None,
        cause=None,
        described_as="SUCCEEDED",
        described_execution=NAME,
    ),
    stored=tuple(
        Stored(
            key=f"atlas/receipts/{NAME}/{FILES[phase]}",
            size=len(FILES[phase]),
            md5=hashlib.md5(FILES[phase].encode()).hexdigest(),
            modified_at=moment(21),
        )
        for phase in KEPT
    ),
    manifest=ManifestSeen(listed=7),
    secrets=(),
    read_at=moment(30),
    wires=(Wire(kind="function", name="reader"), Wire(kind="role", name="keeper")),
    triggers=(
        TriggerHanded(name="rule atlas-schedule", state="DISABLED"),
        TriggerHanded(name="alarm atlas-outage", state="DISABLED"),
    ),
)
ASKED_FOR = Execution(
    phases=PHASES,
    execution_id=NAME,
    account_id=ACCOUNT,
    region=REGION,
    history=True,
    listing=True,
    manifest=True,
    decision=True,
    wiring={"function": "reader", "role": "keeper"},
    triggers=("rule atlas-schedule", "alarm atlas-outage"),
)

RAN = OBSERVED.run
assert RAN is not None
OWN_PHASES = (*PHASES, "promote")
OWN = replace(
    OBSERVED,
    files=tuple(
        FileSeen(
            name=f"{phase}.json",
            kind="receipt",
            phase=phase,
            size=len(phase),
            sha256=sha256(phase),
            md5=hashlib.md5(phase.encode()).hexdigest(),
        )
        for phase in OWN_PHASES
    ),
    receipts=tuple(
        replace(
            _receipt(number, phase if phase in FILES else "decision"),
            phase=phase,
            says_phase=phase,
            file=f"{phase}.json",
            form="drproof",
            given_sha256="",
            account_id=ACCOUNT if number else "444455556666",
            result_sha256=sha256(f"result {phase}"),
        )
        for number, phase in enumerate(OWN_PHASES)
    ),
    machine=replace(OBSERVED.machine, node_ages=(), looked_at=""),
    decisions=(
        Decision(
            source="history",
            approved="yes",
            approver="ada",
            at=moment(19),
            ticket="DR-7",
            decided_at=moment(18, 30),
            expires_at=moment(40),
        ),
    ),
    alarms=(),
    run=replace(
        RAN,
        steps=tuple(_step(number, phase) for number, phase in enumerate(OWN_PHASES)),
        last_state="PromoteApproved",
        requested_by="olga",
    ),
    stored=tuple(
        Stored(
            key=f"atlas/receipts/{NAME}/{phase}.json",
            size=len(phase),
            md5=hashlib.md5(phase.encode()).hexdigest(),
            modified_at=moment(21),
        )
        for phase in OWN_PHASES
    ),
    manifest=None,
    acts=tuple(
        ActSeen(name=phase, asked=1, answered=1, answers=(sha256(f"result {phase}"),))
        for phase in OWN_PHASES
        if phase != "request_manual_approval"
    ),
    builds=(
        BuildHanded(
            build_id="infra:6",
            action="bringup",
            status="SUCCEEDED",
            execution=NAME,
            started_at=moment(4),
            ended_at=moment(5),
        ),
        BuildHanded(
            build_id="infra:7",
            action="teardown",
            status="SUCCEEDED",
            execution=NAME,
            started_at=moment(22),
            ended_at=moment(24),
        ),
    ),
)
"""An execution of our own orchestrator: two sites, a decision by the interface, and torn down."""
OWN_ASKED = replace(ASKED_FOR, phases=OWN_PHASES, manifest=False, decision=False, own=True)
BY_PEOPLE = Approval(approvers=(Approver(keyid=APPROVER.keyid, public_key=APPROVER.public_key),))
"""What the trust file of whoever checks it says."""
SAID = Signed(
    approved=True,
    approver="arn:aws:sts::444455556666:assumed-role/approver/ada",
    account_id="444455556666",
    ticket="DR-7",
    reason="seen",
    decided_at=moment(17),
    expires_at=moment(40),
    drill_id=NAME,
    execution_arn=f"arn:aws:states:{REGION}:{ACCOUNT}:execution:atlas-dr:{NAME}",
    plan_sha256=sha256("plan"),
    validation_sha256=sha256("result validate"),
)
EXECUTION_FILES = {
    "evidence/read_execution/answer.json": {
        "signed": encode(approvals.sign(SAID, sha256("opening"), (APPROVER,))),
        "opening": sha256("opening"),
    }
}
