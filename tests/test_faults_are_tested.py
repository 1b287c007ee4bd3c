"""Every fault that a call, a disk, a child or a clock can meet is brought about by a test that the page names."""

import re
from pathlib import Path

import pytest

from drproof.embedded.faults.rules import KINDS, OF_CLUSTERS

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs/testing.md").read_text(encoding="utf-8")
SECTION = PAGE.partition("## Every fault, and where it is tested")[2].partition("\n## ")[0]
ROWS = [
    [cell.strip() for cell in line.strip("|").split(" | ")]
    for line in SECTION.splitlines()
    if re.match(r"\| [^-]", line)
]
OF_CALLS = {row[0].strip("` "): row[1:] for row in ROWS if len(row) == 3 and row[0].strip().startswith("`")}
OF_THIS_MACHINE = {row[0]: row[1] for row in ROWS if len(row) == 2 and row[0] != "fault"}
NAMED = sorted({cell.strip("` ") for cells in (*OF_CALLS.values(), OF_THIS_MACHINE.values()) for cell in cells})
WORDS = ("full", "EIO", "read-only", "signals", "SIGKILL", "killed child", "grandchild", "clock")


def test_each_kind_of_a_call_has_its_row_and_what_cannot_befall_a_cluster_is_tested_there_by_its_adapter():
    assert set(OF_CALLS) == set(KINDS)
    without = {kind for kind, (aws, cluster) in OF_CALLS.items() if "none: " in aws + cluster}
    assert without == {"gone", "wrong-bytes"}
    assert "gone" in OF_CLUSTERS
    assert "wrong-bytes" not in OF_CLUSTERS


def test_disks_children_and_clocks_have_their_rows():
    assert [word for word in WORDS if not any(word in fault for fault in OF_THIS_MACHINE)] == []
    assert len(OF_THIS_MACHINE) > 15


@pytest.mark.parametrize("named", [one for one in NAMED if not one.startswith("none: ")])
def test_the_test_that_a_row_names_is_there(named):
    path, _, name = named.partition("::")

    assert re.search(rf"^def {name}\(", (ROOT / path).read_text(encoding="utf-8"), re.MULTILINE), named
