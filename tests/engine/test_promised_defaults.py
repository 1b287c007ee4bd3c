"""What holds where nobody says anything: every default of a setting, beside what the reference system promises.

Those of commands, of pytest's options, of Terraform's variables and of told numbers are in tests/promises.
"""

import inspect
from collections.abc import Callable
from dataclasses import MISSING, dataclass, fields

import pytest

from drproof.analysis import cost, volatile
from drproof.engine.leaves import LEAVES
from drproof.engine.preparation import DrillRequest, prepare
from drproof.engine.settings import resolve
from drproof.engine.window import START, STOP, WindowRequest
from drproof.formats import onprem_backup, pointers, published_runs, receipt_names, s3_uri
from drproof.model import settings as model
from drproof.model.capabilities import ObjectStore
from drproof.model.settings import CostInputs
from drproof.orchestrator.reaching import over_ssm

SAME = object()
"""The reference promises this very value."""
OURS = object()
"""The reference promises nothing of the kind."""
SECOND, MINUTE, HOUR = 1_000, 60_000, 3_600_000


@dataclass(frozen=True)
class Promise:
    """One default; `reference` is what the reference promises in its place, and `because` why ours is another."""

    expected: object
    reference: object = SAME
    because: str = ""


OURS_ALONE = "the reference has no such thing"
NOBODY = "names of one team are in no code"

