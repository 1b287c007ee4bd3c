"""The generated machine calls the real function out of its whole package, and each end of a recovery is the documented one.

What the stand-in of `test_machine` cannot show: that machine and function speak of the same acts, inputs and answers,
what an end leaves in the store, and that its bundle says what a drill by pytest says. The ends are data:
`whole_ends.toml`.
"""

import json
import re
import shutil
import socket
from importlib.resources import files
from pathlib import Path
from typing import Any, NoReturn
from uuid import uuid4

import jsonschema_rs
import pytest

from drproof import catalog
from drproof.analysis.machine.acts import ASK, KEPT, LOOK, MORE, PREPARE
from drproof.engine.keys import init
from drproof.engine.orchestrated import Asked, check
from drproof.engine.refusal import Refusal
from drproof.evidence.redaction import MASK
from drproof.model.signing import Role
from drproof.orchestrator import definition
from drproof.orchestrator.watcher import UNHEARD
from tests.drill.conftest import Drill
from tests.drill.shared import Shelf
from tests.orchestrator import playing
from tests.orchestrator.by_pytest import drilled
from tests.orchestrator.playing import FUNCTION, NAME
from tests.roles.asked import note
from tests.targets.lock_notes import NOTE
from tests.terraform_here import needs_terraform

pytestmark = pytest.mark.costly("ends by the packaged function")

ROWS = playing.rows()
STATUS = {"proven": 0, "refuted": 3, "incomplete": 4}
PHASES = tuple(phase.name for phase in definition.phases())
ANY = "*"
COST = r"t4g\.medium and 8 GB of disk since \d{4}-\d\d-\d\dT[0-9:.]+Z; drproof knows no prices"
STATUS_OF = {
    "HealthyNoop": "healthy_noop",
    "PromoteApproved": "promote_approved",
    "PromotionRejected": "promotion_rejected",
    "TargetHeld": "target_held",
}
MEMBERS = {
    **{phase: {*KEPT, *MORE.get(phase, ())} for phase in PHASES if phase != ASK},
    PREPARE: {"environment", "idempotency_token", "project"},
}
"""What the machine keeps of each answer; what comes back to the question is kept apart."""
APPROVER = "arn:aws:sts::444455556666:assumed-role/drproof-approver/approver"
SIGNED = "answer_is_signed_by_an_approver"


def ends(*, wanted: Any = lambda _: True) -> Any:
    """Return each end that is wanted, the sampled ones for CI."""
    return pytest.mark.parametrize(
        "name",
        [
            pytest.param(
                name,
                marks=(
                    *(() if row.get("sampled") else (pytest.mark.exhaustive,)),
                    *((needs_terraform,) if row.get("tool") == "terraform" else ()),
                ),
            )
            for name, row in ROWS.items()
            if wanted(row)
        ],
    )


def expected_outcomes(row: playing.Row) -> dict[str, tuple[str, str]]:
    """Return how each phase must have ended, as outcome and class of the cause."""
    name, outcome, cause = row.get("stops", ("", "", ""))
    before = PHASES[: PHASES.index(name)] if name else PHASES
    found = dict.fromkeys(before, ("passed", ""))
    if row.get("unwritten"):
        return found
    if name:
        found[name] = (outcome, cause)
        rest = PHASES[len(before) + 1 :]
        idle = rest if ANY in row.get("not_run", ()) else ("notify",)
        found |= {one: ("not_run", "") if one in idle else ("blocked", "prerequisite") for one in rest}
    return found | {one: (said, "world") for one, said in row.get("outcomes", {}).items()}


@ends()
def test_an_execution_ends_as_documented(shelf: Shelf, name: str) -> None:
    end = playing.ended(shelf, name)
    row, done = end.row, end.told["described"]

    assert (done["status"], done.get("error", "")) == (row["status"], row.get("error", "")), end.failures()
    assert row["last"] in {end.entered()[-1], ANY}, end.failures()
    if row["status"] == "SUCCEEDED":
        output = json.loads(done["output"])
        assert output["status"] == STATUS_OF[row["last"]]
        # References, what a choice hangs on, and what came back from a person: nothing else goes through the platform.
        looked = row["last"] in {"HealthyNoop", "TargetHeld"}
        assert set(output) == {"failures", "phases", "seal", "status"} | (set() if looked else {"bringup", "decision"})
        assert output["failures"] == {}
        assert {phase: set(one) for phase, one in output["phases"].items()} == {
            phase: members for phase, members in MEMBERS.items() if phase == LOOK or not looked
        }


