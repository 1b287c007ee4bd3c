"""Where the comparisons turn that speak of a fleet: none, one less, one more, one that could not be read."""

from dataclasses import replace
from typing import Any

from drproof.model.receipt import Outcome
from drproof.phases.fleet.observed import Foreign
from tests.contracts.boundary import PROVEN, REFUTED, UNPROVEN, boundary, expect
from tests.contracts.checks import House
from tests.contracts.evidence import PASSING, Evidence
from tests.contracts.observed_fleet import FOUND, NAMED, READ, UNDER, URIS

OTHER = f"{UNDER}/backup-3"


@boundary
def a_fleet_is_what_two_counts_find(house: House) -> None:
    def found(*uris: str, **changes: Any) -> Evidence:
        return PASSING.facts("find_restore_points", found=uris, **changes)

    named = PASSING.facts("find_restore_points", under="", recounted=(), strays=()).asking(fleet=NAMED)
    expect(
        house,
        "every_restore_point_is_found",
        (found(*URIS), PROVEN),
        (found(*URIS, strays=()), PROVEN),
        (found(), REFUTED),
        (found(recounted=()), REFUTED),
        (found(URIS[0]), REFUTED),
        (found(URIS[0], recounted=URIS[:1]), PROVEN),
        (found(*URIS, OTHER), REFUTED),
        (found(URIS[0], OTHER), REFUTED),
        (found(*URIS, URIS[1]), REFUTED),
        (found(*URIS, under=f"{UNDER}/deeper"), REFUTED),
        (named, PROVEN),
        (named.facts("find_restore_points", found=(*URIS, OTHER)), REFUTED),
        (named.facts("find_restore_points", found=URIS[:1]), REFUTED),
        (named.facts("find_restore_points", found=(URIS[0], OTHER), recounted=(URIS[0], OTHER)), REFUTED),
    )
    nothing = house.verdict("every_restore_point_is_found", found())
    assert "there is no restore point below" in nothing.reason
    assert nothing.observed == {"found": 0, "strays": list(FOUND.strays)}


@boundary
def a_fleet_is_read_when_each_point_was_read_once_and_to_its_end(house: House) -> None:
    first, second = READ.rows
    denied = replace(first, outcome=Outcome.FAILED, reason="AccessDenied")

    def rows(*changed: Any, **changes: Any) -> Evidence:
        return PASSING.facts("read_restore_points", rows=changed, **changes)

    expect(
        house,
        "every_restore_point_is_read",
        (rows(first, second), PROVEN),
        (rows(second, first), PROVEN),
        (rows(first), REFUTED),
        (rows(first, first), REFUTED),
        (rows(first, second, second), REFUTED),
        (rows(first, replace(second, subject=OTHER)), REFUTED),
        (rows(denied, second), UNPROVEN),
        (rows(replace(first, reading=""), second), UNPROVEN),
        (rows(denied), REFUTED),
        (rows(first, second, foreign=(Foreign(name="one", reason="of another fleet"),)), REFUTED),
    )
    verdict = house.verdict("every_restore_point_is_read", rows(denied, second))
    assert verdict.reason == f"1 of 2 restore points were not read, {URIS[0]} among them: AccessDenied"
    assert verdict.observed == {URIS[0]: "AccessDenied"}