SETTINGS: dict[str, Promise] = {
    "sites.primary.owner": Promise("", OURS, OURS_ALONE),
    "sites.recovery.owner": Promise("", OURS, OURS_ALONE),
    "profile": Promise("", OURS, OURS_ALONE),
    "primary.candidate": Promise("local"),
    "primary.marker": Promise("{provider}_top.{profile}.md"),
    "primary.report": Promise("run_report.json"),
    "primary.outputs": Promise(
        {
            "ranked_json": "{provider}_ranked_jobs.{profile}.json",
            "ranked_csv": "{provider}_ranked_jobs.{profile}.csv",
            "ranked_families_json": "{provider}_ranked_families.{profile}.json",
            "shortlist_md": "{provider}_shortlist.{profile}.md",
            "top_md": "{provider}_top.{profile}.md",
        }
    ),
    "primary.schedule": Promise("", "0 13 * * *", NOBODY),
    "primary.schedule_slack": Promise(0, OURS, OURS_ALONE),
    "primary.metrics_every": Promise(0, 15 * MINUTE, "only the operator knows how often his metrics come"),
    "primary.age_metric": Promise("", "PipelineFreshnessHours", NOBODY),
    "primary.age_unit": Promise(HOUR),
    "primary.fault_values": Promise({}, {"PublishCorrectness": "1", "NeedsDR": "1"}, NOBODY),
    "recovery.instance_type": Promise(
        "t4g.medium", "t4g.small", "the workload's limit of 2Gi is all the memory of the smaller one"
    ),
    "recovery.topic_arn": Promise(""),
    "recovery.provisioner.kind": Promise("auto", "codebuild", "it takes the real terraform where that is installed"),
    "recovery.provisioner.lock_table": Promise("", OURS, "a state bucket locks itself, or the operator names a table"),
    "recovery.provisioner.allowed_cidr": Promise("", "10.0.0.0/8", "no network is let in that nobody named"),
    "recovery.provisioner.module": Promise("", OURS, OURS_ALONE),
    "recovery.provisioner.variables": Promise({}, OURS, OURS_ALONE),
    "recovery.provisioner.provider_mirror": Promise("", OURS, OURS_ALONE),
    "recovery.provisioner.codebuild.project": Promise("", "signalcraft-dr-orchestrator-dr-infra", NOBODY),
    "recovery.provisioner.codebuild.receipt_uri": Promise("", OURS, OURS_ALONE),
    "recovery.provisioner.codebuild.module_uri": Promise("", OURS, OURS_ALONE),
    "recovery.provisioner.codebuild.module_version": Promise("", OURS, OURS_ALONE),
    "recovery.provisioner.codebuild.module_sha256": Promise("", OURS, OURS_ALONE),
    "recovery.provisioner.codebuild.terraform_version": Promise("", "1.8.5", "a version counts with its digest"),
    "recovery.provisioner.codebuild.terraform_uri": Promise("", OURS, OURS_ALONE),
    "recovery.provisioner.codebuild.terraform_sha256": Promise("", OURS, OURS_ALONE),
    "recovery.provisioner.codebuild.tool": Promise("auto", OURS, OURS_ALONE),
    "recovery.provisioner.codebuild.queued_timeout": Promise(
        10 * MINUTE, HOUR, "a queue that stands for ten minutes is a quota, and the recovery time is running"
    ),
    "recovery.provisioner.codebuild.build_timeout": Promise(30 * MINUTE),
    "recovery.cluster_access": Promise("kubeconfig"),
    "recovery.online_timeout": Promise(7 * MINUTE),
    "primary.vpc_id": Promise("", OURS, OURS_ALONE),
    "primary.subnet_id": Promise("", OURS, OURS_ALONE),
    "preflight.clock_skew": Promise(MINUTE, OURS, OURS_ALONE),
    "preflight.accept_overlaps": Promise((), OURS, OURS_ALONE),
    "orchestrator.machine": Promise("", OURS, NOBODY),
    "orchestrator.function": Promise("", OURS, NOBODY),
    "orchestrator.role": Promise("", OURS, NOBODY),
    "orchestrator.watcher": Promise("", OURS, NOBODY),
    "orchestrator.reaper": Promise("", OURS, NOBODY),
    "orchestrator.schedule": Promise("", OURS, NOBODY),
    "triggers.rules": Promise((), OURS, OURS_ALONE),
    "triggers.alarms": Promise((), OURS, OURS_ALONE),
    "triggers.site": Promise("recovery", OURS, OURS_ALONE),
    "triggers.drill_max_age": Promise(90 * 24 * HOUR, OURS, OURS_ALONE),
    "guardrails.trigger_variable": Promise("enable_triggers"),
    "guardrails.always_on": Promise((), OURS, OURS_ALONE),
    "limits.max_machines": Promise(5, OURS, OURS_ALONE),
    "limits.max_deletions": Promise(100_000, OURS, OURS_ALONE),
    "limits.teardown_reserve": Promise(20 * MINUTE, OURS, OURS_ALONE),
    "backup.objects": Promise(("metadata.json", "state.tar.zst", "manifests.tar.zst")),
    "backup.archives": Promise(("state.tar.zst", "manifests.tar.zst")),
    "backup.layout": Promise("archives"),
    "backup.owner": Promise("", OURS, OURS_ALONE),
    "backup.failure_domain": Promise("bucket", "none", "a backup in the bucket of the original goes down with it"),
    "backup.protection": Promise("versions", "none", "a backup that can be written over for good is none"),
    "backup.member_manifests": Promise("promised", OURS, OURS_ALONE),
    "backup.checksums": Promise("promised", OURS, OURS_ALONE),
    "backup.state": Promise("state.tar.zst"),
    "backup.plausible_share": Promise(20, OURS, OURS_ALONE),
    "backup.canary": Promise("state.tar.zst/state/canary.json", OURS, OURS_ALONE),
    "control_plane.sections": Promise(("candidates", "alerts", "providers", "scoring")),
    "validation.watch": Promise((), OURS, OURS_ALONE),
    "validation.timeout": Promise(
        60 * SECOND, 900 * SECOND, "that is for one script that does everything; this is for one read-only command"
    ),
    "cluster.kubeconfig": Promise(""),
    "cluster.context": Promise("", OURS, OURS_ALONE),
    "cluster.uid": Promise("", OURS, OURS_ALONE),
    "cluster.exec_plugins": Promise((), OURS, OURS_ALONE),
    "cluster.kubeconfig_on_runner": Promise("/etc/rancher/k3s/k3s.yaml"),
    "cluster.kubectl": Promise(("k3s", "kubectl"), OURS, OURS_ALONE),
    "cluster.uid_command": Promise(
        "k3s kubectl get namespace kube-system -o jsonpath={.metadata.uid}", OURS, OURS_ALONE
    ),
    "cluster.ready_timeout": Promise(
        420 * SECOND, 450 * SECOND, "as long as the machine itself may take to answer; that waits 90 times 5 s"
    ),
    "cluster.service_account": Promise("default", "jobintel", NOBODY),
    "cluster.pull_secret": Promise("ecr-pull"),
    "cluster.manifests": Promise("manifests.tar.zst"),
    "cluster.baseline": Promise("", OURS, OURS_ALONE),
    "cluster.kinds": Promise(
        (
            "ConfigMap",
            "CronJob",
            "Deployment",
            "PersistentVolumeClaim",
            "Role",
            "RoleBinding",
            "Secret",
            "Service",
            "ServiceAccount",
            "StatefulSet",
        ),
        OURS,
        OURS_ALONE,
    ),
    "cluster.left_out": Promise(
        ("Event", "Endpoints", "EndpointSlice", "Job", "Namespace", "Pod", "ReplicaSet"), OURS, OURS_ALONE
    ),
    "cluster.control_plane_name": Promise("{namespace}-control-plane-{section}"),
    "job.source": Promise("auto"),
    "job.command": Promise((), ("python", "scripts/run_daily.py"), NOBODY),
    "job.arguments": Promise((), ("--profiles", "cs", "--us_only", "--no_post"), NOBODY),
    "job.environment": Promise({}, OURS, OURS_ALONE),
    "job.report_command": Promise((), OURS, OURS_ALONE),
    "job.run_id_pattern": Promise(r"RUN_ID=(\S+)", r"JOBINTEL_RUN_ID=", "it finds that one too"),
    "job.request_cpu": Promise("250m"),
    "job.request_memory": Promise("512Mi"),
    "job.limit_cpu": Promise("1"),
    "job.limit_memory": Promise("2Gi"),
    "job.startup_window": Promise(180 * SECOND),
    "job.timeout": Promise(2700 * SECOND),
    "job.show_log": Promise(False, True, "what a log holds is nobody's business who reads a proof"),
    "job.skip_workload_assume": Promise(False),
    "criteria.grade": Promise("application_verified", "existence", "that an object exists shows no recovery"),
    "receipts.uri": Promise("", OURS, "the reference demands a bucket; a folder of this machine is always there"),
    "receipts.owner": Promise("", OURS, OURS_ALONE),
    "receipts.retention_mode": Promise("GOVERNANCE", OURS, OURS_ALONE),
    "receipts.retention_days": Promise(30, OURS, OURS_ALONE),
    "receipts.digest_key": Promise("", OURS, OURS_ALONE),
    "promotion.send_token": Promise(False, True, "whoever holds the token can end the wait: the history has it"),
    "drill.architectures": Promise(("amd64", "arm64")),
    "drill.release_metadata": Promise("", OURS, OURS_ALONE),
    "diagnostics.commands": Promise((), OURS, OURS_ALONE),
    "limits.max_attempts": Promise(3),
    "limits.validate_max_retries": Promise(2),
    "limits.backoff": Promise(15 * SECOND),
    "limits.poll": Promise(500, OURS, OURS_ALONE),
    "limits.lease": Promise(60 * SECOND, OURS, OURS_ALONE),
    "limits.alarms": Promise(6 * SECOND, OURS, OURS_ALONE),
    "limits.recount": Promise(10 * SECOND, OURS, OURS_ALONE),
    "promotion.auto_promote": Promise(False),
    "promotion.allow_bypass": Promise(False),
    "promotion.await_approval": Promise(0, OURS, OURS_ALONE),
    "promotion.approver": Promise(""),
    "promotion.ticket": Promise(""),
    "promotion.reason": Promise("", OURS, OURS_ALONE),
    "cost.instance_type": Promise("t4g.medium"),
    "cost.runtime_minutes": Promise(0, 42, "0 counts the minutes of the phases that run; all of them are the 42"),
    "cost.ebs_root_gb": Promise(8),
    "signing.signer": Promise("", OURS, OURS_ALONE),
    "signing.trust": Promise("", OURS, OURS_ALONE),
    "signing.tsa": Promise("", OURS, OURS_ALONE),
    "reports": Promise("reports", "a scratch folder with a date", "proof lies where it is looked for, not by a date"),
}
"""Each setting that has a default, as it is resolved from an empty file."""

