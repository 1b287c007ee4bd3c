"""Bundles of the control plane: the same content is the same bytes, and what is opened is what its manifest lists."""

import gzip
import hashlib
import io
import json
import tarfile
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drproof.formats import control_plane_bundle
from drproof.formats.control_plane_bundle import Content, gzip_stored, is_addressed_by, key, opened, packed, pointer
from drproof.formats.control_plane_objects import MAX_BYTES
from drproof.model.errors import FormatError

IMAGE = "111122223333.dkr.ecr.us-east-1.amazonaws.com/atlas@sha256:" + "ab" * 32
SECTIONS = ("candidates", "alerts")
CONTENT = Content(
    files={
        "candidates/registry.json": b'{"schema_version": 2, "candidates": []}',
        "candidates/local/candidate_profile.json": b'  {"leading": "space"}\n\n\n',
        "candidates/local/manifest.json": b'{"nested": true}',
        "alerts/alerts.json": b'{"version": "v3"}',
        "alerts/logo.png": b"\x89PNG\xff",
    },
    sections=SECTIONS,
    created_at="20260131T110000Z",
    git_sha="ab" * 20,
    image_ref=IMAGE,
)


def changed(path, data):
    return replace(CONTENT, files={**CONTENT.files, path: data})


def refused(function, *arguments, **options):
    with pytest.raises(FormatError) as caught:
        function(*arguments, **options)
    return caught.value


def tar_of(files, *, root="control-plane/", kind=tarfile.REGTYPE):
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w") as tar:
        for path, data in files.items():
            entry = tarfile.TarInfo(root + path)
            entry.type, entry.size, entry.linkname = kind, len(data), "elsewhere"
            tar.addfile(entry, io.BytesIO(data))
    return plain.getvalue()


def repacked(**manifest):
    """Return a bundle whose manifest says something else, packed as others pack."""
    made, _ = packed(CONTENT)
    document = {**json.loads(made), **manifest}
    return gzip.compress(tar_of({**CONTENT.files, "manifest.json": json.dumps(document).encode()}))


def test_the_bytes_are_the_same_on_every_python_and_every_zlib():
    _, bundle = packed(CONTENT)

    assert hashlib.sha256(bundle).hexdigest() == "b5c322f5e2bb67258f8d6c0c6f1ccd02a191013902410ea0261d3a89b77596ff"
    again = replace(CONTENT, files=dict(sorted(CONTENT.files.items(), reverse=True)))
    assert packed(again)[1] == bundle


@pytest.mark.parametrize(
    "change",
    [
        {"created_at": "20260131T110001Z"},
        {"git_sha": "cd" * 20},
        {"image_ref": IMAGE.replace("ab", "cd")},
        {"files": {**CONTENT.files, "alerts/alerts.json": b'{"version": "v4"}'}},
    ],
)
def test_another_content_is_another_bundle(change):
    assert packed(replace(CONTENT, **change))[1] != packed(CONTENT)[1]


def test_members_are_of_nobody_at_no_time_and_in_order():
    made, bundle = packed(CONTENT)

    with tarfile.open(fileobj=io.BytesIO(bundle)) as tar:
        members = tar.getmembers()
        manifest = tar.extractfile("control-plane/manifest.json")
        assert manifest is not None
        assert manifest.read() == made
    assert [member.name for member in members] == sorted(
        f"control-plane/{path}" for path in [*CONTENT.files, "manifest.json"]
    )
    assert {(m.uid, m.gid, m.uname, m.gname, m.mtime, m.mode, m.type) for m in members} == {
        (0, 0, "", "", 0, 0o644, tarfile.REGTYPE)
    }
    assert bundle[:10] == b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"


