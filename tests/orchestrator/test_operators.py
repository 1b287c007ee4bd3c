"""An operator sees, decides about, starts and ends executions as themselves, and no byte of it holds a task's token."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from drproof.engine import world as worlds
from drproof.engine.private import Private
from drproof.evidence import approvals
from drproof.targets import embedded
from tests.drill.conftest import Operator
from tests.drill.test_decided import Terminal
from tests.evidence.keys import APPROVER, RUNNER, STRANGER
from tests.orchestrator.waiting_machine import HAD_IT_RUN, Waiting, key_file

pytestmark = pytest.mark.costly("an execution that waits for people")

PYTHON = [sys.executable, "-c", "from drproof.cli import main; main()"]


@pytest.fixture(scope="module")
def waiting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Waiting]:
    world = embedded.start(tmp_path_factory.mktemp("world"), scenario="none", linger=3600)
    yield Waiting.at(world)
    world.stop()


@pytest.fixture
def person(tmp_path: Path) -> Operator:
    return Operator(tmp_path)


def run(person: Operator, waiting: Waiting, *words: str) -> subprocess.CompletedProcess[str]:
    return person.cli(*words, "--embedded", waiting.world.endpoint, COLUMNS="300")


def decide(
    person: Operator, waiting: Waiting, word: str, arn: str, signer: str, reason: str, *more: str
) -> subprocess.CompletedProcess[str]:
    said = ("--reason", reason, "--ticket", "OPS-7", "--yes")
    return run(person, waiting, word, "--execution-arn", arn, "--signer", signer, *said, *more)


def test_a_person_at_a_terminal_approves_an_execution_and_no_byte_holds_its_token(waiting, person):
    arn = waiting.begin("approved")
    token = waiting.token(arn)
    signer = key_file(person.folder / "keys", APPROVER)

    status = run(person, waiting, "status", "--execution-arn", arn)
    assert status.returncode == 0, status.stderr
    assert "current_phase: request_manual_approval" in status.stdout
    command = [*PYTHON, "approve", "--execution-arn", arn, "--signer", signer, "--ticket", "CHG-7"]
    terminal = Terminal(person, [*command, "--embedded", waiting.world.endpoint])
    terminal.shows("you are: arn:aws:sts::444455556666:assumed-role/drproof-approver/approver")
    terminal.shows("reason: ")
    terminal.types("looked at")
    terminal.shows(r"approve this recovery\? \[y/N\]: ")
    terminal.types("y")
    assert terminal.ends() == 0, terminal.text

    ended = waiting.ended(arn)
    output = json.loads(ended["output"])
    assert (ended["status"], output["status"]) == ("SUCCEEDED", "promote_approved")
    decision = approvals.read(output["decision"]).decision
    assert (decision.approved, decision.ticket, decision.reason) == (True, "CHG-7", "looked at")
    assert (decision.execution_arn, decision.drill_id) == (arn, "approved")
    written = b"".join(path.read_bytes() for path in person.folder.rglob("*") if path.is_file())
    said = (terminal.text + status.stdout + status.stderr).encode()
    assert token.encode() not in written + said + waiting.objects()
    again = decide(person, waiting, "approve", arn, signer, "again")
    assert (again.returncode, "waits for no decision" in again.stderr) == (2, True)


def test_a_rejection_is_an_answer_and_ends_the_execution_as_rejected(waiting, person):
    arn = waiting.begin("rejected")
    waiting.token(arn)
    signer = key_file(person.folder / "keys", APPROVER)
    dry = decide(person, waiting, "reject", arn, signer, "data is old", "--dry-run")
    assert (dry.returncode, "dry run: would reject" in dry.stdout) == (0, True)
    done = decide(person, waiting, "reject", arn, signer, "data is old")

    assert done.returncode == 0, done.stderr
    output = json.loads(waiting.ended(arn)["output"])
    assert (output["status"], output["decision"]["decision"]["approved"]) == ("promotion_rejected", False)


def test_what_would_not_count_is_not_sent(waiting, person):
    arn = waiting.begin("held")
    waiting.token(arn)
    stranger = key_file(person.folder / "strangers", STRANGER)
    runner = key_file(person.folder / "runners", RUNNER)
    own = waiting.begin("own", requested_by="arn:aws:sts::444455556666:assumed-role/other/approver")
    waiting.token(own)
    signer = key_file(person.folder / "keys", APPROVER)

    for words, said in (
        (("--execution-arn", arn, "--signer", stranger), "this key is no approver's"),
        (("--execution-arn", arn, "--signer", runner), "this key signed the drill"),
        (("--execution-arn", own, "--signer", signer), "nobody approves their own work"),
        (("--execution-arn", arn, "--signer", signer, "--expected-account-id", "111122223333"), "another account"),
        (("--execution-arn", "arn:aws:states:us-west-2", "--signer", signer), "names no execution"),
        (("--signer", signer), "one of --drill and --execution-arn is needed"),
    ):
        done = run(person, waiting, "approve", *words, "--reason", "seen", "--ticket", "OPS-7", "--yes")
        assert (done.returncode, said in done.stderr) == (2, True), done.stderr
        assert "Traceback" not in done.stderr
    assert waiting.world.endpoint
    for one in (arn, own):
        described: Any = run(person, waiting, "status", "--execution-arn", one)
        assert "status: RUNNING" in described.stdout


def test_the_summary_is_filled_and_a_failure_shows_its_deepest_cause(waiting, person):
    arn = waiting.begin("failed", fail="request_manual_approval")
    waiting.ended(arn)

    status = run(person, waiting, "status", "--state-machine-arn", waiting.machines["failed"])

    shown = dict(line.split(": ", 1) for line in status.stdout.splitlines() if ": " in line)
    assert status.returncode == 1, status.stderr
    assert (shown["execution_arn"], shown["status"]) == (arn, "FAILED")
    assert shown["current_phase"] == "request_manual_approval"
    assert shown["failure_reason"] == (
        "request_manual_approval: PhaseFailed: request_manual_approval failed: it was told to; receipt=s3://nowhere/x.json"
    )
    assert shown["requested_by"] == HAD_IT_RUN
    assert shown["instance_id"].startswith("i-")
    assert shown["image_digest"].startswith("sha256:")
    assert shown["restore_receipt"].endswith("/operated/failed/restore.json")
    assert shown["receipt_base"].endswith("/operated/failed")
    assert shown["latest_receipt"].endswith("/operated/failed/validate.json")


def test_one_execution_at_a_time_is_started_and_its_input_says_who_had_it_run(waiting, person):
    arn = waiting.begin("first")
    waiting.token(arn)
    machine = waiting.machines["first"]
    words = ("trigger", "--state-machine-arn", machine, "--name", "second", "--reason", "a test")

    refused = run(person, waiting, *words, "--yes")
    assert (refused.returncode, "first runs since" in refused.stderr) == (2, True)
    signer = key_file(person.folder / "keys", APPROVER)
    decide(person, waiting, "reject", arn, signer, "no")
    waiting.ended(arn)
    dry = run(person, waiting, *words, "--dry-run")
    assert (dry.returncode, "dry run: nothing was started" in dry.stdout) == (0, True)
    unasked = run(person, waiting, *words)
    assert (unasked.returncode, "nobody is there to ask" in unasked.stderr) == (2, True)
    started = run(person, waiting, *words, "--yes")

    assert started.returncode == 0, started.stderr
    found = started.stdout.partition("execution_arn: ")[2].partition("\n")[0]
    assert found.endswith(":second")
    assert waiting.given(found) == {
        "force_run": False,
        "reason": "a test",
        "requested_by": "arn:aws:sts::444455556666:assumed-role/drproof-rehearsal/embedded",
    }
    stopped = run(person, waiting, "teardown", "--execution-arn", found, "--stop", "--yes")
    assert stopped.returncode == 0, stopped.stderr
    assert waiting.stopped(found)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--name", "a name"), "--name is no id of a drill"),
        (("--backup-uri", "backups/one"), "expected --backup-uri s3://"),
        (("--image-ref", "atlas:latest"), "--image-ref pinned by digest"),
        (("--expected-account-id", "111122223333"), "are not of one place"),
        (("--region", "eu-central-1"), "are not of one place"),
    ],
)
def test_an_order_that_cannot_be_meant_starts_nothing(waiting, person, words, said):
    machine = "arn:aws:states:us-west-2:444455556666:stateMachine:none"

    done = run(person, waiting, "trigger", "--state-machine-arn", machine, *words, "--yes")

    assert (done.returncode, said in done.stderr) == (2, True), done.stderr


def test_a_teardown_refuses_while_the_execution_runs(waiting, person):
    arn = waiting.begin("running")
    waiting.token(arn)

    refused = run(person, waiting, "teardown", "--execution-arn", arn, "--yes")
    assert (refused.returncode, "is RUNNING, at request_manual_approval" in refused.stderr) == (2, True)
    dry = run(person, waiting, "teardown", "--execution-arn", arn, "--stop", "--dry-run")
    assert (dry.returncode, "dry run: nothing was ended" in dry.stdout) == (0, True)
    stopped = run(person, waiting, "teardown", "--execution-arn", arn, "--stop", "--yes")

    assert stopped.returncode == 0, stopped.stderr
    assert "no build brought a machine up" in stopped.stdout
    assert waiting.stopped(arn)


def test_what_an_execution_brought_up_is_taken_away_by_a_build_and_counted_again(person):
    drill = person.drill(
        "--provisioner", "codebuild", "--stop-after", "bringup", "--teardown", "false", "--run-id", "built"
    )
    assert drill.status == 0, drill.output
    build_id = drill.receipts["bringup"]["observed"]["build"]["build_id"]
    kept = Waiting.at(worlds.again(Private.of(drill.bundle).handover().world))
    arn = kept.begin("built", build_id=build_id, fail="request_manual_approval")
    kept.ended(arn)

    dry = run(person, kept, "teardown", "--execution-arn", arn, "--dry-run")
    assert (dry.returncode, "up: instance i-" in dry.stdout) == (0, True), dry.stderr
    done = run(person, kept, "teardown", "--execution-arn", arn, "--yes")

    assert done.returncode == 0, done.stdout + done.stderr
    assert "nothing of it is left" in done.stdout
    assert kept.world.inventory()["instances"] == []
    before = len(kept.world.calls())
    again = run(person, kept, "teardown", "--execution-arn", arn, "--yes")
    assert again.returncode == 0, again.stdout + again.stderr
    assert "has taken it away" in again.stdout
    reading = ("Batch", "Describe", "Get", "Head", "List")
    assert [call["action"] for call in kept.world.calls()[before:] if not call["action"].startswith(reading)] == []
    kept.world.stop()
