"""What each phase observes when all goes well, and the criteria that it meets."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from drproof.analysis.state_report import digest_of
from drproof.model.alarms import AlarmRule
from drproof.model.changes import Planned
from drproof.model.context import DRILL_TAG
from drproof.model.criteria import Backup, Cadence, Criteria, Plausibility, Site, Sites, Storing, Workload
from drproof.model.receipt import Caller
from drproof.phases.backup.beside import BucketSeen, CanarySeen, LookSeen, MembersSeen, PublishedSeen
from drproof.phases.backup.observed import (
    ArchiveSeen,
    ControlPlaneSeen,
    ManifestRead,
    ObjectSeen,
    PointerRead,
    RestorePointObserved,
    SectionSeen,
)
from drproof.phases.health.check_health import HealthObserved, MarkerSeen, PointerSeen
from drproof.phases.health.read_alarms import AlarmRules
from drproof.phases.preflight.check_preflight import Need, PreflightObserved
from drproof.phases.recovery.bringup import BringupObserved
from drproof.phases.recovery.capture_alarms import AlarmSeen, AlarmsObserved
from drproof.phases.recovery.census import Item
from drproof.phases.recovery.commands import CommandSeen
from drproof.phases.recovery.inspect_cluster import ClusterInspected, CronJobSeen, PullSecretSeen
from drproof.phases.recovery.inspect_runner import Look, RunnerInspected
from drproof.phases.recovery.job import REPORT, WORKLOAD
from drproof.phases.recovery.notify import NotifyObserved
from drproof.phases.recovery.promote import PromoteObserved
from drproof.phases.recovery.reach_cluster import ClusterObserved, NodeSeen
from drproof.phases.recovery.request_manual_approval import ApprovalRequested
from drproof.phases.recovery.resolve_runner import RunnerObserved
from drproof.phases.recovery.restore import Applied, RestoreObserved
from drproof.phases.recovery.restore_state import Source, StateObserved
from drproof.phases.recovery.sources import DocumentSeen
from drproof.phases.recovery.teardown import TeardownObserved
from drproof.phases.recovery.validate import ArchiveReported, ContainerSeen, ValidateObserved
from tests.contracts.observed_execution import ASKED_FOR
from tests.contracts.observed_preflight import DEMANDED
from tests.contracts.observed_published import PUBLISHED
from tests.contracts.observed_terraform import BY_ITSELF, GUARDRAILS

HOUR = 3_600_000
DRILL = "drill-1"
MACHINE = "i-0123456789abcdef0"
REGISTRY = "111122223333.dkr.ecr.us-east-1.amazonaws.com"
DIGEST = "sha256:" + "ab" * 32
IMAGE = f"{REGISTRY}/atlas@{DIGEST}"
CLUSTER = "0b5c1d6e-1111-4222-8333-944445555666"
NAMESPACE = "atlas"
CHALLENGE = hashlib.sha256(b"challenge").hexdigest()
CANARY = json.dumps({"canary_id": "1", "written_at": "2026-01-31T10:59:00Z"})
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
        objects=("metadata.json", "state.tar.zst", "manifests.tar.zst"),
        archives=("state.tar.zst", "manifests.tar.zst"),
        member_manifests="required",
        checksums="promised",
        failure_domain="bucket",
        protection="versions",
        published=Plausibility(
            bucket="atlas-primary", prefix="atlas", candidate="local", state="state.tar.zst", share=20
        ),
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
    workload=Workload(
        namespace=NAMESPACE,
        cronjobs=("atlas-daily",),
        service_account="atlas",
        publishing_config_map="atlas-config",
        publishing_off={"PUBLISH_S3": "0", "PUBLISH_S3_DRY_RUN": "1"},
        canary="state.tar.zst/canary.json",
        requests={"cpu": "250m", "memory": "512Mi"},
        limits={"cpu": "1", "memory": "2Gi"},
        deadline_seconds=2700,
        environment={"STATE": "{state_prefix}/state.tar.zst"},
        challenge=CHALLENGE,
    ),
    force_recovery=True,
    notification_expected=True,
    storing=Storing(uri="s3://atlas-receipts/receipts", owner="444455556666"),
    execution=ASKED_FOR,
    published=PUBLISHED,
    architectures=("arm64",),
    preflight=DEMANDED,
    guardrails=GUARDRAILS,
    by_itself=BY_ITSELF,
    cadence=Cadence(
        schedule="0 1,13 * * *",
        longest_gap_ms=12 * HOUR,
        slack_ms=HOUR,
        metrics_every_ms=900_000,
        age_metric="PipelineFreshnessHours",
        fault_values={"PublishCorrectness": "1"},
    ),
)


def sha256(text: str) -> str:
    """Return the digest of a text."""
    return hashlib.sha256(text.encode()).hexdigest()


def at(minute: int, second: int = 0) -> str:
    """Return an instant of the drill's hour."""
    return f"2026-01-31T{12 + minute // 60}:{minute % 60:02d}:{second:02d}.000Z"


