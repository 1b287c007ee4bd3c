"""A bundle is what was sealed, or it says what differs; nothing that is done to it goes unnoticed."""

import json
import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from drproof import catalog
from drproof.evidence.bundle import Bundle, closing_of, listed, opening_of, write_atomic
from drproof.evidence.canonical import canonical, digest
from drproof.model.codec import encode
from drproof.model.criteria import PlanDocument, Window
from drproof.model.errors import EvidenceError
from drproof.model.receipt import Receipt, Tool
from tests.contracts.evidence import PASSING
from tests.contracts.observed import CRITERIA, DRILL, FILES, at, sha256

TYPES = {phase.name: phase.observes for phase in catalog.phases()}
PHASES = ("check_health", "read_restore_point", "bringup")
MEMBERS = "evidence/read_restore_point/members.json"
CONTROL_PLANE = "evidence/read_restore_point/control_plane.json"


def plan_of(drill_id: str = DRILL) -> PlanDocument:
    return PlanDocument(
        drill_id=drill_id,
        mode="rehearsal",
        plan="recovery",
        created_at=at(0),
        nonce=sha256("nonce"),
        window=Window(full=True, start_at="bringup", stop_after="teardown"),
        phases=PHASES,
        contracts=(),
        criteria=CRITERIA,
        max_attempts=3,
        tool=Tool(version="1"),
    )


def sealed(directory: Path, drill_id: str = DRILL) -> Path:
    """Write a whole bundle of three receipts."""
    plan = plan_of(drill_id)
    data = canonical(encode(plan))
    write_atomic(directory / "plan.json", data)
    opening = canonical(opening_of(plan, plan_digest=digest(data)))
    write_atomic(directory / "opening.json", opening)
    for path in (MEMBERS, CONTROL_PLANE):
        write_atomic(directory / path, canonical(FILES[path]))
    chain(directory, [replace(PASSING.receipts[phase], drill_id=drill_id) for phase in PHASES], digest(opening))
    write_atomic(directory / "verdicts.json", canonical({"schema_version": 1, "verdicts": []}))
    close(directory, plan)
    return directory


def chain(directory: Path, receipts: list[Receipt[Any]], head: str) -> None:
    opening = head
    for number, receipt in enumerate(receipts, start=1):
        data = canonical(encode(replace(receipt, sequence=number, previous=head, opening=opening)))
        write_atomic(directory / f"receipts/{number:02d}-{receipt.phase}.json", data)
        head = digest(data)


def close(directory: Path, plan: PlanDocument) -> None:
    last = max((directory / "receipts").iterdir())
    closing = closing_of(
        plan, outcome="proven", files=listed(directory), head=digest(last.read_bytes()), receipts=len(PHASES)
    )
    write_atomic(directory / "closing.json", canonical(closing))


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return sealed(tmp_path / "bundle")


def codes(directory: Path) -> set[str]:
    return {problem.code for problem in Bundle.open(directory, TYPES).problems()}


def edit(path: Path, change: Callable[[dict[str, Any]], None]) -> None:
    content = json.loads(path.read_bytes())
    change(content)
    path.write_bytes(canonical(content))


def receipt(directory: Path, number: int) -> Path:
    (path,) = (directory / "receipts").glob(f"{number:02d}-*.json")
    return path


def test_a_bundle_that_nobody_touched_has_no_problem(directory):
    bundle = Bundle.open(directory, TYPES)

    assert bundle.problems() == ()
    assert [one.phase for one in bundle.receipts] == list(PHASES)
    assert bundle.receipts[0].facts == PASSING.receipts["check_health"].facts
    assert bundle.is_closed
    assert bundle.digest == digest((directory / "closing.json").read_bytes())


def test_an_edited_receipt_breaks_the_chain_and_the_seal(directory):
    edit(receipt(directory, 2), lambda content: content.update(reason="edited"))

    assert codes(directory) == {"chain", "changed"}
    assert {one.path for one in Bundle.open(directory, TYPES).problems()} == {
        "receipts/02-read_restore_point.json",
        "receipts/03-bringup.json",
    }


def test_an_edited_last_receipt_is_not_the_head_that_was_sealed(directory):
    edit(receipt(directory, 3), lambda content: content.update(reason="edited"))

    assert codes(directory) == {"chain", "changed"}


