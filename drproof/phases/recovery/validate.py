"""The recovered workload runs once, in the recovery cluster, on the restored state; what it showed is read back."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from drproof.analysis import pods, state_report
from drproof.analysis.covering import projected
from drproof.analysis.state_report import Report
from drproof.model.cluster import DRILL_LABEL, EVENT, JOB, POD, Cluster, Manifest, named
from drproof.model.context import Context, Effect
from drproof.model.errors import AlreadyExistsError, DrproofError, FormatError, GuardError, PhaseError, TargetError
from drproof.model.phase import phase
from drproof.model.receipt import Count, Digest
from drproof.phases.recovery import pull_secret
from drproof.phases.recovery.inspect_cluster import look, running_schedules
from drproof.phases.recovery.job import PURPOSE, PURPOSE_LABEL, REPORT, WORKLOAD, Source, manifest_of
from drproof.phases.recovery.marks import effect_details, is_ours, label_of
from drproof.phases.recovery.reach_cluster import pinned
from drproof.phases.recovery.restore import hand_of, pull_secret_of

COMPLETE = "Complete"
GONE_MS = 60_000
SILENCE_MS = 120_000
"""How long the cluster may give no answer while the Job runs: an API that restarts does not end a Job."""

LOG_BYTES = 1 << 20
TAIL_LINES = 20
RETRIED = frozenset({"image_pull_auth", "insufficient_memory"})
"""The troubles that the runbook tries again; any other is an answer."""

AT_ONCE = frozenset({"image_pull_auth", "invalid_image"})
"""Those that do not mend themselves while one waits."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ContainerSeen:
    """One container of the Job's pod as it ran."""

    name: str
    image: str
    digest: str
    """The digest of the image that ran, as the node says; empty when it does not say."""
    pulled: str
    """Where the node had the image from: `registry`, `cache`, or empty when no event says."""
    policy: str
    publishing: Mapping[str, str]
    """The switches of publishing, as the container itself got them."""
    exit_code: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchiveReported:
    """One archive of the restored state as the Job read it."""

    archive: str
    files: Count
    size: Count
    sha256: Digest


@dataclass(frozen=True, slots=True, kw_only=True)
class ValidateObserved:
    """The Job as it ran, and what it reported."""

    uid: str
    namespace: str
    job: str
    source: Source
    node: str
    containers: tuple[ContainerSeen, ...]
    requests: Mapping[str, str]
    limits: Mapping[str, str]
    deadline_seconds: Count
    condition: str
    run_id: str
    reports: tuple[ArchiveReported, ...]
    canary: str
    """The text of the canary as the Job read it; empty when it was not there."""
    schedules_that_run: tuple[str, ...]
    """CronJobs that would start something by themselves, now that the Job has ended."""
    unanswered: Count
    """Questions about the Job that the cluster did not answer."""


@phase(
    plans={"recovery"},
    after=["inspect_cluster", "inspect_runner"],
    window="validate",
    mutates=True,
    requires=[
        "recovery_namespace_is_the_restored_one",
        "cluster_nodes_are_ready",
        "restored_object_is_what_was_backed_up",
        "control_plane_in_the_cluster_is_the_bundle",
        "workload_cronjob_is_there",
        "publishing_is_off",
        "no_workload_switches_publishing_on",
        "no_schedule_runs",
        "pull_secret_is_linked",
    ],
    uses={"cluster.read", "cluster.create", "registry.login"},
    objective_ms=720_000,
    keeps={"after": dict[str, dict[str, Any]], "job": dict[str, dict[str, Any]]},
    command_hint="pytest -m drill --validate-only --receipt-dir …",
    input=lambda ctx: {"image_ref": ctx.plan.criteria.image_ref, "namespace": ctx.settings.cluster.namespace},
)
def validate(ctx: Context) -> ValidateObserved:
    """The pinned Job has run to its end in the recovery cluster, and reported the state that it read."""
    cluster = pinned(ctx)
    number = 1 + len(_jobs(ctx))
    # The workload runs once: what an earlier attempt, or a process that died, has started is ended first.
    for removed in remove_jobs(ctx, cluster):
        ctx.say(f"removed {removed}")
    manifest, source = manifest_of(ctx, number)
    cluster.try_out(manifest)
    place = f"{cluster.identity.uid}/{manifest['metadata']['namespace']}/Job/{manifest['metadata']['name']}"
    with ctx.effects.intend("cluster.create", place, effect_details(ctx, manifest)) as pending:
        try:
            job = cluster.create(pending.intent, manifest)
        except AlreadyExistsError as exc:
            msg = f"{named(manifest)} is there, and is not of this drill: it is left"
            raise GuardError(msg) from exc
        pending.done(uid=job["metadata"]["uid"])
    watched = _Watched(ctx, cluster, job)
    job, pod = watched.to_its_end()
    ctx.say(f"{named(job)}: {pods.ended(job)}, {watched.unanswered} questions unanswered")
    return _observed(ctx, cluster, manifest, job, pod, source, watched.unanswered)