def test_the_manifest_has_exactly_the_references_fields_and_lists_nested_manifests():
    made, _ = packed(CONTENT)

    document = json.loads(made)
    assert made == (json.dumps(document, indent=2, sort_keys=True) + "\n").encode()
    files = document.pop("files")
    assert document == {
        "schema_version": 1,
        "created_at": "20260131T110000Z",
        "git_sha": "ab" * 20,
        "image_ref_digest": IMAGE,
        "supported_sections": ["candidates", "alerts"],
        "schema_versions": {"candidate_registry": 2, "alerts": "v3"},
    }
    assert [row["path"] for row in files] == sorted(CONTENT.files)
    nested = next(row for row in files if row["path"] == "candidates/local/manifest.json")
    assert nested == {
        "path": "candidates/local/manifest.json",
        "sha256": hashlib.sha256(b'{"nested": true}').hexdigest(),
        "bytes": 16,
    }


def test_a_section_that_states_no_version_has_none_in_the_manifest():
    made, _ = packed(changed("alerts/alerts.json", b"[]"))
    assert json.loads(made)["schema_versions"]["alerts"] is None


def test_the_pointer_has_exactly_the_references_fields():
    said = json.loads(pointer(CONTENT, bucket="b", prefix="p/control-plane", bundle_sha256="cd" * 32))

    assert said == {
        "schema_version": 1,
        "current_uri": "s3://b/p/control-plane/current.json",
        "bundle_uri": "s3://b/p/control-plane/bundles/20260131T110000Z-cdcdcdcdcdcd.tar.gz",
        "bundle_sha256": "cd" * 32,
        "created_at": "20260131T110000Z",
        "git_sha": "ab" * 20,
        "image_ref_digest": IMAGE,
    }


@pytest.mark.parametrize(
    ("name", "addressed"),
    [
        (key("p", "20260131T110000Z", "cd" * 32), True),
        (f"s3://b/{key('p', '20260131T110000Z', 'cd' * 32)}", True),
        (f"bundles/20260131T110000Z-{'cd' * 32}.tar.gz", True),
        (key("p", "20260131T110000Z", "ce" * 32), False),
        ("bundles/20260131T110000Z-.tar.gz", False),
        ("bundles/20260131T110000Z-cdcdcd.tar.gz", False),
        ("bundles/one.tar.gz", False),
        (f"bundles/20260131T110000Z-{'cd' * 6}.tar.gz\n", False),
    ],
)
def test_a_key_speaks_for_the_bytes_behind_it(name, addressed):
    assert is_addressed_by(name, "cd" * 32) is addressed


@pytest.mark.parametrize(
    ("path", "data", "code"),
    [
        ("manifest.json", b"{}", "control-plane-manifest"),
        ("elsewhere/a.json", b"{}", "control-plane-section"),
        ("stray.json", b"{}", "control-plane-section"),
        ("alerts/a b.json", b"{}", "control-plane-key"),
        ("alerts/ü.json", b"{}", "control-plane-key"),
        ("alerts/" + "a" * 254, b"", "control-plane-key"),
        ("candidates/local__candidate_profile.json", b"{}", "control-plane-key"),
        ("alerts/ALERTS.json", b"{}", "control-plane-path"),
        ("alerts/aux.json", b"{}", "control-plane-path"),
        ("alerts/../candidates/x.json", b"{}", "control-plane-path"),
        ("alerts/big.json", b"x" * MAX_BYTES, "control-plane-size"),
        ("alerts/huge.json", b"x" * (17 << 20), "control-plane-size"),
        ("alerts/alerts.json", b'{"version": 1, "version": 2}', "json-duplicate-key"),
        ("alerts/alerts.json", b"{", "json-syntax"),
    ],
)
def test_what_no_cluster_could_be_given_is_refused_before_it_is_packed(path, data, code):
    assert refused(packed, changed(path, data)).code == code


def test_a_section_without_files_is_refused():
    assert refused(packed, replace(CONTENT, sections=(*SECTIONS, "scoring"))).code == "control-plane-section"


