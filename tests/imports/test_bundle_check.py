"""`pytest -m bundle-check` judges a collection, and a plain folder of receipts, by the same contracts."""

import json
import shutil
import tempfile
from pathlib import Path

import pytest

from drproof.engine.imports import collect
from tests.imports.cases import lay_out
from tests.plugin.conftest import Colleague

CENSUS = """
import sys

def pytest_unconfigure(config):
    print("LOADED", [name for name in ("boto3", "botocore", "kubernetes", "moto") if name in sys.modules])
"""


@pytest.fixture
def desk(tmp_path: Path) -> Colleague:
    folder = tmp_path / "desk"
    folder.mkdir()
    return Colleague(folder)


def _plain(name: str, desk: Colleague) -> Path:
    """Lay a case out as one folder: the receipts, and beside them what others kept."""
    case = lay_out(name, desk.folder.parent / "case")
    folder = Path(shutil.copytree(case.folder / "receipts", desk.folder / "receipts"))
    for path in (*case.handed.alarms, *case.handed.histories, *case.handed.listing):
        shutil.copy(path, folder / f"{path.parent.name}-{path.name}")
    return folder


def _failed(output: str) -> set[str]:
    return {line.partition("[")[2].rpartition("]")[0] for line in output.splitlines() if line.startswith("FAILED ")}


CHECK = ("-m", "bundle-check", "-p", "no:cacheprovider", "-ra", "--bundle-dir")


def test_a_whole_folder_of_receipts_is_green_offline_and_leaves_nothing(desk):
    _plain("whole_ok", desk)
    desk.write("census.py", CENSUS)
    before, scratch = desk.names(), Path(tempfile.gettempdir())

    checked = desk.run("-p", "census", *CHECK, "receipts")

    assert checked.status == 0, checked.output
    assert "origin: corroborated" in checked.output
    assert "recovery: proven" in checked.output
    assert "a folder of receipts is sealed by nobody" in checked.output
    assert "LOADED []" in checked.output
    assert desk.names() == before
    assert list(scratch.glob("drproof-import-*")) == []


def test_the_published_success_fails_with_an_item_for_each_reason(desk):
    _plain("published_success_fail", desk)

    checked = desk.run(*CHECK, "receipts")

    assert checked.status == 1
    assert _failed(checked.output) == {
        "execution_succeeded",
        "validation_made_nothing",
        "bringup_started_a_machine",
        "an_alarm_noticed_the_outage",
        "no_secret_lies_in_the_receipts",
        "approval_was_given",
        "something_was_restored",
    }
    assert "origin: corroborated" in checked.output
    assert "recovery: refuted" in checked.output


def test_receipts_alone_have_an_unproven_origin(desk):
    case = lay_out("no_history_no_listing_fail", desk.folder.parent / "case")
    shutil.copytree(case.folder / "receipts", desk.folder / "receipts")

    checked = desk.run(*CHECK, "receipts")

    assert checked.status == 1
    assert "origin: unproven" in checked.output
    assert "the receipt is not signed, and nothing else speaks for it" in checked.output
    assert "FAIL: missing_alarm_evidence:OK->ALARM->OK" in checked.output


def test_a_deleted_receipt_cannot_delete_its_own_check(desk):
    (_plain("whole_ok", desk) / "notify.json").unlink()

    checked = desk.run(*CHECK, "receipts")

    assert "receipt_is_there_and_says_ok:notify" in _failed(checked.output)
    assert "FAIL: missing_required_receipt:notify:notify.json" in checked.output


def test_a_hidden_failure_does_not_make_a_folder_green(desk):
    _plain("published_success_fail", desk)
    desk.write(
        "conftest.py",
        "import pytest\n\n@pytest.hookimpl(trylast=True)\ndef pytest_collection_modifyitems(items):\n"
        "    items[:] = [item for item in items if 'written_during' in item.name]\n",
    )

    assert desk.run(*CHECK, "receipts").status == 1


@pytest.mark.parametrize(
    ("words", "failed"),
    [
        (("--expect-account", "444455556666"), {"receipts_are_of_one_execution"}),
        (("--expect-account", "111122223333", "--expect-drill", "atlas-drill-20260504"), set()),
        (("--expect-drill", "another"), {"receipts_are_of_one_execution"}),
        (("--max-age", "1s"), {"bundle_is_what_was_expected"}),
        (("--require-level", "L1"), {"bundle_is_what_was_expected"}),
        (("--require-record-manual-decision",), set()),
    ],
)
def test_what_is_expected_of_an_execution_is_held_against_its_receipts(desk, words, failed):
    _plain("whole_ok", desk)

    checked = desk.run(*CHECK, "receipts", *words)

    assert _failed(checked.output) == failed, checked.output
    assert checked.status == (1 if failed else 0)


