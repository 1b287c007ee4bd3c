"""Restore points that drproof makes: uploaded whole or not at all, and read back before they are called made."""

import json
import os
import secrets
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import boto3
import pytest
import typer
from botocore.exceptions import ConnectionClosedError, EndpointConnectionError, ReadTimeoutError
from typer.testing import CliRunner, Result

from drproof import catalog
from drproof.cli.app import app
from drproof.cli.errors import clear
from drproof.engine.effects import JournalledEffects
from drproof.engine.reaching import Way
from drproof.engine.restore_points import Wanted, pack_point, upload_point, verify_point
from drproof.evidence.canonical import digest
from drproof.evidence.journal import Journal
from drproof.formats import s3_uri
from drproof.model.codec import encode
from drproof.model.criteria import Backup
from drproof.model.errors import AlreadyExistsError, EvidenceError, TargetError
from drproof.phases.backup.reading import Place, read_point
from drproof.targets import embedded
from drproof.targets.aws.s3_uploads import AwsUploads
from drproof.targets.sites import AwsTarget
from tests.contracts.evidence import PASSING
from tests.targets.conftest import NAMES, make_intent

SITE = NAMES["sites"]["primary"]
BUCKET = s3_uri.parse(NAMES["drill"]["backup_uri"]).bucket
MIB = 1 << 20
CONTRACTS = catalog.plan("backup").contracts
Cli = Callable[..., Result]


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    state, manifests = tmp_path / "state", tmp_path / "manifests"
    for place in (state, manifests):
        place.mkdir()
    (state / "orders.json").write_text('{"orders": 3}')
    (state / "noise.bin").write_bytes(os.urandom(200_000))
    (manifests / "cronjob.yaml").write_text("kind: CronJob\n")
    return state, manifests


@pytest.fixture
def client(world: embedded.World) -> Any:
    """A plain SDK client of the account that keeps backups."""
    issued = embedded.credentials(world.endpoint)["primary"]
    make: Any = boto3.client
    return make(
        "s3",
        region_name=SITE["region"],
        endpoint_url=world.endpoint,
        aws_access_key_id=issued["access_key_id"],
        aws_secret_access_key=issued["secret_access_key"],
    )


@pytest.fixture
def under() -> str:
    """A place of this test's own."""
    return f"s3://{BUCKET}/test-{secrets.token_hex(4)}/backups/"


@pytest.fixture
def cli(world: embedded.World, folders: tuple[Path, Path], under: str, monkeypatch: pytest.MonkeyPatch) -> Cli:
    """Run `drproof backup create` against the world with the two usual archives."""
    issued = embedded.credentials(world.endpoint)["primary"]
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", issued["access_key_id"])
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", issued["secret_access_key"])
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    state, manifests = folders

    def run(*words: str, owner: str = SITE["account_id"]) -> Result:
        said = [
            *("--archive", f"state.tar.zst={state}", "--archive", f"manifests.tar.zst={manifests}"),
            *("--to", under, "--region", SITE["region"], "--bucket-owner", owner, "--endpoint", world.endpoint),
        ]
        return CliRunner().invoke(app, ["backup", "create", *said, *words])

    return run


def keys(client: Any, under: str) -> list[str]:
    place = s3_uri.parse(under)
    listed = client.list_objects_v2(Bucket=place.bucket, Prefix=f"{place.key}/").get("Contents", ())
    return [item["Key"].removeprefix(f"{place.key}/") for item in listed]


def test_a_restore_point_is_uploaded_and_read_back(cli, client, under, tmp_path):
    made = cli(
        "--backup-id", "b-1", "--canary", "state.tar.zst/state/canary.json", "--receipt-dir", str(tmp_path / "r")
    )

    assert made.exit_code == 0, made.output
    assert f"made and read back: {under}b-1" in made.output
    assert f"next: pytest -m backup-check --backup-uri {under}b-1" in made.output
    assert keys(client, under) == ["b-1/manifests.tar.zst", "b-1/metadata.json", "b-1/state.tar.zst"]
    said = json.loads((tmp_path / "r" / "backup.summary.json").read_text())
    assert said["verified_by_reading_back"] is True
    assert said["members"] == {"manifests.tar.zst": 1, "state.tar.zst": 3}
    assert set(said["versions"]) == {"manifests.tar.zst", "metadata.json", "state.tar.zst"}
    for name, row in said["artifacts"].items():
        place = s3_uri.parse(under)
        data = client.get_object(Bucket=BUCKET, Key=f"{place.key}/b-1/{name}")["Body"].read()
        assert (len(data), digest(data)) == (row["bytes"], row["sha256"])


