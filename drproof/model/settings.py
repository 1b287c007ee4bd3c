"""What an operator sets: names, places and limits, as they are after options, environment and file are merged.

Nothing of one team is in the code: every name that a phase uses comes from here.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from drproof.model.criteria import Layout, Sites, Storing


@dataclass(frozen=True, slots=True, kw_only=True)
class Metrics:
    """The metrics that the original site publishes about itself."""

    namespace: str
    dimensions: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Primary:
    """The original site: where it publishes, and how it is watched."""

    bucket: str
    prefix: str
    candidate: str = "local"
    provider: str = "openai"
    profile: str = "cs"
    marker: str = "{provider}_top.{profile}.md"
    metrics: Metrics
    alarms: tuple[str, ...]
    report: str = "run_report.json"
    """The file of a run, beside its providers, that promises what was published of it."""
    outputs: Mapping[str, str] = field(default_factory=dict)
    """What every run puts out, each with the name of its file."""
    vpc_id: str = ""
    subnet_id: str = ""
    """The network that it runs in; empty where nobody said."""

    def file_name(self, output: str) -> str:
        """Return the name of an output's file."""
        return self.outputs[output].format(provider=self.provider, profile=self.profile)

    @property
    def marker_name(self) -> str:
        """The file whose presence says that a run was published whole."""
        return self.marker.format(provider=self.provider, profile=self.profile)


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildSettings:
    """How CodeBuild brings the recovery machine up: which project, from what, and where it says what it did."""

    project: str = ""
    receipt_uri: str = ""
    module_uri: str = ""
    module_version: str = ""
    """Empty means the version that is newest when a build starts; the digest holds either way."""
    module_sha256: str = ""
    terraform_version: str = ""
    terraform_uri: str = ""
    terraform_sha256: str = ""
    tool: Literal["auto", "terraform", "direct"] = "auto"
    queued_ms: int = 600_000
    build_ms: int = 1_800_000


@dataclass(frozen=True, slots=True, kw_only=True)
class ProvisionerSettings:
    """How the recovery machine is brought up, and where the state of that lies."""

    kind: Literal["auto", "terraform", "direct", "codebuild"] = "auto"
    state_bucket: str
    state_key: str
    lock_table: str = ""
    vpc_id: str = ""
    subnet_id: str = ""
    allowed_cidr: str = ""
    module: str = ""
    """Of Terraform: `builtin`, `aws` for the shipped one, or a folder; empty for the one that fits the target."""
    variables: Mapping[str, str] = field(default_factory=dict)
    """What that module is told besides, such as the image of the machine."""
    provider_mirror: str = ""
    """A folder with Terraform's plugins; empty asks the registry."""
    codebuild: BuildSettings = field(default_factory=BuildSettings)


