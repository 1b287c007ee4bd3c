"""What publish writes is what `backup-check` finds proven, and each thing that it would not write is refuted."""

import hashlib
import json

import pytest

from drproof import catalog
from drproof.formats import s3_uri
from drproof.model.verdict import Status
from drproof.phases.backup.control_plane import read_control_plane
from drproof.phases.backup.pinned import Pinned
from tests.contracts.evidence import PASSING

from .conftest import BUCKET, CREATED, FILES, IMAGE
from .test_fetch import ROWS, crafted

SECTIONS = ("candidates", "alerts", "providers", "scoring")
CONTRACTS = {one.name: one for one in catalog.plan("backup").contracts if one.name.startswith("control_plane")}
AN_EARLIER = "20250101T000000Z"


def read(hand):
    uri = s3_uri.parse(f"s3://{BUCKET}/{hand.prefix}/backups/backup-1")
    return read_control_plane(Pinned(hand.store), uri, SECTIONS, redact=str, count=lambda _: None)


def judged(hand):
    """Return each contract that is not proven, with its status."""
    seen, listed = read(hand)
    evidence = PASSING.facts("read_restore_point", control_plane=seen).file("control_plane", listed)
    evidence = evidence.asking(control_plane_sections=SECTIONS, image_ref=IMAGE)
    verdicts = [verdict for contract in CONTRACTS.values() for verdict in evidence.verdicts(contract)]
    assert len(verdicts) == len(CONTRACTS) + 3 * (len(SECTIONS) - 1), "three of them judge each section"
    return {verdict.name: verdict.status for verdict in verdicts if not verdict.proven}


def plant(hand, data, *, name="", **pointer):
    """Let the pointer name a bundle that somebody else made."""
    digest = hashlib.sha256(data).hexdigest()
    key = name or f"bundles/{CREATED}-{digest[:12]}.tar.gz"
    said = {
        "schema_version": 1,
        "bundle_uri": f"s3://{BUCKET}/{hand.key(key)}",
        "bundle_sha256": digest,
        "created_at": CREATED,
        "git_sha": "",
        "image_ref_digest": IMAGE,
    }
    hand.put(key, data)
    hand.put("current.json", json.dumps({**said, **pointer}).encode())


VERSIONS = {"candidate_registry": 1, "alerts": 1, "providers": 1, "scoring": 1}


def other(name):
    return {name: Status.REFUTED}


def test_what_was_published_is_proven(hand):
    assert hand.publish().status == 0

    assert judged(hand) == {}
    seen, _ = read(hand)
    assert seen.pointer is not None
    assert (seen.pointer.bundles, seen.pointer.newest_created_at) == (1, CREATED)
    assert seen.manifest is not None
    assert seen.manifest.nested == seen.manifest.nested_listed == ("candidates/local/manifest.json",)
    assert [section.schema_version for section in seen.sections] == ["1"] * 4
    alerts = next(section for section in seen.sections if section.name == "alerts")
    assert alerts.map_size == sum(
        len(path.removeprefix("alerts/")) + len(data) for path, data in FILES.items() if path.startswith("alerts/")
    )


def test_a_bundle_of_another_tool_is_proven_when_it_is_as_good(hand):
    plant(hand, crafted(manifest={"schema_versions": VERSIONS}))
    assert judged(hand) == {}


NESTED = "candidates/local/manifest.json"
FILES_DIFFER = other("control_plane_files_equal_the_manifest")


@pytest.mark.parametrize(
    ("bundle", "pointer", "refuted"),
    [
        ({}, {"name": "bundles/latest.tar.gz"}, {"control_plane_bundle_is_named_by_its_content": Status.REFUTED,
                                                 "control_plane_pointer_names_the_newest_bundle": Status.UNPROVEN}),
        ({}, {"git_sha": "ab" * 20}, other("control_plane_pointer_agrees_with_the_manifest")),
        ({}, {"created_at": "20260131T110001Z"}, other("control_plane_pointer_agrees_with_the_manifest")),
        ({}, {"schema_version": 2}, other("control_plane_documents_have_a_known_version")),
        ({}, {"schema_version": True}, other("control_plane_documents_have_a_known_version")),
        ({"schema_version": "1"}, {}, other("control_plane_documents_have_a_known_version")),
        ({"files": [{**ROWS[0], "bytes": 1}, *ROWS[1:]]}, {}, other("control_plane_files_have_their_listed_size")),
        (
            {"files": [row for row in ROWS if row["path"] != NESTED]}, {},
            {**FILES_DIFFER, **other("control_plane_manifest_lists_its_namesakes")},
        ),
        (
            {"schema_versions": {**VERSIONS, "scoring": 2}}, {},
            other("control_plane_section_has_its_listed_version[scoring]"),
        ),
        (
            {"schema_versions": {**VERSIONS, "candidate_registry": None}}, {},
            other("control_plane_section_has_its_listed_version[candidates]"),
        ),
    ],
)  # fmt: skip
def test_what_publish_would_not_write_is_refuted(hand, bundle, pointer, refuted):
    plant(hand, crafted(manifest={"schema_versions": VERSIONS, **bundle}), **pointer)

    assert judged(hand) == refuted


@pytest.mark.parametrize(
    ("path", "data"),
    [
        ("alerts/z b.json", b"{}"),
        ("alerts/" + "a" * 254, b""),
        ("candidates/local__candidate_profile.json", b"{}"),
        ("alerts/big.bin", b"x" * (1 << 20)),
    ],
)
def test_a_bundle_that_no_cluster_could_be_given_is_refuted_before_one_is_paid_for(hand, path, data):
    plant(hand, crafted(files={**FILES, path: data}, manifest={"schema_versions": VERSIONS}))

    assert judged(hand) == other(f"control_plane_section_fits_a_config_map[{path.partition('/')[0]}]")


def test_a_pointer_that_was_turned_back_is_refuted_unless_nothing_newer_was_published(hand):
    assert hand.publish(SOURCE_DATE_EPOCH="1735689600").status == 0
    assert judged(hand) == {}
    assert hand.pointer["created_at"] == AN_EARLIER
    earlier = hand.store.read(BUCKET, hand.key("current.json"))[1]
    assert hand.publish().status == 0
    assert judged(hand) == {}

    hand.put("current.json", earlier)

    assert judged(hand) == other("control_plane_pointer_names_the_newest_bundle")


@pytest.mark.parametrize("data", [b"nothing", crafted()[:-20]])
def test_a_bundle_that_cannot_be_read_whole_proves_nothing(hand, data):
    plant(hand, data)

    found = judged(hand)

    for name in ("pointer_agrees_with_the_manifest", "documents_have_a_known_version", "manifest_lists_its_namesakes"):
        assert found[f"control_plane_{name}"] is Status.UNPROVEN
    assert "control_plane_bundle_is_named_by_its_content" not in found


def test_a_json_file_that_is_none_states_no_version(hand):
    for data in (b"{", b"[]", b'{"schema_version": true}', b'{"schema_version": 1.5}', b" " * (1 << 20) + b"{}"):
        plant(hand, crafted(files={**FILES, "scoring/scoring.v1.json": data}, manifest={"schema_versions": VERSIONS}))
        assert judged(hand)["control_plane_section_has_its_listed_version[scoring]"] is Status.REFUTED
