"""What a run is made of, from its resolved settings: the settings by room, the criteria, the contracts to be judged."""

import secrets

from drproof import catalog
from drproof.engine.approving import approval_of
from drproof.engine.cadence import cadence_of
from drproof.engine.named import bar_of
from drproof.engine.readiness import orchestrator_of, preflight_of, triggers_of
from drproof.engine.refusal import refuse
from drproof.engine.settings import EMBEDDED, Resolved
from drproof.engine.window import Coverage
from drproof.formats import onprem_backup, pointers
from drproof.model.criteria import (
    Backup,
    ByItself,
    Criteria,
    ExpectedContract,
    Grade,
    Plausibility,
    Published,
    Site,
    Sites,
    Storing,
    Workload,
)
from drproof.model.plan import Plan
from drproof.model.settings import (
    BuildSettings,
    ClusterSettings,
    Command,
    CostInputs,
    JobSettings,
    Limits,
    Metrics,
    Primary,
    Promotion,
    ProvisionerSettings,
    Recovery,
    Settings,
    Signing,
    Validation,
)


def settings_of(resolved: Resolved, *, no_retry: bool) -> Settings:
    """Return the settings by room; the recovery site is the primary's account and region where nothing else is said.

    Raises:
        Refusal: no attempt is allowed.
    """
    sites = {}
    fallback = resolved["sites.primary.account_id"], resolved["sites.primary.region"]
    for side in ("primary", "recovery"):
        account = resolved[f"sites.{side}.account_id"] or fallback[0]
        sites[side] = Site(
            account_id=account,
            region=resolved[f"sites.{side}.region"] or fallback[1],
            owner=resolved[f"sites.{side}.owner"] or account,
        )
    attempts = 1 if no_retry else resolved["limits.max_attempts"]
    if attempts < 1:
        raise refuse(
            "--max-attempts",
            expected="a whole number of at least 1",
            got=str(attempts),
            next_step="pytest -m drill --max-attempts 3",
        )
    return Settings(
        target=resolved["target"],
        backup_uri=resolved["drill.backup_uri"],
        image_ref=resolved["drill.image_ref"],
        sites=Sites(**sites),
        primary=Primary(
            **{
                key: resolved[f"primary.{key}"]
                for key in (
                    "bucket",
                    "prefix",
                    "candidate",
                    "provider",
                    "profile",
                    "marker",
                    "report",
                    "outputs",
                    "vpc_id",
                    "subnet_id",
                )
            },
            metrics=Metrics(
                namespace=resolved["primary.metrics.namespace"], dimensions=resolved["primary.metrics.dimensions"]
            ),
            alarms=resolved["primary.alarms.names"],
        ),
        recovery=Recovery(
            **{
                key: resolved[f"recovery.{key}"]
                for key in (
                    "bucket",
                    "prefix",
                    "runner_name",
                    "runner_purpose",
                    "instance_type",
                    "topic_arn",
                    "cluster_access",
                )
            },
            provisioner=ProvisionerSettings(
                **{
                    key: resolved[f"recovery.provisioner.{key}"]
                    for key in (
                        "kind",
                        "state_bucket",
                        "state_key",
                        "lock_table",
                        "vpc_id",
                        "subnet_id",
                        "allowed_cidr",
                        "module",
                        "variables",
                        "provider_mirror",
                    )
                },
                codebuild=_builds(resolved),
            ),
            online_ms=resolved["recovery.online_timeout"],
        ),
        validation=Validation(
            commands=tuple(Command(**row) for row in resolved["validation.commands"]),
            watch=resolved["validation.watch"],
            timeout_ms=resolved["validation.timeout"],
        ),
        cluster=_cluster(resolved),
        job=_job(resolved),
        diagnostics=tuple(Command(**row) for row in resolved["diagnostics.commands"]),
        limits=Limits(
            max_attempts=attempts,
            validate_max_retries=0 if no_retry else resolved["limits.validate_max_retries"],
            backoff_ms=resolved["limits.backoff"],
            poll_ms=resolved["limits.poll"],
            lease_ms=resolved["limits.lease"],
            alarms_ms=resolved["limits.alarms"],
            recount_ms=resolved["limits.recount"],
            max_machines=resolved["limits.max_machines"],
            max_deletions=resolved["limits.max_deletions"],
            teardown_reserve_ms=resolved["limits.teardown_reserve"],
        ),
        promotion=Promotion(
            **{
                key: resolved[f"promotion.{key}"]
                for key in ("auto_promote", "allow_bypass", "approver", "ticket", "reason", "send_token")
            },
            await_ms=resolved["promotion.await_approval"],
        ),
        cost=CostInputs(
            instance_type=resolved["cost.instance_type"],
            runtime_minutes=resolved["cost.runtime_minutes"] or None,
            ebs_root_gb=resolved["cost.ebs_root_gb"],
        ),
        signing=Signing(
            signer=resolved["signing.signer"],
            trust=resolved["signing.trust"],
            tsa=resolved["signing.tsa"],
            digest_key=resolved["receipts.digest_key"],
        ),
        profile=resolved["profile"],
        storing=_storing(resolved, sites["recovery"].owner),
        backup_layout=resolved["backup.layout"],
        backup_owner=resolved["backup.owner"],
        triggers=triggers_of(resolved),
        orchestrator=orchestrator_of(resolved),
    )


