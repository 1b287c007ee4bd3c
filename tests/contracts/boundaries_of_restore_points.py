"""Where the comparisons turn that speak of a restore point beside its bytes: versions, promises, places, likelihood."""

from dataclasses import replace
from typing import Any

from tests.contracts.boundary import PROVEN, REFUTED, UNPROVEN, boundary, expect
from tests.contracts.checks import House
from tests.contracts.evidence import ELSEWHERE, ENCRYPTED, OF_ANOTHER, OF_THE_REFERENCE, PASSING, Evidence
from tests.contracts.observed import CRITERIA, MEMBERS, POINT, PROMISED, sha256
from tests.contracts.observed_backup import ONPREM, ONPREM_BACKUP, ONPREM_URI, in_region, owned_by

STATE = "state.tar.zst"
READ = "read_restore_point"
BACKUP = CRITERIA.backup


def _first(items: tuple[Any, ...], **changes: Any) -> tuple[Any, ...]:
    return (replace(items[0], **changes), *items[1:])


@boundary
def an_object_that_was_looked_at_again_is_the_same_in_every_respect(house: House) -> None:
    def looks(**changes: Any) -> Evidence:
        return PASSING.facts(READ, looks=_first(POINT.looks, **changes))

    name = "restore_point_did_not_change_while_it_was_read"
    unversioned = {"version": "", "version_after": ""}
    gone = {"version_after": "", "etag_after": "", "size_after": 0, "modified_after": "", "status_after": "not_found"}
    expect(
        house,
        name,
        (looks(**unversioned), PROVEN),
        (looks(**unversioned, etag_after="another"), REFUTED),
        (looks(size_after=301), REFUTED),
        (looks(**gone), REFUTED),
        (looks(status_after="access_denied"), UNPROVEN),
        (PASSING.facts(READ, looks=()), UNPROVEN),
        (PASSING.facts(READ, looks=POINT.looks[1:]), UNPROVEN),
        (PASSING.facts(READ, looks=POINT.looks[1:], objects=_first(POINT.objects, status="not_found")), PROVEN),
        (
            PASSING.facts(READ, looks=(replace(POINT.looks[0], status_after="access_denied"), *POINT.looks[1:])),
            UNPROVEN,
        ),
    )
    refused = house.verdict(name, looks(status_after="access_denied"))
    assert refused.reason == f"nobody could look again at {POINT.looks[0].uri} (access_denied)"
    # Whatever was read has to be looked at again, also what lies beside the objects.
    for number, look in enumerate(POINT.looks):
        without = PASSING.facts(READ, looks=(*POINT.looks[:number], *POINT.looks[number + 1 :]))
        expect(house, name, (without, UNPROVEN))
        assert house.verdict(name, without).reason == f"nobody could look again at {look.uri}"
    plane = POINT.control_plane
    for number, looked, changes in (
        (5, POINT.looks[:5], {"control_plane": replace(plane, bundle_uri="", bundle_sha256="", problem="denied")}),
        (6, POINT.looks[:6], {"control_plane": replace(plane, bundle_sha256="", problem="denied")}),
        (5, (*POINT.looks[:3], *POINT.looks[5:]), {"members": tuple(replace(one, sha256="") for one in POINT.members)}),
        (
            5,
            (*POINT.looks[:3], *POINT.looks[5:]),
            {"members": tuple(replace(one, inside=True) for one in POINT.members)},
        ),
    ):
        verdict = house.verdict(name, PASSING.facts(READ, looks=looked, **changes))
        assert (verdict.status, verdict.observed) == (PROVEN, {"objects": number, "changed": 0}), verdict.reason
    refuted = house.verdict(name, looks(version_after="version 2"))
    assert refuted.observed["version"] == "version 2"
    assert refuted.expected["version"] == POINT.looks[0].version
    assert POINT.looks[0].uri in refuted.reason


