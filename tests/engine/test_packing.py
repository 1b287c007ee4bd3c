"""A folder becomes the same archive whenever and wherever it is packed, and what no restore would take is refused."""

import hashlib
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from drproof.engine.packing import CHUNK, Packed, pack
from drproof.engine.refusal import Refusal
from drproof.engine.restore_points import Wanted, pack_point
from drproof.formats import archive, backup_metadata, member_manifest
from drproof.formats.member_manifest import ListedMember
from drproof.model.errors import EvidenceError

NAME = "state.tar.zst"
URI = "s3://atlas-backups/atlas/backups/backup-20260131T120000Z"
AT = "2026-01-31T12:00:00Z"
BIG = "ü – 日本語.bin"  # noqa: RUF001 — a name in several scripts


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    place = tmp_path / "state"
    (place / "deep" / "er").mkdir(parents=True)
    (place / "empty folder").mkdir()
    (place / "a.json").write_text("{}")
    (place / "empty").touch()
    (place / "deep" / "er" / BIG).write_bytes(os.urandom(3_000_000))
    (place / ("long-" * 40)).write_text("a name that no short header holds")
    program = place / "run.sh"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o700)
    return place


@pytest.fixture
def packed(folder: Path, tmp_path: Path) -> Callable[..., Packed]:
    def pack_it(place: Path = folder, **options: Any) -> Packed:
        into = tmp_path / f"into-{len(list(tmp_path.iterdir()))}"
        into.mkdir()
        return pack(place, into, name=NAME, **options)

    return pack_it


def members(one: Packed) -> dict[str, archive.Member]:
    return {member.path: member for member in archive.read(archive.zstd([one.path.read_bytes()]))}


def test_every_file_is_in_the_archive_as_it_is_in_the_folder(folder, packed):
    found = members(packed())

    files = {f"state/{path.relative_to(folder)}": path for path in folder.rglob("*") if path.is_file()}
    assert {path for path, member in found.items() if member.kind == "file"} == {*files, member_manifest.NAME}
    for name, path in files.items():
        assert found[name].sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert "state/empty folder" in {path.rstrip("/") for path in found}


def test_the_size_and_digest_are_those_of_the_file(packed):
    one = packed()

    data = one.path.read_bytes()
    assert (one.size, one.sha256) == (len(data), hashlib.sha256(data).hexdigest())


def test_the_manifest_lists_what_was_read_and_is_the_last_member(packed):
    one = packed()
    kept: dict[str, bytes] = {}

    def keep(path: str, content: Any) -> None:
        kept[path] = b"".join(content)

    paths = [member.path for member in archive.read(archive.zstd([one.path.read_bytes()]), sink=keep)]

    assert paths[-1] == member_manifest.NAME
    assert hashlib.sha256(kept[member_manifest.NAME]).hexdigest() == one.manifest_sha256
    manifest = member_manifest.parse(kept[member_manifest.NAME])
    assert manifest.archive == NAME
    assert set(manifest.members) == set(one.members)


def test_the_same_files_give_the_same_bytes_whatever_the_clock_and_the_order(folder, packed, tmp_path):
    first = packed()
    copy = tmp_path / "another place"
    copy.mkdir()
    for path in sorted(folder.rglob("*"), reverse=True):
        target = copy / path.relative_to(folder)
        if path.is_dir():
            target.mkdir(parents=True, exist_ok=True)
        else:
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, target)
            target.chmod(0o755 if path.stat().st_mode & 0o100 else 0o600)
            os.utime(target, (1_000_000_000, 1_000_000_000))

    assert packed(copy).sha256 == first.sha256


def test_one_byte_more_gives_another_archive(folder, packed):
    before = packed()
    (folder / "a.json").write_text("{ }")

    assert packed().sha256 != before.sha256


def test_tar_reads_it(packed, tmp_path):
    one = packed()
    out = tmp_path / "out"
    out.mkdir()
    plain = b"".join(archive.zstd([one.path.read_bytes()]))

    subprocess.run(["tar", "-x", "-C", str(out)], input=plain, check=True)

    assert (out / "state" / "a.json").read_text() == "{}"
    assert (out / "state" / "run.sh").stat().st_mode & 0o777 == 0o755


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda place: (place / "link").symlink_to("/etc/passwd"), "link or device"),
        (lambda place: os.mkfifo(place / "pipe"), "link or device"),
        (lambda place: (place / "bad\nname").touch(), "path is not plain"),
        (lambda place: (place / "back\\slash").touch(), "path is not plain"),
        (lambda place: Path(os.fsdecode(os.fsencode(place) + b"/\xff")).touch(), "not UTF-8"),
    ],
    ids=["link", "pipe", "newline", "backslash", "not utf-8"],
)
def test_what_no_restore_would_take_is_refused_by_name(folder, packed, spoil, said):
    spoil(folder)

    with pytest.raises(ValueError, match=said):
        packed()


def test_an_empty_folder_is_no_state(packed, tmp_path):
    nothing = tmp_path / "nothing"
    nothing.mkdir()

    with pytest.raises(ValueError, match="holds no file"):
        packed(nothing)


def test_a_missing_folder_is_named(packed, tmp_path):
    with pytest.raises(ValueError, match="gone is no folder"):
        packed(tmp_path / "gone")


