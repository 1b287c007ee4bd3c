"""The handler does the acts of an execution, one a call: each once, whoever dies, out of its receipt store alone."""

import json
import shutil
import subprocess
import sys
from contextlib import suppress
from dataclasses import asdict, replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import pytest

from drproof import catalog
from drproof.evidence.journal import read as read_journal
from drproof.model.errors import ThrottledError
from drproof.orchestrator.acts import PhaseBlocked, PhaseFailed
from drproof.orchestrator.asked import SCHEDULE, Given
from drproof.orchestrator.deployment import permissions_of, settings_in
from drproof.phases.recovery.promote import PromoteObserved
from tests.drill.conftest import Drill, green_in
from tests.drill.shared import Shelf
from tests.orchestrator.acting import AFTER_BUILD, BUCKET, FUNCTION, PREFIX, STORE, Machine, machine
from tests.orchestrator.test_package import LIVE
from tests.roles.asked import asked, note

pytestmark = pytest.mark.costly("executions by the function")

TOLD = "told.json"
TOKEN = "AQCEAAAAKgAAAAMAAAAA-a-task-token-that-nobody-may-keep"
WAITING = {"StartAt": "Wait", "States": {"Wait": {"Type": "Wait", "Seconds": 600, "End": True}}}


class ShortOfTime:
    """The context of a function that has little time left."""

    def get_remaining_time_in_millis(self) -> int:
        return 45_000


def running(played: Machine, name: str) -> Machine:
    """Return the machine as one whose execution of this name the platform says is running."""
    machines = played.client("stepfunctions")
    role = "arn:aws:iam::444455556666:role/machine"
    made = machines.create_state_machine(name=f"m-{name}", definition=json.dumps(WAITING), roleArn=role)
    started = machines.start_execution(stateMachineArn=made["stateMachineArn"], name=name, input="{}")
    return Machine(played.world, played.package, name, played.forced, started["executionArn"])


def caught(played: Machine, act: str, **more: Any) -> dict[str, str]:
    """Return what the machine catches of an act that does not pass."""
    try:
        answer = played.act(act, **more)
    except Exception as exc:  # noqa: BLE001 — as Lambda does
        return {"Error": type(exc).__name__, "Cause": json.dumps({"errorMessage": str(exc)})}
    raise AssertionError(f"{act} passed: {answer}")


def receipts_of(played: Machine) -> dict[str, Any]:
    """Return the receipts of an execution as they lie in the store, by phase."""
    s3 = played.client("s3")
    listed = s3.list_objects_v2(Bucket=BUCKET, Prefix=f"{PREFIX}/{played.name}/", Delimiter="/")["Contents"]
    found = [json.loads(s3.get_object(Bucket=BUCKET, Key=one["Key"])["Body"].read()) for one in listed]
    return {one["phase"]: one for one in found}


@pytest.fixture(scope="session")
def whole(shelf: Shelf) -> Drill:
    """One execution from the check to the seal, with each act asked for twice; tests only look at it."""
    return shelf.drill("execution", _whole)


def _whole(folder: Path) -> Drill:
    with machine(folder, "nightly", more="[promotion]\nsend_token = true\n") as began:
        played = running(began, "nightly")
        first: dict[str, Any] = {}
        again: dict[str, Any] = {}
        second: dict[str, Any] = {}

        def do(act: str, **more: Any) -> None:
            first[act] = played.act(act, **more)
            before = len(began.world.calls())
            again[act] = played.act(act, **more)
            second[act] = began.world.calls()[before:]

        do("check_health")
        rival = running(began, "rival")
        refused = caught(rival, "check_health")
        told_of = rival.act("tell_of_failure", failures={"check_health": refused})
        rival_sealed = rival.act("seal")
        tick, by_schedule = running(began, "tick"), {"input": {"force_run": False, "requested_by": SCHEDULE}}
        held = [tick.act("check_health", **by_schedule) for _ in range(2)]
        tick_sealed = tick.act("seal", **by_schedule)
        do("read_restore_point")
        do("prepare_bringup")
        built = played.build(first["prepare_bringup"])
        do("bringup", build_id=built)
        do("resolve_runner")
        short: list[str] = []
        with suppress(ThrottledError):
            played.act("restore", ShortOfTime())
            short.append("it had the time")
        died = played.killed("restore", "cluster.create")
        do("restore")
        for act in AFTER_BUILD[2:]:
            more = {"task_token": TOKEN} if act == "request_manual_approval" else {}
            do(act, **more)
        no_decision = caught(played, "promote", decision={"decision": {"approved": "false"}, "dsse": {}})
        do("promote", decision=played.decision(first["validate"], approved=True))
        do("seal")
        bundle = played.bundle(folder / "reports" / "nightly")
        found = {
            "first": first,
            "again": again,
            "second": second,
            "rival": {"refused": refused, "told": told_of, "sealed": rival_sealed},
            "tick": {"held": held, "sealed": tick_sealed, "receipts": receipts_of(tick)},
            "short": short,
            "died": died.returncode,
            "no decision": no_decision,
            "late": caught(played, "notify"),
            "calls": began.world.calls(),
            "inventory": began.world.inventory(),
            "messages": began.mails(),
            "lease": began.lease(),
            "token kept": began.search(TOKEN),
        }
        (folder / TOLD).write_text(json.dumps(found), encoding="utf-8")
        keys = folder / ".drproof"
        keys.mkdir(mode=0o700)
        shutil.copy(began.package / ".drproof" / "trust.json", keys)
    return Drill(0, "", bundle)


