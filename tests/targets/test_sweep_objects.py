"""A sweep of objects: each is told as what came of it, and none is kept from going by another, nor by its place."""

import secrets
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from drproof.engine import sweep_objects
from drproof.engine.sweep import sweep
from drproof.engine.sweep_asked import Asked
from drproof.engine.sweep_documents import SweepRecord
from drproof.engine.sweep_time import FIRST_LOOK, SweepTime
from drproof.model.capabilities import Intent
from drproof.model.context import DRILL_TAG, EXPIRES_TAG
from drproof.model.errors import TargetError
from drproof.model.settings import Settings
from drproof.targets import embedded, open_target
from drproof.targets.aws import s3
from drproof.targets.aws.ec2 import AwsFleet
from drproof.targets.aws.s3 import AwsObjectStore
from tests.shares import FEW
from tests.targets.conftest import make_intent, settings
from tests.targets.decoys import FUTURE, PAST
from tests.targets.test_sweep_unread import started_by

pytestmark = pytest.mark.costly(days=FEW)

FEW = 20
"""How many objects a first look has the time for."""


class Dead:
    """Objects of drills that died long ago, in a bucket of their own, and what a sweep makes of them."""

    def __init__(self, world: embedded.World, stranger: Callable[[str], Any], folder: Path) -> None:
        self.world, self.stranger, self.folder = world, stranger, folder
        self.s3 = stranger("s3")
        self.bucket = f"of-{secrets.token_hex(4)}"
        self.s3.create_bucket(
            Bucket=self.bucket,
            ObjectLockEnabledForBucket=True,
            CreateBucketConfiguration={"LocationConstraint": "us-west-2"},
        )
        self.drill = f"dead-{secrets.token_hex(4)}"
        base = settings("direct", key=f"t/{self.drill}.tfstate")
        limits = replace(base.limits, backoff_ms=1)
        self.settings: Settings = replace(base, limits=limits, recovery=replace(base.recovery, bucket=self.bucket))
        self.prefix = base.recovery.prefix.strip("/")

    def put(self, name: str, expires_at: str, drill: str = "") -> str:
        drill = drill or self.drill
        key = f"{self.prefix}/{drill}/{name}"
        tags = f"{DRILL_TAG}={drill}&{EXPIRES_TAG}={expires_at}"
        self.s3.put_object(Bucket=self.bucket, Key=key, Body=b"x", Tagging=tags)
        return key

    def there(self) -> set[str]:
        return {one["Key"] for one in self.s3.list_objects_v2(Bucket=self.bucket).get("Contents", ())}

    def keep(self, key: str) -> None:
        until = datetime.now(UTC) + timedelta(days=1)
        kept = {"Mode": "COMPLIANCE", "RetainUntilDate": until}
        self.s3.put_object_retention(Bucket=self.bucket, Key=key, Retention=kept)

    def swept(self, **asked: Any) -> SweepRecord:
        target = open_target(self.settings, self.world.endpoint, directory=self.folder, origin=self.drill)
        return sweep(target, self.settings, Asked(yes=True, **asked), self.folder / "sweeps")

    def came(self, record: SweepRecord) -> list[tuple[str, int]]:
        place = f"s3://{self.bucket}/"
        return [(one.decision, one.count) for one in record.items if one.identity.startswith(place)]


@pytest.fixture
def dead(world: embedded.World, stranger: Callable[[str], Any], tmp_path: Path) -> Iterator[Dead]:
    found = Dead(world, stranger, tmp_path)
    yield found
    embedded.ask(world.endpoint, "DELETE", "faults")


