"""`pytest -m orchestrator-check` judges an exported execution: every claim an item, and green only when all hold."""

from pathlib import Path

import pytest

from tests.orchestrator.cases import lay_out
from tests.plugin.conftest import Colleague

CENSUS = """
import sys

def pytest_unconfigure(config):
    print("LOADED", [name for name in ("kubernetes", "moto") if name in sys.modules])
"""
CHECK = ("-m", "orchestrator-check", "-p", "no:cacheprovider", "-ra")


@pytest.fixture
def desk(tmp_path: Path) -> Colleague:
    folder = tmp_path / "desk"
    folder.mkdir()
    return Colleague(folder)


def _lay(desk: Colleague, name: str) -> None:
    case = lay_out(name, desk.folder)
    if case.settings:
        desk.write("drproof.toml", case.settings)


def _failed(output: str) -> set[str]:
    return {line.partition("[")[2].rpartition("]")[0] for line in output.splitlines() if line.startswith("FAILED ")}


def test_an_approved_execution_is_green_and_leaves_a_bundle(desk):
    _lay(desk, "wired_ok")

    checked = desk.run(*CHECK, "--execution-dir", "execution")

    assert checked.status == 0, checked.output
    assert "mode REHEARSAL" in checked.output
    assert "claims are proven" in checked.output
    (bundle,) = (desk.folder / "reports").glob("orchestrator-*")
    assert (bundle / "proof.html").is_file()
    again = desk.run("-m", "bundle-check", "-p", "no:cacheprovider", "-ra", "--bundle-dir", str(bundle))
    assert _failed(again.output) == {"bundle_is_signed", "bundle_is_of_a_live_drill"}, again.output


def test_a_promotion_after_a_no_fails_with_an_item_for_each_reason(desk):
    _lay(desk, "promoted_after_a_no_fail")

    checked = desk.run(*CHECK, "--execution-dir", "execution")

    assert checked.status == 1
    assert _failed(checked.output) == {"approval_was_given", "end_state_is_that_of_the_answer"}
    assert "the answer was no, and the execution ended in PromoteApproved" in checked.output


@pytest.mark.parametrize(
    ("words", "failed"),
    [
        (("--max-age", "1s"), {"bundle_is_what_was_expected"}),
        (("--expect-account", "111122223333"), {"receipts_are_of_one_execution", "bundle_is_what_was_expected"}),
    ],
)
def test_what_is_expected_of_an_execution_is_held_against_it(desk, words, failed):
    _lay(desk, "approved_ok")

    checked = desk.run(*CHECK, "--execution-dir", "execution", *words)

    assert _failed(checked.output) & failed, checked.output
    assert checked.status == 1


def test_nothing_or_two_executions_are_refused(desk):
    _lay(desk, "approved_ok")
    arn = "arn:aws:states:us-west-2:444455556666:execution:m:n"

    assert "no execution is named" in desk.refused(*CHECK)
    assert "two executions are named" in desk.refused(*CHECK, "--execution-dir", "execution", "--execution-arn", arn)
    assert "source_dir_not_found" in desk.refused(*CHECK, "--execution-dir", "nowhere")
    live = desk.refused(*CHECK, "--execution-arn", arn, "--target", "embedded")
    assert "an execution of a rehearsal is in its embedded world" in live


def test_a_hidden_failure_does_not_make_it_green(desk):
    _lay(desk, "still_up_fail")
    desk.write(
        "conftest.py",
        "import pytest\n\n@pytest.hookimpl(trylast=True)\ndef pytest_collection_modifyitems(items):\n"
        "    items[:] = [item for item in items if 'written_during' in item.name]\n",
    )

    assert desk.run(*CHECK, "--execution-dir", "execution").status == 1
