"""How strongly a recovery is shown: a ladder, on which a rung holds only what stands on all the rungs below it."""

from collections.abc import Mapping

from drproof.model.criteria import Grade

LADDER = (Grade.EXISTENCE, Grade.INTEGRITY, Grade.MATERIALISED, Grade.APPLICATION_VERIFIED)


def reached(shown: Mapping[Grade, bool]) -> Grade | None:
    """Return the highest grade that is shown together with all those below it; None when not even the first is."""
    highest = None
    for grade in LADDER:
        if not shown.get(grade, False):
            break
        highest = grade
    return highest


def suffices(grade: Grade | None, demanded: Grade) -> bool:
    """Return whether a grade is the demanded one, or above it."""
    return grade is not None and LADDER.index(grade) >= LADDER.index(demanded)