def _yaml(name: str) -> str:
    return f"manifests/{name}.yaml"


MANIFEST_FILES = ("account", "config", "daily")
# The second archive holds no directory: whoever takes one kind or archive for another must trip.
MEMBERS: dict[str, Any] = {
    "state.tar.zst": [
        {"path": "./runs/", "kind": "directory", "size": 0, "sha256": ""},
        {"path": "./canary.json", "kind": "file", "size": len(CANARY), "sha256": sha256(CANARY)},
        {"path": "./runs/one.json", "kind": "file", "size": 4, "sha256": sha256("runs/one.json")},
        {"path": "./runs/two.json", "kind": "file", "size": 5, "sha256": sha256("runs/two.json")},
    ],
    "manifests.tar.zst": [
        *({"path": _yaml(one), "kind": "file", "size": 9, "sha256": sha256(one)} for one in MANIFEST_FILES),
        {"path": "README.md", "kind": "file", "size": 2, "sha256": sha256("README.md")},
    ],
}
READ_BACK: dict[str, Any] = {
    archive: [
        {"path": row["path"].removeprefix("./"), "size": row["size"], "sha256": row["sha256"]}
        for row in rows
        if row["kind"] == "file"
    ]
    for archive, rows in MEMBERS.items()
}
PROMISED: dict[str, Any] = {
    archive: [
        {"path": row["path"], "size": row["size"], "sha256": row["sha256"]} for row in rows if row["kind"] == "file"
    ]
    for archive, rows in MEMBERS.items()
}
CONTROL_PLANE: dict[str, Any] = {
    path: sha256(path) for path in ("alerts/alerts.json", "alerts/deep/more.json", "queries/all.json")
}


def _object(kind: str, name: str, **content: Any) -> dict[str, Any]:
    api_version = "batch/v1" if kind == "CronJob" else "v1"
    metadata = {"name": name, "namespace": NAMESPACE}
    return {"apiVersion": api_version, "kind": kind, "metadata": metadata, **content}


def _section(name: str) -> dict[str, Any]:
    files = [path for path in CONTROL_PLANE if path.startswith(f"{name}/")]
    found = _object(
        "ConfigMap",
        f"{NAMESPACE}-control-plane-{name}",
        data={path.partition("/")[2].replace("/", "__"): path for path in files},
    )
    found["metadata"]["annotations"] = {"drproof.io/bundle-sha256": sha256("bundle")}
    return found


