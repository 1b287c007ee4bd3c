"""A drill whose machine is lost with its disk is finished on another one, from its receipt store alone."""

import shutil
import signal

import pytest

from drproof.targets import embedded
from tests.drill.conftest import SECONDS, Operator

pytestmark = pytest.mark.costly

STORE = "s3://atlas-receipts/atlas/dr-orchestrator/receipts"
SETTINGS = 'target = "embedded"\n'


@pytest.fixture
def world(tmp_path, monkeypatch):
    """A world that no drill began, and that so outlives each."""
    monkeypatch.setenv("EMBEDDED_WORLD_MEMBERS", "20")
    (tmp_path / "world").mkdir()
    found = embedded.start(tmp_path / "world", scenario="none", linger=300)
    yield found
    found.stop()


def test_a_drill_whose_disk_is_lost_is_finished_elsewhere_with_the_same_verdicts(world, tmp_path, pytestconfig):
    here, there = Operator(tmp_path / "here"), Operator(tmp_path / "there")
    for operator in (here, there):
        operator.folder.mkdir()
        (operator.folder / "drproof.toml").write_text(SETTINGS)
    run = here.start(
        "-p", "tests.drill.lose_in", "-m", "drill", "--run-id", "lost", "--receipt-uri", STORE, "--provisioner", "direct",
        LOSE_IN="validate", DRPROOF_WORLD=str(world.directory), PYTHONPATH=str(pytestconfig.rootpath),
    )  # fmt: skip
    output, _ = run.communicate(timeout=SECONDS)
    assert run.returncode == -signal.SIGKILL, output
    shutil.rmtree(here.folder / "reports")

    blind = there.cli("resume", f"{STORE}/lost", DRPROOF_WORLD=str(world.directory))
    assert (blind.returncode != 0, "nobody says whose signatures count" in blind.stderr) == (True, True), blind.stderr
    assert not (there.folder / "reports").exists()
    # What the other machine must have is the key of the project, or the word of somebody who knows it.
    shutil.copytree(here.folder / ".drproof", there.folder / ".drproof")
    done = there.cli("resume", f"{STORE}/lost", "--finish", DRPROOF_WORLD=str(world.directory))

    assert done.returncode == 0, done.stdout + done.stderr
    assert "proven, full" in done.stdout
    drill = there.closed("lost")
    assert set(drill.outcomes.values()) <= {"passed", "not_run"}
    assert drill.verified().status == 0
    assert any(one["observed"] for one in drill.receipts.values() if one["phase"] == "teardown")
    again = there.cli("resume", f"{STORE}/lost", DRPROOF_WORLD=str(world.directory))
    assert again.returncode != 0
