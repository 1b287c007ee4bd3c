"""Teardown takes away what the drill wrote, leaves the rest, and cannot forget what was there before."""

from dataclasses import replace

import pytest

from drproof.contracts.teardown.residue import no_residue_is_left, only_own_resources_were_removed
from drproof.contracts.teardown.state import state_held_what_was_created
from drproof.model.context import DRILL_TAG
from drproof.model.errors import HeldError, QuotaError, TargetError, ThrottledError
from drproof.model.machines import Resource
from drproof.model.verdict import Status
from drproof.phases.recovery import teardown as module
from drproof.phases.recovery.bringup import bringup
from drproof.phases.recovery.by_hand import commands
from drproof.phases.recovery.restore_state import clear_the_prefix
from drproof.phases.recovery.teardown import teardown
from tests.contracts.evidence import PASSING
from tests.contracts.observed import MACHINE
from tests.phases.site import TAGS

STRANGER = "i-0fedcba9876543210"
SLOWER = ThrottledError("Rate exceeded", code="ThrottlingException")
REFUSED = TargetError("refused", code="Refused")


def finding(contract, observed):
    return contract.decide(PASSING.receipt("teardown", observed=observed).receipts["teardown"])


def verdict(contract, observed):
    return finding(contract, observed).status


def failing(error):
    def fails(*_):
        raise error

    return fails


@pytest.fixture
def up(drill):
    drill.attempt(bringup)
    drill.writes("one", "two")
    return drill


def test_everything_of_the_drill_goes_away_and_is_counted_before_and_after(up, site):
    seen = up.attempt(teardown)

    assert (site.machines, site.held) == ({}, {})
    assert [(item.kind, item.count) for item in seen.before] == [("instance", 1), ("objects", 2)]
    assert seen.removed == seen.before
    assert verdict(no_residue_is_left, seen) is Status.PROVEN
    assert verdict(only_own_resources_were_removed, seen) is Status.PROVEN


def test_an_object_that_the_drill_did_not_write_is_listed_and_left(up, site):
    site.held["drills/drill-1/somebody-else.txt"] = b"not yours"

    seen = up.attempt(teardown)

    assert list(site.held) == ["drills/drill-1/somebody-else.txt"]
    assert [item.identity for item in seen.foreign] == ["s3://atlas-recovery/drills/drill-1/somebody-else.txt"]
    assert seen.foreign == seen.foreign_before
    assert seen.residue == ()
    assert verdict(only_own_resources_were_removed, seen) is Status.PROVEN


def test_a_repair_of_restore_leaves_what_others_wrote(up, site):
    site.held["drills/drill-1/somebody-else.txt"] = b"not yours"

    said = clear_the_prefix(up.context("restore_state"), SLOWER)

    assert list(site.held) == ["drills/drill-1/somebody-else.txt"]
    assert said == "removed 2 objects of the failed attempt"


def test_a_foreign_object_that_goes_away_is_refuted(up, site):
    site.held["drills/drill-1/somebody-else.txt"] = b"not yours"
    site.ends = lambda runner: bool(site.held.pop("drills/drill-1/somebody-else.txt", True))

    assert verdict(only_own_resources_were_removed, up.attempt(teardown)) is Status.REFUTED


def test_a_teardown_that_ends_a_foreign_machine_is_refuted(up, site):
    site.add(STRANGER)
    site.ends = lambda runner: True

    seen = up.attempt(teardown)

    assert [item.identity for item in seen.foreign_before] == [STRANGER]
    assert seen.foreign == ()
    assert verdict(only_own_resources_were_removed, seen) is Status.REFUTED


@pytest.mark.parametrize("call", ["down", "delete"])
def test_a_second_attempt_knows_what_the_first_one_removed(up, site, call):
    site.add(STRANGER)
    site.ends = lambda runner: True
    site.faults.after[call] = SLOWER

    seen = up.attempts(teardown, ThrottledError)

    assert [item.identity for item in seen.foreign_before] == [STRANGER]
    assert {item.kind for item in seen.before} == {"instance", "objects"}
    assert verdict(only_own_resources_were_removed, seen) is Status.REFUTED
    assert verdict(no_residue_is_left, seen) is Status.PROVEN


def test_what_came_up_between_two_attempts_is_counted_as_well(up, site):
    site.faults.after["delete"] = SLOWER
    with pytest.raises(ThrottledError):
        up.attempt(teardown)
    site.add("i-late", site.machines[MACHINE].effect if MACHINE in site.machines else "", **{DRILL_TAG: "drill-1"})

    seen = up.attempt(teardown)

    assert [item.identity for item in seen.before if item.kind == "instance"] == [MACHINE, "i-late"]


