"""The exit status is the engine's verdict on the whole plan: nothing that pytest can be made to do makes it better."""

import pytest

pytestmark = pytest.mark.costly

SPOILT = ("-m", "drill", "--target", "embedded", "--scenario", "backup-object-byte-flipped", "--run-id", "spoilt")

FORCED = """
import pytest

@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_makereport(item, call):
    report = yield
    report.outcome, report.longrepr = "passed", None
    return report
"""

DESELECTED = """
import pytest

@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_collection_modifyitems(config, items):
    yield
    items[:] = [item for item in items if item.name == "test_phase[teardown]"]
"""

LAST = """
import pytest

@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config, items):
    items.clear()
"""

REPLACED = """
import pytest

@pytest.hookimpl(tryfirst=True)
def pytest_runtest_protocol(item, nextitem):
    return True
"""

LOOPED = """
import pytest

@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop(session):
    return True
"""

OVERRIDDEN = """
import pytest

@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_sessionfinish(session):
    yield
    session.exitstatus = 0
"""

EMPTIED = """
import pytest

@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_collection_modifyitems(config, items):
    yield
    for item in items:
        item.add_marker(pytest.mark.skip(reason="an empty set of parameters"))
"""


@pytest.mark.parametrize(
    "conftest",
    [FORCED, DESELECTED, OVERRIDDEN],
    ids=["reports forced to pass", "items deselected", "status overridden"],
)
def test_a_refuted_drill_is_not_green_whatever_a_conftest_does(desk, conftest):
    desk.write("conftest.py", conftest)

    drill = desk.run(*SPOILT)

    assert drill.status == 1, drill.output
    assert "backup_object_matches_its_metadata[state.tar.zst]" in drill.named("refuted")
    assert drill.closing["outcome"] == "refuted"


@pytest.mark.parametrize(
    "conftest",
    [LAST, LOOPED, REPLACED, EMPTIED],
    ids=["no item left", "loop replaced", "protocol replaced", "all skipped"],
)
def test_a_drill_of_which_nothing_ran_is_not_green(desk, conftest):
    desk.write("conftest.py", conftest)

    drill = desk.run("-m", "drill", "--target", "embedded", "--run-id", "idle")

    assert drill.status == 1, drill.output
    if drill.directory is not None:
        assert drill.closing["outcome"] != "proven"
        assert drill.outcomes["teardown"] == "passed"
        assert drill.inventory["instances"] == []


def test_optimised_python_that_drops_assertions_does_not_make_a_refuted_drill_green(desk):
    desk.interpreter = ("-O",)

    drill = desk.run("-o", "empty_parameter_set_mark=skip", *SPOILT)

    assert drill.status == 1, drill.output
    assert "FAILED" in drill.output
    assert "backup_object_matches_its_metadata[state.tar.zst]" in drill.named("refuted")


def test_a_session_that_stops_at_its_first_failure_still_tears_down(desk):
    drill = desk.run("-m", "drill", "--target", "embedded", "--scenario", "two-runners", "-x")

    assert drill.status == 1, drill.output
    assert "stopping after 1 failures" in drill.output
    assert drill.outcomes["resolve_runner"] == "failed"
    assert drill.outcomes["teardown"] == "passed"
    (torn,) = [
        item["identity"] for item in drill.receipts["teardown"]["observed"]["before"] if item["kind"] == "instance"
    ]
    assert torn not in [instance["id"] for instance in drill.inventory["instances"]]
