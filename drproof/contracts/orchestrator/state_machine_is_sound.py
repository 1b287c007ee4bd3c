"""The state machine cannot end unheard, by its definition alone: its ways, its data, and what it does when it fails."""

import json
from collections.abc import Callable
from typing import Any

from drproof.analysis.machine import conduct, flow, graph
from drproof.analysis.machine.acts import knowledge_of
from drproof.formats import asl
from drproof.model.contract import NotApplicableError, contract, expected
from drproof.model.errors import FormatError
from drproof.model.receipt import Receipt
from drproof.model.verdict import Finding, compare, undecided
from drproof.phases.orchestrator.read_state_machine import StateMachineObserved

Read = Receipt[StateMachineObserved]
States = dict[str, Any]
WAYS, DATA, CONDUCT = "ways", "data", "conduct"
FIRST = 3
"""How many defects a reason names; the finding has them all."""


@contract(
    needs=["read_state_machine"],
    reads={"definition": ("read_state_machine", "definition")},
    subjects=expected("examined", lambda _: (WAYS, DATA, CONDUCT)),
    controls=["NIST CP-10", "SOC 2 A1.2"],
)
def state_machine_is_sound(definition: dict[str, Any], subject: str) -> Finding:
    """Each way through the state machine ends, finds every value that it asks for, and lets no failure pass unheard."""
    try:
        machine = asl.parse(definition["text"])
    except FormatError as exc:
        return undecided(f"the definition cannot be read: {exc}")
    unknown: tuple[str, ...] = ()
    if subject == WAYS:
        defects = tuple(sorted({*graph.examine(machine)}))
    elif subject == CONDUCT:
        defects = tuple(sorted({*conduct.examine(machine)}))
    else:
        followed = flow.follow(machine, knowledge_of(machine))
        defects, unknown = followed.defects, followed.unknown
    told = [str(defect) for defect in defects]
    if unknown and not told:
        return undecided(
            f"{len(unknown)} paths lead to what nobody describes, the first in {unknown[0]}\n"
            "  next: drproof machine examine FILE --answer STATE=FILE"
        )
    return compare(observed=told, expected=[], reason=f"{len(told)} defects: {'; '.join(told[:FIRST])}")


@state_machine_is_sound.sabotage("a state leads to one that does not exist", spoils="definition")
def lost_way(definition: dict[str, Any], subject: str) -> dict[str, Any]:
    """Lead on to nowhere."""
    return _spoiled(definition, subject, WAYS, lambda state: state.update(Next="Nowhere"))


@state_machine_is_sound.sabotage("a state can lead to itself without an end", spoils="definition")
def circle(definition: dict[str, Any], subject: str) -> dict[str, Any]:
    """Lead on to the same state."""
    name = _first(definition)
    return _spoiled(definition, subject, WAYS, lambda state: state.update(Next=name))


@state_machine_is_sound.sabotage("a value is taken from where only the context has it", spoils="definition")
def only_in_the_context(definition: dict[str, Any], subject: str) -> dict[str, Any]:
    """Ask the context for a field that it has otherwise."""
    return _spoiled(definition, subject, DATA, lambda state: state.update(InputPath="$$.Execution.Arn"))


@state_machine_is_sound.sabotage("an answer is read in another case", spoils="definition")
def another_case(definition: dict[str, Any], subject: str) -> dict[str, Any]:
    """Take what the integration calls otherwise."""
    return _spoiled(definition, subject, DATA, lambda state: state.update(ResultSelector={"answer.$": "$.payload"}))


@state_machine_is_sound.sabotage("a failure of a task is caught by nobody", spoils="definition")
def uncaught(definition: dict[str, Any], subject: str) -> dict[str, Any]:
    """Catch nothing."""
    return _spoiled(definition, subject, CONDUCT, lambda state: state.pop("Catch", None))


@state_machine_is_sound.sabotage("a task may take a year", spoils="definition")
def endless(definition: dict[str, Any], subject: str) -> dict[str, Any]:
    """Set no limit."""
    return _spoiled(definition, subject, CONDUCT, lambda state: state.pop("TimeoutSeconds", None))


@state_machine_is_sound.sabotage("a throttled call fails the execution", spoils="definition")
def tried_once(definition: dict[str, Any], subject: str) -> dict[str, Any]:
    """Try once."""
    return _spoiled(definition, subject, CONDUCT, lambda state: state.pop("Retry", None))


def _first(definition: dict[str, Any]) -> str:
    """Return the first task that calls a function and goes on."""
    states = json.loads(definition["text"])["States"]
    for name, state in states.items():
        if state["Type"] == "Task" and str(state.get("Resource")).endswith(":lambda:invoke") and "Next" in state:
            return str(name)
    msg = "no state calls a function and goes on"
    raise NotApplicableError(msg)


def _spoiled(
    definition: dict[str, Any], subject: str, examined: str, change: Callable[[States], object]
) -> dict[str, Any]:
    if subject != examined:
        msg = f"it spoils the {examined}"
        raise NotApplicableError(msg)
    document = json.loads(definition["text"])
    change(document["States"][_first(definition)])
    return {**definition, "text": json.dumps(document)}
