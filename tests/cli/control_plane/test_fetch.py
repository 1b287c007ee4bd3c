"""`drproof control-plane fetch`: a bundle that is whole, all at once, and nothing beside its folder."""

import gzip
import hashlib
import io
import json
import tarfile
from pathlib import Path
from typing import Any

import pytest

from .conftest import BUCKET, CREATED, FILES, IMAGE

SUMMARY = {"BUNDLE_URI", "BUNDLE_SHA256", "BUNDLE_FILE", "BUNDLE_DIR", "POINTER_FILE", "DEST_DIR"}


def tree(folder):
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def crafted(*, manifest=None, extra=(), files=FILES):
    """Return a bundle as somebody else packs it."""
    document = {
        "schema_version": 1,
        "created_at": CREATED,
        "git_sha": "",
        "image_ref_digest": IMAGE,
        "supported_sections": ["candidates", "alerts", "providers", "scoring"],
        "schema_versions": {},
        "files": [
            {"path": path, "sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data)}
            for path, data in files.items()
        ],
        **(manifest or {}),
    }
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w") as tar:
        for path, data in {**files, "manifest.json": json.dumps(document).encode()}.items():
            entry = tarfile.TarInfo(f"control-plane/{path}")
            entry.size = len(data)
            tar.addfile(entry, io.BytesIO(data))
        for entry in extra:
            tar.addfile(entry)
    return gzip.compress(plain.getvalue(), mtime=0)


def by_file(hand, data, *words, sha256=""):
    (hand.folder / "a bundle.tar.gz").write_bytes(data)
    digest = sha256 or hashlib.sha256(data).hexdigest()
    return hand(
        "fetch", "--bundle-uri", "a bundle.tar.gz", "--bundle-sha256", digest, "--dest-dir", "to", *words,
        EXPECTED_ACCOUNT_ID="",
    )  # fmt: skip


def test_what_was_published_is_fetched_as_the_reference_lays_it_out(hand):
    published = hand.publish("--receipt-dir", "receipts").values

    done = hand.fetch()

    assert done.status == 0, done.error
    to, receipts = hand.folder / "fetched", hand.folder / "receipts"
    assert tree(to) == {
        "current.json": (receipts / "current.json").read_bytes(),
        "bundle.tar.gz": next(receipts.glob("*.tar.gz")).read_bytes(),
        "bundle.sha256": f"{published['BUNDLE_SHA256']}\n".encode(),
        "fetch.summary.env": (to / "fetch.summary.env").read_bytes(),
        "bundle/control-plane/manifest.json": (receipts / "manifest.json").read_bytes(),
        **{f"bundle/control-plane/{path}": data for path, data in FILES.items()},
    }
    assert (to / "fetch.summary.env").read_text() in done.out
    assert set(done.values) == SUMMARY | {"REHEARSAL"}
    assert done.values["BUNDLE_URI"] == published["BUNDLE_URI"]
    assert done.values["BUNDLE_SHA256"] == published["BUNDLE_SHA256"]
    assert done.values["POINTER_FILE"] == str(to / "current.json")
    assert done.values["DEST_DIR"] == str(to)
    for name in ("BUNDLE_FILE", "BUNDLE_DIR"):
        assert Path(done.values[name]).exists()
    assert sorted(path.name for path in hand.folder.iterdir()) == ["fetched", "receipts", "source"]


def test_a_bundle_by_its_digest_needs_no_pointer_and_names_none(hand):
    published = hand.publish().values

    done = hand(
        "fetch", "--bundle-uri", published["BUNDLE_URI"], "--bundle-sha256", published["BUNDLE_SHA256"],
        "--dest-dir", "to", "--embedded", hand.world.endpoint,
    )  # fmt: skip

    assert done.status == 0, done.error
    assert set(done.values) - {"REHEARSAL"} == SUMMARY - {"POINTER_FILE"}
    assert not (hand.folder / "to/current.json").exists()
    since = len(hand.world.calls())
    alone = by_file(hand, (hand.folder / "to/bundle.tar.gz").read_bytes(), "--dest-dir", "copy")
    assert set(alone.values) == SUMMARY - {"POINTER_FILE"}
    assert hand.world.calls()[since:] == [], "a local file needs no account"
    assert tree(hand.folder / "copy/bundle") == tree(hand.folder / "to/bundle")


def test_a_bundle_that_another_tool_packed_is_fetched(hand):
    assert by_file(hand, crafted()).status == 0
    (hand.folder / "empty").mkdir()
    assert by_file(hand, crafted(), "--dest-dir", "empty").status == 0
    file = (hand.folder / "a bundle.tar.gz").as_uri().replace("%20", " ")
    digest = hashlib.sha256(crafted()).hexdigest()
    assert hand("fetch", "--bundle-uri", file, "--bundle-sha256", digest, "--dest-dir", "deep/er").status == 0


def _link(name, target, kind=tarfile.SYMTYPE):
    entry = tarfile.TarInfo(name)
    entry.type, entry.linkname = kind, target
    return entry


ROWS: list[dict[str, Any]] = [
    {"path": path, "sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data)} for path, data in FILES.items()
]


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (crafted(manifest={"files": [{**ROWS[0], "bytes": 1}, *ROWS[1:]]}), "not of the size that is listed"),
        (crafted(manifest={"files": [{**ROWS[0], "sha256": "0" * 64}, *ROWS[1:]]}), "not of the SHA-256"),
        (crafted(manifest={"files": [row for row in ROWS if "local/manifest" not in row["path"]]}), "not listed"),
        (crafted(manifest={"files": [*ROWS, {**ROWS[0], "path": "alerts/x"}]}), "listed and not there: alerts/x"),
        (crafted(manifest={"schema_version": 2}), "schema_version 2, expected 1"),
        (crafted(manifest={"supported_sections": ["alerts"]}), "the manifest supports alerts; expected"),
        (crafted(extra=[_link("control-plane/alerts/x", "/etc/passwd")]), "member is a symlink"),
        (crafted(extra=[_link("control-plane/alerts/x", "control-plane/manifest.json", tarfile.LNKTYPE)]), "member is"),
        (crafted(extra=[tarfile.TarInfo("control-plane/../../evil")]), "path leaves the archive"),
        (crafted(extra=[tarfile.TarInfo("/evil")]), "absolute path"),
        (crafted(extra=[tarfile.TarInfo("evil")]), "member outside control-plane/"),
        (crafted(extra=[tarfile.TarInfo("control-plane/alerts/aux.json")]), "reserved on some systems"),
        (crafted(extra=[tarfile.TarInfo("control-plane/alerts/ALERTS.json")]), "path comes twice"),
        (crafted()[:-20], "ends before"),
        (b"nothing", ""),
    ],
)
def test_a_bundle_that_is_not_as_it_must_be_leaves_nothing(hand, data, said):
    refused = by_file(hand, data)

    assert refused.status == 2
    assert said in refused.error
    assert [path.name for path in hand.folder.iterdir()] == ["a bundle.tar.gz"]