@validate.repair
def mend_what_was_missing(ctx: Context, error: Exception) -> str:
    """Renew the login to the registry when that is what the Job lacked."""
    secret = pull_secret_of(ctx)
    if secret is None or getattr(error, "code", "") != "image_pull_auth":
        return ""
    cluster = pinned(ctx)
    pull_secret.ensure(hand_of(ctx, cluster), cluster, secret, ctx.target.recovery.images.login, renew=True)
    return f"renewed the login in Secret/{secret.name}"


@validate.handing
def job_to_be_run(ctx: Context) -> Manifest:
    """Return the Job as validation would have created it."""
    return manifest_of(ctx, 1 + len(_jobs(ctx)))[0]


@validate.looking
def seen_to_have_run(ctx: Context) -> ValidateObserved:
    """Return the one Job of this drill as it ran to its end, and what it reported; nothing is started or removed."""
    cluster, namespace = pinned(ctx), ctx.plan.criteria.workload.namespace
    labels = {DRILL_LABEL: label_of(ctx), PURPOSE_LABEL: PURPOSE}
    found = cluster.list(JOB, namespace=namespace, labels=labels)
    if len(found) != 1:
        wanted = ",".join(f"{name}={value}" for name, value in labels.items())
        names = ", ".join(named(one) for one in found) or "none"
        msg = (
            f"after the act by hand {len(found)} Jobs with the labels {wanted} are in {namespace}; "
            f"expected exactly 1, for the workload runs once; got {names}\n"
            "  next: record-manual --phase validate … -- sh -c 'kubectl create -f \"$DRPROOF_MANIFEST\"'"
        )
        raise PhaseError(msg)
    watched = _Watched(ctx, cluster, found[0])
    job, pod = watched.to_its_end()
    manifest, source = manifest_of(ctx, 1)
    return _observed(ctx, cluster, manifest, job, pod, source, watched.unanswered)


def _jobs(ctx: Context) -> tuple[Effect, ...]:
    """Return the effects by which this drill made Jobs, or meant to; those that were refused made none."""
    made = ctx.effects.made("cluster.create")
    return tuple(one for one in made if "/Job/" in one.intent.resource and one.outcome != "failed")


def remove_jobs(ctx: Context, cluster: Cluster) -> tuple[str, ...]:
    """Remove the Jobs that this drill created, wait until their pods are gone, and return their names."""
    removed = []
    for effect in _jobs(ctx):
        _, namespace, _, name = effect.intent.resource.split("/")
        live = cluster.get(JOB, name, namespace=namespace)
        if live is None or not is_ours(ctx, live):
            continue
        uid = str(live["metadata"]["uid"])
        if effect.result.get("uid", uid) != uid:
            # One of the same name that came after it.
            continue
        with ctx.effects.intend("cluster.delete", effect.intent.resource) as pending:
            cluster.delete(pending.intent, JOB, name, namespace=namespace, uid=uid, timeout_ms=GONE_MS)
        _await_pods(ctx, cluster, namespace, uid)
        removed.append(name)
    return tuple(removed)


def _await_pods(ctx: Context, cluster: Cluster, namespace: str, uid: str) -> None:
    """Return once no pod of a Job is left."""
    deadline = ctx.clock.monotonic_ms() + GONE_MS
    while left := [pod for pod in cluster.list(POD, namespace=namespace) if _owner(pod) == uid]:
        if ctx.clock.monotonic_ms() >= deadline:
            msg = f"{len(left)} pods of an earlier Job do not end: the workload would run beside itself"
            raise TargetError(msg, code="Timeout", call="cluster:delete")
        ctx.clock.sleep_ms(ctx.settings.limits.poll_ms)


def _owner(pod: Manifest) -> str:
    """Return the UID of the controller of a pod; a label alone can be anybody's."""
    owners = pod["metadata"].get("ownerReferences") or ()
    return next((str(owner.get("uid", "")) for owner in owners if owner.get("controller")), "")


