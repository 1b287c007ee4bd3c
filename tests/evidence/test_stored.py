"""What a bundle says of its receipt store is judged again by whoever reads it; nothing that is missing passes."""

import json
from dataclasses import replace

import pytest

from drproof.evidence.bundle import Bundle, digests, write_atomic
from drproof.evidence.canonical import canonical
from drproof.evidence.documents import StoredFile, StoredReceipts
from drproof.evidence.stored import retain_until, stored_receipts, unstored
from drproof.model.codec import encode
from drproof.model.criteria import Storing
from tests.contracts.observed import CRITERIA, DRILL, sha256
from tests.evidence.test_bundle import TYPES, close, plan_of, sealed

STORING = Storing(uri="s3://keeps/receipts", owner="444455556666", retention_mode="GOVERNANCE", retention_days=1)
PLAN = replace(plan_of(), criteria=replace(CRITERIA, storing=STORING))
PLACE = f"s3://keeps/receipts/{DRILL}"
UNTIL = "2026-02-01T12:00:01.000Z"
DIGESTS = {"plan.json": sha256("plan"), "receipts/01-check_health.json": sha256("health")}
FILES = tuple(
    StoredFile(
        path=path, sha256=found, uri=f"{PLACE}/{path}", version="v", etag="e", was_there=False,
        retention_mode="GOVERNANCE", retained_until=UNTIL, problem="",
    )
    for path, found in DIGESTS.items()
)  # fmt: skip
STORED = StoredReceipts(
    place=PLACE, owner=STORING.owner, object_lock=True, retain_until=UNTIL, files=FILES, intents=2, intents_missing=()
)


def first(**changes):
    return replace(STORED, files=(replace(FILES[0], **changes), *FILES[1:]))


def test_retention_is_counted_from_the_opening_and_never_a_moment_short():
    assert PLAN.created_at == "2026-01-31T12:00:00.000Z"
    assert retain_until(PLAN, STORING) == UNTIL
    late = replace(PLAN, created_at="2026-01-31T12:00:00.999Z")
    assert retain_until(late, STORING) == UNTIL


def test_where_nobody_asked_for_a_store_nothing_is_missed():
    assert unstored(plan_of(), DIGESTS, None) == ()


def test_what_is_stored_as_asked_is_not_missed():
    assert unstored(PLAN, DIGESTS, STORED) == ()


@pytest.mark.parametrize(
    ("stored", "said"),
    [
        (None, "receipts-store.json is not there"),
        (replace(STORED, place="s3://keeps/receipts/other"), "speaks of s3://keeps/receipts/other"),
        (replace(STORED, owner="999999999999"), "of 999999999999, not of"),
        (replace(STORED, intents_missing=(4, 9)), "the journal's records 4, 9, which announce effects, are not stored"),
        (replace(STORED, object_lock=None), "Object Lock is not known"),
        (replace(STORED, files=FILES[1:]), "plan.json is not stored"),
        (replace(STORED, files=()), "plan.json is not stored"),
        (first(sha256=sha256("other")), "plan.json is stored with other bytes"),
        (first(problem="AccessDenied"), "plan.json: AccessDenied"),
        (first(uri="s3://elsewhere/plan.json"), "plan.json: stored elsewhere: s3://elsewhere/plan.json"),
        (first(retention_mode=None, retained_until=None), "plan.json: read back with no retention"),
        (first(retained_until="2026-02-01T12:00:00.000Z"), "and GOVERNANCE until 2026-02-01T12:00:01.000Z was asked"),
    ],
)
def test_whatever_is_missing_is_said(stored, said):
    assert said in unstored(PLAN, DIGESTS, stored)[0]


def test_a_bucket_that_keeps_more_strictly_is_as_good():
    assert unstored(PLAN, DIGESTS, first(retention_mode="COMPLIANCE", retained_until="2030-01-01T00:00:00.000Z")) == ()


def test_a_bucket_without_lock_owes_no_retention():
    loose = tuple(replace(file, retention_mode=None, retained_until=None) for file in FILES)
    assert unstored(PLAN, DIGESTS, replace(STORED, object_lock=False, files=loose)) == ()


def bundle_that_says(directory, stored):
    """Seal a bundle as proven whose plan asks for a store."""
    sealed(directory, criteria=PLAN.criteria)
    if stored is not None:
        found = {
            path: sha for path, sha in digests(directory).items() if path.startswith(("plan", "opening", "receipts/"))
        }
        files = tuple(replace(FILES[0], path=path, sha256=sha, uri=f"{PLACE}/{path}") for path, sha in found.items())
        write_atomic(directory / "receipts-store.json", canonical(encode(replace(stored, files=files))))
    close(directory, PLAN)
    return Bundle.open(directory, TYPES)


def test_a_sealed_bundle_that_calls_itself_proven_without_its_store_is_noticed(tmp_path):
    with_store = bundle_that_says(tmp_path / "with", STORED)
    without = bundle_that_says(tmp_path / "without", None)

    assert with_store.problems() == ()
    assert [problem.code for problem in without.problems()] == ["outcome"]
    assert "receipts-store.json is not there" in without.problems()[0].message


def test_a_record_in_another_form_is_as_good_as_none(tmp_path):
    bundle = bundle_that_says(tmp_path / "drill", STORED)
    path = tmp_path / "drill/receipts-store.json"
    assert stored_receipts(tmp_path / "drill") is not None
    path.write_text(json.dumps({"schema_version": 1}))
    again = Bundle.open(bundle.directory, TYPES)

    assert again.stored is None
    assert "cannot be read" in again.unstored[0]
