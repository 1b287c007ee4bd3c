"""The cause of a failure is told in the words that lie deepest in it."""

import json

import pytest

from drproof.formats.failure_causes import LONGEST, build_of, deepest

BUILD = {
    "Build": {
        "Id": "atlas-dr-infra:1",
        "Phases": [
            {"PhaseType": "QUEUED", "PhaseStatus": "SUCCEEDED"},
            {"PhaseType": "BUILD", "PhaseStatus": "FAILED", "Contexts": [{"Message": "exit status 1"}]},
            {"PhaseType": "COMPLETED"},
        ],
    }
}


@pytest.mark.parametrize(
    ("cause", "says"),
    [
        ("plain words\nand more", "plain words"),
        ("", "no cause was given"),
        ("\n  \n", "no cause was given"),
        (json.dumps({"errorMessage": "restore failed: x", "errorType": "PhaseFailed"}), "restore failed: x"),
        (json.dumps({"errorMessage": json.dumps({"errorMessage": "deep"})}), "deep"),
        (json.dumps(BUILD), "atlas-dr-infra:1: BUILD FAILED: exit status 1"),
        (json.dumps({"Build": {"Phases": [{"PhaseType": "BUILD", "PhaseStatus": "FAULT"}]}}), "the build: BUILD FAULT"),
        ('{"half":', '{"half":'),
        ("{}", "{}"),
        (json.dumps({"Build": ["x"], "Cause": "said"}), "said"),
        ("x" * 5000, "x" * LONGEST),
    ],
)
def test_the_deepest_cause_is_one_line(cause, says):
    assert deepest(cause).startswith(says)
    assert "\n" not in deepest(cause)
    assert len(deepest(cause)) <= LONGEST


@pytest.mark.parametrize(
    ("cause", "build"),
    [
        (json.dumps(BUILD), "atlas-dr-infra:1"),
        (json.dumps({**BUILD["Build"], "BuildStatus": "FAILED"}), "atlas-dr-infra:1"),
        (json.dumps({"Id": "i-1"}), ""),
        (json.dumps({"BuildStatus": "FAILED"}), ""),
        (json.dumps({"Build": {"Id": 7}}), ""),
        (json.dumps({"Build": "atlas-dr-infra:1"}), ""),
        (json.dumps({"errorMessage": "restore failed"}), ""),
        ('{"Build":', ""),
        ("", ""),
    ],
)
def test_a_cause_is_of_the_build_that_it_names_and_of_no_other(cause, build):
    assert build_of(cause) == build