class _Watched:
    """A Job, looked at until it has ended or cannot start."""

    def __init__(self, ctx: Context, cluster: Cluster, job: Manifest) -> None:
        self.unanswered = 0
        self._ctx = ctx
        self._cluster = cluster
        self._uid = str(job["metadata"]["uid"])
        self._namespace = str(job["metadata"]["namespace"])
        self._name = str(job["metadata"]["name"])

    def to_its_end(self) -> tuple[Manifest, Manifest | None]:
        """Return the Job and its last pod; pull and scheduling troubles never fail a Job, so its pod is read as well.

        Raises:
            TargetError: it could not start, for a reason that may pass (`image_pull_auth`, `insufficient_memory`).
            PhaseError: it could not start for any other reason, failed, or did not end in time.
        """
        clock = self._ctx.clock
        begun = answered = clock.monotonic_ms()
        while True:
            now = clock.monotonic_ms()
            try:
                job, pod = self._look()
                answered = now
            except TargetError as exc:
                self.unanswered += 1
                if now - answered > SILENCE_MS or exc.code in {"Unauthorized", "Forbidden"}:
                    raise
            else:
                if self._has_ended(job, pod, now - begun):
                    return job, pod
            clock.sleep_ms(self._ctx.settings.limits.poll_ms)

    def _has_ended(self, job: Manifest, pod: Manifest | None, waited_ms: int) -> bool:
        """Return whether the Job is complete; one that failed, or cannot start, is an error."""
        settings = self._ctx.settings.job
        if end := pods.ended(job):
            if end != COMPLETE:
                raise self._failed(end, pod)
            return True
        late = waited_ms > settings.startup_window_ms
        if pod is None and late:
            raise self._without_a_pod()
        trouble = pods.waiting(pod, self._events() if late else ()) if pod is not None else None
        if trouble is not None and (late or trouble.kind in AT_ONCE):
            raise self._cannot_start(trouble.kind, trouble.reason, trouble.message)
        if waited_ms > settings.startup_window_ms + settings.timeout_ms:
            msg = f"Job/{self._name} neither ended nor failed within its deadline and startup window"
            raise PhaseError(msg)
        return False

    def _look(self) -> tuple[Manifest, Manifest | None]:
        job = self._cluster.get(JOB, self._name, namespace=self._namespace)
        if job is None or str(job["metadata"]["uid"]) != self._uid:
            msg = f"Job/{self._name} is gone, or another one, while it was watched"
            raise PhaseError(msg)
        found = self._cluster.list(POD, namespace=self._namespace, labels={"job-name": self._name})
        own = [pod for pod in found if _owner(pod) == self._uid]
        newest = sorted(own, key=lambda pod: str(pod["metadata"].get("creationTimestamp", "")))
        return job, newest[-1] if newest else None

    def _without_a_pod(self) -> PhaseError:
        """Return why no pod came: a quota or a policy of the cluster tells the Job, and nobody else."""
        about = [one for one in self._events() if (one.get("involvedObject") or {}).get("name") == self._name]
        said = [str(one.get("message", "")) for one in about if one.get("reason") == "FailedCreate"]
        return PhaseError(f"Job/{self._name} has no pod: {said[-1] if said else 'the cluster does not say why'}")

    def _events(self) -> tuple[Manifest, ...]:
        """Return what is said of the namespace: of a volume that cannot be mounted the pod itself says nothing."""
        try:
            return self._cluster.list(EVENT, namespace=self._namespace)
        except TargetError:
            return ()

    def _cannot_start(self, kind: str, reason: str, message: str) -> DrproofError:
        text = f"{kind}: the pod of Job/{self._name} cannot start: {reason}: {message}"
        if kind in RETRIED:
            return TargetError(text, code=kind, call="cluster:validate")
        return PhaseError(text)

    def _failed(self, end: str, pod: Manifest | None) -> PhaseError:
        exits = pods.exits(pod) if pod is not None else ()
        told = ", ".join(f"container {name} exited {code} ({reason})" for name, code, reason in exits if code != 0)
        broken = next((name for name, code, _ in exits if code != 0), "")
        lines = [f"Job/{self._name} is {end}; {told or 'no container says why'}"]
        try:
            if pod is not None and broken == REPORT:
                names = (*self._ctx.plan.criteria.backup.archives, self._ctx.plan.criteria.workload.canary)
                own = state_report.failure_in(_log(self._cluster, pod, REPORT), names)
                lines[0] += f"; {own}" if own else ""
            if pod is not None and broken and self._ctx.settings.job.show_log:
                lines += _log(self._cluster, pod, broken, tail_lines=TAIL_LINES).splitlines()
        except TargetError as exc:
            # A log that cannot be read must not turn an answer into a failure that is tried again.
            lines.append(f"its log cannot be read: {exc}")
        return PhaseError("\n".join(lines))


