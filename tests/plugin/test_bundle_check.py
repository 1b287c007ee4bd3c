"""A bundle is judged again from its folder alone, and an unsigned one is never called authentic."""

import json
import shutil
from pathlib import Path

import pytest

from drproof.evidence.canonical import canonical
from tests.plugin.conftest import Colleague

CENSUS = """
import sys

def pytest_unconfigure(config):
    print("LOADED", [name for name in ("boto3", "botocore", "kubernetes", "moto") if name in sys.modules])
"""


@pytest.fixture
def copy(desk: Colleague, whole) -> Path:
    """A copy of a proven bundle on a desk, for tests that spoil it."""
    assert whole.status == 0, whole.output
    return Path(shutil.copytree(whole.bundle, desk.folder / "bundle"))


CHECK = ("-m", "bundle-check", "--bundle-dir", "bundle", "-ra")


def _failed(output: str) -> set[str]:
    return {line.partition("[")[2].partition("]")[0] for line in output.splitlines() if line.startswith("FAILED ")}


def test_an_unsigned_bundle_fails_for_that_alone_and_is_judged_offline(desk, copy):
    desk.write("census.py", CENSUS)

    checked = desk.run("-p", "census", *CHECK)

    assert checked.status == 1
    assert _failed(checked.output) == {"bundle_is_signed", "bundle_is_of_a_live_drill"}
    assert "the bundle is not signed" in checked.output
    assert "nothing here can be called authentic" in checked.output
    assert "LOADED []" in checked.output


def test_an_unsigned_bundle_stays_unproven_when_its_failures_are_hidden(desk, copy):
    desk.write(
        "conftest.py",
        "import pytest\n\n@pytest.hookimpl(trylast=True)\ndef pytest_collection_modifyitems(items):\n"
        "    items[:] = [item for item in items if 'signed' not in item.name and 'live' not in item.name]\n",
    )

    assert desk.run(*CHECK).status == 1


def test_a_receipt_that_was_changed_fails_the_integrity_item_which_names_it(desk, copy):
    receipt = copy / "receipts/06-restore_state.json"
    content = json.loads(receipt.read_bytes())
    content["duration_ms"] += 1
    receipt.write_bytes(canonical(content))

    checked = desk.run(*CHECK)

    assert checked.status == 1
    assert "bundle_is_as_it_was_sealed" in _failed(checked.output)
    assert "changed: receipts/06-restore_state.json is not the file that was sealed" in checked.output


@pytest.mark.parametrize(("change", "said"), [("remove", "was sealed and is gone"), ("add", "was not sealed")])
def test_a_file_that_came_or_went_fails_the_integrity_item(desk, copy, change, said):
    (copy / "evidence/note.json").write_text("{}") if change == "add" else (copy / "proof.html").unlink()

    checked = desk.run(*CHECK)

    assert "bundle_is_as_it_was_sealed" in _failed(checked.output)
    assert said in checked.output


def test_a_verdict_that_was_sealed_better_than_its_evidence_fails_by_name(desk, copy):
    receipt = copy / "receipts/12-capture_alarms.json"
    content = json.loads(receipt.read_bytes())
    content["outcome"], content["observed"], content["reason"] = "failed", None, "it was not so"
    receipt.write_bytes(canonical(content))

    checked = desk.run(*CHECK)

    assert "alarm_detected_the_outage:atlas-dr-pipeline-freshness" in _failed(checked.output)
    assert "sealed as proven, judged again as unproven" in checked.output


def test_a_part_of_a_check_is_refused(desk, copy):
    checked = desk.run(*CHECK, "-k", "restored_state")

    assert checked.status == 4
    assert "the selection leaves out" in checked.output


def test_checking_changes_nothing_in_the_bundle(desk, copy):
    before = {path: path.read_bytes() for path in copy.rglob("*") if path.is_file()}

    desk.run(*CHECK)

    assert {path: path.read_bytes() for path in copy.rglob("*") if path.is_file()} == before


@pytest.mark.parametrize("place", ["conftest.py", "test_more/conftest.py"])
def test_nothing_that_lies_in_a_bundle_is_run(desk, copy, place):
    desk.write(f"bundle/{place}", "print('EXECUTED')\n")

    for words in (CHECK, ("-m", "bundle-check", "--bundle-dir=bundle")):
        output = desk.refused(*words, "-s")
        assert f"--bundle-dir bundle holds {place}" in output
        assert "EXECUTED" not in output


def test_nothing_that_lies_in_a_bundle_decides_how_pytest_runs(desk, copy):
    desk.write("bundle/pytest.ini", "[pytest]\naddopts = --collect-only\n")

    assert "--bundle-dir bundle holds pytest.ini" in desk.refused(*CHECK)


def test_the_value_of_an_option_is_no_path_of_tests(desk):
    desk.write("embedded/conftest.py", "print('EXECUTED')\n")

    shown = desk.run("-m", "drill", "--target", "embedded", "--collect-only", "-s")

    assert shown.status == 0, shown.output
    assert "EXECUTED" not in shown.output
