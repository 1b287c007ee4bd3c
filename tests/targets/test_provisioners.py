"""Both provisioners: up once, no-op again, down wholly, and nobody else's state or lock is touched."""

import json
import secrets
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from drproof.model.capabilities import Provisioner
from drproof.model.context import DRILL_TAG, EXPIRES_TAG
from drproof.model.errors import TargetError
from drproof.targets import embedded, open_target
from drproof.targets.provisioners import terraform
from drproof.targets.provisioners.place import LOCK_SUFFIX, OWN_LOCK, Place
from drproof.targets.sites import AwsTarget
from tests.targets.conftest import NAMES, Opener, bounds, make_intent, settings, spec

pytestmark = pytest.mark.costly

STATES = NAMES["recovery"]["provisioner"]["state_bucket"]
TERRAFORM = shutil.which("terraform") is not None
WITHOUT = pytest.mark.skipif(not TERRAFORM, reason="NO TERRAFORM on this machine: its provisioner is NOT tested here")
KINDS = [pytest.param("terraform", marks=WITHOUT), "direct"]


@pytest.fixture
def origin() -> str:
    """A drill of this test's own."""
    return f"drill-{secrets.token_hex(4)}"


@pytest.fixture
def site(opened: Opener, origin: str, request: pytest.FixtureRequest) -> AwsTarget:
    """The world for this drill, with the provisioner that the test is about."""
    return opened(request.param, origin=origin)


both = pytest.mark.parametrize("site", KINDS, indirect=True)


def owned(target: AwsTarget, origin: str) -> list[str]:
    """Return what carries the drill's tag."""
    return [found.kind for found in target.recovery.fleet.tagged({DRILL_TAG: origin})]


def lock_is_free(target: AwsTarget, origin: str) -> bool:
    """Return whether no lock object lies beside the drill's state."""
    return not list(target.recovery.objects.list(STATES, f"t/{origin}.tfstate{LOCK_SUFFIX}"))


def foreign_lock(target: AwsTarget, origin: str, **changes: str) -> str:
    """Lock the drill's state as somebody else, and return what was written."""
    lock = {
        "ID": "11111111-2222-3333-4444-555555555555",
        "Operation": "OperationTypeApply",
        "Info": "",
        "Who": "somebody@elsewhere",
        "Version": "1.11.4",
        "Created": "2026-01-01T00:00:00.000000000Z",
        "Path": f"{STATES}/t/{origin}.tfstate",
    }
    text = json.dumps({**lock, **changes})
    target.recovery.objects.put(make_intent(), STATES, f"t/{origin}.tfstate{LOCK_SUFFIX}", text.encode())
    return text


@both
def test_a_machine_is_brought_up_observed_and_taken_away(site: AwsTarget, origin: str) -> None:
    provisioner: Provisioner = site.recovery.provisioner
    assert provisioner.holds() == ()
    change = provisioner.up(make_intent(), spec(origin))
    (runner,) = site.recovery.fleet.runners({DRILL_TAG: origin})
    assert (change.created, change.changed, change.destroyed) == (1, 0, 0)
    assert change.created_ids == (runner.instance_id,)
    assert change.outputs["instance_id"] == runner.instance_id
    assert (runner.tags["Name"], runner.tags["Purpose"], runner.tags["ManagedBy"]) == (
        "atlas-dr-runner",
        "atlas-dr",
        "terraform",
    )
    assert sorted(owned(site, origin)) == ["instance", "network-interface", "volume"]
    assert len(provisioner.holds()) == 1
    again = provisioner.up(make_intent(), spec(origin))
    assert (again.created, again.changed, again.destroyed, again.created_ids) == (0, 0, 0, ())
    assert again.outputs == change.outputs
    gone = provisioner.down(make_intent(), spec(origin), bounds())
    assert (gone.created, gone.changed, gone.destroyed) == (0, 0, 1)
    assert owned(site, origin) == []
    assert provisioner.holds() == ()
    assert lock_is_free(site, origin)
    nothing = provisioner.down(make_intent(), spec(origin), bounds())
    assert (nothing.created, nothing.changed, nothing.destroyed) == (0, 0, 0)


