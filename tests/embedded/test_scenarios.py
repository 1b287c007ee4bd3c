"""Each scenario spoils what it says it spoils, and nothing else."""

import hashlib
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from drproof.embedded import scenarios

from .conftest import RunningWorld, Start
from .test_site import bundle, contents, get, members, place

ISSUE = {
    "stale-pipeline",
    "missing-marker",
    "pointer-mismatch",
    "future-timestamp",
    "latest-stale",
    "published-byte-flipped",
    "pointer-of-the-provider-missing",
    "pointer-to-no-run",
    "backup-object-missing",
    "backup-object-truncated",
    "backup-object-byte-flipped",
    "backup-object-zero-bytes",
    "hostile-archive",
    "backup-replaced-while-read",
    "backup-implausibly-small",
    "backup-member-differs",
    "backup-without-checksums",
    "backup-in-the-primary-region",
    "backup-without-versions",
    "onprem-checksums-differ",
    "bundle-hash-mismatch",
    "manifest-extra-file",
    "control-plane-turned-back",
    "image-not-pinned",
    "two-runners",
    "terraform-apply-fails",
    "terraform-apply-unheard",
    "terraform-destroy-fails",
    "terraform-lock-held",
    "terraform-state-corrupt",
    "terraform-state-torn",
    "codebuild-quota-zero",
    "machine-quota-zero",
    "codebuild-fails",
    "ssm-never-online",
    "validate-creates-what-it-checks",
    "alarm-on-missing-data",
    "alarm-outside-window",
    "teardown-leaves-residue",
    "image-pull-denied-then-allowed",
    "insufficient-memory-then-node-added",
    "image-pull-denied",
    "insufficient-memory",
    "validation-job-fails",
    "validation-job-hangs",
    "validation-job-oom",
    "wrong-image-digest",
    "stale-cached-image",
    "namespace-missing-after-restore",
    "cronjob-missing",
    "configmap-edited",
    "publishing-left-on",
    "pull-secret-refused-once",
    "state-missing",
    "state-not-restored",
    "wrong-cluster",
    "kubeconfig-with-exec",
    "api-503",
    "watch-410",
    "api-restart",
    "s3-throttled",
    "credentials-expire",
    "disk-full",
    "receipt-store-refuses",
    "receipt-store-answer-lost",
    "marker-empty",
    "pointers-unreadable",
    "timestamp-unreadable",
    "freshness-limit-below-the-schedule",
    "alarm-missing",
    "alarm-silence-is-health",
    "alarm-actions-disabled",
    "alarm-on-a-healthy-day",
    "alarm-between-datapoints",
    "alarm-too-late",
    "alarm-out-of-reach",
    "image-single-arch",
    "image-wrong-arch",
    "preflight-quota-zero",
    "preflight-iam-denied",
    "preflight-iam-unasked",
    "preflight-builds-denied",
    "preflight-triggers-enabled",
    "preflight-same-failure-domain",
    "preflight-state-public",
    "preflight-topic-unheard",
    "preflight-credentials-short",
}
PREFERRED = "atlas/state/candidates/local/last_success.json"
OF_PROVIDER = "atlas/state/candidates/local/openai/cs/last_success.json"
EXITS = {"proven": 0, "refuted": 1, "incomplete": 1, "refused": 4}


def test_the_table_has_every_scenario() -> None:
    assert set(scenarios.table()) == ISSUE


@pytest.mark.parametrize("name", sorted(ISSUE))
def test_a_row_says_how_a_drill_ends(name: str) -> None:
    row = scenarios.table()[name]
    assert row["says"]
    assert row["exit"] == EXITS[row["outcome"]]
    assert set(row["phases"].values()) <= {"passed", "failed", "blocked", "not_run"}
    assert isinstance(row["refuted"], list)
    assert row["outcome"] != "proven" or not row["refuted"]
    if "blocked_from" in row:
        assert row["phases"][row["blocked_from"]] == "blocked"
    if "health_refuted" in row:
        assert row["health_refuted"]
        assert row["health_exit"] == 1


