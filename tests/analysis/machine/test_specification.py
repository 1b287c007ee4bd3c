"""The replay does what the public specification of the language says, case by case: `spec_cases.toml`."""

import json
import tomllib
from pathlib import Path
from typing import Any

import pytest

from drproof.analysis.machine.replay import Answer, Asked, run
from drproof.formats.asl import machine_of

CASES: list[dict[str, Any]] = tomllib.loads((Path(__file__).parent / "spec_cases.toml").read_text(encoding="utf-8"))[
    "case"
]
SECTIONS = frozenset(
    {
        "Payload Template",
        "Using InputPath, Parameters, ResultSelector, ResultPath and OutputPath",
        "Defaults",
        "Runtime Errors",
        "Retrying after error",
        "Complex retry scenarios",
        "Fallback states",
        "Error output",
        "Pass State",
        "Choice State",
        "Boolean expression",
        "Data-test expression",
        "Wait State",
        "Succeed State",
        "Fail State",
        "Parallel State",
        "Map State input/output processing",
        "Appendix A: Predefined Error Codes",
        "Appendix B: List of Intrinsic Functions",
    }
)
"""The headings of https://states-language.net/spec.html under which something is said of how a machine runs."""


@pytest.mark.parametrize("case", CASES, ids=[f"{case['section']}: {case['says']}" for case in CASES])
def test_the_replay_does_what_the_specification_says(case: dict[str, Any]) -> None:
    said = list(case.get("answers", ()))
    asked: list[Asked] = []

    def answer(task: Asked) -> Answer:
        asked.append(task)
        word = said.pop(0)
        return Answer(error=word[1:], cause="of the case") if word.startswith("!") else Answer(value=json.loads(word))

    done = run(machine_of(_machine(case)), json.loads(case["given"]), answer)

    assert list(done.names()) == case.get("entered", ["One", "Next"])
    assert (done.status, done.error) == ("FAILED" if "error" in case else "SUCCEEDED", case.get("error", ""))
    assert done.output == json.loads(case.get("output", "null"))
    assert done.seconds == case.get("seconds", 0)
    assert said == []
    if "asked" in case:
        assert [task.parameters for task in asked] == [json.loads(case["asked"])]


def _machine(case: dict[str, Any]) -> Any:
    if "machine" in case:
        return json.loads(case["machine"])
    others = {"Next": {"Type": "Succeed"}, "Other": {"Type": "Succeed"}}
    return {"StartAt": "One", "States": {"One": json.loads(case["state"]), **others}}


def test_every_section_on_how_a_machine_runs_has_a_case() -> None:
    assert {case["section"] for case in CASES} == SECTIONS