_OFF = [{"name": name, "value": value} for name, value in CRITERIA.workload.publishing_off.items()]
_DAILY: dict[str, Any] = {
    "name": "daily",
    "image": "atlas:old",
    "args": ["run"],
    "env": [{"name": "MODE", "value": "snapshot"}, {"name": "STATE", "value": "old"}, *_OFF],
    "envFrom": [{"configMapRef": {"name": "atlas-config"}}],
}
_PODS: dict[str, Any] = {"restartPolicy": "Never", "containers": [_DAILY]}
_OBJECTS = (
    _object("ServiceAccount", "atlas", imagePullSecrets=[{"name": "ecr-pull"}]),
    _object("ConfigMap", "atlas-config", data={"PUBLISH_S3": "0", "PUBLISH_S3_DRY_RUN": "1", "MODE": "snapshot"}),
    _object(
        "CronJob",
        "atlas-daily",
        spec={"schedule": "0 13 * * *", "suspend": True, "jobTemplate": {"spec": {"template": {"spec": _PODS}}}},
    ),
    *(_section(name) for name in ("alerts", "queries")),
)
WANTED: dict[str, Any] = {f"{one['kind']}/{one['metadata']['name']}": one for one in _OBJECTS}
LIVE: dict[str, Any] = json.loads(json.dumps(WANTED))
LIVE["CronJob/atlas-daily"]["spec"]["concurrencyPolicy"] = "Allow"
AFTER: dict[str, Any] = json.loads(json.dumps(LIVE))
_SUBMITTED: dict[str, Any] = {
    "restartPolicy": "Never",
    "initContainers": [{"name": REPORT, "image": IMAGE, "command": ["python3", "-c", "…"]}],
    "containers": [
        {
            **_DAILY,
            "name": WORKLOAD,
            "image": IMAGE,
            "env": [_DAILY["env"][0], {"name": "STATE", "value": f"drills/{DRILL}/state.tar.zst"}, *_OFF],
        }
    ],
}
JOB: dict[str, Any] = {"submitted": _SUBMITTED, "ran": {**json.loads(json.dumps(_SUBMITTED)), "nodeName": "runner"}}


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
    "evidence/read_restore_point/promised_members.json": PROMISED,
    "evidence/read_restore_point/control_plane.json": CONTROL_PLANE,
    "evidence/restore_state/read_back.json": READ_BACK,
    "evidence/restore/wanted.json": WANTED,
    "evidence/inspect_cluster/live.json": LIVE,
    "evidence/validate/after.json": AFTER,
    "evidence/validate/job.json": JOB,
    "evidence/promote/decision.json": {"signed": None, "refused": []},
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
    metrics=("PipelineFreshnessHours", "PublishCorrectness"),
    namespace="Atlas/DR",
    dimensions={"Project": "atlas"},
    needs_dr=True,
    forced=True,
    reasons=(),
)
RULES = AlarmRules(
    alarms=tuple(
        AlarmRule(
            state="OK",
            name=name,
            kind="metric",
            namespace="Atlas/DR",
            metric=metric,
            dimensions={"Project": "atlas"},
            statistic="Maximum",
            comparison="GreaterThanThreshold",
            threshold=threshold,
            period_ms=900_000,
            periods=1,
            datapoints=1,
            missing_data="breaching",
            actions_enabled=True,
            actions=(TOPIC,),
            insufficient_data_actions=(),
        )
        for name, metric, threshold in zip(CRITERIA.alarms, HEALTH.metrics, ("20.0", "0.5"), strict=True)
    ),
    absent=(),
    freshness_limit_ms=CRITERIA.freshness_limit_ms,
    schedule="0 1,13 * * *",
    schedule_gap_ms=13 * HOUR,
)


def _backed_up(name: str, size: int) -> ObjectSeen:
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


def _looked_at(key: str) -> LookSeen:
    return LookSeen(
        uri=f"s3://atlas-backups/{key}",
        version=f"version of {key}",
        etag=f"etag of {key}",
        size=300,
        modified_at=at(0),
        status_after="ok",
        version_after=f"version of {key}",
        etag_after=f"etag of {key}",
        size_after=300,
        modified_after=at(0),
    )


def _bucket(role: str, name: str) -> BucketSeen:
    return BucketSeen(
        role=role,
        name=name,
        status="ok",
        owner="111122223333",
        region="us-east-1",
        versioning="enabled",
        object_lock="none",
        replication="none",
    )