def test_another_digest_than_was_meant_is_refused(hand):
    refused = by_file(hand, crafted(), sha256="ab" * 32)

    assert refused.status == 2
    assert f"expected {'ab' * 32}, got {hashlib.sha256(crafted()).hexdigest()}" in refused.error


@pytest.mark.parametrize("name", ["file", "link", "full"])
def test_what_is_there_already_is_not_mixed_with(hand, name):
    (hand.folder / "full").mkdir()
    (hand.folder / "full/kept").write_text("mine")
    (hand.folder / "file").write_text("mine")
    (hand.folder / "nowhere").mkdir()
    (hand.folder / "link").symlink_to("nowhere")

    refused = by_file(hand, crafted(), "--dest-dir", name)

    assert f"--dest-dir {name} is there already" in refused.error
    assert (hand.folder / "full/kept").read_text() == "mine"
    assert list((hand.folder / "nowhere").iterdir()) == []


@pytest.mark.parametrize(
    "words",
    [
        (),
        ("--bucket", "b-b"),
        ("--prefix", "p"),
        ("--bundle-uri", "x"),
        ("--bundle-sha256", "ab" * 32),
        ("--bucket", "b-b", "--prefix", "p", "--bundle-uri", "x", "--bundle-sha256", "ab" * 32),
    ],
)
def test_it_must_be_said_what_is_fetched(hand, words):
    refused = hand("fetch", "--dest-dir", "to", *words)

    assert refused.status == 2
    assert "expected --bucket and --prefix, or --bundle-uri and --bundle-sha256" in refused.error


def test_a_digest_is_one(hand):
    assert "--bundle-sha256 is no SHA-256" in by_file(hand, crafted(), sha256="AB" * 32).error


def test_a_file_that_is_not_there_is_named(hand):
    refused = hand("fetch", "--bundle-uri", "absent", "--bundle-sha256", "ab" * 32, "--dest-dir", "to")
    assert (refused.status, "absent" in refused.error) == (2, True)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"git_sha": "cd" * 20}, "the pointer says git_sha"),
        ({"created_at": "20270101T000000Z"}, "the pointer says created_at '20270101T000000Z'"),
        ({"image_ref_digest": "other@sha256:" + "0" * 64}, "the pointer says image_ref"),
        ({"schema_version": 2}, "the pointer has schema_version 2, expected 1"),
        ({"bundle_sha256": "ab" * 32}, "is not the bundle that was meant"),
        ({"bundle_uri": f"s3://{BUCKET}/nowhere"}, "NoSuchKey"),
        ({"bundle_uri": "https://example.org"}, "expected a URI that starts with s3://"),
    ],
)
def test_a_pointer_that_its_bundle_does_not_bear_out_is_refused(hand, change, said):
    assert hand.publish().status == 0
    hand.put("current.json", json.dumps({**hand.pointer, **change}).encode())

    refused = hand.fetch()

    assert refused.status == 2
    assert said in refused.error
    assert not (hand.folder / "fetched").exists()


def test_another_account_is_refused_before_the_bucket_is_asked(hand):
    assert hand.publish().status == 0
    since = len(hand.world.calls())

    assert "the credentials are of account" in hand.fetch(EXPECTED_ACCOUNT_ID="999999999999").error
    assert "AccessDenied" in hand.fetch("--bucket-owner", "999999999999").error
    assert [call["status"] for call in hand.calls(since)] == [403]
