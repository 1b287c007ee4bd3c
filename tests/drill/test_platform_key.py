"""A rehearsal signed by the platform's key: each statement is one call, and nothing of the key is on this machine."""

import json
from pathlib import Path

import pytest

from tests.drill.conftest import SECONDS, Drill, Operator
from tests.roles.asked import note

pytestmark = pytest.mark.costly("a drill with the platform's key")

ALIAS = "awskms:alias/drproof-drills"


@pytest.fixture(scope="module")
def drill(tmp_path_factory: pytest.TempPathFactory) -> Drill:
    operator = Operator(tmp_path_factory.mktemp("platform"))
    return operator.run("-m", "backup-check", "--target", "embedded", "--signer", ALIAS)


def test_every_statement_is_signed_by_the_key_of_the_platform(drill: Drill) -> None:
    assert drill.status == 0, drill.output
    statements = sorted(drill.bundle.rglob("*.dsse.json"))
    signers = {row["keyid"] for path in statements for row in json.loads(path.read_bytes())["signatures"]}
    assert len(signers) == 1
    assert f"signed with the key {signers.pop()}" in drill.output
    assert not (drill.bundle.parents[1] / ".drproof").exists()


def test_the_platform_is_asked_once_for_the_key_and_once_a_statement_before_the_closing(drill: Drill) -> None:
    used = [call["action"] for call in drill.calls if call["service"] == "kms"]
    statements = [path for path in drill.bundle.rglob("*.dsse.json") if path.name != "closing.dsse.json"]
    assert used == ["GetPublicKey", *["Sign"] * len(statements)]
    signing = [call for call in drill.calls if call["service"] == "kms"]
    note("function", "statements that a key of the platform signs", signing)


def test_a_key_that_is_not_there_ends_the_run_before_it_begins(tmp_path: Path) -> None:
    operator = Operator(tmp_path)
    for signer, said in (
        ("awskms:alias/missing", "the run cannot be signed: kms:GetPublicKey alias/missing: NotFoundException"),
        ("awskms:", "expected awskms:<key id>"),
        ("gcpkms:projects/x", "no signer 'gcpkms:projects/x'"),
    ):
        refused = operator.run("-m", "backup-check", "--target", "embedded", "--signer", signer)
        assert refused.status == 4, refused.output
        assert said in refused.output


def test_a_guardian_goes_on_with_the_platforms_key_from_another_process(
    tmp_path: Path, pytestconfig: pytest.Config
) -> None:
    operator = Operator(tmp_path)
    run = operator.start(
        "-p", "tests.drill.kill_at", "-m", "drill", "--target", "embedded", "--run-id", "killed", "--signer", ALIAS,
        KILL_AT="40", PYTHONPATH=str(pytestconfig.rootpath),
    )  # fmt: skip
    run.communicate(timeout=SECONDS)
    drill = operator.closed("killed")
    statements = sorted(drill.bundle.rglob("*.dsse.json"))
    signers = {tuple(row["keyid"] for row in json.loads(path.read_bytes())["signatures"]) for path in statements}
    assert len(signers) == 1
    assert len(signers.pop()) == 1
    assert drill.inventory["instances"] == []
    asked = [call["action"] for call in drill.calls if call["service"] == "kms"]
    assert asked.count("GetPublicKey") == 2
