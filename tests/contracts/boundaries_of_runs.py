"""Where the comparisons turn that speak of what the Job ran, and of the cluster while it ran."""

from dataclasses import replace
from typing import Any

from tests.contracts.boundary import PROVEN, REFUTED, UNPROVEN, boundary, expect
from tests.contracts.checks import House
from tests.contracts.evidence import PASSING, Evidence
from tests.contracts.observed import AFTER, CRITERIA, JOB, LIVE, VALIDATED, WANTED

RAN = "validation_ran_what_was_backed_up"


def _asking(evidence: Evidence = PASSING, **changes: Any) -> Evidence:
    return evidence.asking(workload=replace(CRITERIA.workload, **changes))


def _job(which: str = "submitted", **changes: Any) -> Evidence:
    """Return evidence of a Job whose workload is another, in what was submitted, in what ran, or in both."""
    job = dict(JOB)
    for name in JOB if which == "both" else (which,):
        (container,) = JOB[name]["containers"]
        job[name] = {**JOB[name], "containers": [{**container, **changes}]}
    return PASSING.file("job", job)


def _without(name: str) -> dict[str, Any]:
    (container,) = JOB["submitted"]["containers"]
    return {key: value for key, value in container.items() if key != name}


@boundary
def a_job_runs_what_the_cronjob_of_the_backup_runs_pointed_at_the_restored_state(house: House) -> None:
    mode, state, *off = JOB["submitted"]["containers"][0]["env"]
    template = WANTED["CronJob/atlas-daily"]
    two = {**WANTED, "CronJob/other": {**template, "metadata": {"name": "other"}}}
    expect(
        house,
        RAN,
        (_job("both", env=[state, mode, *off]), PROVEN),
        (_job("both", args=["run", "--quick"]), REFUTED),
        (_job("both", command=["sh"]), REFUTED),
        (_job("both", workingDir="/tmp"), REFUTED),
        (_job("both", envFrom=[]), REFUTED),
        (_job("both", volumeMounts=[{"name": "a", "mountPath": "/a"}]), REFUTED),
        (_job("both", env=[mode, {**state, "value": "drills/other/state.tar.zst"}, *off]), REFUTED),
        (_job("both", env=[mode, state, *off[1:]]), REFUTED),
        (_job("both", env=[mode, state, *off, {"name": "EXTRA", "value": "1"}]), REFUTED),
        (_job("both", env=[state, *off]), REFUTED),
        (_job("both", image="another"), PROVEN),
        (_job("both", name="another"), UNPROVEN),
        (_job("ran", args=["true"]), REFUTED),
        (_job("ran", command=["true"]), REFUTED),
        (PASSING.file("job", {**JOB, "ran": {**JOB["ran"], "tolerations": [{"operator": "Exists"}]}}), PROVEN),
        (PASSING.file("job", {**JOB, "ran": {"containers": []}}), UNPROVEN),
        (PASSING.file("job", {**JOB, "submitted": {"containers": []}}), UNPROVEN),
        (PASSING.file("wanted", {}), UNPROVEN),
        (PASSING.file("wanted", two), PROVEN),
        (_asking(PASSING.file("wanted", two), cronjobs=()), UNPROVEN),
        (_asking(cronjobs=()), PROVEN),
        (_asking(cronjobs=("another",)), UNPROVEN),
    )


@boundary
def a_job_without_a_cronjob_runs_what_the_criteria_say(house: House) -> None:
    bare = {key: value for key, value in _without("envFrom").items() if key not in {"args", "env"}}
    env = [row for row in JOB["submitted"]["containers"][0]["env"] if row["name"] != "MODE"]
    container = {**bare, "command": ["python"], "args": ["run"], "env": env}
    job = {name: {**JOB[name], "containers": [container]} for name in JOB}
    inline = PASSING.facts("validate", source="inline").file("job", job)
    expect(
        house,
        RAN,
        (_asking(inline, command=("python",), arguments=("run",)), PROVEN),
        (_asking(inline, command=("python",), arguments=("walk",)), REFUTED),
        (_asking(inline, command=("perl",), arguments=("run",)), REFUTED),
        (inline, REFUTED),
    )


@boundary
def a_cluster_that_was_judged_is_the_same_after_the_workload_has_run(house: House) -> None:
    contract = "nothing_changed_while_it_was_validated"
    name = "ConfigMap/atlas-config"
    edited = {**AFTER[name], "data": {**AFTER[name]["data"], "MODE": "live"}}
    expect(
        house,
        contract,
        (PASSING.file("after", {**AFTER, name: edited}), REFUTED),
        (PASSING.file("after", {one: AFTER[one] for one in AFTER if one != name}), REFUTED),
        (PASSING.file("after", {**AFTER, "ConfigMap/new": AFTER[name]}), PROVEN),
        (PASSING.file("live", {}), UNPROVEN),
        (PASSING.file("live", {name: LIVE[name]}), PROVEN),
        (PASSING.facts("validate", schedules_that_run=("atlas-daily",)), REFUTED),
    )
    verdict = house.verdict(contract, PASSING.file("after", {**AFTER, name: edited}))
    assert verdict.observed == {"gone": [], "changed": [name], "schedules_that_run": []}


@boundary
def no_container_of_the_job_and_of_the_workloads_can_publish(house: House) -> None:
    first, second = VALIDATED.containers

    def publishing(values: dict[str, str]) -> Evidence:
        return PASSING.facts("validate", containers=(first, replace(second, publishing=values)))

    off = dict(CRITERIA.workload.publishing_off)
    expect(
        house,
        "validation_could_not_publish",
        (publishing({**off, "PUBLISH_S3": "1"}), REFUTED),
        (publishing({"PUBLISH_S3": "0"}), REFUTED),
        (publishing({}), REFUTED),
        (publishing(off), PROVEN),
        (PASSING.facts("validate", containers=()), UNPROVEN),
        (_asking(publishing_off={}), UNPROVEN),
    )
    expect(
        house,
        "no_workload_switches_publishing_on",
        (PASSING.facts("inspect_cluster", switched_on=("Deployment/a/b: PUBLISH_S3",)), REFUTED),
    )


@boundary
def a_workload_that_nothing_points_at_the_state_cannot_be_pointed_elsewhere(house: House) -> None:
    mode, _, *off = JOB["submitted"]["containers"][0]["env"]
    unpointed = _job("both", env=[mode, {"name": "STATE", "value": "old"}, *off])

    verdict = house.verdict(RAN, _asking(unpointed, environment={}))

    assert verdict.status is PROVEN
    sabotage = next(one for one in verdict.controls if one.name == "the workload was pointed at another state")
    assert sabotage.result.value == "not_applicable"
