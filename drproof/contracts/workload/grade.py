"""The recovery is shown as strongly as the criteria demand."""

from dataclasses import replace
from typing import Any

from drproof.analysis.grades import reached, suffices
from drproof.contracts.digests import other
from drproof.contracts.recovery.restored import materialised_state_is_what_was_backed_up
from drproof.contracts.restore_point.objects import backup_object_matches_its_metadata
from drproof.contracts.workload.job import (
    NAMES,
    validation_container_succeeded,
    validation_ran_the_pinned_image,
)
from drproof.contracts.workload.state import restored_state_is_what_was_backed_up
from drproof.model.contract import NotApplicableError, contract
from drproof.model.criteria import Criteria, Grade
from drproof.model.receipt import Receipt
from drproof.model.verdict import Finding, Status, hold, undecided
from drproof.phases.backup.observed import RestorePointObserved
from drproof.phases.recovery.validate import ValidateObserved

RestorePoint = Receipt[RestorePointObserved]
Validation = Receipt[ValidateObserved]


@contract(
    needs=["read_restore_point", "restore_state", "validate"],
    reads={"members": ("read_restore_point", "members"), "read_back": ("restore_state", "read_back")},
    controls=["NIST CP-4", "NIST CP-10", "ISO 22301 8.5", "DORA Art. 12"],
)
def recovery_is_shown_as_strongly_as_demanded(
    read_restore_point: RestorePoint,
    validate: Validation,
    members: dict[str, Any],
    read_back: dict[str, Any],
    criteria: Criteria,
) -> Finding:
    """The recovery is shown at the grade that is demanded: the backup exists, is whole, is materialised, or works."""
    objects, archives = criteria.backup.objects, criteria.backup.archives
    seen = {one.name: one for one in read_restore_point.facts.objects}
    if not objects or not archives:
        return undecided("the criteria name no object and archive: there is nothing to grade")
    shown = {
        Grade.EXISTENCE: all(name in seen and seen[name].status == "ok" and seen[name].size > 0 for name in objects),
        Grade.INTEGRITY: all(
            _holds(backup_object_matches_its_metadata.decide(read_restore_point=read_restore_point, subject=name))
            for name in objects
        ),
        Grade.MATERIALISED: all(
            _holds(materialised_state_is_what_was_backed_up.decide(members=members, read_back=read_back, subject=name))
            for name in archives
        ),
        Grade.APPLICATION_VERIFIED: all(
            _holds(
                restored_state_is_what_was_backed_up.decide(
                    validate=validate, members=members, criteria=criteria, subject=name
                )
            )
            for name in archives
        )
        and all(
            _holds(validation_container_succeeded.decide(validate=validate, subject=name))
            and _holds(validation_ran_the_pinned_image.decide(validate=validate, criteria=criteria, subject=name))
            for name in NAMES
        ),
    }
    grade = reached(shown)
    return hold(
        suffices(grade, criteria.grade),
        observed=grade.value if grade else "nothing",
        expected=criteria.grade.value,
        reason="the recovery is shown less strongly than demanded",
    )


@recovery_is_shown_as_strongly_as_demanded.sabotage("the workload failed", spoils="validate")
def workload_failed(validate: Validation, criteria: Criteria) -> Validation:
    """Fail the workload."""
    _demands(criteria, Grade.APPLICATION_VERIFIED)
    return replace(validate, observed=replace(validate.facts, condition="Failed:DeadlineExceeded"))


@recovery_is_shown_as_strongly_as_demanded.sabotage("nothing was materialised", spoils="read_back")
def nothing_materialised(read_back: dict[str, Any], criteria: Criteria) -> dict[str, Any]:
    """Materialise nothing."""
    _demands(criteria, Grade.MATERIALISED)
    return {**read_back, criteria.backup.archives[0]: []}


@recovery_is_shown_as_strongly_as_demanded.sabotage("an object has another digest", spoils="read_restore_point")
def object_differs(read_restore_point: RestorePoint, criteria: Criteria) -> RestorePoint:
    """Change an object."""
    _demands(criteria, Grade.INTEGRITY)
    name = criteria.backup.archives[0]
    return _object(read_restore_point, name, lambda seen: replace(seen, sha256=other(seen.sha256)))


@recovery_is_shown_as_strongly_as_demanded.sabotage("an object is not there", spoils="read_restore_point")
def object_absent(read_restore_point: RestorePoint, criteria: Criteria) -> RestorePoint:
    """Lose an object."""
    return _object(read_restore_point, criteria.backup.objects[0], lambda seen: replace(seen, status="not_found"))


def _object(receipt: RestorePoint, name: str, change: Any) -> RestorePoint:  # noqa: ANN401 — one object to another
    objects = tuple(change(seen) if seen.name == name else seen for seen in receipt.facts.objects)
    return replace(receipt, observed=replace(receipt.facts, objects=objects))


def _demands(criteria: Criteria, grade: Grade) -> None:
    if not suffices(criteria.grade, grade):
        msg = f"the criteria demand {criteria.grade.value} only"
        raise NotApplicableError(msg)


def _holds(finding: Finding) -> bool:
    return finding.status is Status.PROVEN
