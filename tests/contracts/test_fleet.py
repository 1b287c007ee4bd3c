"""From one to many: each contract of one restore point judges every restore point of a fleet, and loses none."""

from dataclasses import replace

import pytest

from drproof import catalog
from drproof.evidence.canonical import canonical, digest
from drproof.model.codec import encode
from drproof.model.contract import contract
from drproof.model.criteria import Criteria
from drproof.model.lifting import folded, lift
from drproof.model.plan import build
from drproof.model.receipt import Outcome, Receipt
from drproof.model.verdict import Control, ControlResult, Finding, Status, Verdict, hold
from drproof.phases.backup.observed import RestorePointObserved
from drproof.phases.fleet.read_restore_points import read_restore_points
from tests.contracts.evidence import PASSING, Evidence
from tests.contracts.observed import CRITERIA
from tests.contracts.observed_fleet import READ, READINGS, URIS, name_of, path_of, reading

ONE = {row.name: row for row in catalog.plan("backup").contracts}
MANY = {row.name: row for row in catalog.plan("fleet").contracts}
LIFTED = [row for row in MANY.values() if row.parts is not None]
ASKED = [row for row in LIFTED if row.is_asked(CRITERIA)]
"""Those of them that the criteria of the passing evidence ask for."""


def fleet(first) -> Evidence:
    """Return the passing fleet with another reading of its first restore point, digest and all."""
    files = {**PASSING.files, path_of(1): encode(first)}
    changed = Evidence(PASSING.receipts, files, PASSING.criteria)
    refs = PASSING.receipts["read_restore_points"].evidence
    data = canonical(files[path_of(1)])
    mine = tuple(replace(ref, sha256=digest(data), size=len(data)) if ref.name == name_of(1) else ref for ref in refs)
    return changed.receipt("read_restore_points", evidence=mine)


def test_every_contract_of_one_restore_point_judges_fleets_with_the_same_sabotages():
    assert {row.name for row in LIFTED} == set(ONE)
    for row in LIFTED:
        assert row.claim == ONE[row.name].claim
        assert row.sabotages is ONE[row.name].sabotages
        assert row.version == ONE[row.name].version


@pytest.mark.parametrize("row", ASKED, ids=lambda row: row.name)
def test_each_restore_point_has_its_own_verdict_with_the_controls_of_one(row):
    verdicts = PASSING.verdicts(row)

    assert [(v.subject, v.status) for v in verdicts] == [(uri, Status.PROVEN) for uri in URIS]
    wanted = {sabotage.name for sabotage in row.sabotages} | {
        "read_restore_point: receipt absent",
        "read_restore_point: receipt failed",
        "read_restore_points: receipt absent",
        "read_restore_points: readings absent",
    }
    for verdict in verdicts:
        assert {control.name for control in verdict.controls} == wanted
        assert all(c.convincing or c.result is ControlResult.NOT_APPLICABLE for c in verdict.controls)


def test_one_spoiled_restore_point_is_refuted_and_the_other_stays_proven():
    point = READINGS[0].observed
    assert point is not None
    short = replace(point.objects[1], size=point.objects[1].size - 1)
    spoiled = fleet(reading(URIS[0], observed=replace(point, objects=(point.objects[0], short, point.objects[2]))))

    first, second = spoiled.verdicts(MANY["backup_object_matches_its_metadata"])

    assert (first.status, second.status) == (Status.REFUTED, Status.PROVEN)
    assert first.reason.startswith("state.tar.zst: ")
    assert first.observed["size"] == short.size


def test_an_unreadable_restore_point_is_unproven_with_the_platforms_reason():
    denied = fleet(reading(URIS[0], outcome=Outcome.FAILED, reason="AccessDenied: no", observed=None, kept=None))

    for row in ASKED:
        first, second = denied.verdicts(row)
        assert (first.subject, first.status, second.status) == (URIS[0], Status.UNPROVEN, Status.PROVEN)
        assert "read_restore_point is failed: AccessDenied: no" in first.reason
        assert first.controls == ()


def test_a_restore_point_without_a_reading_is_unproven_and_named():
    lost = replace(READ.rows[0], reading="", outcome=Outcome.INTERRUPTED, reason="no reading came back")

    for row in LIFTED:
        first, _ = PASSING.facts("read_restore_points", rows=(lost, READ.rows[1])).verdicts(row)
        assert first.status is Status.UNPROVEN
        assert first.reason == f"{URIS[0]} was not read: no reading came back"