@pytest.fixture(scope="session")
def green(shelf: Shelf) -> Drill:
    """The whole drill of pytest that tests of drills look at as well."""
    return shelf.drill("green", green_in)


@pytest.fixture
def told(whole: Drill) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((whole.bundle.parent.parent / TOLD).read_text(encoding="utf-8"))
    return found


LEASE = ".drproof-lease"
LOOKING = ("Batch", "Describe", "Get", "Head", "List", "get", "list", "watch")


def test_the_function_asks_for_nothing_that_its_role_does_not_allow(told, tmp_path):
    note("function", "an execution that a person approves", told["calls"], app=FUNCTION)

    # At the original site, another account here, the function has what `drproof policy --site primary` prints.
    path = tmp_path / "drproof.toml"
    path.write_text(LIVE.replace("s3://atlas-receipts/r", STORE))
    settings = settings_in(path, {})
    calls = [call for call in told["calls"] if call["account"] == settings.sites.recovery.account_id]
    assert len(asked(calls, FUNCTION)) > 15
    reads = {"GetObject", "HeadObject", "PutObject"}
    read = {(call["bucket"], call["key"]) for call in calls if call["action"] in reads and call["app"] == FUNCTION}
    allowed = permissions_of(settings)
    objects = [one.resource for one in allowed if one.action in {"s3:GetObject", "s3:PutObject"}]
    names = sorted(f"arn:aws:s3:::{bucket}/{key}" for bucket, key in read)
    assert names
    assert [name for name in names if not any(fnmatchcase(name, pattern) for pattern in objects)] == []
    assert "arn:aws:s3:::atlas-dr-tfstate/builds/nightly/codebuild-bringup.json" in names
    ours = [call for call in calls if call["app"] == FUNCTION and call["action"].startswith("DeleteObject")]
    gone = {f"arn:aws:s3:::{call['bucket']}/{key}" for call in ours for key in (call["named"] or [call["key"]])}
    removable = [one.resource for one in allowed if one.action == "s3:DeleteObjectVersion"]
    assert gone
    assert [name for name in sorted(gone) if not any(fnmatchcase(name, pattern) for pattern in removable)] == []


def test_executions_that_fail_ask_for_nothing_that_the_role_does_not_allow(failed):
    found = note("function", "executions that fail", failed["calls"], app=FUNCTION)

    assert "sns:Publish" in found


def test_each_act_answers_with_references_and_the_second_time_with_the_same(told):
    assert told["first"] == told["again"]
    for act, answer in told["first"].items():
        if act == "prepare_bringup":
            continue
        assert answer["phase"] == act
        assert answer["receipt"].startswith(f"s3://{BUCKET}/{PREFIX}/nightly/")
        assert set(answer) <= {"phase", "outcome", "receipt", "sha256", "needs_recovery", "approved", "verdict"}
    assert told["first"]["check_health"]["needs_recovery"] is True
    assert set(told["first"]["prepare_bringup"]) == {"project", "environment", "idempotency_token"}


