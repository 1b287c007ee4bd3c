"""Eight drills that want one target at the same moment: one runs, and seven are refused before anything is changed."""

from pathlib import Path

import pytest

from drproof.model.context import DRILL_TAG, EXPIRES_TAG
from drproof.targets import embedded
from tests.drill.conftest import SECONDS, Operator
from tests.patience import until

ROOT = Path(__file__).resolve().parents[2]
AFTER_THE_LEASE = 4
"""The record of the journal at which the one that runs is held, until the others have ended."""

UNTIL_RESTORE = ("--provisioner", "direct", "--stop-after", "restore", "--teardown", "false")
WORDS = ("-m", "drill", "--target", "embedded", "--provisioner", "direct", "--stop-after", "bringup")


def test_of_eight_drills_one_runs_and_seven_name_it(operator: Operator, tmp_path: Path) -> None:
    place = tmp_path / "world"
    place.mkdir()
    world = embedded.start(place, scenario="none", linger=SECONDS)
    marks = [tmp_path / f"held-{number}" for number in range(8)]
    runs = [
        operator.start(
            "-p",
            "tests.drill.hold_at",
            *WORDS,
            "--run-id",
            f"drill-{number}",
            DRPROOF_WORLD=str(place),
            PYTHONPATH=str(ROOT),
            HOLD_AT=str(AFTER_THE_LEASE),
            HELD=str(marks[number]),
        )
        for number in range(8)
    ]
    until(lambda: sum(run.poll() is not None for run in runs) >= 7, SECONDS)
    (holder,) = [number for number, mark in enumerate(marks) if mark.exists()]
    calls = world.calls()
    marks[holder].unlink()
    said = [run.communicate(timeout=SECONDS)[0] for run in runs]

    assert runs[holder].returncode == 0, said[holder]
    for number, run in enumerate(runs):
        if number != holder:
            assert run.returncode == 4, said[number]
            assert f"drill drill-{holder} (pid {runs[holder].pid} on" in said[number]
            assert not (tmp_path / "reports" / f"drill-{number}").exists()
    made = [call for call in calls if call["status"] == 200 and call["action"] == "PutObject"]
    assert {call["key"].rpartition(".")[2] for call in made} == {"drproof-lease"}, "nobody changed anything else"


def test_everything_that_a_drill_makes_says_whose_it_is_and_until_when(
    operator: Operator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the world holds after the restore, compared with what it held before: all that is new carries both tags."""
    monkeypatch.setenv("EMBEDDED_WORLD_MEMBERS", "60")
    place = tmp_path / "world"
    place.mkdir()
    world = embedded.start(place, scenario="none", linger=SECONDS)
    before = world.inventory()

    drill = operator.drill(*UNTIL_RESTORE, "--run-id", "tagged", DRPROOF_WORLD=str(place))
    try:
        assert drill.status == 0, drill.output
        after = world.inventory()
        made = {
            kind: [one for one in after[kind] if _name(one) not in {_name(old) for old in before[kind]}]
            for kind in ("instances", "volumes", "interfaces", "security_groups", "others", "objects", "lock_items")
        }
        assert {kind for kind, found in made.items() if found} == {"instances", "volumes", "interfaces", "objects"}
        for kind, found in made.items():
            for one in found:
                assert one["tags"].get(DRILL_TAG) == "tagged", (kind, one)
                assert one["tags"].get(EXPIRES_TAG, "").endswith("Z"), (kind, one)
        (cluster,) = after["clusters"]
        assert len(cluster["marked"]) > 3
        assert {one["expires_at"] for one in cluster["marked"]} == {made["instances"][0]["tags"][EXPIRES_TAG]}
        assert cluster["unmarked"] == []
    finally:
        world.stop()


def _name(one: dict[str, str]) -> str:
    return one.get("id") or f"{one['bucket']}/{one['key']}/{one['version']}"
