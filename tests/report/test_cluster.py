"""The page says which cluster was recovered into, what runs there, and what of it is not shown."""

import re
from dataclasses import fields, replace
from typing import Any

import html5lib
import pytest

from drproof.model.criteria import Grade, Window, Workload
from drproof.model.receipt import Outcome
from drproof.model.verdict import Status
from drproof.phases.recovery import reach_cluster, restore, validate
from drproof.report import html
from drproof.report.cluster import GRADED, ORIGINS, SOURCES
from drproof.report.gaps import gaps
from tests.report import drills, observed
from tests.report.conftest import Make
from tests.report.drills import Drill, Step, passed


def text_of(make: Make, drill: Drill, name: str = "drill") -> str:
    page = html.render(make(drill, name=name), outcome="proven").decode()
    tree = html5lib.HTMLParser(strict=True).parse(page)
    return re.sub(r"\s+", " ", "".join(tree.itertext()))


def section(make: Make, drill: Drill, name: str = "drill") -> str:
    """Return what the page says of the cluster."""
    return text_of(make, drill, name).rpartition("Recovery cluster ")[2].partition(" Contracts ")[0]


def with_steps(*steps: Step, **said: Any) -> Drill:
    other = {step.phase: step for step in steps}
    return Drill(steps=[other.get(step.phase, step) for step in drills.whole()], **said)


def graded(status: Status = Status.PROVEN, **said: Any) -> Any:
    shown = {"observed": "application_verified", "expected": "application_verified", **said}
    return drills.verdict(GRADED, "", status, **shown)


def test_the_cluster_stands_with_its_namespace_its_objects_its_job_and_its_grade(make: Make) -> None:
    told = section(make, Drill(verdicts=[*drills.verdicts(), graded()]))
    for sentence in (
        f"Cluster{observed.CLUSTER} at https://203.0.113.7:6443, version v1.31.5+k3s1",
        "Kubeconfigthe recovery machine's own",
        "Namespaceatlas, made by the drill",
        "Restored3 objects: 2 from the backup, 1 of the control plane",
        "Left outnothing",
        "Set otherwisenothing",
        "Validation Jobdr-validate-0123456789abcdef-1, from the workload's CronJob, on node atlas-runner",
        f"Images that ranreport-state sha256:{observed.SHA} pulled from the registry",
        "Run that it made2026-11-01T08:00:30+00:00",
        "Grade✓ proven: application verified is reached; application verified is demanded",
    ):
        assert sentence in told


def test_what_was_left_out_set_otherwise_or_taken_from_the_node_is_said(make: Make) -> None:
    restored = observed.Restored(
        namespace_created=False,
        objects=(observed.Object(name="Secret/atlas"),),
        left_out=("Pod/a",),
        overrides=("CronJob/atlas-daily: suspended",),
    )
    ran = observed.Validated(
        source="inline",
        node="",
        containers=(observed.Ran(name="workload", pulled="cache"), observed.Ran(name="side", digest="", pulled="")),
        run_id="",
    )
    told = section(make, with_steps(passed("restore", observed=restored), passed("validate", observed=ran)))
    for sentence in (
        "Namespaceatlas Restored1 object: 1 from the backup Left out1 object of the backupPod/a",
        "Set otherwiseso that the recovered workload keeps stillCronJob/atlas-daily: suspended",
        "dr-validate-0123456789abcdef-1, from the settings Images that ran",
        f"workload sha256:{observed.SHA} from what the node had",
        "side not known from where nobody says",
        "Run that it madenone is named",
        "Grade? not judged; application verified is demanded",
    ):
        assert sentence in told


def test_a_grade_that_is_missed_or_not_decided_is_never_called_reached(make: Make) -> None:
    missed = graded(Status.REFUTED, observed="integrity")
    told = section(make, Drill(verdicts=[missed], criteria={"grade": Grade.MATERIALISED}), "missed")
    assert "Grade✗ refuted: integrity is reached; materialised is demanded" in told
    undecided = section(make, Drill(verdicts=[graded(Status.UNPROVEN, observed=None)]), "undecided")
    assert "Grade? unproven: the evidence does not say which is reached; application verified is demanded" in undecided


def test_a_drill_that_reached_no_cluster_says_so(make: Make) -> None:
    told = section(make, Drill(steps=drills.failed_at("bringup")))
    for sentence in (
        "Clusternone was reached",
        "Kubeconfignone",
        "Restorednothing that a receipt vouches for",
        "Left outnot known",
        "Set otherwisenot known",
        "Validation Jobnone ran to its end",
    ):
        assert sentence in told


