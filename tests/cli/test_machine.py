"""`drproof machine examine`: what it says of a definition, with which status."""

import json

import pytest
from typer.testing import CliRunner

from drproof.cli.app import app
from tests.analysis.machine.honest import document

PHASE = {"StatusCode": 200, "Payload": {"outcome": "passed", "recover": True, "receipt": "s3://b/k", "phase": "x"}}
KNOWN = {
    "CheckHealth": PHASE,
    "Restore": PHASE,
    "TellOfFailure": PHASE,
    "AskAPerson": {"approved": True, "approver": "ada", "ticket": "T-1", "reason": "seen"},
}
GIVEN = {"account": "1", "topic": "t", "reader": "f", "project": "p", "force_run": False}


@pytest.fixture
def examine(tmp_path):
    """Examine a definition with what is known beside it."""

    def ask(definition, *options, given=GIVEN, answers=KNOWN):
        (tmp_path / "machine.json").write_text(definition if isinstance(definition, str) else json.dumps(definition))
        (tmp_path / "given.json").write_text(json.dumps(given))
        words = ["--input", str(tmp_path / "given.json")]
        for state, answer in answers.items():
            (tmp_path / f"{state}.json").write_text(json.dumps(answer))
            words += ["--answer", f"{state}={tmp_path / state}.json"]
        return CliRunner().invoke(app, ["machine", "examine", str(tmp_path / "machine.json"), *words, *options])

    return ask


def test_a_sound_machine_is_said_to_be_with_how_much_was_read(examine):
    said = examine(document())

    assert said.exit_code == 0, said.output
    assert said.output.endswith(": sound; 11 states, 48 paths followed\n")


def test_a_defect_is_named_with_its_place_and_what_follows(examine):
    answers = {**KNOWN, "AskAPerson": {"approved": True, "approver": "ada", "ticket": "T-1"}}

    said = examine(document(), answers=answers)

    assert said.exit_code == 1
    assert said.output.splitlines()[0] == (
        "Record.Parameters.said.$: path_leads_to_nothing: $.answer.reason is never there: the execution ends with "
        "States.Runtime, which no Catch catches"
    )


def test_a_variant_of_an_answer_makes_its_fields_uncertain(examine, tmp_path):
    (tmp_path / "rejected.json").write_text('{"approved": false}')

    said = examine(document(), "--answer", f"AskAPerson={tmp_path}/rejected.json", "--json")

    found = json.loads(said.output)
    assert said.exit_code == 1
    assert {defect["code"] for defect in found["defects"]} == {"path_is_not_there_on_every_way"}
    assert found["sound"] is False


def test_what_nobody_says_is_not_passed(examine):
    said = examine(document(), answers={})

    assert said.exit_code == 1
    assert "undecided: IsApproved.Choices[0].Variable: $.answer.approved" in said.output
    assert "next: say what stands there with --input FILE and --answer STATE=FILE" in said.output


@pytest.mark.parametrize(
    ("definition", "expected"),
    [
        ("{", "not JSON"),
        ({"StartAt": "A"}, "a state machine is an object with `States`"),
        ({"StartAt": "A", "States": {}}, "at least one state"),
        ({"StartAt": "A", "States": {"A": {"Type": "Tsk"}}}, "`Type` must be one of"),
        ({"QueryLanguage": "JSONata", "StartAt": "A", "States": {"A": {"Type": "Pass"}}}, "only JSONPath"),
        ({"StartAt": "A", "States": {"A": {"Type": "Pass", "Assign": {"x": 1}}}}, "state A: variables"),
        ({"StartAt": "A", "States": {"A": {"Type": "Parallel", "End": True}}}, "a Parallel has `Branches`"),
        ({"StartAt": "A" * 81, "States": {"A" * 81: {"Type": "Succeed"}}}, "has 81 characters, at most 80"),
    ],
)
def test_what_is_no_state_machine_is_refused_with_the_reason(examine, definition, expected):
    said = examine(definition, answers={})

    assert said.exit_code == 2
    assert expected in said.output


def test_an_answer_for_a_state_that_does_not_exist_is_refused(examine):
    said = examine(document(), "--answer", "Restor=x.json")

    assert said.exit_code == 2
    assert "expected STATE=FILE with a state of" in said.output


def test_the_machine_of_a_recovery_is_printed_written_and_sound_without_anything_beside_it(tmp_path):
    file = tmp_path / "orchestrator.asl.json"

    assert CliRunner().invoke(app, ["machine", "write", str(file)]).output == f"{file}: written\n"
    assert CliRunner().invoke(app, ["machine", "print"]).output == file.read_text(encoding="utf-8")
    said = CliRunner().invoke(app, ["machine", "examine", str(file)])
    assert said.exit_code == 0, said.output


def test_a_folder_that_is_not_there_is_named(tmp_path):
    said = CliRunner().invoke(app, ["machine", "write", str(tmp_path / "none" / "machine.json")])

    assert said.exit_code == 2
    assert "cannot be written: No such file or directory; expected a file in a folder that exists" in said.output