def _storing(resolved: Resolved, owner: str) -> Storing | None:
    """Return where receipts are mirrored to; the bucket is the recovery site's where nobody says whose it is."""
    if not resolved["receipts.uri"]:
        return None
    return Storing(
        uri=resolved["receipts.uri"].rstrip("/"),
        owner=resolved["receipts.owner"] or owner,
        retention_mode=resolved["receipts.retention_mode"],
        retention_days=resolved["receipts.retention_days"],
    )


def criteria_of(resolved: Resolved, settings: Settings, plan: Plan, *, teardown: bool, challenge: str = "") -> Criteria:
    """Return what contracts will compare receipts with; `challenge` is that of the window before, if there is one."""
    return Criteria(
        rto_ms=resolved["criteria.rto"],
        rpo_ms=resolved["criteria.rpo"],
        freshness_limit_ms=resolved["primary.freshness_limit"],
        backup=_backup(resolved, settings),
        control_plane_sections=resolved["control_plane.sections"],
        pointers=tuple(pointers.LABELS),
        alarms=settings.primary.alarms,
        validation_commands=tuple(command.name for command in settings.validation.commands),
        image_ref=settings.image_ref,
        sites=settings.sites,
        workload=_workload(resolved, settings, challenge or secrets.token_hex(32)),
        grade=Grade(resolved["criteria.grade"]),
        # A drill is run without an outage; that nobody needed it is recorded, not hidden.
        force_recovery=plan.name == catalog.RECOVERY,
        teardown=teardown,
        notification_expected=bool(settings.recovery.topic_arn),
        promotion_expected=settings.promotion.auto_promote and settings.promotion.allow_bypass,
        state_expected=_keeps_a_state(resolved, settings),
        storing=settings.storing,
        published=Published(
            prefix=settings.primary.prefix,
            provider=settings.primary.provider,
            profile=settings.primary.profile,
            outputs=tuple(sorted(settings.primary.outputs)),
            marker=settings.primary.marker_name,
        ),
        cadence=cadence_of(resolved),
        architectures=resolved["drill.architectures"],
        preflight=preflight_of(resolved, settings, plan),
        approval=approval_of(settings, plan),
        by_itself=bar_of(
            settings.sites.recovery,
            machine=resolved["orchestrator.machine"],
            max_age_ms=resolved["triggers.drill_max_age"],
            embedded=resolved["target"] == EMBEDDED,
        )
        if plan.name == catalog.PREFLIGHT
        else ByItself(),
    )


def _keeps_a_state(resolved: Resolved, settings: Settings) -> bool:
    """Return whether what brings the machine up keeps a state that a teardown can be compared with."""
    provisioner = settings.recovery.provisioner
    if provisioner.kind != "codebuild":
        return True
    from drproof.targets.provisioners.build_order import uses_terraform

    return uses_terraform(provisioner.codebuild, embedded=resolved["target"] == EMBEDDED)