def test_a_bundle_is_opened_whole():
    made, data = packed(CONTENT)

    bundle = opened(data, sections=SECTIONS)

    assert bundle.files == {**CONTENT.files, "manifest.json": made}
    assert bundle.sha256 == hashlib.sha256(data).hexdigest()
    assert bundle.manifest_sha256 == hashlib.sha256(made).hexdigest()
    assert (bundle.manifest.git_sha, bundle.manifest.schema_version) == ("ab" * 20, 1)
    assert opened(repacked(), sections=SECTIONS[::-1]).files.keys() == bundle.files.keys()


def _rows(**changes):
    rows = json.loads(packed(CONTENT)[0])["files"]
    return [{**row, **changes} if row["path"] == "alerts/logo.png" else row for row in rows]


@pytest.mark.parametrize(
    ("manifest", "code", "said"),
    [
        ({"schema_version": 2}, "control-plane-version", "schema_version 2, expected 1"),
        ({"schema_version": True}, "control-plane-version", "schema_version None"),
        ({"supported_sections": ["alerts"]}, "control-plane-section", "supports alerts"),
        ({"files": _rows(bytes=6)}, "control-plane-files", "not of the size that is listed: alerts/logo.png"),
        ({"files": _rows(sha256="0" * 64)}, "control-plane-files", "not of the SHA-256 that is listed"),
        ({"files": _rows()[1:]}, "control-plane-files", "there and not listed: alerts/alerts.json"),
        (
            {"files": [row for row in _rows() if not row["path"].endswith("local/manifest.json")]},
            "control-plane-files",
            "there and not listed: candidates/local/manifest.json",
        ),
        ({"files": [*_rows(), {**_rows()[0], "path": "alerts/gone.json"}]}, "control-plane-files", "not there"),
        ({"schema_versions": []}, "control-plane-shape", "schema_versions"),
    ],
)
def test_a_bundle_that_its_manifest_does_not_describe_is_refused(manifest, code, said):
    error = refused(opened, repacked(**manifest), sections=SECTIONS)

    assert (error.code, said in str(error)) == (code, True), error


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (gzip.compress(tar_of({"a.json": b"{}"}, root="elsewhere/")), "control-plane-member"),
        (gzip.compress(tar_of({"../../a.json": b"{}"})), "control-plane-member"),
        (gzip.compress(tar_of({"/etc/a.json": b"{}"}, root="")), "control-plane-member"),
        (gzip.compress(tar_of({"a.json": b""}, kind=tarfile.SYMTYPE)), "control-plane-member"),
        (gzip.compress(tar_of({"a.json": b""}, kind=tarfile.LNKTYPE)), "control-plane-member"),
        (gzip.compress(tar_of({"a.json": b"", "A.json": b""})), "control-plane-member"),
        (gzip.compress(tar_of({"alerts/a.json": b"{}"})), "control-plane-shape"),
        (packed(CONTENT)[1][:-9], "archive-truncated"),
        (packed(CONTENT)[1] + b"x", "archive-truncated"),
        (b"", "archive-truncated"),
        (b"not gzip", "archive-compression"),
        (gzip.compress(tar_of({"alerts/a": bytes(17 << 20)})), "archive-limit"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_bundle_that_is_no_harmless_archive_is_refused(data, code):
    assert refused(opened, data, sections=SECTIONS).code == code


def test_a_section_that_a_bundle_lacks_is_named():
    alone = replace(CONTENT, files={"alerts/alerts.json": b"{}"}, sections=("alerts",))
    made = json.loads(packed(alone)[0]) | {"supported_sections": list(SECTIONS)}
    data = gzip.compress(tar_of({**alone.files, "manifest.json": json.dumps(made).encode()}))

    assert "section candidates has no files" in str(refused(opened, data, sections=SECTIONS))


@settings(deadline=None)
@given(st.binary(max_size=200) | st.integers(65_530, 65_540).map(bytes) | st.integers(131_060, 131_080).map(bytes))
def test_stored_gzip_is_gzip(data):
    assert gzip.decompress(gzip_stored(data)) == data


def test_an_instant_is_dated_as_bundles_are():
    assert control_plane_bundle.instant(0) == "19700101T000000Z"