@pytest.mark.parametrize("row", LIFTED, ids=lambda row: row.name)
@pytest.mark.parametrize(
    ("spoiled", "said"),
    [
        pytest.param(PASSING.receipt("read_restore_points", evidence=()), "0 evidence files", id="unnamed"),
        pytest.param(
            Evidence(
                PASSING.receipts,
                {path: content for path, content in PASSING.files.items() if path != path_of(1)},
                PASSING.criteria,
            ),
            "is not there",
            id="gone",
        ),
        pytest.param(fleet(reading(URIS[1])), f"is the reading of {URIS[1]}", id="of another"),
        pytest.param(fleet(reading(URIS[0], kept=None)), "keeps []", id="kept nothing"),
        pytest.param(
            PASSING.facts("read_restore_points", rows=(READ.rows[0], READ.rows[0], READ.rows[1])),
            "has 2 rows",
            id="twice",
        ),
    ],
)
def test_a_reading_that_is_not_what_the_receipt_says_proves_nothing(row, spoiled, said):
    first = spoiled.verdicts(row)[0]

    assert first.status is Status.UNPROVEN
    assert said in first.reason


def test_a_reading_of_another_shape_proves_nothing():
    good = fleet(reading(URIS[0]))
    files = {**good.files, path_of(1): {"subject": URIS[0]}}

    first = Evidence(good.receipts, files, good.criteria).verdicts(LIFTED[0])[0]

    assert first.status is Status.UNPROVEN
    assert "not a PointReading" in first.reason


def test_a_receipt_that_is_absent_or_failed_leaves_nothing_to_judge():
    for row in LIFTED:
        for bare in (PASSING.without("read_restore_points"), PASSING.receipt("read_restore_points", outcome="failed")):
            (verdict,) = bare.verdicts(row)
            assert verdict.status is Status.UNPROVEN


@contract(needs=["read_restore_point"])
def backup_has_a_name(read_restore_point: Receipt[RestorePointObserved], criteria: Criteria) -> Finding:
    """Each backup has a name of its own."""
    facts = read_restore_point.facts
    named = bool(facts.backup_id) and facts.uri == criteria.backup.uri
    return hold(named, observed=facts.backup_id, expected="a name", reason="it has none")


@backup_has_a_name.sabotage("no name")
def no_name(read_restore_point: Receipt[RestorePointObserved]) -> Receipt[RestorePointObserved]:
    return replace(read_restore_point, observed=replace(read_restore_point.facts, backup_id=""))


def test_a_new_contract_of_one_restore_point_joins_the_fleet_without_a_line():
    plan = build("fleet", catalog.phases(), (*catalog.contracts(), backup_has_a_name))

    (joined,) = [row for row in plan.contracts if row.name == "backup_has_a_name"]
    assert [verdict.status for verdict in PASSING.verdicts(joined)] == [Status.PROVEN] * 2
    assert [verdict.observed for verdict in PASSING.verdicts(joined)] == ["backup-1", "backup-2"]


def test_a_contract_that_needs_more_than_one_restore_point_cannot_be_lifted():
    row = next(row for row in catalog.contracts() if len(row.needs) > 1)

    with pytest.raises(ValueError, match="repeats no such phase"):
        lift(row, read_restore_points)


def test_a_control_that_convinces_on_one_subject_and_not_on_another_does_not_convince():
    def verdict(subject: str, result: ControlResult) -> Verdict:
        control = Control(name="spoil", kind="sabotage", result=result, reason=subject)
        return Verdict(contract="c", version=1, claim="C.", subject=subject, status=Status.PROVEN, controls=(control,))

    good, absent = verdict("a", ControlResult.REFUTED), verdict("b", ControlResult.NOT_APPLICABLE)
    weak = verdict("c", ControlResult.SURVIVED)

    assert [c.result for c in folded([absent, good])[1]] == [ControlResult.REFUTED]
    assert [c.result for c in folded([good, weak])[1]] == [ControlResult.SURVIVED]
    assert [c.result for c in folded([absent, absent])[1]] == [ControlResult.NOT_APPLICABLE]
