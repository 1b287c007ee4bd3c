"""A drill waits at its gate for a person, records what was decided and nothing else, and ends without one in time."""

import contextlib
import json
import os
import pty
import re
import select
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from drproof import catalog
from drproof.engine import deciding
from drproof.engine.gate import Waiting
from drproof.engine.refusal import Refusal
from drproof.evidence import approvals
from drproof.evidence import trust as trusting
from drproof.evidence.bundle import clear_unfinished
from drproof.evidence.canonical import canonical
from drproof.evidence.expectations import Expectations
from drproof.evidence.verification import verify
from drproof.formats.timestamps import milliseconds
from drproof.model.codec import encode
from drproof.model.errors import EvidenceError
from drproof.model.receipt import Caller
from drproof.model.signing import Role
from tests.contracts.evidence import AWAITED
from tests.drill.conftest import SECONDS, Drill, Operator
from tests.evidence.keys import APPROVER, STRANGER
from tests.patience import until

ADA = Caller(arn="arn:aws:sts::444455556666:assumed-role/approver/ada", account_id="444455556666", region="us-west-2")
CONTRACT = "recorded_decision_is_one_that_counts"


class Terminal:
    """A program at a pseudo-terminal: what it writes is read, and what a person types is written."""

    def __init__(self, operator: Operator, command: list[str]) -> None:
        self.text = ""
        self._ours, theirs = pty.openpty()
        self._process = subprocess.Popen(
            command, cwd=operator.folder, env=operator.environment(TERM="xterm"),
            stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True,
        )  # fmt: skip
        os.close(theirs)

    def shows(self, pattern: str) -> "re.Match[str]":
        """Wait until it has written something."""
        deadline = time.monotonic() + SECONDS
        while (found := re.search(pattern, self.text)) is None:
            assert time.monotonic() < deadline, self.text
            assert self._read(), self.text
        return found

    def types(self, line: str) -> None:
        os.write(self._ours, f"{line}\n".encode())

    def sends(self, number: signal.Signals) -> None:
        self._process.send_signal(number)

    def ends(self) -> int:
        while self._read():
            pass
        os.close(self._ours)
        return self._process.wait(timeout=SECONDS)

    def _read(self) -> bool:
        # The end of a terminal whose other side is closed is an error, not an empty read.
        with contextlib.suppress(OSError):
            while not select.select([self._ours], [], [], SECONDS)[0]:
                pass
            data = os.read(self._ours, 65536)
            self.text += data.decode(errors="replace")
            return bool(data)
        return False


def awaiting(operator: Operator, run_id: str, within: str) -> list[str]:
    operator.cli("keys", "init", ".drproof")
    operator.cli("keys", "init", ".drproof", "--role", "approver")
    words = ("-m", "drill", "--target", "embedded", "--provisioner", "direct", "--run-id", run_id)
    return operator.command(*words, "--await-approval", within)


