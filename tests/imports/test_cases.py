"""Each hand-in comes to the two scores that it deserves, and to no claim that it does not show."""

import json

import pytest

from drproof.engine.imports import collect, shortfalls
from drproof.report.scores import scores
from tests.imports.cases import CASES, lay_out


@pytest.mark.parametrize("name", CASES)
def test_a_hand_in_is_scored_for_its_origin_and_for_what_it_shows_apart(name, tmp_path):
    case = lay_out(name, tmp_path / "case")

    imported = collect(case.handed, tmp_path / "bundle")

    verdicts = imported.conclusion.verdicts
    doubtful = {verdict.name: verdict.status.value for verdict in verdicts if not verdict.proven}
    told = json.dumps({verdict.name: verdict.reason for verdict in verdicts if not verdict.proven}, indent=1)
    shown = "failback" if "failback" in case.expected else "recovery"
    assert scores(verdicts, imported.plan) == {key: case.expected[key] for key in ("origin", shown)}, told
    if "includes" in case.expected:
        assert case.expected["includes"].items() <= doubtful.items(), told
    else:
        assert doubtful == case.expected["not_proven"], told
    assert (shortfalls(imported) == ()) is case.expected["complete"], shortfalls(imported)
    assert (imported.conclusion.outcome == "proven") is name.endswith("_ok")