@pytest.mark.parametrize("name", ["verdicts.json", MEMBERS])
@pytest.mark.parametrize(
    "change", [lambda data: data + b" ", lambda data: data[:-1], lambda _: b""], ids=["longer", "shorter", "empty"]
)
def test_an_edited_file_is_named(directory, name, change):
    path = directory / name
    path.write_bytes(change(path.read_bytes()))

    found = Bundle.open(directory, TYPES).problems()
    assert {one.path for one in found} == {name}
    assert {one.code for one in found} == {"changed", "evidence-digest"} - (
        {"evidence-digest"} if name != MEMBERS else set()
    )


@pytest.mark.parametrize(
    ("number", "expected"),
    [(1, {"sequence", "chain", "missing"}), (2, {"sequence", "chain", "missing"}), (3, {"chain", "missing"})],
)
def test_a_deleted_receipt_is_missed(directory, number, expected):
    receipt(directory, number).unlink()

    assert codes(directory) == expected


def test_a_deleted_file_is_missed(directory):
    (directory / "verdicts.json").unlink()
    assert codes(directory) == {"missing"}

    (directory / MEMBERS).unlink()
    assert codes(directory) == {"missing", "evidence-missing"}


def test_an_added_file_is_named_wherever_it_lies(directory):
    for name in ("note.txt", "evidence/more/deep.json", ".hidden", "receipts/readme.txt"):
        write_atomic(directory / name, b"{}")

    found = Bundle.open(directory, TYPES).problems()
    assert {(one.code, one.path) for one in found} == {
        ("extra", "note.txt"),
        ("extra", "evidence/more/deep.json"),
        ("extra", ".hidden"),
        ("extra", "receipts/readme.txt"),
    }


def test_an_added_receipt_is_named(directory):
    last = json.loads(receipt(directory, 3).read_bytes())
    write_atomic(
        directory / "receipts/04-bringup.json",
        canonical({**last, "sequence": 4, "previous": digest(receipt(directory, 3).read_bytes())}),
    )

    assert codes(directory) == {"extra", "chain"}


def test_swapped_receipts_are_noticed_though_each_is_genuine(directory):
    one, two = receipt(directory, 1), receipt(directory, 2)
    first, second = one.read_bytes(), two.read_bytes()
    one.write_bytes(second)
    two.write_bytes(first)

    assert codes(directory) == {"changed"}, "the chain is by number, the seal by path"


def test_a_reordered_chain_is_noticed(directory):
    edit(receipt(directory, 1), lambda content: content.update(sequence=2))
    edit(receipt(directory, 2), lambda content: content.update(sequence=1))

    assert codes(directory) == {"changed", "chain"}


def test_a_doubled_number_is_noticed(directory):
    edit(receipt(directory, 2), lambda content: content.update(sequence=1))

    assert codes(directory) == {"sequence", "changed", "chain"}


def test_the_receipts_of_another_drill_are_foreign_even_with_a_chain_of_their_own(directory, tmp_path):
    other = sealed(tmp_path / "other", "drill-2")
    shutil.rmtree(directory / "receipts")
    shutil.copytree(other / "receipts", directory / "receipts")

    assert codes(directory) == {"changed", "chain", "foreign"}


def test_another_plan_is_not_the_one_that_was_opened(directory):
    edit(directory / "plan.json", lambda content: content["criteria"].update(rto_ms=10**9))

    assert codes(directory) == {"opening", "changed"}


def test_another_opening_belongs_to_no_receipt(directory):
    edit(directory / "opening.json", lambda content: content.update(opened_at=at(59)))

    assert codes(directory) == {"opening", "changed", "chain", "foreign"}


def test_evidence_behind_a_symbolic_link_out_of_the_bundle_is_not_there(directory, tmp_path):
    outside = tmp_path / "outside.json"
    (directory / MEMBERS).rename(outside)
    (directory / MEMBERS).symlink_to(outside)

    assert "evidence-missing" in codes(directory)


def test_a_receipt_cannot_refer_to_what_lies_outside(directory, tmp_path):
    data = (directory / MEMBERS).read_bytes()
    (tmp_path / "outside.json").write_bytes(data)
    edit(
        receipt(directory, 2),
        lambda content: content["evidence"][0].update(path="../outside.json", sha256=digest(data)),
    )

    assert "evidence-missing" in codes(directory)


def test_a_bundle_without_its_closing_says_that_it_was_never_sealed(directory):
    (directory / "closing.json").unlink()

    assert codes(directory) == {"open"}
    assert Bundle.open(directory, TYPES).digest == digest((directory / "opening.json").read_bytes())


