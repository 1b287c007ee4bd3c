"""A killed provisioner: whatever instant it died at, the next process leaves nothing behind and takes nothing over."""

import json
import os
import secrets
import shutil
import signal
import subprocess
import sys
import threading
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from drproof.model.context import DRILL_TAG
from drproof.model.errors import Interruption, TargetError
from drproof.model.ownership import Bounds
from drproof.targets import embedded, environment, take_over
from drproof.targets.provisioners import command, workshop
from drproof.targets.provisioners.place import LOCK_SUFFIX, Lock
from drproof.targets.provisioners.workshop import Workshop
from drproof.targets.sites import AwsTarget
from tests.patience import PATIENCE, until
from tests.targets.conftest import Opener, bounds, make_intent, spec
from tests.targets.test_provisioners import STATES, foreign_lock, lock_is_free, owned

pytestmark = pytest.mark.costly

WITHOUT = pytest.mark.skipif(
    shutil.which("terraform") is None, reason="NO TERRAFORM on this machine: its provisioner is NOT tested here"
)

SCRIPT = """
import json, os, signal, sys
from pathlib import Path
from drproof.targets import open_target
from drproof.targets.aws.ec2 import AwsFleet
from drproof.targets.provisioners.direct import DirectProvisioner
from tests.targets.conftest import make_intent, settings, spec
from tests.targets.test_killed import token_of_victim

endpoint, directory, kind, origin, die_at, lock_table, sys.executable = sys.argv[1:]
die = lambda *_, **__: os.kill(os.getpid(), signal.SIGKILL)
if die_at == "before the machine":
    AwsFleet.launch = die
if die_at == "before the state":
    DirectProvisioner._write = die
target = open_target(
    settings(kind, key=f"t/{origin}.tfstate", lock_table=lock_table),
    endpoint,
    directory=Path(directory),
    origin=origin,
)
from dataclasses import replace
from datetime import UTC, datetime
target.recovery.provisioner.up(replace(make_intent(), token=token_of_victim(origin)), spec(origin))
"""


def token_of_victim(origin: str) -> str:
    """Return the token of the effect in which the process of a drill is killed."""
    return "00" * 8 + origin[-8:] * 2


def journalled(origin: str) -> Bounds:
    """Return what the journal of that process says, beside those of these tests."""
    known = bounds()
    return replace(known, tokens=(*known.tokens, token_of_victim(origin)))


class Victim:
    """A process that brings a machine up and is killed."""

    def __init__(
        self,
        world: embedded.World,
        directory: Path,
        kind: str,
        origin: str,
        die_at: str = "",
        *,
        runner: str = sys.executable,
        lock_table: str = "",
    ) -> None:
        """Bring it up; `die_at` is where the process kills itself, `runner` what Terraform runs to make the machine."""
        root = str(Path(__file__).parent.parent.parent)
        self.process = subprocess.Popen(
            [sys.executable, "-c", SCRIPT, world.endpoint, str(directory), kind, origin, die_at, lock_table, runner],
            env=environment.child(),
            cwd=root,
            stderr=subprocess.DEVNULL,
        )
        self.workshop = Workshop(directory / "terraform" / "1")

    def kill(self, *, terraform_too: bool = False) -> None:
        """Kill the process, and Terraform with it if so asked."""
        if terraform_too:
            # It may have ended between two looks; what is asserted afterwards holds then, too.
            with suppress(ProcessLookupError):
                os.killpg(self.terraform, signal.SIGKILL)
        self.process.kill()
        self.process.wait()

    @property
    def terraform(self) -> int:
        """The process group of the Terraform that it runs."""
        return int(self.workshop.pid_file.read_text(encoding="ascii"))


@pytest.fixture
def origin() -> str:
    """A drill of this test's own."""
    return f"drill-{secrets.token_hex(4)}"


def held(directory: Path, when: str) -> str:
    """Return what Terraform may run to make the machine, and that goes on before or after it has, while that lives."""
    command = directory / f"{when}-the-machine"
    made = f'{sys.executable} "$@"'
    last = {"before": "", "after": f"{made}\n"}[when]
    waits = f"touch {holding(directory, when)}\nwhile kill -0 $PPID; do sleep 0.1; done\n"
    command.write_text(f"#!/bin/sh\n{last}{waits}", encoding="utf-8")
    command.chmod(0o700)
    return str(command)