@ends()
def test_a_search_over_everything_finds_the_token_in_the_history_alone(shelf: Shelf, name: str) -> None:
    """The history is the platform's, and shows that the search finds what is there."""
    end = playing.ended(shelf, name)

    if end.told["token printed"] == playing.NONE:
        assert "RequestManualApproval" not in end.entered()
        return
    assert end.told["token kept"] == ["history"]


@ends()
def test_the_store_has_a_receipt_of_each_phase_that_says_how_it_ended(shelf: Shelf, name: str) -> None:
    end = playing.ended(shelf, name)
    receipts = end.told["receipts"]

    found = {phase: (one["outcome"], one["cause"] or "") for phase, one in receipts.items()}
    for phase, one in receipts.items():
        schema_named(f"receipt.{phase}.v1").validate(one)
    if end.row.get("stops", ("",))[0] == ANY:
        assert set(found.values()) <= {("passed", "")}
        return
    assert found == expected_outcomes(end.row), {phase: one["reason"] for phase, one in receipts.items()}
    # Whoever closes an execution gives the target back, whatever becomes of the seal.
    closes = any(state.startswith("Seal") for state in end.entered())
    left = end.told["lease"]
    if end.row.get("held"):
        assert left["drill_id"] == playing.HOLDER, "the lease is the other's, before and after"
        assert playing.HOLDER in receipts["check_health"]["reason"]
        return
    assert (left is None) is closes


def schema_named(name: str) -> jsonschema_rs.Draft202012Validator:
    """Return the published schema of this name."""
    return jsonschema_rs.Draft202012Validator(
        json.loads((files("drproof.schemas") / f"{name}.json").read_bytes()), validate_formats=True
    )


@ends()
def test_people_are_told_once_and_of_what_is_still_up(shelf: Shelf, name: str) -> None:
    end = playing.ended(shelf, name)
    row, messages = end.row, end.messages

    assert not end.told["watcher"]["failed"], end.told["watcher"]
    assert end.told["watcher"]["said"]["told"] is (row["teller"] == "watcher")
    if ANY not in row.get("phase", ""):
        subjects = [mail["subject"].partition(f" {NAME}: ")[2] for mail in end.told["mails"]]
        assert subjects == row.get("messages", []), end.failures()
    machines = end.told["machines"]
    assert bool(machines) is row.get("up", False) or row.get("phase") == ANY
    if row["teller"] == "nobody":
        assert not any("failed" in message["kind"] for message in messages)
        return
    said = messages[-1]
    assert said["phase"] == row["phase"] or row["phase"] == ANY
    assert row["cause"] in said["cause"]
    assert said["next"] == f"drproof teardown --execution-arn {end.told['arn']}"
    for one in said["still_up"]:
        assert re.fullmatch(COST, one["cost"]), one
        assert 0 <= one["age_minutes"] < 60, one
    ours = [one["instance_id"] for one in said["still_up"]]
    assert set(ours) <= set(machines)
    assert bool(ours) is bool(machines)


@ends()
def test_function_watcher_and_machine_ask_for_nothing_that_their_roles_do_not_allow(shelf: Shelf, name: str) -> None:
    end = playing.ended(shelf, name)
    calls = end.told["asked"]

    asked = note("function", f"the end {name}", calls, app=FUNCTION)
    assert {"s3:GetObject", "s3:PutObject"} <= asked
    assert end.row["teller"] != "function" or "sns:Publish" in asked
    assert "lambda:InvokeFunction" in note("machine", f"the end {name}", calls, app="states")
    if end.row["status"] in UNHEARD:
        assert "states:GetExecutionHistory" in note("watcher", f"the end {name}", calls, app=playing.WATCHER)