def test_without_a_name_it_is_called_by_its_instant(cli, client, under):
    made = cli("--created-at", "2026-01-31T12:00:00Z")

    assert made.exit_code == 0, made.output
    assert "backup-20260131T120000Z/metadata.json" in keys(client, under)


def test_a_restore_point_is_never_written_over(cli, client, under):
    assert cli("--backup-id", "b-1").exit_code == 0
    before = keys(client, under)

    again = cli("--backup-id", "b-1")

    assert again.exit_code == 2
    assert "is not empty" in again.output
    assert "  next: " in again.output
    assert keys(client, under) == before


def test_a_dry_run_packs_and_uploads_nothing(cli, client, under, tmp_path):
    made = cli("--dry-run", "--into", str(tmp_path / "kept"))

    assert made.exit_code == 0, made.output
    assert "nothing was uploaded" in made.output
    assert keys(client, under) == []
    assert {path.name for path in (tmp_path / "kept").iterdir()} == {
        "state.tar.zst",
        "manifests.tar.zst",
        "metadata.json",
    }


def test_a_bucket_of_somebody_else_is_refused_before_anything_is_written(cli, client, under):
    made = cli(owner="999999999999")

    assert made.exit_code == 2
    assert "AccessDenied" in made.output
    assert keys(client, under) == []


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--archive", "state.tar.zst=elsewhere"), "each name once"),
        (("--archive", "state.zip=elsewhere"), "expected NAME.tar.zst=FOLDER"),
        (("--archive", "x.tar.zst="), "expected NAME.tar.zst=FOLDER"),
        (
            ("--archive", "db.tar.zst=elsewhere"),
            "db.tar.zst would be read by nobody: backup.objects and backup.archives",
        ),
        (("--created-at", "yesterday"), "--created-at"),
        (("--created-at", "2026-01-31T12:00:00+01:00"), "RFC 3339 in UTC"),
        (("--canary", "other.tar.zst/x"), "lies in no archive"),
        (("--canary", "state.tar.zst/state/../x"), "cannot be restored from an archive"),
        (("--to", f"s3://{BUCKET}/backups/"), "does not lie below a prefix"),
    ],
)
def test_what_is_wrong_is_named_with_the_next_command(cli, client, under, words, said):
    made = cli(*words)

    assert made.exit_code == 2
    assert said in made.output
    assert "Traceback" not in made.output
    assert keys(client, under) == []


