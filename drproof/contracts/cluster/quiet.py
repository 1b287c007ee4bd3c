"""The recovered workload keeps still: it cannot publish, and nothing starts it but the drill."""

from dataclasses import replace

from drproof.model.contract import contract, expected
from drproof.model.criteria import Criteria
from drproof.model.receipt import Receipt
from drproof.model.verdict import Finding, compare
from drproof.phases.recovery.inspect_cluster import ClusterInspected, CronJobSeen

CONTROLS = ["NIST CP-10", "NIST SC-7"]
Inspection = Receipt[ClusterInspected]


@contract(
    needs=["inspect_cluster"],
    subjects=expected("switch of publishing", lambda criteria: sorted(criteria.workload.publishing_off)),
    controls=CONTROLS,
)
def publishing_is_off(inspect_cluster: Inspection, criteria: Criteria, subject: str) -> Finding:
    """Each switch of publishing stands where it keeps the recovered workload from the original site's places."""
    return compare(
        observed=inspect_cluster.facts.publishing.get(subject, "absent"),
        expected=criteria.workload.publishing_off[subject],
        reason=f"{subject} does not keep the recovered workload from publishing",
    )


@publishing_is_off.sabotage("the switch is on")
def switched_on(inspect_cluster: Inspection, subject: str) -> Inspection:
    """Switch it on."""
    facts = inspect_cluster.facts
    value = f"not-{facts.publishing[subject]}"
    return replace(inspect_cluster, observed=replace(facts, publishing={**facts.publishing, subject: value}))


@publishing_is_off.sabotage("the switch is gone")
def switch_gone(inspect_cluster: Inspection, subject: str) -> Inspection:
    """Lose the switch."""
    facts = inspect_cluster.facts
    left = {key: value for key, value in facts.publishing.items() if key != subject}
    return replace(inspect_cluster, observed=replace(facts, publishing=left))


@contract(needs=["inspect_cluster"], controls=CONTROLS)
def no_workload_switches_publishing_on(inspect_cluster: Inspection) -> Finding:
    """Every container of a restored workload is told itself that publishing is off, wherever else it would look."""
    return compare(
        observed=list(inspect_cluster.facts.switched_on),
        expected=[],
        reason="a restored workload publishes by its own settings, whatever the ConfigMap says",
    )


@no_workload_switches_publishing_on.sabotage("a container switches it on")
def switches_on(inspect_cluster: Inspection) -> Inspection:
    """Switch it on."""
    switched = ("Deployment/web/main: PUBLISH",)
    return replace(inspect_cluster, observed=replace(inspect_cluster.facts, switched_on=switched))


@contract(needs=["inspect_cluster"], controls=CONTROLS)
def no_schedule_runs(inspect_cluster: Inspection) -> Finding:
    """No CronJob in the recovery namespace would start anything by itself."""
    return compare(
        observed=list(inspect_cluster.facts.schedules_that_run),
        expected=[],
        reason="a schedule of the recovered site would run beside the original's",
    )


@no_schedule_runs.sabotage("a schedule runs")
def schedule_runs(inspect_cluster: Inspection) -> Inspection:
    """Let a schedule run."""
    return replace(inspect_cluster, observed=replace(inspect_cluster.facts, schedules_that_run=("nightly",)))


@contract(
    needs=["inspect_cluster"],
    subjects=expected("CronJob of the workload", lambda criteria: criteria.workload.cronjobs),
    applies=lambda criteria: bool(criteria.workload.cronjobs),
    controls=CONTROLS,
)
def workload_cronjob_is_there(inspect_cluster: Inspection, subject: str) -> Finding:
    """The CronJob of the workload is in the recovery cluster, and suspended."""
    seen = next((one for one in inspect_cluster.facts.cronjobs if one.name == subject), None)
    return compare(
        observed={"present": seen is not None and seen.present, "suspended": seen is not None and seen.suspended},
        expected={"present": True, "suspended": True},
        reason=f"CronJob/{subject} is not there as it must be",
    )


@workload_cronjob_is_there.sabotage("the CronJob is not there")
def cronjob_absent(inspect_cluster: Inspection, subject: str) -> Inspection:
    """Lose the CronJob."""
    return _cronjob(inspect_cluster, subject, present=False)


@workload_cronjob_is_there.sabotage("the CronJob is not suspended")
def cronjob_runs(inspect_cluster: Inspection, subject: str) -> Inspection:
    """Let it run."""
    return _cronjob(inspect_cluster, subject, suspended=False)


def _cronjob(inspect_cluster: Inspection, name: str, **changes: bool) -> Inspection:
    def changed(seen: CronJobSeen) -> CronJobSeen:
        return replace(seen, **changes) if seen.name == name else seen  # type: ignore[arg-type] # fields of one type

    facts = inspect_cluster.facts
    return replace(inspect_cluster, observed=replace(facts, cronjobs=tuple(map(changed, facts.cronjobs))))
