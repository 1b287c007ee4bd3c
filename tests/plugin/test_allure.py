"""The team's own board: a result an item, and the receipts' very bytes."""

import json
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.costly


def _results(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(path.read_bytes()) for path in folder.glob("*-result.json")]


def _attached(folder: Path) -> dict[str, bytes]:
    """Return every attachment of a board by its name, from results, steps and fixtures."""
    found: dict[str, bytes] = {}

    def walk(part: dict[str, Any]) -> None:
        for row in part.get("attachments", []):
            if row["type"] == "application/json":
                found[row["name"]] = (folder / row["source"]).read_bytes()
        for key in ("steps", "befores", "afters"):
            for child in part.get(key, []):
                walk(child)

    for path in (*folder.glob("*-result.json"), *folder.glob("*-container.json")):
        walk(json.loads(path.read_bytes()))
    return found


def test_every_receipt_is_attached_with_the_bytes_of_its_file(whole):
    attached = _attached(whole.bundle.with_name("whole.allure"))
    receipts = {path.name: path.read_bytes() for path in (whole.bundle / "receipts").iterdir()}

    assert len(receipts) == 15
    assert attached == receipts


def test_titles_are_claims_and_end_states(whole):
    titles = {result["name"] for result in _results(whole.bundle.with_name("whole.allure"))}

    claims = {verdict["claim"] for verdict in whole.verdicts.values()}
    assert claims <= titles
    assert not any(title.startswith(("test_phase", "test_contract")) for title in titles)


def test_each_phase_is_a_step_that_says_how_it_ended(whole):
    folder = whole.bundle.with_name("whole.allure")
    text = "".join(path.read_text() for path in folder.glob("*.json"))

    for phase, outcome in whole.outcomes.items():
        assert f'"{phase}: {outcome}"' in text


def test_labels_are_the_controls_that_a_claim_supports(whole):
    verdict = whole.verdicts["no_residue_is_left"]
    (result,) = [r for r in _results(whole.bundle.with_name("whole.allure")) if r["name"] == verdict["claim"]]

    labels = {label["value"] for label in result["labels"] if label["name"] == "control"}
    assert labels == set(verdict["controls_of"])
    assert labels


def test_a_board_of_ones_own_choosing_replaces_ours(removed):
    elsewhere = removed.bundle.parent.parent / "elsewhere"

    assert not removed.bundle.with_name("down.allure").exists()
    (torn,) = (removed.bundle / "receipts").glob("*-teardown.json")
    assert _attached(elsewhere)[torn.name] == torn.read_bytes()