def test_what_was_changed_on_the_way_is_no_restore_point(cli, client, under, target: AwsTarget, folders, tmp_path):
    assert cli("--backup-id", "b-1", "--created-at", "2026-01-31T12:00:00Z").exit_code == 0
    names = ("state.tar.zst", "manifests.tar.zst")
    made = pack_point(
        Wanted(uri=f"{under}b-1", created_at="2026-01-31T12:00:00Z", folders=dict(zip(names, folders, strict=True))),
        tmp_path,
    )
    verify_point(made, objects=target.primary.objects)
    key = f"{s3_uri.parse(under).key}/b-1/state.tar.zst"
    data = bytearray(client.get_object(Bucket=BUCKET, Key=key)["Body"].read())
    data[len(data) // 2] ^= 1
    client.put_object(Bucket=BUCKET, Key=key, Body=bytes(data))

    with pytest.raises(EvidenceError, match=r"state\.tar\.zst is not what was uploaded"):
        verify_point(made, objects=target.primary.objects)

    client.delete_object(Bucket=BUCKET, Key=key)
    with pytest.raises(EvidenceError, match="not_found"):
        verify_point(made, objects=target.primary.objects)

    other = replace(made, archives=(replace(made.archives[1], members=()),))
    with pytest.raises(EvidenceError, match="holds other files than were packed"):
        verify_point(other, objects=target.primary.objects)


def test_another_restore_point_in_its_place_is_not_the_one_that_was_made(
    cli, client, under, target: AwsTarget, folders, tmp_path
):
    assert cli("--backup-id", "b-1", "--created-at", "2026-01-31T12:00:00Z", "--level", "1").exit_code == 0
    names = ("state.tar.zst", "manifests.tar.zst")
    made = pack_point(
        Wanted(
            uri=f"{under}b-1",
            created_at="2026-01-31T12:00:00Z",
            folders=dict(zip(names, folders, strict=True)),
            level=19,
        ),
        tmp_path,
    )

    with pytest.raises(EvidenceError, match=r"metadata\.json is not what was uploaded"):
        verify_point(made, objects=target.primary.objects)


def test_what_lies_there_after_a_failure_is_named(client, under, target: AwsTarget, folders, tmp_path):
    made = pack_point(Wanted(uri=f"{under}b-1", created_at="2026-01-31T12:00:00Z", folders=archives(folders)), tmp_path)
    asked: list[Any] = []

    def lost(**_: Any) -> None:
        asked.append(None)
        if len(asked) == 2:
            raise ConnectionClosedError(endpoint_url="s3")

    client.meta.events.register("before-call.s3.PutObject", lost)
    with (
        Journal(tmp_path / "journal.log") as journal,
        pytest.raises(
            TargetError, match=rf"(?s)ConnectionClosedError.*{under}b-1/state\.tar\.zst lies there.*\n  next: "
        ),
    ):
        upload_point(
            made,
            tmp_path,
            objects=target.primary.objects,
            uploads=AwsUploads(client, owner=SITE["account_id"]),
            effects=JournalledEffects(journal, drill_id="b-1", phase="backup-create"),
        )
    assert keys(client, under) == ["b-1/state.tar.zst"]


def archives(folders: tuple[Path, Path]) -> dict[str, Path]:
    return dict(zip(("state.tar.zst", "manifests.tar.zst"), folders, strict=True))


def test_credentials_for_a_while_are_sent_to_another_store_with_their_token(monkeypatch):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.setenv(name, f"the {name}")
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    tokens: list[Any] = []

    def heard(request: Any, **_: Any) -> None:
        tokens.append(request.headers.get("X-Amz-Security-Token"))
        raise ConnectionClosedError(endpoint_url="s3")

    way = Way(region=SITE["region"], owner=SITE["account_id"], endpoint="http://127.0.0.1:1", read_only=False)
    client = way.open()[0].client("s3")
    client.meta.events.register("before-send.s3.HeadBucket", heard)
    with pytest.raises(ConnectionClosedError):
        client.head_bucket(Bucket=BUCKET)

    assert tokens == [b"the AWS_SESSION_TOKEN"]


@pytest.fixture
def large(tmp_path: Path) -> Path:
    path = tmp_path / "large"
    path.write_bytes(os.urandom(11 * MIB))
    return path


def sha256(path: Path) -> str:
    return digest(path.read_bytes())


def test_a_large_file_goes_up_in_parts_and_comes_back_whole(client, large):
    uploads = AwsUploads(client, owner=SITE["account_id"], single=6 * MIB, part=5 * MIB)
    key = f"test-{secrets.token_hex(4)}"

    version = uploads.create(make_intent(), BUCKET, key, large, sha256=sha256(large))

    found = client.get_object(Bucket=BUCKET, Key=key)
    assert digest(found["Body"].read()) == sha256(large)
    assert found.get("VersionId", "") == version
    assert found["ETag"].endswith('-3"')
    with pytest.raises(AlreadyExistsError):
        uploads.create(make_intent(), BUCKET, key, large, sha256=sha256(large))
    assert client.list_multipart_uploads(Bucket=BUCKET).get("Uploads", []) == []


def test_an_upload_that_is_interrupted_leaves_no_parts(client, large):
    asked: list[Any] = []

    def interrupt(**_: Any) -> None:
        asked.append(None)
        if len(asked) == 2:
            raise KeyboardInterrupt

    client.meta.events.register("before-call.s3.UploadPart", interrupt)
    uploads = AwsUploads(client, owner=SITE["account_id"], single=6 * MIB, part=5 * MIB)

    with pytest.raises(KeyboardInterrupt):
        uploads.create(make_intent(), BUCKET, f"test-{secrets.token_hex(4)}", large, sha256=sha256(large))

    assert client.list_multipart_uploads(Bucket=BUCKET).get("Uploads", []) == []


def test_a_file_at_once_is_made_once(client, large):
    uploads = AwsUploads(client, owner=SITE["account_id"])
    key = f"test-{secrets.token_hex(4)}"

    uploads.create(make_intent(), BUCKET, key, large, sha256=sha256(large))

    with pytest.raises(AlreadyExistsError):
        uploads.create(make_intent(), BUCKET, key, large, sha256=sha256(large))


def test_other_bytes_than_were_promised_are_refused_by_the_store(client, large):
    uploads = AwsUploads(client, owner=SITE["account_id"])
    key = f"test-{secrets.token_hex(4)}"

    with pytest.raises(TargetError):
        uploads.create(make_intent(), BUCKET, key, large, sha256="0" * 64)
    assert client.list_objects_v2(Bucket=BUCKET, Prefix=key)["KeyCount"] == 0


def test_what_was_made_keeps_every_promise_that_a_restore_point_can_make(cli, under, target: AwsTarget):
    assert cli("--backup-id", "b-1", "--canary", "state.tar.zst/state/canary.json").exit_code == 0
    names = ("state.tar.zst", "manifests.tar.zst")
    wanted = Backup(
        uri=f"{under}b-1",
        objects=("metadata.json", *names),
        archives=names,
        member_manifests="required",
        checksums="required",
    )
    reading = read_point(Place(objects=target.primary.objects, sections=(), redact=str), wanted)
    evidence = (
        PASSING.receipt("read_restore_point", observed=reading.observed)
        .file("members", encode(reading.members))
        .file("promised_members", encode(reading.promised))
        .asking(backup=wanted, control_plane_sections=())
    )
    asked = [one for one in CONTRACTS if one.name.partition("_")[0] in {"archive", "backup", "metadata"}]
    asked += [one for one in CONTRACTS if one.name == "restore_point_did_not_change_while_it_was_read"]
    judged = [verdict for contract in asked for verdict in evidence.verdicts(contract)]

    assert {verdict.contract for verdict in judged} >= {
        "archive_is_sound",
        "archive_has_a_checksum",
        "archive_members_equal_their_manifest",
        "backup_object_matches_its_metadata",
        "metadata_names_this_restore_point",
        "restore_point_did_not_change_while_it_was_read",
    }
    assert [f"{one.name}: {one.reason}" for one in judged if not one.proven] == []
    assert reading.observed.canary is not None
    assert reading.observed.canary.sha256 == reading.observed.canary.promised_sha256


def test_what_went_wrong_first_is_the_error_when_the_parts_cannot_be_taken_away_either(client, large):
    def deny(**_: Any) -> None:
        raise EndpointConnectionError(endpoint_url="http://nowhere")

    def fail(**_: Any) -> None:
        raise ReadTimeoutError(endpoint_url="http://slow")

    client.meta.events.register("before-call.s3.UploadPart", fail)
    client.meta.events.register("before-call.s3.AbortMultipartUpload", deny)
    uploads = AwsUploads(client, owner=SITE["account_id"], single=6 * MIB, part=5 * MIB)
    key = f"test-{secrets.token_hex(4)}"
    try:
        with pytest.raises(TargetError, match="s3:UploadPart .*ReadTimeoutError") as caught:
            uploads.create(make_intent(), BUCKET, key, large, sha256=sha256(large))
        (left,) = client.list_multipart_uploads(Bucket=BUCKET)["Uploads"]
    finally:
        client.meta.events.unregister("before-call.s3.UploadPart", fail)
        client.meta.events.unregister("before-call.s3.AbortMultipartUpload", deny)
        for upload in client.list_multipart_uploads(Bucket=BUCKET).get("Uploads", ()):
            client.abort_multipart_upload(Bucket=BUCKET, Key=upload["Key"], UploadId=upload["UploadId"])

    (note,) = caught.value.__notes__
    assert "s3:AbortMultipartUpload" in note
    assert "EndpointConnectionError" in note
    command = f"aws s3api abort-multipart-upload --bucket {BUCKET} --key {key} --upload-id {left['UploadId']}"
    assert command in note
    with pytest.raises(typer.Exit), clear():
        raise caught.value


def test_a_command_prints_what_besides_went_wrong_below_the_first_error(capsys):
    error = TargetError("s3:UploadPart s3://b/k: first", code="First", call="s3:UploadPart")
    error.add_note("parts of it may be left: second\n  next: take them away")

    with pytest.raises(typer.Exit) as ended, clear():
        raise error

    assert ended.value.exit_code == 2
    said = capsys.readouterr().err
    assert said == ("drproof: s3:UploadPart s3://b/k: first\nparts of it may be left: second\n  next: take them away\n")


def test_a_running_world_is_reached_by_its_address_alone(world, folders, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_REGION", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    under = f"s3://{BUCKET}/test-{secrets.token_hex(4)}/backups"
    packed = [word for name, folder in archives(folders).items() for word in ("--archive", f"{name}={folder}")]

    made = CliRunner().invoke(
        app, ["backup", "create", *packed, "--to", under, "--backup-id", "b-1", "--embedded", world.endpoint]
    )
    elsewhere = f"s3://{NAMES['recovery']['bucket']}/test-{secrets.token_hex(4)}/"
    compared = CliRunner().invoke(app, ["compare-prefixes", f"{under}/b-1/", elsewhere, "--embedded", world.endpoint])

    assert made.exit_code == 0, made.output
    assert f"made and read back: {under}/b-1" in made.output
    assert compared.exit_code == 1, compared.output
    assert f"{elsewhere}: 0 objects" in compared.output
    assert "missing: metadata.json" in compared.output
