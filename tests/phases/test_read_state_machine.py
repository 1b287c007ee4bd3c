"""The definition of a state machine is read from what was handed in: one, and no other document in its place."""

import json
from types import SimpleNamespace
from typing import Any

import pytest

from drproof.evidence.canonical import digest
from drproof.model.collection import Collection, HandedFile
from drproof.model.errors import PhaseError
from drproof.orchestrator import definition
from drproof.phases.orchestrator.read_state_machine import DefinitionKept, StateMachineObserved, read_state_machine

TEXT = definition.text()
HISTORY = HandedFile(name="history.json", data=b'{"events": []}')


def read(*files: HandedFile) -> tuple[StateMachineObserved, DefinitionKept]:
    kept: dict[str, Any] = {}
    ctx: Any = SimpleNamespace(collection=Collection(files=files), evidence=kept.__setitem__)
    return read_state_machine.act(ctx), kept["definition"]


@pytest.mark.parametrize(
    "data",
    [
        TEXT,
        json.dumps({"stateMachineArn": "arn:…", "definition": TEXT}),
        json.dumps({"name": "recovery", "definition": json.loads(TEXT)}),
    ],
    ids=["as it is checked in", "as the platform describes it", "as it is exported"],
)
def test_a_definition_is_found_among_other_files_in_whichever_form_it_comes(data: str) -> None:
    seen, kept = read(HISTORY, HandedFile(name="machine.json", data=data.encode()))

    assert json.loads(kept.text) == definition.definition()
    assert seen == StateMachineObserved(
        file="machine.json", sha256=digest(kept.text.encode()), states=len(definition.definition()["States"])
    )


def test_a_definition_in_another_language_is_no_missing_one() -> None:
    spoken = HandedFile(name="a.json", data=b'{"QueryLanguage": "JSONata", "StartAt": "A", "States": {}}')
    with pytest.raises(PhaseError, match="got none; a.json: only JSONPath is understood, not JSONata"):
        read(HISTORY, spoken)


@pytest.mark.parametrize(
    ("files", "got"),
    [
        ((), "none"),
        ((HISTORY,), "none"),
        ((HandedFile(name="a.json", data=b'{"StartAt": "A", "States": {}}'),), "none"),
        ((HandedFile(name="a.json", data=b"{"),), "none"),
        ((HandedFile(name="a.json", data=b'{"definition": "{"}'),), "none"),
        (
            (HandedFile(name="a.json", data=TEXT.encode()), HandedFile(name="b.json", data=TEXT.encode())),
            "a.json, b.json",
        ),
    ],
)
def test_no_definition_and_more_than_one_are_told(files: tuple[HandedFile, ...], got: str) -> None:
    with pytest.raises(PhaseError, match=f"expected one among the files that were handed in, got {got}"):
        read(*files)
