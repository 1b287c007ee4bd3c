"""A key that does not sign costs the proof and says so; it never costs the drill, and nothing unsigned is called proven."""

import json

import pytest

FAILING = """
from drproof.model.errors import TargetError
from drproof.targets import signers

sign = signers.UriSigner.sign

def failing(self, message):
    if b"attestation/{kind}/v1" in message:
        raise TargetError("the key is out of reach")
    return sign(self, message)

signers.UriSigner.sign = failing
"""


@pytest.fixture
def failing(operator):
    def write(kind: str) -> tuple[str, ...]:
        (operator.folder / "failing.py").write_text(FAILING.replace("{kind}", kind))
        return ("-p", "failing", "-m", "backup-check", "--target", "embedded", "--run-id", "unsigned")

    return write


@pytest.mark.parametrize("kind", ["checkpoint", "closing"])
def test_what_could_not_be_signed_is_not_proven_and_says_why(operator, failing, kind):
    drill = operator.run(*failing(kind), PYTHONPATH=str(operator.folder))

    assert drill.status == 1, drill.output
    assert drill.closing["outcome"] == "incomplete"
    assert "incomplete" in (drill.bundle / "proof.html").read_text().partition("</title>")[0].lower()
    assert {"incomplete", "unsigned"} == {problem.code for problem in drill.verified().problems}
    assert drill.verified().level == 0
    said = operator.cli("report", str(drill.bundle), "--check")
    assert said.returncode == 0, said.stdout


def test_a_plan_that_cannot_be_signed_is_never_begun(operator, failing):
    drill = operator.run(*failing("opening"), PYTHONPATH=str(operator.folder))

    assert drill.status == 4, drill.output
    assert "it could not be signed: the key is out of reach" in drill.output
    assert "next: name a key that can be used with --signer" in drill.output
    assert drill.directory is None
    assert list((operator.folder / "reports").glob("*")) == []


@pytest.mark.exhaustive
def test_a_window_does_not_build_on_what_a_stranger_signed(operator):
    first = operator.drill("--run-id", "first", "--stop-after", "bringup", "--teardown", "false")
    assert first.status == 0, first.output
    folder = operator.folder / ".drproof"
    believed = (folder / "trust.json").read_text()
    (folder / "trust.json").write_text(json.dumps({"schema_version": 1, "keys": [], "authorities": []}))

    refused = operator.drill("--start-at", "teardown", "--receipt-dir", "reports/first")

    assert refused.status == 4, refused.output
    assert "which is not in the trust file" in refused.output
    assert "next: name the trust file that believes its key with --trust" in refused.output
    (folder / "trust.json").write_text(believed)
    down = operator.drill("--start-at", "teardown", "--receipt-dir", "reports/first")
    assert down.status == 0, down.output
