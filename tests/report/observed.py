"""What the phases of a drill observe, in the few facts that pages and derived files show."""

from dataclasses import dataclass, field
from typing import Any

from drproof.phases.recovery.census import Item

URI = "s3://atlas-backups/atlas/backups/backup-20261101T021500Z"
IMAGE = "111122223333.dkr.ecr.us-east-1.amazonaws.com/atlas@sha256:" + "8" * 64
SHA = "ab" * 32
CLUSTER = "0b5c1d6e-1111-4222-8333-944445555666"


@dataclass(frozen=True, kw_only=True)
class Health:
    needs_dr: bool = True
    forced: bool = True
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Section:
    name: str
    files: int
    size: int = 10
    records: int = 0


@dataclass(frozen=True, kw_only=True)
class ManifestOfTheControlPlane:
    sha256: str = "cd" * 32
    git_sha: str = "ef" * 20


@dataclass(frozen=True, kw_only=True)
class ControlPlane:
    bundle_uri: str = "s3://atlas-backups/atlas/control-plane/bundles/b.tar.gz"
    bundle_sha256: str = SHA
    created_at: str = "20261101T020000Z"
    manifest_image_ref: str = IMAGE
    sections: tuple[Section, ...] = (
        Section(name="candidates", files=4, records=3),
        Section(name="alerts", files=2, records=2),
        Section(name="providers", files=1, records=1),
        Section(name="scoring", files=5, records=5),
    )
    manifest: ManifestOfTheControlPlane | None = field(default_factory=ManifestOfTheControlPlane)


@dataclass(frozen=True, kw_only=True)
class RestorePoint:
    uri: str = URI
    created_at: str = "2026-11-01T02:15:00Z"
    control_plane: ControlPlane = field(default_factory=ControlPlane)


@dataclass(frozen=True, kw_only=True)
class Bringup:
    start: str = "cold"
    instance_ids: tuple[str, ...] = ("i-0123456789abcdef0",)


@dataclass(frozen=True, kw_only=True)
class Runner:
    instance_id: str = "i-0123456789abcdef0"
    instance_type: str = "t4g.medium"
    public_ip: str = "203.0.113.7"
    key_name: str = "atlas-key"
    security_group: str = "sg-1"


@dataclass(frozen=True, kw_only=True)
class Reached:
    uid: str = CLUSTER
    source: str = "bringup_generated"
    server: str = "https://203.0.113.7:6443"
    version: str = "v1.31.5+k3s1"


@dataclass(frozen=True, kw_only=True)
class Materialised:
    files: int = 3


@dataclass(frozen=True, kw_only=True)
class Object:
    name: str
    origin: str = "backup"


@dataclass(frozen=True, kw_only=True)
class Restored:
    namespace_created: bool = True
    objects: tuple[Object, ...] = (
        Object(name="ServiceAccount/atlas"),
        Object(name="CronJob/atlas-daily"),
        Object(name="ConfigMap/atlas-control-plane-alerts", origin="control_plane"),
    )
    left_out: tuple[str, ...] = ()
    overrides: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Inspected:
    commands: tuple[str, ...] = ("host_answers",)


@dataclass(frozen=True, kw_only=True)
class Ran:
    name: str
    digest: str = f"sha256:{SHA}"
    pulled: str = "registry"


@dataclass(frozen=True, kw_only=True)
class Validated:
    namespace: str = "atlas"
    job: str = "dr-validate-0123456789abcdef-1"
    source: str = "cronjob"
    node: str = "atlas-runner"
    containers: tuple[Ran, ...] = (Ran(name="report-state"), Ran(name="workload"))
    requests: dict[str, str] = field(default_factory=lambda: {"cpu": "250m", "memory": "512Mi"})
    limits: dict[str, str] = field(default_factory=lambda: {"cpu": "1", "memory": "2Gi"})
    deadline_seconds: int = 2700
    run_id: str = "2026-11-01T08:00:30+00:00"


@dataclass(frozen=True, kw_only=True)
class Requested:
    topic_arn: str = "arn:aws:sns:us-west-2:444455556666:dr"
    message_id: str = "m-1"


@dataclass(frozen=True, kw_only=True)
class Decision:
    mode: str = "manual_bypass"
    approved: bool = True
    approver: str = "ada"
    ticket: str = "DR-7"
    reason: str = "the drill went well"
    decided_at: str = "2026-11-01T08:01:00.000Z"
    promotion_status: str = "recorded_nothing_switched"


@dataclass(frozen=True, kw_only=True)
class Left:
    kind: str
    identity: str
    state: str = ""
    remove_command: str = ""


@dataclass(frozen=True, kw_only=True)
class Torn:
    destroyed: int = 1
    before: tuple[Left, ...] = (Left(kind="instance", identity="i-0123456789abcdef0"),)
    residue: tuple[Left, ...] = ()
    foreign: tuple[Left, ...] = ()
    before_unsettled: tuple[Item, ...] = ()
    held_unsettled: tuple[str, ...] = ()


TYPES: dict[str, type] = {
    "check_health": Health,
    "read_restore_point": RestorePoint,
    "bringup": Bringup,
    "resolve_runner": Runner,
    "reach_cluster": Reached,
    "restore_state": Materialised,
    "restore": Restored,
    "inspect_cluster": Inspected,
    "inspect_runner": Inspected,
    "validate": Validated,
    "request_manual_approval": Requested,
    "promote": Decision,
    "teardown": Torn,
}
DONE: dict[str, Any] = {phase: observes() for phase, observes in TYPES.items()}
