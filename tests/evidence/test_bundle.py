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
from drproof.evidence import envelope
from drproof.evidence.bundle import (
    Bundle,
    clear_unfinished,
    digests,
    sealed_checkpoint,
    sealed_closing,
    sealed_opening,
    write_atomic,
)
from drproof.evidence.canonical import canonical, digest
from drproof.evidence.documents import Verdicts
from drproof.evidence.statements import Withheld
from drproof.model.codec import encode
from drproof.model.criteria import ExpectedContract, PlanDocument, Window
from drproof.model.errors import EvidenceError
from drproof.model.receipt import Receipt, Tool
from drproof.model.verdict import Status, Verdict
from tests.contracts.evidence import PASSING
from tests.contracts.observed import CRITERIA, DRILL, FILES, at, sha256
from tests.evidence.keys import Key

TYPES = {phase.name: phase.observes for phase in catalog.phases()}
PHASES = ("check_health", "read_restore_point", "bringup")
MEMBERS = "evidence/read_restore_point/members.json"
OPENING, CLOSING = "opening.dsse.json", "closing.dsse.json"
CONTROL_PLANE = "evidence/read_restore_point/control_plane.json"
PROMISED = "evidence/read_restore_point/promised_members.json"


def plan_of(drill_id: str = DRILL) -> PlanDocument:
    return PlanDocument(
        drill_id=drill_id,
        mode="rehearsal",
        plan="recovery",
        created_at=at(0),
        nonce=sha256("nonce"),
        window=Window(full=True, start_at="bringup", stop_after="teardown"),
        phases=PHASES,
        contracts=(ExpectedContract(name="the_drill_came_to_its_end", version=1, subjects=()),),
        criteria=replace(CRITERIA, storing=None),
        max_attempts=3,
        tool=Tool(version="1"),
    )


def sealed(directory: Path, drill_id: str = DRILL, signers: tuple[Key, ...] = (), **changes: Any) -> Path:
    """Write a whole bundle of three receipts; `changes` are those of its plan."""
    plan = replace(plan_of(drill_id), **changes)
    data = canonical(encode(plan))
    write_atomic(directory / "plan.json", data)
    opening = sealed_opening(plan, plan_digest=digest(data), signers=signers)
    write_atomic(directory / OPENING, opening)
    for path in (MEMBERS, PROMISED, CONTROL_PLANE):
        write_atomic(directory / path, canonical(FILES[path]))
    receipts = [replace(PASSING.receipts[phase], drill_id=drill_id, mode=plan.mode) for phase in PHASES]
    chain(directory, receipts, digest(opening), signers)
    verdicts = tuple(
        Verdict(contract=row.name, version=row.version, claim="It did.", subject=subject, status=Status.PROVEN)
        for row in plan.contracts
        for subject in row.subjects or ("",)
    )
    write_atomic(directory / "verdicts.json", canonical(encode(Verdicts(verdicts=verdicts))))
    close(directory, plan, signers)
    return directory


def chain(directory: Path, receipts: list[Receipt[Any]], head: str, signers: tuple[Key, ...] = ()) -> None:
    opening = head
    for number, receipt in enumerate(receipts, start=1):
        written = replace(receipt, sequence=number, previous=head, opening=opening)
        data = canonical(encode(written))
        write_atomic(directory / f"receipts/{number:02d}-{receipt.phase}.json", data)
        path, point = sealed_checkpoint(written, data, signers)
        write_atomic(directory / path, point)
        head = digest(data)


def close(directory: Path, plan: PlanDocument, signers: tuple[Key, ...] = (), **said: Any) -> None:
    last = max((directory / "receipts").iterdir())
    content: dict[str, Any] = {
        "opening": digest((directory / OPENING).read_bytes()),
        "outcome": "proven",
        "files": digests(directory),
        "head": digest(last.read_bytes()),
        "receipts": len(PHASES),
        "closed_at": at(59),
        "signers": signers,
    }
    write_atomic(directory / CLOSING, sealed_closing(plan, **{**content, **said}))


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return sealed(tmp_path / "bundle")


def codes(directory: Path) -> set[str]:
    return {problem.code for problem in Bundle.open(directory, TYPES).problems()}


def edit(path: Path, change: Callable[[dict[str, Any]], None]) -> None:
    content = json.loads(path.read_bytes())
    change(content)
    path.write_bytes(canonical(content))


def restate(path: Path, change: Callable[[dict[str, Any]], None]) -> None:
    """Change what a statement says, its envelope left whole and unsigned."""
    content = json.loads(envelope.read(path.read_bytes()).payload)
    change(content)
    path.write_bytes(envelope.sealed(canonical(content), ()))


def receipt(directory: Path, number: int) -> Path:
    (path,) = (directory / "receipts").glob(f"{number:02d}-*.json")
    return path


def test_a_bundle_that_nobody_touched_has_no_problem(directory):
    bundle = Bundle.open(directory, TYPES)

    assert bundle.problems() == ()
    assert [one.phase for one in bundle.receipts] == list(PHASES)
    assert bundle.receipts[0].facts == PASSING.receipts["check_health"].facts
    assert bundle.is_closed
    assert bundle.digest == digest((directory / CLOSING).read_bytes())


