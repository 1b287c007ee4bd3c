"""The log of own tests: nothing said is lost, nothing secret is kept, and what cannot be read proves nothing."""

from pathlib import Path
from typing import Any

import pytest

from drproof.engine.own_tests import LOG, OwnTestLog, gather, plain
from drproof.evidence.own_tests import OWN_TESTS, OwnTests
from drproof.evidence.redaction import Redactor
from drproof.formats.strict_json import parse
from drproof.model.codec import decode

SECRET = "correct-horse-battery-staple-9"


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    private, bundle = tmp_path / "private", tmp_path / "bundle"
    private.mkdir()
    bundle.mkdir()
    return private, bundle


def gathered(folders: tuple[Path, Path], *secrets: str, **options: Any) -> OwnTests:
    gather(folders[0], folders[1], Redactor(secrets), **options)
    return decode(OwnTests, parse((folders[1] / OWN_TESTS).read_bytes()))


def test_without_own_tests_there_is_no_document(folders):
    assert gather(folders[0], folders[1], Redactor()) is None
    assert list(folders[1].iterdir()) == []


def test_a_test_without_an_end_is_lost(folders):
    log = OwnTestLog(folders[0], ["a", "b"])
    log.check("a", "it is there", held=True, observed=1, expected=1)
    log.ended("a", "passed", duration_ms=3, reason="")
    log.close()

    said = gathered(folders)

    assert [(test.test, test.outcome, len(test.checks)) for test in said.tests] == [
        ("a", "passed", 1),
        ("b", "lost", 0),
    ]
    assert [test.test for test in said.doubtful] == ["b"]


def test_a_torn_last_line_costs_only_itself(folders):
    log = OwnTestLog(folders[0], ["a"])
    log.check("a", "it is there", held=True, observed=1, expected=1)
    log.ended("a", "passed", duration_ms=3, reason="")
    log.close()
    path = folders[0] / LOG
    path.write_bytes(path.read_bytes()[:-5])

    assert [(test.outcome, len(test.checks)) for test in gathered(folders).tests] == [("lost", 1)]


@pytest.mark.parametrize(
    ("ends", "outcome"),
    [
        (["failed", "passed"], "failed"),
        (["passed", "failed"], "failed"),
        (["passed"], "lost"),
        (["failed"], "failed"),
        (["skipped", "passed"], "skipped"),
        (["passed", "passed"], "passed"),
    ],
)
def test_of_two_tests_of_one_name_the_worst_counts(folders, ends, outcome):
    log = OwnTestLog(folders[0], ["a", "a"])
    for one in ends:
        log.ended("a", one, duration_ms=3, reason="")
    log.close()

    assert [test.outcome for test in gathered(folders).tests] == [outcome]


def test_known_secrets_and_what_looks_like_one_are_masked(folders):
    log = OwnTestLog(folders[0], [f"t[{SECRET}]"])
    log.check(f"t[{SECRET}]", "keys", held=True, observed=["AKIA" + "J" * 16, SECRET], expected=None)
    log.ended(f"t[{SECRET}]", "passed", duration_ms=3, reason="")
    log.close()

    gathered(folders, SECRET)

    written = (folders[1] / OWN_TESTS).read_text()
    assert SECRET not in written
    assert "AKIA" not in written


def test_of_too_many_claims_those_that_do_not_hold_are_kept(folders):
    log = OwnTestLog(folders[0], ["a"])
    for number in range(100):
        log.check("a", f"claim {number}", held=number != 7, observed=number, expected=None)
    log.ended("a", "failed", duration_ms=3, reason="claim 7")
    log.close()

    said = gathered(folders, largest=1_000)

    assert [check.claim for check in said.tests[0].checks] == ["claim 7"]
    assert said.checks_left_out == 99


def test_a_claim_on_a_huge_value_can_still_be_read(folders):
    log = OwnTestLog(folders[0], ["a"])
    log.check("a", "c" * 30_000, held=False, observed="x" * (20 << 20), expected=["y" * 20_000])
    log.ended("a", "failed", duration_ms=3, reason="")
    log.close()

    (check,) = gathered(folders).tests[0].checks

    assert not check.held
    assert check.observed.startswith(f"left out: {(20 << 20) + 2} bytes with SHA-256 ")
    assert check.expected.startswith("left out: 20004 bytes")
    assert check.claim.startswith("left out: 30002 bytes")


def test_of_too_many_claims_that_do_not_hold_the_values_are_left_out(folders):
    log = OwnTestLog(folders[0], ["a"])
    for number in range(20):
        log.check("a", f"claim {number}", held=False, observed="x" * 1_000, expected=None)
    log.ended("a", "failed", duration_ms=3, reason="")
    log.close()

    said = gathered(folders, largest=5_000)

    assert [check.claim for check in said.tests[0].checks] == [f"claim {number}" for number in range(20)]
    assert {check.observed for check in said.tests[0].checks} == {"left out: the document would have been too large"}


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        (None, None),
        (True, True),
        (7, 7),
        (2**53, "9007199254740992"),
        (0.5, "0.5"),
        ((1, "a"), [1, "a"]),
        ({"a": {"b": [1.5]}}, {"a": {"b": ["1.5"]}}),
        ({1: 2}, "{1: 2}"),
        ({1}, "{1}"),
        ("\ud800", "\\ud800"),
        ("é", "é"),
    ],
)
def test_values_are_kept_as_json_can_hold_them(value, kept):
    assert plain(value) == kept


def test_a_value_that_holds_itself_is_kept_as_text(folders):
    value: list[Any] = []
    value.append(value)

    assert "[...]" in str(plain(value))