WITHOUT: dict[str, str] = {
    "target": "a drill is never rehearsed by accident",
    "drill.backup_uri": "nobody else knows what is restored from",
    "drill.image_ref": "nobody else knows what runs",
    "sites.primary.account_id": "the team's own there; a guard that guesses guards nothing",
    "sites.primary.region": "us-east-1 there; as with the account",
    "sites.recovery.account_id": "as with the original site",
    "sites.recovery.region": "as with the original site",
    "primary.bucket": NOBODY,
    "primary.prefix": "jobintel there; " + NOBODY,
    "primary.provider": "openai there; " + NOBODY,
    "primary.profile": "cs there; " + NOBODY,
    "primary.freshness_limit": "6 h there, beside a run a day: called stale for three quarters of each day",
    "primary.metrics.namespace": "its project's there; " + NOBODY,
    "primary.metrics.dimensions": NOBODY,
    "primary.alarms.names": NOBODY,
    "recovery.bucket": NOBODY,
    "recovery.prefix": NOBODY,
    "recovery.runner_name": "jobintel-dr-runner there; " + NOBODY,
    "recovery.runner_purpose": "jobintel-dr there; " + NOBODY,
    "recovery.provisioner.state_bucket": NOBODY,
    "recovery.provisioner.state_key": "two keys for one state there; it is named, once",
    "recovery.provisioner.vpc_id": NOBODY,
    "recovery.provisioner.subnet_id": NOBODY,
    "validation.commands": "what shows that a machine works is its owner's to say",
    "cluster.namespace": "jobintel there; " + NOBODY,
    "cluster.publishing.config_map": NOBODY,
    "cluster.publishing.off": NOBODY,
    "cluster.cronjob": NOBODY,
    "criteria.rto": "no objective anywhere there; without one there is nothing to judge by",
    "criteria.rpo": "as with the RTO",
}
"""Each setting that has none, and why: the reference's default where it has one."""


