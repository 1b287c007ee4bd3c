"""The bar: what must hold, fixed and hashed before the first effect."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Annotated, Literal

from msgspec import Meta

from drproof.model.receipt import END, Count, Digest, Instant, Milliseconds, Mode, Tool

AccountId = Annotated[str, Meta(pattern=rf"^[0-9]{{12}}{END}", description="an AWS account number")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """One side of a recovery: where it is and who owns it."""

    account_id: AccountId
    region: str
    owner: AccountId


@dataclass(frozen=True, slots=True, kw_only=True)
class Sites:
    """The original site and the one that takes over."""

    primary: Site
    recovery: Site


Layout = Literal["archives", "onprem"]
Demand = Literal["ignored", "promised", "required"]
FailureDomain = Literal["none", "bucket", "region", "account"]
Protection = Literal["none", "versions", "lock"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plausibility:
    """Where the original site publishes, and how small a backup may be beside its last run."""

    bucket: str
    prefix: str
    candidate: str
    state: str
    """The archive that holds the state which is published."""
    share: Count
    """Its content must come to at least one part in so many of what the last run published; 0 compares nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Backup:
    """The restore point that must be recovered, and the objects it must have."""

    uri: str
    objects: tuple[str, ...]
    archives: tuple[str, ...]
    layout: Layout = "archives"
    """How it is laid out; said by whoever asks, so that nobody can put a layout that shows less in its place."""
    member_manifests: Demand = "promised"
    """Whether every archive must have a member manifest; one that is promised is compared in any case."""
    checksums: Demand = "ignored"
    """Whether archives must carry checksums: all of them, or those whose metadata makes promises."""
    failure_domain: FailureDomain = "none"
    """What must be another one than the original site's."""
    protection: Protection = "none"
    """What of a restore point must survive whoever writes over it: its versions, or under a lock."""
    published: Plausibility | None = None
    """None where nobody said where the original site publishes."""


class Grade(StrEnum):
    """How strongly it is shown that a restore point can be recovered; each grade contains those before it."""

    EXISTENCE = "existence"
    INTEGRITY = "integrity"
    MATERIALISED = "materialised"
    APPLICATION_VERIFIED = "application_verified"