@pytest.fixture
def little_time(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A first look that has the time to ask for few objects; returns what was asked."""
    asked: list[str] = []
    tags = AwsObjectStore.tags

    def counted(store: AwsObjectStore, bucket: str, key: str) -> Mapping[str, str]:
        asked.append(key)
        return tags(store, bucket, key)

    def left_ms(self: SweepTime) -> int | None:
        return 0 if self._share == FIRST_LOOK and len(asked) >= FEW else None

    monkeypatch.setattr(sweep_objects, "WORKERS", 1)
    monkeypatch.setattr(AwsObjectStore, "tags", counted)
    monkeypatch.setattr(SweepTime, "left_ms", left_ms)
    return asked


@pytest.mark.parametrize("in_one_folder", [False, True])
def test_what_a_sweep_has_no_time_for_comes_first_in_another(
    dead: Dead, little_time: list[str], monkeypatch: pytest.MonkeyPatch, in_one_folder: bool
) -> None:
    """Whoever begins at the same object each time never gets to the last."""
    alive = "" if in_one_folder else f"a-{dead.drill}"
    for number in range(2 * FEW):
        dead.put(f"{number:03}", FUTURE, alive)
    due = {dead.put("zzz-1", PAST), dead.put("zzz-2", PAST)}
    turns = iter(range(0, 1 << 20, 7))
    monkeypatch.setattr(secrets, "randbelow", lambda _: next(turns))

    first = dead.swept()
    assert due <= dead.there()
    told = [
        item for item in first.remaining if item.identity.startswith(f"s3://{dead.bucket}/{dead.prefix}/{dead.drill}/")
    ]
    assert [item.decision for item in told] == ["held"], "nobody knows whether it has expired"
    assert "the time was over" in told[0].why

    for _ in range(8):
        little_time.clear()
        dead.swept()
    assert not due & dead.there()
    assert len(dead.there()) == 2 * FEW


def test_a_machine_that_does_not_end_keeps_a_sweep_no_longer_than_it_has(
    dead: Dead, stranger: Callable[[str], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    machine = started_by(dead)  # type: ignore[arg-type] # it has the same drill and client
    due = dead.put("one", PAST)
    ending = {"InstanceId": machine, "State": {"Name": "shutting-down"}}
    monkeypatch.setattr(AwsFleet, "_instance", lambda *_: ending)
    began = time.monotonic()

    done = dead.swept(drill=dead.drill, left_ms=lambda: 20_000)

    assert time.monotonic() - began < 120, "an end of a machine may take ten minutes"
    (one,) = [item for item in done.items if item.identity == machine]
    assert one.decision == "failed"
    assert "expected terminated" in one.why
    assert due not in dead.there()


def test_of_many_objects_one_that_is_kept_keeps_no_other(dead: Dead, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(s3, "BATCH", 2)
    keys = [dead.put(f"{number}", PAST) for number in range(5)]
    dead.keep(keys[1])
    store = open_target(dead.settings, dead.world.endpoint, directory=dead.folder, origin="").recovery.objects

    with pytest.raises(TargetError, match=keys[1]) as caught:
        store.delete(make_intent(), dead.bucket, keys)

    assert caught.value.kept == {keys[1]}
    assert dead.there() == {keys[1]}


def test_of_objects_those_that_are_kept_are_told_and_no_other(dead: Dead) -> None:
    keys = [dead.put(f"{number}", PAST) for number in range(5)]
    dead.keep(keys[3])

    done = dead.swept(drill=dead.drill)

    assert dead.came(done) == [("failed", 1), ("removed", 4)]
    assert dead.there() == {keys[3]}
    (failed,) = done.remaining
    assert "AccessDenied" in failed.why


def test_a_version_that_is_kept_below_another_is_told_although_no_listing_shows_it(dead: Dead) -> None:
    keys = [dead.put("0", PAST), dead.put("1", PAST)]
    dead.keep(keys[0])
    dead.put("0", PAST)

    done = dead.swept(drill=dead.drill)

    assert dead.came(done) == [("failed", 1), ("removed", 1)]


def test_objects_whose_expiry_is_moved_while_a_sweep_works_are_not_said_to_be_removed(
    dead: Dead, monkeypatch: pytest.MonkeyPatch
) -> None:
    from drproof.engine.lease import Lease

    keys = [dead.put("0", PAST), dead.put("1", PAST)]
    take = Lease.take

    def taken(lease: Lease, intent: Intent) -> None:
        take(lease, intent)
        dead.put("0", FUTURE)
        dead.s3.delete_object(Bucket=dead.bucket, Key=keys[1])

    monkeypatch.setattr(Lease, "take", taken)

    done = dead.swept(drill=dead.drill)

    assert dead.there() == {keys[0]}
    assert sorted(dead.came(done)) == [("left", 1), ("removed", 1)]
    assert "it was gone when this sweep came to it" in {one.why for one in done.items}


def test_an_object_that_somebody_wrote_over_while_a_machine_ended_stays(
    dead: Dead, monkeypatch: pytest.MonkeyPatch
) -> None:
    """To end takes a machine minutes, after what is to go was listed."""
    started_by(dead)  # type: ignore[arg-type] # it has the same drill and client
    keys = [dead.put("0", PAST), dead.put("1", PAST)]
    wait = AwsFleet.wait_until

    def written(*given: Any, **more: Any) -> Any:
        dead.s3.put_object(Bucket=dead.bucket, Key=keys[0], Body=b"of somebody else by now")
        return wait(*given, **more)

    monkeypatch.setattr(AwsFleet, "wait_until", written)

    done = dead.swept(drill=dead.drill)

    assert dead.there() == {keys[0]}
    assert dead.s3.get_object(Bucket=dead.bucket, Key=keys[0])["Body"].read() == b"of somebody else by now"
    assert sorted(dead.came(done)) == [("left", 1), ("removed", 1)]


def test_a_bucket_that_nobody_may_list_keeps_no_machine_up(dead: Dead, stranger: Callable[[str], Any]) -> None:
    machine = started_by(dead)  # type: ignore[arg-type] # it has the same drill and client
    rule = {"service": "s3", "action": "ListObjectsV2", "bucket": dead.bucket, "kind": "denied", "times": 0}
    embedded.ask(dead.world.endpoint, "POST", "faults", rule)

    done = dead.swept(drill=dead.drill)

    assert dead.came(done) == [("held", 1)]
    assert [item.decision for item in done.items if item.identity == machine] == ["removed"]
    assert done.remaining


@pytest.mark.parametrize("kind", ["denied", "throttle"])
def test_an_object_that_nobody_may_ask_whose_it_is_keeps_no_other(dead: Dead, kind: str) -> None:
    keys = [dead.put(f"{number}", PAST) for number in range(3)]
    rule = {"service": "s3", "action": "GetObjectTagging", "key": keys[2], "kind": kind, "times": 0}
    embedded.ask(dead.world.endpoint, "POST", "faults", rule)

    done = dead.swept(drill=dead.drill)

    assert dead.came(done)[0] == ("held", 1)
    assert dead.there() == {keys[2]}


@pytest.mark.parametrize("kind", ["throttle", "reset", "answer-lost"])
@pytest.mark.parametrize("action", ["DeleteObjects", "TerminateInstances"])
def test_a_removal_that_was_not_heard_is_asked_again(
    dead: Dead, stranger: Callable[[str], Any], kind: str, action: str
) -> None:
    machine = started_by(dead)  # type: ignore[arg-type] # it has the same drill and client
    dead.put("0", PAST)
    service = "s3" if action == "DeleteObjects" else "ec2"
    embedded.ask(dead.world.endpoint, "POST", "faults", {"service": service, "action": action, "kind": kind})

    done = dead.swept(drill=dead.drill)

    struck = embedded.ask(dead.world.endpoint, "GET", "faults")[-1]["struck"]
    assert struck == 1
    assert done.remaining == ()
    assert machine in {item.identity for item in done.items if item.decision == "removed"}
    assert dead.there() == set()
