"""The page about the control plane names contracts and tests that there are."""

import re
from pathlib import Path

from drproof import catalog

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs/control-plane.md").read_text(encoding="utf-8")


def test_every_contract_and_every_test_of_the_page_exists():
    contracts = {contract.name for contract in catalog.contracts()}
    tests = {
        name for path in (ROOT / "tests").rglob("test_*.py") for name in re.findall(r"def (test_\w+)", path.read_text())
    }
    named = set(re.findall(r"`(control_plane_\w+)`", PAGE)) - {"control_plane_name"}

    assert named <= contracts
    assert {name for name in contracts if name.startswith("control_plane")} - named == {
        "control_plane_pointer_names_its_bundle",
        "control_plane_files_equal_the_manifest",
        "control_plane_section_is_complete",
    }
    told = set(re.findall(r"`(test_\w+)`", PAGE))
    assert told
    assert told <= tests
