"""How a use of Terraform ends that does not go well: by the clock, by a state that moved, by a lock in a table."""

import json
import os
import secrets
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from drproof.model.context import DRILL_TAG
from drproof.model.errors import TargetError
from drproof.targets import embedded, open_target
from drproof.targets.provisioners import command, module, terraform
from drproof.targets.provisioners.workshop import Workshop
from drproof.targets.sites import AwsTarget
from tests.patience import PATIENCE, until
from tests.roles.asked import note
from tests.targets.conftest import Opener, bounds, make_intent, settings, spec
from tests.targets.lock_notes import NOTE, lock_in, note_in
from tests.targets.test_killed import Victim, held, holding, journalled, nothing_is_left
from tests.targets.test_provisioners import STATES, foreign_lock, lock_is_free, owned

BINARY = shutil.which("terraform") or ""
pytestmark = [
    pytest.mark.costly,
    pytest.mark.skipif(not BINARY, reason="NO TERRAFORM on this machine: its provisioner is NOT tested here"),
]


@pytest.fixture
def origin() -> str:
    """A drill of this test's own."""
    return f"drill-{secrets.token_hex(4)}"


@pytest.fixture
def locking(world: embedded.World, tmp_path: Path, origin: str, table: str) -> AwsTarget:
    """The world's sites, with a state that is locked in a table as well."""
    chosen = settings("terraform", key=f"t/{origin}.tfstate", lock_table=table)
    return open_target(chosen, world.endpoint, directory=tmp_path, origin=origin)


@pytest.fixture
def state(origin: str) -> str:
    """Where the drill's state lies, as its lock names it."""
    return f"{STATES}/t/{origin}.tfstate"


def test_a_free_lock_in_a_table_is_taken_and_given_back(
    locking: AwsTarget, origin: str, table: str, state: str, stranger: Callable[[str], Any], world: embedded.World
) -> None:
    before = len(world.calls())
    assert locking.recovery.provisioner.up(make_intent(), spec(origin)).created == 1
    assert note_in(stranger, table, state) == {}
    assert locking.recovery.provisioner.down(make_intent(), spec(origin), bounds()).destroyed == 1
    assert note_in(stranger, table, state) == {}
    nothing_is_left(locking, origin)
    actions = [call["action"] for call in world.calls()[before:] if call["service"] == "dynamodb"]
    assert actions.count("PutItem") >= 2
    assert "DeleteItem" in actions
    note(
        "builds", "Terraform locks in a table", [one for one in world.calls()[before:] if one["service"] == "dynamodb"]
    )


def test_a_lock_in_a_table_that_somebody_else_holds_is_named_and_left(
    locking: AwsTarget, origin: str, table: str, state: str, stranger: Callable[[str], Any]
) -> None:
    lock_in(stranger, table, state)

    with pytest.raises(TargetError, match=NOTE["ID"]) as caught:
        locking.recovery.provisioner.up(make_intent(), spec(origin))

    assert caught.value.code == "LockHeld"
    assert f"{table}: LockHeld" in str(caught.value)
    assert f"{NOTE['ID']} of somebody@elsewhere since 2026-01-01" in str(caught.value)
    assert "next: wait for its holder; if that process is surely dead, cd " in str(caught.value)
    assert owned(locking, origin) == []
    assert note_in(stranger, table, state) == NOTE
    assert lock_is_free(locking, origin)


@pytest.mark.parametrize(
    ("service", "action", "kind", "code", "said"),
    [
        ("s3", "PutObject", "reset", "TerraformFailed", "connection reset"),
        ("s3", "PutObject", "denied", "AccessDenied", "AccessDenied"),
        ("dynamodb", "PutItem", "denied", "AccessDeniedException", "AccessDenied"),
    ],
)
def test_a_lock_that_could_not_be_asked_for_is_held_by_nobody(
    locking: AwsTarget, origin: str, world: embedded.World, service: str, action: str, kind: str, code: str, said: str
) -> None:
    """Terraform calls every failure by the name of a lock that is held: whoever waited for its holder would wait for ever."""
    rule = {"kind": kind, "service": service, "action": action, "nth": 1}
    embedded.ask(world.endpoint, "POST", "faults", rule)
    try:
        with pytest.raises(TargetError) as caught:
            locking.recovery.provisioner.up(make_intent(), spec(origin))
    finally:
        embedded.ask(world.endpoint, "DELETE", "faults")

    assert caught.value.code == code
    assert said in str(caught.value)
    assert "wait for its holder" not in str(caught.value)
    assert owned(locking, origin) == []
    assert locking.recovery.provisioner.up(make_intent(), spec(origin)).created == 1
    locking.recovery.provisioner.down(make_intent(), spec(origin), bounds())


