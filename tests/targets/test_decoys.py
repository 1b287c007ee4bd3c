"""Whatever looks like a drill's and is somebody else's is left: by teardown, by a resumed teardown, and by a sweep."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from drproof.engine.clock import SystemClock
from drproof.engine.effects import JournalledEffects
from drproof.engine.sweep import sweep
from drproof.engine.sweep_asked import Asked
from drproof.evidence.journal import Journal
from drproof.model.context import DRILL_TAG, EXPIRES_TAG
from drproof.model.errors import GuardError
from drproof.model.settings import Settings
from drproof.phases.recovery.place import runner_spec
from drproof.phases.recovery.teardown import TeardownObserved, teardown
from drproof.targets import open_target
from drproof.targets.sites import AwsTarget
from tests.contracts.observed import CRITERIA
from tests.shares import FEW
from tests.targets import decoys
from tests.targets.conftest import make_intent, settings
from tests.targets.decoys import BUCKET, DEAD, DECOYS, FUTURE, OBJECTS, PAST, PREFIX, STATE_KEY, STATES, Yard

pytestmark = pytest.mark.costly("the decoys", days=FEW)

DRILL = "drill-of-decoys"
KINDS = (*DECOYS, *OBJECTS)


class Window:
    """A drill that made a machine and some objects in the yard, and tears down."""

    def __init__(self, yard: Yard, folder: Path, drill: str = DRILL, expires_at: str = FUTURE) -> None:
        self.drill = drill
        self.expires_at = expires_at
        base = settings("direct", key=STATE_KEY, vpc_id="embedded", subnet_id="embedded")
        self.settings = replace(base, limits=replace(base.limits, backoff_ms=1, recount_ms=5_000))
        folder.mkdir(parents=True, exist_ok=True)
        self.target: AwsTarget = open_target(self.settings, yard.world.endpoint, directory=folder, origin=drill)
        self.journal = Journal(folder / "journal.log")

    def context(self, phase: str) -> Any:
        return SimpleNamespace(
            drill_id=self.drill,
            origin=self.drill,
            plan=SimpleNamespace(mode="rehearsal", criteria=CRITERIA),
            settings=self.settings,
            target=self.target,
            effects=JournalledEffects(self.journal, drill_id=self.drill, phase=phase),
            clock=SystemClock(),
            tags={DRILL_TAG: self.drill, EXPIRES_TAG: self.expires_at},
            say=lambda line: None,
        )

    def makes(self) -> list[str]:
        """Bring a machine up and write objects, as the phases do, and return what was made."""
        ctx = self.context("bringup")
        spec = runner_spec(ctx)
        with ctx.effects.intend("runner.up", spec.name) as pending:
            change = self.target.recovery.provisioner.up(pending.intent, spec)
        ctx = self.context("restore_state")
        keys = [f"{PREFIX}/{self.drill}/state/{name}" for name in ("one", "two", "three")]
        with ctx.effects.intend("objects.put", f"s3://{BUCKET}/#1", {"keys": keys}) as pending:
            for key in keys:
                self.target.recovery.objects.put(pending.intent, BUCKET, key, b"ours", tags=ctx.tags)
        return [*change.created_ids, *keys]

    def tears_down(self) -> TeardownObserved:
        return teardown.act(self.context("teardown"))


@pytest.fixture(scope="module")
def yard(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Yard]:
    found = decoys.yard_in(tmp_path_factory.mktemp("yard"))
    decoys.plant(found, DRILL)
    yield found
    found.world.stop()


@pytest.fixture(scope="module")
def torn_down(yard: Yard, tmp_path_factory: pytest.TempPathFactory) -> tuple[list[str], TeardownObserved, str]:
    """A teardown amid all decoys, after somebody wrote over one of the drill's objects, and another that follows it."""
    window = Window(yard, tmp_path_factory.mktemp("window"))
    made = window.makes()
    taken = f"{PREFIX}/{DRILL}/state/two"
    yard.client("s3").put_object(Bucket=BUCKET, Key=taken, Body=b"somebody else's by now")
    observed = window.tears_down()
    window.tears_down()  # As a process does that goes on with it.
    return made, observed, taken


