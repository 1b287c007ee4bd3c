"""Whoever verifies the bundle of an end offline finds what was found live: each verdict, the outcome, the same receipts.

The command itself is asked, without a socket, and the second verifier beside it.
"""

import json
import socket
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from drproof import catalog
from drproof.cli.verifying import decided
from drproof.evidence.canonical import digest
from tests.attacks.verifiers import second
from tests.drill.conftest import Drill
from tests.drill.shared import Shelf
from tests.orchestrator import playing
from tests.orchestrator.playing import NAME
from tests.orchestrator.resuming import Resumed
from tests.orchestrator.test_whole import STATUS, ends, refuse_sockets

pytestmark = pytest.mark.costly("ends by the packaged function")

ASKED = {
    "expect_drill": None, "expect_nonce": None, "expect_account": None, "expect_region": None, "prev": None,
    "max_age": None, "require_level": "L1", "require_full": False, "accept_rehearsal": True,
}  # fmt: skip


def bundles(end: playing.Ended) -> Iterator[tuple[Drill, str]]:
    """Yield every bundle of an end, each with what its maker said that it came to."""
    if end.row["sealed"]:
        (said,) = {answer["verdict"] for answer in answers(end) if answer.get("phase") == "seal"}
        yield end.drill, said
        return
    found, printed = Resumed(end.folder, NAME), end.told["resumed"]["said"]
    for drill in (found.sealed, found.undone):
        _, _, said = printed.partition(f"\n{drill.bundle.name}: ")
        yield drill, said.partition(",")[0]


def answers(end: playing.Ended) -> list[dict[str, str]]:
    """Return what the function answered, as the machine has it."""
    outputs = [event.get("taskSucceededEventDetails", {}).get("output") for event in end.told["history"]]
    documents = [json.loads(output) for output in outputs if output]
    payloads = [one.get("Payload") for one in documents if isinstance(one, dict)]
    return [one for one in payloads if isinstance(one, dict)]


@ends()
def test_verifying_a_bundle_offline_finds_the_verdicts_that_were_found_live(
    shelf: Shelf, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    end = playing.ended(shelf, name)
    found = list(bundles(end))
    monkeypatch.setattr(socket, "socket", refuse_sockets)
    monkeypatch.setattr(socket, "create_connection", refuse_sockets)

    assert found
    for drill, said in found:
        trust = drill.bundle.parent.parent / ".drproof" / "trust.json"
        text, status = decided(drill.bundle, trust, dict(ASKED), asking=None, as_json=True)
        told = json.loads(text)
        assert (status, told["outcome"]) == (STATUS[said], said), told
        assert {one["code"] for one in told["findings"]} <= {said}
        assert judged(drill) == {verdict: one["status"] for verdict, one in drill.verdicts.items()}
        also = second(drill.bundle, trust, now(), ["--accept-rehearsal"])
        assert (also.exit, also.level, also.codes) == (status, told["level"], {one["code"] for one in told["findings"]})


@ends(wanted=lambda row: row["sealed"])
def test_the_receipts_of_a_bundle_are_those_in_the_store_byte_for_byte(shelf: Shelf, name: str) -> None:
    end = playing.ended(shelf, name)

    shown = {phase: receipt for phase, receipt in end.drill.receipts.items() if phase in end.told["receipts"]}
    assert shown == end.told["receipts"]
    referred = [one for one in answers(end) if one.get("phase") in shown and one.get("sha256")]
    files = {receipt_phase(path): path for path in (end.drill.bundle / "receipts").glob("*.json")}
    assert {one["phase"]: one["sha256"] for one in referred} == {
        one["phase"]: digest_of(files[one["phase"]]) for one in referred
    }


def receipt_phase(path: Path) -> str:
    return path.stem.partition("-")[2]


def digest_of(path: Path) -> str:
    return digest(path.read_bytes())


def judged(drill: Drill) -> dict[str, str]:
    """Return what the installed contracts say of the receipts in a bundle, by name."""
    inspection = drill.verified().inspection
    assert inspection is not None
    return {verdict.name: verdict.status.value for verdict in catalog.judge_again(inspection).values()}


def now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.999Z")
