"""`drproof export` writes what the platform keeps of an execution, all of it, and no secret."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import boto3
import pytest

from drproof.engine.export import export, export_settings
from drproof.engine.orchestrated import Asked, check
from drproof.engine.refusal import Refusal
from drproof.formats import alarm_evidence
from drproof.model.verdict import Status
from drproof.targets import embedded
from tests.orchestrator.stand_in import ACTS, BUCKET, Orchestrated, clients
from tests.patience import until

pytestmark = pytest.mark.costly("an execution that is exported")

PROJECT = "atlas-dr-infra"


@pytest.fixture(scope="module")
def orchestrated(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Orchestrated]:
    world = embedded.start(tmp_path_factory.mktemp("world"), scenario="none", linger=3600)
    yield Orchestrated.at(world)
    world.stop()


def _cli(orchestrated: Orchestrated, *words: object, **environment: str) -> subprocess.CompletedProcess[str]:
    # Outside a project: where the execution is, its ARN and --embedded say.
    given = ["--embedded", orchestrated.world.endpoint]
    return subprocess.run(
        [sys.executable, "-c", "from drproof.cli import main; main()", "export", *map(str, words), *given],
        capture_output=True,
        text=True,
        check=False,
        cwd="/",
        env={**os.environ, "COLUMNS": "300", **environment},
    )


@pytest.fixture(scope="module")
def exported(orchestrated: Orchestrated, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """An approved execution that left its token in a receipt, exported: the folder, the token, and what was said."""
    arn = orchestrated.begin("atlas-approved", leak=True)
    token = orchestrated.token(arn)
    orchestrated.answer(arn)
    assert orchestrated.ended(arn)["status"] == "SUCCEEDED"
    _torn_down_without_orders(orchestrated)
    _set_off(orchestrated)
    folder = tmp_path_factory.mktemp("exported") / "new"
    return arn, token, folder, _cli(orchestrated, "--execution-arn", arn, "--out", folder)


def _torn_down_without_orders(orchestrated: Orchestrated) -> None:
    """Run a build for the execution that fails for want of everything it must be told."""
    builds = clients(orchestrated.world)("codebuild")
    told = [{"name": "ACTION", "value": "teardown"}, {"name": "EXECUTION_ID", "value": "atlas-approved"}]
    made = builds.start_build(projectName=PROJECT, environmentVariablesOverride=told)["build"]
    other = builds.start_build(projectName=PROJECT)["build"]
    for one in (made, other):
        until(partial(_is_over, builds, one["id"]))


def _is_over(builds: Any, build_id: str) -> bool:
    (found,) = builds.batch_get_builds(ids=[build_id])["builds"]
    return bool(found["buildStatus"] != "IN_PROGRESS")


def _set_off(orchestrated: Orchestrated) -> None:
    """Have an alarm of the original site go off."""
    issued = embedded.credentials(orchestrated.world.endpoint)["primary"]
    make: Any = boto3.client
    cloudwatch = make(
        "cloudwatch",
        region_name=issued["region"],
        endpoint_url=orchestrated.world.endpoint,
        aws_access_key_id=issued["access_key_id"],
        aws_secret_access_key=issued["secret_access_key"],
    )
    name = "atlas-dr-pipeline-freshness"
    for state in ("ALARM", "OK"):
        cloudwatch.set_alarm_state(AlarmName=name, StateValue=state, StateReason="by hand")


def _read(folder: Path, name: str) -> Any:
    return json.loads((folder / f"{name}.json").read_bytes())


def test_everything_that_the_platform_keeps_is_there(exported, orchestrated):
    arn, _, folder, told = exported

    assert told.returncode == 0, told.stderr
    assert {path.stem for path in folder.iterdir()} >= {
        "history",
        "description",
        "definition",
        "listing",
        "export",
        *ACTS,
    }
    events = _read(folder, "history")["events"]
    assert [event["type"] for event in events][:: len(events) - 1] == ["ExecutionStarted", "ExecutionSucceeded"]
    assert [event["id"] for event in events] == list(range(1, len(events) + 1))
    assert _read(folder, "description")["status"] == "SUCCEEDED"
    definition = _read(folder, "definition")
    assert json.loads(definition["definition"])["StartAt"] == "CheckHealth"
    assert definition["stateMachineArn"] == orchestrated.machine
    rows = _read(folder, "listing")["Versions"]
    assert {row["Key"].rpartition("/")[2] for row in rows} == {f"{act}.json" for act in ACTS}
    assert all(row["VersionId"] != "null" for row in rows)
    told_of = _read(folder, "export")
    assert (told_of["execution"], told_of["mode"]) == (arn, "rehearsal")


def test_builds_for_the_execution_are_told_with_their_last_lines_and_those_of_others_are_not(exported):
    _, _, folder, _ = exported

    (build,) = _read(folder, "builds")["builds"]
    assert (build["action"], build["execution"], build["status"]) == ("teardown", "atlas-approved", "FAILED")
    (log,) = [one for one in _read(folder, "logs")["logs"] if "build" in one]
    assert log["build"] == build["id"]
    assert log["lines"]


def test_what_the_function_printed_is_told_to_the_end_and_redacted_like_any_words(exported):
    _, token, folder, _ = exported

    (log,) = [one for one in _read(folder, "logs")["logs"] if "function" in one]
    said = [line for line in log["lines"] if line.startswith("act ")]
    assert [line.split()[1] for line in said] == list(ACTS)
    assert log["left_out"] == 0
    assert token not in json.dumps(log)
    assert "hunter2" not in json.dumps(log)


def test_what_alarms_did_is_read_back_as_it_was(exported):
    _, _, folder, _ = exported

    changes = [
        change for path in folder.glob("alarm-*.json") for change in alarm_evidence.parse(json.loads(path.read_bytes()))
    ]

    assert [(c.old, c.new, c.said) for c in changes if c.alarm == "atlas-dr-pipeline-freshness"][-1] == (
        "ALARM",
        "OK",
        "other",
    )


def test_a_receipt_is_the_stored_object_byte_for_byte(exported, orchestrated):
    _, _, folder, _ = exported
    stored = clients(orchestrated.world)("s3").get_object(Bucket=BUCKET, Key="executions/atlas-approved/restore.json")

    assert (folder / "restore.json").read_bytes() == stored["Body"].read()


def test_the_token_is_in_no_byte_and_where_a_receipt_had_it_is_said(exported):
    _, token, folder, told = exported

    halves = [token[: len(token) // 2].encode(), token[len(token) // 2 :].encode()]
    written = {path.name: path.read_bytes() for path in folder.iterdir()}
    assert [name for name, data in written.items() if any(half in data for half in halves)] == []
    assert token not in told.stdout + told.stderr
    assert _read(folder, "export")["masked"] == [
        {"file": "request_manual_approval.json", "kind": "task_token", "where": "/input/task_token"}
    ]
    assert "MASKED: task_token in request_manual_approval.json/input/task_token" in told.stdout
    asked = [
        json.loads(e["taskScheduledEventDetails"]["parameters"])
        for e in _read(folder, "history")["events"]
        if e["type"] == "TaskScheduled"
    ]
    (of_history,) = [one["Payload"]["task_token"] for one in asked if "task_token" in one["Payload"]]
    assert of_history == _read(folder, "request_manual_approval")["input"]["task_token"], "what was equal stays equal"


def test_states_repeat_no_data_and_messages_to_people_are_not_taken_over(exported):
    _, _, folder, _ = exported

    entered = [e for e in _read(folder, "history")["events"] if e["type"].endswith(("StateEntered", "StateExited"))]
    assert entered
    assert {name for e in entered for d in e.values() if isinstance(d, dict) for name in d} == {"name"}


def test_an_execution_of_another_place_and_a_folder_that_is_taken_are_refused(exported, orchestrated, tmp_path):
    arn, _, folder, _ = exported

    elsewhere = _cli(orchestrated, "--execution-arn", arn.replace("444455556666", "111122223333"), "--out", tmp_path)
    nothing = _cli(orchestrated, "--execution-arn", "atlas-approved", "--out", tmp_path)
    unknown = _cli(orchestrated, "--execution-arn", f"{arn}-not", "--out", tmp_path)
    taken = _cli(orchestrated, "--execution-arn", arn, "--out", folder)
    real = _cli(orchestrated, "--execution-arn", arn, "--out", tmp_path, "--target", "aws")

    for told, said in (
        (elsewhere, "expected account 444455556666 in us-west-2; got account 111122223333 in us-west-2"),
        (nothing, "--execution-arn names no execution"),
        (unknown, "ExecutionDoesNotExist"),
        (taken, "is not empty"),
        (real, "next: the same command with --embedded URL of a world that still runs, or with --target aws"),
    ):
        assert told.returncode == 2, told.stdout
        assert said in told.stderr
    assert list(tmp_path.iterdir()) == []


def test_outside_a_project_an_execution_of_aws_is_asked_for_where_its_arn_says(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    arn = "arn:aws:states:eu-west-1:111122223333:execution:dr:one"

    found = export_settings({}, {}, tmp_path, arn=arn)
    said = export_settings({"expected_account_id": "444455556666"}, {"AWS_REGION": "eu-north-1"}, tmp_path, arn=arn)

    assert (found.target, found.sites.recovery.account_id, found.sites.recovery.region) == (
        "aws",
        "111122223333",
        "eu-west-1",
    )
    assert (said.sites.recovery.account_id, said.sites.recovery.region) == ("444455556666", "eu-north-1")
    with pytest.raises(Refusal, match="is of another place than the settings"):
        export(arn, said)


def test_a_variable_that_was_left_in_a_shell_makes_no_rehearsal_of_a_check(tmp_path, monkeypatch):
    """What rehearses says so by its target; an address alone would turn a check of AWS into one of whoever answers there."""
    monkeypatch.delenv("DRPROOF_TARGET", raising=False)
    arn = "arn:aws:states:eu-west-1:111122223333:execution:dr:one"

    with pytest.raises(Refusal, match=r"got target aws, DRPROOF_ENDPOINT http://127\.0\.0\.1:9\n  next: unset it"):
        check(Asked(arn=arn, endpoint="http://127.0.0.1:9"), {}, tmp_path, tmp_path / "bundle")


def test_a_failure_keeps_where_and_why_without_the_words_of_others(orchestrated, tmp_path):
    arn = orchestrated.begin("atlas-failed", fail="restore")
    assert orchestrated.ended(arn)["status"] == "FAILED"

    told = _cli(orchestrated, "--execution-arn", arn, "--out", tmp_path)

    assert told.returncode == 0, told.stderr
    (failed,) = [e for e in _read(tmp_path, "history")["events"] if e["type"] == "TaskFailed"]
    details = next(value for name, value in failed.items() if name.endswith("EventDetails"))
    assert details["error"] == "PhaseFailed"
    assert json.loads(details["cause"])["errorType"] == "PhaseFailed"


def test_a_live_execution_meets_the_same_verdicts_as_its_export(exported, orchestrated, tmp_path):
    arn, token, folder, _ = exported

    live = check(
        Asked(arn=arn, endpoint=orchestrated.world.endpoint), {"target": "embedded"}, tmp_path, tmp_path / "live"
    )
    kept = check(Asked(folder=folder), {}, tmp_path, tmp_path / "kept")

    verdicts = [{verdict.name: verdict.status for verdict in one.conclusion.verdicts} for one in (live, kept)]
    assert verdicts[0] == verdicts[1]
    assert verdicts[0]["no_secret_lies_in_the_receipts"] is Status.REFUTED
    assert verdicts[0]["teardown_is_accounted_for"] is Status.REFUTED, "its build failed"
    assert {json.loads((tmp_path / one / "plan.json").read_bytes())["mode"] for one in ("live", "kept")} == {
        "rehearsal"
    }
    written = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert token.encode() not in written