ELSEWHERE: dict[str, tuple[Promise, Callable[[], object]]] = {
    "a drill starts at": (Promise("bringup"), lambda: WindowRequest().first),
    "a drill stops after": (Promise("promote"), lambda: WindowRequest().last),
    "a drill tears down": (Promise(expected=True), lambda: WindowRequest().teardown),
    "where a drill can start": (Promise(("bringup", "restore", "validate", "promote", "teardown")), lambda: START),
    "where a drill can stop": (Promise(("bringup", "restore", "validate", "promote")), lambda: STOP),
    "minutes that each phase is expected to take": (
        Promise({"bringup": 12, "restore": 10, "validate": 12, "diagnose": 6, "promote": 2, "teardown": 8}),
        lambda: dict(cost.MINUTES),
    ),
    "minutes of a drill that stops at the gate": (
        Promise(42),
        lambda: cost.estimated_minutes(
            ("bringup", "restore", "validate", "promote", "teardown"), CostInputs(), promotes=False
        ),
    ),
    "the four pointers": (
        Promise(
            {
                "global": "p/state/candidates/local/last_success.json",
                "provider": "p/state/candidates/local/openai/cs/last_success.json",
                "global-legacy": "p/state/last_success.json",
                "provider-legacy": "p/state/openai/cs/last_success.json",
            }
        ),
        lambda: dict(pointers.keys("p", "local", "openai", "cs")),
    ),
    "where a run lies": (Promise("p/runs/r:+1"), lambda: published_runs.run_path("p", "r:+1")),
    "where latest copies lie": (Promise("p/latest"), lambda: published_runs.latest_path("p")),
    "where the control plane lies": (
        Promise("p/control-plane"),
        lambda: s3_uri.parse("s3://bucket/p/backups/one").control_plane_prefix,
    ),
    "the id of an execution in keys": (Promise("a_b-c.1"), lambda: receipt_names.execution_id("_a:/b-c.1+")),
    "the id of an execution without one": (Promise("unknown_execution"), lambda: receipt_names.execution_id("+")),
    "the name of a receipt": (Promise("restore.json"), lambda: receipt_names.name_of("receipts/0007-restore.json")),
    "the objects of an encrypted backup": (
        Promise(("metadata.json", "checksums.json", "db_backup.enc", "artifacts_backup.enc")),
        lambda: onprem_backup.OBJECTS,
    ),
    "the version of an encrypted backup": (Promise(1), lambda: onprem_backup.SCHEMA_VERSION),
    "how a database can be saved": (
        Promise(frozenset({"pg_dump", "state_runs_export"})),
        lambda: onprem_backup.DB_MODES,
    ),
    "what two runs may differ in": (
        Promise(
            frozenset(
                [
                    "captured_at_utc",
                    "created_at",
                    "created_at_utc",
                    "decision_timestamp",
                    "ended_at",
                    "fetched_at",
                    "generated_at",
                    "generated_at_utc",
                    "run_started_at",
                    "scored_at",
                    "scraped_at",
                    "started_at",
                    "timestamp",
                    "timestamp_utc",
                    "updated_at",
                    "duration_sec",
                ]
            )
        ),
        lambda: volatile.EVERYWHERE,
    ),
    "how functions reach the cluster": (Promise("ssm"), lambda: over_ssm(None)["cluster_access"]),
    "the largest object that is read at once": (
        Promise(4 << 20, OURS, OURS_ALONE),
        lambda: inspect.signature(ObjectStore.read).parameters["limit"].default,
    ),
}
"""Each default that no setting and no option holds, and how the code says it."""