def test_the_second_call_of_an_act_changes_nothing(told):
    calls = [call["action"] for call in told["calls"]]

    assert calls.count("StartBuild") == calls.count("RunInstances") == 1
    mails = [one for one in told["messages"] if "nightly" in one["subject"]]
    assert [one["subject"].partition(": ")[2] for one in mails] == [
        "dr_validation_completed",
        "approval wanted",
        "how to decide",
    ]
    asked = json.loads(mails[1]["message"])
    assert f"drproof approve --execution-arn {asked['execution']} " in asked["decide"]
    assert asked["execution"].endswith(":nightly")
    created = [
        call["path"] for call in told["calls"] if call["action"].startswith("create ") and "dry" not in call["action"]
    ]
    assert created, "nothing was restored"


@pytest.mark.parametrize(
    "act",
    ["prepare_bringup", "bringup", "restore", "validate", "notify", "request_manual_approval", "promote", "seal"],
)
def test_the_second_call_looks_and_asks_for_no_change(told, act):
    calls = told["second"][act]

    assert calls, "nothing was looked at"
    changing = [(call["action"], call["key"]) for call in calls if not call["action"].startswith(LOOKING)]
    # The lease says that an act is at work, and is parked again; how far the run is may be stored a call later.
    assert [one for one in changing if not one[1].endswith(LEASE) and "/nightly/run/" not in one[1]] == []


def test_an_act_that_died_in_the_middle_is_gone_on_with_and_nothing_is_made_twice(whole, told):
    assert told["died"] == 9
    assert whole.outcomes["restore"] == "passed"
    records = read_journal(whole.bundle / "journal.log")
    assert any(record["kind"] == "lost" for record in records)
    intents = [record for record in records if record["kind"] == "intent" and record["verb"] == "cluster.create"]
    twice = [one for one in intents if one["resource"] == intents[0]["resource"]]
    assert len(twice) == 2, "the effect that the dead act announced is announced again by who looked"
    assert len({one["token"] for one in twice}) == 1


def test_an_act_whose_time_is_short_goes_on_in_another_call(told):
    assert told["short"] == []


def test_the_bundle_of_an_execution_is_judged_like_one_of_pytest_but_for_the_teardown(whole, green):
    types, contracts = catalog.plan(catalog.RECOVERY), green.read("plan.json")["contracts"]
    of_teardown = {contract.name for contract in types.contracts if "teardown" in contract.needs}
    expected = {row["name"] for row in contracts} - of_teardown

    ours = {row["name"] for row in whole.read("plan.json")["contracts"]}
    # Nobody waits for a decision in the drill of pytest that this one is compared with.
    assert ours - expected == {"recorded_decision_is_one_that_counts"}
    assert expected <= ours
    assert set(whole.outcomes) == set(green.outcomes) - {"teardown"}
    alike = {name for name in whole.named("proven") if name.partition("[")[0] in expected}
    assert alike == {name for name in green.named("proven") if name.partition("[")[0] in expected}
    assert set(whole.verdicts) == whole.named("proven")
    assert whole.closing["outcome"] == "proven"
    assert whole.read("plan.json")["criteria"]["teardown"] is False


def test_the_bundle_verifies_out_of_the_store_with_the_key_of_the_function(whole):
    trusted = whole.verified()

    assert trusted.status == 0, [asdict(problem) for problem in trusted.problems]


def test_the_machine_that_the_build_made_counts_as_a_cold_start(whole):
    observed = whole.receipts["bringup"]["observed"]

    assert (observed["provisioner"], observed["start"], observed["created"]) == ("codebuild", "cold", 1)
    assert observed["planned"] == observed["applied"]


def test_a_second_execution_is_blocked_while_the_first_one_runs_and_says_so(told):
    rival = told["rival"]

    assert rival["refused"]["Error"] == "PhaseBlocked"
    assert "check_health blocked (lease): the execution arn:" in rival["refused"]["Cause"]
    assert f"receipt=s3://{BUCKET}/{PREFIX}/rival/check_health.json" in rival["refused"]["Cause"]
    assert rival["sealed"]["verdict"] == "incomplete"
    (mail,) = [one for one in told["messages"] if "rival" in one["subject"]]
    said = json.loads(mail["message"])
    assert (said["phase"], said["still_up"]) == ("check_health", [])
    assert said["receipt"] == rival["told"]["receipt"]


