"""A bundle is judged again from its folder and a trust file, and one that nobody trusted signed is never authentic."""

import json
import os
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


DEMANDS = (
    "bundle_is_as_it_was_sealed",
    "bundle_is_signed",
    "bundle_is_complete",
    "bundle_is_of_a_proven_drill",
    "bundle_is_what_was_expected",
    "bundle_is_of_a_live_drill",
)
CHECK = ("-m", "bundle-check", "--bundle-dir", "bundle", "-ra")


def _failed(output: str) -> set[str]:
    return {line.partition("[")[2].partition("]")[0] for line in output.splitlines() if line.startswith("FAILED ")}


@pytest.fixture
def trust(whole) -> str:
    """The trust file of the project that made the bundle."""
    return str(whole.bundle.parent.parent / ".drproof/trust.json")


def test_a_bundle_that_a_trusted_key_signed_is_judged_offline_and_passes(desk, copy, trust):
    desk.write("census.py", CENSUS)

    checked = desk.run("-p", "census", *CHECK, "--trust", trust, "--accept-rehearsal", "-v")

    assert checked.status == 0, checked.output
    assert f"drproof: bundle {copy} (named by --bundle-dir)" in checked.output
    assert f"drproof: trust file {trust}" in checked.output
    assert "level of assurance: L1" in checked.output
    assert "not shown: anyone's recovery" in checked.output
    assert "drproof verify would exit with 0" in checked.output
    for demand in (*DEMANDS, "no_residue_is_left", "restored_state_is_what_was_backed_up"):
        assert f"[{demand}" in checked.output
    assert "LOADED []" in checked.output


def test_a_rehearsal_that_nobody_accepts_as_one_fails_for_that_alone(desk, copy, trust):
    checked = desk.run(*CHECK, "--trust", trust)

    assert checked.status == 1
    assert _failed(checked.output) == {"bundle_is_of_a_live_drill"}


def test_a_bundle_whose_key_is_in_no_trust_file_is_not_authentic(desk, copy):
    checked = desk.run(*CHECK, "--accept-rehearsal")

    assert checked.status == 1
    assert _failed(checked.output) == {"bundle_is_signed"}
    assert "trust file none, so nobody's signature counts; name one with --trust" in checked.output
    assert "key-unknown" in checked.output


def test_a_bundle_that_nobody_signed_is_not_authentic(desk, copy, trust):
    for path in copy.rglob("*.dsse.json"):
        content = json.loads(path.read_bytes())
        path.write_bytes(canonical({**content, "signatures": []}))

    checked = desk.run(*CHECK, "--accept-rehearsal", "--trust", trust)

    assert "unsigned: opening.dsse.json is not signed" in checked.output
    assert "bundle_is_signed" in _failed(checked.output)


def test_without_a_name_the_newest_bundle_is_checked_by_the_projects_own_trust_file(desk, copy, trust):
    shutil.copytree(copy, desk.folder / "reports/older")
    shutil.copytree(copy, desk.folder / "reports/newer")
    os.utime(desk.folder / "reports/older/closing.dsse.json", (1, 1))
    desk.write(".drproof/trust.json", Path(trust).read_text())

    checked = desk.run("-m", "bundle-check", "--accept-rehearsal")

    assert checked.status == 0, checked.output
    assert (
        f"drproof: bundle {desk.folder / 'reports/newer'} (the newest below {desk.folder / 'reports'})"
        in checked.output
    )
    assert f"drproof: trust file {desk.folder / '.drproof/trust.json'}" in checked.output
    named = desk.run("-m", "bundle-check", "--accept-rehearsal", DRPROOF_BUNDLE_DIR="reports/older")
    assert "reports/older (named by DRPROOF_BUNDLE_DIR)" in named.output


def test_without_any_bundle_the_check_is_refused(desk):
    assert "no bundle is named" in desk.refused("-m", "bundle-check")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--trust", "nowhere.json"), "nowhere.json cannot be read"),
        (("--require-level", "L7"), "--require-level L7; expected one of"),
        (("--max-age", "old"), "--max-age: expected a duration"),
    ],
)
def test_demands_that_cannot_be_meant_are_refused(desk, copy, words, said):
    assert said in desk.refused(*CHECK, *words)


def test_what_is_expected_of_a_bundle_and_not_found_fails_its_own_item(desk, copy, trust):
    words = (*CHECK, "--trust", trust, "--accept-rehearsal")

    checked = desk.run(*words, "--expect-drill", "another", "--require-level", "L2", "--prev", "0" * 64)

    assert _failed(checked.output) == {"bundle_is_what_was_expected"}
    for said in ("drill: the bundle's drill is whole, expected another", "level: ", "previous: "):
        assert said in checked.output
    assert desk.run(*words, "--expect-drill", "whole", "--require-full", "--max-age", "1d").status == 0


def test_a_bundle_without_its_end_is_incomplete(desk, copy, trust):
    (copy / "closing.dsse.json").unlink()

    checked = desk.run(*CHECK, "--trust", trust, "--accept-rehearsal")

    assert _failed(checked.output) == {"bundle_is_complete"}
    assert "not-closed" in checked.output


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
    assert "file-changed: receipts/06-restore_state.json is not the file that was sealed" in checked.output


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
