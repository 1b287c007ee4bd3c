"""What each phase observes when all goes well, and the criteria that it meets."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from drproof.model.context import DRILL_TAG
from drproof.model.criteria import Backup, Criteria, Site, Sites
from drproof.model.receipt import Caller
from drproof.phases.backup.read_restore_point import (
    ArchiveSeen,
    ControlPlaneSeen,
    ObjectSeen,
    RestorePointObserved,
    SectionSeen,
)
from drproof.phases.health.check_health import HealthObserved, MarkerSeen, PointerSeen
from drproof.phases.preflight.check_preflight import Need, PreflightObserved
from drproof.phases.recovery.bringup import BringupObserved
from drproof.phases.recovery.capture_alarms import AlarmSeen, AlarmsObserved
from drproof.phases.recovery.notify import NotifyObserved
from drproof.phases.recovery.promote import PromoteObserved
from drproof.phases.recovery.request_manual_approval import ApprovalRequested
from drproof.phases.recovery.resolve_runner import RunnerObserved
from drproof.phases.recovery.restore import RestoreObserved, Source
from drproof.phases.recovery.teardown import Item, TeardownObserved
from drproof.phases.recovery.validate import CommandSeen, Look, ValidateObserved

HOUR = 3_600_000
DRILL = "drill-1"
MACHINE = "i-0123456789abcdef0"
IMAGE = "atlas/runner@sha256:" + "ab" * 32
URI = "s3://atlas-backups/atlas/backups/backup-1"
TOPIC = "arn:aws:sns:us-west-2:444455556666:people"
PRIMARY = Caller(arn="arn:aws:iam::111122223333:role/drill", account_id="111122223333", region="us-east-1")
RECOVERY = Caller(arn="arn:aws:iam::444455556666:role/drill", account_id="444455556666", region="us-west-2")

CRITERIA = Criteria(
    rto_ms=HOUR,
    rpo_ms=24 * HOUR,
    freshness_limit_ms=26 * HOUR,
    backup=Backup(
        uri=URI,
        objects=("metadata.json", "state.tar.zst", "datasets.tar.zst"),
        archives=("state.tar.zst", "datasets.tar.zst"),
    ),
    control_plane_sections=("alerts", "queries"),
    pointers=("global", "provider"),
    alarms=("freshness", "correctness"),
    validation_commands=("disk", "state"),
    image_ref=IMAGE,
    sites=Sites(
        primary=Site(account_id="111122223333", region="us-east-1", owner="111122223333"),
        recovery=Site(account_id="444455556666", region="us-west-2", owner="444455556666"),
    ),
    force_recovery=True,
    notification_expected=True,
)


def sha256(text: str) -> str:
    """Return the digest of a text."""
    return hashlib.sha256(text.encode()).hexdigest()


def at(minute: int, second: int = 0) -> str:
    """Return an instant of the drill's hour."""
    return f"2026-01-31T12:{minute:02d}:{second:02d}.000Z"


# The second archive holds no directory and one member less: whoever takes one kind or archive for another must trip.
MEMBERS: dict[str, Any] = {
    "state.tar.zst": [
        {"path": "./runs/", "kind": "directory", "size": 0, "sha256": ""},
        {"path": "./runs/one.json", "kind": "file", "size": 4, "sha256": sha256("runs/one.json")},
        {"path": "./runs/two.json", "kind": "file", "size": 5, "sha256": sha256("runs/two.json")},
    ],
    "datasets.tar.zst": [
        {"path": "rows.csv", "kind": "file", "size": 7, "sha256": sha256("rows.csv")},
        {"path": "more.csv", "kind": "file", "size": 2, "sha256": sha256("more.csv")},
    ],
}
READ_BACK: dict[str, Any] = {
    "state.tar.zst": [
        {"path": "runs/one.json", "size": 4, "sha256": sha256("runs/one.json")},
        {"path": "runs/two.json", "size": 5, "sha256": sha256("runs/two.json")},
    ],
    "datasets.tar.zst": [
        {"path": "more.csv", "size": 2, "sha256": sha256("more.csv")},
        {"path": "rows.csv", "size": 7, "sha256": sha256("rows.csv")},
    ],
}


def change(when: str, old: str, new: str, *, threshold: float, points: Mapping[str, float]) -> dict[str, Any]:
    """Return a transition as the platform writes it; `points` maps instants to values."""
    data = {
        "version": "1.0",
        "oldState": {"stateValue": old},
        "newState": {
            "stateValue": new,
            "stateReasonData": {
                "threshold": threshold,
                "evaluatedDatapoints": [{"timestamp": moment, "value": value} for moment, value in points.items()],
            },
        },
    }
    return {"Timestamp": when, "HistoryItemType": "StateUpdate", "HistoryData": json.dumps(data)}


def outage(threshold: float, beyond: float) -> list[dict[str, Any]]:
    """Return an alarm's history of an outage that begins and ends inside the drill."""
    return [
        change(at(5), "OK", "ALARM", threshold=threshold, points={"2026-01-31T12:04:00.000+0000": beyond}),
        change(at(20), "ALARM", "OK", threshold=threshold, points={"2026-01-31T12:19:00.000+0000": threshold}),
    ]


HISTORY: dict[str, Any] = {"freshness": outage(26, 30.5), "correctness": outage(0.5, 1)}
FILES: dict[str, Any] = {
    "evidence/read_restore_point/members.json": MEMBERS,
    "evidence/restore/read_back.json": READ_BACK,
    "evidence/capture_alarms/history.json": HISTORY,
}