def test_a_person_at_another_terminal_approves_and_the_drill_records_that_and_nothing_else(operator):
    drill = Terminal(operator, awaiting(operator, "asked", "20m"))
    folder = operator.folder / "reports/asked"
    drill.shows(r"drproof: promote waits for a decision until \S+Z \(at most 20 min\): drproof approve --drill \S+")

    own_key = operator.cli("approve", "--drill", str(folder), "--signer", "file2:.drproof/runner.key",
                           "--reason", "mine", "--ticket", "CHG-7", "--yes")  # fmt: skip
    assert (own_key.returncode, own_key.stdout.count("run by: ")) == (2, 1)
    assert "this key signed the drill: nobody approves their own work" in own_key.stderr
    silent = operator.cli("approve", "--drill", str(folder), "--signer", "file2:.drproof/approver.key", "--yes")
    assert "a decision has a reason" in silent.stderr
    dry = operator.cli("reject", "--drill", str(folder), "--dry-run")
    assert (dry.returncode, "dry run: would reject" in dry.stdout) == (0, True)
    folder.with_name("asked.decision.json").write_text(json.dumps({"decision": {"approved": True}, "dsse": {}}))
    drill.shows("a decision does not count: it is no signed decision")

    python = [sys.executable, "-c", "from drproof.cli import main; main()"]
    words = ["approve", "--drill", str(folder), "--signer", "file2:.drproof/approver.key", "--ticket", "CHG-7"]
    person = Terminal(operator, [*python, *words])
    person.shows("you are: arn:aws:sts::444455556666:assumed-role/drproof-approver/approver")
    person.shows("reason: ")
    person.types("recovered data was looked at")
    person.shows(r"approve this recovery\? \[y/N\]: ")
    person.types("y")
    assert person.ends() == 0, person.text
    assert "the drill has taken it up" in person.text

    assert drill.ends() == 0, drill.text
    done = Drill(0, drill.text, folder)
    assert done.closing["outcome"] == "proven"
    assert done.closing["window"]["full"]
    recorded = done.receipts["promote"]["observed"]
    assert (recorded["mode"], recorded["approved"], recorded["ticket"]) == ("approved", True, "CHG-7")
    assert recorded["promotion_status"] == "recorded_nothing_switched"
    verdict = done.verdicts[CONTRACT]
    assert verdict["status"] == "proven"
    assert sum(control["result"] == "refuted" for control in verdict["controls"]) >= 12
    kept = done.read("evidence/promote.decision.json")
    assert len(kept["refused"]) == 1
    decision = approvals.read(kept["signed"]).decision
    assert decision.reason == "recovered data was looked at"
    assert milliseconds(decision.expires_at) - milliseconds(decision.decided_at) == 3_600_000, "nobody said --valid-for"
    page = (folder / "proof.html").read_text()
    assert "assumed-role/drproof-approver/approver" in page
    assert "recovered data was looked at" in page
    found = done.verified()
    assert (found.status, [said for said in found.not_shown if "may decide" in said]) == (0, [])
    trusted = trusting.read((operator.folder / ".drproof/trust.json").read_bytes())
    without = replace(trusted, keys=tuple(key for key in trusted.keys if key.role is not Role.APPROVER))
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.999Z")
    unknown = verify(folder, catalog.types(), trust=without, expect=Expectations(accept_rehearsal=True), now=now)
    assert any(said.startswith("whether who decided may decide") for said in unknown.not_shown)
    # Nothing was written in between but locks, state and messages: the pointers are as they were.
    begun = done.receipts["promote"]["started_at"]
    written = [call for call in done.called("PutObject") if call["at"] >= begun and "last_success" in call["key"]]
    assert written == []


