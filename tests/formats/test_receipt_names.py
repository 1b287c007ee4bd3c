"""The names of stored receipts: those of the reference layout, and none that can be taken for another's."""

import pytest

from drproof import catalog
from drproof.formats.receipt_names import execution_id, name_of


@pytest.mark.parametrize(
    ("drill", "folder"),
    [
        ("recovery-20261101T080000Z-0a1b2c", "recovery-20261101T080000Z-0a1b2c"),
        ("2026-02-27T00:22:29+00:00", "2026-02-27T00_22_29_00_00"),
        ("a b//ü c", "a_b_c"),
        ("__a__", "a"),
        ("_", "unknown_execution"),
        ("", "unknown_execution"),
        ("ü", "unknown_execution"),
    ],
)
def test_an_execution_is_named_as_in_the_reference_layout(drill, folder):
    assert execution_id(drill) == folder


@pytest.mark.parametrize(
    ("path", "number", "name"),
    [
        ("receipts/07-restore.json", 1, "restore.json"),
        ("receipts/07-restore.json", 2, "restore.2.json"),
        ("receipts/112-request_manual_approval.json", 1, "request_manual_approval.json"),
        ("plan.json", 1, "bundle/plan.json"),
        ("opening.dsse.json", 1, "bundle/opening.dsse.json"),
        ("opening.dsse.json", 3, "bundle/opening.3.dsse.json"),
        ("journal/12.json", 1, "journal/12.json"),
        ("journal/12.json", 2, "journal/12.2.json"),
        ("closing.json", 1, "bundle/closing.json"),
        ("checkpoints/07-restore.dsse.json", 1, "bundle/checkpoints/07-restore.dsse.json"),
    ],
)
def test_each_file_has_a_name_and_one_more_for_each_time_it_comes_again(path, number, name):
    assert name_of(path, number) == name


def test_no_two_files_of_a_drill_have_one_name():
    phases = [*(phase.name for phase in catalog.phases()), "plan", "opening", "closing", "bundle"]
    paths = [f"receipts/{number:02}-{phase}.json" for number, phase in enumerate(phases, start=1)]
    paths += ["plan.json", "opening.json", "closing.json", "receipts-store.json"]
    paths += [f"checkpoints/{number:02}-{phase}.dsse.json" for number, phase in enumerate(phases, start=1)]
    names = [name_of(path, number) for path in paths for number in (1, 2, 3)]

    assert len(set(names)) == len(names)
