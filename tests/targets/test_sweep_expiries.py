"""What a thing says of its end may be anything, and this machine's clock may be wrong: neither ends more, nor less."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from drproof.engine.clock import SystemClock, instant
from drproof.model.context import DRILL_TAG, EXPIRES_TAG
from drproof.targets import embedded
from tests.shares import FEW
from tests.targets.dead_drills import Left
from tests.targets.decoys import BUCKET, PREFIX
from tests.targets.test_sweep_unread import started_by

pytestmark = pytest.mark.costly(days=FEW)

NONE = (
    "",
    "soon",
    "-1",
    "1577836800",
    "1577836800000",
    "2020-01-01",
    "2020-01-01T00:00:00",
    "2020-01-01 00:00:00Z",
    " 2020-01-01T00:00:00Z",
    "2020-01-01t00:00:00z",
    "2020-02-30T00:00:00Z",
    "2020-01-01T24:00:00Z",
    "-2020-01-01T00:00:00Z",
    "+002020-01-01T00:00:00Z",
    "9999-12-31T23:59:59-23:59",
    "0001-01-01T00:00:00+23:59",
    "2020-01-01T00:00:00Z" * 12,
)
"""What is no instant, of which nobody can say that it is over."""

EARLY = ("0001-01-01T00:00:00Z", "0999-12-31T23:59:59.999Z", "1970-01-01T00:00:00Z")
LATE = ("9999-12-31T23:59:59.999999999Z", "2099-01-01T00:00:00+23:59")


@pytest.fixture
def left(world: embedded.World, stranger: Callable[[str], Any], tmp_path: Path) -> Left:
    return Left(world, stranger, tmp_path)


def volume(left: Left, expires_at: str) -> str:
    """Return a disk that somebody marked as the drill's."""
    ec2 = left.stranger("ec2")
    zone = ec2.describe_availability_zones()["AvailabilityZones"][0]["ZoneName"]
    tags = [{"Key": DRILL_TAG, "Value": left.drill}, {"Key": EXPIRES_TAG, "Value": expires_at}]
    made = ec2.create_volume(
        AvailabilityZone=zone, Size=1, TagSpecifications=[{"ResourceType": "volume", "Tags": tags}]
    )
    return str(made["VolumeId"])


def test_no_expiry_keeps_what_has_expired_from_being_removed(left: Left) -> None:
    """Whoever may tag one thing of the account could end every sweep of it."""
    due = started_by(left)
    marked = {volume(left, said): said for said in (*NONE, *EARLY, *LATE)}

    done = left.swept(yes=True)

    came = {item.identity: item for item in done.items}
    assert came[due].decision == "removed"
    for identity, said in marked.items():
        assert came[identity].decision == ("foreign" if said in EARLY else "left"), said
        assert said in NONE or "it does not say when it may go" not in came[identity].why
    assert {item.identity for item in done.remaining} == {one for one, said in marked.items() if said in EARLY}


@pytest.mark.parametrize("hours", [-50, 50])
def test_things_expire_by_the_clock_of_the_platform(left: Left, monkeypatch: pytest.MonkeyPatch, hours: int) -> None:
    """A laptop that is two days ahead would end the machine that is kept for the next window."""
    now = datetime.now(UTC)
    ended, alive = instant(now - timedelta(hours=1)), instant(now + timedelta(hours=1))
    s3, keys = left.stranger("s3"), {}
    for expires_at in (ended, alive):
        keys[expires_at] = f"{PREFIX}/{left.drill}/{expires_at}"
        tags = f"{DRILL_TAG}={left.drill}&{EXPIRES_TAG}={expires_at}"
        s3.put_object(Bucket=BUCKET, Key=keys[expires_at], Body=b"x", Tagging=tags)
    monkeypatch.setattr(SystemClock, "wall", lambda _: datetime.now(UTC) + timedelta(hours=hours))

    done = left.swept(yes=True)

    came = {item.expires_at: item.decision for item in done.items}
    assert came == {ended: "removed", alive: "left"}
    there = {one["Key"] for one in s3.list_objects_v2(Bucket=BUCKET, Prefix=f"{PREFIX}/{left.drill}/")["Contents"]}
    assert there == {keys[alive]}
    assert abs(datetime.fromisoformat(done.platform_at) - now) < timedelta(minutes=10)
