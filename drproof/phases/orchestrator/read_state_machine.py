"""The state machine that recoveries run by, read from the files that were handed in."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from drproof.evidence.canonical import digest
from drproof.formats import asl, strict_json
from drproof.model.collection import Collection, HandedFile
from drproof.model.context import Context
from drproof.model.errors import FormatError, PhaseError
from drproof.model.phase import phase
from drproof.model.receipt import Count, Digest

FIELD = "definition"
"""Where the description of a machine holds its definition, as text or read already."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StateMachineObserved:
    """Which definition was read."""

    file: str
    sha256: Digest
    """Of the definition as it is kept: the same states, in the same order, without blanks."""
    states: Count
    """Those inside others included."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DefinitionKept:
    """A definition in the Amazon States Language."""

    text: str


@phase(
    plans={"orchestrator"},
    keeps={FIELD: DefinitionKept},
    objective_ms=30_000,
    command_hint="drproof machine examine deploy/orchestrator.asl.json",
)
def read_state_machine(ctx: Context) -> StateMachineObserved:
    """One definition of a state machine was handed in, and can be read."""
    name, document = the_definition(ctx.collection)
    text = json.dumps(document, ensure_ascii=False, separators=(",", ":"))
    ctx.evidence(FIELD, DefinitionKept(text=text))
    return StateMachineObserved(
        file=name, sha256=digest(text.encode()), states=sum(1 for _ in asl.machine_of(document).all_states())
    )


def the_definition(collection: Collection) -> tuple[str, Any]:
    """Return the file that the one definition stands in, and the definition.

    Raises:
        PhaseError: there is none, or more than one.
    """
    unread: list[str] = []
    found = [(file.name, document) for file in collection.files for document in _definitions(file, unread)]
    if len(found) != 1:
        names = ", ".join(name for name, _ in found) or "none"
        msg = f"the definition of the state machine: expected one among the files that were handed in, got {names}"
        # One in a language that is not understood is no missing one.
        raise PhaseError("; ".join([msg, *unread]))
    return found[0]


def _definitions(file: HandedFile, unread: list[str]) -> Iterator[Any]:
    """Yield the definition that a file is, or holds in the description of its machine; note one in another language."""
    try:
        document = strict_json.parse(file.data, fractions=True)
        if isinstance(document, dict) and FIELD in document:
            held = document[FIELD]
            document = strict_json.parse(held, fractions=True) if isinstance(held, str) else held
        asl.machine_of(document)
    except FormatError as exc:
        if exc.code == "asl-language":
            unread.append(f"{file.name}: {exc}")
        return
    yield document
