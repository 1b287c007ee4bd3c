"""Bundles with tests of the operator's own beside the plan."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from rfc8785 import dumps

from tests.attacks.bundles import CLOSING, Drill, Files, build
from tests.attacks.case import Case, saying

OWN = "own-tests.json"
PROVEN = Drill(edits={CLOSING: saying(outcome="proven")})
HELD = {"claim": "there are orders", "held": True, "observed": 3, "expected": None}


def _beside(*, drill: Drill = PROVEN, test: Mapping[str, Any] | None = None, **changes: Any) -> Files:
    """Return a sealed bundle with one test of one's own; `test` changes what it says of that."""
    one = {"test": "t.py::t", "outcome": "passed", "duration_ms": 3, "reason": "", "checks": [HELD], **(test or {})}
    said = {"schema_version": 1, "tests": [one], "checks_left_out": 0, **changes}
    return build(replace(drill, more={OWN: dumps(said)}))


def honest() -> Mapping[str, Case]:
    """Return each honest case by its name."""
    refuted = Drill(edits={CLOSING: saying(outcome="refuted")})
    return {
        "own_tests_passed": Case(files=_beside(), exit=0, level="L1"),
        "own_test_skipped": Case(files=_beside(test={"outcome": "skipped", "checks": []}), exit=0, level="L1"),
        "own_test_failed": Case(files=_beside(drill=refuted, test={"outcome": "failed"}), exit=3, level="L1"),
    }


def cases() -> Mapping[str, Case]:
    """Return each attack by its name."""

    def proven(**changes: Any) -> Case:
        return Case(files=_beside(**changes), codes=["outcome"])

    return {
        "own_test_failed_beside_proven": proven(test={"outcome": "failed"}),
        "own_test_lost_beside_proven": proven(test={"outcome": "lost"}),
        "own_claim_false_beside_proven": proven(test={"checks": [{**HELD, "held": False}]}),
        "own_claim_held_by_a_word": Case(
            files=_beside(test={"checks": [{**HELD, "held": "yes"}]}), codes=["outcome", "shape"]
        ),
        "own_test_splendid": Case(files=_beside(test={"outcome": "splendid"}), codes=["outcome", "shape"]),
        "own_tests_without_a_list": Case(files=_beside(tests=None), codes=["outcome", "shape"]),
    }
