"""CronJobs: they fire when they are told to, and never by themselves."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from drproof.embedded.kubernetes.errors import NotFound
from drproof.embedded.kubernetes.resources import (
    CRONJOBS,
    JOBS,
    Object,
)

from .living import Living, shell, template


@pytest.fixture
def living(tmp_path: Path) -> Iterator[Living]:
    with Living(tmp_path) as found:
        yield found


def let_end(living: Living) -> None:
    """Let the Jobs of `cronjob` end: until then they run."""
    (living.directory / "go").touch()


def cronjob(living: Living, **spec: object) -> None:
    work = template(shell(f"until test -e {living.directory / 'go'}; do sleep 0.02; done"))
    job: Object = {"metadata": {"labels": {"app": "atlas"}}, "spec": {"template": work}}
    document = {"schedule": "0 2 * * *", "jobTemplate": job} | spec
    living.create(CRONJOBS, {"metadata": {"name": "daily"}, "spec": document})


def test_a_cronjob_fires_when_it_is_told_to_and_owns_its_job(living: Living) -> None:
    """cronjob_controllerv2.go: the Job carries template labels, owner, and the scheduled time."""
    cronjob(living)
    living.settle()
    assert living.store.list(JOBS)[0] == []
    job = living.life.fire("default", "daily")
    assert job
    assert job["metadata"]["labels"]["app"] == "atlas"
    assert job["metadata"]["ownerReferences"][0]["name"] == "daily"
    assert job["metadata"]["name"].startswith("daily-")
    living.until(lambda: len(living.get(CRONJOBS, "daily")["status"].get("active", [])) == 1)
    let_end(living)
    living.until_job("Complete", job["metadata"]["name"])
    living.until(lambda: "lastSuccessfulTime" in living.get(CRONJOBS, "daily")["status"])
    living.settle()
    assert "active" not in living.get(CRONJOBS, "daily")["status"]
    assert {"SuccessfulCreate", "SawCompletedJob"} <= set(living.reasons("daily"))


def test_a_suspended_cronjob_does_not_fire_and_an_absent_one_is_an_error(living: Living) -> None:
    """batch/v1 CronJobSpec.suspend: subsequent executions are suspended."""
    cronjob(living, suspend=True)
    assert living.life.fire("default", "daily") is None
    assert living.store.list(JOBS)[0] == []
    with pytest.raises(NotFound):
        living.life.fire("default", "none")


@pytest.mark.parametrize(("policy", "jobs"), [("Forbid", 1), ("Allow", 2), ("Replace", 1)])
def test_the_concurrency_policy_decides_about_a_second_job(living: Living, policy: str, jobs: int) -> None:
    """batch/v1 CronJobSpec.concurrencyPolicy."""
    cronjob(living, concurrencyPolicy=policy)
    first = living.life.fire("default", "daily")
    second = living.life.fire("default", "daily")
    assert first
    assert (second is None) is (policy == "Forbid")
    left = {job["metadata"]["name"] for job in living.store.list(JOBS)[0]}
    assert len(left) == jobs
    assert (first["metadata"]["name"] in left) is (policy != "Replace")


def test_a_cronjob_keeps_as_many_ended_jobs_as_its_history_allows(living: Living) -> None:
    """batch/v1 CronJobSpec.successfulJobsHistoryLimit."""
    cronjob(living, successfulJobsHistoryLimit=1)
    let_end(living)
    names = []
    for _ in range(2):
        job = living.life.fire("default", "daily")
        assert job
        names.append(job["metadata"]["name"])
        living.until_job("Complete", names[-1])
    living.until(lambda: [job["metadata"]["name"] for job in living.store.list(JOBS)[0]] == names[1:])