@boundary
def a_restore_point_without_versions_shows_that_it_can_change(house: House) -> None:
    plain = tuple(replace(one, version="", version_after="") for one in POINT.looks)
    verdict = house.verdict("restore_point_did_not_change_while_it_was_read", PASSING.facts(READ, looks=plain))

    assert verdict.proven
    assert {one.name: one.result.value for one in verdict.controls}["an object has another version afterwards"] == (
        "not_applicable"
    )


@boundary
def a_backup_is_plausible_from_its_share_of_what_was_published_on(house: House) -> None:
    def state(**changes: Any) -> Evidence:
        return PASSING.facts(READ, archives=_first(POINT.archives, **changes))

    def published(**changes: Any) -> Evidence:
        return PASSING.facts(READ, published=replace(POINT.published, **changes))  # type: ignore[type-var]

    size = POINT.archives[0].size
    expect(
        house,
        "restore_point_is_plausible",
        (state(size=size), PROVEN),
        (state(size=size - 1), REFUTED),
        (state(size=size + 9, manifest_size=9), PROVEN),
        (state(size=size + 9, manifest_size=10), REFUTED),
        (state(problem="archive-truncated: cut"), UNPROVEN),
        (state(name="another"), UNPROVEN),
        (published(size=20 * size + 1), REFUTED),
        (published(size=0), UNPROVEN),
        (published(problem="AccessDenied"), UNPROVEN),
        (PASSING.facts(READ, published=None), UNPROVEN),
        # The archive of the manifests is larger, and it is not the one that is compared.
        (
            PASSING.facts(
                READ, archives=(replace(POINT.archives[0], size=0), replace(POINT.archives[1], size=1 << 30))
            ),
            REFUTED,
        ),
    )


@boundary
def what_nobody_knows_is_said_in_the_reason(house: House) -> None:
    def reason(contract: str, evidence: Evidence) -> str:
        return house.verdict(contract, evidence).reason

    plausible, place = "restore_point_is_plausible", "nobody looked at what the original site publishes"
    assert reason(plausible, PASSING.facts(READ, published=None)) == place
    assert reason(plausible, PASSING.asking(backup=replace(BACKUP, published=None))) == place
    for changes, said in (({"problem": "AccessDenied"}, "AccessDenied"), ({"size": 0}, "it has no bytes")):
        seen = replace(POINT.published, **changes)  # type: ignore[type-var]
        assert reason(plausible, PASSING.facts(READ, published=seen)).endswith(f": {said}")
    backup, published = POINT.buckets
    outlives = "restore_point_outlives_the_primary"
    for buckets, said in (
        ((), "it was not looked at"),
        ((replace(backup, status="403"), published), "403"),
        ((backup,), "it was not looked at"),
        ((backup, replace(published, status="404")), "404"),
    ):
        assert reason(outlives, PASSING.facts(READ, buckets=buckets)).endswith(f": {said}")


@boundary
def plausibility_is_asked_for_where_something_is_published_and_a_share_is_set(house: House) -> None:
    contract = house.contracts["restore_point_is_plausible"]
    place = BACKUP.published
    assert place is not None

    def asked(**changes: Any) -> bool:
        return contract.is_asked(replace(CRITERIA, backup=replace(BACKUP, **changes)))

    assert asked(published=replace(place, share=1))
    assert not asked(published=replace(place, share=0))
    assert not asked(published=None)
    assert not asked(published=replace(place, state="another.tar.zst"))
    lost = PASSING.asking(backup=replace(BACKUP, published=None))
    assert house.status("restore_point_is_plausible", lost) is UNPROVEN