def test_an_edited_closing_names_another_end_or_other_files(directory):
    path, original = directory / "closing.json", (directory / "closing.json").read_bytes()
    for change, expected in (
        (lambda content: content.update(chain_head="0" * 64), {"chain"}),
        (lambda content: content.update(receipts=2), {"chain"}),
        (lambda content: content["files"].pop(), {"extra", "closing"}),
        (lambda content: content["files"][0].update(sha256="0" * 64), {"changed"}),
        (lambda content: content.update(files=[]), {"extra", "closing"}),
        (lambda content: content["files"][0].update(size=1), {"changed"}),
        (lambda content: content.update(file_count=1), {"closing"}),
        (lambda content: content.update(drill_id="another"), {"closing"}),
        (lambda content: content.update(mode="live"), {"closing"}),
        (lambda content: content["window"].update(full=not content["window"]["full"]), {"closing"}),
        (lambda content: content.update(outcome="splendid"), {"shape"}),
        (lambda content: content["files"][0].pop("path"), {"shape"}),
    ):
        path.write_bytes(original)
        edit(path, change)
        assert codes(directory) == expected


def test_a_closing_that_calls_unproven_evidence_proven_is_noticed(directory):
    edit(directory / "closing.json", lambda content: content.update(outcome="proven"))

    assert codes(directory) == ({"outcome"} if not proven(directory) else set())


def proven(directory: Path) -> bool:
    bundle = Bundle.open(directory, TYPES)
    rows = {(row.name, subject) for row in bundle.plan.contracts for subject in row.subjects or ("",)}
    shown = {(verdict.contract, verdict.subject) for verdict in bundle.verdicts if verdict.proven}
    return rows <= shown and {receipt.phase for receipt in bundle.receipts} >= set(bundle.plan.phases)


def test_a_link_in_place_of_a_file_is_noticed(directory, tmp_path):
    elsewhere = tmp_path / "elsewhere.json"
    (directory / "verdicts.json").rename(elsewhere)
    (directory / "verdicts.json").symlink_to(elsewhere)

    assert "symlink" in codes(directory)


@pytest.mark.parametrize("name", ["plan.json", "opening.json", "closing.json", "receipts/01-check_health.json"])
@pytest.mark.parametrize(
    "change",
    [
        lambda data: data[:-1],
        lambda data: data + b"\n",
        lambda data: b" " + data,
        lambda data: data.replace(b'"drill_id"', b'"drill_id":"x","drill_id"', 1),
        lambda _: b"[]",
        lambda _: b"\xff",
        lambda _: b"",
    ],
    ids=["torn", "newline", "blank", "duplicate", "list", "not utf-8", "empty"],
)
def test_a_document_that_is_not_written_canonically_cannot_be_read(directory, name, change):
    path = directory / name
    path.write_bytes(change(path.read_bytes()))

    with pytest.raises(EvidenceError):
        Bundle.open(directory, TYPES).problems()


@pytest.mark.parametrize("name", ["plan.json", "opening.json"])
def test_a_bundle_without_plan_or_opening_cannot_be_read(directory, name):
    (directory / name).unlink()

    with pytest.raises(EvidenceError, match=f"{name} cannot be read"):
        Bundle.open(directory, TYPES).problems()


def test_a_receipt_of_an_unknown_phase_or_shape_cannot_be_read(directory):
    path, original = receipt(directory, 1), receipt(directory, 1).read_bytes()
    for change in (
        lambda content: content.update(phase="unknown"),
        lambda content: content.update(outcome="fine"),
        lambda content: content.update(sequence=True),
        lambda content: content.update(started_at="2026-01-31T12:00:00Z"),
        lambda content: content.pop("tool"),
        lambda content: content["observed"].pop("marker"),
    ):
        path.write_bytes(original)
        edit(path, change)
        with pytest.raises(EvidenceError):
            Bundle.open(directory, TYPES)


def test_a_file_is_written_whole_or_not_at_all(tmp_path, monkeypatch):
    path = tmp_path / "deep" / "file.json"
    write_atomic(path, b"old")

    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    for name in ("fsync", "replace"):
        with monkeypatch.context() as patch:
            patch.setattr(os, name, full)
            with pytest.raises(OSError, match="No space"):
                write_atomic(path, b"new")
        assert [one.name for one in path.parent.iterdir()] == ["file.json"]
        assert path.read_bytes() == b"old"
    write_atomic(path, b"new")
    assert path.read_bytes() == b"new"
    assert path.stat().st_mode & 0o777 == 0o644
