"""The recovery was as fast as the objective demands."""

from dataclasses import replace
from datetime import timedelta

from drproof.analysis.objectives import measured_rto
from drproof.formats.timestamps import parse
from drproof.model.contract import contract
from drproof.model.criteria import Criteria
from drproof.model.receipt import Receipt
from drproof.model.verdict import Finding, hold, undecided
from drproof.phases.health.check_health import HealthObserved
from drproof.phases.recovery.validate import ValidateObserved


@contract(needs=["check_health", "validate"], controls=["NIST CP-10", "NIST CP-2(3)", "ISO 22301 8.5", "DORA Art. 12"])
def recovery_was_within_rto(
    check_health: Receipt[HealthObserved], validate: Receipt[ValidateObserved], criteria: Criteria
) -> Finding:
    """From the look at the original site to the end of validation took no longer than the recovery time objective."""
    took_ms = measured_rto({"check_health": check_health, "validate": validate})
    if took_ms is None:
        return undecided("the recovery time was not measured", expected=criteria.rto_ms)
    return hold(
        0 <= took_ms <= criteria.rto_ms,
        observed=took_ms,
        expected=f"0 to {criteria.rto_ms} ms",
        reason="the recovery took longer than the objective, or ended before it began",
    )


@recovery_was_within_rto.sabotage("one second too slow", spoils="validate")
def too_slow(
    validate: Receipt[ValidateObserved], check_health: Receipt[HealthObserved], criteria: Criteria
) -> Receipt[ValidateObserved]:
    """End later."""
    return _ended(validate, check_health, criteria.rto_ms + 1_000)


@recovery_was_within_rto.sabotage("validation ended before the drill began", spoils="validate")
def before_the_start(
    validate: Receipt[ValidateObserved], check_health: Receipt[HealthObserved]
) -> Receipt[ValidateObserved]:
    """End earlier."""
    return _ended(validate, check_health, -1_000)


def _ended(
    validate: Receipt[ValidateObserved], check_health: Receipt[HealthObserved], after_ms: int
) -> Receipt[ValidateObserved]:
    moment = parse(check_health.started_at) + timedelta(milliseconds=after_ms)
    return replace(validate, ended_at=moment.isoformat(timespec="milliseconds").replace("+00:00", "Z"))