@ends(wanted=lambda row: row["sealed"])
def test_the_bundle_is_sealed_and_verifies_as_what_it_shows(shelf: Shelf, name: str) -> None:
    end = playing.ended(shelf, name)

    assert end.drill.closing["outcome"] == end.row["sealed"], end.drill.verdicts
    verified = end.drill.verified()
    assert verified.status == STATUS[end.row["sealed"]], verified.problems
    stored = {phase: one["outcome"] for phase, one in end.told["receipts"].items()}
    assert {phase: outcome for phase, outcome in end.drill.outcomes.items() if phase in stored} == stored


@ends(wanted=lambda row: row["sealed"] and "compared" not in row)
def test_a_bundle_says_what_a_drill_by_pytest_says_but_for_the_teardown(shelf: Shelf, name: str) -> None:
    end = playing.ended(shelf, name)
    theirs = drilled(shelf, end.row.get("alike", name))

    ours, of_pytest = judged(end.drill), judged(theirs)
    otherwise = {claim: tuple(said[:2]) for claim, said in end.row.get("otherwise", {}).items()}
    assert ours.keys() == of_pytest.keys()
    assert {claim: (ours[claim], of_pytest[claim]) for claim in ours if ours[claim] != of_pytest[claim]} == otherwise
    assert schema(end.drill) == schema(theirs)


def judged(drill: Drill) -> dict[str, str]:
    """Return every verdict that rests on no teardown."""
    of_teardown = {one.name for one in catalog.plan(catalog.RECOVERY).contracts if "teardown" in one.needs}
    return {name: one["status"] for name, one in drill.verdicts.items() if one["contract"] not in of_teardown}


def schema(drill: Drill) -> dict[str, Any]:
    """Return the members of what a bundle is made of, and the versions of its contracts."""
    of_teardown = {one.name for one in catalog.plan(catalog.RECOVERY).contracts if "teardown" in one.needs}
    contracts = [row for row in drill.read("plan.json")["contracts"] if row["name"] not in of_teardown]
    return {
        "plan": sorted(drill.read("plan.json")),
        "criteria": sorted(drill.read("plan.json")["criteria"]),
        "closing": sorted(drill.closing),
        "receipts": {phase: sorted(one) for phase, one in drill.receipts.items() if phase != "teardown"},
        "contracts": sorted(contracts, key=str),
    }


class NetworkUsedError(Exception):
    """Something offline opened a socket."""


def refuse_sockets(*_: object, **__: object) -> NoReturn:
    """Refuse."""
    raise NetworkUsedError


