"""Nothing that a module makes starts or acts by itself until somebody switches it on."""

from dataclasses import replace

from drproof.analysis.terraform.facts import Written
from drproof.analysis.terraform.places import OFF, ON
from drproof.contracts.terraform.judging import (
    Sources,
    are_handed_in,
    judged,
    module_of,
    modules,
    spoiled,
    told,
    unknown_of,
)
from drproof.model.contract import contract
from drproof.model.criteria import Criteria
from drproof.model.verdict import Finding

SCHEDULE = "aws_scheduler_schedule.planted.state"


@contract(
    needs=["read_terraform"],
    plans=["orchestrator"],
    subjects=modules(),
    applies=are_handed_in,
    controls=["NIST CP-4", "NIST CM-7"],
)
def triggers_are_off_by_default(read_terraform: Sources, criteria: Criteria, subject: str) -> Finding:
    """Each rule, each schedule and the actions of each alarm are off by the defaults, but those accepted by name."""
    module, bar = module_of(read_terraform, subject), criteria.guardrails
    accepted = tuple(name.removeprefix(f"{subject}/") for name in bar.always_on if name.startswith(f"{subject}/"))
    rows = [row for row in module.switches if row.at.rpartition(".")[0] not in accepted] if module is not None else []
    on = [
        f"{row.at} is on by default\n  next: switch it by var.{bar.trigger_variable}, of default false, or accept "
        f"{subject}/{row.at.rpartition('.')[0]} in guardrails.always_on"
        for row in rows
        if row.value == ON
    ]
    seen = {"switches": told(rows), "accepted": sorted(accepted)}
    return judged(module, wrong=on, unknown=unknown_of(rows), seen=seen, expected=f"each {OFF}")


@triggers_are_off_by_default.sabotage("a schedule is on")
def planted(read_terraform: Sources, subject: str) -> Sources:
    """Plant a schedule."""
    row = Written(at=SCHEDULE, value=ON)
    return spoiled(read_terraform, subject, lambda one: replace(one, switches=(*one.switches, row)))