@pytest.mark.parametrize("where", ["beside the state", "in the table", "in both"])
def test_the_command_of_a_held_lock_gives_it_back_as_it_is_printed_from_an_empty_folder(
    where: str,
    locking: AwsTarget,
    origin: str,
    table: str,
    state: str,
    stranger: Callable[[str], Any],
    tmp_path: Path,
) -> None:
    """What a Terraform needs besides to find this world instead of the platform, its environment says."""
    if where != "beside the state":
        lock_in(stranger, table, state)
    if where != "in the table":
        foreign_lock(locking, origin, ID=NOTE["ID"])
    provisioner = locking.recovery.provisioner
    empty, file = tmp_path / "empty", tmp_path / "world.json"
    empty.mkdir()
    session = provisioner._session  # type: ignore[union-attr] # the kind is asked for above
    file.write_text(json.dumps({"region": session.region, **module._of_the_world(session.endpoint)}))
    environment = {**os.environ, **session.environment(), "TF_CLI_ARGS_init": f"-backend-config={file}"}

    for _ in range(1 + (where == "in both")):
        with pytest.raises(TargetError) as caught:
            provisioner.up(make_intent(), spec(origin))
        command = str(caught.value).partition("surely dead, ")[2]
        done = subprocess.run(
            ["/bin/bash", "-c", command], cwd=empty, env=environment, input=b"yes\n", capture_output=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr

    assert note_in(stranger, table, state) == {}
    assert lock_is_free(locking, origin)
    assert list(empty.iterdir()) == []
    assert provisioner.up(make_intent(), spec(origin)).created == 1
    provisioner.down(make_intent(), spec(origin), bounds())


def test_a_machine_of_ours_is_ended_even_where_somebody_else_holds_the_lock_in_a_table(
    locking: AwsTarget, origin: str, table: str, state: str, stranger: Callable[[str], Any]
) -> None:
    provisioner = locking.recovery.provisioner
    provisioner.up(make_intent(), spec(origin))
    lock_in(stranger, table, state)

    with pytest.raises(TargetError) as caught:
        provisioner.down(make_intent(), spec(origin), bounds())

    assert caught.value.code == "LockHeld"
    assert owned(locking, origin) == []
    assert note_in(stranger, table, state) == NOTE


@pytest.mark.parametrize(
    "rule",
    [
        {"service": "s3", "action": "DeleteObject", "nth": 1},
        {"service": "s3", "action": "DeleteObject", "nth": 2},
        {"service": "dynamodb", "action": "DeleteItem", "nth": 2},
    ],
    ids=["of the plan, both", "of the apply, both", "of the apply, that of the table"],
)
def test_a_lock_that_terraform_could_not_give_back_does_not_strand_its_drill(
    rule: dict[str, Any],
    locking: AwsTarget,
    origin: str,
    table: str,
    state: str,
    world: embedded.World,
    stranger: Callable[[str], Any],
) -> None:
    """Terraform asks once; what is left then is this drill's own, and its next use gives it back."""
    provisioner = locking.recovery.provisioner
    embedded.ask(world.endpoint, "POST", "faults", {"kind": "unavailable", "times": 1, **rule})
    try:
        with pytest.raises(TargetError, match="Error releasing the state lock") as caught:
            provisioner.up(make_intent(), spec(origin))
    finally:
        embedded.ask(world.endpoint, "DELETE", "faults")
    assert note_in(stranger, table, state) or not lock_is_free(locking, origin)
    assert caught.value.code == "LockKept"
    assert "next: the same command again, which gives the lock back first" in str(caught.value)

    assert provisioner.up(make_intent(), spec(origin)).created == (rule["nth"] == 1)

    assert note_in(stranger, table, state) == {}
    assert lock_is_free(locking, origin)
    provisioner.down(make_intent(), spec(origin), bounds())
    nothing_is_left(locking, origin)


@pytest.mark.parametrize("lost", [False, True], ids=["both locks", "that of the table alone"])
def test_a_lock_in_a_table_that_a_killed_terraform_of_this_drill_left_is_given_back(
    lost: bool,
    locking: AwsTarget,
    origin: str,
    table: str,
    state: str,
    world: embedded.World,
    tmp_path: Path,
    stranger: Callable[[str], Any],
) -> None:
    """Terraform takes the object first and gives it back first: it may die between the two."""
    victim = Victim(world, tmp_path, "terraform", origin, runner=held(tmp_path, "before"), lock_table=table)
    until(holding(tmp_path, "before").exists)
    victim.kill(terraform_too=True)
    assert note_in(stranger, table, state)["ID"]
    if lost:
        locking.recovery.objects.delete(make_intent(), STATES, [f"t/{origin}.tfstate.tflock"])

    locking.recovery.provisioner.down(make_intent(), spec(origin), journalled(origin))

    assert note_in(stranger, table, state) == {}
    nothing_is_left(locking, origin)


def test_a_time_limit_interrupts_terraform_and_leaves_neither_lock_nor_machine(
    opened: Opener, origin: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = opened("terraform", origin=origin)
    provisioner = site.recovery.provisioner
    monkeypatch.setattr(command, "GRACE_SECONDS", PATIENCE)
    with monkeypatch.context() as patch:
        patch.setattr(terraform, "APPLY_SECONDS", 5)
        patch.setattr(sys, "executable", held(tmp_path, "before"))
        with pytest.raises(TargetError, match=r"Timeout: expected an end within 5 s; it was interrupted") as caught:
            provisioner.up(make_intent(), spec(origin))

    assert caught.value.code == "Timeout"
    assert Workshop(tmp_path / "terraform" / "1").is_idle()
    assert lock_is_free(site, origin)
    provisioner.down(make_intent(), spec(origin), bounds())
    nothing_is_left(site, origin)


def test_an_init_has_as_long_as_an_apply_because_it_may_fetch_the_provider(
    opened: Opener, origin: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow = tmp_path / "bin" / "terraform"
    slow.parent.mkdir()
    slow.write_text(f'#!/bin/sh\ncase "$1" in init|validate) sleep 3 ;; esac\nexec {BINARY} "$@"\n')
    slow.chmod(0o700)
    site = opened("terraform", origin=origin)
    provisioner = site.recovery.provisioner
    with monkeypatch.context() as patch:
        patch.setenv("PATH", str(slow.parent), prepend=os.pathsep)
        patch.setattr(terraform, "LOOK_SECONDS", 1)
        with pytest.raises(TargetError, match=r"terraform validate: Timeout: expected an end within 1 s"):
            provisioner.up(make_intent(), spec(origin))
        patch.setattr(terraform, "APPLY_SECONDS", 1)
        with pytest.raises(TargetError, match=r"terraform init: Timeout: expected an end within 1 s"):
            provisioner.up(make_intent(), spec(origin))
    nothing_is_left(site, origin)


MOVES = """
import json, sys
from pathlib import Path
from drproof.targets import open_target
from tests.targets.conftest import make_intent, settings
from tests.targets.test_provisioners import STATES

endpoint, directory, origin, lineage = sys.argv[1:]
target = open_target(settings("direct", key="t/x"), endpoint, directory=Path(directory), origin=origin)
key = f"t/{origin}.tfstate"
state = json.loads(target.recovery.objects.read(STATES, key)[1])
state["serial"] += 1
state["lineage"] = lineage or state["lineage"]
target.recovery.objects.put(make_intent(), STATES, key, json.dumps(state).encode())
"""


def put_before(patch: pytest.MonkeyPatch, folder: Path, script: str) -> None:
    """Put a command of the name of Terraform before the real one."""
    place = folder / "before"
    place.mkdir()
    (place / "terraform").write_text(f"#!/bin/sh\n{script}\n")
    (place / "terraform").chmod(0o700)
    patch.setenv("PATH", f"{place}:/usr/bin:/bin")


@pytest.mark.parametrize("lineage", ["", "00000000-1111-2222-3333-444444444444"], ids=["moved", "replaced"])
def test_a_state_that_moved_between_plan_and_apply_is_not_written_over(
    lineage: str,
    opened: Opener,
    origin: str,
    world: embedded.World,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Another tool writes the state when the plan has been made: the plan is not of this state any more."""
    site = opened("terraform", origin=origin)
    site.recovery.provisioner.up(make_intent(), spec(origin))
    (machine,) = site.recovery.fleet.runners({DRILL_TAG: origin})
    script = tmp_path / "moves.py"
    script.write_text(MOVES)
    moves = f"{sys.executable} {script} {world.endpoint} {tmp_path} {origin} '{lineage}'"
    root = Path(__file__).parents[2]
    with monkeypatch.context() as patch:
        put_before(patch, tmp_path, f'[ "$1" != apply ] || PYTHONPATH={root} {moves} || exit 9; exec {BINARY} "$@"')
        with pytest.raises(TargetError) as caught:
            site.recovery.provisioner.up(make_intent(), spec(origin))

    assert caught.value.code == "StalePlan", str(caught.value)
    assert "next: " in str(caught.value)
    assert lock_is_free(site, origin)
    assert [found.instance_id for found in site.recovery.fleet.runners({DRILL_TAG: origin})] == [machine.instance_id]
    site.recovery.provisioner.down(make_intent(), spec(origin), bounds())
    assert owned(site, origin) == []


@pytest.mark.parametrize("body", [b"{", b'{"version": 3}'], ids=["torn", "of another version"])
def test_a_machine_of_ours_is_ended_even_where_nobody_can_read_the_state(
    body: bytes, opened: Opener, origin: str
) -> None:
    site = opened("terraform", origin=origin)
    site.recovery.provisioner.up(make_intent(), spec(origin))
    site.recovery.objects.put(make_intent(), STATES, f"t/{origin}.tfstate", body)

    with pytest.raises(TargetError) as caught:
        site.recovery.provisioner.down(make_intent(), spec(origin), bounds())

    assert caught.value.code == "StateUnreadable"
    assert owned(site, origin) == []


def test_a_destroy_that_took_less_than_its_plan_counted_is_no_success(
    opened: Opener, origin: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = opened("terraform", origin=origin)
    site.recovery.provisioner.up(make_intent(), spec(origin))
    less = """sed 's/"remove":1,"operation":"apply"/"remove":0,"operation":"apply"/'"""
    with monkeypatch.context() as patch:
        put_before(patch, tmp_path, f'[ "$1" = apply ] || exec {BINARY} "$@"; {BINARY} "$@" | {less}')
        with pytest.raises(TargetError, match=r"expected 1 to go, as its plan counted, got 0") as caught:
            site.recovery.provisioner.down(make_intent(), spec(origin), bounds())

    assert caught.value.code == "DestroyDiffers"
    assert "next: " in str(caught.value)
    assert owned(site, origin) == []


def test_what_no_tag_finds_is_held_by_the_name_of_the_platform_too(opened: Opener, origin: str) -> None:
    def resource(kind: str, **attributes: str) -> dict[str, Any]:
        return {"mode": "managed", "type": kind, "name": "runner", "instances": [{"attributes": attributes}]}

    site = opened("terraform", origin=origin)
    found = [
        resource("aws_iam_role", name="r", id="r"),
        resource("aws_iam_instance_profile", name="p", role="r"),
        resource("aws_instance", id="i-1"),
    ]
    body = json.dumps({"version": 4, "resources": found}).encode()
    site.recovery.objects.put(make_intent(), STATES, f"t/{origin}.tfstate", body)

    assert site.recovery.provisioner.holds() == (
        "aws_iam_instance_profile.runner p|r",
        "aws_iam_role.runner r",
        "aws_instance.runner",
    )