def test_an_unknown_name_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ValueError, match=r"no scenario 'nosuch'.*two-runners"):
        scenarios.known("nosuch")


def test_the_image_is_a_tag_where_it_must_not_be_pinned() -> None:
    assert "@" not in scenarios.table()["image-not-pinned"]["settings"]["drill"]["image_ref"]


def test_a_validation_command_creates_what_it_lists_where_it_must() -> None:
    commands = scenarios.table()["validate-creates-what-it-checks"]["settings"]["validation"]["commands"]
    assert any("touch srv/ns/created" in command["run"] and "ls srv/ns" in command["run"] for command in commands)


def _pointer(world: RunningWorld, key: str) -> dict[str, Any]:
    return dict(json.loads(get(world, "atlas-primary", key)))


def _ended(world: RunningWorld, key: str = PREFERRED) -> timedelta:
    return datetime.now(UTC) - datetime.fromisoformat(_pointer(world, key)["ended_at"])


def _marker(world: RunningWorld) -> int:
    run = _pointer(world, PREFERRED)["run_path"]
    found = world.client("s3").list_objects_v2(Bucket="atlas-primary", Prefix=f"{run}/openai/cs/openai_top")
    return int(found["KeyCount"])


def test_stale_pipeline_ended_40_hours_ago(start: Start) -> None:
    world = start("stale-pipeline")
    assert timedelta(hours=40) < _ended(world) < timedelta(hours=41)
    assert _marker(world) == 1


def test_missing_marker_lacks_only_the_marker(start: Start) -> None:
    world = start("missing-marker")
    assert _marker(world) == 0
    run = _pointer(world, PREFERRED)["run_path"]
    assert world.client("s3").list_objects_v2(Bucket="atlas-primary", Prefix=f"{run}/openai")["KeyCount"] == 4
    assert _ended(world) < timedelta(hours=4)


def test_pointer_mismatch_has_two_runs_both_fresh(start: Start) -> None:
    world = start("pointer-mismatch")
    assert _pointer(world, PREFERRED)["run_id"] != _pointer(world, OF_PROVIDER)["run_id"]
    assert _ended(world, OF_PROVIDER) < timedelta(hours=6)


def test_future_timestamp_is_in_the_future(start: Start) -> None:
    world = start("future-timestamp")
    assert _ended(world) < timedelta(days=-399)
    assert _marker(world) == 1


def _archive(world: RunningWorld, names: dict[str, Any]) -> tuple[dict[str, Any], bytes | None]:
    """Return what the metadata say of the state archive, and what is there."""
    bucket, prefix = place(names)
    said = json.loads(get(world, bucket, f"{prefix}/metadata.json"))["artifacts"]["state.tar.zst"]
    listed = world.client("s3").list_objects_v2(Bucket=bucket, Prefix=f"{prefix}/state.tar.zst")
    return said, get(world, bucket, f"{prefix}/state.tar.zst") if listed["KeyCount"] else None


def test_a_missing_archive_is_named_and_not_there(start: Start, names: dict[str, Any]) -> None:
    said, body = _archive(start("backup-object-missing"), names)
    assert said["bytes"] > 0
    assert body is None


def test_a_truncated_archive_is_the_beginning_of_the_named_one(start: Start, names: dict[str, Any]) -> None:
    said, body = _archive(start("backup-object-truncated"), names)
    assert body is not None
    assert len(body) == said["bytes"] * 6 // 10


def test_a_flipped_byte_changes_the_digest_and_not_the_size(start: Start, names: dict[str, Any]) -> None:
    said, body = _archive(start("backup-object-byte-flipped"), names)
    assert body is not None
    assert len(body) == said["bytes"]
    assert hashlib.sha256(body).hexdigest() != said["sha256"]
    middle = len(body) // 2
    mended = body[:middle] + bytes([body[middle] ^ 1]) + body[middle + 1 :]
    assert hashlib.sha256(mended).hexdigest() == said["sha256"]