POINT = RestorePointObserved(
    uri=URI,
    bucket="atlas-backups",
    prefix="atlas/backups/backup-1",
    problem="",
    backup_id="backup-1",
    metadata_uri=URI,
    created_at="2026-01-31T11:00:00Z",
    objects=(_backed_up("metadata.json", 300), _backed_up("state.tar.zst", 700), _backed_up("manifests.tar.zst", 800)),
    archives=(
        ArchiveSeen(
            name="state.tar.zst",
            members=4,
            files=3,
            size=9 + len(CANARY),
            frames=1,
            checksummed_frames=1,
            window=1 << 20,
        ),
        ArchiveSeen(
            name="manifests.tar.zst", members=4, files=4, size=29, frames=2, checksummed_frames=2, window=1 << 20
        ),
    ),
    control_plane=ControlPlaneSeen(
        pointer_key="atlas/control-plane/current.json",
        bundle_uri=f"s3://atlas-backups/atlas/control-plane/bundles/20260131T110000Z-{sha256('bundle')[:12]}.tar.gz",
        pointed_sha256=sha256("bundle"),
        bundle_sha256=sha256("bundle"),
        bundle_size=512,
        created_at="20260131T110000Z",
        image_ref=IMAGE,
        manifest_image_ref=IMAGE,
        listed=4,
        sections=(
            SectionSeen(
                name="alerts", files=2, size=20, records=1, schema_version="1", listed_version="1", map_size=40
            ),
            SectionSeen(
                name="queries", files=2, size=30, records=1, schema_version='"v2"', listed_version='"v2"', map_size=50
            ),
        ),
        pointer=PointerRead(schema_version=1, git_sha="ab" * 20, bundles=2, newest_created_at="20260131T110000Z"),
        manifest=ManifestRead(
            sha256=sha256("manifest"),
            schema_version=1,
            created_at="20260131T110000Z",
            git_sha="ab" * 20,
            sections=("alerts", "queries"),
            other_size=(),
            nested=("queries/local/manifest.json",),
            nested_listed=("queries/local/manifest.json",),
        ),
    ),
    schema_version=2,
    looks=tuple(
        _looked_at(key)
        for key in (
            *(f"atlas/backups/backup-1/{name}" for name in CRITERIA.backup.objects),
            *(f"atlas/backups/backup-1/{name}.members.json" for name in PROMISED),
            "atlas/control-plane/current.json",
            f"atlas/control-plane/bundles/20260131T110000Z-{sha256('bundle')[:12]}.tar.gz",
        )
    ),
    members=tuple(
        MembersSeen(
            archive=name,
            inside=False,
            uri=f"{URI}/{name}.members.json",
            promised_sha256=sha256(f"members of {name}"),
            sha256=sha256(f"members of {name}"),
            listed=len(rows),
        )
        for name, rows in PROMISED.items()
    ),
    canary=CanarySeen(
        path="state.tar.zst/canary.json",
        promised_sha256=sha256(CANARY),
        sha256=sha256(CANARY),
        written_at="2026-01-31T10:59:00Z",
    ),
    published=PublishedSeen(
        uri="s3://atlas-primary/atlas/runs/run-7/", run_id="run-7", objects=5, size=20 * (9 + len(CANARY))
    ),
    buckets=(_bucket("backup", "atlas-backups"), _bucket("published", "atlas-primary")),
)
BROUGHT_UP = BringupObserved(
    origin=DRILL,
    provisioner="direct",
    provisioner_version="1",
    providers={"registry.example/atlas/aws": "6.1.0"},
    state_uri="s3://atlas-state/runner.json",
    start="cold",
    created=1,
    changed=0,
    destroyed=0,
    instance_ids=(MACHINE,),
    present_before=(),
    planned=Planned(create=1, change=0, destroy=0),
    applied=Planned(create=1, change=0, destroy=0),
    held=(MACHINE,),
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
REACHED = ClusterObserved(
    uid=CLUSTER,
    machine_uid=CLUSTER,
    source="bringup_generated",
    context="default",
    server="https://10.0.0.1:6443",
    version="v1.31.5+k3s1",
    nodes=(NodeSeen(name="runner", ready=True, architecture="arm64", memory="4Gi"),),
)
MATERIALISED = StateObserved(
    bucket="atlas-recovery",
    prefix=f"drills/{DRILL}",
    origin=DRILL,
    sources=tuple(
        Source(name=name, version=f"version of {name}", sha256=sha256(name), files=files, size=size)
        for name, files, size in (("state.tar.zst", 3, 9 + len(CANARY)), ("manifests.tar.zst", 4, 29))
    ),
    files=7,
    size=38 + len(CANARY),
    read_back=7,
    unexpected=0,
)
RESTORED = RestoreObserved(
    uid=CLUSTER,
    namespace=NAMESPACE,
    namespace_uid="uid of the namespace",
    namespace_created=True,
    manifests_sha256=sha256("manifests.tar.zst"),
    bundle_sha256=sha256("bundle"),
    documents=(
        *(
            DocumentSeen(path=_yaml(file), sha256=sha256(file), objects=(name,))
            for file, name in zip(MANIFEST_FILES, WANTED, strict=False)
        ),
        DocumentSeen(path="README.md", sha256=sha256("README.md"), objects=()),
    ),
    objects=tuple(
        Applied(
            name=name,
            origin="control_plane" if "control-plane" in name else "backup",
            uid=f"uid of {name}",
            resource_version=str(number),
            created=True,
        )
        for number, name in enumerate(WANTED)
    ),
    left_out=("Pod/atlas-daily-1",),
    overrides=("CronJob/atlas-daily: suspended",),
    pull_secret="ecr-pull",
    registry=REGISTRY,
    login_expires_at="2026-02-01T00:00:00Z",
)
INSPECTED = ClusterInspected(
    uid=CLUSTER,
    namespace=NAMESPACE,
    namespace_uid="uid of the namespace",
    nodes=REACHED.nodes,
    missing=(),
    cronjobs=(CronJobSeen(name="atlas-daily", present=True, suspended=True, image=IMAGE),),
    schedules_that_run=(),
    publishing={"PUBLISH_S3": "0", "PUBLISH_S3_DRY_RUN": "1"},
    switched_on=(),
    pull_secret=PullSecretSeen(
        name="ecr-pull",
        present=True,
        of_the_right_type=True,
        registries=(REGISTRY,),
        service_account="atlas",
        linked=("ecr-pull",),
    ),
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
LOOKED_AT = RunnerInspected(
    instance_id=MACHINE,
    commands=(_command("disk"), _command("state")),
    watched=("/srv/state",),
    before=LOOK,
    commands_before=0,
    after=LOOK,
    changed=(),
)


def _reported(archive: str) -> ArchiveReported:
    wanted = digest_of(READ_BACK[archive], nonce=CHALLENGE)
    return ArchiveReported(archive=archive, files=wanted.files, size=wanted.size, sha256=wanted.sha256)


VALIDATED = ValidateObserved(
    uid=CLUSTER,
    namespace=NAMESPACE,
    job="dr-validate-0123456789abcdef-1",
    source="cronjob",
    node="runner",
    containers=tuple(
        ContainerSeen(
            name=name,
            image=IMAGE,
            digest=DIGEST,
            pulled="registry",
            policy="Always",
            publishing=CRITERIA.workload.publishing_off,
            exit_code=0,
            reason="Completed",
        )
        for name in (REPORT, WORKLOAD)
    ),
    requests=CRITERIA.workload.requests,
    limits=CRITERIA.workload.limits,
    deadline_seconds=CRITERIA.workload.deadline_seconds,
    condition="Complete",
    run_id="run-8",
    reports=tuple(_reported(name) for name in CRITERIA.backup.archives),
    canary=CANARY,
    schedules_that_run=(),
    unanswered=0,
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
    made=(MACHINE,),
    held_before=(MACHINE,),
    removed=OWN,
    residue=(),
    foreign_before=(STRANGER,),
    foreign=(STRANGER,),
    provisioner=BROUGHT_UP.provisioner,
    provisioner_version=BROUGHT_UP.provisioner_version,
    providers=BROUGHT_UP.providers,
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
    image_media_type="application/vnd.oci.image.index.v1+json",
    instance_type="t4g.medium",
    state_lock="",
    lease="",
    runners=(),
    receipt_store=Need(name="receipt store", place="s3://atlas-receipts/receipts", status="ok"),
)