def _observed(  # noqa: PLR0913 — what a Job came to
    ctx: Context,
    cluster: Cluster,
    submitted: Manifest,
    job: Manifest,
    pod: Manifest | None,
    source: Source,
    unanswered: int,
) -> ValidateObserved:
    if pod is None:
        msg = f"Job/{job['metadata']['name']} is complete, and has no pod that could say what ran"
        raise PhaseError(msg)
    reports, canary = _reported(ctx, cluster, pod)
    wanted: Mapping[str, Any] = ctx.read_evidence("restore", "wanted")
    ctx.evidence("after", look(ctx, cluster, wanted))
    ctx.evidence("job", {"submitted": submitted["spec"]["template"]["spec"], "ran": projected(pod)["spec"]})
    running = {one["name"]: one for one in (*pod["spec"].get("initContainers", ()), *pod["spec"]["containers"])}
    main = running[WORKLOAD]
    resources: Mapping[str, Any] = main.get("resources") or {}
    match = re.search(ctx.settings.job.run_id_pattern, _log(cluster, pod, WORKLOAD))
    return ValidateObserved(
        uid=cluster.identity.uid,
        namespace=str(job["metadata"]["namespace"]),
        job=str(job["metadata"]["name"]),
        source=source,
        node=str(pod["spec"].get("nodeName", "")),
        containers=_containers(cluster, pod, running, ctx.plan.criteria.workload.publishing_off),
        requests=dict(resources.get("requests") or {}),
        limits=dict(resources.get("limits") or {}),
        deadline_seconds=int(job["spec"].get("activeDeadlineSeconds") or 0),
        condition=pods.ended(job),
        run_id=match[match.lastindex or 0] if match else "",
        reports=tuple(
            ArchiveReported(archive=one.archive, files=one.files, size=one.size, sha256=one.sha256) for one in reports
        ),
        canary=canary,
        schedules_that_run=running_schedules(cluster, str(job["metadata"]["namespace"])),
        unanswered=unanswered,
    )


def _switches(container: Mapping[str, Any], names: Iterable[str]) -> dict[str, str]:
    """Return the values that a container was given by name; the last one holds, as in the cluster."""
    given = {row["name"]: str(row["value"]) for row in container.get("env") or () if "value" in row}
    return {name: given[name] for name in names if name in given}


def _containers(
    cluster: Cluster, pod: Manifest, running: Mapping[str, Any], switches: Iterable[str]
) -> tuple[ContainerSeen, ...]:
    events = cluster.list(EVENT, namespace=str(pod["metadata"]["namespace"]))
    pulled = pods.pulled(events, pod)
    images = pods.images(pod)
    return tuple(
        ContainerSeen(
            name=name,
            image=images.get(name, ("", ""))[0],
            digest=images.get(name, ("", ""))[1],
            pulled=pulled.get(name, ""),
            policy=str(running.get(name, {}).get("imagePullPolicy", "")),
            publishing=_switches(running.get(name, {}), switches),
            exit_code=code,
            reason=reason,
        )
        for name, code, reason in pods.exits(pod)
    )


def _reported(ctx: Context, cluster: Cluster, pod: Manifest) -> tuple[tuple[Report, ...], str]:
    log = _log(cluster, pod, REPORT)
    try:
        return state_report.parse_log(log, nonce=ctx.plan.criteria.workload.challenge)
    except FormatError as exc:
        msg = f"the report of the restored state cannot be read: {exc}"
        raise PhaseError(msg) from exc


def _log(cluster: Cluster, pod: Manifest, container: str, *, tail_lines: int = 0) -> str:
    """Return the beginning of a log, or its last lines."""
    metadata: Mapping[str, Any] = pod["metadata"]
    return cluster.logs(
        str(metadata["name"]),
        namespace=str(metadata["namespace"]),
        container=container,
        limit_bytes=LOG_BYTES,
        tail_lines=tail_lines,
    )
