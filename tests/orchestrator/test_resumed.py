"""What an execution left unsealed is sealed by `drproof resume` out of its store, and taken away to the last object.

Every end of `whole_ends.toml` that nobody sealed has such a resume, played right after it in the same world.
"""

import pytest

from tests.drill.shared import Shelf
from tests.orchestrator import playing
from tests.orchestrator.playing import NAME
from tests.orchestrator.resuming import Resumed, leaks
from tests.orchestrator.test_whole import STATUS, ends

pytestmark = pytest.mark.costly("ends by the packaged function")


def resumed(shelf: Shelf, name: str) -> tuple[playing.Ended, Resumed]:
    end = playing.ended(shelf, name)
    return end, Resumed(end.folder, NAME)


def is_resumed(row: playing.Row) -> bool:
    return "resumed" in row


def test_every_end_that_nobody_sealed_is_resumed():
    assert [name for name, row in playing.rows().items() if not row["sealed"]] == [
        name for name, row in playing.rows().items() if is_resumed(row)
    ]


@ends(wanted=is_resumed)
def test_what_nobody_sealed_is_sealed_out_of_its_store(shelf: Shelf, name: str) -> None:
    end, found = resumed(shelf, name)
    sealed, said = found.sealed, end.told["resumed"]["said"]

    assert sealed.closing["outcome"] == end.row["resumed"], said
    verified = sealed.verified()
    assert verified.status == STATUS[end.row["resumed"]], verified.problems
    stored = {phase: one["outcome"] for phase, one in end.told["receipts"].items()}
    assert {phase: outcome for phase, outcome in sealed.outcomes.items() if phase in stored} == stored
    assert end.told["resumed"]["status"] == 1
    assert "Traceback" not in said


@ends(wanted=is_resumed)
def test_what_was_made_is_taken_away_in_a_window_of_its_own_and_counted_again(shelf: Shelf, name: str) -> None:
    end, found = resumed(shelf, name)
    undone, said = found.undone, end.told["resumed"]["said"]

    assert undone.outcomes["teardown"] == "passed", said
    torn_down = undone.receipts["teardown"]["observed"]
    assert (torn_down["residue"], torn_down["foreign"]) == ([], [])
    assert bool(torn_down["removed"]) is bool(end.told["machines"] and not end.told["torn down"]), torn_down
    outcome = end.row.get("undone", "proven")
    assert (undone.closing["outcome"], undone.verified().status) == (outcome, STATUS[outcome]), undone.named("refuted")
    assert "STILL UP" not in said


@ends(wanted=is_resumed)
def test_nothing_leaks_by_the_worlds_own_log_and_memory(shelf: Shelf, name: str) -> None:
    end, found = resumed(shelf, name)

    assert leaks(found.undone) == [], end.told["resumed"]["said"]
    started = [call for call in found.undone.calls if call["action"] == "RunInstances" and call["status"] == 200]
    assert len(started) == len(end.told["machines"])


@ends(wanted=lambda row: row.get("stopped"))
def test_the_phase_that_was_under_way_is_on_record_as_interrupted(shelf: Shelf, name: str) -> None:
    end, found = resumed(shelf, name)

    stops = end.row["stops"][0]
    ended = {phase: outcome for phase, outcome in found.sealed.outcomes.items() if phase not in end.told["receipts"]}
    assert ended.pop("notify") == "passed", "people hear that it ended"
    begun = "interrupted" if stops == "bringup" else "blocked"
    assert ended.pop(stops) == begun
    assert set(ended.values()) == {"blocked"}


@ends(wanted=lambda row: row.get("stopped") and row.get("teardowns"))
def test_the_command_of_the_message_takes_away_what_a_stopped_build_had_made(shelf: Shelf, name: str) -> None:
    end, _ = resumed(shelf, name)
    (done,) = end.told["torn down"]

    assert end.messages[-1]["next"] == f"drproof teardown --execution-arn {end.told['arn']}"
    ended = [call["named"] for call in done["calls"] if call["action"] == "TerminateInstances"]
    assert ended == [end.told["machines"]]
    assert "nothing of it is left" in done["said"]


@ends(wanted=lambda row: row.get("stopped") in playing.ACTS)
def test_an_execution_whose_act_is_at_work_is_not_resumed_yet_and_no_folder_is_left(shelf: Shelf, name: str) -> None:
    end, _ = resumed(shelf, name)
    early = end.told["too early"]

    assert (early["status"], early["folders"]) == (2, []), early["said"]
    assert "an act of it is at work" in early["said"]
    assert "wait for it to end, then run the same command" in early["said"]