@ends()
def test_an_export_meets_the_verdicts_of_the_live_execution_without_a_socket(
    shelf: Shelf, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    end = playing.ended(shelf, name)
    monkeypatch.setattr(socket, "socket", refuse_sockets)
    monkeypatch.setattr(socket, "create_connection", refuse_sockets)

    kept = check(Asked(folder=end.folder / playing.EXPORTED), {}, tmp_path, tmp_path / "kept")

    assert {verdict.name: verdict.status.value for verdict in kept.conclusion.verdicts} == end.told["live"]
    assert end.told["live"]["state_machine_is_sound[ways]"] == "proven"
    assert end.told["live"]["execution_succeeded"] == ("proven" if end.row["status"] == "SUCCEEDED" else "refuted")


@ends()
def test_an_export_holds_what_the_function_printed_and_no_token(shelf: Shelf, name: str) -> None:
    end = playing.ended(shelf, name)
    exported = end.folder / playing.EXPORTED

    logs = json.loads((exported / "logs.json").read_bytes())["logs"]
    (printed,) = [one for one in logs if one.get("function", "").endswith(f":function:{FUNCTION}")]
    calls = [event for event in end.told["history"] if event["type"] == "TaskStarted"]
    assert 0 < len([line for line in printed["lines"] if line.startswith("REPORT RequestId:")]) <= len(calls)
    assert ("'error': 'PhaseFailed'" in end.failures()) <= any("PhaseFailed" in line for line in printed["lines"])
    assert printed["left_out"] == 0
    if (token := end.told["token printed"]) != playing.NONE:
        # The function printed it as well: the line is told, and the token in it is not.
        assert [line for line in printed["lines"] if line.startswith(playing.PRINTED) and MASK in line]
        written = [path.name for path in exported.iterdir() if token.encode() in path.read_bytes()]
        assert written == []
    every = [verdict for name, verdict in end.told["live"].items() if name == "every_file_is_known_and_read"]
    assert every == ["proven"]


def test_an_answer_counts_by_the_trust_file_of_whoever_checks(shelf: Shelf, tmp_path: Path) -> None:
    end = playing.ended(shelf, "approved")
    exported, own = end.folder / playing.EXPORTED, end.folder / ".drproof" / "trust.json"
    stranger = init(tmp_path / "strangers", Role.APPROVER)
    doctored = tmp_path / "doctored"
    shutil.copytree(exported, doctored)
    history = (doctored / "history.json").read_text(encoding="utf-8")
    said = json.dumps(json.dumps({"approver": APPROVER})[1:-1])[1:-1]
    assert said in history
    (doctored / "history.json").write_text(history.replace(said, said.replace("/approver", "/somebody")), "utf-8")

    def judged_by(folder: Path, trust: Path | None) -> str:
        given = {"trust": str(trust)} if trust is not None else {}
        found = check(Asked(folder=folder), given, tmp_path, tmp_path / uuid4().hex).conclusion.verdicts
        return next((one.status.value for one in found if one.name == SIGNED), "not asked")

    assert judged_by(exported, None) == "not asked"
    assert judged_by(exported, own) == "proven"
    assert judged_by(exported, tmp_path / "strangers" / "trust.json") == "refuted"
    assert judged_by(doctored, own) == "refuted"
    assert stranger.keyid not in own.read_text(encoding="utf-8")
    init(tmp_path / "runners")
    with pytest.raises(Refusal, match="names nobody who may decide"):
        judged_by(exported, tmp_path / "runners" / "trust.json")


def test_the_ends_are_those_of_the_page(pytestconfig: pytest.Config) -> None:
    page = (pytestconfig.rootpath / "docs" / "orchestrator.md").read_text(encoding="utf-8")

    assert playing.table() in page, "next: python -m tests.orchestrator.playing"


def test_the_code_of_the_function_is_that_of_its_package_and_of_nothing_else(shelf: Shelf) -> None:
    inside = playing.unpacked(shelf)

    assert (inside / "drproof" / "orchestrator" / "handler.py").is_file()
    assert not (inside / "pytest").exists()


def test_a_second_teardown_finds_nothing_and_changes_nothing(shelf: Shelf) -> None:
    end = playing.ended(shelf, "approved")
    first, second = end.told["torn down"]

    assert "TerminateInstances" in {call["action"] for call in first["calls"]}
    for said in (first["said"], second["said"]):
        up = [line for line in said.splitlines() if line.startswith("STILL UP: ")]
        told = rf"STILL UP: [1-9]\d* objects below s3://atlas-recovery/\S*{playing.NAME}/\S+/"
        assert len(up) == 2, said
        assert all(re.fullmatch(told, line) for line in up), said
        # What is sealed cannot be resumed: a sweep takes it away, if it is told to.
        assert re.search(rf"^next: drproof gc --drill {playing.NAME} --yes, once it has", said, re.MULTILINE), said
    assert changing(second["calls"]) == []
    assert end.told["live"]["teardown_is_accounted_for"] == "proven"


@pytest.mark.exhaustive
@needs_terraform
def test_a_teardown_that_finds_the_lock_held_names_holder_and_fix_and_takes_nothing_away(shelf: Shelf) -> None:
    end = playing.ended(shelf, "torn-down-while-locked")
    (told,) = end.told["torn down"]

    assert f"LockHeld: expected no lock, got lock {NOTE['ID']} of somebody@elsewhere since 2026-01-01" in told["said"]
    assert "next: wait for its holder; if that process is surely dead, cd " in told["said"]
    assert f" && terraform force-unlock {NOTE['ID']}\n" in told["said"]
    assert "TerminateInstances" not in {call["action"] for call in told["calls"]}


def changing(calls: list[dict[str, Any]]) -> list[str]:
    """Return the calls that change something."""
    reading = ("Get", "List", "Describe", "Head", "Batch", "get", "list", "watch", "Filter")
    return [call["action"] for call in calls if not call["action"].startswith(reading)]