def test_the_teardown_of_a_later_window_counts_anew(up, site, tmp_path):
    site.add(STRANGER)
    up.attempt(teardown)
    del site.machines[STRANGER]

    seen = up.window(tmp_path / "later.log", "drill-2").attempt(teardown)

    assert seen.foreign_before == ()


@pytest.fixture
def kept(drill, site):
    """A drill whose machine a remote state knows."""
    site.keeps_state = True
    drill.attempt(bringup)
    drill.writes("one", "two")
    return drill


def test_what_an_earlier_window_found_in_the_state_and_took_away_was_held(kept, site, tmp_path):
    site.faults.before["delete"] = SLOWER
    with pytest.raises(ThrottledError):
        kept.attempt(teardown)

    seen = kept.window(tmp_path / "later.log", "drill-2").attempt(teardown)

    assert seen.made == seen.held_before == (MACHINE,)
    assert verdict(state_held_what_was_created, seen) is Status.PROVEN


def test_what_an_earlier_window_counted_and_took_away_was_there(up, site, tmp_path):
    """It failed at its very end: whoever looks then sees nothing, and no look of theirs is blind."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "_recount", failing(SLOWER))
        with pytest.raises(ThrottledError):
            up.attempt(teardown)
    assert (site.machines, site.held) == ({}, {})

    seen = up.window(tmp_path / "later.log", "drill-2").attempt(teardown)

    assert [(item.kind, item.count) for item in seen.before] == [("instance", 1), ("objects", 2)]
    assert verdict(no_residue_is_left, seen) is Status.PROVEN
    assert verdict(only_own_resources_were_removed, seen) is Status.PROVEN


def test_a_teardown_is_proven_as_often_as_it_is_run(kept, site, tmp_path):
    kept.attempt(teardown)

    seen = kept.window(tmp_path / "later.log", "drill-2").attempt(teardown)

    for contract in (no_residue_is_left, only_own_resources_were_removed, state_held_what_was_created):
        assert verdict(contract, seen) is Status.PROVEN, contract.name


def test_a_look_that_saw_an_earlier_machine_does_not_speak_for_one_that_sees_no_later_machine(up, site, tmp_path):
    up.attempt(teardown)
    later = up.window(tmp_path / "later.log", "drill-2")
    later.attempt(bringup)
    site.machines.clear()

    seen = later.attempt(teardown)

    assert seen.before == ()
    assert verdict(no_residue_is_left, seen) is Status.REFUTED


def test_a_state_that_is_empty_after_a_removal_that_did_not_end_is_neither_proven_nor_lost(kept, site, tmp_path):
    """The last call of a removal gives the lock back: when that fails, the state is as empty as one that was lost."""
    site.faults.after["down"] = TargetError("lock kept", code="ExpiredToken")
    with pytest.raises(TargetError, match="lock kept"):
        kept.attempt(teardown)
    assert site.machines == {}

    seen = kept.window(tmp_path / "later.log", "drill-2").attempt(teardown)

    assert (seen.made, seen.held_before, seen.held_unsettled) == ((MACHINE,), (), (MACHINE,))
    found = finding(state_held_what_was_created, seen)
    assert found.status is Status.UNPROVEN
    assert found.reason.startswith("an earlier teardown found in the state what was created, and is not known to have")
    assert found.reason.endswith("; ".join(commands([MACHINE])))


def untagged(site, **left):
    for name, machine in site.machines.items():
        site.machines[name] = replace(machine, tags=left)


def fails(drill, site, *, how="before", error=REFUSED):
    """Attempt a teardown that ends ahead of what it does to the machine, or after it."""
    getattr(site.faults, how)["down"] = error
    with pytest.raises(type(error)):
        drill.attempt(teardown)


def test_what_an_unfinished_removal_counted_and_the_platform_knows_no_more_is_gone(up, site, tmp_path):
    fails(up, site, how="after")

    seen = up.window(tmp_path / "later.log", "drill-2").attempt(teardown)

    assert [item.kind for item in seen.before] == ["instance", "objects"]
    assert verdict(no_residue_is_left, seen) is Status.PROVEN


def left_by_a_window_that_ended_early(up, site, tmp_path):
    fails(up, site)
    untagged(site)
    return up.window(tmp_path / "later.log", "drill-2")


def left_between_two_attempts(up, site, tmp_path):
    fails(up, site)
    untagged(site)
    return up


def left_ahead_of_the_first_look(up, site, tmp_path):
    untagged(site)
    return up


def left_before_more_objects_were_written(up, site, tmp_path):
    later = left_by_a_window_that_ended_early(up, site, tmp_path)
    later.writes("three")
    return later


def left_before_a_bring_up_that_the_quota_refused(up, site, tmp_path):
    later = left_by_a_window_that_ended_early(up, site, tmp_path)
    site.faults.before["up"] = QuotaError("quota is 0", code="VcpuLimitExceeded")
    with pytest.raises(QuotaError):
        later.attempt(bringup)
    return later


@pytest.mark.parametrize(
    "leave",
    [
        left_by_a_window_that_ended_early,
        left_between_two_attempts,
        left_ahead_of_the_first_look,
        left_before_more_objects_were_written,
        left_before_a_bring_up_that_the_quota_refused,
    ],
)
def test_a_machine_without_its_tags_is_found_by_the_name_that_the_journals_know(up, site, tmp_path, leave):
    """To a look by tags nothing is there."""
    seen = leave(up, site, tmp_path).attempt(teardown)

    assert list(site.machines) == [MACHINE]
    assert [item.identity for item in seen.residue] == [MACHINE]
    assert seen.residue[0].remove_command.startswith(
        "see who took the drill's tag off; it is what the drill made: aws ec2"
    )
    assert verdict(no_residue_is_left, seen) is Status.REFUTED


def test_a_machine_that_has_lost_the_drills_tag_alone_is_no_strangers(up, site):
    """It carries what every runner does, as a stranger's would."""
    untagged(site, **TAGS)

    seen = up.attempt(teardown)

    assert (seen.foreign_before, seen.foreign) == ((), ())
    assert seen.residue[0].remove_command.startswith("see who took the drill's tag off")