@pytest.mark.parametrize("change", [b"x" * 10, b""], ids=["other", "shorter"])
def test_a_file_that_changes_while_it_is_packed_is_refused(folder, packed, change):
    victim = folder / "deep" / "er" / BIG

    def meddle(size: int) -> None:
        # The victim is the one that is read in pieces.
        if size == CHUNK:
            victim.write_bytes(change)

    with pytest.raises(EvidenceError, match="written to while it was packed|could not be read to its end"):
        packed(progress=meddle)


def test_an_archive_that_could_not_be_packed_whole_is_not_there_and_an_older_one_stays(folder, tmp_path):
    into = tmp_path / "into"
    into.mkdir()
    before = pack(folder, into, name=NAME).path.read_bytes()

    def meddle(_size: int) -> None:
        with (folder / "deep" / "er" / BIG).open("ab") as file:
            file.write(b"more")

    with pytest.raises(EvidenceError, match="was written to while it was packed"):
        pack(folder, into, name=NAME, progress=meddle)

    assert {path.name: path.read_bytes() for path in into.iterdir()} == {NAME: before}


def test_progress_is_told_every_byte_in_pieces(folder, packed):
    told: list[int] = []

    packed(progress=told.append)

    assert sum(told) == sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    assert max(told) == CHUNK


def wanted(folder: Path, **changes: Any) -> Wanted:
    return Wanted(**{"uri": URI, "created_at": AT, "folders": {NAME: folder}, **changes})


def test_metadata_promises_archives_members_and_canary(folder, tmp_path):
    into = tmp_path / "into"
    into.mkdir()

    made = pack_point(wanted(folder, canary=f"{NAME}/state/canary.json"), into)

    read = backup_metadata.parse((into / "metadata.json").read_bytes())
    assert read == made.metadata
    assert (read.backup_id, read.bucket, read.prefix) == ("backup-20260131T120000Z", "atlas-backups", "atlas")
    assert read.artifacts[NAME].sha256 == made.archives[0].sha256
    assert read.member_manifests[NAME].sha256 == made.archives[0].manifest_sha256
    assert read.canary is not None
    assert read.canary.sha256 == {one.path: one.sha256 for one in made.archives[0].members}["state/canary.json"]


def test_a_canary_of_ones_own_is_kept(folder, tmp_path):
    into = tmp_path / "into"
    into.mkdir()
    (folder / "canary.json").write_text('{"mine": true}')

    made = pack_point(wanted(folder, canary=f"{NAME}/state/canary.json"), into)

    assert made.metadata.canary is not None
    assert made.metadata.canary.sha256 == hashlib.sha256(b'{"mine": true}').hexdigest()


def test_the_same_files_id_and_instant_give_the_same_restore_point(folder, tmp_path):
    told = []
    for name in ("one", "two"):
        into = tmp_path / name
        into.mkdir()
        pack_point(wanted(folder, canary=f"{NAME}/state/canary.json"), into)
        told.append({path.name: path.read_bytes() for path in into.iterdir()})

    assert told[0] == told[1]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"uri": "s3://bucket"}, "expected s3://bucket/prefix/backups/<id>"),
        ({"uri": "s3://bucket/some/where/b-1"}, "does not lie below a prefix named backups"),
        ({"canary": "other.tar.zst/state/x"}, "lies in no archive of this restore point"),
        ({"canary": f"{NAME}/state/deep"}, "is a folder"),
        ({"canary": f"{NAME}/state/a.json/canary.json"}, "state/a.json is a file"),
        ({"uri": "s3://bucket/some/backups/b//1"}, "an empty part"),
    ],
)
def test_what_cannot_become_a_restore_point_is_refused(folder, tmp_path, changes, said):
    into = tmp_path / "into"
    into.mkdir()

    with pytest.raises(ValueError, match=said):
        pack_point(wanted(folder, **changes), into)


def test_packed_files_never_go_into_a_folder_that_is_packed(folder, tmp_path):
    for into in (folder, folder / "deep" / "out", tmp_path / "link"):
        if into.name == "link":
            into.symlink_to(folder / "deep")
        into.mkdir(exist_ok=True)

        with pytest.raises(ValueError, match="would be packed with it the next time"):
            pack_point(wanted(folder), into)

        assert not list(into.glob("*.tar.zst"))


def test_a_folder_of_more_files_than_a_manifest_lists_is_refused_before_it_is_read(folder, packed, monkeypatch):
    monkeypatch.setattr(member_manifest, "LIMIT", 500)

    with pytest.raises(Refusal, match=r"state\.tar\.zst would hold 5 files") as refused:
        packed()

    assert "at most 500 bytes" in str(refused.value)
    assert "backup.archives" in str(refused.value)


@pytest.mark.parametrize("path", ["a", "ü – 日本語", 'with "quotes" and \\'])  # noqa: RUF001 — a name in several scripts
def test_a_manifest_has_no_more_bytes_than_was_said_before_it_was_made(path):
    members = [ListedMember(path=f"{path}{number}", size=2**53 - 1, sha256="f" * 64) for number in range(50)]

    made = len(member_manifest.write("state.tar.zst", members))

    assert made - 100 <= member_manifest.most_bytes(member.path for member in members) <= made + 50 * 20
