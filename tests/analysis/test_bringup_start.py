"""A bring-up is cold only when nothing shows an older machine and something shows a new one."""

import pytest

from drproof.analysis.bringup_start import COLD, NO_OP, UNKNOWN, WARM, start
from drproof.formats.node_table import NodeAge

BEGAN, LOOKED_AT = "2026-05-04T10:00:00.000Z", "2026-05-04T10:11:00.000Z"
MINUTE = 60_000


def _of(changes=None, launched_at="", ages=(), looked_at=LOOKED_AT, began_at=BEGAN):
    nodes = [NodeAge(node="runner", at_least_ms=low * MINUTE, less_than_ms=high * MINUTE) for low, high in ages]
    return start(changes=changes, launched_at=launched_at, ages=nodes, looked_at=looked_at, began_at=began_at)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"changes": (4, 0, 0)}, COLD),
        ({"changes": (0, 0, 0)}, NO_OP),
        ({"changes": (0, 0, 0), "launched_at": "2026-05-04T10:03:00.000Z"}, NO_OP),
        ({"changes": (0, 2, 0)}, UNKNOWN),
        ({"changes": (0, 0, 1)}, UNKNOWN),
        ({"launched_at": BEGAN}, COLD),
        ({"launched_at": "2026-05-04T09:59:59.999Z"}, WARM),
        ({"changes": (1, 0, 0), "launched_at": "2026-05-04T09:59:59.999Z"}, WARM),
        ({"ages": [(10, 11)]}, COLD),
        ({"ages": [(11, 12)]}, UNKNOWN),
        ({"ages": [(12, 13)]}, WARM),
        ({"ages": [(5, 6), (12, 13)]}, WARM),
        ({"ages": [(5, 6), (11, 12)]}, UNKNOWN),
        ({"changes": (1, 0, 0), "ages": [(12, 13)]}, WARM),
        ({"changes": (1, 0, 0), "ages": [(12, 13)], "looked_at": ""}, COLD),
        ({"ages": [(5, 6)], "looked_at": ""}, UNKNOWN),
        ({}, UNKNOWN),
        ({"changes": (1, 0, 0), "began_at": ""}, COLD),
        ({"changes": (0, 1, 0), "began_at": ""}, UNKNOWN),
        ({"changes": (0, 0, 0), "began_at": ""}, NO_OP),
        ({"launched_at": BEGAN, "ages": [(12, 13)], "began_at": ""}, UNKNOWN),
    ],
)
def test_what_a_bring_up_was_is_said_by_its_counts_its_machine_and_its_nodes(given, said):
    assert _of(**given) == said
