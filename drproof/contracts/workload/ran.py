"""What ran is the workload that was backed up, pointed at the restored state, in a cluster that stayed as it was."""

from dataclasses import replace
from typing import Any

from drproof.analysis.covering import differences
from drproof.analysis.state_report import filled
from drproof.model.contract import NotApplicableError, contract
from drproof.model.criteria import Criteria
from drproof.model.receipt import Receipt
from drproof.model.verdict import Finding, compare, undecided
from drproof.phases.recovery.job import WORKLOAD
from drproof.phases.recovery.restore_state import StateObserved
from drproof.phases.recovery.validate import ValidateObserved

CONTROLS = ["NIST CP-4(4)", "SOC 2 A1.3", "ISO 22301 8.5"]
OF_THE_NODE = (
    "spec.enableServiceLinks",
    "spec.nodeName",
    "spec.preemptionPolicy",
    "spec.priority",
    "spec.serviceAccount",
    "spec.tolerations",
)
"""What scheduler and admission of every cluster add to a pod."""

SAID = ("command", "args", "workingDir", "envFrom", "volumeMounts")
Objects = dict[str, dict[str, Any]]
Validation = Receipt[ValidateObserved]


@contract(
    needs=["restore_state", "restore", "validate"],
    reads={"wanted": ("restore", "wanted"), "job": ("validate", "job")},
    controls=CONTROLS,
)
def validation_ran_what_was_backed_up(
    restore_state: Receipt[StateObserved], validate: Validation, wanted: Objects, job: Objects, criteria: Criteria
) -> Finding:
    """The Job ran what the backup's CronJob runs, or the criteria say, pointed at the restored state."""
    submitted, ran = _workload(job["submitted"]), _workload(job["ran"])
    if submitted is None or ran is None:
        return undecided("the evidence does not say what the workload's container was")
    source = _source(validate, wanted, criteria)
    if source is None:
        return undecided(f"the Job was made from {validate.facts.source}, of which the evidence says nothing")
    given = {
        **filled(
            criteria.workload.environment,
            bucket=restore_state.facts.bucket,
            prefix=restore_state.facts.prefix,
            owner=criteria.sites.recovery.owner,
        ),
        **criteria.workload.publishing_off,
    }
    kept = [row for row in source.get("env") or () if row.get("name") not in given]
    rows = [{"name": name, "value": value} for name, value in given.items()]
    return compare(
        observed={
            "not_as_backed_up": [name for name in SAID if (submitted.get(name) or []) != (source.get(name) or [])],
            "environment": _sorted(submitted.get("env")) == _sorted([*kept, *rows]),
            "changed_on_the_way": list(differences(_pod(job["submitted"]), _pod(job["ran"]), ignored=OF_THE_NODE)),
        },
        expected={"not_as_backed_up": [], "environment": True, "changed_on_the_way": []},
        reason="what ran is not the workload that was backed up",
    )


@validation_ran_what_was_backed_up.sabotage("something else ran", spoils="job")
def something_else(job: Objects) -> Objects:
    """Run something else."""
    return _changed(job, "ran", args=["true"])


@validation_ran_what_was_backed_up.sabotage("something else was submitted", spoils="job")
def something_else_submitted(job: Objects) -> Objects:
    """Submit something else."""
    return _changed(job, "submitted", workingDir="/elsewhere")


@validation_ran_what_was_backed_up.sabotage("the workload was pointed at another state", spoils="job")
def another_state(job: Objects, criteria: Criteria) -> Objects:
    """Point it elsewhere."""
    if not criteria.workload.environment:
        msg = "no variable points the workload at the state"
        raise NotApplicableError(msg)
    name = min(criteria.workload.environment)
    (found,) = (one for one in job["submitted"]["containers"] if one["name"] == WORKLOAD)
    env = [{**row, "value": "elsewhere"} if row["name"] == name else row for row in found["env"]]
    return _changed(job, "submitted", env=env)


@contract(
    needs=["inspect_cluster", "validate"],
    reads={"live": ("inspect_cluster", "live"), "after": ("validate", "after")},
    controls=CONTROLS,
)
def nothing_changed_while_it_was_validated(validate: Validation, live: Objects, after: Objects) -> Finding:
    """What was restored, and judged before the workload ran, is still there and as it was after it has run."""
    if not live:
        return undecided("nothing was looked at before the workload ran")
    gone = sorted(live.keys() - after.keys())
    changed = sorted(name for name in live.keys() & after.keys() if differences(live[name], after[name]))
    return compare(
        observed={"gone": gone, "changed": changed, "schedules_that_run": list(validate.facts.schedules_that_run)},
        expected={"gone": [], "changed": [], "schedules_that_run": []},
        reason="the cluster is not the one that was judged before the workload ran",
    )


@nothing_changed_while_it_was_validated.sabotage("an object is gone", spoils="after")
def gone(after: Objects) -> Objects:
    """Lose an object."""
    return {name: one for name, one in after.items() if name != min(after)}


@nothing_changed_while_it_was_validated.sabotage("an object holds something else", spoils="after")
def changed(after: Objects) -> Objects:
    """Change an object."""
    name = next((name for name, one in after.items() if one.get("data")), "")
    if not name:
        msg = "no object holds data"
        raise NotApplicableError(msg)
    key = min(after[name]["data"])
    return {**after, name: {**after[name], "data": {**after[name]["data"], key: "changed"}}}


@nothing_changed_while_it_was_validated.sabotage("a schedule runs by now", spoils="validate")
def schedule_runs_by_now(validate: Validation) -> Validation:
    """Let a schedule run."""
    return replace(validate, observed=replace(validate.facts, schedules_that_run=("nightly",)))


def _source(validate: Validation, wanted: Objects, criteria: Criteria) -> dict[str, Any] | None:
    """Return the container that the Job was to be made from."""
    if validate.facts.source == "inline":
        workload = criteria.workload
        return {"command": list(workload.command), "args": list(workload.arguments)}
    names = [f"CronJob/{name}" for name in criteria.workload.cronjobs] or [
        n for n in wanted if n.startswith("CronJob/")
    ]
    found = [wanted[name] for name in names if name in wanted]
    if len(found) != 1:
        return None
    containers = found[0]["spec"]["jobTemplate"]["spec"]["template"]["spec"]["containers"]
    first: dict[str, Any] = containers[0]
    return first


def _workload(spec: dict[str, Any]) -> dict[str, Any] | None:
    found: list[dict[str, Any]] = [one for one in spec.get("containers") or () if one.get("name") == WORKLOAD]
    return found[0] if len(found) == 1 else None


def _sorted(rows: Any) -> list[Any]:  # noqa: ANN401 — the variables of a container
    return sorted(rows or [], key=lambda row: str(row.get("name")))


def _pod(spec: dict[str, Any]) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "of-the-job"}, "spec": spec}


def _changed(job: Objects, which: str, **changes: object) -> Objects:
    spec = job[which]
    containers = [{**one, **changes} if one.get("name") == WORKLOAD else one for one in spec["containers"]]
    return {**job, which: {**spec, "containers": containers}}
