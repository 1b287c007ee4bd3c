"""A holder that is stopped past the end of its lease is fenced: when it wakes up, it is refused its next change."""

import os
import signal
import subprocess
import sys
from pathlib import Path

from drproof.engine.clock import SystemClock
from drproof.engine.lease import Lease
from drproof.model.errors import LeaseError
from drproof.targets import embedded
from drproof.targets.sites import AwsTarget
from tests.patience import until
from tests.targets.conftest import make_intent
from tests.targets.decoys import BUCKET, STATES

ROOT = Path(__file__).resolve().parents[2]
KEY = "fencing/state"
LENGTH_MS = 3_000


def refusal_of(folder: Path) -> str:
    """Return why the holder's second change was refused; nothing while it was not."""
    found = folder / "refused-2"
    return found.read_text() if found.exists() else ""


def test_a_stopped_holder_changes_nothing_once_another_may(
    world: embedded.World, target: AwsTarget, tmp_path: Path
) -> None:
    words = [sys.executable, "-m", "tests.targets.holding", world.endpoint, str(tmp_path), KEY, str(LENGTH_MS)]
    holder = subprocess.Popen(words, cwd=ROOT)
    try:
        until((tmp_path / "held").exists)
        (tmp_path / "go-1").touch()
        until((tmp_path / "done-1").exists)

        os.kill(holder.pid, signal.SIGSTOP)
        other = Lease(target.recovery.objects, STATES, KEY, drill_id="other", length_ms=60_000, clock=SystemClock())

        refused: list[str] = []

        def taken() -> bool:
            try:
                other.take(make_intent())
            except LeaseError as exc:
                refused.append(str(exc))
                return False
            return True

        until(taken)
        assert all("drill holder" in said for said in refused)
        assert refused
        (tmp_path / "go-2").touch()
        os.kill(holder.pid, signal.SIGCONT)
        # A file is there before its text is.
        until(lambda: refusal_of(tmp_path) or (tmp_path / "done-2").exists())

        assert not (tmp_path / "done-2").exists()
        assert "lease" in refusal_of(tmp_path)
        assert not [call for call in world.calls() if call["bucket"] == BUCKET and call["key"] == f"{KEY}-2"]
        assert other.fence == 2
        other.check()
        other.release(make_intent())
    finally:
        os.kill(holder.pid, signal.SIGCONT)
        holder.kill()
        holder.wait()