@dataclass(frozen=True, slots=True, kw_only=True)
class Workload:
    """What must be in the recovery cluster, and what its validation Job must show."""

    namespace: str
    cluster_uid: str = ""
    manifests: str = "manifests.tar.zst"
    control_plane_name: str = "{namespace}-control-plane-{section}"
    cronjobs: tuple[str, ...] = ()
    service_account: str = "default"
    pull_secret: str = "ecr-pull"  # noqa: S105 — the name of an object
    publishing_config_map: str = ""
    publishing_off: Mapping[str, str] = field(default_factory=dict)
    canary: str = ""
    """The record in the state archive that was written before the backup, as `archive/path`."""
    requests: Mapping[str, str] = field(default_factory=dict)
    limits: Mapping[str, str] = field(default_factory=dict)
    deadline_seconds: Count = 0
    environment: Mapping[str, str] = field(default_factory=dict)
    """What points the workload at the restored state; `{state_prefix}` and its like stand for where that lies."""
    command: tuple[str, ...] = ()
    arguments: tuple[str, ...] = ()
    """What runs where the backup has no CronJob of the workload."""
    kinds: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()
    """The kinds that are restored, and those that may be left out."""
    challenge: str = ""
    """What the report of the restored state must cover: it is new in every drill, so that no old report fits."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cadence:
    """How often a healthy original site is heard of; 0 and empty where nobody said."""

    schedule: str = ""
    """When it publishes: a cron line in UTC, or the duration from one run to the next."""
    longest_gap_ms: Milliseconds = 0
    """The longest time between two runs of the schedule."""
    slack_ms: Milliseconds = 0
    """How much later than the schedule says a run may end."""
    metrics_every_ms: Milliseconds = 0
    """The longest time between two datapoints of its metrics."""
    age_metric: str = ""
    """The metric that tells how old the last good run is."""
    age_unit_ms: Milliseconds = 3_600_000
    """What a 1 of that metric means."""
    fault_values: Mapping[str, str] = field(default_factory=dict)
    """What each other metric says when the site is at fault, as a decimal number."""


RetentionMode = Literal["COMPLIANCE", "GOVERNANCE"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Storing:
    """Where every receipt must lie besides, and how long a bucket that can keep it must keep it."""

    uri: str
    """The prefix, as `s3://bucket/prefix`; each drill has a folder of its own below it."""
    owner: AccountId
    retention_mode: RetentionMode = "GOVERNANCE"
    retention_days: Count = 30
    """Counted from the opening of the drill; 0 leaves it to the bucket's own rule."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Execution:
    """What an execution of another orchestrator, handed in as files, is judged by."""

    phases: tuple[str, ...] = ()
    """The phases that must have a receipt."""
    execution_id: str = ""
    account_id: str = ""
    region: str = ""
    """Which execution is meant, and where it must have run; empty where nobody said."""
    history: bool = False
    listing: bool = False
    manifest: bool = False
    """Which of the three were handed in: what was there when the bar was fixed cannot be lost afterwards."""
    decision: bool = False
    """Whether a recorded decision is demanded."""
    alarm_lead_ms: Milliseconds = 3_600_000
    """How long before the execution an alarm may have gone off that called for it."""
    own: bool = False
    """Whether it is one of drproof's own orchestrator: its receipts are those of a drill, which has its own bundle."""
    wiring: Mapping[str, str] = field(default_factory=dict)
    """What it must have used, by kind: `function`, `machine`, `project`, `role`, `topic`; else it is free."""
    triggers: tuple[str, ...] = ()
    """What may start executions by itself, as `rule NAME` and `alarm NAME`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """What the original site must have published of its last good run, and where."""

    prefix: str = ""
    provider: str = ""
    profile: str = ""
    outputs: tuple[str, ...] = ()
    """What every run puts out, each with a latest copy."""
    marker: str = ""
    """The file that says that a run was published whole."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fleet:
    """Which restore points a fleet is of: those that are named, or every folder directly below a prefix."""

    uris: tuple[str, ...] = ()
    under: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Preflight:
    """What a site must have before a drill starts."""

    credentials_ms: Milliseconds = 0
    """How long credentials must live: a drill as it is estimated, and its teardown."""
    clock_skew_ms: Milliseconds = 60_000
    """How far this machine's clock may be from the platform's."""
    quotas: tuple[str, ...] = ()
    """The quotas that bringing a machine up counts against."""
    uses: tuple[str, ...] = ()
    """The capability verbs of the phases that will run, and of the engine around them."""
    roles: tuple[str, ...] = ()
    """The parts of the orchestrator whose roles must be able to do their work: `builds`, `function` and their like."""
    triggers: tuple[str, ...] = ()
    """What starts the orchestrator by itself, as `rule NAME` and `alarm NAME`."""
    domains: tuple[str, ...] = ()
    """What may go down together: of each, recovery must have another one than the original site."""
    accepted_overlaps: tuple[str, ...] = ()
    """Those of them that the operator accepts to be the same."""
    login_expected: bool = False
    """Whether the cluster pulls the image with a login of ours."""
    cluster_expected: bool = False
    """Whether the operator's own cluster can be asked before the drill."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Guardrails:
    """What the sources of Terraform are judged by."""

    sources: tuple[str, ...] = ()
    """The modules that were handed in."""
    always_on: tuple[str, ...] = ()
    """What may be on by itself because it starts no recovery, as `module/aws_cloudwatch_event_rule.watcher`."""
    trigger_variable: str = "enable_triggers"
    """The variable that switches triggers on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ByItself:
    """What must have been drilled where something starts executions by itself."""

    drill_max_age_ms: Milliseconds = 90 * 86_400_000
    """How long ago the drill may have been closed."""
    account_id: str = ""
    region: str = ""
    """Where it must have recovered; empty where nobody said."""
    machine: str = ""
    """The ARN of the state machine that it must have been an execution of; empty where nobody named one."""
    rehearsal: bool = False
    """Whether a rehearsal counts: only where the target is the embedded world."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Approver:
    """A key whose decision counts, as the trust file of whoever ran the drill had it."""

    keyid: Digest
    public_key: str
    """PEM."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Approval:
    """Whether the drill waits at its gate for people to decide, and by which keys they may."""

    within_ms: Milliseconds = 0
    """How long it waits once people were asked; 0 waits for nobody."""
    approvers: tuple[Approver, ...] = ()
    requested_by: tuple[str, ...] = ()
    """The ARNs of those who had the drill run beside whoever ran it: their own decision does not count either."""
    execution_arn: str = ""
    """The execution of a state machine that the drill is; empty where pytest runs it."""

    @property
    def awaited(self) -> bool:
        """Whether a decision is waited for."""
        return self.within_ms > 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Criteria:
    """What contracts compare receipts with; nothing here is read from the evidence that it judges."""

    rto_ms: Milliseconds
    rpo_ms: Milliseconds
    freshness_limit_ms: Milliseconds
    backup: Backup
    control_plane_sections: tuple[str, ...]
    pointers: tuple[str, ...]
    alarms: tuple[str, ...]
    validation_commands: tuple[str, ...]
    image_ref: str
    sites: Sites
    workload: Workload
    grade: Grade = Grade.APPLICATION_VERIFIED
    """How strongly the recovery must be shown."""
    force_recovery: bool = False
    teardown: bool = True
    notification_expected: bool = False
    """Whether people have a topic to read."""
    promotion_expected: bool = False
    """Whether both bypass flags ask for a recorded decision."""
    runner_limit: Count = 1
    state_expected: bool = True
    """Whether what brings the machine up keeps a state; builds without Terraform keep none."""
    storing: Storing | None = None
    """None where nobody asked for a receipt store."""
    execution: Execution = field(default_factory=Execution)
    published: Published = field(default_factory=Published)
    cadence: Cadence = field(default_factory=Cadence)
    architectures: tuple[str, ...] = ("amd64", "arm64")
    """The architectures that the image must have."""
    fleet: Fleet = field(default_factory=Fleet)
    preflight: Preflight = field(default_factory=Preflight)
    approval: Approval = field(default_factory=Approval)
    guardrails: Guardrails = field(default_factory=Guardrails)
    by_itself: ByItself = field(default_factory=ByItself)


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpectedContract:
    """A contract of this plan with the subjects it must be judged on."""

    name: str
    version: Annotated[int, Meta(ge=1)]
    subjects: tuple[str, ...]
    """Empty for a contract that speaks of the whole; `discovered` ones are listed by `discovers`."""
    discovers: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """Which part of the plan this run covers; only a `full` one can be taken for a whole proof."""

    full: bool
    start_at: str
    stop_after: str
    left_out: tuple[str, ...] = ()
    inherited: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Input:
    """One setting of the drill, and where its value came from."""

    name: str
    value: str
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanDocument:
    """The plan of one drill as it is fixed before the first effect (`plan.json`)."""

    schema_version: Annotated[int, Meta(ge=1, le=1)] = 1
    drill_id: str
    mode: Mode
    plan: str
    scenario: str = ""
    created_at: Instant
    nonce: Digest
    previous_bundle: Digest | None = None
    window: Window
    manual_phase: str = ""
    """The phase that a person does by hand in this run; empty where every phase acts by itself."""
    phases: tuple[str, ...]
    contracts: tuple[ExpectedContract, ...]
    criteria: Criteria
    max_attempts: Annotated[int, Meta(ge=1)]
    inputs: tuple[Input, ...] = field(default=())
    tool: Tool
