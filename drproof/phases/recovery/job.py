"""The validation Job as a manifest: from the workload's CronJob, or from the settings where there is none."""

import json
from collections.abc import Mapping
from importlib.resources import files
from typing import Any, Literal

from drproof.analysis.state_report import filled
from drproof.model.cluster import CRON_JOB, JOB, Manifest
from drproof.model.context import Context
from drproof.model.errors import PhaseError
from drproof.phases.recovery.marks import label_of, marked
from drproof.phases.recovery.place import isolated_prefix

WORKLOAD, REPORT = "workload", "report-state"
PURPOSE_LABEL = "drproof.io/purpose"
PURPOSE = "validate"
FALLBACK_USER = 1000
Source = Literal["cronjob", "inline"]


def job_name(ctx: Context, number: int) -> str:
    """Return the name of the drill's Job of one attempt; a Job's template cannot be changed, so each has its own."""
    return f"dr-validate-{label_of(ctx)}-{number}"


def manifest_of(ctx: Context, number: int) -> tuple[dict[str, Any], Source]:
    """Return the Job, and what it was made from.

    Raises:
        PhaseError: it was to be made from a CronJob that is not there, or from settings that name no command.
    """
    pod, source = _pod(ctx)
    settings, workload = ctx.settings.job, ctx.plan.criteria.workload
    image = ctx.plan.criteria.image_ref
    resources = {"requests": dict(workload.requests), "limits": dict(workload.limits)}
    main = dict(pod["containers"][0])
    main |= {"name": WORKLOAD, "image": image, "imagePullPolicy": "Always", "resources": resources}
    main["env"] = _environment(main.get("env") or [], {**_filled(ctx), **workload.publishing_off})
    report = {
        "name": REPORT,
        "image": image,
        "imagePullPolicy": "Always",
        "command": list(settings.report_command) or ["python3", "-c", _reporter()],
        "env": [*main["env"], *_environment([], _what_to_report(ctx))],
        "resources": resources,
        **{key: main[key] for key in ("envFrom", "volumeMounts", "securityContext") if key in main},
    }
    spec = {
        **pod,
        "restartPolicy": "Never",
        "serviceAccountName": ctx.settings.cluster.service_account,
        # First, so that no other container can have written what it reads.
        "initContainers": [report, *(_quiet(one, workload.publishing_off) for one in pod.get("initContainers") or ())],
        "containers": [main, *(_quiet(one, workload.publishing_off) for one in pod["containers"][1:])],
    }
    labels = {PURPOSE_LABEL: PURPOSE}
    job = {
        "apiVersion": JOB.api_version,
        "kind": JOB.kind,
        "metadata": {"name": job_name(ctx, number), "namespace": workload.namespace, "labels": labels},
        "spec": {
            "backoffLimit": 0,
            "activeDeadlineSeconds": workload.deadline_seconds,
            "template": {"metadata": {"labels": labels}, "spec": spec},
        },
    }
    return marked(ctx, job), source


def _quiet(container: Mapping[str, Any], publishing_off: Mapping[str, str]) -> dict[str, Any]:
    """Return another container of the workload: it must not publish either, nor run what its node happens to have."""
    environment = _environment(container.get("env") or [], publishing_off)
    return {**container, "imagePullPolicy": "Always", "env": environment}


def _pod(ctx: Context) -> tuple[dict[str, Any], Source]:
    """Return what the workload runs: as it was restored and judged, not as somebody may have edited it since."""
    settings, cronjob = ctx.settings.job, ctx.settings.cluster.cronjob
    wanted: Mapping[str, Manifest] = ctx.read_evidence("restore", "wanted")
    found = wanted.get(f"{CRON_JOB.kind}/{cronjob}") if settings.source != "inline" else None
    if found is not None:
        return _template(found), "cronjob"
    if settings.source == "cronjob":
        msg = f"the validation Job is to be made from CronJob/{cronjob}, which is not there"
        raise PhaseError(msg)
    if not settings.command and not settings.arguments:
        msg = (
            f"CronJob/{cronjob} is not there, and job.command says nothing: there is nothing to run\n"
            "  next: name the workload's command in job.command or job.arguments"
        )
        raise PhaseError(msg)
    user = {"runAsUser": FALLBACK_USER, "runAsGroup": FALLBACK_USER, "fsGroup": FALLBACK_USER}
    container: dict[str, Any] = {"args": list(settings.arguments)}
    if settings.command:
        container["command"] = list(settings.command)
    return {"containers": [container], "securityContext": user}, "inline"


def _template(cronjob: Manifest) -> dict[str, Any]:
    spec = cronjob["spec"]["jobTemplate"]["spec"]["template"]["spec"]
    kept: dict[str, Any] = {key: value for key, value in spec.items() if key not in {"serviceAccount", "nodeName"}}
    return kept


def _environment(given: list[Mapping[str, Any]], values: Mapping[str, str]) -> list[dict[str, Any]]:
    """Return the variables with `values` set, whatever was there under their names."""
    return [
        *(dict(one) for one in given if one.get("name") not in values),
        *({"name": name, "value": value} for name, value in values.items()),
    ]


def _filled(ctx: Context) -> dict[str, str]:
    return filled(
        ctx.plan.criteria.workload.environment,
        bucket=ctx.settings.recovery.bucket,
        prefix=isolated_prefix(ctx),
        owner=ctx.plan.criteria.sites.recovery.owner,
    )


def _what_to_report(ctx: Context) -> dict[str, str]:
    criteria = ctx.plan.criteria
    return {
        "DRPROOF_STATE_BUCKET": ctx.settings.recovery.bucket,
        "DRPROOF_STATE_PREFIX": isolated_prefix(ctx),
        "DRPROOF_STATE_OWNER": criteria.sites.recovery.owner,
        "DRPROOF_ARCHIVES": json.dumps(list(criteria.backup.archives)),
        "DRPROOF_CANARY": criteria.workload.canary,
        "DRPROOF_NONCE": criteria.workload.challenge,
    }


def _reporter() -> str:
    # As text: it runs in the workload's image, which has no drproof.
    return (files("drproof") / "incluster" / "report_state.py").read_text(encoding="utf-8")