def test_a_collection_is_judged_again_from_its_bundle(desk):
    case = lay_out("whole_ok", desk.folder.parent / "case")
    collect(case.handed, desk.folder / "bundle")

    checked = desk.run(*CHECK, "bundle")

    assert _failed(checked.output) == {"bundle_is_signed"}
    assert "origin: corroborated" in checked.output
    assert "recovery: proven" in checked.output
    assert desk.run(*CHECK, "bundle", "--max-age", "1s").status == 1


@pytest.mark.parametrize(
    ("case", "failed"), [("whole_ok", set()), ("published_success_fail", {"decision_is_on_record"})]
)
def test_a_recorded_decision_can_be_demanded_of_a_collection(desk, case, failed):
    collect(lay_out(case, desk.folder.parent / "case").handed, desk.folder / "bundle")

    checked = desk.run(*CHECK, "bundle", "--require-record-manual-decision")

    assert {name for name in _failed(checked.output) if name.startswith("decision")} == failed


def test_a_demand_for_a_decision_of_what_is_no_execution_is_refused(desk):
    desk.run("-m", "health-check", "--target", "embedded", "--run-id", "health")

    refused = desk.run(*CHECK, "reports/health", "--require-record-manual-decision")

    assert refused.status == pytest.ExitCode.USAGE_ERROR
    assert "is about an imported execution" in refused.output


def test_a_bundle_whose_plan_is_gone_is_no_folder_of_receipts(desk):
    collect(lay_out("whole_ok", desk.folder.parent / "case").handed, desk.folder / "bundle")
    for name in ("plan.json", "opening.dsse.json", "closing.dsse.json"):
        (desk.folder / "bundle" / name).unlink()

    refused = desk.run(*CHECK, "bundle")

    assert refused.status == pytest.ExitCode.USAGE_ERROR


def test_a_verdict_that_was_sealed_better_than_the_evidence_is_found_out(desk):
    collect(lay_out("published_success_fail", desk.folder.parent / "case").handed, desk.folder / "bundle")
    path = desk.folder / "bundle/verdicts.json"
    verdicts = json.loads(path.read_bytes())
    for verdict in verdicts["verdicts"]:
        verdict["status"] = "proven"
    path.write_text(json.dumps(verdicts))

    checked = desk.run(*CHECK, "bundle")

    assert "bundle_is_as_it_was_sealed" in _failed(checked.output)
    assert "recovery: refuted" in checked.output


def test_a_plain_folder_of_a_failback_is_green_only_with_what_the_store_lists(desk):
    folder = _plain("failback_ok", desk)

    whole = desk.run(*CHECK, "receipts")
    for path in folder.glob("*listing.json"):
        path.unlink()
    alone = desk.run(*CHECK, "receipts")

    assert whole.status == 0, whole.output
    assert "origin: corroborated" in whole.output
    assert "failback: proven" in whole.output
    assert alone.status == 1
    assert {name.partition(":")[0] for name in _failed(alone.output)} == {
        "pointer_read_back_is_the_stored_one",
        "pointer_replaced_what_was_read",
    }
    assert "origin: unproven" in alone.output


def test_a_failback_from_a_run_to_itself_fails_with_an_item_for_each_reason(desk):
    _plain("failback_to_itself_fail", desk)

    checked = desk.run(*CHECK, "receipts")

    assert checked.status == 1
    assert _failed(checked.output) >= {
        "failback_is_between_two_runs",
        "runs_were_compared_and_match",
        "pointer_was_switched_back:global",
    }
    assert "failback: refuted" in checked.output


@pytest.mark.parametrize(
    ("words", "failed"),
    [
        (("--expect-account", "444455556666"), {"receipts_are_of_one_failback"}),
        (("--expect-drill", "2026-05-04T11:00:12.250000+00:00", "--expect-account", "111122223333"), set()),
        (("--max-age", "1s"), {"bundle_is_what_was_expected"}),
    ],
)
def test_what_is_expected_of_a_failback_is_held_against_its_receipts(desk, words, failed):
    _plain("failback_ok", desk)

    checked = desk.run(*CHECK, "receipts", *words)

    assert _failed(checked.output) == failed, checked.output
    assert ("the failback ended" in checked.output) is ("--max-age" in words)


def test_a_failback_has_no_decision_to_demand(desk):
    _plain("failback_ok", desk)

    refused = desk.run(*CHECK, "receipts", "--require-record-manual-decision")

    assert refused.status == pytest.ExitCode.USAGE_ERROR
    assert "is about an execution" in refused.output
