"""The state machine of a recovery as the phase that reads it observes it."""

from drproof.evidence.canonical import digest
from drproof.formats import asl
from drproof.orchestrator import definition
from drproof.phases.orchestrator.read_state_machine import DefinitionKept, StateMachineObserved

MACHINE = DefinitionKept(text=definition.text())
MACHINE_READ = StateMachineObserved(
    file="deploy/orchestrator.asl.json",
    sha256=digest(MACHINE.text.encode()),
    states=sum(1 for _ in asl.parse(MACHINE.text).all_states()),
)
MACHINE_FILES = {"evidence/read_state_machine/definition.json": {"text": MACHINE.text}}
