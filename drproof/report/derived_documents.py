"""The documents of the reference drill, as types: what is written, and what their JSON Schemas say.

Instants have the reference's second precision. What the reference knows and drproof does not is absent, never
guessed: the operator's public address, and the root volume. Where the reference names a file that drproof does not
keep, the text is empty.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Literal

from msgspec import Meta

from drproof.model.receipt import END, Count

Second = Annotated[
    str,
    Meta(
        pattern=rf"^([0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}T[0-9]{{2}}:[0-9]{{2}}:[0-9]{{2}}Z)?{END}",
        description="an instant in UTC to the second, or empty",
    ),
]
PhaseStatus = Literal["success", "failed", "skipped"]
Status = Literal["success", "failed"]
Sha256OrEmpty = Annotated[str, Meta(pattern=rf"^([0-9a-f]{{64}})?{END}", description="a SHA-256, or empty")]


def second(instant: str) -> str:
    """Return an instant in the reference's precision."""
    return f"{instant[:19]}Z"


@dataclass(frozen=True, slots=True, kw_only=True)
class PhaseDocument:
    """`phases/<phase>.json`: how one phase ended; `restore` and `validate` stand for all phases of that part."""

    schema_version: Literal[1] = 1
    phase: str
    status: PhaseStatus
    skip_reason: str
    attempts: Count
    repair_applied: bool
    command_hint: str
    last_error_tail: tuple[str, ...]
    started_at_utc: Second
    ended_at_utc: Second


@dataclass(frozen=True, slots=True, kw_only=True)
class PhaseTime:
    """When one phase ran."""

    phase: str
    status: PhaseStatus
    started_at_utc: Second
    ended_at_utc: Second


@dataclass(frozen=True, slots=True, kw_only=True)
class PhaseTimesDocument:
    """`drill.phase_timestamps.json`: when each phase ran, in the order in which they ran."""

    schema_version: Literal[1] = 1
    phases: tuple[PhaseTime, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CostInputsDocument:
    """`drill.cost.inputs.json`: what the drill was expected to take; minutes, type and disk, never money."""

    schema_version: Literal[1] = 1
    recorded_at_utc: Second
    instance_type_input: str
    estimated_runtime_minutes: Count
    ebs_root_gb_input: Count
    full_drill_requested: bool
    full_drill_allowed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class CostActualDocument:
    """`drill.cost.actual.json`: what the drill took; `unknown` where nobody looked."""

    schema_version: Literal[1] = 1
    recorded_at_utc: Second
    instance_type_actual: str
    ebs_root_gb_actual: str
    root_volume_id: str
    runtime_seconds: Count
    runtime_minutes_rounded_up: Count


@dataclass(frozen=True, slots=True, kw_only=True)
class SummaryDocument:
    """`drill.summary.json`: the drill in one page, phases in the order in which they ran."""

    schema_version: Literal[1] = 1
    run_id: str
    start_timestamp_utc: Second
    end_timestamp_utc: Second
    overall_status: Status
    exit_code: Count
    failed_phase: str
    failed_error: str
    instance_id: str
    public_ip: str
    security_group_id: str
    key_name: str
    actual_instance_type: str
    dr_job_name: str
    dr_run_id: str
    stop_reason: str
    start_at: str
    stop_after: str
    diagnostics_only: bool
    validate_only: bool
    teardown: bool
    cost_inputs: CostInputsDocument
    cost_actual: CostActualDocument
    runtime_seconds: Count
    runtime_minutes_rounded_up: Count
    phase_timestamps_file: str
    receipt_dir: str
    phases: tuple[PhaseDocument, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ContextDocument:
    """`drill.context.json`: what the drill was told."""

    schema_version: Literal[1] = 1
    run_id: str
    start_timestamp_utc: Second
    git_sha: str
    backup_uri: str
    image_ref: str
    aws_account_id: str
    aws_region: str
    auto_promote: bool
    allow_promote_bypass: bool
    teardown: bool
    namespace: str
    terraform_backend_mode: Literal["remote"]
    terraform_vpc_id: str
    terraform_subnet_id: str
    terraform_allowed_cidr: str
    start_at: str
    stop_after: str
    stop_after_explicit: bool
    max_attempts: Count
    validate_max_retries: Count
    no_retry: bool
    diagnostics_only: bool
    validate_only: bool
    allow_full_drill: bool
    full_drill_requested: bool
    cost_instance_type: str
    cost_estimated_runtime_minutes: Count
    cost_ebs_root_gb: Count
    run_bringup: bool
    run_restore: bool
    run_validate: bool
    run_promote: bool
    run_diagnostics: bool
    validate_skip_workload_assume: bool
    kubeconfig_selection_source: str
    input_receipt_dir: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionDocument:
    """`promote.decision.json`: the recorded decision; nothing was switched by it."""

    schema_version: Literal[1] = 1
    timestamp_utc: Second
    mode: str
    approved: bool
    auto_promote: bool
    manual_bypass_allowed: bool
    approver: str
    ticket: str
    reason: str
    dr_run_id: str
    image_ref: str
    backup_uri: str
    instance_id: str
    public_ip: str
    namespace: str
    promotion_status: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ControlPlaneDocument:
    """`dr_restore.control_plane.summary.json`: which control plane was read, and how much of each section."""

    schema_version: Literal[1] = 1
    bundle_uri: str
    bundle_sha256: Sha256OrEmpty
    candidate_count: Count
    alert_count: Count
    provider_count: Count
    scoring_count: Count


@dataclass(frozen=True, slots=True, kw_only=True)
class AppliedDocument:
    """`control-plane/apply/apply.summary.json`: the control plane in the cluster; `applied` is drproof's own."""

    schema_version: Literal[1] = 1
    namespace: str
    bundle_dir: str
    manifest_sha256: Sha256OrEmpty
    bundle_sha256: Sha256OrEmpty
    bundle_created_at: str
    bundle_git_sha: str
    image_ref_digest: str
    candidate_count: Count
    alert_count: Count
    provider_count: Count
    scoring_count: Count
    generated_yaml: str
    receipt_dir: str
    applied: bool
    """Whether the restore into the cluster ended well."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JobDocument:
    """`dr_validate.job_submission.json`: the validation Job as it was created."""

    schema_version: Literal[1] = 1
    job_name: str
    source: Literal["cronjob", "inline_fallback"]
    namespace: str
    image_ref: str
    mode: Literal["strict_workload", "skip_workload_assume"]
    requests: Mapping[str, str]
    limits: Mapping[str, str]
    deadline_seconds: Count
