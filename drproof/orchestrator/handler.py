"""The Lambda function of the state machine: one act a call, by the very phases that pytest runs.

The same act of the same execution again does nothing and answers the same. Settings are those of `drproof.toml` in
its package, and its environment; the input of the execution may name restore point and image. Nothing but references
goes back.
"""

from collections.abc import Callable, Mapping
from typing import Any

from drproof import catalog
from drproof.engine.refusal import refuse
from drproof.orchestrator.acts import advance, bring_up, order_build, seal
from drproof.orchestrator.asked import asked_of
from drproof.orchestrator.execution_run import ExecutionRun, taken_up
from drproof.orchestrator.remaining import remaining
from drproof.orchestrator.telling import TELLING, tell

LEFT_OUT = frozenset({"diagnostics", "teardown"})
"""The windows whose phases are an operator's acts."""

BESIDE = ("prepare_bringup", TELLING, "seal")
"""The acts that are no phases."""


def handler(event: Mapping[str, Any], context: object) -> dict[str, Any]:
    """Do one act of an execution, and answer with references.

    Raises:
        PhaseFailed: a phase did not reach its end state; its receipt says why.
        PhaseBlocked: a phase must not start: another holds the target, or what it requires is not proven.
        ThrottledError: the act goes on in another call.
        UnansweredError: the platform did not answer, or the store did not take what alone remembers the act.
        ValueError: the event or the settings are wrong; nothing was changed.
    """
    asked = asked_of(event)
    if asked.act not in acts():
        raise refuse(
            "there is no such act",
            expected=", ".join(acts()),
            got=asked.act,
            next_step="deploy the machine and the function of one version",
        )
    with taken_up(asked) as taken:
        return _done(taken, remaining(context))


def acts() -> tuple[str, ...]:
    """Return what can be asked for: each phase that runs unattended, and what belongs to no phase."""
    phases = catalog.plan(catalog.RECOVERY).phases
    return (*(phase.name for phase in phases if phase.window not in LEFT_OUT), *BESIDE)


def _done(taken: ExecutionRun, left_ms: Callable[[], int | None]) -> dict[str, Any]:
    act = taken.asked.act
    if act == "prepare_bringup":
        return order_build(taken)
    if act == "bringup":
        return bring_up(taken, left_ms)
    if act == TELLING:
        from drproof.orchestrator.deciding import leave_undecided

        told = tell(taken)
        leave_undecided(taken)
        return told
    if act == "seal":
        return seal(taken)
    if act == "promote":
        from drproof.orchestrator.deciding import decide

        return decide(taken, left_ms)
    answer = advance(taken, act, left_ms)
    if act == "request_manual_approval":
        from drproof.orchestrator.deciding import pass_the_token_on

        pass_the_token_on(taken)
    return answer