@boundary
def members_are_compared_one_by_one_and_the_manifest_inside_is_not_one_of_them(house: House) -> None:
    def seen(**changes: Any) -> Evidence:
        return PASSING.facts(READ, members=_first(POINT.members, **changes))

    rows = MEMBERS[STATE]
    own = {"path": "members.json", "kind": "file", "size": 9, "sha256": sha256("own")}
    with_its_own = {**MEMBERS, STATE: [*rows, own]}
    nothing = {**PROMISED, STATE: []}
    expect(
        house,
        "archive_members_equal_their_manifest",
        (PASSING.file("members", with_its_own), REFUTED),
        (seen(inside=True).file("members", with_its_own), PROVEN),
        (seen(inside=True), PROVEN),
        (seen(problem="the member manifest is not there"), REFUTED),
        (seen(sha256=sha256("another manifest")), REFUTED),
        (seen(listed=2), REFUTED),
        (seen(listed=0).file("promised_members", nothing), REFUTED),
        (seen(archive="another"), REFUTED),
        (PASSING.facts(READ, archives=_first(POINT.archives, problem="archive-truncated: cut")), UNPROVEN),
        (PASSING.facts(READ, archives=_first(POINT.archives, name="another")), UNPROVEN),
        (PASSING.file("promised_members", {**PROMISED, STATE: PROMISED[STATE][:-1]}), REFUTED),
        # A folder is no file: it is in no manifest.
        (PASSING.file("members", {**MEMBERS, STATE: rows[1:]}), PROVEN),
        subject=STATE,
    )
    other = POINT.members[1]
    swapped = PASSING.facts(READ, members=(replace(other, sha256=sha256("x")), POINT.members[0]))
    expect(house, "archive_members_equal_their_manifest", (swapped, PROVEN), subject=STATE)
    behind = PASSING.facts(READ, archives=(replace(POINT.archives[0], problem="cut"), POINT.archives[1]))
    expect(house, "archive_members_equal_their_manifest", (behind, PROVEN), subject="manifests.tar.zst")


@boundary
def a_promise_about_one_file_is_kept_in_its_archive_alone(house: House) -> None:
    def seen(**changes: Any) -> Evidence:
        return PASSING.facts(READ, members=_first(POINT.members, **changes))

    def canary(**changes: Any) -> Evidence:
        return PASSING.facts(READ, canary=replace(POINT.canary, **changes))  # type: ignore[type-var]

    name, other = "backup_object_matches_its_metadata", "manifests.tar.zst"
    for broken in (
        seen(missing=1),
        seen(extra=1),
        seen(different=1),
        seen(problem="members-shape"),
        seen(sha256=""),
        canary(sha256=""),
        canary(sha256=sha256("another")),
        canary(written_at="2026-01-31T11:00:01Z"),
        canary(written_at="before"),
    ):
        expect(house, name, (broken, REFUTED), subject=STATE)
        expect(house, name, (broken, PROVEN), subject=other)
    expect(house, name, (OF_THE_REFERENCE, PROVEN), subject=STATE)
    expect(house, name, (canary(written_at=POINT.created_at), PROVEN), subject=STATE)
    expect(house, name, (canary(path=f"{other}/canary.json", sha256=""), PROVEN), subject=STATE)
    expect(house, name, (canary(path=f"{other}/canary.json", sha256=""), REFUTED), subject=other)
    controls = {one.name: one.result.value for one in house.verdict(name, PASSING, other).controls}
    assert controls["the canary is another record"] == "not_applicable"
    assert controls["a file in it is not the promised one"] == "refuted"
    controls = {one.name: one.result.value for one in house.verdict(name, OF_THE_REFERENCE, STATE).controls}
    assert controls["the canary is another record"] == "not_applicable"
    assert controls["a file in it is not the promised one"] == "not_applicable"