@both
def test_a_later_window_with_a_later_expiry_changes_nothing(
    site: AwsTarget, origin: str, opened: Opener, tmp_path: Path
) -> None:
    site.recovery.provisioner.up(make_intent(), spec(origin))
    window = opened(site.recovery.provisioner.kind, origin=origin, directory=tmp_path / "another machine")
    later = spec(origin, tags={DRILL_TAG: origin, EXPIRES_TAG: "2031-01-01T00:00:00.000Z"})
    change = window.recovery.provisioner.up(make_intent(), later)
    assert (change.created, change.changed, change.destroyed) == (0, 0, 0)
    assert window.recovery.provisioner.down(make_intent(), later, bounds()).destroyed == 1
    assert owned(site, origin) == []


@both
def test_what_aws_refuses_is_told_with_its_own_code_and_can_be_tried_again(site: AwsTarget, origin: str) -> None:
    provisioner = site.recovery.provisioner
    with pytest.raises(TargetError) as caught:
        provisioner.up(make_intent(), spec(origin, instance_type="no.such"))
    assert caught.value.code == "InvalidInstanceType"
    assert "ec2:DescribeInstanceTypes no.such" in str(caught.value).partition("\n")[0]
    assert "Warning" not in str(caught.value)
    assert lock_is_free(site, origin)
    again = provisioner.up(make_intent(), spec(origin))
    assert again.created == 1
    assert again.destroyed == 0
    assert again.planned is not None
    assert (again.planned.create, again.planned.destroy) == (1, 0)
    assert len(site.recovery.fleet.runners({DRILL_TAG: origin})) == 1
    provisioner.down(make_intent(), spec(origin), bounds())
    assert owned(site, origin) == []


@both
def test_what_a_failed_bringup_left_in_the_state_is_taken_away(site: AwsTarget, origin: str) -> None:
    provisioner = site.recovery.provisioner
    with pytest.raises(TargetError):
        provisioner.up(make_intent(), spec(origin, instance_type="no.such"))
    provisioner.down(make_intent(), spec(origin), bounds())
    assert provisioner.holds() == ()
    assert lock_is_free(site, origin)


@both
def test_a_lock_of_somebody_else_is_named_and_left(site: AwsTarget, origin: str) -> None:
    text = foreign_lock(site, origin)
    provisioner = site.recovery.provisioner
    with pytest.raises(
        TargetError, match=r"11111111-2222-3333-4444-555555555555 of somebody@elsewhere since 2026"
    ) as caught:
        provisioner.up(make_intent(), spec(origin))
    assert caught.value.code == "LockHeld"
    assert "next: " in str(caught.value)
    assert provisioner.down(make_intent(), spec(origin), bounds()).destroyed == 0
    assert owned(site, origin) == []
    assert site.recovery.objects.read(STATES, f"t/{origin}.tfstate{LOCK_SUFFIX}")[1] == text.encode()


@pytest.mark.parametrize("site", ["direct"], indirect=True)
def test_a_lock_that_somebody_took_over_meanwhile_is_not_given_back_for_them(site: AwsTarget, origin: str) -> None:
    taken = []

    def say(line: str) -> None:
        if line.startswith("starting"):
            # Somebody broke our lock while the machine starts, and holds it now under the very same id.
            ours = json.loads(site.recovery.objects.read(STATES, f"t/{origin}.tfstate{LOCK_SUFFIX}")[1])
            taken.append(foreign_lock(site, origin, ID=ours["ID"]))

    site.recovery.provisioner.up(make_intent(), spec(origin), say=say)

    assert site.recovery.objects.read(STATES, f"t/{origin}.tfstate{LOCK_SUFFIX}")[1] == taken[0].encode()


@pytest.mark.parametrize("then", ["another's", "gone"])
def test_a_dead_holders_lock_is_dropped_only_while_it_is_the_one_that_was_read(
    opened: Opener, origin: str, then: str, stranger: Callable[[str], Any]
) -> None:
    site, key = opened("direct", origin=origin), f"t/{origin}.tfstate{LOCK_SUFFIX}"
    place = Place(
        site.recovery.objects, site.recovery.fleet, bucket=STATES, key=key.removesuffix(LOCK_SUFFIX), region="r",
        lock_table="", origin=origin, ending_ms=0,
    )  # fmt: skip
    stranger("s3").put_object(Bucket=STATES, Key=key, Body=b"what lay there long before")
    foreign_lock(site, origin, Info=OWN_LOCK + origin)
    read = place.lock()
    assert read is not None
    if then == "gone":
        place.drop_own_lock(make_intent())
        assert place.lock() is None, "an older version of somebody else does not lock again"
        versions = stranger("s3").list_object_versions(Bucket=STATES, Prefix=key)["Versions"]
        assert len(versions) == 1
    else:
        foreign_lock(site, origin)

    place.drop(make_intent(), read)

    assert (place.lock() is None) is (then == "gone")