def test_a_look_of_the_schedule_that_finds_the_target_held_leaves_a_receipt_and_tells_nobody(told):
    tick = told["tick"]

    first, again = tick["held"]
    assert first == again
    assert (first["outcome"], first["needs_recovery"]) == ("blocked", None)
    assert first["receipt"] == f"s3://{BUCKET}/{PREFIX}/tick/check_health.json"
    receipt = tick["receipts"].pop("check_health")
    assert (receipt["outcome"], receipt["cause"]) == ("blocked", "lease")
    assert receipt["reason"].startswith("the execution arn:aws:states:us-west-2:444455556666:execution:m-nightly:")
    assert {one["outcome"] for one in tick["receipts"].values()} == {"not_run"}
    assert len(tick["receipts"]) > 10
    assert tick["sealed"]["verdict"] == "incomplete"
    assert [one["subject"] for one in told["messages"] if "tick" in one["subject"]] == []


def test_only_a_look_that_nobody_asked_for_is_unattended():
    assert Given(requested_by=SCHEDULE).is_unattended
    assert not Given(requested_by=SCHEDULE, force_run=True).is_unattended
    assert not Given(requested_by="arn:aws:iam::444455556666:user/olga").is_unattended
    assert not Given().is_unattended


def test_a_text_is_no_decision_and_the_one_that_an_approver_signed_is_on_record(whole, told):
    assert told["no decision"]["Error"] == "Refusal"
    assert "approved true or false" in told["no decision"]["Cause"]
    assert told["first"]["promote"]["approved"] is True
    observed = whole.receipts["promote"]["observed"]
    assert (observed["mode"], observed["approved"], observed["ticket"]) == ("approved", True, "OPS-7")
    assert observed["promotion_status"] == "recorded_nothing_switched"


def test_no_act_belongs_to_an_execution_that_is_sealed(told):
    assert "is sealed: no further act belongs to it" in told["late"]["Cause"]


def test_the_lease_goes_with_the_seal_and_the_token_is_in_nothing_but_the_message_that_was_asked_for(whole, told):
    assert told["lease"] is None
    assert told["token kept"] == []
    assert [TOKEN in one["message"] for one in told["messages"] if TOKEN in json.dumps(one)] == [True]
    assert not [path for path in whole.bundle.rglob("*") if path.is_file() and TOKEN.encode() in path.read_bytes()]


def test_what_is_secret_of_a_handover_is_not_in_the_store(whole, told):
    keys = [item["key"] for item in told["inventory"]["objects"] if item["bucket"] == BUCKET]

    assert any("/run/progress-" in key for key in keys)
    assert not any("kubeconfig" in key or "salt" in key for key in keys)


@pytest.fixture(scope="session")
def failing(shelf: Shelf) -> Drill:
    """Executions against a restore point with a flipped byte, and one of a site that is well."""
    return shelf.drill("execution-failing", _failing)


def _failing(folder: Path) -> Drill:
    with machine(folder, "bad", scenario="backup-object-byte-flipped") as played:
        played.act("check_health")
        played.act("read_restore_point")
        blocked = caught(played, "prepare_bringup")
        tells = [played.act("tell_of_failure", failures={"bringup": blocked}) for _ in range(2)]
        sealed = played.act("seal")
        bundle = played.bundle(folder / "reports" / "bad")
        died = Machine(played.world, played.package, "died")
        died.act("check_health")
        gone = {"Error": "Sandbox.Timedout", "Cause": '{"errorMessage":"Task timed out after 900.00 seconds"}'}
        died.act("tell_of_failure", failures={"read_restore_point": gone})
        died.act("seal")
        died.bundle(folder / "reports" / "died")
        well = Machine(played.world, played.package, "well", forced=False)
        healthy = well.act("check_health")
        noop = well.act("seal")
        well.bundle(folder / "reports" / "well")
        found = {
            "blocked": blocked,
            "tells": tells,
            "sealed": sealed,
            "healthy": healthy,
            "noop": noop,
            "messages": played.mails(),
            "calls": played.world.calls(),
        }
        (folder / TOLD).write_text(json.dumps(found), encoding="utf-8")
    return Drill(0, "", bundle)


@pytest.fixture
def failed(failing: Drill) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((failing.bundle.parent.parent / TOLD).read_text(encoding="utf-8"))
    return found


def test_what_is_required_is_judged_before_a_build_is_ordered(failing, failed):
    assert failed["blocked"]["Error"] == "PhaseBlocked"
    assert "bringup blocked (contract): contract backup_object_matches_its_metadata" in failed["blocked"]["Cause"]
    assert "StartBuild" not in {call["action"] for call in failed["calls"]}
    assert failing.outcomes["bringup"] == "blocked"
    assert (failed["sealed"]["outcome"], failed["sealed"]["verdict"]) == ("passed", "refuted")