def _backup(resolved: Resolved, settings: Settings) -> Backup:
    """Return what the restore point is judged by."""
    share, primary = resolved["backup.plausible_share"], settings.primary
    onprem = resolved["backup.layout"] == "onprem"
    return Backup(
        uri=settings.backup_uri,
        objects=onprem_backup.OBJECTS if onprem else resolved["backup.objects"],
        archives=() if onprem else resolved["backup.archives"],
        layout=resolved["backup.layout"],
        member_manifests="ignored" if onprem else resolved["backup.member_manifests"],
        checksums="ignored" if onprem else resolved["backup.checksums"],
        failure_domain=resolved["backup.failure_domain"],
        protection=resolved["backup.protection"],
        published=Plausibility(
            bucket=primary.bucket,
            prefix=primary.prefix,
            candidate=primary.candidate,
            state=resolved["backup.state"],
            share=share,
        )
        if primary.bucket and primary.prefix
        else None,
    )


def _builds(resolved: Resolved) -> BuildSettings:
    texts = (
        "project",
        "receipt_uri",
        "module_uri",
        "module_version",
        "module_sha256",
        "terraform_version",
        "terraform_uri",
        "terraform_sha256",
        "tool",
    )
    return BuildSettings(
        **{key: resolved[f"recovery.provisioner.codebuild.{key}"] for key in texts},
        queued_ms=resolved["recovery.provisioner.codebuild.queued_timeout"],
        build_ms=resolved["recovery.provisioner.codebuild.build_timeout"],
    )


def _cluster(resolved: Resolved) -> ClusterSettings:
    return ClusterSettings(
        **{
            key: resolved[f"cluster.{key}"]
            for key in (
                "namespace",
                "kubeconfig",
                "context",
                "uid",
                "exec_plugins",
                "kubeconfig_on_runner",
                "kubectl",
                "uid_command",
                "service_account",
                "pull_secret",
                "manifests",
                "baseline",
                "kinds",
                "left_out",
                "control_plane_name",
                "cronjob",
            )
        },
        ready_timeout_ms=resolved["cluster.ready_timeout"],
        publishing_config_map=resolved["cluster.publishing.config_map"],
        publishing_off=resolved["cluster.publishing.off"],
    )


def _job(resolved: Resolved) -> JobSettings:
    return JobSettings(
        **{
            key: resolved[f"job.{key}"]
            for key in (
                "source",
                "command",
                "arguments",
                "environment",
                "report_command",
                "run_id_pattern",
                "request_cpu",
                "request_memory",
                "limit_cpu",
                "limit_memory",
                "skip_workload_assume",
                "show_log",
            )
        },
        startup_window_ms=resolved["job.startup_window"],
        timeout_ms=resolved["job.timeout"],
    )


def _workload(resolved: Resolved, settings: Settings, challenge: str) -> Workload:
    """Return what the cluster and its validation Job are judged by."""
    cluster, job = settings.cluster, settings.job
    return Workload(
        namespace=cluster.namespace,
        cluster_uid=cluster.uid,
        manifests=cluster.manifests,
        control_plane_name=cluster.control_plane_name,
        cronjobs=(cluster.cronjob,) if cluster.cronjob and not job.skip_workload_assume else (),
        service_account=cluster.service_account,
        pull_secret=cluster.pull_secret,
        publishing_config_map=cluster.publishing_config_map,
        publishing_off=cluster.publishing_off,
        canary=resolved["backup.canary"],
        requests={"cpu": job.request_cpu, "memory": job.request_memory},
        limits={"cpu": job.limit_cpu, "memory": job.limit_memory},
        deadline_seconds=job.timeout_ms // 1000,
        environment=job.environment,
        command=job.command,
        arguments=job.arguments,
        kinds=cluster.kinds,
        left_out=cluster.left_out,
        challenge=challenge,
    )


def expected_of(plan: Plan, coverage: Coverage, criteria: Criteria) -> tuple[ExpectedContract, ...]:
    """Return every contract with the subjects it must be judged on, before anything was read."""
    expected = []
    for contract in plan.asked(criteria, coverage.names):
        subjects = contract.subjects
        named = tuple(dict.fromkeys(subjects.expected(criteria))) if subjects.expected else ()
        if subjects.expected and not named:
            raise refuse(
                f"contract {contract.name} has nothing to judge: the criteria name no {subjects.label}",
                expected=f"at least one {subjects.label}",
                got="none",
                next_step="name it in drproof.toml",
            )
        discovers = subjects.label if subjects.discovered else ""
        expected.append(
            ExpectedContract(name=contract.name, version=contract.version, subjects=named, discovers=discovers)
        )
    if not expected:
        raise refuse(
            f"this window of plan {plan.name} decides no contract: it would prove nothing",
            next_step="widen the window",
        )
    return tuple(expected)