def test_an_empty_archive_is_there_and_empty(start: Start, names: dict[str, Any]) -> None:
    said, body = _archive(start("backup-object-zero-bytes"), names)
    assert said["bytes"] > 0
    assert body == b""


def test_a_hostile_archive_has_the_named_digest_and_members_that_leave_their_folder(
    start: Start, names: dict[str, Any]
) -> None:
    said, body = _archive(start("hostile-archive"), names)
    assert body is not None
    assert said == {"bytes": len(body), "sha256": hashlib.sha256(body).hexdigest()}
    found = members(body)
    assert "../../etc/cron.d/x" in [member.name for member in found]
    assert [member.linkname for member in found if member.issym()] == ["/etc/passwd"]


def test_a_restore_point_is_written_again_once_it_was_read(start: Start, names: dict[str, Any]) -> None:
    world = start("backup-replaced-while-read")
    bucket, prefix = place(names)
    first = get(world, bucket, f"{prefix}/metadata.json")
    second = get(world, bucket, f"{prefix}/metadata.json")
    assert first != second
    assert second == get(world, bucket, f"{prefix}/metadata.json")
    assert json.loads(first) | {"notes": "Made again."} == json.loads(second)


def test_an_implausible_archive_is_sound_and_holds_the_canary_alone(start: Start, names: dict[str, Any]) -> None:
    said, body = _archive(start("backup-implausibly-small"), names)
    assert body is not None
    assert said == {"bytes": len(body), "sha256": hashlib.sha256(body).hexdigest()}
    assert [member.name for member in members(body)] == ["state", "state/canary.json"]


def test_a_member_differs_in_the_manifest_alone(start: Start, names: dict[str, Any]) -> None:
    world = start("backup-member-differs")
    said, body = _archive(world, names)
    assert body is not None
    assert said["sha256"] == hashlib.sha256(body).hexdigest()
    bucket, prefix = place(names)
    manifest = get(world, bucket, f"{prefix}/state.members.json")
    promise = json.loads(get(world, bucket, f"{prefix}/metadata.json"))["member_manifests"]["state.tar.zst"]
    assert promise["sha256"] == hashlib.sha256(manifest).hexdigest()
    assert json.loads(manifest)["members"][-1]["sha256"] == hashlib.sha256(b"as it was listed").hexdigest()


def test_a_wrong_bundle_digest_is_in_the_pointer_alone(start: Start, names: dict[str, Any]) -> None:
    pointer, packed = bundle(start("bundle-hash-mismatch"), names)
    assert pointer["bundle_sha256"] != hashlib.sha256(packed).hexdigest()
    assert _listed(packed) == _held(packed)


def test_an_extra_file_is_in_the_bundle_and_not_in_its_manifest(start: Start, names: dict[str, Any]) -> None:
    pointer, packed = bundle(start("manifest-extra-file"), names)
    assert pointer["bundle_sha256"] == hashlib.sha256(packed).hexdigest()
    assert _held(packed) - _listed(packed) == {"alerts/unlisted.json"}
    assert _listed(packed) < _held(packed)


def test_a_newer_bundle_lies_beside_the_one_that_a_turned_back_pointer_names(
    start: Start, names: dict[str, Any]
) -> None:
    world = start("control-plane-turned-back")
    pointer, packed = bundle(world, names)
    assert pointer["bundle_sha256"] == hashlib.sha256(packed).hexdigest()
    assert _listed(packed) == _held(packed)
    listed = world.client("s3").list_objects_v2(Bucket="atlas-backups", Prefix="atlas/control-plane/bundles/")
    keys = sorted(item["Key"] for item in listed["Contents"])
    assert len(keys) == 2
    assert pointer["bundle_uri"].endswith(keys[0])


def _listed(packed: bytes) -> set[str]:
    manifest = json.loads(contents(packed)["control-plane/manifest.json"])
    return {entry["path"] for entry in manifest["files"]}


def _held(packed: bytes) -> set[str]:
    return {name.removeprefix("control-plane/") for name in contents(packed)} - {"manifest.json"}