def test_people_are_told_once_with_phase_cause_receipt_and_the_one_command(failed):
    mails = [json.loads(one["message"]) for one in failed["messages"] if " bad: " in one["subject"]]

    (said,) = mails
    assert said["kind"] == "drproof_execution_failed"
    assert said["phase"] == "bringup"
    assert "backup_object_matches_its_metadata" in said["cause"]
    assert said["receipt"] == f"s3://{BUCKET}/{PREFIX}/bad/bringup.json"
    assert said["next"].startswith("drproof teardown --execution-arn arn:aws:states:")
    assert failed["tells"][0] == failed["tells"][1]


def test_an_act_that_left_no_receipt_gets_one_that_says_what_the_machine_caught(failing):
    died = Drill(0, "", failing.bundle.parent / "died")

    receipt = died.receipts["read_restore_point"]
    assert (receipt["outcome"], receipt["cause"]) == ("failed", "world")
    assert "Sandbox.Timedout: Task timed out after 900.00 seconds" in receipt["reason"]
    assert died.outcomes["bringup"] == "blocked"


def test_a_site_that_is_well_is_sealed_as_it_was_found_and_nobody_is_written_to(failing, failed):
    well = Drill(0, "", failing.bundle.parent / "well")

    assert failed["healthy"]["needs_recovery"] is False
    # It is no proof of a recovery, and says why: nobody needed one.
    assert (failed["noop"]["outcome"], failed["noop"]["verdict"]) == ("passed", "refuted")
    assert well.named("refuted") == {"need_for_recovery_has_a_reason"}
    assert set(well.outcomes.values()) == {"passed", "not_run"}
    assert [phase for phase, outcome in well.outcomes.items() if outcome == "passed"] == ["check_health"]
    assert not [one for one in failed["messages"] if " well: " in one["subject"]]


def test_an_event_of_another_form_is_refused_before_anything_is_asked(tmp_path, monkeypatch):
    from drproof.orchestrator.handler import handler

    monkeypatch.setenv("LAMBDA_TASK_ROOT", str(tmp_path))
    nowhere: Any = None
    event = Machine(nowhere, tmp_path, "x").event("check_health")
    for wrong, says in (
        ({**event, "more": 1}, "more"),
        ({**event, "act": "teardown"}, "there is no such act"),
        ({**event, "input": {"force_run": "false"}}, "Expected `bool`"),
        ({**event, "execution": {**event["execution"], "name": "../x"}}, "no id of a drill"),
        ({**event, "execution": {**event["execution"], "arn": "x"}}, "ARN of the execution"),
        ({**event, "task_token": 7}, "task_token"),
    ):
        with pytest.raises(ValueError, match=says):
            handler(wrong, None)


@pytest.mark.parametrize(
    "came_back", ["yes", True, 1, [], None, {}, {"decision": "yes"}, {"decision": {"approved": True}}]
)
def test_whatever_comes_back_with_a_token_is_told_of_as_no_decision(came_back, tmp_path):
    from drproof.orchestrator.asked import asked_of
    from drproof.orchestrator.deciding import envelope_of

    nowhere: Any = None
    asked = asked_of(Machine(nowhere, tmp_path, "x").event("promote", decision=came_back))

    with pytest.raises(ValueError, match="what came back from the approver is no decision"):
        envelope_of(asked.decision)


def test_what_the_machine_catches_has_the_names_that_the_definition_knows():
    assert (PhaseFailed.__name__, PhaseBlocked.__name__) == ("PhaseFailed", "PhaseBlocked")


def test_the_function_loads_neither_kubernetes_nor_pytest():
    code = "import sys, drproof.orchestrator.handler, drproof.orchestrator.deciding; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()

    assert {name for name in loaded if name.split(".")[0] in {"kubernetes", "pytest", "moto", "typer"}} == set()


def test_a_decision_that_does_not_count_is_neither_a_yes_nor_a_no():
    from drproof.orchestrator.deciding import said_by

    recorded = PromoteObserved(
        mode="rejected",
        approved=False,
        approver="arn:aws:iam::444455556666:user/dana",
        ticket="OPS-7",
        reason="too early",
        decided_at="2026-11-26T12:00:00.000Z",
        instance_id="i-1",
        restore_point="s3://a/b",
        image_ref="",
        promotion_status="recorded_nothing_switched",
    )
    assert [said_by(one) for one in (recorded, replace(recorded, approved=True), None)] == [False, True, None]
