"""The answer that an execution of ours waited for was signed by somebody whom the reader's trust file names."""

import base64
from dataclasses import replace
from typing import Any

from drproof.contracts.execution.changed import Reading, changed, run_of, with_run
from drproof.contracts.orchestrator.decision import APPROVAL, of_ours
from drproof.evidence import approvals
from drproof.evidence.approvals import Bar
from drproof.evidence.redaction import MASK
from drproof.formats.timestamps import milliseconds
from drproof.model.contract import NotApplicableError, contract
from drproof.model.criteria import Criteria
from drproof.model.verdict import Finding, compare, undecided
from drproof.phases.execution.observed import RunSeen, StepSeen

VALIDATE = "validate"


def with_approvers(criteria: Criteria) -> bool:
    """Return whether the execution is one of ours, and the reader says by which keys people may decide."""
    return of_ours(criteria) and len(criteria.approval.approvers) > 0


@contract(
    needs=["read_execution"],
    reads={"answer": ("read_execution", "answer")},
    plans=["orchestrator"],
    topic="recovery",
    applies=with_approvers,
    controls=["SOC 2 CC6.1", "SOC 2 CC8.1", "NIST AC-5", "NIST AU-10"],
)
def answer_is_signed_by_an_approver(
    read_execution: Reading,
    answer: Any,  # noqa: ANN401 — plain JSON
    criteria: Criteria,
) -> Finding:
    """The answer is, word for word, what an approver of the reader's trust file signed about what was validated."""
    run, signed = read_execution.facts.run, answer["signed"]
    asked, validated = _step(run, APPROVAL), _step(run, VALIDATE)
    if run is None or asked is None or validated is None or not asked.ended_at:
        return undecided("the history does not show what was validated, what was asked, and what came back")
    if signed is None:
        return compare(
            observed="no signed decision", expected="a signed decision", reason="what came back is not signed"
        )
    if MASK in str(signed):
        return undecided("the export masked a part of the answer: its signature is over other words")
    bar = Bar(
        drill_id=asked.execution,
        # Whether it names this execution is `answer_is_a_decision_in_time`.
        execution_arn=str(signed["decision"]["execution_arn"]),
        opening_sha256=str(answer["opening"]),
        validation_sha256=validated.result_sha256,
        keys={one.keyid: one.public_key for one in criteria.approval.approvers},
        operators=tuple(name for name in (run.requested_by,) if name.startswith("arn:")),
        asked_at=asked.scheduled_at,
        within_ms=milliseconds(asked.ended_at) - milliseconds(asked.scheduled_at),
        recorded_at=asked.ended_at,
    )
    doubt = approvals.doubt(signed, bar)
    return compare(observed=doubt, expected="", reason=doubt)


@answer_is_signed_by_an_approver.sabotage("nobody signed it", spoils="answer")
def unsigned(answer: Any) -> dict[str, Any]:  # noqa: ANN401 — plain JSON
    """Take the signatures away."""
    return _with_signatures(answer)


@answer_is_signed_by_an_approver.sabotage("its signature is another one", spoils="answer")
def another_signature(answer: Any) -> dict[str, Any]:  # noqa: ANN401 — plain JSON
    """Turn the bytes of the signature round."""
    (first, *rest) = _given(answer)["dsse"]["signatures"]
    turned = base64.b64encode(base64.b64decode(first["sig"])[::-1]).decode()
    return _with_signatures(answer, {**first, "sig": turned}, *rest)


@answer_is_signed_by_an_approver.sabotage("a no is made a yes, or the other way round", spoils="answer")
def turned_round(answer: Any) -> dict[str, Any]:  # noqa: ANN401 — plain JSON
    """Say the opposite of what was signed."""
    given = _given(answer)
    said = {**given["decision"], "approved": not given["decision"]["approved"]}
    return {**answer, "signed": {**given, "decision": said}}


@answer_is_signed_by_an_approver.sabotage("it is no signed decision", spoils="answer")
def no_decision(answer: Any) -> dict[str, Any]:  # noqa: ANN401 — plain JSON
    """Lose it."""
    _given(answer)
    return {**answer, "signed": None}


@answer_is_signed_by_an_approver.sabotage("it is about another opening", spoils="answer")
def another_opening(answer: Any) -> dict[str, Any]:  # noqa: ANN401 — plain JSON
    """Open otherwise."""
    _given(answer)
    return {**answer, "opening": "0" * 64}


@answer_is_signed_by_an_approver.sabotage("something else was validated", spoils="read_execution")
def another_validation(read_execution: Reading) -> Reading:
    """Validate something else."""
    return _stepped(read_execution, VALIDATE, result_sha256="0" * 64)


@answer_is_signed_by_an_approver.sabotage("it is about another execution", spoils="read_execution")
def another_execution(read_execution: Reading) -> Reading:
    """Ask from another one."""
    return _stepped(read_execution, APPROVAL, execution="another")


@answer_is_signed_by_an_approver.sabotage("who signed it had asked for the execution", spoils="read_execution")
def ones_own(read_execution: Reading, answer: Any) -> Reading:  # noqa: ANN401 — plain JSON
    """Have the approver ask for it."""
    return with_run(read_execution, requested_by=str(_given(answer)["decision"]["approver"]))


def _step(run: RunSeen | None, phase: str) -> StepSeen | None:
    return next((step for step in (run.steps if run is not None else ()) if step.phase == phase), None)


def _stepped(read_execution: Reading, phase: str, **changes: str) -> Reading:
    run = run_of(read_execution)
    if _step(run, phase) is None:
        msg = f"the history shows no {phase}"
        raise NotApplicableError(msg)
    steps = tuple(replace(step, **changes) if step.phase == phase else step for step in run.steps)
    return changed(read_execution, run=replace(run, steps=steps))


def _given(answer: Any) -> dict[str, Any]:  # noqa: ANN401 — plain JSON
    if answer["signed"] is None:
        msg = "nothing that is signed came back"
        raise NotApplicableError(msg)
    found: dict[str, Any] = answer["signed"]
    return found


def _with_signatures(answer: Any, *signatures: dict[str, str]) -> dict[str, Any]:  # noqa: ANN401 — plain JSON
    given = _given(answer)
    return {**answer, "signed": {**given, "dsse": {**given["dsse"], "signatures": list(signatures)}}}
