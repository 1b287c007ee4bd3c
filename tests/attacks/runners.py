"""What the holder of a trusted key can write: everything is signed, and does not agree with itself."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from rfc8785 import dumps

from drproof.model.codec import encode
from tests.attacks.bundles import CLOSING, OPENING, PLAN, VERDICTS, Drill, Edit, build
from tests.attacks.case import Case, having, saying, verdicts, without
from tests.attacks.honest import CHAIN, FAILED, HEALTH, LAST, STALE
from tests.attacks.strangers import FIRST, MIDDLE
from tests.contracts.observed import CRITERIA, at, sha256

PROVEN = {CLOSING: saying(outcome="proven")}


def cases() -> Mapping[str, Case]:
    """Return each attack of a runner by its name."""
    return {**_outcomes(), **_verdicts(), **_receipts(), **_statements(), **_documents()}


def lie(drill: Drill, path: str, edit: Edit, *codes: str) -> Case:
    """Return a case in which one document of a drill was changed before it was signed."""
    return Case(files=build(replace(drill, edits={**drill.edits, path: edit})), codes=codes)


def _outcomes() -> Mapping[str, Case]:
    entry = {"path": "logs/a.txt", "where": "line 3", "rule": "private key"}

    def older(content: Any) -> Any:
        return {**content, "observed": {**content["observed"], "age_ms": 900_000_000}}

    unjudged = build(replace(HEALTH, edits={f"receipts/{FIRST}.json": older}))
    return {
        "proven_over_a_refuted_verdict": Case(
            files=build(replace(HEALTH, evidence=STALE, edits=PROVEN)), codes=["outcome"]
        ),
        "proven_over_a_failed_receipt": Case(
            files=build(replace(HEALTH, evidence=FAILED, edits={**PROVEN, VERDICTS: lambda _: _verdicts_of(HEALTH)})),
            codes=["outcome"],
        ),
        "proven_over_a_missing_phase": Case(
            files=build(replace(CHAIN, missing=("notify",), edits={**PROVEN, VERDICTS: lambda _: _verdicts_of(CHAIN)})),
            codes=["outcome"],
        ),
        "proven_over_nothing": Case(
            files=build(replace(HEALTH, edits={**PROVEN, PLAN: having(contracts=[]), VERDICTS: having(verdicts=[])})),
            codes=["outcome"],
        ),
        "proven_over_something_withheld": Case(
            files=build(replace(HEALTH, withheld=[entry], edits=PROVEN)), codes=["outcome"]
        ),
        "plan_that_asks_less_than_its_criteria": Case(
            files=build(replace(HEALTH, edits={PLAN: _asking_less, VERDICTS: verdicts(_judging_less)})),
            exit=0,
            level="L1",
            judging={"exit": 1, "level": "L0", "codes": ["judged-otherwise"]},
        ),
        "receipt_that_its_verdict_does_not_follow": Case(
            files=unjudged,
            exit=0,
            level="L1",
            judging={"exit": 1, "level": "L0", "codes": ["judged-otherwise"]},
        ),
    }


def _asking_less(plan: Any) -> Any:
    """Take one subject away from each contract that has several."""
    return {**plan, "contracts": [{**row, "subjects": row["subjects"][:1]} for row in plan["contracts"]]}


def _judging_less(rows: Iterable[Any]) -> Iterable[Any]:
    """Keep one verdict of each contract."""
    kept = {row["contract"]: row for row in reversed([*rows])}
    return kept.values()


def _verdicts_of(drill: Drill) -> bytes:
    return build(drill)[VERDICTS]


def _verdicts() -> Mapping[str, Case]:
    def first(**changes: Any) -> Edit:
        return verdicts(lambda rows: [{**rows[0], **changes}, *rows[1:]])

    return {
        "verdict_left_out": lie(HEALTH, VERDICTS, verdicts(lambda rows: rows[1:]), "verdict-missing"),
        "verdict_said_twice": lie(HEALTH, VERDICTS, verdicts(lambda rows: [*rows, rows[0]]), "verdict-extra"),
        "verdict_of_no_contract": lie(
            HEALTH, VERDICTS, verdicts(lambda rows: [*rows, {**rows[0], "contract": "all_is_well"}]), "verdict-extra"
        ),
        "verdict_on_no_subject": lie(
            HEALTH, VERDICTS, verdicts(lambda rows: [*rows, {**rows[0], "subject": "anything"}]), "verdict-extra"
        ),
        "verdict_of_another_version": lie(HEALTH, VERDICTS, first(version=2), "verdict-extra"),
        "verdict_splendid": lie(HEALTH, VERDICTS, first(status="splendid"), "shape"),
        "verdicts_left_out": Case(
            files=build(
                replace(
                    HEALTH,
                    edits={
                        CLOSING: lambda content: {
                            **content,
                            "subject": [one for one in content["subject"] if one["name"] != VERDICTS],
                        }
                    },
                )
            ),
            codes=["file-extra", "closing"],
        ),
    }


def _receipts() -> Mapping[str, Case]:
    first, middle, last = (f"receipts/{name}.json" for name in (FIRST, MIDDLE, LAST))

    def ref(**changes: Any) -> Edit:
        return lambda content: {**content, "evidence": [{**content["evidence"][0], **changes}]}

    def told(path: str, *codes: str, **changes: Any) -> Case:
        return lie(CHAIN, path, having(**changes), *codes)

    return {
        "receipt_with_another_number": told(middle, "receipt-name", sequence=3),
        "receipt_of_another_phase_than_its_name": told(middle, "receipt-name", phase="dance"),
        "receipt_after_no_other": told(last, "chain", previous=sha256("nothing")),
        "receipt_first_after_something": told(first, "chain", previous=sha256("something")),
        "receipt_under_another_opening": told(middle, "foreign", opening=sha256("another opening")),
        "receipt_of_a_foreign_drill": told(middle, "foreign", drill_id="drill-2"),
        "receipt_of_a_rehearsal": told(middle, "foreign", mode="rehearsal"),
        "receipt_of_another_plan": told(middle, "foreign", plan="failback"),
        "receipt_outside_the_plan": Case(
            files=build(replace(CHAIN, edits={PLAN: having(phases=["check_health", "capture_alarms"])})),
            codes=["foreign"],
        ),
        "receipt_fine": told(last, "shape", outcome="fine"),
        "receipt_numbered_true": told(first, "shape", sequence=True),
        "receipt_without_its_drill": lie(
            CHAIN, last, lambda content: {k: v for k, v in content.items() if k != "drill_id"}, "shape"
        ),
        "evidence_of_another_size": lie(CHAIN, middle, ref(size=1), "evidence-changed"),
        "evidence_of_another_digest": lie(CHAIN, middle, ref(sha256=sha256("other")), "evidence-changed"),
        "evidence_outside_the_bundle": lie(CHAIN, middle, ref(path="../trust/usual.json"), "evidence-missing"),
        "evidence_at_an_absolute_path": lie(CHAIN, middle, ref(path="/etc/hostname"), "evidence-missing"),
    }


def _statements() -> Mapping[str, Case]:
    checkpoint = f"checkpoints/{MIDDLE}.dsse.json"

    def subjects(change: Any) -> Edit:
        return lambda content: {**content, "subject": change(content["subject"])}

    def closing(*codes: str, **changes: Any) -> Case:
        return lie(HEALTH, CLOSING, saying(**changes), *codes)

    def opening(**changes: Any) -> Case:
        return lie(HEALTH, OPENING, saying(**changes), "opening")

    listed: Sequence[Any] = [{"name": CLOSING, "digest": {"sha256": "0" * 64}}]
    return {
        "opening_of_another_nonce": opening(nonce=sha256("fresh")),
        "opening_of_another_mode": opening(mode="rehearsal"),
        "opening_at_another_time": opening(opened_at=at(1)),
        "opening_after_another_bundle": opening(previous_bundle=sha256("before")),
        "opening_on_another_site": opening(
            sites={name: {**site, "region": "eu-central-1"} for name, site in encode(CRITERIA.sites).items()}
        ),
        "opening_of_another_plan": lie(
            HEALTH,
            OPENING,
            subjects(lambda rows: [{**rows[0], "digest": {"sha256": sha256("another")}}]),
            "opening",
        ),
        "opening_of_two_plans": lie(
            HEALTH, OPENING, subjects(lambda rows: [*rows, {**rows[0], "name": "plan2.json"}]), "opening"
        ),
        "checkpoint_of_another_number": lie(CHAIN, checkpoint, saying(sequence=3), "checkpoint"),
        "checkpoint_under_another_opening": lie(CHAIN, checkpoint, saying(opening=sha256("o")), "checkpoint"),
        "checkpoint_of_another_receipt": lie(
            CHAIN,
            checkpoint,
            subjects(lambda rows: [{**rows[0], "digest": {"sha256": sha256("r")}}]),
            "checkpoint",
        ),
        "closing_counts_another_number": closing("closing", receipts=2),
        "closing_counts_other_files": closing("closing", file_count=1),
        "closing_ends_elsewhere": closing("closing", chain_head=sha256("elsewhere")),
        "closing_of_another_opening": closing("closing", opening=sha256("elsewhere")),
        "closing_of_another_window": closing("closing", window=encode(CHAIN.document().window)),
        "closing_of_a_foreign_drill": closing("closing", drill_id="drill-2"),
        "closing_of_another_mode": closing("closing", mode="rehearsal"),
        "closing_of_another_plan": closing("closing", plan="failback"),
        "closing_before_the_opening": closing("closing", closed_at="2026-01-31T11:59:59.999Z"),
        "closing_splendid": closing("statement", outcome="splendid"),
        "closing_on_no_day": closing("statement", closed_at="2026-02-30T12:00:00.000Z"),
        "closing_without_milliseconds": closing("statement", closed_at="2026-01-31T12:50:00Z"),
        "closing_of_version_2": closing("statement", schema_version=2),
        "closing_of_version_true": closing("statement", schema_version=True),
        "closing_with_another_name": closing("statement", note=""),
        "closing_with_a_fraction": lie(
            HEALTH, CLOSING, lambda content: _text(content).replace(b'"receipts":1', b'"receipts":1.5'), "statement"
        ),
        "closing_not_canonical": lie(
            HEALTH, CLOSING, lambda content: _text(content).replace(b'"receipts":1', b'"receipts": 1'), "statement"
        ),
        "closing_with_a_name_twice": lie(
            HEALTH,
            CLOSING,
            lambda content: _text(content).replace(b'"receipts":1', b'"receipts":1,"receipts":1'),
            "statement",
        ),
        "closing_lists_a_file_twice": lie(HEALTH, CLOSING, subjects(lambda rows: [rows[0], *rows]), "statement"),
        "closing_lists_in_disorder": lie(HEALTH, CLOSING, subjects(lambda rows: rows[::-1]), "statement"),
        "closing_lists_itself": lie(HEALTH, CLOSING, lambda content: _listing(content, listed), "file-missing"),
        "closing_lists_what_comes_after": lie(
            HEALTH,
            CLOSING,
            lambda content: _listing(content, [{"name": "after/x.dsse.json", "digest": {"sha256": "0" * 64}}]),
            "file-missing",
        ),
        "closing_lists_with_sha512": lie(
            HEALTH,
            CLOSING,
            subjects(lambda rows: [{**rows[0], "digest": {**rows[0]["digest"], "sha512": "0" * 128}}, *rows[1:]]),
            "statement",
        ),
        "closing_of_another_kind": lie(
            HEALTH,
            CLOSING,
            having(predicateType="https://drproof.dev/attestation/closing/v2"),
            "statement",
        ),
        "statement_of_another_version": lie(
            HEALTH, CLOSING, having(_type="https://in-toto.io/Statement/v0.1"), "statement"
        ),
        "closing_that_withholds_loosely": closing("statement", withheld=[{"path": "logs/a.txt"}]),
        "checkpoint_never_written": Case(
            files=without(_unlisted(f"checkpoints/{FIRST}.dsse.json"), f"checkpoints/{FIRST}.dsse.json"),
            codes=["checkpoint-missing"],
        ),
        "closing_signed_when_the_key_had_expired": Case(
            files=build(replace(HEALTH, edits={CLOSING: saying(closed_at=at(51))})),
            exit=5,
            codes=["key-expired"],
            trust="just-in-time",
        ),
    }


def _listing(content: Any, rows: Sequence[Any]) -> Any:
    subject = sorted([*content["subject"], *rows], key=lambda row: row["name"])
    return {
        **content,
        "subject": subject,
        "predicate": {**content["predicate"], "file_count": len(subject)},
    }


def _unlisted(path: str) -> dict[str, bytes]:
    def edit(content: Any) -> Any:
        rows = [row for row in content["subject"] if row["name"] != path]
        return {**content, "subject": rows, "predicate": {**content["predicate"], "file_count": len(rows)}}

    return build(replace(HEALTH, edits={CLOSING: edit}))


def _text(content: Any) -> bytes:
    return dumps(content)


def _documents() -> Mapping[str, Case]:
    def plan(change: Edit, *codes: str) -> Case:
        return lie(HEALTH, PLAN, change, *codes)

    def nested(content: Any) -> bytes:
        return _text(content).replace(b'"inputs":[]', b'"inputs":' + b"[" * 70 + b"]" * 70)

    return {
        "plan_not_canonical": plan(lambda content: _text(content) + b"\n", "not-canonical"),
        "plan_with_a_fraction": plan(
            lambda content: _text(content).replace(b'"max_attempts":3', b'"max_attempts":3.0'), "json"
        ),
        "plan_too_deep": plan(nested, "json"),
        "plan_without_phases": plan(lambda content: {k: v for k, v in content.items() if k != "phases"}, "shape"),
        "plan_of_version_2": plan(having(schema_version=2), "shape"),
        "plan_of_no_mode": plan(having(mode="dry"), "shape"),
    }
