"""What the function of a recovery answers to each act, so that a machine that calls it can be examined.

An act is what one call of the function does: a phase of the plan, or what lies between two phases. Which act a state
asks for stands in its payload; a machine that asks for none of them is somebody else's, and nothing is known of it.
"""

from collections.abc import Iterator, Mapping

from drproof.analysis.machine.flow import Knowledge
from drproof.analysis.machine.integrations import KNOWN, Resource, resource_of
from drproof.analysis.machine.shapes import ANYTHING, TEXT, TRUTH, Row, Shape, put, record
from drproof.formats.asl import Machine, State, text

PREPARE, RECORD = "prepare_bringup", "bringup"
"""The acts on both sides of the build, which Step Functions runs by itself."""
TELL, SEAL = "tell_of_failure", "seal"
LOOK, ASK, DECIDE = "check_health", "request_manual_approval", "promote"

CALL = "lambda:invoke"
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
    """Return the act that a state asks the function for; empty where it asks for none, or of another function."""
    told = state.fields.get("Parameters")
    payload = told.get("Payload") if isinstance(told, dict) else None
    if not isinstance(payload, dict) or not isinstance(payload.get("execution"), dict):
        return ""
    return text(payload.get("act"))


def knowledge_of(machine: Machine) -> Knowledge:
    """Return what is known of a machine by the acts that its states ask for."""
    return Knowledge(answers=dict(_answers(machine)))


def _answers(machine: Machine) -> Iterator[tuple[str, Shape]]:
    whole = KNOWN[CALL].answer
    for state in machine.all_states():
        # What comes back with a token is a person's, and stays unknown: nothing may be taken out of it.
        if (act := act_of(state)) and resource_of(state.resource) == Resource(call=CALL, pattern=""):
            yield state.name, put(whole, ("Payload",), answer_to(act))
