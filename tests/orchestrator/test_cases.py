"""Each exported execution comes to the verdicts that it deserves, and to no claim that it does not show."""

import json

import pytest

from drproof.engine.orchestrated import Asked, check
from tests.orchestrator.cases import CASES, lay_out, table


@pytest.mark.parametrize("name", CASES)
def test_an_execution_is_judged_by_what_its_files_show(name, tmp_path):
    case = lay_out(name, tmp_path)
    (tmp_path / "drproof.toml").write_text(case.settings)

    judged = check(Asked(folder=case.execution), {}, tmp_path, tmp_path / "bundle")

    verdicts = judged.conclusion.verdicts
    doubtful = {verdict.name: verdict.status.value for verdict in verdicts if not verdict.proven}
    told = json.dumps({verdict.name: verdict.reason for verdict in verdicts if not verdict.proven}, indent=1)
    if "includes" in case.expected:
        assert case.expected["includes"].items() <= doubtful.items(), told
    else:
        assert doubtful == case.expected["not_proven"], told
    for reason in case.expected.get("reasons", ()):
        assert reason in told
    assert (judged.conclusion.outcome == "proven") is name.endswith("_ok"), told


def test_the_cases_are_those_of_the_page(pytestconfig):
    page = (pytestconfig.rootpath / "docs" / "orchestrator-check.md").read_text(encoding="utf-8")

    assert table() in page, "next: python -m tests.orchestrator.cases"