def test_an_edited_receipt_breaks_the_chain_and_the_seal(directory):
    edit(receipt(directory, 2), lambda content: content.update(reason="edited"))

    assert codes(directory) == {"chain", "checkpoint", "file-changed"}
    assert {one.path for one in Bundle.open(directory, TYPES).problems()} == {
        "receipts/02-read_restore_point.json",
        "checkpoints/02-read_restore_point.dsse.json",
        "receipts/03-bringup.json",
    }


def test_an_edited_last_receipt_is_not_the_head_that_was_sealed(directory):
    edit(receipt(directory, 3), lambda content: content.update(reason="edited"))

    assert codes(directory) == {"checkpoint", "closing", "file-changed"}


@pytest.mark.parametrize("name", ["verdicts.json", MEMBERS])
@pytest.mark.parametrize(
    "change", [lambda data: data + b" ", lambda data: data[:-1], lambda _: b""], ids=["longer", "shorter", "empty"]
)
def test_an_edited_file_is_named(directory, name, change):
    path = directory / name
    path.write_bytes(change(path.read_bytes()))

    found = Bundle.open(directory, TYPES).problems()
    assert {one.path for one in found} == {name}
    others = {"evidence-changed"} if name == MEMBERS else {"json", "not-canonical"}
    assert {"file-changed"} < {one.code for one in found} <= {"file-changed", *others}


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        (1, {"sequence", "chain", "checkpoint", "closing", "file-missing", "outcome"}),
        (2, {"sequence", "chain", "checkpoint", "closing", "file-missing", "outcome"}),
        (3, {"checkpoint", "closing", "file-missing", "outcome"}),
    ],
)
def test_a_deleted_receipt_is_missed(directory, number, expected):
    receipt(directory, number).unlink()

    assert codes(directory) == expected


def test_a_deleted_file_is_missed(directory):
    (directory / "verdicts.json").unlink()
    assert codes(directory) == {"file-missing", "verdict-missing"}

    (directory / MEMBERS).unlink()
    assert codes(directory) == {"file-missing", "verdict-missing", "evidence-missing"}


def test_an_added_file_is_named_wherever_it_lies(directory):
    for name in ("note.txt", "evidence/more/deep.json", ".hidden", "receipts/readme.txt"):
        write_atomic(directory / name, b"{}")

    found = Bundle.open(directory, TYPES).problems()
    assert {(one.code, one.path) for one in found} == {
        ("file-extra", "note.txt"),
        ("file-extra", "evidence/more/deep.json"),
        ("file-extra", ".hidden"),
        ("file-extra", "receipts/readme.txt"),
        ("receipt-name", "receipts/readme.txt"),
    }


def test_an_added_receipt_is_named(directory):
    last = json.loads(receipt(directory, 3).read_bytes())
    write_atomic(
        directory / "receipts/04-bringup.json",
        canonical({**last, "sequence": 4, "previous": digest(receipt(directory, 3).read_bytes())}),
    )

    assert codes(directory) == {"checkpoint-missing", "closing", "file-extra", "sequence"}


def test_swapped_receipts_are_noticed_though_each_is_genuine(directory):
    one, two = receipt(directory, 1), receipt(directory, 2)
    first, second = one.read_bytes(), two.read_bytes()
    one.write_bytes(second)
    two.write_bytes(first)

    assert {"chain", "checkpoint", "file-changed"} <= codes(directory)


def test_a_reordered_chain_is_noticed(directory):
    edit(receipt(directory, 1), lambda content: content.update(sequence=2))
    edit(receipt(directory, 2), lambda content: content.update(sequence=1))

    assert {"chain", "checkpoint", "file-changed"} <= codes(directory)


def test_a_doubled_number_is_noticed(directory):
    edit(receipt(directory, 2), lambda content: content.update(sequence=1))

    assert codes(directory) == {"receipt-name", "checkpoint", "file-changed", "chain"}


def test_the_receipts_of_another_drill_are_foreign_even_with_a_chain_of_their_own(directory, tmp_path):
    other = sealed(tmp_path / "other", "drill-2")
    shutil.rmtree(directory / "receipts")
    shutil.copytree(other / "receipts", directory / "receipts")

    assert codes(directory) == {"file-changed", "chain", "checkpoint", "closing", "foreign"}


def test_another_plan_is_not_the_one_that_was_opened(directory):
    edit(directory / "plan.json", lambda content: content["criteria"].update(rto_ms=10**9))

    assert codes(directory) == {"opening", "file-changed"}


def test_another_opening_belongs_to_no_receipt(directory):
    restate(directory / OPENING, lambda content: content["predicate"].update(opened_at=at(58)))

    assert codes(directory) == {"opening", "file-changed", "chain", "checkpoint", "closing", "foreign"}


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
    (directory / CLOSING).unlink()

    assert codes(directory) == {"not-closed"}
    assert Bundle.open(directory, TYPES).digest == digest((directory / OPENING).read_bytes())


