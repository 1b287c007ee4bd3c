"""Whether a bring-up started a machine: cold, warm, or nothing at all."""

from collections.abc import Iterable

from drproof.formats.node_table import NodeAge
from drproof.formats.timestamps import milliseconds

COLD, WARM, NO_OP, UNKNOWN = "cold", "warm", "no-op", "unknown"


def start(
    *, changes: tuple[int, int, int] | None, launched_at: str, ages: Iterable[NodeAge], looked_at: str, began_at: str
) -> str:
    """Return what the evidence of a bring-up shows; one sign of an older machine outweighs every sign of a new one.

    `changes` are the resources added, changed and destroyed; None, or an empty text, is what nobody said. Without the
    execution's beginning the ages say nothing.
    """
    if changes is not None and not any(changes):
        return NO_OP
    created = changes is not None and changes[0] > 0
    if not began_at:
        return COLD if created else UNKNOWN
    began = milliseconds(began_at)
    nodes = tuple(ages) if looked_at else ()
    if launched_at and milliseconds(launched_at) < began:
        return WARM
    # A node that is a minute old may be up to two: both ends of that must lie on one side.
    if any(milliseconds(looked_at) - node.at_least_ms < began for node in nodes):
        return WARM
    if launched_at or created:
        return COLD
    if nodes and all(milliseconds(looked_at) - node.less_than_ms >= began for node in nodes):
        return COLD
    return UNKNOWN
