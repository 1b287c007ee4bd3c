"""Each exported execution comes to the verdicts that it deserves, and to no claim that it does not show."""

import json
from typing import Any

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


@pytest.mark.parametrize(
    ("payload", "ours"),
    [
        (None, False),
        (5, False),
        ("a transaction", False),
        (["act"], False),
        ({"action": "x"}, False),
        ({"act": "x"}, True),
    ],
)
def test_an_execution_is_ours_by_the_act_that_its_function_is_asked_for(payload, ours, tmp_path):
    """Functions of others are handed anything: a text, a number, nothing."""
    given = {"parameters": json.dumps({"FunctionName": "f", "Payload": payload})}
    rows: list[dict[str, Any]] = [
        {"type": "ExecutionStarted"},
        {"type": "TaskStateEntered", "stateEnteredEventDetails": {"name": "A"}},
        {"type": "TaskScheduled", "taskScheduledEventDetails": given},
        {"type": "TaskSucceeded", "taskSucceededEventDetails": {"output": "{}"}},
        {"type": "ExecutionSucceeded"},
    ]
    events = [
        {**row, "id": number, "previousEventId": number - 1, "timestamp": f"2026-05-04T10:00:0{number}.000Z"}
        for number, row in enumerate(rows, start=1)
    ]
    (tmp_path / "execution").mkdir()
    (tmp_path / "execution" / "history.json").write_text(json.dumps({"events": events}))

    judged = check(Asked(folder=tmp_path / "execution"), {}, tmp_path, tmp_path / "bundle")

    assert ("end_state_is_that_of_the_answer" in {one.contract for one in judged.conclusion.verdicts}) is ours


def test_the_cases_are_those_of_the_page(pytestconfig):
    page = (pytestconfig.rootpath / "docs" / "orchestrator-check.md").read_text(encoding="utf-8")

    assert table() in page, "next: python -m tests.orchestrator.cases"
