"""An operator sees, decides about, starts and ends executions as themselves, and no byte of it holds a task's token."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from drproof.engine import world as worlds
from drproof.engine.private import Private
from drproof.evidence import approvals
from drproof.formats import release_metadata
from drproof.formats.release_metadata import Release
from drproof.formats.timestamps import milliseconds
from drproof.targets import embedded
from tests.contracts.observed import IMAGE
from tests.drill.conftest import Operator
from tests.drill.test_decided import Terminal
from tests.evidence.keys import APPROVER, RUNNER, STRANGER
from tests.orchestrator.stand_in import clients
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


def run(person: Operator, waiting: Waiting, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return person.cli(*words, "--embedded", waiting.world.endpoint, COLUMNS="300", **environment)


def decide(
    person: Operator, waiting: Waiting, word: str, arn: str, signer: str, reason: str, *more: str, **environment: str
) -> subprocess.CompletedProcess[str]:
    said = ("--signer", signer, "--reason", reason, "--ticket", "OPS-7", "--yes")
    which = ("--execution-arn", arn) if arn else ()
    return run(person, waiting, word, *which, *said, *more, **environment)


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
    assert milliseconds(decision.expires_at) - milliseconds(decision.decided_at) == 3_600_000, "nobody said --valid-for"
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
    machine = waiting.machines["rejected"]
    latest = decide(person, waiting, "reject", "", signer, "x", "--state-machine-arn", machine, "--dry-run")
    assert (latest.returncode, f"execution_arn: {arn}" in latest.stdout) == (0, True), latest.stderr
    done = decide(
        person, waiting, "reject", "", signer, "data is old", "--approver", "approver", STATE_MACHINE_ARN=machine
    )

    assert done.returncode == 0, done.stderr
    output = json.loads(waiting.ended(arn)["output"])
    assert (output["status"], output["decision"]["decision"]["approved"]) == ("promotion_rejected", False)


def test_an_execution_is_not_guessed(waiting, person):
    arn = waiting.begin("one-of-two")
    waiting.token(arn)
    machine = waiting.machines["one-of-two"]
    signer = key_file(person.folder / "keys", APPROVER)
    clients(waiting.world)("stepfunctions").start_execution(stateMachineArn=machine, name="two-of-two", input="{}")

    several = decide(person, waiting, "approve", "", signer, "seen", STATE_MACHINE_ARN=machine)
    assert (several.returncode, f"2 executions of {machine} run" in several.stderr) == (2, True), several.stderr
    assert "next: name one with --execution-arn" in several.stderr
    named = decide(person, waiting, "reject", arn, signer, "no", "--dry-run", STATE_MACHINE_ARN=machine)
    assert (named.returncode, f"execution_arn: {arn}" in named.stdout) == (0, True), named.stderr
    both = decide(person, waiting, "approve", arn, signer, "seen", "--state-machine-arn", machine)
    assert (both.returncode, "one of --drill, --execution-arn and --state-machine-arn" in both.stderr) == (2, True)
    newest = run(person, waiting, "status", STATE_MACHINE_ARN=machine)
    assert "execution_arn: " in newest.stdout
    assert newest.stdout.partition("\n")[0].endswith(":two-of-two"), newest.stdout
    named = run(person, waiting, "status", "--execution-arn", arn, STATE_MACHINE_ARN=machine)
    assert named.stdout.startswith(f"execution_arn: {arn}\n"), named.stderr
    torn = run(person, waiting, "teardown", "--stop", "--dry-run", STATE_MACHINE_ARN=machine)
    assert (torn.returncode, torn.stdout.partition("\n")[0][-11:]) == (0, ":two-of-two"), torn.stderr
    nothing = run(person, waiting, "teardown", "--yes")
    assert (nothing.returncode, "next: drproof teardown --execution-arn ARN" in nothing.stderr) == (2, True)
    for one in (arn, f"{arn.rpartition(':')[0]}:two-of-two"):
        stopped = run(person, waiting, "teardown", "--execution-arn", one, "--stop", "--yes")
        assert stopped.returncode == 0, stopped.stderr
    none = decide(person, waiting, "approve", "", signer, "seen", "--state-machine-arn", machine)
    assert (none.returncode, f"no executions of {machine} run" in none.stderr) == (2, True)
    assert f"next: drproof status --state-machine-arn {machine}" in none.stderr


def test_what_an_option_cannot_do_is_refused_and_not_ignored(waiting, person):
    drill = person.folder / "reports" / "none"
    drill.mkdir(parents=True)

    world = run(person, waiting, "approve", "--drill", str(drill), "--yes")
    assert (world.returncode, "a drill keeps where its own world is" in world.stderr) == (2, True), world.stderr
    for option in ("--region", "--profile", "--expected-account-id"):
        told = person.cli("status", str(drill), option, "x", COLUMNS="300")
        assert (told.returncode, f"a folder is read where it lies: {option} is about" in told.stderr) == (2, True)
        assert f"next: leave {option} out" in told.stderr
    unsaid = person.cli("status", str(drill), AWS_REGION="us-west-2", COLUMNS="300")
    assert "a folder is read where it lies" not in unsaid.stderr


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
        (("--execution-arn", arn, "--signer", signer, "--expected-account-id", "111122223333"), "not of one place"),
        (("--execution-arn", arn, "--signer", signer, "--region", "eu-central-1"), "not of one place"),
        (("--execution-arn", arn, "--signer", signer, "--approver", "ada"), "--approver names somebody else"),
        (("--execution-arn", "arn:aws:states:us-west-2", "--signer", signer), "names no execution"),
        (("--signer", signer), "one of --drill, --execution-arn and --state-machine-arn (STATE_MACHINE_ARN) is needed"),
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

    metadata = person.folder / "release.json"
    released = Release(
        git_sha="1" * 40, image_repo="444455556666.dkr.ecr.us-west-2.amazonaws.com/atlas", image_tag="r-7",
        image_digest=IMAGE.rpartition("@")[2],
        image_ref_digest=f"444455556666.dkr.ecr.us-west-2.amazonaws.com/atlas@{IMAGE.rpartition('@')[2]}",
        build_timestamp="2026-01-01T00:00:00Z", supported_architectures=("arm64",),
        arch_digests={"arm64": f"sha256:{'2' * 64}"}, aws_region="us-west-2", aws_account_id="444455556666",
    )  # fmt: skip
    metadata.write_bytes(release_metadata.write(released))
    words = ("status", "--state-machine-arn", waiting.machines["failed"])
    status = run(person, waiting, *words, RELEASE_METADATA=str(metadata))

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
    assert shown["release_metadata"] == (f"{metadata}: tag r-7, commit 111111111111, arm64, built 2026-01-01T00:00:00Z")
    unnamed = run(person, waiting, *words)
    assert "release_metadata: unknown: no file of metadata is named by RELEASE_METADATA or" in unnamed.stdout
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
    dry = run(person, waiting, *words, "--dry-run", PUBLISH_BUCKET="elsewhere", PREFIX="other")
    assert (dry.returncode, "dry run: nothing was started" in dry.stdout) == (0, True)
    assert re.findall(r"^not taken: (\w+): .* has ([\w.]+) in its own settings$", dry.stdout, re.MULTILINE) == [
        ("PREFIX", "primary.prefix"),
        ("PUBLISH_BUCKET", "primary.bucket"),
    ]
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