def holding(directory: Path, when: str) -> Path:
    """Return the file that is there once that command holds: Terraform has its lock, and applies."""
    return directory / f"{when}-the-machine.holds"


def nothing_is_left(target: AwsTarget, origin: str) -> None:
    """Assert that neither machine nor lock nor state of the drill is there."""
    assert owned(target, origin) == []
    assert lock_is_free(target, origin)
    assert target.recovery.provisioner.holds() == ()


@pytest.mark.parametrize(("die_at", "machines"), [("before the machine", 0), ("before the state", 1)])
def test_a_direct_bringup_killed_at_any_point_is_undone(
    die_at: str, machines: int, world: embedded.World, opened: Opener, origin: str, tmp_path: Path
) -> None:
    victim = Victim(world, tmp_path, "direct", origin, die_at)
    assert victim.process.wait(timeout=PATIENCE) == -signal.SIGKILL
    target = opened("direct", origin=origin)
    assert not lock_is_free(target, origin)
    assert target.recovery.provisioner.down(make_intent(), spec(origin), journalled(origin)).destroyed == machines
    nothing_is_left(target, origin)


def test_a_direct_bringup_that_was_killed_can_be_finished(
    world: embedded.World, opened: Opener, origin: str, tmp_path: Path
) -> None:
    victim = Victim(world, tmp_path, "direct", origin, "before the machine")
    victim.process.wait(timeout=PATIENCE)
    target = opened("direct", origin=origin)
    assert target.recovery.provisioner.up(make_intent(), spec(origin)).created == 1
    target.recovery.provisioner.down(make_intent(), spec(origin), journalled(origin))
    nothing_is_left(target, origin)


@WITHOUT
def test_a_terraform_that_outlives_its_drill_is_ended_before_anything_is_undone(
    world: embedded.World, opened: Opener, origin: str, tmp_path: Path
) -> None:
    victim = Victim(world, tmp_path, "terraform", origin, runner=held(tmp_path, "before"))
    target = opened("terraform", origin=origin)
    until(holding(tmp_path, "before").exists)
    assert not lock_is_free(target, origin)
    victim.kill()
    assert not victim.workshop.is_idle()
    target.recovery.provisioner.down(make_intent(), spec(origin), journalled(origin))
    assert victim.workshop.is_idle()
    nothing_is_left(target, origin)


@WITHOUT
def test_a_lock_that_a_killed_terraform_of_this_drill_left_is_given_back(
    world: embedded.World, opened: Opener, origin: str, tmp_path: Path
) -> None:
    victim = Victim(world, tmp_path, "terraform", origin, runner=held(tmp_path, "before"))
    target = opened("terraform", origin=origin)
    until(holding(tmp_path, "before").exists)
    assert not lock_is_free(target, origin)
    victim.kill(terraform_too=True)
    assert not lock_is_free(target, origin)
    target.recovery.provisioner.down(make_intent(), spec(origin), journalled(origin))
    nothing_is_left(target, origin)


@WITHOUT
@pytest.mark.parametrize("finish", [False, True], ids=["undone", "finished"])
def test_a_machine_that_no_state_knows_is_not_forgotten_and_not_made_twice(
    finish: bool, world: embedded.World, opened: Opener, origin: str, tmp_path: Path
) -> None:
    victim = Victim(world, tmp_path, "terraform", origin, runner=held(tmp_path, "after"))
    target = opened("terraform", origin=origin)
    until(lambda: bool(target.recovery.fleet.runners({DRILL_TAG: origin})))
    victim.kill(terraform_too=True)
    if finish:
        again = Victim(world, tmp_path, "terraform", origin)
        assert again.process.wait(timeout=PATIENCE) == 0
        assert len(target.recovery.fleet.runners({DRILL_TAG: origin})) == 1
        assert len(target.recovery.provisioner.holds()) == 1
    assert target.recovery.provisioner.down(make_intent(), spec(origin), journalled(origin)).destroyed == 1
    nothing_is_left(target, origin)