def test_a_machine_without_the_drills_tag_that_its_state_takes_away_is_gone(up, site):
    untagged(site, **TAGS)
    site.ends = lambda runner: runner.instance_id == MACHINE

    seen = up.attempt(teardown)

    for contract in (no_residue_is_left, only_own_resources_were_removed):
        assert verdict(contract, seen) is Status.PROVEN, contract.name


def test_what_a_later_teardown_answered_of_the_state_is_open_no_more(kept, site, tmp_path, monkeypatch):
    fails(kept, site)
    second = kept.window(tmp_path / "second.log", "drill-2")
    assert verdict(state_held_what_was_created, second.attempt(teardown)) is Status.PROVEN
    monkeypatch.setattr("tests.phases.site.MACHINE", "i-00000000000000002")
    third = second.window(tmp_path / "third.log", "drill-3")
    third.attempt(bringup)

    seen = third.attempt(teardown)

    assert seen.held_unsettled == ()
    assert verdict(state_held_what_was_created, seen) is Status.PROVEN


def test_a_machine_that_was_there_before_another_came_up_is_found_as_well(kept, site, tmp_path, monkeypatch):
    fails(kept, site)
    untagged(site)
    first = site.machines.pop(MACHINE)
    later = kept.window(tmp_path / "later.log", "drill-2")
    monkeypatch.setattr("tests.phases.site.MACHINE", "i-00000000000000002")
    later.attempt(bringup)
    site.machines[MACHINE] = first

    seen = later.attempt(teardown)

    assert [item.identity for item in seen.residue if item.kind == "instance"] == [MACHINE]
    assert verdict(no_residue_is_left, seen) is Status.REFUTED


def test_what_carried_a_copy_of_the_tag_and_has_lost_it_is_not_the_drills(up, site, tmp_path):
    site.add(STRANGER, **{DRILL_TAG: "drill-1"})
    site.ends = lambda runner: runner.instance_id == MACHINE
    assert verdict(no_residue_is_left, up.attempt(teardown)) is Status.REFUTED
    site.machines[STRANGER] = replace(site.machines[STRANGER], tags=TAGS)

    seen = up.window(tmp_path / "later.log", "drill-2").attempt(teardown)

    assert (seen.residue, list(site.machines)) == ((), [STRANGER])
    for contract in (no_residue_is_left, only_own_resources_were_removed):
        assert verdict(contract, seen) is Status.PROVEN, contract.name


def test_what_carried_a_copy_of_the_tag_when_a_teardown_failed_is_not_told_as_removed(up, site, tmp_path):
    site.add(STRANGER, **{DRILL_TAG: "drill-1"})
    fails(up, site)
    site.machines[STRANGER] = replace(site.machines[STRANGER], tags=TAGS)
    site.ends = lambda runner: runner.instance_id == MACHINE

    seen = up.window(tmp_path / "later.log", "drill-2").attempt(teardown)

    assert STRANGER not in {item.identity for item in seen.removed}
    assert verdict(only_own_resources_were_removed, seen) is Status.PROVEN


