"""A restore point in a real bucket is read once, with every promise that its metadata makes."""

import hashlib
import json
import secrets
from collections.abc import Callable
from typing import Any

import pytest

from drproof.embedded.site import archives
from drproof.embedded.site.archives import Member
from drproof.formats import backup_metadata, member_manifest
from drproof.formats.backup_metadata import Artifact, BackupMetadata, CanaryPromise, ManifestPromise
from drproof.formats.member_manifest import ListedMember
from drproof.model.criteria import Backup
from drproof.phases.backup.reading import Place, Reading, read_point
from drproof.targets.sites import AwsTarget
from tests.targets.conftest import NAMES, make_intent

BUCKET = NAMES["recovery"]["bucket"]
STATE = "state.tar.zst"
FILES = {"state/canary.json": b'{"canary_id": 1}', "state/one.bin": b"\x01" * 5000}


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def listed(files: dict[str, bytes]) -> list[ListedMember]:
    return [ListedMember(path=path, size=len(body), sha256=sha256(body)) for path, body in files.items()]


class Point:
    """A restore point of one archive, made as a test wants it."""

    def __init__(self, target: AwsTarget) -> None:
        self.objects = target.recovery.objects
        self.uri = f"s3://{BUCKET}/test/backups/{secrets.token_hex(4)}"
        self.bodies: dict[str, bytes] = {}
        self.told: list[int] = []
        self.promised: list[int] = []

    def make(self, *, inside: bytes | None = None, beside: bytes | None = None, checksum: bool = True) -> None:
        """Write the archive, with a member manifest inside of it or beside it."""
        members = [Member("state", None), *(Member(path, body) for path, body in FILES.items())]
        if inside is not None:
            members.append(Member(member_manifest.NAME, inside))
        self.bodies[STATE] = archives.packed(iter(members), checksum=checksum)
        if beside is not None:
            self.bodies["lists/state.json"] = beside
        promise = inside if beside is None else beside
        path = "lists/state.json" if beside is not None else ""
        manifests = {STATE: ManifestPromise(sha256=sha256(promise), path=path)} if promise is not None else {}
        body = self.bodies[STATE]
        self.bodies["metadata.json"] = backup_metadata.write(
            BackupMetadata(
                backup_id=self.uri.rpartition("/")[2],
                backup_uri=self.uri,
                bucket=BUCKET,
                prefix="test",
                created_at="2026-01-31T11:00:00Z",
                artifacts={STATE: Artifact(size=len(body), sha256=sha256(body))},
                schema_version=2,
                member_manifests=manifests,
                canary=CanaryPromise(
                    path=f"{STATE}/state/canary.json",
                    sha256=sha256(FILES["state/canary.json"]),
                    written_at="2026-01-31T10:59:00Z",
                ),
            )
        )

    def read(self, **wanted: Any) -> Reading:
        """Store what was made and read it."""
        prefix = self.uri.removeprefix(f"s3://{BUCKET}/")
        for name, body in self.bodies.items():
            self.objects.put(make_intent(), BUCKET, f"{prefix}/{name}", body)
        asked = {"objects": ("metadata.json", STATE), "archives": (STATE,), **wanted}
        place = Place(objects=self.objects, sections=(), redact=lambda text: text)
        return read_point(place, Backup(uri=self.uri, **asked), progress=self.told.append, expect=self.promised.append)


@pytest.fixture
def point(target: AwsTarget) -> Point:
    return Point(target)


def test_a_manifest_inside_its_archive_lists_every_file_but_itself(point: Point) -> None:
    point.make(inside=member_manifest.write(STATE, listed(FILES)))
    reading = point.read()

    (seen,) = reading.observed.members
    assert (seen.inside, seen.problem, seen.listed) == (True, "", 2)
    assert (seen.missing, seen.extra, seen.different) == (0, 0, 0)
    assert seen.sha256 == seen.promised_sha256
    assert [one.path for one in reading.promised[STATE]] == sorted(FILES)
    assert reading.observed.canary is not None
    assert reading.observed.canary.sha256 == reading.observed.canary.promised_sha256
    (archive,) = reading.observed.archives
    assert (archive.frames, archive.checksummed_frames, archive.problem) == (1, 1, "")
    # A list of empty files is megabytes of nothing that was backed up.
    assert archive.size - archive.manifest_size == sum(map(len, FILES.values()))