@boundary
def checksums_are_demanded_of_whoever_makes_promises_or_of_everybody(house: House) -> None:
    def state(evidence: Evidence, **changes: Any) -> Evidence:
        return evidence.facts(READ, archives=_first(POINT.archives, **changes))

    required = PASSING.asking(backup=replace(BACKUP, checksums="required"))
    plain = PASSING.facts(READ, schema_version=None)
    expect(
        house,
        "archive_has_a_checksum",
        (state(PASSING, checksummed_frames=0), REFUTED),
        (state(plain, checksummed_frames=0), PROVEN),
        (state(plain, frames=0), REFUTED),
        (state(required, checksummed_frames=0), REFUTED),
        (required.facts(READ, schema_version=None, archives=_first(POINT.archives, checksummed_frames=0)), REFUTED),
        (required.facts(READ, schema_version=None), PROVEN),
        (state(PASSING, problem="cut"), UNPROVEN),
        (state(PASSING, name="another"), UNPROVEN),
        (PASSING.facts(READ, archives=(POINT.archives[0], replace(POINT.archives[1], checksummed_frames=1))), PROVEN),
        subject=STATE,
    )

    def tried(evidence: Evidence) -> str:
        verdict = house.verdict("archive_has_a_checksum", evidence, STATE)
        return next(one.result.value for one in verdict.controls if one.name == "a frame has no checksum")

    assert tried(PASSING) == "refuted"
    assert tried(plain) == "not_applicable"
    assert tried(required.facts(READ, schema_version=None)) == "refuted"
    contract = house.contracts["archive_has_a_checksum"]
    assert not contract.is_asked(replace(CRITERIA, backup=replace(BACKUP, checksums="ignored")))


@boundary
def a_backup_outlives_what_it_shares_no_failure_domain_with(house: House) -> None:
    def asked(domain: Any, evidence: Evidence = PASSING) -> Evidence:
        backup = evidence.criteria.backup
        return evidence.asking(backup=replace(backup, failure_domain=domain))

    backup, published = POINT.buckets
    both = PASSING.facts(READ, buckets=(replace(backup, name="atlas-primary"), published))
    moved = PASSING.facts(READ, buckets=(backup, replace(published, region="eu-west-1", owner="999988887777")))
    name = "restore_point_outlives_the_primary"
    expect(
        house,
        name,
        (asked("bucket"), PROVEN),
        (asked("bucket", both), REFUTED),
        (asked("region"), REFUTED),
        (asked("region", ELSEWHERE), PROVEN),
        (asked("region", PASSING.facts(READ, buckets=in_region("eu-west-1"))), PROVEN),
        # Away from where runs are published, and yet in the region of the original site; and the other way round.
        (asked("region", moved), REFUTED),
        (
            asked("region", PASSING.facts(READ, buckets=(replace(backup, region="eu-west-1"), moved_to(published)))),
            REFUTED,
        ),
        (asked("account"), REFUTED),
        (asked("account", OF_ANOTHER), PROVEN),
        (asked("account", PASSING.facts(READ, buckets=(*owned_by("444455556666"), published))), PROVEN),
        (PASSING.facts(READ, buckets=()), UNPROVEN),
        (PASSING.facts(READ, buckets=(replace(backup, status="403"), published)), UNPROVEN),
        (PASSING.facts(READ, buckets=(backup, replace(published, status="403"))), UNPROVEN),
        (PASSING.facts(READ, buckets=(backup,)), UNPROVEN),
        (OF_ANOTHER.facts(READ, buckets=()), UNPROVEN),
    )
    contract = house.contracts[name]
    for domain, place, wanted in (
        ("none", BACKUP.published, False),
        ("bucket", BACKUP.published, True),
        ("bucket", None, False),
        ("region", None, True),
        ("account", None, True),
    ):
        backup_asked = replace(BACKUP, failure_domain=domain, published=place)  # type: ignore[arg-type] # of a table
        assert contract.is_asked(replace(CRITERIA, backup=backup_asked)) is wanted, domain