@WITHOUT
def test_a_lock_that_an_earlier_window_left_is_given_back_by_the_one_that_goes_on(
    opened: Opener, origin: str, tmp_path: Path
) -> None:
    """Credentials that expire while a machine is taken away leave the lock; whoever has new ones has another folder."""
    earlier, later = tmp_path / "earlier", tmp_path / "later"
    opened("terraform", origin=origin, directory=earlier).recovery.provisioner.up(make_intent(), spec(origin))
    Workshop.next_in(earlier / workshop.BENCHES)
    target = opened("terraform", origin=origin, directory=later)
    foreign_lock(target, origin, Who=workshop._who(), Created=datetime.now(UTC).isoformat())
    with pytest.raises(TargetError) as caught:
        target.recovery.provisioner.up(make_intent(), spec(origin))
    assert caught.value.code == "LockHeld", "without a word of the earlier window it is anybody's"

    take_over(later, earlier)
    (left,) = Workshop.left_in(later / workshop.BENCHES)
    left.pid_file.write_text("1")
    os.utime(left.pid_file, (0, 0))
    lock = Lock(id="a", who=workshop._who(), created=datetime.now(UTC).isoformat(), operation="", info="")
    assert not left.took(lock), "whoever locks it by hand long after that window is not of it"
    os.utime(left.pid_file)
    assert left.took(lock)

    assert target.recovery.provisioner.down(make_intent(), spec(origin), journalled(origin)).destroyed == 1
    nothing_is_left(target, origin)
    take_over(tmp_path / "last", earlier)
    assert not (tmp_path / "last").exists(), "what was settled is nobody's business any more"


@WITHOUT
def test_a_crash_of_ours_is_no_excuse_to_break_the_lock_of_another(
    world: embedded.World, opened: Opener, origin: str, tmp_path: Path
) -> None:
    victim = Victim(world, tmp_path, "terraform", origin, runner=held(tmp_path, "before"))
    target = opened("terraform", origin=origin)
    until(holding(tmp_path, "before").exists)
    assert not lock_is_free(target, origin)
    victim.kill(terraform_too=True)
    target.recovery.objects.delete(make_intent(), STATES, [f"t/{origin}.tfstate{LOCK_SUFFIX}"])
    text = foreign_lock(target, origin, Created="2099-01-01T00:00:00Z")
    with pytest.raises(TargetError, match="somebody@elsewhere") as caught:
        target.recovery.provisioner.up(make_intent(), spec(origin))
    assert caught.value.code == "LockHeld"
    assert json.loads(target.recovery.objects.read(STATES, f"t/{origin}.tfstate{LOCK_SUFFIX}")[1]) == json.loads(text)


@WITHOUT
def test_a_signal_ends_terraform_in_time_and_leaves_no_lock(
    opened: Opener, origin: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    provisioner = opened("terraform", origin=origin).recovery.provisioner
    target = opened("terraform", origin=origin)
    monkeypatch.setattr(command, "GRACE_SECONDS", PATIENCE)

    def interrupt(*_: object) -> None:
        raise Interruption("SIGTERM received", exit_status=143)

    def signal_once_it_is_locked() -> None:
        until(holding(tmp_path, "before").exists)
        os.kill(os.getpid(), signal.SIGUSR1)

    previous = signal.signal(signal.SIGUSR1, interrupt)
    watcher = threading.Thread(target=signal_once_it_is_locked)
    watcher.start()
    try:
        with monkeypatch.context() as patch:
            patch.setattr(sys, "executable", held(tmp_path, "before"))
            with pytest.raises(Interruption):
                provisioner.up(make_intent(), spec(origin))
    finally:
        watcher.join()
        signal.signal(signal.SIGUSR1, previous)
    assert Workshop(tmp_path / "terraform" / "1").is_idle()
    assert lock_is_free(target, origin)
    provisioner.down(make_intent(), spec(origin), journalled(origin))
    nothing_is_left(target, origin)