def test_a_manifest_beside_its_archive_is_an_object_that_is_looked_at_again(point: Point) -> None:
    files = {**FILES, "state/never-packed.json": b"{}", "state/one.bin": b"\x02" * 5000}
    del files["state/canary.json"]
    point.make(beside=member_manifest.write(STATE, listed(files)))
    reading = point.read()

    (seen,) = reading.observed.members
    assert (seen.inside, seen.uri) == (False, f"{point.uri}/lists/state.json")
    assert (seen.missing, seen.extra, seen.different) == (1, 1, 1)
    assert seen.examples == ("state/never-packed.json", "state/canary.json", "state/one.bin")
    assert [look.uri.rpartition("/")[2] for look in reading.observed.looks] == ["metadata.json", STATE, "state.json"]


def test_an_artifact_that_is_promised_and_that_nobody_asked_for_is_named(point: Point) -> None:
    point.make(inside=member_manifest.write(STATE, listed(FILES)))
    whole = json.loads(point.bodies["metadata.json"])
    whole["artifacts"]["db.tar.zst"] = {"bytes": 1, "sha256": sha256(b"1")}
    whole["canary"]["path"] = "db.tar.zst/canary.json"
    point.bodies["metadata.json"] = json.dumps(whole).encode()

    assert point.read().observed.unread == ("db.tar.zst",)
    assert point.read(objects=("metadata.json", STATE, "db.tar.zst")).observed.unread == ()


def test_every_byte_is_told_and_how_many_were_promised(point: Point) -> None:
    point.make(inside=member_manifest.write(STATE, listed(FILES)))
    point.read()

    assert sum(point.told) == sum(map(len, point.bodies.values()))
    assert point.promised == [len(point.bodies[STATE])]


def test_frames_without_a_checksum_are_counted(point: Point) -> None:
    point.make(checksum=False)
    (archive,) = point.read().observed.archives

    assert (archive.frames, archive.checksummed_frames) == (1, 0)


def _no_manifest(point: Point) -> None:
    point.make(inside=b"{}")
    metadata = json.loads(point.bodies["metadata.json"])
    point.make()
    body = point.bodies[STATE]
    metadata["artifacts"] = {STATE: {"bytes": len(body), "sha256": sha256(body)}}
    point.bodies["metadata.json"] = json.dumps(metadata).encode()


def _gone(point: Point) -> None:
    point.make(beside=member_manifest.write(STATE, listed(FILES)))
    del point.bodies["lists/state.json"]


SPOILED: dict[str, tuple[Callable[[Point], None], str]] = {
    "none inside": (_no_manifest, "the archive has no member members.json"),
    "none beside": (_gone, "the member manifest is not there"),
    "no manifest": (lambda point: point.make(inside=b"{}"), "members-shape"),
    "no JSON": (lambda point: point.make(beside=b"{"), "json-syntax"),
    "of another archive": (
        lambda point: point.make(inside=member_manifest.write("other.tar.zst", listed(FILES))),
        "the member manifest is that of another archive",
    ),
}


@pytest.mark.parametrize(("spoil", "said"), SPOILED.values(), ids=SPOILED)
def test_a_promised_manifest_that_cannot_be_compared_says_why(
    point: Point, spoil: Callable[[Point], None], said: str
) -> None:
    spoil(point)
    reading = point.read()

    (seen,) = reading.observed.members
    assert seen.problem == said
    assert reading.promised == {STATE: ()}


@pytest.mark.parametrize("place", ["inside", "beside"])
def test_a_manifest_that_nobody_could_hold_is_not_read_to_its_end(
    point: Point, place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    manifest: Any = member_manifest.write(STATE, listed(FILES))
    point.make(**{place: manifest})
    monkeypatch.setattr(member_manifest, "LIMIT", len(manifest) - 2)

    (seen,) = point.read().observed.members
    assert seen.problem in {f"the member manifest is larger than {len(manifest) - 2} bytes", "json-syntax"}


def test_an_object_that_is_replaced_while_others_are_read_is_seen_at_the_end(point: Point) -> None:
    point.make()
    metadata = point.bodies["metadata.json"]
    prefix = point.uri.removeprefix(f"s3://{BUCKET}/")

    def replace_once(_: int) -> None:
        point.objects.put(make_intent(), BUCKET, f"{prefix}/metadata.json", metadata + b"\n")

    for name, body in point.bodies.items():
        point.objects.put(make_intent(), BUCKET, f"{prefix}/{name}", body)
    place = Place(objects=point.objects, sections=(), redact=lambda text: text)
    wanted = Backup(uri=point.uri, objects=("metadata.json", STATE), archives=(STATE,))
    observed = read_point(place, wanted, progress=replace_once).observed

    first = observed.looks[0]
    assert first.uri.endswith("/metadata.json")
    assert first.version != first.version_after
    assert first.size_after == len(metadata) + 1
    assert observed.objects[0].sha256 == sha256(metadata), "what was read is the version that was first seen"
