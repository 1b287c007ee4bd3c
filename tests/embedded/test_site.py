"""The generated original site is what a sound one would be, down to each digest."""

import hashlib
import io
import json
import tarfile
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import zstandard

from drproof.embedded.site import archives, registry

from .conftest import RunningWorld

FILES = {
    "openai_ranked_jobs.cs.json",
    "openai_ranked_jobs.cs.csv",
    "openai_ranked_families.cs.json",
    "openai_shortlist.cs.md",
    "openai_top.cs.md",
}
POINTERS = (
    "atlas/state/candidates/local/openai/cs/last_success.json",
    "atlas/state/last_success.json",
    "atlas/state/openai/cs/last_success.json",
)
"""All but the preferred global one: reading that starts the outage of the shared world."""


def get(world: RunningWorld, bucket: str, key: str) -> bytes:
    """Return an object as the original site's account reads it."""
    return bytes(world.client("s3", "primary").get_object(Bucket=bucket, Key=key)["Body"].read())


def place(names: dict[str, Any]) -> tuple[str, str]:
    """Return bucket and prefix of the restore point."""
    _, _, bucket, prefix = names["drill"]["backup_uri"].split("/", 3)
    return bucket, prefix


def bundle(world: RunningWorld, names: dict[str, Any]) -> tuple[dict[str, Any], bytes]:
    """Return the control-plane pointer and the bundle that it names."""
    bucket, prefix = place(names)
    pointer = json.loads(get(world, bucket, f"{prefix.partition('/backups/')[0]}/control-plane/current.json"))
    return pointer, get(world, *pointer["bundle_uri"].removeprefix("s3://").split("/", 1))


def contents(packed: bytes) -> dict[str, bytes]:
    """Return the files of a bundle."""
    with tarfile.open(fileobj=io.BytesIO(packed), mode="r:gz") as archive:
        return {member.name: archive.extractfile(member).read() for member in archive}  # type: ignore[union-attr]


def members(packed: bytes) -> list[tarfile.TarInfo]:
    """Return the members of a compressed archive."""
    plain = zstandard.ZstdDecompressor().decompressobj().decompress(packed)
    with tarfile.open(fileobj=io.BytesIO(plain)) as archive:
        return list(archive)


def test_all_pointers_name_the_run_that_ended_some_hours_ago(world: RunningWorld) -> None:
    run = world.document["site"]["run_id"]
    for key in POINTERS:
        pointer = json.loads(get(world, "atlas-primary", key))
        assert pointer["run_id"] == run
        assert pointer["run_path"] == f"atlas/runs/{run}"
        assert pointer["provider_profiles"] == {"openai:cs": run}
        age = datetime.now(UTC) - datetime.fromisoformat(pointer["ended_at"])
        assert timedelta(hours=2, minutes=59) < age < timedelta(hours=3, minutes=30)


def test_the_run_and_its_latest_copies_hold_the_five_files_that_its_report_promises(world: RunningWorld) -> None:
    run = world.document["site"]["run_id"]
    for name in FILES:
        published = get(world, "atlas-primary", f"atlas/runs/{run}/openai/cs/{name}")
        assert published
        assert get(world, "atlas-primary", f"atlas/latest/openai/cs/{name}") == published
    listed = world.client("s3").list_objects_v2(Bucket="atlas-primary", Prefix="atlas/runs/")["Contents"]
    assert len(listed) == len(FILES) + 1
    report = json.loads(get(world, "atlas-primary", f"atlas/runs/{run}/run_report.json"))
    assert report["run_id"] == run
    assert {row["path"].rpartition("/")[2] for row in report["verifiable_artifacts"].values()} == FILES
    for row in report["verifiable_artifacts"].values():
        body = get(world, "atlas-primary", f"atlas/runs/{run}/openai/cs/{row['path'].rpartition('/')[2]}")
        assert (row["bytes"], row["sha256"]) == (len(body), hashlib.sha256(body).hexdigest())


@pytest.mark.parametrize("bucket", ["atlas-primary", "atlas-backups", "atlas-recovery", "atlas-dr-tfstate"])
def test_every_bucket_keeps_versions(world: RunningWorld, bucket: str) -> None:
    site = "recovery" if bucket in {"atlas-recovery", "atlas-dr-tfstate"} else "primary"
    assert world.client("s3", site).get_bucket_versioning(Bucket=bucket)["Status"] == "Enabled"