def test_an_object_of_the_drill_without_its_tag_is_left_and_nobody_says_that_nothing_is(up, site):
    """A scanner that tags what it has looked at replaces all that an object carries."""
    site.marks["drills/drill-1/two"] = {"scanned": "clean"}

    seen = up.attempt(teardown)

    assert {*site.held} == {"drills/drill-1/two"}
    assert [(item.identity, item.state) for item in seen.foreign] == [
        ("s3://atlas-recovery/drills/drill-1/two", "without the drill's tag")
    ]
    found = finding(no_residue_is_left, seen)
    assert (found.status, found.reason.startswith("1 objects lie where the drill wrote")) == (Status.UNPROVEN, True)


def test_objects_that_have_all_lost_their_tag_are_residue(up, site):
    site.marks = {name: {} for name in site.marks}

    assert verdict(no_residue_is_left, up.attempt(teardown)) is Status.REFUTED


def test_an_object_at_a_key_of_the_drill_that_carries_another_drills_tag_is_foreign(up, site):
    site.marks["drills/drill-1/two"] = {DRILL_TAG: "drill-9"}

    seen = up.attempt(teardown)

    assert [item.identity for item in seen.foreign] == ["s3://atlas-recovery/drills/drill-1/two"]
    assert verdict(no_residue_is_left, seen) is Status.PROVEN


@pytest.mark.parametrize("what", ["machine", "objects"])
def test_what_could_not_be_created_after_a_teardown_refutes_nothing_of_it(kept, site, tmp_path, what):
    kept.attempt(teardown)
    later = kept.window(tmp_path / "later.log", "drill-2")
    if what == "machine":
        site.faults.before["up"] = QuotaError("quota is 0", code="VcpuLimitExceeded")
        with pytest.raises(QuotaError):
            later.attempt(bringup)
    else:
        with (
            pytest.raises(TargetError, match="denied"),
            later.context("restore_state").effects.intend("objects.put", "s3://x/#1", {"keys": ["drills/drill-1/one"]}),
        ):
            raise TargetError("denied", code="AccessDenied")

    seen = later.attempt(teardown)

    for contract in (no_residue_is_left, state_held_what_was_created):
        assert verdict(contract, seen) is Status.PROVEN, contract.name


def test_a_state_that_is_lost_between_two_attempts_of_which_none_destroyed_anything_is_refuted(kept, site):
    fails(kept, site, error=HeldError("state locked", code="LockHeld"))
    site.keeps_state = False
    site.ends = lambda runner: False

    seen = kept.attempt(teardown)

    assert (seen.made, seen.held_before, seen.held_unsettled) == ((MACHINE,), (), ())
    assert verdict(state_held_what_was_created, seen) is Status.REFUTED
    assert verdict(no_residue_is_left, seen) is Status.REFUTED


def test_a_state_that_an_earlier_window_could_not_read_is_not_told_as_lost(kept, site, tmp_path):
    site.faults.before["holds"] = TargetError("s3: no JSON", code="StateUnreadable")
    fails(kept, site, how="after", error=TargetError("s3: no JSON", code="StateUnreadable"))

    seen = kept.window(tmp_path / "later.log", "drill-2").attempt(teardown)

    found = finding(state_held_what_was_created, seen)
    assert (found.status, "cannot be read: s3: no JSON" in found.reason) == (Status.UNPROVEN, True)


def test_a_machine_that_an_unfinished_removal_left_is_counted_and_goes(up, site, tmp_path):
    site.faults.before["down"] = TargetError("refused", code="Refused")
    with pytest.raises(TargetError, match="refused"):
        up.attempt(teardown)

    seen = up.window(tmp_path / "later.log", "drill-2").attempt(teardown)

    assert (site.machines, seen.before_unsettled) == ({}, ())
    assert verdict(no_residue_is_left, seen) is Status.PROVEN


def test_a_state_that_is_lost_after_a_window_that_removed_nothing_is_refuted(kept, site, tmp_path):
    site.faults.before["down"] = HeldError("state locked", code="LockHeld")
    with pytest.raises(HeldError, match="state locked"):
        kept.attempt(teardown)
    site.machines.clear()

    seen = kept.window(tmp_path / "later.log", "drill-2").attempt(teardown)

    assert (seen.made, seen.held_before, seen.held_unsettled) == ((MACHINE,), (), ())
    assert verdict(state_held_what_was_created, seen) is Status.REFUTED


