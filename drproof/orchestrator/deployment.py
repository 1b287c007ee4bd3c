"""What the Terraform module of the orchestrator must know: from the settings and the package, so that both agree."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from drproof import catalog
from drproof.engine.criteria import settings_of
from drproof.engine.readiness import verbs_of
from drproof.engine.refusal import refuse
from drproof.engine.settings import resolve
from drproof.formats import s3_uri
from drproof.model.settings import Settings
from drproof.orchestrator.definition import APPROVAL_SECONDS
from drproof.orchestrator.package import Package
from drproof.orchestrator.reaching import over_ssm
from drproof.targets.aws.permissions import Permission, policy
from drproof.targets.aws.roles import of_phases

BUILDS = "codebuild"


def settings_in(file: Path, environment: Mapping[str, str]) -> Settings:
    """Return the settings that functions with this file will run by.

    Raises:
        Refusal: something is missing, or names no place that functions could use.
    """
    needs = ("target", "sites.", "primary.", "recovery.", "receipts.", "signing.")
    resolved = resolve(
        {"provisioner": BUILDS, **over_ssm(file)}, environment, file, needed=needs, directory=file.parent
    )
    settings = settings_of(resolved, no_retry=False)
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


def permissions_of(settings: Settings) -> tuple[Permission, ...]:
    """Return what the function needs for the phases, at both sites where they are one account."""
    return of_phases(verbs_of(catalog.plan(catalog.RECOVERY), settings), settings)


def module_variables(settings: Settings, package: Package) -> dict[str, Any]:
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
        "dr_runner_name": recovery.runner_name,
        "dr_subnet_id": where.subnet_id,
        "dr_vpc_id": where.vpc_id,
        "expected_account_id": settings.sites.recovery.account_id,
        # What the mail promises and the function allows is what the machine waits.
        "manual_approval_timeout_seconds": settings.promotion.await_ms // 1000 or APPROVAL_SECONDS,
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
    return dict(sorted(known.items()))


def _object_arn(uri: str) -> str:
    if not uri.startswith("s3://"):
        return ""
    place = s3_uri.parse(uri)
    return f"arn:aws:s3:::{place.bucket}/{place.key}"
