"""What a sweep says of a lock that it may not give back: whose it is, and the command for whoever knows that he is dead."""

import json
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from drproof.engine.sweep import sweep
from drproof.engine.sweep_asked import Asked
from drproof.engine.sweep_documents import SweptItem
from drproof.model.context import DRILL_TAG, EXPIRES_TAG
from drproof.targets import embedded, open_target
from tests.roles.asked import note
from tests.shares import FEW
from tests.targets.conftest import make_intent, settings, spec
from tests.targets.decoys import PAST, STATES
from tests.targets.lock_notes import NOTE, lock_in, note_in

pytestmark = pytest.mark.costly(days=FEW)

COMMAND = f"terraform force-unlock {NOTE['ID']}, if somebody@elsewhere is dead"


@pytest.fixture
def drill() -> str:
    """A drill of this test's own, which died long ago."""
    return f"dead-{secrets.token_hex(4)}"


@pytest.mark.parametrize("where", ["beside the state", "in the table"])
def test_a_lock_that_terraform_wrote_is_listed_with_the_command_and_keeps_the_state(
    where: str, drill: str, table: str, world: embedded.World, tmp_path: Path, stranger: Callable[[str], Any]
) -> None:
    key = f"t/{drill}.tfstate"
    chosen = settings("direct", key=key, lock_table="")
    target = open_target(chosen, world.endpoint, directory=tmp_path, origin=drill)
    tags = {DRILL_TAG: drill, EXPIRES_TAG: PAST}
    target.recovery.provisioner.up(make_intent(), spec(drill, tags=tags))
    if where == "in the table":
        identity = f"dynamodb://{table}/{STATES}/{key}"
        lock_in(stranger, table, f"{STATES}/{key}")
    else:
        identity = f"s3://{STATES}/{key}.tflock"
        target.recovery.objects.put(make_intent(), STATES, f"{key}.tflock", json.dumps(NOTE).encode())

    swept = sweep(target, settings("direct", key=key, lock_table=table), Asked(yes=True), tmp_path / "sweeps")

    found: dict[str, SweptItem] = {item.identity: item for item in swept.items}
    assert found[identity].decision == "left"
    assert "no drill wrote it" in found[identity].why
    assert found[identity].why.endswith(COMMAND)
    assert "-backend-config=key=t/" in found[identity].why
    assert ("use_lockfile" in found[identity].why) is (where == "beside the state")
    state = found[f"s3://{STATES}/{key}.direct.json"]
    assert (state.decision, state.why) == ("held", f"lock {NOTE['ID']} of somebody@elsewhere is held")
    assert state.next_step.endswith(COMMAND)
    assert f"no drill wrote it: {state.next_step}" == found[identity].why
    assert state in swept.remaining, "what expired and is held is not done with"
    (machine,) = [item for item in swept.items if item.kind == "instance" and item.drill == drill]
    assert machine.decision == "removed"
    if where == "in the table":
        assert note_in(stranger, table, f"{STATES}/{key}") == NOTE


def test_a_sweep_without_a_lock_in_the_table_says_nothing_of_it(
    drill: str, table: str, world: embedded.World, tmp_path: Path
) -> None:
    chosen = settings("direct", key=f"t/{drill}.tfstate", lock_table=table)
    target = open_target(chosen, world.endpoint, directory=tmp_path, origin=drill)

    began = len(world.calls())
    swept = sweep(target, chosen, Asked(drill=drill), tmp_path / "sweeps")

    looked = [call for call in world.calls()[began:] if call["service"] == "dynamodb"]
    note("reaper", "a sweep where Terraform locks in a table", looked)
    assert [item for item in swept.items if item.kind == "lock"] == []