EVERY = {**SETTINGS, **{name: promise for name, (promise, _) in ELSEWHERE.items()}}
RESOLVED = resolve({"target": "aws"}, {}, None, needed=("target",))


@pytest.mark.parametrize("path", SETTINGS)
def test_a_setting_that_nobody_sets_has_the_promised_value(path):
    assert RESOLVED[path] == SETTINGS[path].expected
    assert type(RESOLVED[path]) is type(SETTINGS[path].expected)
    assert RESOLVED.sources[path] == "default"


@pytest.mark.parametrize("name", ELSEWHERE)
def test_what_no_setting_holds_has_the_promised_value(name):
    promise, read = ELSEWHERE[name]

    assert read() == promise.expected


def test_every_setting_with_a_default_is_in_the_table():
    assert {leaf.path for leaf in LEAVES if leaf.default is not None} == SETTINGS.keys()


def test_every_setting_without_a_default_says_why():
    assert {leaf.path for leaf in LEAVES if leaf.default is None} == WITHOUT.keys()
    assert all(WITHOUT.values())


@pytest.mark.parametrize("name", EVERY)
def test_a_default_that_is_not_the_reference_s_says_why(name):
    promise = EVERY[name]

    assert bool(promise.because) == (promise.reference is not SAME)
    assert promise.reference != promise.expected


def test_an_empty_file_sets_nothing(tmp_path):
    empty = tmp_path / "drproof.toml"
    empty.write_text("")

    assert resolve({"target": "aws"}, {}, empty, needed=("target",)) == RESOLVED


