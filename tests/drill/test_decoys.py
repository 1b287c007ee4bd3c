"""Amid everything that only looks like the drill's, a whole drill and a resumed one remove their own and no more."""

import json
import signal
from contextlib import suppress
from types import SimpleNamespace
from typing import Any, cast

import pytest

from drproof.engine import world as worlds
from drproof.model.errors import TargetError
from tests.drill.conftest import SECONDS, Drill, Operator
from tests.patience import until
from tests.targets.decoys import BUCKET, DECOYS, OBJECTS, Yard

pytestmark = pytest.mark.costly

KINDS = {*DECOYS, *OBJECTS}


class Farmer(Operator):
    """An operator amid decoys, which are planted when everything that the drill makes is there."""

    def among_decoys(self, root: Any, *words: str, **environment: str) -> tuple[Drill, Yard]:
        noted = self.folder / "decoys.json"
        ran = self.drill(
            "-p", "tests.drill.plant_decoys", "--run-id", "amid", *words,
            DECOYS_NOTED=str(noted), PYTHONPATH=str(root), **environment,
        )  # fmt: skip
        bundle = self.folder / "reports/amid"
        until((bundle / "closing.dsse.json").exists, SECONDS)
        drill = Drill(ran.status, ran.output, bundle)
        told = SimpleNamespace(calls=lambda: drill.calls, inventory=lambda: drill.inventory)
        return drill, Yard(cast("Any", told), **json.loads(noted.read_text()))


@pytest.fixture
def farmer(tmp_path):
    found = Farmer(tmp_path)
    yield found
    # What is somebody else's counts as still up, and keeps the world.
    with suppress(TargetError):
        worlds.again(str(tmp_path / "reports/amid.private/world")).stop()


def only_its_own_went(drill: Drill, yard: Yard) -> None:
    """Assert it by the world's own log and memory."""
    assert set(yard.named) == KINDS
    assert yard.touched() == {}
    assert [kind for kind, alive in yard.alive().items() if not alive] == []
    (mine,) = {call["named"][0] for call in drill.called("TerminateInstances")}
    assert mine in json.dumps(drill.receipts["bringup"]["observed"]["instance_ids"])
    assert mine not in {one["id"] for one in drill.inventory["instances"]}
    put = {call["key"] for call in drill.called("PutObject") if call["bucket"] == BUCKET and "/amid/" in call["key"]}
    ours = {key for key in put if f"s3://{BUCKET}/{key}" not in yard.named.values()}
    left = {one["key"] for one in drill.inventory["objects"] if not one["delete_marker"]}
    assert ours
    assert ours & left == set()
    assert "no_residue_is_left" in drill.named("refuted"), "nobody has looked yet whose the copies are"
    assert "only_own_resources_were_removed" in drill.named("proven")


def test_a_whole_drill_amid_decoys_removes_its_own_and_touches_none(farmer, pytestconfig):
    drill, yard = farmer.among_decoys(pytestconfig.rootpath)

    assert drill.status == 1, drill.output
    assert drill.outcomes["teardown"] == "passed"
    assert drill.outcomes["validate"] == "passed"
    only_its_own_went(drill, yard)
    copied = yard.named["a machine with the drill's tags, copied"]
    assert copied in drill.output
    assert f"terminate-instances --region us-west-2 --instance-ids {copied}" not in drill.output


def test_what_is_resumed_after_a_kill_amid_decoys_removes_its_own_and_touches_none(farmer, pytestconfig):
    drill, yard = farmer.among_decoys(pytestconfig.rootpath, DECOYS_KILL="yes")

    assert drill.status == -signal.SIGKILL, drill.output
    assert drill.outcomes["teardown"] == "passed"
    only_its_own_went(drill, yard)
