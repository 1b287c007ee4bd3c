"""The restore point is as large as what it backs up makes likely."""

from dataclasses import replace
from typing import Any

from drproof.model.contract import contract
from drproof.model.criteria import Criteria
from drproof.model.receipt import Receipt
from drproof.model.verdict import Finding, hold, undecided
from drproof.phases.backup.observed import ArchiveSeen, RestorePointObserved

RestorePoint = Receipt[RestorePointObserved]


def _is_comparable(criteria: Criteria) -> bool:
    published = criteria.backup.published
    return published is not None and published.share > 0 and published.state in criteria.backup.archives


@contract(needs=["read_restore_point"], applies=_is_comparable, controls=["NIST CP-9(1)", "ISO 27001 A.8.13"])
def restore_point_is_plausible(read_restore_point: RestorePoint, criteria: Criteria) -> Finding:
    """The content of the state archive is not tiny beside what the original site published with its last run."""
    place = criteria.backup.published
    published = read_restore_point.facts.published
    if place is None or published is None:
        return undecided("nobody looked at what the original site publishes")
    if published.problem or not published.size:
        return undecided(f"nobody knows how much the last run published: {published.problem or 'it has no bytes'}")
    seen = next((one for one in read_restore_point.facts.archives if one.name == place.state), None)
    if seen is None:
        return undecided(f"the receipt does not speak of {place.state}")
    if seen.problem:
        return undecided(f"{place.state} could not be read as a whole: {seen.problem}")
    least = -(-published.size // place.share)
    # Of nothing but empty files a member manifest can be megabytes.
    content = seen.size - seen.manifest_size
    return hold(
        content >= least,
        observed={"content": content, "files": seen.files, "published": published.size, "run": published.run_id},
        expected={"content": f"at least {least}, one part in {place.share} of what was published"},
        reason=f"{place.state} holds {content} bytes, and the last run published {published.size}",
    )


@restore_point_is_plausible.sabotage("the archive holds one byte less than is plausible")
def tiny(read_restore_point: RestorePoint, criteria: Criteria) -> RestorePoint:
    """Back up next to nothing."""
    seen, least = _state(read_restore_point, criteria)
    return _archive(read_restore_point, seen.name, size=seen.manifest_size + least - 1)


@restore_point_is_plausible.sabotage("all but a member manifest is one byte less than is plausible")
def only_listed(read_restore_point: RestorePoint, criteria: Criteria) -> RestorePoint:
    """Back up next to nothing, and list it at length."""
    seen, least = _state(read_restore_point, criteria)
    return _archive(read_restore_point, seen.name, manifest_size=seen.size - least + 1)


@restore_point_is_plausible.sabotage("the archive holds nothing")
def nothing(read_restore_point: RestorePoint, criteria: Criteria) -> RestorePoint:
    """Back up nothing."""
    seen, _ = _state(read_restore_point, criteria)
    return _archive(read_restore_point, seen.name, size=seen.manifest_size)


@restore_point_is_plausible.sabotage("the original site published far more")
def huge(read_restore_point: RestorePoint) -> RestorePoint:
    """Publish more than such a backup can hold."""
    facts = read_restore_point.facts
    return replace(
        read_restore_point,
        observed=replace(facts, published=replace(facts.published, size=1 << 52)),  # type: ignore[type-var]
    )


def _state(receipt: RestorePoint, criteria: Criteria) -> tuple[ArchiveSeen, int]:
    """Return the state archive, and the least that its content may be; proven evidence has both."""
    place: Any = criteria.backup.published
    published: Any = receipt.facts.published
    seen = next(one for one in receipt.facts.archives if one.name == place.state)
    return seen, -(-published.size // place.share)


def _archive(receipt: RestorePoint, name: str, **changes: Any) -> RestorePoint:  # noqa: ANN401 — fields of one value
    def changed(seen: ArchiveSeen) -> ArchiveSeen:
        return replace(seen, **changes) if seen.name == name else seen

    facts = receipt.facts
    return replace(receipt, observed=replace(facts, archives=tuple(changed(seen) for seen in facts.archives)))
