"""An execution is done again from what was handed in: ours as it is exported, and another as the platform prints it."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from drproof.model.collection import Collection, HandedFile
from drproof.model.errors import PhaseError
from drproof.phases.orchestrator.replay_execution import ReplayObserved, replay_execution
from tests.analysis.machine.histories import ARN, MACHINE, History, approved, machine
from tests.orchestrator.cases import lay_out


def replayed(**documents: Any) -> ReplayObserved:
    files = tuple(
        HandedFile(name=f"{name}.json", data=one if isinstance(one, bytes) else json.dumps(one).encode())
        for name, one in documents.items()
    )
    ctx: Any = SimpleNamespace(collection=Collection(files=files))
    found: ReplayObserved = replay_execution.act(ctx)
    return found


def another(history: History, change: Callable[[dict[str, Any]], object] | None = None) -> ReplayObserved:
    """Do again what was not exported by us: the service's own answers, and the definition beside them."""
    document = machine()
    if change is not None:
        change(document["States"])
    described = {
        "executionArn": ARN, "stateMachineArn": MACHINE, "name": "run-1", "status": "SUCCEEDED",
        "startDate": "2026-05-04T10:00:01.000Z", "stopDate": "2026-05-04T10:00:30.000Z",
    }  # fmt: skip
    return replayed(history={"events": history.rows}, description=described, machine=document)


def test_an_execution_of_ours_is_what_its_exported_definition_does(tmp_path: Path) -> None:
    case = lay_out("approved_ok", tmp_path)

    seen = replayed(**{path.stem: path.read_bytes() for path in case.execution.iterdir()})

    assert seen.history == seen.definition
    assert seen.history[-1].name == "SUCCEEDED"
    assert {row.what for row in seen.scenarios} == {"fails", "is silent", "is answered by an empty object"}
    assert {row.status for row in seen.scenarios if row.what != "is answered by an empty object"} == {"FAILED"}


def test_an_execution_of_another_orchestrator_is_done_again_and_its_approve_path_ends_unheard() -> None:
    seen = another(approved())

    assert seen.history == seen.definition
    assert [row.error for row in seen.scenarios if row.what == "is answered by an empty object"] == ["States.Runtime"]
    moved = another(approved(), lambda states: states["CheckHealth"].update(Next="BringupInfra"))
    assert (moved.history[2].name, moved.definition[2].name) == ("ShouldRunDR", "BringupInfra")


def test_no_words_of_a_history_stand_in_what_was_observed() -> None:
    done = approved()
    done.rows[1]["taskStateEnteredEventDetails"]["name"] = "<script>alert(1)</script>"
    done.rows[-1] = History().ends("Failed", error="eve's own words, at length", cause="x").rows[-1] | {
        "id": len(done.rows),
        "timestamp": done.rows[-1]["timestamp"],
    }
    seen = another(done)

    assert seen.history[0].name.startswith("a state with another name (")
    assert re.fullmatch(r"FAILED: an error with another name \([0-9a-f]{12}\)", seen.history[-1].name)
    assert (seen.history[-1].kind, seen.history[-1].sha256) == ("ends", "")


def test_names_that_may_not_stand_in_evidence_are_told_apart() -> None:
    states = {
        "Prüfen": {"Type": "Pass", "Next": "Lösen"},
        "Lösen": {"Type": "Pass", "Next": "Rückwärts"},
        "Rückwärts": {"Type": "Fail", "Error": "nicht möglich"},
    }
    done = History().enters("Prüfen", "Pass").enters("Lösen", "Pass").enters("Rückwärts", "Fail")
    done.ends("Failed", error="nicht möglich")

    def replaying(start: str) -> ReplayObserved:
        return replayed(history={"events": done.rows}, machine={"StartAt": start, "States": states})

    assert (same := replaying("Prüfen")).history == same.definition
    assert (other := replaying("Lösen")).history[0].name != other.definition[0].name
    states["Rückwärts"]["Error"] = "verklemmt"
    assert (failed := replaying("Prüfen")).history[-1].name != failed.definition[-1].name


def test_a_limit_of_time_that_the_definition_does_not_have_is_said_in_words_of_ours() -> None:
    done = History().enters("CheckHealth").ends("TimedOut")

    assert another(done).definition[-1].name == "WITHOUT_A_LIMIT_OF_TIME"


def test_what_cannot_be_done_again_is_told_and_no_definition_is_a_failure() -> None:
    assert replayed(machine=machine()).problem == "no history was handed in"
    assert replayed(machine=machine()).history == ()
    with pytest.raises(PhaseError, match="expected one among the files"):
        replayed(history={"events": approved().rows})
