"""The reference's `restore` and `validate` stand for all phases of that part, and the gravest of them decides."""

import json
from typing import Any

import pytest

from drproof.model.criteria import Window
from drproof.model.receipt import Cause, Outcome
from drproof.report import derived
from tests.report import drills
from tests.report.conftest import Make
from tests.report.drills import Drill, Step, passed

PARTS = [
    ("restore", "restore_state", ("restore_state", "restore")),
    ("validate", "inspect_runner", ("inspect_cluster", "inspect_runner", "validate")),
    ("validate", "inspect_cluster", ("inspect_cluster", "inspect_runner", "validate")),
]


def phases(make: Make, drill: Drill, **said: Any) -> dict[str, Any]:
    files = derived.files(make(drill), drills.settings(), stop_reason="done", **said)
    return {path: json.loads(data) for path, data in files.items() if path.startswith("phases/")}


def failed(phase: str) -> Step:
    return Step(
        phase=phase, outcome=Outcome.FAILED, reason="it broke", cause=Cause.WORLD, errors=("boom",), repair="mended"
    )


def blocked(phase: str, by: str) -> Step:
    reason = f"phase {by} is failed"
    return Step(phase=phase, took_ms=0, outcome=Outcome.BLOCKED, reason=reason, cause=Cause.PREREQUISITE)


@pytest.mark.parametrize(("whole", "part", "parts"), PARTS)
def test_a_part_that_failed_decides_over_those_that_did_not(
    whole: str, part: str, parts: tuple[str, ...], make: Make
) -> None:
    steps = [failed(name) if name == part else passed(name) for name in parts[:-1]]
    found = phases(make, Drill(steps=[*steps, blocked(whole, part)]), hints={whole: f"pytest {whole}"})

    one = found[f"phases/{whole}.json"]
    assert (one["phase"], one["status"], one["skip_reason"]) == (whole, "failed", "")
    assert (one["attempts"], one["repair_applied"], one["last_error_tail"]) == (1, True, ["tail of boom"])
    assert one["command_hint"] == f"pytest {whole}"
    own = found[f"phases/{part}.json"]
    assert (own["phase"], own["status"]) == (part, "failed")
    assert (one["started_at_utc"], one["ended_at_utc"]) == (own["started_at_utc"], own["ended_at_utc"])
    assert found["phases/validate.json" if whole == "validate" else "phases/restore.json"] == one
    others = [found[f"phases/{name}.json"]["status"] for name in parts[:-1] if name != part]
    assert others == ["success"] * len(others)


@pytest.mark.parametrize("order", [("inspect_cluster", "inspect_runner"), ("inspect_runner", "inspect_cluster")])
def test_the_first_of_several_that_failed_decides(order: tuple[str, str], make: Make) -> None:
    first, second = order
    found = phases(make, Drill(steps=[failed(first), failed(second), blocked("validate", first)]))

    started = [found[f"phases/{name}.json"]["started_at_utc"] for name in ("validate", *order)]
    assert started[0] == started[1] < started[2]


def test_a_part_that_was_skipped_takes_the_success_away(make: Make) -> None:
    reason = "contract archive_is_sound[a] is refuted: torn"
    stopped = Step(phase="restore_state", outcome=Outcome.BLOCKED, reason=reason, cause=Cause.CONTRACT)
    found = phases(make, Drill(steps=[stopped, passed("restore")]))

    assert found["phases/restore.json"]["status"] == "skipped"
    assert found["phases/restore.json"]["skip_reason"] == reason
    unreached = phases(
        lambda drill: make(drill, name="unreached"),
        Drill(steps=[passed("restore_state")], plan={"phases": ("restore_state", "restore")}),
    )
    assert unreached["phases/restore_state.json"]["status"] == "success"
    assert unreached["phases/restore.json"]["skip_reason"] == "no receipt: the run ended before this phase"


def test_all_went_well_with_the_times_and_attempts_of_the_phase_itself(make: Make) -> None:
    twice = passed("restore")
    twice.errors, twice.repair = ("once",), "mended"
    found = phases(make, Drill(steps=[passed("restore_state"), twice]))

    one = found["phases/restore.json"]
    assert (one["status"], one["attempts"], one["repair_applied"], one["last_error_tail"]) == ("success", 2, True, [])
    assert one["started_at_utc"] == found["phases/restore_state.json"]["ended_at_utc"]


def test_what_an_earlier_run_did_decides_nothing_and_all_of_it_is_skipped(make: Make) -> None:
    steps = [passed("restore_state", inherited=True), passed("restore")]
    assert phases(make, Drill(steps=steps))["phases/restore.json"]["status"] == "success"

    window = Window(full=False, start_at="validate", stop_after="validate", inherited=("restore_state", "restore"))
    steps = [passed(name, inherited=True) for name in ("restore_state", "restore")]
    found = phases(lambda drill: make(drill, name="inherited"), Drill(steps=steps, window=window))
    outside = "outside execution window start-at=validate stop-after=validate"
    assert [(one["status"], one["skip_reason"]) for one in found.values() if "restore" in one["phase"]] == [
        ("skipped", outside),
        ("skipped", outside),
    ]


def test_a_plan_with_one_phase_of_a_part_is_told_by_it_alone(make: Make) -> None:
    assert phases(make, Drill(steps=[failed("validate")]))["phases/validate.json"]["status"] == "failed"
    alone = phases(lambda drill: make(drill, name="alone"), Drill(steps=[failed("inspect_runner")]))
    assert "phases/validate.json" not in alone


def test_summary_and_times_say_the_same_as_the_files(make: Make) -> None:
    bundle = make(Drill(steps=drills.failed_at("restore_state"), outcome="refuted"))
    files = derived.files(bundle, drills.settings(), stop_reason="done")
    summary, times = (json.loads(files[name]) for name in ("drill.summary.json", "drill.phase_timestamps.json"))

    own = {path: json.loads(data) for path, data in files.items() if path.startswith("phases/")}
    assert {f"phases/{row['phase']}.json": row for row in summary["phases"]} == own
    assert {row["phase"]: row["status"] for row in times["phases"]} == {
        row["phase"]: row["status"] for row in own.values()
    }
    assert summary["failed_phase"] == "restore_state"
    assert own["phases/restore.json"]["status"] == "failed"
    assert own["phases/validate.json"]["skip_reason"] == "skipped due upstream failure in phase=restore_state"
