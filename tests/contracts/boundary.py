"""How a boundary is checked, and all the checks."""

from collections.abc import Callable

from drproof.model.verdict import Status
from tests.contracts.checks import House
from tests.contracts.evidence import Evidence

PROVEN, REFUTED, UNPROVEN = Status.PROVEN, Status.REFUTED, Status.UNPROVEN
Check = Callable[[House], None]
BOUNDARIES: list[Check] = []


def boundary(check: Check) -> Check:
    """Register a check; its name is the claim."""
    BOUNDARIES.append(check)
    return check


def expect(house: House, contract: str, *cases: tuple[Evidence, Status], subject: str = "") -> None:
    for evidence, status in cases:
        verdict = house.verdict(contract, evidence, subject)
        assert verdict.status is status, (
            f"{verdict.name} is {verdict.status}: {verdict.reason}, observed {verdict.observed}"
        )
