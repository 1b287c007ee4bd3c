"""What the reference writes of control plane and validation Job is there, and names no file that is not kept."""

import json
import shlex
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from drproof.model.criteria import Grade
from drproof.model.receipt import Outcome
from drproof.model.settings import Settings
from drproof.report import derived
from tests.patience import PATIENCE
from tests.report import drills, observed
from tests.report.conftest import Make
from tests.report.drills import Drill, Step, passed

FETCHED, APPLIED = "control-plane/fetch/fetch.summary.env", "control-plane/apply/apply.summary.json"
SUBMITTED = "dr_validate.job_submission.json"


def files(make: Make, drill: Drill | None = None, *, settings: Settings | None = None, name: str = "drill") -> Any:
    return derived.files(make(drill, name=name), settings or drills.settings(), stop_reason="done")


def with_step(step: Step) -> Drill:
    return Drill(steps=[step if one.phase == step.phase else one for one in drills.whole()])


def test_the_fetched_bundle_has_the_references_lines_and_no_path_that_is_not_there(make: Make) -> None:
    assert files(make)[FETCHED].decode() == (
        "BUNDLE_URI=s3://atlas-backups/atlas/control-plane/bundles/b.tar.gz\n"
        f"BUNDLE_SHA256={observed.SHA}\n"
        "BUNDLE_FILE=\nBUNDLE_DIR=\nPOINTER_FILE=\nDEST_DIR=\n"
    )
    unread = files(make, Drill(steps=drills.failed_at("read_restore_point")), name="unread")
    assert FETCHED not in unread


@pytest.mark.parametrize("hostile", ["s3://b/$(touch made)", "s3://b/`touch made`", "a b; touch made", "x\nDEST_DIR=/"])
def test_a_shell_that_reads_the_lines_runs_nothing_and_finds_one_value(
    hostile: str, make: Make, tmp_path: Path
) -> None:
    plane = observed.ControlPlane(bundle_uri=hostile)
    point = passed("read_restore_point", observed=observed.RestorePoint(control_plane=plane))
    written = files(make, with_step(point))[FETCHED]
    (tmp_path / "summary.env").write_bytes(written)
    done = subprocess.run(
        ["bash", "-c", '. ./summary.env; printf "%s|%s" "$BUNDLE_URI" "$DEST_DIR"'],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
        timeout=PATIENCE,
    )
    assert done.stdout == hostile.replace("\n", "\\u{a}") + "|"
    assert not (tmp_path / "made").exists()
    assert len(written.splitlines()) == 6
    assert len(shlex.split(written.decode())) == 6


def test_the_applied_control_plane_has_the_references_keys_and_says_whether_it_was_applied(make: Make) -> None:
    assert json.loads(files(make)[APPLIED]) == {
        "schema_version": 1,
        "namespace": "atlas",
        "bundle_dir": "",
        "manifest_sha256": "cd" * 32,
        "bundle_sha256": observed.SHA,
        "bundle_created_at": "20261101T020000Z",
        "bundle_git_sha": "ef" * 20,
        "image_ref_digest": observed.IMAGE,
        "candidate_count": 3,
        "alert_count": 2,
        "provider_count": 1,
        "scoring_count": 5,
        "generated_yaml": "",
        "receipt_dir": "recovery-20261101T080000Z-0a1b2c",
        "applied": True,
    }


@pytest.mark.parametrize("outcome", [Outcome.FAILED, Outcome.INTERRUPTED, Outcome.BLOCKED])
def test_a_restore_that_did_not_end_well_is_not_applied_and_says_so(outcome: Outcome, make: Make) -> None:
    said = json.loads(files(make, with_step(Step(phase="restore", outcome=outcome, reason="no")))[APPLIED])
    assert (said["applied"], said["alert_count"]) == (False, 2)
    early = json.loads(files(make, Drill(steps=drills.failed_at("read_restore_point")), name="early")[APPLIED])
    assert (early["applied"], early["alert_count"], early["bundle_sha256"]) == (False, 0, "")


def test_a_restore_without_receipt_leaves_no_summary(make: Make) -> None:
    assert APPLIED not in files(make, Drill(steps=[passed("read_restore_point"), passed("restore_state")]))


def test_the_job_is_told_as_it_ran(make: Make) -> None:
    found = files(make, name="a")
    assert json.loads(found[SUBMITTED]) == {
        "schema_version": 1,
        "job_name": "dr-validate-0123456789abcdef-1",
        "source": "cronjob",
        "namespace": "atlas",
        "image_ref": observed.IMAGE,
        "mode": "strict_workload",
        "requests": {"cpu": "250m", "memory": "512Mi"},
        "limits": {"cpu": "1", "memory": "2Gi"},
        "deadline_seconds": 2700,
    }
    assert found["validate.job_name.txt"] == b"dr-validate-0123456789abcdef-1\n"
    assert found["validate.run_id.txt"] == b"2026-11-01T08:00:30+00:00\n"
    plain = drills.settings()
    assumed = replace(plain, job=replace(plain.job, skip_workload_assume=True))
    inline = with_step(passed("validate", observed=observed.Validated(source="inline", run_id="")))
    other = files(make, inline, settings=assumed, name="b")
    submitted = json.loads(other[SUBMITTED])
    assert (submitted["source"], submitted["mode"]) == ("inline_fallback", "skip_workload_assume")
    assert other["validate.run_id.txt"] == b"\n"


@pytest.mark.parametrize("facts", [None, [], "text", observed.Inspected()])
def test_a_validation_that_ran_no_job_names_none(facts: Any, make: Make) -> None:
    step = (
        Step(phase="validate", outcome=Outcome.FAILED, reason="no")
        if facts is None
        else Step(phase="validate", observed=facts)
    )
    found = files(make, with_step(step))
    assert not {SUBMITTED, "validate.job_name.txt", "validate.run_id.txt"} & found.keys()
    summary = json.loads(found["drill.summary.json"])
    assert (summary["dr_job_name"], summary["dr_run_id"]) == ("", "")


def test_summary_and_context_name_job_run_namespace_and_kubeconfig(make: Make) -> None:
    found = files(make, name="a")
    summary, context = (json.loads(found[name]) for name in ("drill.summary.json", "drill.context.json"))
    assert (summary["dr_job_name"], summary["dr_run_id"]) == (
        "dr-validate-0123456789abcdef-1",
        "2026-11-01T08:00:30+00:00",
    )
    assert (context["namespace"], context["kubeconfig_selection_source"]) == ("atlas", "bringup_generated")
    assert context["validate_skip_workload_assume"] is False


def test_a_kubeconfig_that_reached_no_cluster_is_the_one_that_was_asked_for(make: Make) -> None:
    drill = Drill(steps=drills.failed_at("bringup"), criteria={"grade": Grade.EXISTENCE})
    plain = drills.settings()
    given = replace(plain, cluster=replace(plain.cluster, kubeconfig="~/.kube/config"))
    sources = [
        json.loads(files(make, drill, settings=settings, name=name)["drill.context.json"])[
            "kubeconfig_selection_source"
        ]
        for name, settings in (("a", plain), ("b", given))
    ]
    assert sources == ["unset", "arg_kubeconfig"]
