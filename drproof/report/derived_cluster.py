"""What the reference writes about its control plane and its validation Job, from the receipts of a bundle."""

import shlex
from collections.abc import Mapping
from typing import Any

from drproof.evidence.bundle import Bundle
from drproof.model.settings import Settings
from drproof.report import facts
from drproof.report.derived_documents import AppliedDocument, ControlPlaneDocument, JobDocument
from drproof.report.visible import visible

FETCHED = "control-plane/fetch/fetch.summary.env"
APPLIED = "control-plane/apply/apply.summary.json"
SUBMITTED = "dr_validate.job_submission.json"
JOB_NAME, RUN_ID = "validate.job_name.txt", "validate.run_id.txt"


def control_plane(bundle: Bundle) -> ControlPlaneDocument | None:
    """Return which control plane was read, if the restore point was."""
    seen = _read(bundle)
    return None if seen is None else _counted(seen)


def fetched(bundle: Bundle) -> str | None:
    """Return the lines about the fetched bundle, fit for a shell; drproof keeps none of the files they would name."""
    seen = _read(bundle)
    if seen is None:
        return None
    values = {
        "BUNDLE_URI": facts.text(seen, "bundle_uri"),
        "BUNDLE_SHA256": facts.text(seen, "bundle_sha256"),
        "BUNDLE_FILE": "",
        "BUNDLE_DIR": "",
        "POINTER_FILE": "",
        "DEST_DIR": "",
    }
    return "".join(f"{name}={shlex.quote(visible(value)) if value else ''}\n" for name, value in values.items())


def applied(bundle: Bundle) -> AppliedDocument | None:
    """Return what was put into the cluster of the control plane, if the restore has a receipt at all."""
    receipt = facts.by_phase(bundle).get("restore")
    if receipt is None:
        return None
    seen = _read(bundle) or {}
    counted = _counted(seen)
    manifest = seen.get("manifest")
    listed: Mapping[str, Any] = manifest if isinstance(manifest, dict) else {}
    return AppliedDocument(
        namespace=bundle.plan.criteria.workload.namespace,
        bundle_dir="",
        manifest_sha256=facts.text(listed, "sha256"),
        bundle_sha256=counted.bundle_sha256,
        bundle_created_at=facts.text(seen, "created_at"),
        bundle_git_sha=facts.text(listed, "git_sha"),
        image_ref_digest=facts.text(seen, "manifest_image_ref"),
        candidate_count=counted.candidate_count,
        alert_count=counted.alert_count,
        provider_count=counted.provider_count,
        scoring_count=counted.scoring_count,
        generated_yaml="",
        receipt_dir=bundle.plan.drill_id,
        applied=receipt.passed,
    )


def submitted(bundle: Bundle, settings: Settings) -> JobDocument | None:
    """Return the validation Job as it ran, if it ran to its end."""
    seen = _validated(bundle)
    if not seen:
        return None
    deadline = seen.get("deadline_seconds")
    return JobDocument(
        job_name=facts.text(seen, "job"),
        source="cronjob" if seen.get("source") == "cronjob" else "inline_fallback",
        namespace=facts.text(seen, "namespace"),
        image_ref=bundle.plan.criteria.image_ref,
        mode="skip_workload_assume" if settings.job.skip_workload_assume else "strict_workload",
        requests=facts.pairs(seen, "requests"),
        limits=facts.pairs(seen, "limits"),
        deadline_seconds=deadline if isinstance(deadline, int) else 0,
    )


def texts(bundle: Bundle) -> dict[str, str]:
    """Return the files of one line: which Job ran, and which run it made."""
    seen = _validated(bundle)
    if not seen:
        return {}
    return {JOB_NAME: f"{facts.text(seen, 'job')}\n", RUN_ID: f"{facts.text(seen, 'run_id')}\n"}


def _validated(bundle: Bundle) -> Mapping[str, Any]:
    """Return what a validation that ran a Job observed; empty when none did."""
    seen = facts.observed(facts.by_phase(bundle).get("validate"))
    return seen if seen.get("job") else {}


def _read(bundle: Bundle) -> Mapping[str, Any] | None:
    """Return the control plane as it was read with the restore point; None when that was not read."""
    receipt = facts.by_phase(bundle).get("read_restore_point")
    if receipt is None or not receipt.passed:
        return None
    found = facts.observed(receipt).get("control_plane")
    return found if isinstance(found, dict) else {}


def _counted(seen: Mapping[str, Any]) -> ControlPlaneDocument:
    sections = {facts.text(row, "name"): row for row in facts.rows(seen, "sections")}

    def count(section: str, name: str = "files") -> int:
        value = sections.get(section, {}).get(name, 0)
        return value if isinstance(value, int) else 0

    return ControlPlaneDocument(
        bundle_uri=facts.text(seen, "bundle_uri"),
        bundle_sha256=facts.text(seen, "bundle_sha256"),
        # The registry lists the candidates and is none itself.
        candidate_count=count("candidates", "records"),
        alert_count=count("alerts"),
        provider_count=count("providers"),
        scoring_count=count("scoring"),
    )
