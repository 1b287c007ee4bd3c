"""What a state machine must be to be sound, and what leaves it open."""

import json
from collections.abc import Callable
from typing import Any

from tests.contracts.boundary import PROVEN, REFUTED, UNPROVEN, boundary, expect
from tests.contracts.checks import House
from tests.contracts.evidence import PASSING, Evidence
from tests.contracts.observed_machine import MACHINE

CONTRACT = "state_machine_is_sound"


def _machine(change: Callable[[dict[str, Any]], object]) -> Evidence:
    document = json.loads(MACHINE.text)
    change(document["States"])
    return PASSING.file("definition", {"text": json.dumps(document)})


def _ask_for(path: str) -> Evidence:
    return _machine(lambda states: states["Promote"]["Parameters"]["Payload"].update({"reason.$": path}))


@boundary
def each_part_of_a_machine_is_judged_by_itself(house: House) -> None:
    lost = _machine(lambda states: states["Notify"].update(Next="Nowhere"))
    never = _ask_for("$.phases.notify.reason")
    uncaught = _machine(lambda states: states["Restore"].pop("Catch"))
    for subject, refuted in (("ways", lost), ("data", never), ("conduct", uncaught)):
        others = [one for one in (lost, never, uncaught) if one is not refuted and one is not lost]
        expect(
            house,
            CONTRACT,
            (PASSING, PROVEN),
            (refuted, REFUTED),
            *((one, PROVEN) for one in others),
            subject=subject,
        )
    verdict = house.verdict(CONTRACT, uncaught, "conduct")
    assert verdict.observed == [
        "Restore.Catch: task_has_no_catch: an error that no catcher names ends the execution, and nobody is told"
    ]
    assert verdict.reason.startswith("1 defects: Restore.Catch: task_has_no_catch")


@boundary
def what_nobody_describes_is_open_and_what_is_wrong_beside_it_is_not(house: House) -> None:
    said = _ask_for("$.decision.reason")
    expect(house, CONTRACT, (said, UNPROVEN), subject="data")
    expect(house, CONTRACT, (said, PROVEN), subject="ways")
    assert "1 paths lead to what nobody describes" in house.verdict(CONTRACT, said, "data").reason
    both = _machine(
        lambda states: states["Promote"]["Parameters"]["Payload"].update(
            {"reason.$": "$.decision.reason", "arn.$": "$$.Execution.Arn"}
        )
    )
    expect(house, CONTRACT, (both, REFUTED), subject="data")


@boundary
def a_definition_that_cannot_be_read_is_open(house: House) -> None:
    for text in ("", "{}", '{"StartAt": "A", "States": {"A": {"Type": "Task"}}, "QueryLanguage": "JSONata"}'):
        for subject in ("ways", "data", "conduct"):
            expect(house, CONTRACT, (PASSING.file("definition", {"text": text}), UNPROVEN), subject=subject)
