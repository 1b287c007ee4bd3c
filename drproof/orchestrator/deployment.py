"""What the Terraform module of the orchestrator must know: from the settings and the package, so that both agree."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from drproof import catalog
from drproof.engine.cadence import cadence_of
from drproof.engine.criteria import settings_of
from drproof.engine.readiness import verbs_of
from drproof.engine.refusal import refuse
from drproof.engine.settings import Resolved, resolve
from drproof.formats import s3_uri
from drproof.model.criteria import Cadence
from drproof.model.settings import Settings
from drproof.orchestrator.definition import APPROVAL_SECONDS
from drproof.orchestrator.package import Package
from drproof.orchestrator.reaching import over_ssm
from drproof.targets.aws.permissions import Permission, policy
from drproof.targets.aws.roles import of_phases

BUILDS = "codebuild"
NEEDED = ("target", "sites.", "primary.", "recovery.", "receipts.", "signing.")
MINUTE_MS, HOUR_MS = 60_000, 3_600_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """By what alarms on the original site are set."""

    cadence: Cadence
    freshness_limit_ms: int


def settings_in(file: Path, environment: Mapping[str, str]) -> Settings:
    """Return the settings that functions with this file will run by.

    Raises:
        Refusal: something is missing, or names no place that functions could use.
    """
    settings = settings_of(_resolved(file, environment), no_retry=False)
    builds = settings.recovery.provisioner.codebuild
    for name, value in (
        ("receipts.uri", settings.storing),
        ("recovery.topic_arn", settings.recovery.topic_arn),
        ("recovery.provisioner.codebuild.project", builds.project),
        ("recovery.provisioner.codebuild.module_uri", builds.module_uri),
        ("recovery.provisioner.codebuild.receipt_uri", builds.receipt_uri),
    ):
        if not value:
            raise refuse(
                f"{file} does not name {name}",
                expected="what an execution needs, since nobody sits beside it",
                next_step=f"set {name} in {file}",
            )
    return settings


def watched_in(file: Path, environment: Mapping[str, str]) -> Watched:
    """Return how the original site of these settings is watched.

    Raises:
        Refusal: something is missing, or the schedule is none.
    """
    resolved = _resolved(file, environment)
    return Watched(cadence=cadence_of(resolved), freshness_limit_ms=resolved["primary.freshness_limit"])


def _resolved(file: Path, environment: Mapping[str, str]) -> Resolved:
    given = {"provisioner": BUILDS, **over_ssm(file)}
    return resolve(given, environment, file, needed=NEEDED, directory=file.parent)


def permissions_of(settings: Settings) -> tuple[Permission, ...]:
    """Return what the function needs for the phases, at both sites where they are one account."""
    return of_phases(verbs_of(catalog.plan(catalog.RECOVERY), settings), settings)


def module_variables(settings: Settings, watched: Watched, package: Package) -> dict[str, Any]:
    """Return the variables of `deploy/terraform/orchestrator` that settings and package decide."""
    recovery, primary = settings.recovery, settings.primary
    where, builds = recovery.provisioner, recovery.provisioner.codebuild
    receipts = s3_uri.parse(settings.storing.uri if settings.storing else "")
    module = s3_uri.parse(builds.module_uri)
    known = {
        "architecture": package.architecture,
        "backup_uri": settings.backup_uri,
        "codebuild_project": builds.project,
        "codebuild_receipts": builds.receipt_uri.removeprefix("s3://").rstrip("/"),
        "codebuild_queued_timeout_minutes": builds.queued_ms // 60_000,
        "codebuild_timeout_minutes": builds.build_ms // 60_000,
        "dr_instance_type": recovery.instance_type,
        "dr_machine_policy_arn": where.variables.get("machine_policy_arn", ""),
        "dr_runner_name": recovery.runner_name,
        "dr_subnet_id": where.subnet_id,
        "dr_vpc_id": where.vpc_id,
        "expected_account_id": settings.sites.recovery.account_id,
        # What the mail promises and the function allows is what the machine waits.
        "manual_approval_timeout_seconds": settings.promotion.await_ms // 1000 or APPROVAL_SECONDS,
        "primary_account_id": settings.sites.primary.account_id,
        "primary_region": settings.sites.primary.region,
        "metric_dimensions": dict(primary.metrics.dimensions),
        "metric_namespace": primary.metrics.namespace,
        "notification_topic_arn": recovery.topic_arn,
        "package": str(package.path.resolve()),
        "package_sha256": package.sha256,
        "phase_policy": json.dumps(policy(permissions_of(settings))),
        "publish_bucket": primary.bucket,
        "publish_prefix": primary.prefix,
        "receipt_bucket": receipts.bucket,
        "receipt_prefix": receipts.key,
        "region": settings.sites.recovery.region,
        "runtime": package.runtime,
        "terraform_zip_arn": _object_arn(builds.terraform_uri),
        "tf_bundle_bucket": module.bucket,
        "tf_bundle_s3_key": module.key,
        "tf_lock_table_name": where.lock_table,
        "tf_state_bucket_name": where.state_bucket,
        "tf_state_key": where.state_key,
    }
    return dict(sorted((known | _alarms(watched)).items()))


def _alarms(watched: Watched) -> dict[str, Any]:
    """Return how alarms are set that the health contracts accept, as far as the settings say what is healthy."""
    cadence = watched.cadence
    return {
        # CloudWatch knows whole minutes. What looks more often than data come is told of their absence.
        "alarm_period_seconds": -(-cadence.metrics_every_ms // MINUTE_MS) * 60,
        "fault_values": dict(cadence.fault_values),
        "freshness_metric": cadence.age_metric,
        "freshness_unit_seconds": _number(cadence.age_unit_ms, 1000),
        "max_freshness_hours": _number(watched.freshness_limit_ms, HOUR_MS),
    }


def _number(value_ms: int, unit_ms: int) -> int | float:
    whole, rest = divmod(value_ms, unit_ms)
    return value_ms / unit_ms if rest else whole


def _object_arn(uri: str) -> str:
    if not uri.startswith("s3://"):
        return ""
    place = s3_uri.parse(uri)
    return f"arn:aws:s3:::{place.bucket}/{place.key}"