def test_a_rehearsal_takes_the_promised_limits_into_its_settings(tmp_path):
    prepared = prepare(
        DrillRequest(plan="recovery", options={"target": "embedded"}, environment={}, directory=tmp_path)
    )

    assert (prepared.settings.limits.max_attempts, prepared.settings.limits.validate_max_retries) == (3, 2)
    assert prepared.teardown_is_armed
    assert (prepared.settings.cost.instance_type, prepared.settings.cost.ebs_root_gb) == ("t4g.medium", 8)
    assert prepared.settings.cost.runtime_minutes is None


MEMBERS = {
    (model.Primary, "candidate"): "primary.candidate",
    (model.Primary, "marker"): "primary.marker",
    (model.Primary, "report"): "primary.report",
    (model.Recovery, "instance_type"): "recovery.instance_type",
    (model.Validation, "timeout_ms"): "validation.timeout",
    (model.ClusterSettings, "kubeconfig_on_runner"): "cluster.kubeconfig_on_runner",
    (model.ClusterSettings, "kubectl"): "cluster.kubectl",
    (model.ClusterSettings, "uid_command"): "cluster.uid_command",
    (model.ClusterSettings, "ready_timeout_ms"): "cluster.ready_timeout",
    (model.ClusterSettings, "service_account"): "cluster.service_account",
    (model.ClusterSettings, "pull_secret"): "cluster.pull_secret",
    (model.ClusterSettings, "manifests"): "cluster.manifests",
    (model.ClusterSettings, "control_plane_name"): "cluster.control_plane_name",
    (model.JobSettings, "source"): "job.source",
    (model.JobSettings, "run_id_pattern"): "job.run_id_pattern",
    (model.JobSettings, "request_cpu"): "job.request_cpu",
    (model.JobSettings, "request_memory"): "job.request_memory",
    (model.JobSettings, "limit_cpu"): "job.limit_cpu",
    (model.JobSettings, "limit_memory"): "job.limit_memory",
    (model.JobSettings, "startup_window_ms"): "job.startup_window",
    (model.JobSettings, "timeout_ms"): "job.timeout",
    (model.JobSettings, "show_log"): "job.show_log",
    (model.JobSettings, "skip_workload_assume"): "job.skip_workload_assume",
    (model.Limits, "max_attempts"): "limits.max_attempts",
    (model.Limits, "validate_max_retries"): "limits.validate_max_retries",
    (model.Limits, "backoff_ms"): "limits.backoff",
    (model.Limits, "poll_ms"): "limits.poll",
    (model.Limits, "lease_ms"): "limits.lease",
    (model.Limits, "alarms_ms"): "limits.alarms",
    (model.Limits, "recount_ms"): "limits.recount",
    (model.Limits, "max_machines"): "limits.max_machines",
    (model.Limits, "max_deletions"): "limits.max_deletions",
    (model.Limits, "teardown_reserve_ms"): "limits.teardown_reserve",
    (model.Recovery, "cluster_access"): "recovery.cluster_access",
    (model.Recovery, "online_ms"): "recovery.online_timeout",
    (model.BuildSettings, "queued_ms"): "recovery.provisioner.codebuild.queued_timeout",
    (model.BuildSettings, "build_ms"): "recovery.provisioner.codebuild.build_timeout",
    (model.Promotion, "auto_promote"): "promotion.auto_promote",
    (model.Promotion, "allow_bypass"): "promotion.allow_bypass",
    (model.Promotion, "await_ms"): "promotion.await_approval",
    (model.CostInputs, "instance_type"): "cost.instance_type",
    (model.CostInputs, "ebs_root_gb"): "cost.ebs_root_gb",
}


@pytest.mark.parametrize(("of", "member"), MEMBERS)
def test_the_model_has_no_second_opinion_about_a_default(of, member):
    (found,) = (one for one in fields(of) if one.name == member)

    assert found.default is not MISSING
    assert found.default == SETTINGS[MEMBERS[of, member]].expected
