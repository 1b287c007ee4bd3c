"""What the operator's own tests find is written down, sealed, and stands against a drill that it contradicts."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.drill.conftest import Drill
from tests.plugin.conftest import Colleague

pytestmark = pytest.mark.costly("own tests of an operator")

MINE = """
import pytest

drill = getattr(pytest.mark, "health-check")

@drill
def test_orders_are_there(check_health, proof):
    proof.check("the pointers were read", observed=len(check_health.facts.pointers), expected=4)
    proof.check("the run has a name", observed=check_health.facts.run_id, held=bool(check_health.facts.run_id))
    proof.check("a fraction is kept as text", observed=0.5, expected=0.5)

@drill
@pytest.mark.parametrize("number", range(3))
def test_each(number):
    assert number >= 0

@drill
@pytest.mark.skip(reason="the \\u2588 moon is full")
def test_left_out():
    raise AssertionError

@drill
@pytest.mark.xfail(reason="known since May", strict=True)
def test_known():
    raise AssertionError
"""

CONTRADICTING = """
import pytest

@getattr(pytest.mark, "health-check")
def test_orders_are_there(proof):
    try:
        proof.check("there are orders", observed=0, expected=12)
    except BaseException:
        pass
"""

EMPTY_CLAIM = """
import pytest

@getattr(pytest.mark, "health-check")
def test_orders_are_there(proof):
    proof.check("there are orders", observed=0)
"""

KILLED = """
import os, pytest

@getattr(pytest.mark, "health-check")
def test_first(proof):
    proof.check("something", observed=1, expected=1)

@getattr(pytest.mark, "health-check")
def test_second(proof):
    pytest.exit("enough", returncode=0)

@getattr(pytest.mark, "health-check")
def test_third(proof):
    proof.check("never said", observed=1, expected=1)
"""


def health(colleague: Colleague, text: str, *words: str) -> Drill:
    colleague.write("test_mine.py", text)
    said = ("--target", "embedded", "--run-id", "mine", *words, "test_mine.py")
    return colleague.run("-m", "health-check", "-p", "no:allure_pytest", *said)


def told(drill: Drill) -> dict[str, Any]:
    document: dict[str, Any] = json.loads((drill.bundle / "own-tests.json").read_bytes())
    return document


def verified(drill: Drill) -> subprocess.CompletedProcess[str]:
    trust = drill.bundle.parent.parent / ".drproof" / "trust.json"
    words = ("verify", str(drill.bundle), "--trust", str(trust), "--accept-rehearsal")
    return subprocess.run(
        [Path(sys.executable).with_name("drproof"), *words], capture_output=True, text=True, check=False
    )


@pytest.fixture(scope="module")
def passing(tmp_path_factory: pytest.TempPathFactory) -> Drill:
    return health(Colleague(tmp_path_factory.mktemp("passing")), MINE)


def test_every_own_test_is_in_the_bundle_with_what_it_said(passing):
    assert passing.status == 0, passing.output
    tests = {row["test"].partition("::")[2]: row for row in told(passing)["tests"]}
    assert {name: row["outcome"] for name, row in tests.items()} == {
        "test_orders_are_there": "passed",
        "test_each[0]": "passed",
        "test_each[1]": "passed",
        "test_each[2]": "passed",
        "test_left_out": "skipped",
        "test_known": "expected_failure",
    }
    first, second, third = tests["test_orders_are_there"]["checks"]
    assert first == {"claim": "the pointers were read", "held": True, "observed": 4, "expected": 4}
    assert second["held"] is True
    assert second["expected"] is None
    assert third["observed"] == "0.5"
    assert tests["test_left_out"]["reason"] == "Skipped: the \u2588 moon is full"
    assert tests["test_known"]["reason"] == "known since May"


def test_own_tests_are_sealed_and_stand_on_the_page_and_in_the_summary(passing):
    assert "own tests: 4 passed, 1 skipped, 1 expected failure" in passing.output
    page = (passing.bundle / "proof.html").read_text(encoding="utf-8")
    assert "the pointers were read" in page
    assert "1 of the operator&#39;s own tests was skipped." in page
    assert verified(passing).returncode == 0
    (passing.bundle / "own-tests.json").write_bytes(b"{}")
    assert verified(passing).returncode == 1


def test_a_claim_that_does_not_hold_refutes_the_run_even_where_the_test_swallows_it(tmp_path):
    drill = health(Colleague(tmp_path), CONTRADICTING)

    assert drill.status == 1
    assert "outcome: REFUTED" in drill.output
    assert told(drill)["tests"][0]["outcome"] == "failed"
    assert told(drill)["tests"][0]["checks"][0]["held"] is False
    assert verified(drill).returncode == 3


def test_a_claim_that_could_not_fail_is_an_error_of_the_test(tmp_path):
    drill = health(Colleague(tmp_path), EMPTY_CLAIM)

    assert drill.status == 1
    assert "expected `expected` or `held`, got neither: the claim could not fail" in drill.output
    assert told(drill)["tests"][0]["outcome"] == "failed"
    assert told(drill)["tests"][0]["checks"] == []


def test_a_test_that_never_ended_leaves_the_run_incomplete(tmp_path):
    drill = health(Colleague(tmp_path), KILLED)

    assert drill.status == 1
    assert [row["outcome"] for row in told(drill)["tests"]] == ["passed", "lost", "lost"]
    assert "outcome: INCOMPLETE" in drill.output


AWKWARD = {
    "pytest.ini": "",
    "conftest.py": """