HEALTH = HealthObserved(
    bucket="atlas-primary",
    pointers=tuple(
        PointerSeen(
            label=label, key=f"state/{label}.json", status="ok", run_id="run-7", run_path="runs/run-7", ended_at=at(0)
        )
        for label in CRITERIA.pointers
    ),
    marker=MarkerSeen(key="runs/run-7/top.md", status="ok", size=12),
    run_id="run-7",
    ended_at="2026-01-31T11:00:00.000Z",
    age_ms=HOUR,
    metrics=("PipelineFreshnessHours",),
    dimensions={"Project": "atlas"},
    needs_dr=True,
    forced=True,
    reasons=(),
)


def _object(name: str, size: int) -> ObjectSeen:
    promised = name != "metadata.json"
    return ObjectSeen(
        name=name,
        key=f"atlas/backups/backup-1/{name}",
        status="ok",
        version=f"version of {name}",
        size=size,
        sha256=sha256(name),
        promised_size=size if promised else None,
        promised_sha256=sha256(name) if promised else "",
    )


POINT = RestorePointObserved(
    uri=URI,
    bucket="atlas-backups",
    prefix="atlas/backups/backup-1",
    problem="",
    backup_id="backup-1",
    metadata_uri=URI,
    created_at="2026-01-31T11:00:00Z",
    objects=(_object("metadata.json", 300), _object("state.tar.zst", 700), _object("datasets.tar.zst", 800)),
    archives=(
        ArchiveSeen(name="state.tar.zst", members=3, files=2, size=9),
        ArchiveSeen(name="datasets.tar.zst", members=2, files=2, size=9),
    ),
    control_plane=ControlPlaneSeen(
        pointer_key="atlas/control-plane/current.json",
        bundle_uri="s3://atlas-backups/atlas/control-plane/bundle.tar.gz",
        pointed_sha256=sha256("bundle"),
        bundle_sha256=sha256("bundle"),
        bundle_size=512,
        created_at="2026-01-31T11:00:00Z",
        image_ref=IMAGE,
        manifest_image_ref=IMAGE,
        listed=4,
        sections=(
            SectionSeen(name="alerts", files=2, size=20, records=1),
            SectionSeen(name="queries", files=2, size=30, records=1),
        ),
    ),
)
BROUGHT_UP = BringupObserved(
    origin=DRILL,
    provisioner="direct",
    provisioner_version="1",
    state_uri="s3://atlas-state/runner.json",
    start="cold",
    created=1,
    changed=0,
    destroyed=0,
    instance_ids=(MACHINE,),
    present_before=(),
)
RUNNER = RunnerObserved(
    instance_id=MACHINE,
    state="running",
    instance_type="t4g.medium",
    public_ip="",
    private_ip="10.0.0.1",
    key_name="",
    security_group="",
    launched_at=at(2),
    tags={"Name": "runner", DRILL_TAG: DRILL},
    candidates=(MACHINE,),
)
RESTORED = RestoreObserved(
    bucket="atlas-recovery",
    prefix=f"drills/{DRILL}",
    origin=DRILL,
    sources=tuple(
        Source(name=name, version=f"version of {name}", sha256=sha256(name), files=files, size=9)
        for name, files in (("state.tar.zst", 2), ("datasets.tar.zst", 2))
    ),
    files=4,
    size=18,
    read_back=4,
    unexpected=0,
)


def _command(name: str) -> CommandSeen:
    return CommandSeen(
        name=name,
        command=f"show {name}",
        command_id=f"id of {name}",
        status="Success",
        exit_status=0,
        stdout_tail=("fine",),
        stderr_tail=(),
    )


LOOK = Look(entries=3, unreadable=0, sha256=sha256("look"))
VALIDATED = ValidateObserved(
    instance_id=MACHINE,
    commands=(_command("disk"), _command("state")),
    watched=("/srv/state",),
    before=LOOK,
    commands_before=0,
    after=LOOK,
    changed=(),
)
NOTIFIED = NotifyObserved(
    topic_arn=TOPIC, status="dr_validation_completed", subject="drill", message_id="message-1", message="{}"
)
ASKED = ApprovalRequested(topic_arn=TOPIC, subject="approval wanted", message_id="message-2", decision="pending")
DECIDED = PromoteObserved(
    mode="manual_bypass",
    approved=True,
    approver="somebody",
    ticket="",
    reason="",
    decided_at=at(34),
    instance_id=MACHINE,
    restore_point=URI,
    image_ref=IMAGE,
    promotion_status="recorded_nothing_switched",
)
ALARMS = AlarmsObserved(
    since=at(0),
    until=at(36),
    alarms=tuple(
        AlarmSeen(name=name, state="OK", comparison="GreaterThanThreshold", transitions=2) for name in CRITERIA.alarms
    ),
)
OWN = (
    Item(kind="instance", identity=MACHINE, state="running"),
    Item(kind="objects", identity=f"s3://atlas-recovery/drills/{DRILL}/", count=4),
)
STRANGER = Item(kind="instance", identity="i-0fedcba9876543210", state="running")
TORN_DOWN = TeardownObserved(
    origin=DRILL,
    intended=2,
    created=2,
    before=OWN,
    destroyed=1,
    removed=OWN,
    residue=(),
    foreign_before=(STRANGER,),
    foreign=(STRANGER,),
)
PREFLIGHT = PreflightObserved(
    primary=PRIMARY,
    recovery=RECOVERY,
    restore_point=tuple(Need(name=name, place=f"{URI}/{name}", status="ok") for name in CRITERIA.backup.objects),
    control_plane=Need(name="control plane", place="s3://atlas-backups/atlas/control-plane/current.json", status="ok"),
    state_bucket=Need(name="state bucket", place="s3://atlas-state", status="ok"),
    recovery_bucket=Need(name="recovery bucket", place="s3://atlas-recovery", status="ok"),
    architectures=("arm64",),
    image_status="ok",
    state_lock="",
    lease="",
    runners=(),
)