def test_a_plan_without_a_cluster_says_nothing_of_one(make: Make) -> None:
    told = text_of(make, Drill(steps=[passed("check_health")]))
    assert "Recovery cluster" not in told
    part = Window(full=False, start_at="bringup", stop_after="bringup", left_out=("validate",))
    assert "Recovery cluster" in text_of(make, Drill(steps=[passed("check_health")], window=part), "part")


@pytest.mark.parametrize("odd", ["text", [1], {"objects": "x", "left_out": [1, None], "containers": [7]}])
def test_a_third_partys_cluster_may_be_anything(odd: Any, make: Make) -> None:
    steps = [Step(phase=phase, observed=odd) for phase in ("reach_cluster", "restore", "validate")]
    assert "Recovery cluster" in text_of(make, Drill(steps=steps))


def test_every_origin_and_every_source_has_its_words(make: Make) -> None:
    objects = tuple(observed.Object(name=f"ConfigMap/{origin}", origin=origin) for origin in ORIGINS)
    told = section(make, with_steps(passed("restore", observed=observed.Restored(objects=objects))), "origins")
    assert "4 objects: 1 from the backup, 1 from the baseline, 1 of the control plane, 1 made for the drill" in told
    for source, words in SOURCES.items():
        reached = passed("reach_cluster", observed=observed.Reached(source=source))
        assert f"Kubeconfig{words}" in section(make, with_steps(reached), source)


def shown_gaps(make: Make, drill: Drill, name: str = "drill") -> dict[str, tuple[str, ...]]:
    return {gap.what: gap.details for gap in gaps(make(drill, name=name))}


MEANT = "That the cluster is the one that was meant."
LEFT_OUT = "The whole content of the cluster."
OTHERWISE = "That the workload publishes and starts by itself."
SECRETS = "What Secrets hold."
PULLED = "That the image can be pulled."


def test_a_clean_drill_leaves_no_gap_about_its_cluster(make: Make) -> None:
    found = shown_gaps(make, Drill())
    assert not {MEANT, LEFT_OUT, OTHERWISE, SECRETS, PULLED} & found.keys()


def test_a_kubeconfig_that_was_given_without_a_uid_leaves_open_which_cluster_was_meant(make: Make) -> None:
    reached = passed("reach_cluster", observed=observed.Reached(source="arg_kubeconfig"))
    assert MEANT in shown_gaps(make, with_steps(reached), "given")
    named = {"workload": Workload(namespace="atlas", cluster_uid=observed.CLUSTER)}
    assert MEANT not in shown_gaps(make, with_steps(reached, criteria=named), "named")
    failed = Step(phase="reach_cluster", outcome=Outcome.FAILED, reason="no answer")
    assert MEANT not in shown_gaps(make, with_steps(failed), "failed")


def test_what_a_restore_leaves_out_sets_otherwise_or_hides_is_a_gap_with_its_names(make: Make) -> None:
    restored = replace(
        observed.Restored(),
        objects=(observed.Object(name="Secret/atlas"), observed.Object(name="SecretStore/atlas")),
        left_out=("Pod/a", "Job/b"),
        overrides=("CronJob/atlas-daily: suspended",),
    )
    found = shown_gaps(make, with_steps(passed("restore", observed=restored)))
    assert found[LEFT_OUT] == ("Pod/a", "Job/b")
    assert found[OTHERWISE] == ("CronJob/atlas-daily: suspended",)
    assert found[SECRETS] == ("Secret/atlas",)


@pytest.mark.parametrize("pulled", ["cache", ""])
def test_an_image_that_nobody_saw_pulled_is_a_gap(pulled: str, make: Make) -> None:
    containers = (observed.Ran(name="report-state"), observed.Ran(name="workload", pulled=pulled))
    ran = passed("validate", observed=observed.Validated(containers=containers))
    assert shown_gaps(make, with_steps(ran))[PULLED] == ("workload",)


@pytest.mark.parametrize(
    ("shown", "real"),
    [
        (observed.Reached, reach_cluster.ClusterObserved),
        (observed.Restored, restore.RestoreObserved),
        (observed.Object, restore.Applied),
        (observed.Validated, validate.ValidateObserved),
        (observed.Ran, validate.ContainerSeen),
    ],
)
def test_the_facts_that_the_page_shows_are_those_that_the_phases_observe(shown: Any, real: Any) -> None:
    assert {field.name for field in fields(shown)} <= {field.name for field in fields(real)}
