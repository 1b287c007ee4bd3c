"""Plans that only look run whole under any number of processes."""

import pytest


@pytest.mark.parametrize("mark", ["health-check", "backup-check", "preflight"])
def test_a_read_only_plan_with_two_processes_runs_whole_and_green(desk, mark):
    ran = desk.run("-m", mark, "--target", "embedded", "-n", "2")

    assert ran.status == 0, ran.output
    assert "drproof: proven, full" in ran.output
    judged = {
        (row["name"], subject) for row in ran.read("plan.json")["contracts"] for subject in row["subjects"] or [""]
    }
    assert {(verdict["contract"], verdict["subject"]) for verdict in ran.verdicts.values()} == judged
    assert set(ran.outcomes.values()) == {"passed"}
    assert {
        call["action"]
        for call in ran.calls
        if not call["action"].startswith(("Get", "BatchGet", "List", "Head", "Describe"))
    } == set()


def test_other_peoples_tests_keep_their_processes(desk):
    desk.write("test_theirs.py", "import os\ndef test_theirs():\n    assert os.environ['PYTEST_XDIST_WORKER']\n")

    assert desk.run("-n", "2", "test_theirs.py").status == 0