import pytest

@pytest.hookimpl(wrapper=True)
def pytest_collection_modifyitems(items):
    yield
    items.sort(key=lambda item: hasattr(item.module, "DRPROOF_CHECKS"))
""",
    "test_none.py": "import nonesuch",
    "test_left.py": "import pytest\npytest.skip('no database here', allow_module_level=True)",
    "test_again.py": """
import pytest
tries = []

@getattr(pytest.mark, "health-check")
@pytest.mark.flaky(reruns=2)
def test_flaky():
    tries.append(1)
    assert len(tries) > 1
""",
    "test_ends.py": """
import pytest

@pytest.fixture(scope="session")
def database():
    yield
    raise RuntimeError("the database is still locked")

@getattr(pytest.mark, "health-check")
def test_database(database):
    pass
""",
}
"""A folder in which much goes wrong beside the calls of tests; own tests come first in it."""

SAME_NAME = """
import pytest

@getattr(pytest.mark, "health-check")
def test_a():
    assert {passes}
"""


@pytest.fixture(scope="module")
def awkward(tmp_path_factory: pytest.TempPathFactory) -> Drill:
    colleague = Colleague(tmp_path_factory.mktemp("awkward"))
    for name, content in AWKWARD.items():
        colleague.write(name, content)
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    same = [elsewhere / name / f"test_{name}.py" for name in ("one", "two")]
    for path, passes in zip(same, (False, True), strict=True):
        path.parent.mkdir()
        path.write_text(SAME_NAME.format(passes=passes), encoding="utf-8")
    words = ("-m", "health-check", "-p", "no:allure_pytest", "-p", "no:cacheprovider", "-c", "pytest.ini")
    said = ("--target", "embedded", "--run-id", "awkward", "--continue-on-collection-errors")
    tests = sorted(name for name in AWKWARD if name.startswith("test_"))
    return colleague.run(*words, *said, *tests, *map(str, same))


@pytest.mark.parametrize(
    ("name", "outcome", "reason"),
    [
        ("test_none.py", "lost", "nonesuch"),
        ("test_left.py", "skipped", "no database here"),
        ("test_again.py::test_flaky", "failed", "assert 1 > 1"),
        ("::test_a", "failed", "assert False"),
        ("(teardown)", "failed", "the database is still locked"),
    ],
    ids=["no import", "module left out", "second attempt", "same name", "end of a shared fixture"],
)
def test_what_goes_wrong_beside_the_calls_of_own_tests_is_written_down(awkward, name, outcome, reason):
    (found,) = [row for row in told(awkward)["tests"] if row["test"].endswith(name)]

    assert found["outcome"] == outcome
    assert reason in found["reason"]
    assert "outcome: REFUTED" in awkward.output


def test_an_own_test_that_is_only_set_up_has_shown_nothing(tmp_path):
    drill = health(Colleague(tmp_path), SAME_NAME.format(passes=False), "--setup-only")

    assert drill.status == 1
    assert [(row["outcome"], row["reason"]) for row in told(drill)["tests"]] == [("lost", "it was never called")]
    assert "outcome: INCOMPLETE" in drill.output


def test_a_file_that_cannot_be_imported_opens_nothing(tmp_path):
    drill = health(Colleague(tmp_path), "import nonesuch")

    assert drill.status == pytest.ExitCode.INTERRUPTED
    assert drill.directory is None
    assert "nothing ran, so nothing is proven" in drill.output
