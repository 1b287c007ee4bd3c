"""What an execution of ours left up: teardown is the operator's act, and has to come."""

from dataclasses import replace

from drproof.contracts.execution.changed import Reading, changed, one
from drproof.contracts.orchestrator.decision import of_ours
from drproof.model.contract import NotApplicableError, contract
from drproof.model.verdict import Finding, compare, undecided
from drproof.phases.execution.observed import BuildHanded, ExecutionObserved, RunSeen

TEARDOWN, SUCCEEDED = "teardown", "SUCCEEDED"


@contract(
    needs=["read_execution"],
    plans=["orchestrator"],
    topic="recovery",
    applies=of_ours,
    controls=["NIST CP-10", "ISO 27001 A.8.14"],
)
def teardown_is_accounted_for(read_execution: Reading) -> Finding:
    """What the execution brought up was taken away by a build that succeeded."""
    facts = read_execution.facts
    if facts.run is None or not facts.run.events:
        return undecided("no history says whether anything was brought up")
    if not _brought_up(facts.run):
        return undecided("bring-up was never begun: there is nothing to take away, and nothing that shows a recovery")
    builds = _teardowns(facts)
    if not builds:
        held = facts.machine.brought_up or "a machine"
        return undecided(
            f"{held} may still be up: no build took it away\n  next: drproof teardown --execution-arn <the execution>"
        )
    last = builds[-1]
    return compare(observed=last.status, expected=SUCCEEDED, reason=f"the teardown {last.build_id} is {last.status}")


@teardown_is_accounted_for.sabotage("the teardown failed")
def failed(read_execution: Reading) -> Reading:
    """Let it fail."""
    last = _last(read_execution)
    builds = one(read_execution.facts.builds, lambda build: build.build_id == last.build_id, status="FAILED")
    return changed(read_execution, builds=builds)


@teardown_is_accounted_for.sabotage("a later teardown still runs")
def still_runs(read_execution: Reading) -> Reading:
    """Run another one."""
    begun = replace(
        _last(read_execution),
        build_id="later:1",
        status="IN_PROGRESS",
        started_at="2999-01-01T00:00:00.000Z",
        ended_at="",
    )
    return changed(read_execution, builds=(*read_execution.facts.builds, begun))


def _last(read_execution: Reading) -> BuildHanded:
    builds = _teardowns(read_execution.facts)
    if not builds:
        msg = "no teardown is known"
        raise NotApplicableError(msg)
    return builds[-1]


def _brought_up(run: RunSeen) -> bool:
    """Return whether a machine may be up: bring-up was begun, whatever came of it."""
    return any(step.phase == "bringup" for step in run.steps)


def _teardowns(facts: ExecutionObserved) -> list[BuildHanded]:
    """Return the teardowns of this execution, the last one last."""
    mine = {row.execution for row in facts.receipts} | {facts.run.described_execution if facts.run else ""}
    found = [build for build in facts.builds if build.action == TEARDOWN and build.execution in mine - {""}]
    return sorted(found, key=lambda build: build.started_at)