def test_an_edited_closing_names_another_end_or_other_files(directory):
    path, original = directory / CLOSING, (directory / CLOSING).read_bytes()

    def subject(content: dict[str, Any]) -> dict[str, Any]:
        return content["subject"][0]

    for change, expected in (
        (lambda content: content["predicate"].update(chain_head="0" * 64), {"closing"}),
        (lambda content: content["predicate"].update(receipts=2), {"closing"}),
        (lambda content: content["subject"].pop(), {"file-extra", "closing"}),
        (lambda content: subject(content)["digest"].update(sha256="0" * 64), {"file-changed"}),
        (lambda content: content.update(subject=[]), {"file-extra", "closing"}),
        (lambda content: content["predicate"].update(file_count=1), {"closing"}),
        (lambda content: content["predicate"].update(drill_id="another"), {"closing"}),
        (lambda content: content["predicate"].update(mode="live"), {"closing"}),
        (lambda content: content["predicate"].update(plan="backup"), {"closing"}),
        (lambda content: content["predicate"].update(opening="0" * 64), {"closing"}),
        (lambda content: content["predicate"].update(closed_at="2020-01-01T00:00:00.000Z"), {"closing"}),
        (lambda content: content["predicate"]["window"].update(full=False), {"closing"}),
        (lambda content: content["predicate"].update(outcome="splendid"), {"statement"}),
        (lambda content: content["predicate"].update(closed_at="2026-02-30T00:00:00.000Z"), {"statement"}),
        (lambda content: content["predicate"].update(more=1), {"statement"}),
        (lambda content: content["predicate"].pop("withheld"), {"statement"}),
        (lambda content: content["subject"].reverse(), {"statement"}),
        (lambda content: content["subject"].append(subject(content)), {"statement"}),
        (lambda content: subject(content).pop("name"), {"statement"}),
        (lambda content: content.update(predicateType="https://drproof.dev/attestation/opening/v1"), {"statement"}),
        (lambda content: content.update(_type="https://in-toto.io/Statement/v0.1"), {"statement"}),
    ):
        path.write_bytes(original)
        restate(path, change)
        assert codes(directory) == expected


@pytest.mark.parametrize("spoilt", ["a phase failed", "a file was withheld", "a phase never ran"])
def test_a_closing_that_calls_unproven_evidence_proven_is_noticed(directory, spoilt):
    SPOILERS[spoilt](directory)

    assert codes(directory) == {"outcome"}


def failed(directory: Path) -> None:
    edit(receipt(directory, 3), lambda content: content.update(outcome="failed", reason="it was not so"))
    content = Bundle.open(directory, TYPES).files[-1]
    path, point = sealed_checkpoint(content.receipt, (directory / content.path).read_bytes())
    (directory / path).write_bytes(point)
    close(directory, plan_of())


def withheld(directory: Path) -> None:
    close(directory, plan_of(), withheld=(Withheld(path="logs/x.log", where="line 1", rule="key"),))


def unplanned(directory: Path) -> None:
    shutil.rmtree(directory)
    sealed(directory, phases=(*PHASES, "teardown"))


SPOILERS = {"a phase failed": failed, "a file was withheld": withheld, "a phase never ran": unplanned}


def test_a_link_in_place_of_a_file_is_noticed(directory, tmp_path):
    elsewhere = tmp_path / "elsewhere.json"
    (directory / "verdicts.json").rename(elsewhere)
    (directory / "verdicts.json").symlink_to(elsewhere)

    assert "link" in codes(directory)


@pytest.mark.parametrize("name", ["plan.json", "receipts/01-check_health.json"])
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


@pytest.mark.parametrize("name", ["plan.json", OPENING])
def test_a_bundle_without_plan_or_opening_cannot_be_read(directory, name):
    (directory / name).unlink()

    with pytest.raises(EvidenceError, match=f"{name} cannot be read"):
        _ = Bundle.open(directory, TYPES).digest, Bundle.open(directory, TYPES).opening_digest


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


def test_a_bundle_of_an_earlier_version_is_read_and_one_with_unknown_members_is_not(directory):
    def older(content: dict[str, Any]) -> None:
        assert content["criteria"].pop("runner_limit") == 1, "a member with a default"

    edit(directory / "plan.json", older)
    assert Bundle.open(directory, TYPES).plan.criteria.runner_limit == 1

    edit(directory / "plan.json", lambda content: content["criteria"].update(more=1))
    with pytest.raises(EvidenceError) as refused:
        Bundle.open(directory, TYPES)
    assert refused.value.code == "shape"


def test_what_a_killed_process_was_still_writing_is_removed_and_nothing_else(tmp_path):
    names = ("receipts/.01-bringup.json.abc_12fg", ".plan.json.abcdefgh", "receipts/01-bringup.json", "logs/.kept",
             "after/.sign-off.json.abcdefgh")  # fmt: skip
    for name in names:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"x")

    clear_unfinished(tmp_path)

    left = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file()}
    assert left == {"receipts/01-bringup.json", "logs/.kept", "after/.sign-off.json.abcdefgh"}
