"""A member manifest has one reading, and the metadata of a restore point says where it lies and what it must be."""

import json

import pytest

from drproof.formats import backup_metadata, member_manifest
from drproof.formats.backup_metadata import Artifact, BackupMetadata, CanaryPromise, ManifestPromise
from drproof.formats.member_manifest import ListedMember, MemberManifest
from drproof.model.errors import FormatError
from tests.formats.test_documents import HEX, METADATA, changed, code_of

ROW = {"path": "./state/one.json", "bytes": 0, "sha256": HEX}
MANIFEST = {"schema_version": 1, "archive": "state.tar.zst", "members": [ROW, {**ROW, "path": "state/two.json"}]}
PROMISED = {
    **METADATA,
    "schema_version": 2,
    "member_manifests": {"state.tar.zst": {"sha256": HEX}},
    "canary": {"path": "state.tar.zst/state/canary.json", "sha256": HEX, "written_utc": "2026-01-31T10:59:00Z"},
}


def test_a_member_manifest_lists_files_by_the_path_of_their_headers():
    parsed = member_manifest.parse(json.dumps(MANIFEST).encode())

    assert parsed == MemberManifest(
        archive="state.tar.zst",
        members=(
            ListedMember(path="./state/one.json", size=0, sha256=HEX),
            ListedMember(path="state/two.json", size=0, sha256=HEX),
        ),
    )


def test_what_is_written_is_read_and_does_not_depend_on_the_order():
    parsed = member_manifest.parse(json.dumps(MANIFEST).encode())
    data = member_manifest.write(parsed.archive, parsed.members)

    assert member_manifest.parse(data) == parsed
    assert member_manifest.write(parsed.archive, reversed(parsed.members)) == data


@pytest.mark.parametrize(
    "document",
    [
        [],
        changed(MANIFEST, "schema_version", ...),
        changed(MANIFEST, "schema_version", 2),
        changed(MANIFEST, "schema_version", True),
        changed(MANIFEST, "archive", ""),
        changed(MANIFEST, "archive", 7),
        changed(MANIFEST, "members", {}),
        changed(MANIFEST, "members", []),
        changed(MANIFEST, "members", [ROW, ROW]),
        changed(MANIFEST, "members", ["state/one.json"]),
        changed(MANIFEST, "members", [{**ROW, "mode": 420}]),
        changed(MANIFEST, "members", [changed(ROW, "sha256", ...)]),
        changed(MANIFEST, "members", [{**ROW, "path": ""}]),
        changed(MANIFEST, "members", [{**ROW, "bytes": -1}]),
        changed(MANIFEST, "members", [{**ROW, "bytes": True}]),
        changed(MANIFEST, "members", [{**ROW, "sha256": HEX.upper()}]),
        changed(MANIFEST, "members", [{**ROW, "sha256": HEX + "\n"}]),
        changed(MANIFEST, "note", "more"),
    ],
    ids=str,
)
def test_a_spoiled_member_manifest_is_refused(document):
    assert code_of(member_manifest.parse, document) == "members-shape"


def test_a_manifest_of_nothing_cannot_be_written():
    with pytest.raises(FormatError, match="lists no file"):
        member_manifest.write("state.tar.zst", ())


def test_metadata_promises_manifests_and_a_canary_only_under_its_own_number():
    parsed = backup_metadata.parse(json.dumps(PROMISED).encode())

    assert parsed.schema_version == 2
    assert parsed.member_manifests == {"state.tar.zst": ManifestPromise(sha256=HEX)}
    assert parsed.canary == CanaryPromise(
        path="state.tar.zst/state/canary.json", sha256=HEX, written_at="2026-01-31T10:59:00Z"
    )
    plain = backup_metadata.parse(json.dumps(METADATA).encode())
    assert (plain.schema_version, plain.member_manifests, plain.canary) == (None, {}, None)


@pytest.mark.parametrize("version", [..., 1, 3, "2", True, 2.5], ids=str)
def test_promises_under_another_number_are_refused(version):
    assert code_of(backup_metadata.parse, changed(PROMISED, "schema_version", version)) == "metadata-version"


@pytest.mark.parametrize("field", ["member_manifests", "canary"])
@pytest.mark.parametrize("value", [{}, [], "", {"state.tar.zst": {}}, {"else.tar.zst": {"sha256": HEX}}], ids=str)
def test_a_spoiled_promise_is_refused(field, value):
    assert code_of(backup_metadata.parse, changed(PROMISED, field, value)) == "metadata-shape"


@pytest.mark.parametrize("path", ["", "/members.json", "../members.json", "a//b", "./members.json", "a/..", 7], ids=str)
def test_a_manifest_lies_below_its_restore_point(path):
    manifests = {"state.tar.zst": {"sha256": HEX, "path": path}}

    assert code_of(backup_metadata.parse, changed(PROMISED, "member_manifests", manifests)) == "metadata-shape"


@pytest.mark.parametrize("path", ["state.tar.zst", "state.tar.zst/", "else.tar.zst/canary.json", "/canary.json"])
def test_a_canary_lies_in_an_artifact(path):
    canary = {"path": path, "sha256": HEX, "written_utc": "2026-01-31T10:59:00Z"}

    assert code_of(backup_metadata.parse, changed(PROMISED, "canary", canary)) == "metadata-shape"


def test_metadata_is_written_as_it_was_understood():
    metadata = BackupMetadata(
        backup_id="backup-1",
        backup_uri="s3://atlas/backups/backup-1",
        bucket="atlas",
        prefix="",
        created_at="2026-01-31T11:00:00Z",
        artifacts={"state.tar.zst": Artifact(size=5, sha256=HEX)},
        schema_version=2,
        member_manifests={"state.tar.zst": ManifestPromise(sha256=HEX, path="state.members.json")},
        canary=CanaryPromise(path="state.tar.zst/canary.json", sha256=HEX, written_at="2026-01-31T10:59:00Z"),
    )
    with pytest.raises(FormatError, match="prefix"):
        backup_metadata.write(metadata)

    parsed = backup_metadata.parse(json.dumps(PROMISED).encode())
    assert backup_metadata.parse(backup_metadata.write(parsed)) == parsed


def test_metadata_of_the_encrypted_layout_is_called_by_its_name():
    encrypted = {"schema_version": 1, "run_id": "m4-1", "db_mode": "pg_dump", "checksums": {}}

    assert code_of(backup_metadata.parse, encrypted) == "metadata-layout"
