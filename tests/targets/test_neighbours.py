"""What lies beside the restore points of a fleet is looked at once in each process, however many they are."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from drproof.engine import neighbours
from drproof.engine.fleet import PointReader, Ticket
from drproof.engine.neighbours import Neighbours
from drproof.engine.preparation import DrillRequest, prepare, tool
from drproof.model.capabilities import BucketInfo, ObjectInfo
from drproof.model.errors import TargetError
from drproof.model.receipt import Outcome
from drproof.targets import embedded
from tests.targets.conftest import NAMES

UNDER = "s3://atlas-backups/atlas/backups"
FIRST = NAMES["drill"]["backup_uri"]
FLEET = (FIRST, *(f"{FIRST}-{number:04}" for number in (2, 3, 4)))
OF_A_PLACE = {
    "GetBucketLocation",
    "GetBucketReplication",
    "GetBucketVersioning",
    "GetObjectLockConfiguration",
    "HeadBucket",
    "ListObjectsV2",
}


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Iterator[embedded.World]:
    """A world with four restore points."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EMBEDDED_WORLD_FLEET", "whole*3")
        started = embedded.start(tmp_path_factory.mktemp("world"), scenario="none", linger=600)
    yield started
    started.stop()


def reader_of(world: embedded.World, folder: Path) -> PointReader:
    prepared = prepare(
        DrillRequest(
            plan="fleet", options={"target": "embedded", "backups_under": UNDER}, environment={}, directory=folder
        )
    )
    plan = prepared.document(nonce="0" * 64, created_at="2026-01-31T12:00:00.000Z", tool=tool())
    return PointReader(Ticket(plan=plan, settings=prepared.settings, endpoint=world.endpoint))


def asked_since(world: embedded.World, number: int) -> Counter[str]:
    return Counter(row["action"] for row in world.calls()[number:] if row["service"] == "s3")


def test_the_second_restore_point_and_all_others_cost_no_listing(many: embedded.World, tmp_path: Path) -> None:
    reader = reader_of(many, tmp_path)
    began = len(many.calls())

    first = reader.read(FLEET[0])
    after_one = len(many.calls())
    others = [reader.read(uri) for uri in FLEET[1:]]

    asked = asked_since(many, began)
    assert asked["ListObjectsV2"] == 2, asked
    assert asked_since(many, after_one).keys() & OF_A_PLACE == set()
    assert {one.outcome for one in (first, *others)} == {Outcome.PASSED}
    seen = [one.observed for one in (first, *others) if one.observed is not None]
    assert len(seen) == 4
    pointers = {one.control_plane.pointer for one in seen}
    assert len(pointers) == 1
    assert all(pointer is not None and pointer.bundles for pointer in pointers)
    assert len({(one.published, one.buckets) for one in seen}) == 1
    # Each restore point's own objects are read and looked at again, as they always are.
    assert [len(one.looks) for one in seen] == [len(seen[0].looks)] * 4
    assert asked["HeadObject"] == sum(len(one.looks) for one in seen)


def test_another_run_looks_for_itself(many: embedded.World, tmp_path: Path) -> None:
    reader = reader_of(many, tmp_path)
    reader.read(FLEET[0], of="one")
    began = len(many.calls())

    reader.read(FLEET[1], of="another")
    reader.read(FLEET[2], of="another")

    assert asked_since(many, began)["ListObjectsV2"] == 2


class Shelf:
    """Buckets in memory: three objects under every prefix, and a word when a listing shall fail."""

    def __init__(self) -> None:
        self.asked: Counter[str] = Counter()
        self.fails = False

    def list(self, bucket: str, prefix: str) -> Iterator[ObjectInfo]:
        self.asked[f"{bucket}/{prefix}"] += 1
        for number in range(3):
            if self.fails and number == 2:
                raise TargetError("s3:ListObjectsV2: SlowDown", code="SlowDown", call="s3:ListObjectsV2")
            yield ObjectInfo(bucket=bucket, key=f"{prefix}{number}", size=1, etag="e", modified_at="")

    def describe(self, bucket: str) -> BucketInfo:
        self.asked[bucket] += 1
        return BucketInfo(name=bucket, owner="1", region="r", versioning="none", object_lock="none", replication="none")


def test_what_was_not_listed_to_its_end_is_listed_again() -> None:
    shelf = Shelf()
    known = Neighbours(shelf)  # type: ignore[arg-type] # no more of a store than is asked for

    shelf.fails = True
    with pytest.raises(TargetError):
        list(known.list("b", "p/"))
    shelf.fails = False
    next(known.list("b", "p/"))
    whole = list(known.list("b", "p/"))

    assert [one.key for one in known.list("b", "p/")] == [one.key for one in whole] == ["p/0", "p/1", "p/2"]
    assert shelf.asked["b/p/"] == 3
    assert [one.key for one in known.list("b", "q/")] == ["q/0", "q/1", "q/2"]
    assert known.describe("b") == replace(known.describe("b"))
    assert shelf.asked == {"b/p/": 3, "b/q/": 1, "b": 1}


def test_a_long_listing_is_not_kept_in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(neighbours, "MOST", 2)
    shelf = Shelf()
    known = Neighbours(shelf)  # type: ignore[arg-type] # as above

    assert len(list(known.list("b", "p/"))) == len(list(known.list("b", "p/"))) == 3
    assert shelf.asked["b/p/"] == 2