@pytest.fixture(scope="module")
def swept(yard: Yard, torn_down: object, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A sweep amid all decoys, of a drill that died long ago and left a machine, a state, objects and a lease."""
    dead = Window(yard, tmp_path_factory.mktemp("dead"), DEAD, PAST)
    made = dead.makes()
    folder = tmp_path_factory.mktemp("sweeps")
    told = sweep(dead.target, dead.settings, Asked(), folder)
    still = {item["id"] for item in yard.world.inventory()["instances"]}
    done = sweep(dead.target, dead.settings, Asked(yes=True), folder)
    return SimpleNamespace(made=made, told=told, still=still, done=done, folder=folder)


def test_there_are_decoys_of_many_kinds() -> None:
    assert len(KINDS) >= 20


@pytest.mark.parametrize("kind", KINDS)
def test_neither_teardown_nor_sweep_touches(kind: str, yard: Yard, torn_down: object, swept: object) -> None:
    assert kind not in yard.touched()
    assert yard.alive()[kind]


def test_what_the_drill_made_goes_amid_all_decoys(
    yard: Yard, torn_down: tuple[list[str], TeardownObserved, str]
) -> None:
    made, observed, taken = torn_down
    there = yard.world.inventory()
    left = {one["id"] for one in there["instances"]} | {
        one["key"] for one in there["objects"] if not one["delete_marker"]
    }

    assert set(made) & left == {taken}
    assert observed.destroyed == 1
    (call,) = [one for one in yard.calls() if one["action"] == "TerminateInstances" and made[0] in one["named"]]
    assert call["named"] == [made[0]]


def test_decoys_with_the_mark_are_listed_as_foreign_and_counted(
    yard: Yard, torn_down: tuple[list[str], TeardownObserved, str]
) -> None:
    _, observed, taken = torn_down
    foreign = {item.identity for item in observed.foreign}

    for kind in (
        "a machine with the drill's tags, copied",
        "a machine with the token of an effect as a tag",
        "a machine in another network, with the drill's tags",
        "a stopped machine with the drill's tags",
        "a disk with the drill's tags",
        "an object under the prefix that no journal knows",
    ):
        assert yard.named[kind] in foreign, kind
    assert f"s3://{BUCKET}/{taken}" in foreign
    copied = yard.named["a machine with the drill's tags, copied"]
    (told,) = [one for one in observed.residue if one.identity == copied]
    assert "terminate-instances" not in told.remove_command, "nobody shall be told to end what may be somebody else's"


def test_a_dry_run_tells_what_is_due_and_changes_nothing(swept: Any) -> None:
    due = {item.kind for item in swept.told.items if item.decision == "due"}

    assert {"instance", "volume", "network-interface", "objects"} <= due
    assert swept.made[0] in swept.still
    assert not list(swept.folder.glob(f"{swept.told.sweep_id}*.log"))


def test_a_sweep_leaves_nothing_of_a_dead_drill_and_writes_down_what_it_did(yard: Yard, swept: Any) -> None:
    removed = {(item.kind, item.drill) for item in swept.done.items if item.decision == "removed"}

    assert {("instance", "dead-drill"), ("objects", "dead-drill"), ("state", "dead-drill")} <= removed
    assert {item.decision for item in swept.done.remaining} == {"foreign"}
    there = yard.world.inventory()
    assert not [one for one in there["instances"] if one["id"] in swept.made]
    assert not [
        one for one in there["objects"] if "dead-drill" in one["key"] or one["key"].startswith(STATE_KEY + ".d")
    ]
    assert {path.suffix for path in swept.folder.glob(f"{swept.done.sweep_id}*")} == {".json", ".log"}


def test_what_merely_carries_an_expired_drills_tags_is_told_as_foreign_with_the_command_to_look(
    yard: Yard, swept: Any
) -> None:
    foreign = {item.identity: item for item in swept.done.items if item.decision == "foreign"}

    for kind in (kind for kind in DECOYS if kind.startswith("an expired") and "another" not in kind):
        one = foreign[yard.named[kind]]
        assert "may be copied" in one.why, kind
        assert one.next_step.startswith("look whose it is"), kind
        assert one.identity in one.next_step
    assert [item.decision for item in swept.done.items][: len(foreign)] == ["foreign"] * len(foreign), "they come first"


def test_a_sweep_says_of_each_thing_that_it_left_why(swept: Any) -> None:
    left = [item for item in swept.done.items if item.decision == "left"]

    assert left
    assert all(item.why for item in left)
    assert {item.identity for item in left if "expire" in item.why}


def test_more_than_the_limit_is_refused_before_the_first_is_removed(yard: Yard, swept: object, tmp_path: Path) -> None:
    dead = Window(yard, tmp_path / "w", "dead-too", PAST)
    made = dead.makes()
    before = len(yard.world.calls())

    with pytest.raises(
        GuardError,
        match=r"expected at most 2 \(--max-deletions\); nothing was removed\n.* raise --max-deletions, of the reaper its",
    ):
        sweep(dead.target, dead.settings, Asked(yes=True, max_deletions=2), tmp_path)
    assert not [one for one in yard.world.calls()[before:] if one["action"].startswith(("Delete", "Terminate"))]

    few = replace(dead.settings, limits=replace(dead.settings.limits, max_machines=0))
    dead.settings = few
    with pytest.raises(GuardError, match=r"1 machines .* at most 0 \(limits\.max_machines\)"):
        dead.tears_down()
    assert not [one for one in yard.world.calls()[before:] if one["action"].startswith(("Delete", "Terminate"))]

    done = sweep(dead.target, replace(few, limits=settings().limits), Asked(yes=True, drill="dead-too"), tmp_path)
    assert {item.drill for item in done.items} == {"dead-too"}
    assert made[0] not in {one["id"] for one in yard.world.inventory()["instances"]}


def test_what_came_since_the_first_look_counts_against_the_limit_before_the_first_is_removed(
    yard: Yard, swept: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The lease is taken between the two looks: what somebody writes meanwhile is seen, and refused."""
    from drproof.engine.lease import Lease

    dead = Window(yard, tmp_path / "w", "dead-and-growing", PAST)
    dead.makes()
    asked = Asked(yes=True, drill="dead-and-growing")
    few = sum(item.count for item in sweep(dead.target, dead.settings, replace(asked, yes=False), tmp_path).items)
    take = Lease.take

    def taken(lease: Lease, intent: Any) -> None:
        take(lease, intent)
        tags = {DRILL_TAG: "dead-and-growing", EXPIRES_TAG: PAST}
        yard.put(f"{PREFIX}/dead-and-growing/state/four", tags)

    monkeypatch.setattr(Lease, "take", taken)
    before = len(yard.world.calls())
    with pytest.raises(
        GuardError, match=rf"{few + 1} things .* at most {few} \(--max-deletions\); nothing was removed"
    ):
        sweep(dead.target, dead.settings, replace(asked, max_deletions=few), tmp_path)
    gone = {one["key"] for one in yard.world.calls()[before:] if one["action"].startswith(("Delete", "Terminate"))}
    assert gone == {f"{STATE_KEY}.drproof-lease", ""}, "its own lease alone"
    monkeypatch.undo()
    assert sweep(dead.target, dead.settings, asked, tmp_path).remaining == ()


def test_a_sweep_waits_for_a_drill_that_holds_the_target(yard: Yard, swept: object, tmp_path: Path) -> None:
    from drproof.engine.lease import Lease

    dead = Window(yard, tmp_path / "w", "dead-while-another-works", PAST)
    made = dead.makes()
    held = Lease(
        dead.target.recovery.objects, STATES, STATE_KEY, drill_id="at-work", length_ms=60_000, clock=SystemClock()
    )
    held.take(make_intent())
    try:
        done = sweep(dead.target, dead.settings, Asked(yes=True), tmp_path)
        assert "drill at-work" in done.obstacle
        assert made[0] in {one["id"] for one in yard.world.inventory()["instances"]}
        assert done.remaining
    finally:
        held.release(make_intent())
    asked = Asked(yes=True, drill="dead-while-another-works")
    assert sweep(dead.target, dead.settings, asked, tmp_path).remaining == ()


def test_a_sweep_of_another_account_than_expected_is_refused(yard: Yard, swept: object, tmp_path: Path) -> None:
    dead = Window(yard, tmp_path / "w")
    sites = dead.settings.sites
    wrong: Settings = replace(
        dead.settings, sites=replace(sites, recovery=replace(sites.recovery, account_id="999988887777"))
    )

    with pytest.raises(GuardError, match="expected account 999988887777"):
        sweep(dead.target, wrong, Asked(yes=True), tmp_path)
