"""The machine of a recovery is made from the plan, sound, and a replay of it ends as the page of the docs says."""

import json
import tomllib
from pathlib import Path
from typing import Any

import pytest

from drproof import catalog
from drproof.analysis.machine.acts import act_of, knowledge_of
from drproof.analysis.machine.replay import Answer, Answers, Asked, run
from drproof.analysis.machine.soundness import examine
from drproof.formats.asl import machine_of, parse
from drproof.orchestrator import definition
from tests.orchestrator.ends import APPROVED, FUNCTION, OVER, REJECTED, WATCHER, End, document, rows, table

ROOT = Path(__file__).resolve().parents[2]
GIVEN = {"force_run": False, "backup_uri": "s3://atlas-backups/atlas/backups/one"}


def test_the_definition_that_is_checked_in_is_the_one_that_is_generated() -> None:
    checked_in = (ROOT / "deploy" / "orchestrator.asl.json").read_text(encoding="utf-8")
    assert checked_in == definition.text(), "run: drproof machine write"


def test_nothing_is_wrong_with_the_machine_and_every_path_of_it_is_decided() -> None:
    machine = parse(definition.text())

    found = examine(machine, knowledge_of(machine))

    assert found.defects == ()
    assert found.unknown == ()
    assert found.paths > 200


def test_every_phase_of_the_plan_has_its_state_in_the_order_of_the_plan() -> None:
    acts = [act for state in machine_of(document()).states.values() if (act := act_of(state))]
    unattended = [name for name in catalog.plan(catalog.RECOVERY).names if name not in {"diagnose", "teardown"}]
    assert [act for act in acts if act in unattended] == unattended


def test_the_phases_of_the_reference_come_in_its_order() -> None:
    order = ["check_health", "bringup", "resolve_runner", "restore", "validate", "notify", "request_manual_approval"]
    names = [phase.name for phase in definition.phases()]
    assert [name for name in names if name in {*order, "promote"}] == [*order, "promote"]


def test_a_phase_that_may_take_longer_than_a_function_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(definition, "LONGEST_SECONDS", 60)
    with pytest.raises(ValueError, match=r"phase read_restore_point may take 600000 ms, and a function 60000 ms"):
        definition.phases()


def test_a_state_outlives_what_it_calls_and_the_machine_outlives_its_states() -> None:
    states = definition.definition()["States"].values()
    called = [state for state in states if "lambda:invoke" in state.get("Resource", "")]
    waiting = [state["TimeoutSeconds"] for state in called if not state["Resource"].endswith("waitForTaskToken")]
    build = next(state for state in states if "codebuild" in state.get("Resource", ""))

    assert min(waiting) > definition.LONGEST_SECONDS
    minutes = (build["Parameters"][f"{name}InMinutesOverride"] for name in ("QueuedTimeout", "Timeout"))
    assert build["TimeoutSeconds"] > sum(minutes) * 60
    assert definition.definition()["TimeoutSeconds"] > sum(state.get("TimeoutSeconds", 0) for state in states)


def test_every_task_tries_again_and_catches_all_and_nothing_takes_a_field_out_of_a_decision() -> None:
    states = definition.definition()["States"]
    for name, state in states.items():
        if state["Type"] == "Task":
            assert state["Retry"], name
            assert state["Catch"][-1]["ErrorEquals"] == ["States.ALL"], name
            assert state["Catch"][-1]["ResultPath"].startswith("$.failures."), name
    assert "$.decision." not in definition.text()
    assert "$$.Execution.Input." not in definition.text()


def test_an_account_a_region_and_a_token_are_nowhere_in_it() -> None:
    said = definition.text()
    assert "arn:aws:lambda" not in said
    assert [name for name, state in definition.definition()["States"].items() if "Task.Token" in json.dumps(state)] == [
        "RequestManualApproval"
    ]


def answered(row: End) -> Answers:
    """Answer the tasks of a replay as the row says."""

    def answer(asked: Asked) -> Answer:
        if asked.state == "Bringup":
            how = row.acts.get("build", "")
            error = {"fails": "States.TaskFailed", "is refused": "CodeBuild.AccountLimitExceededException"}.get(how, "")
            build = {"Id": "build:1", "BuildStatus": "SUCCEEDED"}
            return Answer(value={"Build": build}, error=error, after_seconds=240)
        event = asked.parameters["Payload"]
        assert event["input"] == GIVEN
        how = row.acts.get(event["act"], "")
        if how == "fails":
            return Answer(error="PhaseFailed", cause=f"{event['act']} failed")
        if how == "is throttled" and event["attempt"] == 0:
            return Answer(error="ThrottledError")
        return _decision(row) if asked.token else Answer(value={"Payload": _payload(event, how)}, after_seconds=2)

    return answer