@boundary
def what_is_written_over_is_kept_as_it_is_demanded(house: House) -> None:
    backup, published = POINT.buckets
    name = "restore_point_is_protected_from_writers"

    def kept(demanded: Any, **changes: Any) -> Evidence:
        evidence = PASSING.facts(READ, buckets=(replace(backup, **changes), published))
        return evidence.asking(backup=replace(BACKUP, protection=demanded))

    for demanded, field, other in (("versions", "versioning", "object_lock"), ("lock", "object_lock", "versioning")):
        expect(
            house,
            name,
            (kept(demanded, **{field: "enabled", other: "none"}), PROVEN),
            (kept(demanded, **{field: "none", other: "enabled"}), REFUTED),
            (kept(demanded, **{field: "suspended", other: "enabled"}), REFUTED),
            (kept(demanded, **{field: "AccessDenied", other: "enabled"}), UNPROVEN),
            (kept(demanded, **{field: "", other: "enabled"}), UNPROVEN),
            (kept(demanded, status="403"), UNPROVEN),
        )
    # Of the bucket of what is published nothing is demanded.
    unkept = replace(published, versioning="none")
    expect(
        house,
        name,
        (PASSING.facts(READ, buckets=(backup, unkept)), PROVEN),
        (PASSING.facts(READ, buckets=(published,)), UNPROVEN),
        (PASSING.facts(READ, buckets=()), UNPROVEN),
    )
    assert "it was not looked at" in house.verdict(name, PASSING.facts(READ, buckets=())).reason
    assert "keeps: 403" in house.verdict(name, kept("versions", status="403")).reason
    assert "it was not asked" in house.verdict(name, kept("versions", versioning="")).reason
    for demanded, asked in (("none", False), ("versions", True), ("lock", True)):
        criteria = replace(CRITERIA, backup=replace(BACKUP, protection=demanded))  # type: ignore[arg-type] # of a table
        assert house.contracts[name].is_asked(criteria) is asked


def moved_to(bucket: Any) -> Any:
    """Return the bucket of published runs where the restore point was moved to."""
    return replace(bucket, region="eu-west-1")


@boundary
def an_encrypted_file_is_judged_by_all_that_can_be_seen_without_a_key(house: House) -> None:
    db = "db_backup.enc"

    def objects(which: str, **changes: Any) -> Evidence:
        seen = tuple(replace(one, **changes) if one.name == which else one for one in ONPREM.objects)
        return ENCRYPTED.facts(READ, objects=seen)

    def encrypted(**changes: Any) -> Evidence:
        return ENCRYPTED.facts(READ, encrypted=replace(ONPREM.encrypted, **changes))  # type: ignore[type-var]

    assert ONPREM.encrypted is not None
    files = ONPREM.encrypted.files
    contract = "encrypted_file_is_what_was_written"
    expect(
        house,
        contract,
        (objects(db, size=32, promised_size=32), PROVEN),
        (objects(db, size=16, promised_size=16), REFUTED),
        (objects(db, size=4097, promised_size=4097), REFUTED),
        (objects(db, size=0, promised_size=0), REFUTED),
        (objects(db, status="not_found"), REFUTED),
        (objects(db, status="replaced"), REFUTED),
        (objects(db, promised_size=None, promised_sha256=""), REFUTED),
        (objects(db, sha256=""), UNPROVEN),
        (objects(db, name="another"), UNPROVEN),
        (encrypted(files=files[1:]), UNPROVEN),
        (encrypted(files=_first(files, salted=False)), REFUTED),
        (encrypted(files=_first(files, listed_sha256="")), REFUTED),
        (encrypted(files=(files[0], replace(files[1], salted=False))), PROVEN),
        (ENCRYPTED.facts(READ, encrypted=None), UNPROVEN),
        subject=db,
    )
    expect(
        house,
        contract,
        (encrypted(listed=()), REFUTED),
        (encrypted(listed=(*ONPREM.encrypted.listed, "more.enc")), REFUTED),
        (encrypted(promised=("db_backup.enc",)), REFUTED),
        (encrypted(checksums_problem="checksums-shape"), REFUTED),
        (objects("checksums.json", status="not_found"), REFUTED),
        subject="checksums.json",
    )
    expect(house, contract, (ENCRYPTED.facts(READ, problem="json-syntax"), REFUTED), subject="metadata.json")
    for silent in (objects(db, name="another"), ENCRYPTED.facts(READ, encrypted=None)):
        assert "does not speak of" in house.verdict(contract, silent, db).reason
    shown = house.verdict(contract, ENCRYPTED, db).observed["shown"]
    assert shown.startswith("integrity")
    assert "key" in shown