def test_without_a_decision_in_time_the_drill_ends_at_its_gate_and_is_whole(operator):
    words = awaiting(operator, "alone", "1s")
    done = subprocess.run(
        words,
        cwd=operator.folder,
        env=operator.environment(),
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    drill = Drill(done.returncode, done.stdout, operator.folder / "reports/alone")

    assert drill.status == 0, drill.output
    assert "drproof: promote waits for a decision until" in drill.output
    reason = "no decision within 1.0 s; stopped at manual promotion gate"
    assert (drill.outcomes["promote"], drill.receipts["promote"]["reason"]) == ("not_run", reason)
    assert drill.closing["window"]["full"]
    assert drill.verdicts[CONTRACT]["status"] == "proven"
    assert (drill.bundle / "derived/drill.stop_reason.txt").read_text().strip() == reason
    assert drill.read("derived/phases/promote.json")["skip_reason"] == reason
    assert not drill.bundle.with_name("alone.waiting.json").exists()
    late = operator.cli("approve", "--drill", str(drill.bundle), "--signer", "file2:.drproof/approver.key", "--yes")
    assert (late.returncode, "waits for no decision" in late.stderr) == (2, True)


def test_a_signal_ends_the_wait_and_tears_down(operator):
    words = awaiting(operator, "ended", "20m")
    run = subprocess.Popen(words, cwd=operator.folder, env=operator.environment(), stdout=subprocess.PIPE,
                           stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, text=True)  # fmt: skip
    waiting = operator.folder / "reports/ended.waiting.json"
    until(lambda: waiting.exists() or run.poll() is not None, SECONDS)
    run.send_signal(signal.SIGTERM)
    output = run.communicate(timeout=SECONDS)[0]

    drill = Drill(run.returncode, output, operator.folder / "reports/ended")
    assert drill.status == 128 + signal.SIGTERM, output
    assert (drill.outcomes["promote"], drill.outcomes["teardown"]) == ("interrupted", "passed")
    assert drill.inventory["instances"] == []
    assert not waiting.exists()


@pytest.fixture
def asked(green, tmp_path):
    """A drill as it lay on the disk while it waited; its people may decide for another hour."""
    folder = tmp_path / "green"
    shutil.copytree(green.bundle, folder)
    (folder / "closing.dsse.json").unlink()
    clear_unfinished(folder)
    said = Waiting(drill_id="green", since="2026-01-01T00:00:00.000Z", until="2999-01-01T00:00:00.000Z")
    folder.with_name("green.waiting.json").write_bytes(canonical(encode(said)))
    return folder


def waited(folder):
    found = deciding.asked_of(folder, catalog.types(), datetime.now(UTC))
    criteria = replace(found.plan.criteria, approval=AWAITED)
    return replace(found, plan=replace(found.plan, criteria=criteria))


def decide(found, word="approve", caller=ADA, signer=APPROVER, **changes):
    said = {"ticket": "CHG-1", "reason": "seen", "now": datetime.now(UTC), "valid_ms": 60_000, **changes}
    return deciding.decide(found, word, caller=caller, signer=signer, **said)


def test_a_decision_names_plan_validation_and_person_and_lies_there_once(asked):
    found = waited(asked)
    signed = decide(found, "reject", ticket="CHG-7")

    said = signed.decision
    assert (said.approved, said.approver, said.ticket) == (False, ADA.arn, "CHG-7")
    assert (said.plan_sha256, said.validation_sha256) == (found.plan_sha256, found.validation_sha256)
    path = deciding.lay(asked, signed)
    assert approvals.read(json.loads(path.read_bytes())) == signed
    with pytest.raises(Refusal, match="somebody has decided"):
        deciding.lay(asked, decide(found))


def test_who_ran_the_drill_whose_key_is_unknown_and_who_shows_a_secret_cannot_decide(asked):
    found = waited(asked)
    operator = Caller(arn=found.operators[-1], account_id="444455556666", region="us-west-2")

    with pytest.raises(Refusal, match="nobody approves their own work"):
        decide(found, caller=operator)
    with pytest.raises(Refusal, match="this key is no approver's"):
        decide(found, signer=STRANGER)
    with pytest.raises(Refusal, match="--ticket holds what is like a secret"):
        decide(found, ticket="AKIA" + "IOSFODNN7EXAMPLD")
    with pytest.raises(Refusal, match="a decision has a reason"):
        decide(found, reason=" ")
    with pytest.raises(Refusal, match="a decision has a ticket"):
        decide(found, ticket=" ")
    with pytest.raises(EvidenceError):
        decide(found, caller=replace(ADA, arn="ada"))


def test_nothing_is_decided_about_evidence_that_was_changed(asked):
    path = next((asked / "receipts").glob("*-validate.json"))
    path.write_bytes(path.read_bytes().replace(b'"passed"', b'"failed"', 1))

    with pytest.raises(EvidenceError, match="is not as its drill wrote it"):
        waited(asked)


def test_a_drill_that_has_ceased_to_wait_is_not_decided_about(asked):
    waiting = asked.with_name("green.waiting.json")
    waiting.write_bytes(waiting.read_bytes().replace(b"2999", b"2001"))
    with pytest.raises(Refusal, match="one that waited until 2001"):
        waited(asked)
    waiting.unlink()
    with pytest.raises(Refusal, match="waits for no decision"):
        waited(asked)