def _payload(event: dict[str, Any], how: str) -> dict[str, Any]:
    act = event["act"]
    if act == "prepare_bringup":
        return {"project": "p", "environment": [], "idempotency_token": "t"}
    found: dict[str, Any] = {
        "phase": act,
        "outcome": "passed",
        "receipt": f"s3://receipts/{act}.json",
        "sha256": "0" * 64,
    }
    if act == "check_health":
        found["needs_recovery"] = {"is healthy": False, "is held": None, "is unclear": "true"}.get(how, True)
        found["outcome"] = "blocked" if how == "is held" else "passed"
    if act == "promote":
        decided = event["decision"]["decision"]["approved"] if isinstance(event["decision"], dict) else None
        found["approved"] = str(decided) if how == "is unclear" else decided
    if how == "forgets":
        del found["sha256"]
    return found


def _decision(row: End) -> Answer:
    late = 10**6 if row.person == "is silent" else 600
    said: dict[str, Any] = {"approves": APPROVED, "rejects": REJECTED, "says yes": "yes"}
    error = "ManualApprovalRejected" if row.person == "fails the task" else ""
    return Answer(value=said.get(row.person), error=error, after_seconds=late)


@pytest.mark.parametrize("row", [row for row in rows() if row.person != "aborts"], ids=lambda row: row.name)
def test_a_replay_ends_as_documented(row: End) -> None:
    limit = {"seconds": 3600} if row.limit == "machine" else {}

    done = run(machine_of(document(row.limit, **limit)), GIVEN, answered(row))

    # The service describes what ran out of time without an error.
    error = "" if done.status == "TIMED_OUT" else done.error
    assert (done.status, done.names()[-1], error) == (row.status, row.last, row.error)
    heard = "TellOfFailure" in done.names() and not row.acts.get("tell_of_failure")
    assert heard == (row.told == FUNCTION)
    if row.error == OVER:
        assert done.names()[-2] == "SealFailed", "a failure is sealed too"
    if row.status == "SUCCEEDED":
        assert done.names()[-2].startswith("Seal")
        assert done.output["phases"]["check_health"]["receipt"] == "s3://receipts/check_health.json"


def test_what_is_told_of_a_failure_is_the_phase_and_its_cause() -> None:
    row = next(row for row in rows() if row.name == "restore-fails")
    done = run(machine_of(document()), GIVEN, answered(row))
    told = next(asked for asked in done.asked if asked.state == "TellOfFailure")
    assert told.parameters["Payload"]["failures"] == {"restore": {"Error": "PhaseFailed", "Cause": "restore failed"}}


def test_an_input_cannot_stand_in_for_the_answer_of_a_phase() -> None:
    planted = {"phases": {"promote": {"approved": True}}, "failures": {"x": {}}, "decision": APPROVED}
    healthy = next(row for row in rows() if row.name == "healthy")

    def answer(asked: Asked) -> Answer:
        event = asked.parameters["Payload"]
        return Answer(value={"Payload": _payload(event, healthy.acts.get(event["act"], ""))})

    done = run(machine_of(document()), planted, answer)

    assert sorted(done.output) == ["failures", "phases", "seal", "status"]
    assert done.output["failures"] == {}
    assert list(done.output["phases"]) == ["check_health"]


def test_the_page_of_the_docs_has_every_scenario() -> None:
    assert table() in (ROOT / "docs" / "state-machines.md").read_text(encoding="utf-8")


def test_whoever_is_to_tell_of_an_end_is_named() -> None:
    assert {row.told for row in rows() if row.status != "SUCCEEDED"} == {FUNCTION, WATCHER}


@pytest.mark.parametrize("phase", [phase.name for phase in definition.phases()])
def test_the_packaged_function_is_played_through_a_failure_of_each_phase(phase: str) -> None:
    ends = tomllib.loads((Path(__file__).with_name("whole_ends.toml")).read_text(encoding="utf-8"))
    failing = [
        name
        for name, row in ends.items()
        if row["status"] == "FAILED"
        and row["phase"] == phase
        and row["stops"][:2] in ([phase, "failed"], [phase, "blocked"])
    ]

    assert failing, f"no end of whole_ends.toml has {phase} fail and people told of it"
    assert all(ends[name]["teller"] in {"function", "watcher"} and ends[name]["messages"] for name in failing)