@dataclass(frozen=True, slots=True, kw_only=True)
class Recovery:
    """The site that takes over: where state is materialised, and which machine carries it."""

    bucket: str
    prefix: str
    runner_name: str
    runner_purpose: str
    instance_type: str = "t4g.medium"
    topic_arn: str = ""
    provisioner: ProvisionerSettings
    cluster_access: Literal["kubeconfig", "ssm"] = "kubeconfig"
    """How the cluster is reached: its API with a kubeconfig, or kubectl on its machine."""
    online_ms: int = 420_000
    """How long the machine may take to run, and again to take commands."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """One read-only command that shows something about the recovered machine."""

    name: str
    run: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Validation:
    """How the recovered machine is looked at, and what must not change while it is."""

    commands: tuple[Command, ...]
    watch: tuple[str, ...] = ()
    timeout_ms: int = 60_000


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterSettings:
    """The recovery cluster: how it is reached, what is restored into it, and under which names."""

    namespace: str
    kubeconfig: str = ""
    """A kubeconfig of the operator's; empty means that of the recovery machine."""
    context: str = ""
    uid: str = ""
    """The UID that the cluster must have; empty pins the first one that answers."""
    exec_plugins: tuple[str, ...] = ()
    """The credential plugins that a kubeconfig may start, by name."""
    kubeconfig_on_runner: str = "/etc/rancher/k3s/k3s.yaml"
    kubectl: tuple[str, ...] = ("k3s", "kubectl")
    """What kubectl is called on the recovery machine."""
    uid_command: str = "k3s kubectl get namespace kube-system -o jsonpath={.metadata.uid}"
    """Prints, on the recovery machine, the UID of the cluster that runs there."""
    ready_timeout_ms: int = 420_000
    service_account: str = "default"
    pull_secret: str = "ecr-pull"  # noqa: S105 — the name of an object
    manifests: str = "manifests.tar.zst"
    """The archive of the restore point that holds the cluster's objects."""
    baseline: str = ""
    """A folder of manifests that are restored beside those of the backup."""
    kinds: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()
    """Kinds that a backup may hold and a restore leaves out; any other kind is refused."""
    control_plane_name: str = "{namespace}-control-plane-{section}"
    publishing_config_map: str
    publishing_off: Mapping[str, str]
    """The keys of that ConfigMap, with the values that keep the recovered workload from publishing."""
    cronjob: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class JobSettings:
    """The validation Job: what it runs, within which bounds, and how its log is read."""

    source: Literal["auto", "cronjob", "inline"] = "auto"
    command: tuple[str, ...] = ()
    arguments: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    report_command: tuple[str, ...] = ()
    """What reports the restored state; empty means drproof's own reporter, which needs python3 and boto3."""
    run_id_pattern: str = r"RUN_ID=(\S+)"
    request_cpu: str = "250m"
    request_memory: str = "512Mi"
    limit_cpu: str = "1"
    limit_memory: str = "2Gi"
    startup_window_ms: int = 180_000
    timeout_ms: int = 2_700_000
    show_log: bool = False
    """Whether the end of the log of a failed container may stand in the proof, known values masked."""
    skip_workload_assume: bool = False
    """Whether the CronJob may be missing: the Job then runs what the settings say."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Attempts and waits of a run."""

    max_attempts: int = 3
    validate_max_retries: int = 2
    backoff_ms: int = 15_000
    poll_ms: int = 500
    """The wait between two looks at what is waited for."""
    lease_ms: int = 60_000
    alarms_ms: int = 6_000
    """How long an alarm that may still be about to heal is waited for."""
    recount_ms: int = 10_000
    """How long the platform may take to let go of what was removed."""
    max_machines: int = 5
    """How many machines one teardown may end; more is refused before the first one."""
    max_deletions: int = 100_000
    """How many objects, of a bucket or of a cluster, one teardown may remove."""
    teardown_reserve_ms: int = 1_200_000
    """How long credentials must live past the time that a drill may take, so that it can be undone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Promotion:
    """Whether this drill may record a decision, and on whose behalf."""

    auto_promote: bool = False
    allow_bypass: bool = False
    await_ms: int = 0
    """How long the drill waits at its gate for people to decide; 0 waits for nobody."""
    approver: str = ""
    ticket: str = ""
    reason: str = ""
    send_token: bool = False
    """Whether an execution sends its task token to the topic of those who decide."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Triggers:
    """What starts the orchestrator by itself."""

    rules: tuple[str, ...] = ()
    """Rules of EventBridge."""
    alarms: tuple[str, ...] = ()
    """Alarms whose actions start it."""
    site: Literal["primary", "recovery"] = "recovery"


@dataclass(frozen=True, slots=True, kw_only=True)
class Orchestrator:
    """What runs drills unattended, part by part; empty where nobody said that there is one."""

    machine: str = ""
    """The ARN of its state machine."""
    function: str = ""
    """The ARN of the function that runs phases."""
    watcher: str = ""
    """The ARN of the function that tells of what the machine could not tell of."""
    reaper: str = ""
    """The ARN of the function that removes what dead drills left."""
    schedule: str = ""
    """The rule of EventBridge that starts the machine."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Signing:
    """By which key a run states what it did."""

    signer: str = ""
    """A securesystemslib URI, such as `file2:/path/of/a/key` or `awskms:alias/name`; empty means that nobody signs."""
    own: bool = False
    """Whether it is the key of this project's rehearsals, made when it is first needed."""
    trust: str = ""
    """The trust file that checks take when none is named."""
    tsa: str = ""
    """The address of the authority that dates a sealed bundle; empty means that none does."""
    digest_key: str = ""
    """A key of the platform, `awskms:…`, from which a drill's own digest key is made anew on another machine."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CostInputs:
    """What the drill is expected to cost, in the terms that can be known beforehand: time, type, disk."""

    instance_type: str = "t4g.medium"
    runtime_minutes: int | None = None
    ebs_root_gb: int = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """All settings of one run."""

    target: Literal["embedded", "aws"]
    backup_uri: str
    image_ref: str
    sites: Sites
    primary: Primary
    recovery: Recovery
    validation: Validation
    cluster: ClusterSettings
    job: JobSettings = field(default_factory=JobSettings)
    diagnostics: tuple[Command, ...] = ()
    limits: Limits = field(default_factory=Limits)
    promotion: Promotion = field(default_factory=Promotion)
    cost: CostInputs = field(default_factory=CostInputs)
    signing: Signing = field(default_factory=Signing)
    profile: str = ""
    """A named profile of the operator's AWS configuration; empty means the default chain."""
    storing: Storing | None = None
    """Where receipts are mirrored to; None for nowhere but the local folder."""
    backup_layout: Layout = "archives"
    backup_owner: str = ""
    """Who owns the bucket of the restore point; empty for whoever owns those of the original site."""
    triggers: Triggers = field(default_factory=Triggers)
    orchestrator: Orchestrator = field(default_factory=Orchestrator)
    approvers: tuple[str, ...] = ()
    """Who can approve: the keys that the trust file believes as approvers, or who is named without one."""
