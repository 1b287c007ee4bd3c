"""Every error of a command ends with what to do next."""

import ast
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

import drproof
from drproof.cli.app import app
from drproof.cli.next_steps import BY_CODE

SOURCE = Path(drproof.__file__).parent


def test_each_code_with_a_next_step_is_one_that_an_error_has():
    codes = {
        node.value
        for path in SOURCE.rglob("*.py")
        if path.name != "next_steps.py"
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and re.fullmatch(r"[a-z]+(-[a-z]+)+", node.value)
    }

    assert BY_CODE.keys() <= codes


@pytest.mark.parametrize(
    ("words", "what", "step"),
    [
        (
            ["control-plane", "fetch", "--bundle-uri", "no.tgz", "--bundle-sha256", "0" * 64, "--dest-dir", "d"],
            "no.tgz: No such file or directory",
            "drproof control-plane --help",
        ),
        (["compare", "a", "b"], "a is no folder", "drproof compare --help"),
        (["release", "verify", "--metadata", "no.json"], "no.json: No such file", "drproof release --help"),
        (
            ["verify-published", "--bucket", "b", "--run-id", "r", "--offline", "--plan-json", "no.json"],
            "no.json: No such file",
            "drproof verify-published --help",
        ),
        (
            ["verify-published", "--bucket", "b", "--run-id", "r", "--embedded", "http://127.0.0.1:1"],
            "nobody answers",
            "python -m drproof.embedded --directory <new folder> starts a world",
        ),
        (
            ["gc", "--target", "embedded"],
            "needs both --target embedded and --embedded",
            "python -m drproof.embedded --directory <new folder>",
        ),
    ],
)
def test_an_error_says_what_and_what_next(tmp_path, monkeypatch, words, what, step):
    monkeypatch.chdir(tmp_path)

    said = CliRunner().invoke(app, words)

    assert said.exit_code in {2, 3}
    assert said.stderr.startswith("drproof: ")
    assert what in said.stderr
    assert f"\n  next: {step}" in said.stderr


def test_an_error_with_a_code_has_the_step_of_its_code(tmp_path):
    for side in ("left", "right"):
        (tmp_path / side).mkdir()

    said = CliRunner().invoke(app, ["compare", str(tmp_path / "left"), str(tmp_path / "right")])

    assert said.stderr.endswith(f"  next: {BY_CODE['run-files']}\n")
