"""`python -m tests.roles.record FILE`: run what shows what is asked for as each role, and write down what was."""

import json
import os
import subprocess
import sys
import tempfile
from collections import defaultdict
from pathlib import Path

from tests.roles.asked import VARIABLE

ROOT = Path(__file__).resolve().parents[2]
SHOWING = (
    "tests/drill/test_codebuild.py::test_no_right_of_the_builds_role_is_asked_of_the_caller",
    "tests/drill/test_platform_key.py::test_the_platform_is_asked_once_for_the_key_and_once_a_statement_before_the_closing",
    "tests/embedded/test_stepfunctions.py::test_stopping_an_execution_stops_its_build",
    "tests/orchestrator/test_handler.py::test_the_function_asks_for_nothing_that_its_role_does_not_allow",
    "tests/orchestrator/test_handler.py::test_executions_that_fail_ask_for_nothing_that_the_role_does_not_allow",
    "tests/orchestrator/test_machine.py::test_the_machine_asks_for_nothing_that_its_role_does_not_allow",
    "tests/orchestrator/test_reaper.py",
    "--deselect=tests/orchestrator/test_reaper.py::test_the_module_is_valid_and_refuses_what_would_widen_its_grants",
    "tests/orchestrator/test_watcher.py",
    "tests/targets/test_sweep_locks.py::test_a_sweep_without_a_lock_in_the_table_says_nothing_of_it",
    "tests/targets/test_kms.py::test_a_digest_key_gives_the_same_digest_to_whoever_may_use_it_and_another_to_another_drill",
    "tests/targets/test_terraform_ends.py::test_a_free_lock_in_a_table_is_taken_and_given_back",
    "tests/targets/test_recovery_module.py::test_the_machine_of_the_module_comes_up_stays_and_goes_away",
)


def record(folder: Path) -> dict[str, dict[str, list[str]]]:
    """Return what was asked for as each role, action by action, with the scenarios that asked.

    Raises:
        RuntimeError: one of the tests failed or was left out, so that the record would lack something.
    """
    path = folder / "asked.jsonl"
    words = [sys.executable, "-m", "pytest", "-q", "-n", "0", "-p", "no:cacheprovider", "-m", "", *SHOWING]
    done = subprocess.run(
        words, cwd=ROOT, env={**os.environ, VARIABLE: str(path)}, capture_output=True, text=True, check=False
    )
    if done.returncode or "skipped" in done.stdout:
        raise RuntimeError(done.stdout[-4000:] + done.stderr[-2000:])
    return merged(path.read_text(encoding="utf-8"))


def merged(lines: str) -> dict[str, dict[str, list[str]]]:
    """Return what tests wrote down, by role and action."""
    found: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for line in lines.splitlines():
        row = json.loads(line)
        for action in row["asked"]:
            found[row["role"]][action].add(row["scenario"])
    return {
        role: {action: sorted(scenarios) for action, scenarios in sorted(rows.items())}
        for role, rows in sorted(found.items())
    }


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as place:
        text = json.dumps(record(Path(place)), indent=1) + "\n"
    Path(sys.argv[1]).write_text(text, encoding="utf-8")