def test_the_metadata_name_size_and_digest_of_both_archives(world: RunningWorld, names: dict[str, Any]) -> None:
    bucket, prefix = place(names)
    metadata = json.loads(get(world, bucket, f"{prefix}/metadata.json"))
    reference = {"artifacts", "backup_id", "backup_uri", "bucket", "created_utc", "notes", "prefix"}
    assert set(metadata) == reference | {"canary", "member_manifests", "schema_version"}
    assert metadata["backup_uri"] == names["drill"]["backup_uri"]
    age = datetime.now(UTC) - datetime.fromisoformat(metadata["created_utc"])
    assert timedelta(hours=4, minutes=59) < age < timedelta(hours=5, minutes=30)
    assert set(metadata["artifacts"]) == {"state.tar.zst", "manifests.tar.zst"}
    for name, said in metadata["artifacts"].items():
        body = get(world, bucket, f"{prefix}/{name}")
        assert said == {"bytes": len(body), "sha256": hashlib.sha256(body).hexdigest()}


def test_the_member_manifests_list_the_files_of_their_archives(world: RunningWorld, names: dict[str, Any]) -> None:
    bucket, prefix = place(names)
    metadata = json.loads(get(world, bucket, f"{prefix}/metadata.json"))
    for name, promise in metadata["member_manifests"].items():
        body = get(world, bucket, f"{prefix}/{promise['path']}")
        assert hashlib.sha256(body).hexdigest() == promise["sha256"]
        listed = {row["path"]: row["bytes"] for row in json.loads(body)["members"]}
        packed = members(get(world, bucket, f"{prefix}/{name}"))
        assert listed == {member.name: member.size for member in packed if member.isreg()}
    assert metadata["canary"]["path"] == "state.tar.zst/state/canary.json"


def test_the_restore_point_lies_in_another_region_than_what_is_published(world: RunningWorld) -> None:
    def region(bucket: str) -> str:
        return str(world.client("s3").head_bucket(Bucket=bucket)["BucketRegion"])

    assert (region("atlas-primary"), region("atlas-backups")) == ("us-east-1", "us-west-2")


def test_an_encrypted_backup_lies_beside_the_restore_point(world: RunningWorld) -> None:
    uri = world.document["site"]["onprem_uri"]
    prefix = uri.removeprefix("s3://atlas-backups/")
    checksums = json.loads(get(world, "atlas-backups", f"{prefix}/checksums.json"))
    for name, sha256 in checksums.items():
        body = get(world, "atlas-backups", f"{prefix}/{name}")
        assert body.startswith(b"Salted__")
        assert len(body) % 16 == 0
        assert hashlib.sha256(body).hexdigest() == sha256
    assert json.loads(get(world, "atlas-backups", f"{prefix}/metadata.json"))["checksums"] == checksums


def test_the_state_archive_has_thousands_of_members_and_tens_of_megabytes(
    world: RunningWorld, names: dict[str, Any]
) -> None:
    bucket, prefix = place(names)
    packed = get(world, bucket, f"{prefix}/state.tar.zst")
    assert 15_000_000 < len(packed) < 40_000_000
    found = members(packed)
    files = [member for member in found if member.isreg()]
    assert len(files) == 2400
    assert all(member.isreg() or member.isdir() for member in found)
    assert all(member.name == "state" or member.name.startswith("state/") for member in found)
    assert len({member.name for member in found}) == len(found)
    assert {0} < {member.size for member in files}
    assert any(len(member.name) > 255 for member in files)
    assert any(not member.name.isascii() for member in files)


def test_the_manifests_archive_holds_the_workloads(world: RunningWorld, names: dict[str, Any]) -> None:
    bucket, prefix = place(names)
    found = members(get(world, bucket, f"{prefix}/manifests.tar.zst"))
    kinds = [member.name.split("-")[1] for member in found if member.name.endswith(".yaml")]
    assert {"serviceaccount", "configmap", "secret", "role", "rolebinding", "service", "deployment"} < set(kinds)
    assert kinds.count("cronjob") == 1


def test_the_same_seed_gives_the_same_archive_and_another_seed_another() -> None:
    one = archives.packed(archives.state(1, 60, canary=b"{}"))
    assert archives.packed(archives.state(1, 60, canary=b"{}")) == one
    assert archives.packed(archives.state(2, 60, canary=b"{}")) != one


def test_a_large_archive_is_promised_file_by_file() -> None:
    packed, rows = archives.large(1, 3, 4096)
    plain = zstandard.ZstdDecompressor().decompressobj().decompress(packed)

    with tarfile.open(fileobj=io.BytesIO(plain)) as archive:
        held = {one.name: archive.extractfile(one).read() for one in archive}  # type: ignore[union-attr]
    assert rows == [
        {"path": name, "bytes": 4096, "sha256": hashlib.sha256(data).hexdigest()} for name, data in held.items()
    ]
    assert len(rows) == 3


