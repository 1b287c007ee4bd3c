"""What the function of a recovery answers to each act, so that a machine that calls it can be examined.

An act is what one call of the function does: a phase of the plan, or what lies between two phases. Which act a state
asks for stands in its payload; a machine that asks for none of them is somebody else's, and nothing is known of it.
"""

from collections.abc import Iterator, Mapping

from drproof.analysis.machine.flow import Knowledge
from drproof.analysis.machine.shapes import ANYTHING, NUMBER, TEXT, TRUTH, Record, Row, Shape, record
from drproof.formats.asl import Machine, State

PREPARE, RECORD = "prepare_bringup", "bringup"
"""The acts on both sides of the build, which Step Functions runs by itself."""
TELL, SEAL = "tell_of_failure", "seal"
LOOK, ASK, DECIDE = "check_health", "request_manual_approval", "promote"

KEPT = ("phase", "outcome", "receipt", "sha256")
"""What a machine keeps of the answer to a phase: references, and nothing of what they refer to."""
MORE: Mapping[str, Mapping[str, Shape]] = {LOOK: {"needs_recovery": TRUTH}, DECIDE: {"approved": TRUTH}}
"""What it keeps beside them, because a choice depends on it."""

VARIABLE = record(known={"Name": TEXT, "Value": TEXT, "Type": TEXT})
PREPARED = record(known={"project": TEXT, "environment": Row(VARIABLE), "idempotency_token": TEXT})


def answer_to(act: str) -> Shape:
    """Return what the function answers to an act; to a phase, whatever its name, references to its receipt."""
    if act == PREPARE:
        return PREPARED
    if act in {TELL, SEAL}:
        return ANYTHING
    return record(known={**dict.fromkeys(KEPT, TEXT), **MORE.get(act, {})})


def act_of(state: State) -> str:
    """Return the act that a state asks the function for; empty where it asks for none."""
    told = state.fields.get("Parameters")
    payload = told.get("Payload") if isinstance(told, dict) else None
    act = payload.get("act") if isinstance(payload, dict) else None
    return act if isinstance(act, str) else ""


def knowledge_of(machine: Machine, phases: frozenset[str]) -> Knowledge:
    """Return what is known of a machine by the acts that it asks for; `phases` are those that have an answer."""
    return Knowledge(answers=dict(_answers(machine, phases)))


def _answers(machine: Machine, phases: frozenset[str]) -> Iterator[tuple[str, Shape]]:
    for state in machine.all_states():
        act = act_of(state)
        # What comes back with a token is a person's, and stays unknown: nothing may be taken out of it.
        if act in {*phases, PREPARE, TELL, SEAL} and act != ASK:
            yield state.name, Record({"Payload": answer_to(act), "StatusCode": NUMBER}, closed=False)