@both
def test_a_machine_of_ours_is_ended_even_where_somebody_else_holds_the_lock(site: AwsTarget, origin: str) -> None:
    """The direct provisioner cannot change its own state then either; both say so, and no machine costs on."""
    provisioner = site.recovery.provisioner
    provisioner.up(make_intent(), spec(origin))
    foreign_lock(site, origin)
    with pytest.raises(TargetError) as caught:
        provisioner.down(make_intent(), spec(origin), bounds())
    assert caught.value.code == "LockHeld"
    assert owned(site, origin) == []


@both
def test_the_state_of_another_drill_is_neither_changed_nor_destroyed(
    site: AwsTarget, origin: str, opened: Opener
) -> None:
    site.recovery.provisioner.up(make_intent(), spec(origin))
    other = f"drill-{secrets.token_hex(4)}"
    for kind in {"direct", "terraform"} if TERRAFORM else {"direct"}:
        thief = opened(kind, origin=other, key=f"t/{origin}.tfstate").recovery.provisioner
        with pytest.raises(TargetError, match=f"of drill {origin}") as caught:
            thief.up(make_intent(), spec(other))
        assert caught.value.code == "StateHeld"
        assert thief.down(make_intent(), spec(other), bounds()).destroyed == 0
    assert sorted(owned(site, origin)) == ["instance", "network-interface", "volume"]
    assert len(site.recovery.provisioner.holds()) == 1
    site.recovery.provisioner.down(make_intent(), spec(origin), bounds())


@both
def test_a_machine_that_only_looks_like_the_drills_is_left(
    site: AwsTarget, origin: str, stranger: Callable[[str], Any]
) -> None:
    tags = {"Name": "atlas-dr-runner", "Purpose": "atlas-dr", "ManagedBy": "terraform", "test": origin}
    carried = [{"ResourceType": "instance", "Tags": [{"Key": key, "Value": value} for key, value in tags.items()]}]
    stranger("ec2").run_instances(ImageId="ami-1", MinCount=1, MaxCount=1, TagSpecifications=carried)
    site.recovery.provisioner.up(make_intent(), spec(origin))
    site.recovery.provisioner.down(make_intent(), spec(origin), bounds())
    (left,) = site.recovery.fleet.runners({"test": origin})
    site.recovery.fleet.terminate(make_intent(), left.instance_id)


@both
def test_neither_credentials_nor_templates_get_into_state_or_folder(
    site: AwsTarget, origin: str, tmp_path: Path, world: embedded.World
) -> None:
    note = "${path.root} %{if} \" ' `id`"
    site.recovery.provisioner.up(make_intent(), spec(origin, tags={DRILL_TAG: origin, EXPIRES_TAG: "x", "note": note}))
    (runner,) = site.recovery.fleet.runners({DRILL_TAG: origin})
    assert runner.tags["note"] == note
    issued = embedded.credentials(world.endpoint).values()
    keys = [value.encode() for found in issued for name, value in found.items() if "key" in name]
    objects = site.recovery.objects
    written = [path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()]
    written += [objects.read(STATES, found.key)[1] for found in objects.list(STATES, f"t/{origin}")]
    assert written
    assert not [key for key in keys for content in written if key in content]
    site.recovery.provisioner.down(make_intent(), spec(origin), bounds())


@both
def test_a_specification_without_the_drills_tag_is_a_mistake(site: AwsTarget, origin: str) -> None:
    for tags in ({}, {DRILL_TAG: "another"}):
        with pytest.raises(ValueError, match=f"expected the tag {DRILL_TAG}={origin}"):
            site.recovery.provisioner.up(make_intent(), spec(origin, tags=tags))


def instances(found: bytes) -> bytes:
    """Return a state of Terraform with one resource of these instances."""
    resource = b'{"mode": "managed", "type": "a", "name": "b", "instances": %s}' % found
    return b'{"version": 4, "resources": [%s]}' % resource


