"""What was promised by nobody, seen by nobody or kept by nothing stands among what a proof does not show."""

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

from drproof.report.restore_points import missing
from tests.contracts.evidence import ENCRYPTED, OF_THE_REFERENCE, PASSING, Evidence
from tests.contracts.observed import POINT

READ = "read_restore_point"
PROMISED = "That the archives hold what was to be backed up."
BITS = "That a reader of the archives would notice a flipped bit."
INSIDE = "What the encrypted files hold."
PLACE = "Where the backup can be restored to."
OVERWRITTEN = "That an object written over can be had back."
REMOVED = "That nobody can remove the restore point."


def found(evidence: Evidence) -> dict[str, tuple[str, ...]]:
    bundle: Any = SimpleNamespace(receipts=tuple(evidence.receipts.values()))
    return {what: (why, *details) for what, why, details in missing(bundle)}


def test_a_restore_point_with_promises_leaves_open_that_it_stays() -> None:
    assert found(PASSING) == {REMOVED: ("Object Lock of bucket atlas-backups: none.",)}
    backup, published = POINT.buckets
    assert found(PASSING.facts(READ, buckets=(replace(backup, object_lock="enabled"), published))) == {}


def test_archives_whose_members_nobody_promised_are_named() -> None:
    assert found(OF_THE_REFERENCE)[PROMISED][1:] == ("state.tar.zst", "manifests.tar.zst")
    assert "Member digests were not promised by anyone" in found(OF_THE_REFERENCE)[PROMISED][0]
    assert found(PASSING.facts(READ, members=POINT.members[:1]))[PROMISED][1:] == ("manifests.tar.zst",)


def test_archives_without_checksums_are_named_whether_or_not_they_are_demanded() -> None:
    archives = (POINT.archives[0], replace(POINT.archives[1], checksummed_frames=1))
    assert found(PASSING.facts(READ, archives=archives))[BITS][1:] == ("manifests.tar.zst",)


def test_a_bucket_without_versions_is_said() -> None:
    assert OVERWRITTEN in found(PASSING.facts(READ, looks=tuple(replace(one, version="") for one in POINT.looks)))


def test_of_an_encrypted_backup_nobody_says_what_it_holds() -> None:
    shown = found(ENCRYPTED)
    assert shown[INSIDE][1:] == ("db_backup.enc", "artifacts_backup.enc")
    assert "At best their integrity is shown" in shown[INSIDE][0]
    assert shown[PLACE][1:] == ("/srv/atlas/proof", "/srv/atlas/state")


def test_a_restore_point_that_was_not_read_leaves_no_gap_of_its_own() -> None:
    assert found(PASSING.without(READ)) == {}