def test_the_control_plane_pointer_names_its_bundle(world: RunningWorld, names: dict[str, Any]) -> None:
    pointer, packed = bundle(world, names)
    assert set(pointer) == {
        "schema_version",
        "current_uri",
        "bundle_uri",
        "bundle_sha256",
        "created_at",
        "git_sha",
        "image_ref_digest",
    }
    assert pointer["bundle_sha256"] == hashlib.sha256(packed).hexdigest()
    assert pointer["bundle_uri"].endswith(f"/{pointer['created_at']}-{pointer['bundle_sha256'][:12]}.tar.gz")
    assert pointer["image_ref_digest"] == names["drill"]["image_ref"]


def test_the_bundle_equals_its_manifest_and_is_packed_deterministically(
    world: RunningWorld, names: dict[str, Any]
) -> None:
    pointer, packed = bundle(world, names)
    assert packed.startswith(bytes.fromhex("1f8b08000000000002ff"))
    with tarfile.open(fileobj=io.BytesIO(packed), mode="r:gz") as archive:
        found = list(archive)
    assert all(
        (item.uid, item.gid, item.uname, item.gname, item.mtime, item.mode) == (0, 0, "", "", 0, 0o644)
        for item in found
    )
    assert [item.name for item in found] == sorted(item.name for item in found)
    files = contents(packed)
    manifest = json.loads(files.pop("control-plane/manifest.json"))
    assert manifest["supported_sections"] == ["candidates", "alerts", "providers", "scoring"]
    assert (manifest["created_at"], manifest["git_sha"]) == (pointer["created_at"], pointer["git_sha"])
    assert manifest["files"] == [
        {"path": name.removeprefix("control-plane/"), "sha256": hashlib.sha256(body).hexdigest(), "bytes": len(body)}
        for name, body in sorted(files.items())
    ]
    assert {entry["path"].partition("/")[0] for entry in manifest["files"]} == set(manifest["supported_sections"])


@pytest.mark.parametrize("site", ["primary", "recovery"])
def test_the_image_reference_names_an_index_of_two_architectures_by_its_true_digest(
    world: RunningWorld, names: dict[str, Any], site: str
) -> None:
    digest = names["drill"]["image_ref"].partition("@")[2]
    ecr = world.client("ecr", site, region="us-east-1")
    asked = {"registryId": "111122223333", "repositoryName": "atlas"}
    (image,) = ecr.batch_get_image(**asked, imageIds=[{"imageDigest": digest}])["images"]
    assert "sha256:" + hashlib.sha256(image["imageManifest"].encode()).hexdigest() == digest
    assert image["imageManifest"] == registry.images()[0]
    index = json.loads(image["imageManifest"])
    assert [item["platform"]["architecture"] for item in index["manifests"]] == ["amd64", "arm64"]
    for item in index["manifests"]:
        (child,) = ecr.batch_get_image(**asked, imageIds=[{"imageDigest": item["digest"]}])["images"]
        assert len(child["imageManifest"].encode()) == item["size"]


def test_an_image_put_without_a_digest_gets_its_true_one(world: RunningWorld) -> None:
    ecr = world.client("ecr")
    ecr.create_repository(repositoryName="own")
    manifest = '{"schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json", "manifests": []}'
    image = ecr.put_image(repositoryName="own", imageManifest=manifest, imageTag="t")["image"]
    assert image["imageId"]["imageDigest"] == "sha256:" + hashlib.sha256(manifest.encode()).hexdigest()


def test_the_topic_of_the_recovery_account_takes_messages(world: RunningWorld, names: dict[str, Any]) -> None:
    assert world.client("sns").publish(TopicArn=names["recovery"]["topic_arn"], Message="hello")["MessageId"]


def test_quotas_are_listed_and_asked_for_by_code(world: RunningWorld) -> None:
    quotas = world.client("service-quotas")
    for service in ("ec2", "codebuild"):
        listed = quotas.list_service_quotas(ServiceCode=service)["Quotas"]
        assert listed
        for quota in listed:
            same = quotas.get_service_quota(ServiceCode=service, QuotaCode=quota["QuotaCode"])["Quota"]
            assert same == quota
    with pytest.raises(quotas.exceptions.NoSuchResourceException):
        quotas.get_service_quota(ServiceCode="ec2", QuotaCode="L-00000000")
