"""Users' own tests request phases, see their receipts, and look before anything is torn down."""

import re

import pytest

from tests.drill.conftest import Drill
from tests.plugin.conftest import USERS_TEST, Colleague


def test_a_users_test_sees_the_receipt_of_the_phase_that_it_requests(whole):
    assert whole.status == 0, whole.output
    assert "SEEN Receipt restore passed" in whole.output


def test_a_users_test_runs_before_anything_is_torn_down(whole):
    seen = whole.output.index("SEEN Receipt restore")

    assert seen < whole.output.index("drproof: teardown begins")
    assert whole.output.index("drproof: restore passed") < seen


@pytest.fixture(scope="module")
def spoilt(tmp_path_factory: pytest.TempPathFactory) -> Drill:
    """A drill whose restore point is corrupt, with a user's own test beside it, and no board."""
    colleague = Colleague(tmp_path_factory.mktemp("spoilt"))
    colleague.write("test_mine.py", USERS_TEST)
    scenario = ("--scenario", "backup-object-byte-flipped", "-p", "no:allure_pytest", "-ra", "test_mine.py")
    return colleague.run("-m", "drill", "--target", "embedded", *scenario)


def test_a_users_test_on_a_phase_that_was_blocked_fails_by_its_name(spoilt):
    assert spoilt.status == 1
    assert re.search(r"FAILED test_mine.py::test_what_was_restored - Failed: phase restore is blocked", spoilt.output)
    assert "SEEN" not in spoilt.output


def test_a_blocked_phase_is_a_failed_item_that_names_the_contract(spoilt):
    assert spoilt.outcomes["bringup"] == "blocked"
    assert "FAILED ::test_phase[bringup]" in spoilt.output
    assert re.search(r"phase bringup is blocked: contract \w+\[state.tar.zst\] is refuted", spoilt.output)


def test_a_phase_with_nothing_to_do_is_skipped_with_its_reason(whole):
    assert whole.outcomes["promote"] == "not_run"
    assert re.search(r"SKIPPED \[1\] .*: phase promote is not_run: auto promote disabled", whole.output)
    assert "1 skipped" in whole.output


def test_without_the_boards_plugin_there_is_no_board(spoilt):
    assert list(spoilt.bundle.parent.glob("*.allure")) == []
