"""The state machine of a recovery, and an execution of it, as the phases that read them observe them."""

from dataclasses import replace

from drproof.evidence.canonical import digest
from drproof.formats import asl
from drproof.orchestrator import definition
from drproof.phases.orchestrator.read_state_machine import DefinitionKept, StateMachineObserved
from drproof.phases.orchestrator.replay_execution import MoveSeen, ReplayObserved, ScenarioSeen

MACHINE = DefinitionKept(text=definition.text())
MACHINE_READ = StateMachineObserved(
    file="deploy/orchestrator.asl.json",
    sha256=digest(MACHINE.text.encode()),
    states=sum(1 for _ in asl.parse(MACHINE.text).all_states()),
)
MACHINE_FILES = {"evidence/read_state_machine/definition.json": {"text": MACHINE.text}}


def _move(kind: str, name: str, data: str = "") -> MoveSeen:
    return MoveSeen(kind=kind, name=name, sha256=digest(data.encode()) if data else "")


MOVES = (
    _move("enters", "Begin", "given"),
    _move("enters", "CheckHealth"),
    _move("calls", "CheckHealth", "looks"),
    _move("enters", "RequestManualApproval"),
    _move("calls", "RequestManualApproval", "asks"),
    _move("enters", "PromoteApproved"),
    _move("ends", "SUCCEEDED", "approved"),
)
HEARD = ScenarioSeen(
    state="CheckHealth",
    what="fails",
    status="FAILED",
    error="DRPhaseFailed",
    last="FailWorkflow",
    told=True,
    problem="",
)
SHORT = ScenarioSeen(
    state="RequestManualApproval",
    what="is answered by an empty object",
    status="RUNNING",
    error="",
    last="Promote",
    told=False,
    problem="",
)
REPLAYED = ReplayObserved(
    history=MOVES, definition=MOVES, scenarios=(HEARD, replace(HEARD, what="is silent"), SHORT), problem=""
)
