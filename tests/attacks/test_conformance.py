"""Every verifier says of every case what the specification says."""

import json
import re
import subprocess
import sys
from typing import Any

import pytest

from drproof.evidence.verification import CLASSES
from tests.attacks import make, verifiers
from tests.attacks.verifiers import SCRIPT, first, second

CASES = sorted(path.parent.name for path in make.TREE.glob("*/case.json"))


def case_of(name: str) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((make.TREE / name / "case.json").read_bytes())
    return content


def test_the_tree_is_what_its_generator_makes():
    files, links = make.files(), make.links()

    assert set(make.present(make.TREE)) == files.keys() | links.keys() | {make.README}, (
        "run python -m tests.attacks.make"
    )
    assert {path: (make.TREE / path).read_bytes() for path in files} == files
    assert {path: str((make.TREE / path).readlink()) for path in links} == links


def test_there_are_at_least_forty_kinds_of_tampering_and_every_invalid_code_is_among_them():
    failing = [case_of(name) for name in CASES if name.endswith("_fail")]
    codes = {code for case in failing for code in [*case["codes"], *case.get("judging", {}).get("codes", [])]}

    assert sum(case["exit"] == 1 for case in failing) >= 40
    made_in_tests = {"special-file", "name", "name-collision", "too-large", "usage"}
    assert verifiers.CODES - codes == made_in_tests | {"incomplete"}


@pytest.mark.parametrize("name", CASES)
def test_the_second_verifier_says_what_the_case_says(name):
    case = case_of(name)
    said = second(make.TREE / case["bundle"], make.TREE / case["trust"], case["now"], case["options"])

    assert (said.exit, said.level) == (case["exit"], case["level"]), said
    assert set(case["codes"]) <= said.codes <= verifiers.CODES


@pytest.mark.parametrize("name", CASES)
def test_drproof_says_what_the_case_says(name):
    case = case_of(name)
    case |= case.get("judging", {})
    said = first(make.TREE / case["bundle"], make.TREE / case["trust"], case["now"], case["options"])

    assert (said.exit, said.level) == (case["exit"], case["level"]), said
    assert set(case["codes"]) <= said.codes <= verifiers.CODES


def test_the_second_verifier_is_a_command():
    case = case_of("page_edited_fail")
    command = [sys.executable, "-I", str(SCRIPT), str(make.TREE / case["bundle"]), "--now", case["now"]]
    trust = ["--trust", str(make.TREE / case["trust"])]
    text = subprocess.run([*command, *trust], capture_output=True, text=True, check=False)
    data = subprocess.run([*command, *trust, "--json"], capture_output=True, text=True, check=False)
    misused = subprocess.run(command, capture_output=True, text=True, check=False)

    assert (text.returncode, text.stdout) == (1, "file-changed: proof.html\nexit 1, level L0\n")
    said = {"exit": 1, "level": "L0", "findings": [{"code": "file-changed", "path": "proof.html"}]}
    assert (data.returncode, json.loads(data.stdout)) == (1, said)
    assert misused.returncode == 2
    assert "--trust" in misused.stderr


@pytest.mark.parametrize(
    "options", [["--max-age", "soon"], ["--now", "today"], ["--require-level", "L9"], ["--expect"], ["more"]]
)
def test_the_second_verifier_refuses_what_it_cannot_read_as_misuse(options, tmp_path, capsys):
    with pytest.raises(SystemExit) as refusal:
        second(tmp_path, tmp_path, "2026-01-31T12:58:00.000Z", options)

    assert refusal.value.code == 2
    assert "usage:" in capsys.readouterr().err


def test_the_second_verifier_shares_nothing_with_the_first():
    source = SCRIPT.read_text()

    imported = {match[1].partition(".")[0] for match in re.finditer(r"^(?:import|from) ([\w.]+)", source, re.MULTILINE)}
    assert imported - set(sys.stdlib_module_names) == {"cryptography"}


def test_the_second_verifier_knows_the_codes_of_the_page():
    assert {number: codes for number, codes in verifiers.CLASSES.items() if number != 1} == verifiers.SECOND.CLASSES


def test_drproof_knows_the_codes_of_the_page():
    assert {number: codes for number, codes in verifiers.CLASSES.items() if number != 1} == CLASSES