def test_what_comes_up_after_a_teardown_must_be_in_the_state_again(kept, site, tmp_path):
    kept.attempt(teardown)
    later = kept.window(tmp_path / "later.log", "drill-2")
    later.attempt(bringup)
    site.machines.clear()

    seen = later.attempt(teardown)

    assert (seen.made, seen.held_before) == ((MACHINE,), ())
    assert verdict(state_held_what_was_created, seen) is Status.REFUTED


def test_why_a_state_could_not_be_read_is_told_by_the_verdict_on_it(kept, site):
    """The state may be whole again by the time that somebody looks: then nothing else knows what was wrong."""
    why = "s3://states/one: StateUnreadable: the body is not JSON\n  next: look at the object"
    site.faults.before["holds"] = TargetError(why, code="StateUnreadable")

    seen = kept.attempt(teardown)

    found = finding(state_held_what_was_created, seen)
    assert found.status is Status.UNPROVEN
    assert "cannot be read: s3://states/one: StateUnreadable: the body is not JSON; nobody knows" in found.reason
    assert seen.held_after == ()


@pytest.mark.parametrize("again", ["an attempt", "a window"])
def test_whoever_finds_nothing_left_tells_the_tool_of_the_one_that_took_it_away(kept, site, tmp_path, again):
    """Another version that does nothing is none that took it away, and what did it cannot be forgotten."""
    site.faults.before["delete"] = SLOWER
    site.version, site.plugins = "2", {"aws": "6.2.0"}
    with pytest.raises(ThrottledError):
        kept.attempt(teardown)
    site.version, site.plugins = "1", {}

    seen = (kept if again == "an attempt" else kept.window(tmp_path / "later.log", "drill-2")).attempt(teardown)

    assert seen.destroyed == 0
    assert (seen.provisioner, seen.provisioner_version, seen.providers) == ("direct", "2", {"aws": "6.2.0"})


def test_the_tool_of_a_removal_is_that_of_what_came_up_last(kept, site, tmp_path):
    site.version = "2"
    kept.attempt(teardown)
    site.version = "1"
    later = kept.window(tmp_path / "later.log", "drill-2")
    later.attempt(bringup)
    site.machines.clear()

    assert later.attempt(teardown).provisioner_version == "1"


def test_other_kinds_of_resources_of_a_stranger_are_foreign_too(up, site):
    site.others.append(Resource(kind="volume", identity="vol-1", state="in-use", tags=TAGS))

    seen = up.attempt(teardown)

    assert [(item.kind, item.identity) for item in seen.foreign] == [("volume", "vol-1")]


def test_objects_go_away_although_the_machine_does_not(up, site):
    site.faults.before["down"] = TargetError("state locked", code="Locked")

    with pytest.raises(TargetError, match="state locked"):
        up.attempt(teardown)

    assert site.held == {}
    assert MACHINE in site.machines


def test_the_machine_goes_away_although_the_objects_do_not(up, site):
    site.faults.before["delete"] = SLOWER

    with pytest.raises(ThrottledError):
        up.attempt(teardown)

    assert site.machines == {}
    assert len(site.held) == 2


def test_the_command_for_objects_that_are_left_takes_nothing_of_others_with_them(up, site, monkeypatch):
    """A removal of the whole prefix would: only a teardown knows the keys."""
    monkeypatch.setattr(type(site), "delete", lambda *_, **__: None)

    seen = up.attempt(teardown)

    (left,) = [item for item in seen.residue if item.kind == "objects"]
    assert left.remove_command == f"pytest -m drill --start-at teardown --receipt-dir reports/{up.drill_id}"


def test_of_many_foreign_objects_the_first_are_named_and_followed(up, site, monkeypatch):
    monkeypatch.setattr(module, "FOREIGN_SHOWN", 2)
    for name in "bcd":
        site.held[f"drills/drill-1/{name}"] = b"not yours"
    site.ends = lambda runner: bool(site.held.setdefault("drills/drill-1/a", b"new"))

    seen = up.attempt(teardown)

    assert [item.identity[-1] for item in seen.foreign_before] == ["b", "c"]
    assert [item.identity[-1] for item in seen.foreign] == ["a", "b", "c"]
    assert verdict(only_own_resources_were_removed, seen) is Status.PROVEN


def test_a_verdict_on_what_is_left_says_what_was_refused():
    left = module.Residue(kind="cluster-object", identity="atlas/Secret/pull", remove_command="kubectl delete …")
    torn = PASSING.facts("teardown", residue=(left,), refused=("cluster delete: Forbidden",)).receipts["teardown"]

    said = no_residue_is_left.decide(torn)

    assert said.status is Status.REFUTED
    assert said.reason == "still there; refused: cluster delete: Forbidden; remove it with: kubectl delete …"
