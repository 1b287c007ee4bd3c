"""What an execution of ours asked for again was done once: its answers name one receipt, and one build brought up."""

from dataclasses import replace

from drproof.contracts.execution.changed import Reading, changed, one
from drproof.contracts.orchestrator.decision import APPROVAL, of_ours
from drproof.model.contract import NotApplicableError, contract, expected
from drproof.model.criteria import Criteria
from drproof.model.verdict import Finding, compare, undecided
from drproof.phases.execution.observed import BuildHanded, ExecutionObserved

BRINGUP = "bringup"
ANOTHER = "0" * 64


def acts(criteria: Criteria) -> tuple[str, ...]:
    """Return the acts that answer with a receipt; the question to people is answered by people."""
    return tuple(name for name in criteria.execution.phases if name != APPROVAL)


@contract(
    needs=["read_execution"],
    plans=["orchestrator"],
    subjects=expected("act", acts),
    topic="recovery",
    applies=of_ours,
    controls=["NIST CP-10", "NIST SI-7"],
)
def act_asked_again_was_done_once(read_execution: Reading, subject: str) -> Finding:
    """However often the act was asked for, it answered with one receipt, and one build brought the machine up."""
    facts = read_execution.facts
    seen = next((act for act in facts.acts if act.name == subject), None)
    if seen is None or not seen.answered:
        return undecided(f"the history does not show that {subject} was answered")
    observed = {"receipts": len(seen.answers)}
    if subject == BRINGUP:
        if not _bringups(facts):
            # CodeBuild forgets builds before Step Functions forgets executions.
            return undecided("no build is known that brought a machine up")
        observed["builds"] = len(_bringups(facts))
    told = f"{seen.asked} times asked for, {subject} answered with {len(seen.answers)} receipts"
    more = f", and {observed['builds']} builds brought up" if "builds" in observed else ""
    return compare(observed=observed, expected=dict.fromkeys(observed, 1), reason=f"{told}{more}")


@act_asked_again_was_done_once.sabotage("asked for again, it answered with another receipt")
def answered_otherwise(read_execution: Reading, subject: str) -> Reading:
    """Answer otherwise."""
    answers = next(act.answers for act in read_execution.facts.acts if act.name == subject)
    rows = one(read_execution.facts.acts, lambda act: act.name == subject, answers=(*answers, ANOTHER))
    return changed(read_execution, acts=rows)


@act_asked_again_was_done_once.sabotage("another build brought a machine up")
def brought_up_twice(read_execution: Reading, subject: str) -> Reading:
    """Build twice."""
    if subject != BRINGUP:
        msg = "it spoils the bring-up"
        raise NotApplicableError(msg)
    (first, *_) = _bringups(read_execution.facts)
    return changed(read_execution, builds=(*read_execution.facts.builds, replace(first, build_id="another:1")))


def _bringups(facts: ExecutionObserved) -> list[BuildHanded]:
    """Return the builds that brought a machine up for this execution."""
    mine = {row.execution for row in facts.receipts} | {facts.run.described_execution if facts.run else ""}
    return [build for build in facts.builds if build.action == BRINGUP and build.execution in mine - {""}]
