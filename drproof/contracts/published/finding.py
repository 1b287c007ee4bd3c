"""Which of the objects that were read a contract speaks of."""

from collections.abc import Iterable

from drproof.model.criteria import Published
from drproof.model.verdict import Finding, undecided
from drproof.phases.published.observed import DENIED, ObjectRead, PointerRead, PublishedRunObserved


def pointer_of(facts: PublishedRunObserved, label: str) -> PointerRead | Finding:
    """Return one pointer; undecided when it was not read, for a missing one is refuted by its own contract."""
    found = [pointer for pointer in facts.pointers if pointer.label == label]
    if len(found) != 1:
        return undecided(f"the receipt holds {len(found)} pointers {label!r}, expected 1")
    if found[0].status != "ok":
        return undecided(f"the pointer {found[0].key} was not read: {found[0].status}")
    return found[0]


def output_of(facts: PublishedRunObserved, published: Published, output: str) -> ObjectRead | Finding:
    """Return an output as the run has it; undecided when no report promises it, or it may not be read."""
    name = f"{published.provider}:{published.profile}:{output}"
    found = [one for one in facts.objects if one.promised and one.name == name]
    if len(found) != 1:
        return undecided(f"the report {facts.report.key} ({facts.report.status}) promises {len(found)} {name}")
    return readable(found[0])


def copy_of(facts: PublishedRunObserved, output: str) -> ObjectRead | Finding:
    """Return the latest copy of an output; undecided when it was not looked for, or may not be read."""
    found = [one for one in facts.latest if one.name == output]
    if len(found) != 1:
        return undecided(f"the receipt holds {len(found)} latest copies of {output!r}, expected 1")
    return readable(found[0])


def readable(seen: ObjectRead) -> ObjectRead | Finding:
    """Return an object, unless nobody was allowed to see whether it is there."""
    return undecided(f"{seen.key} may not be read") if seen.status == DENIED else seen


def keys(objects: Iterable[ObjectRead]) -> list[str]:
    """Return the keys of objects in order."""
    return sorted(one.key for one in objects)
