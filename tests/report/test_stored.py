"""Page and terminal say where receipts lie besides, and what that does not show."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from drproof.evidence.bundle import Bundle, write_atomic
from drproof.evidence.canonical import canonical, digest
from drproof.evidence.documents import StoredFile, StoredReceipts
from drproof.evidence.stored import place_of, retain_until
from drproof.model.codec import encode
from drproof.model.criteria import Storing
from drproof.report import html, summary
from drproof.report.gaps import gaps
from tests.report import drills
from tests.report.conftest import Make
from tests.report.drills import Drill

STORING = Storing(uri="s3://keeps/receipts", owner="444455556666")
ASKED = Drill(criteria={"storing": STORING})
PLACE = Path("reports/drill-7")


def with_store(bundle: Bundle, *, locked: bool = True, **changes: Any) -> Bundle:
    """Write down where the bundle's receipts lie, and open it again."""
    place = place_of(STORING, bundle.plan.drill_id)
    names = ["plan.json", "opening.dsse.json", *(file.path for file in bundle.files)]
    kept = StoredFile(
        path="", sha256="0" * 64, uri="", version="v1", etag="e", was_there=False, problem="",
        retention_mode="GOVERNANCE" if locked else None,
        retained_until=retain_until(bundle.plan, STORING) if locked else None,
    )  # fmt: skip
    files = [
        replace(kept, path=name, uri=f"{place}/{name}", sha256=digest((bundle.directory / name).read_bytes()))
        for name in names
    ]
    files[-1] = replace(files[-1], **changes)
    stored = StoredReceipts(
        place=place,
        owner=STORING.owner,
        object_lock=locked,
        retain_until=None,
        files=tuple(files),
        intents=0,
        intents_missing=(),
    )
    write_atomic(bundle.directory / "receipts-store.json", canonical(encode(stored)))
    return drills.opened(bundle.directory, ASKED)


def told(bundle: Bundle, **said: Any) -> list[str]:
    given: dict[str, Any] = {"outcome": "proven", "exit_status": 0, "still_up": False, "directory": PLACE}
    return summary.lines(bundle, **{**given, **said})


def missed(bundle: Bundle) -> dict[str, tuple[str, ...]]:
    return {gap.what: (gap.why, *gap.details) for gap in gaps(bundle) if "receipts" in gap.what}


def test_stored_receipts_have_a_line_with_their_place_and_how_long_they_are_kept(make: Make) -> None:
    bundle = with_store(make(ASKED))
    (line,) = [line for line in told(bundle) if line.startswith("receipts: ")]
    assert line == (
        f"receipts: stored in s3://keeps/receipts/{bundle.plan.drill_id}, each under its version "
        f"and kept until 2026-12-01T08:00:01.000Z (GOVERNANCE)"
    )
    assert missed(bundle) == {}


def test_receipts_that_are_not_stored_are_shouted_with_where_they_are_and_what_to_do(make: Make) -> None:
    bundle = with_store(make(ASKED), problem="AccessDenied: not for you")
    lines = told(bundle)
    (at,) = [number for number, line in enumerate(lines) if line.startswith("RECEIPTS NOT STORED")]
    assert lines[at].endswith("they are kept in reports/drill-7/receipts")
    assert lines[at + 1].endswith("AccessDenied: not for you")
    assert lines[at + 2].startswith("  next: pytest -m preflight")
    ((why, detail),) = missed(bundle).values()
    assert "the local ones are all there is" in why
    assert detail.endswith("AccessDenied: not for you")
    assert "AccessDenied: not for you" in html.render(bundle, outcome="incomplete").decode()


def test_a_closing_that_is_not_stored_is_said_although_the_bundle_cannot_say_it(make: Make) -> None:
    lines = told(with_store(make(ASKED)), unstored="SlowDown: later")
    assert any(line.startswith("CLOSING NOT STORED in s3://keeps/receipts") for line in lines)
    assert "      reason: SlowDown: later" in lines


def test_a_store_that_keeps_nothing_is_a_gap(make: Make) -> None:
    bundle = with_store(make(ASKED), locked=False)
    assert list(missed(bundle)) == ["That the stored receipts cannot be removed or replaced."]


def test_without_a_store_nobody_speaks_of_one(make: Make) -> None:
    bundle = make()
    assert not any("stored" in line.lower() for line in told(bundle))
    assert missed(bundle) == {}
    assert "storing" not in html.render(bundle, outcome="proven").decode()