@boundary
def an_encrypted_backup_says_which_one_it_is(house: House) -> None:
    def named(uri: str, **changes: Any) -> Evidence:
        return ENCRYPTED.facts(READ, metadata_uri=uri, encrypted=replace(ONPREM.encrypted, **changes))  # type: ignore[type-var]

    parent = ONPREM_URI.rpartition("/")[0]
    name = "encrypted_backup_names_itself"
    expect(
        house,
        name,
        (named(f"{ONPREM_URI}/"), PROVEN),
        (named(parent), PROVEN),
        (named(parent, run_id="m4-2"), REFUTED),
        (named(""), REFUTED),
        (named(ONPREM_URI, db_mode="state_runs_export"), PROVEN),
        (named(ONPREM_URI, db_mode=""), REFUTED),
        (named("s3://else/where", db_mode="unknown"), REFUTED),
        (ENCRYPTED.facts(READ, problem="json-syntax"), UNPROVEN),
        (ENCRYPTED.facts(READ, encrypted=None), UNPROVEN),
        (ENCRYPTED.asking(backup=replace(ONPREM_BACKUP, uri=f"{ONPREM_URI}-2")), REFUTED),
    )
    unlooked = house.verdict(name, ENCRYPTED.facts(READ, encrypted=None))
    assert unlooked.reason == "the metadata cannot be read: nobody looked at it"
    verdict = house.verdict(name, ENCRYPTED)
    assert verdict.observed["local_paths"] == ["/srv/atlas/proof", "/srv/atlas/state"]


@boundary
def no_layout_is_judged_by_what_belongs_to_the_other(house: House) -> None:
    onprem = {one for one in house.contracts if one.startswith("encrypted_")}
    archives = {
        "archive_is_sound",
        "backup_object_matches_its_metadata",
        "metadata_names_this_restore_point",
        "control_plane_pointer_names_its_bundle",
        "control_plane_files_equal_the_manifest",
        "control_plane_section_is_complete",
        "archive_has_a_checksum",
        "archive_members_equal_their_manifest",
        "restore_point_is_plausible",
    }
    both = {"restore_point_is_within_rpo", "restore_point_did_not_change_while_it_was_read"}
    asked = {layout.criteria.backup.layout: layout.criteria for layout in (PASSING, ENCRYPTED)}
    for name in onprem | archives | both:
        contract = house.contracts[name]
        assert contract.is_asked(asked["archives"]) is (name not in onprem), name
        assert contract.is_asked(asked["onprem"]) is (name not in archives), name


@boundary
def an_instant_that_is_none_or_to_come_never_proves_that_a_restore_point_is_recent(house: House) -> None:
    contract = "restore_point_is_within_rpo"
    for text, status in (
        ("9999-12-31T23:59:59Z", REFUTED),
        ("0001-01-01T00:00:00Z", REFUTED),
        ("1970-01-01T00:00:00Z", REFUTED),
        ("2026-02-30T00:00:00Z", UNPROVEN),
        ("2026-01-31T25:00:00Z", UNPROVEN),
        ("99999-01-01T00:00:00Z", UNPROVEN),
        ("2026-01-31T11:00:00+99:00", UNPROVEN),
        ("1769857200", UNPROVEN),
        ("20260131T110000Z\n", UNPROVEN),
        ("now", UNPROVEN),
        ("\x00", UNPROVEN),
        ("٢٠٢٦-01-31T11:00:00Z", UNPROVEN),
    ):
        verdict = house.verdict(contract, PASSING.facts(READ, created_at=text))
        assert verdict.status is status, text
        assert verdict.reason, text