@both
def test_a_state_that_nobody_can_read_is_not_taken_for_an_empty_one(site: AwsTarget, origin: str) -> None:
    provisioner = site.recovery.provisioner
    key = provisioner.state.partition(f"{STATES}/")[2]
    for body in (
        b"",
        b"[]",
        b"{}",
        b"null",
        b"{",
        b'{"version": 3}',
        b'{"version": 4}',
        b'{"version": 4, "resources": {}}',
        b'{"version": 4, "resources": [{}]}',
        b'{"version": 4, "resources": [{"mode": "manageb", "type": "x", "name": "y", "instances": []}]}',
        instances(b"{}"),
        instances(b"[{}]"),
        instances(b'[{"attributes": null}]'),
        b'{"version": 4, "version": 4}',
    ):
        site.recovery.objects.put(make_intent(), STATES, key, body)
        for look in (provisioner.holds, lambda: provisioner.up(make_intent(), spec(origin))):
            with pytest.raises(TargetError) as caught:
                look()
            assert caught.value.code == "StateUnreadable", (body, look)
    assert owned(site, origin) == []


@pytest.mark.parametrize("missing", ["state_bucket", "state_key"])
def test_a_local_state_is_refused(missing: str, world: embedded.World, tmp_path: Path) -> None:
    places = {"state_bucket": STATES, "state_key": "t/x", missing: ""}
    target = open_target(settings("direct", **places), world.endpoint, directory=tmp_path, origin="d")
    with pytest.raises(ValueError, match="expected recovery.provisioner.state_bucket and state_key"):
        _ = target.recovery.provisioner


def test_a_setting_that_would_be_ignored_is_refused(world: embedded.World, tmp_path: Path) -> None:
    for changes in ({"module": "mine"}, {"lock_table": "locks"}):
        target = open_target(settings("direct", key="t/x", **changes), world.endpoint, directory=tmp_path, origin="d")
        with pytest.raises(ValueError, match=f"recovery.provisioner.{next(iter(changes))}: expected nothing"):
            _ = target.recovery.provisioner


def test_without_terraform_auto_is_direct_and_says_so(
    opened: Opener, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    provisioner = opened("auto").recovery.provisioner
    assert provisioner.kind == "direct"
    assert "terraform cannot be used: it is not on this machine's PATH" in provisioner.version
    with pytest.raises(TargetError, match=r"(?s)terraform cannot be used.*next: install terraform"):
        _ = opened("terraform").recovery.provisioner


@pytest.mark.parametrize("kind", ["auto", "terraform"])
def test_without_terraform_a_real_account_is_refused_and_not_given_a_machine_that_cannot_be_drilled(
    kind: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """What `direct` starts has neither a role nor a cluster: a rehearsal knows both without being given them."""
    monkeypatch.setenv("PATH", str(tmp_path))
    live = open_target(settings(kind, key="t/x"), None, directory=tmp_path, origin="d")
    with pytest.raises(
        TargetError, match=r"(?s)not on this machine's PATH.*next: install terraform.*codebuild"
    ) as caught:
        _ = live.recovery.provisioner
    assert caught.value.code == "NoTerraform"

    meant = open_target(settings("direct", key="t/x"), None, directory=tmp_path, origin="d")
    assert meant.recovery.provisioner.kind == "direct", "whoever asks for it gets it"


@pytest.mark.parametrize("said", ["exit 1", "echo nonsense", """echo '{"terraform_version": "1.9.8"}'"""])
def test_a_terraform_that_does_not_work_or_is_too_old_is_not_used(said: str, tmp_path: Path) -> None:
    binary = tmp_path / "terraform"
    binary.write_text(f"#!/bin/sh\n{said}\n", encoding="utf-8")
    binary.chmod(0o700)
    with pytest.raises(TargetError, match=r"does not work|is 1\.9\.8, expected at least 1\.10"):
        terraform.version_of(str(binary))


@WITHOUT
def test_with_terraform_auto_is_terraform(opened: Opener) -> None:
    provisioner = opened("auto").recovery.provisioner
    assert provisioner.kind == "terraform"
    assert provisioner.version.count(".") == 2


@WITHOUT
def test_one_specification_is_one_resource_in_terraforms_state(opened: Opener, origin: str) -> None:
    site = opened("terraform", origin=origin).recovery
    site.provisioner.up(make_intent(), spec(origin))
    assert site.provisioner.holds() == ("terraform_data.runner",)
    switched = opened("direct", origin=origin).recovery
    with pytest.raises(TargetError, match="terraform_data.runner"):
        switched.provisioner.up(make_intent(), spec(origin))
    assert switched.provisioner.down(make_intent(), replace(spec(origin), purpose="x"), bounds()).destroyed == 1
    assert site.provisioner.down(make_intent(), spec(origin), bounds()).destroyed == 1
