"""What led to the execution and what it left lying about: the alarms before it, and the secrets in its receipts."""

from dataclasses import replace

from drproof.analysis.alarm_causes import UNKNOWN, YES, Noticed, noticed
from drproof.contracts.execution.changed import Reading, changed
from drproof.contracts.execution.recovery_machine import of_others
from drproof.formats.timestamps import milliseconds
from drproof.model.contract import NotApplicableError, contract
from drproof.model.criteria import Criteria
from drproof.model.verdict import Finding, Status, compare, undecided
from drproof.phases.execution.observed import ExecutionObserved, SecretSeen

OPEN_BOOKS = frozenset({"history", "description"})
"""What the platform keeps of an execution itself: a task's token stands in it by its nature."""


@contract(
    needs=["read_execution"],
    topic="recovery",
    applies=of_others,
    controls=["NIST CP-2(3)", "NIST SI-4", "SOC 2 CC7.2"],
)
def an_alarm_noticed_the_outage(read_execution: Reading, criteria: Criteria) -> Finding:
    """An alarm went from OK to ALARM on a breaching datapoint at the time of the execution, and back to OK."""
    found = _noticed(read_execution.facts, criteria)
    if not found:
        return undecided("missing_alarm_evidence: no alarm history was handed in")
    observed = {name: one.problem or "noticed" for name, one in found.items()}
    statuses = {one.status for one in found.values()}
    told = "; ".join(f"{name}: {one.problem}" for name, one in found.items() if one.problem)
    if YES in statuses:
        return Finding(Status.PROVEN, observed, "noticed")
    if UNKNOWN in statuses:
        return undecided(told, observed=observed, expected="noticed")
    return compare(observed=observed, expected=dict.fromkeys(found, "noticed"), reason=told)


def _noticed(facts: ExecutionObserved, criteria: Criteria) -> dict[str, Noticed]:
    """Return what each alarm noticed in the time before and during the execution."""
    since = milliseconds(facts.run.started_at) - criteria.execution.alarm_lead_ms if facts.run else None
    until = milliseconds(facts.run.stopped_at) if facts.run and facts.run.stopped_at else None
    return {
        name: noticed([one for one in facts.alarms if one.alarm == name], since_ms=since, until_ms=until)
        for name in sorted({change.alarm for change in facts.alarms})
    }


def _demand_that_all_are_known(read_execution: Reading, criteria: Criteria) -> None:
    if any(one.status == UNKNOWN for one in _noticed(read_execution.facts, criteria).values()):
        msg = "of another alarm nobody knows why it went off, whatever happened to this one"
        raise NotApplicableError(msg)


@an_alarm_noticed_the_outage.sabotage("the alarms went off on missing data")
def missing_data(read_execution: Reading) -> Reading:
    """Take the data away."""
    alarms = tuple(replace(change, said="missing_data") for change in read_execution.facts.alarms)
    return changed(read_execution, alarms=alarms)


@an_alarm_noticed_the_outage.sabotage("the alarms were set by hand")
def by_hand(read_execution: Reading) -> Reading:
    """Set them by hand."""
    alarms = tuple(replace(change, said="other") for change in read_execution.facts.alarms)
    return changed(read_execution, alarms=alarms)


@an_alarm_noticed_the_outage.sabotage("it all happened at another time")
def another_time(read_execution: Reading, criteria: Criteria) -> Reading:
    """Move the history."""
    _demand_that_all_are_known(read_execution, criteria)
    alarms = tuple(replace(change, at="2001-01-01T00:00:00.000Z") for change in read_execution.facts.alarms)
    return changed(read_execution, alarms=alarms)


@an_alarm_noticed_the_outage.sabotage("no alarm healed")
def never_healed(read_execution: Reading, criteria: Criteria) -> Reading:
    """Leave them in ALARM."""
    _demand_that_all_are_known(read_execution, criteria)
    alarms = tuple(change for change in read_execution.facts.alarms if change.new != "OK")
    return changed(read_execution, alarms=alarms)


@contract(needs=["read_execution"], topic="recovery", controls=["NIST IA-5", "SOC 2 CC6.1"])
def no_secret_lies_in_the_receipts(read_execution: Reading) -> Finding:
    """No file that the orchestrator wrote holds a task token, a key or a login: whoever reads one could approve."""
    facts = read_execution.facts
    closed = {file.name for file in facts.files if file.kind not in OPEN_BOOKS}
    found = [{"file": one.file, "kind": one.kind, "where": one.where} for one in facts.secrets if one.file in closed]
    told = ", ".join(f"{one['kind']} in {one['file']}{one['where']}" for one in found)
    return compare(observed=found, expected=[], reason=f"secrets lie in the open: {told}")


@no_secret_lies_in_the_receipts.sabotage("a receipt holds the raw task token")
def raw_token(read_execution: Reading) -> Reading:
    """Leave the token."""
    facts = read_execution.facts
    first = next((file.name for file in facts.files if file.kind == "receipt"), "")
    if not first:
        msg = "there is no receipt"
        raise NotApplicableError(msg)
    token = SecretSeen(file=first, kind="task_token", where="/payload/input/task_token", tag=f"hmac-sha256:{'0' * 64}")
    return changed(read_execution, secrets=(*facts.secrets, token))
