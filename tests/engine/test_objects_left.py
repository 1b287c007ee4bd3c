"""What an execution restored is told as long as it is there, as its announced intents name it."""

import json
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from drproof.engine.execution_seen import Seen
from drproof.engine.objects_left import ObjectsLeft, objects_left, remedy
from drproof.model.errors import EvidenceError, FormatError

FOLDER = "receipts/drill-1"
SEEN = Seen(
    info=SimpleNamespace(name="drill-1"),  # type: ignore[arg-type] # nothing else of it is asked
    phase="restore",
    cause="",
    phases={
        "check_health": {"receipt": f"s3://kept/{FOLDER}/check_health.json"},
        "restore_state": {"receipt": f"s3://kept/{FOLDER}/restore_state.json"},
        "restore": {},
    },
    build_id="",
    waits=None,
)


class Buckets:
    """Two buckets in memory: the store's, and the one that was restored into."""

    def __init__(self) -> None:
        self.held: dict[tuple[str, str], bytes] = {}

    def keys(self, bucket: str, prefix: str, *, most: int) -> tuple[str, ...]:
        return tuple(sorted(key for where, key in self.held if where == bucket and key.startswith(prefix)))[:most]

    def holds(self, bucket: str, prefix: str) -> bool:
        return bool(self.keys(bucket, prefix, most=1))

    def look(self, bucket: str, key: str) -> Any:
        return SimpleNamespace(body=self.held[bucket, key])

    def announces(self, number: int, verb: str, resource: str, *keys: str) -> None:
        record = {"number": number, "verb": verb, "resource": resource, "details": {"keys": list(keys)}}
        self.held["kept", f"{FOLDER}/journal/{number}.json"] = json.dumps(record).encode()

    def restores(self, *keys: str) -> None:
        self.held |= {("atlas-recovery", key): b"restored" for key in keys}


BY_SWEEP = "drproof gc --drill drill-1 --yes, once it has expired; without --yes it only tells"


@pytest.fixture
def buckets() -> Buckets:
    made = Buckets()
    made.announces(3, "runner.up", "runner")
    made.announces(9, "objects.put", "s3://atlas-recovery/drills/drill-1/#1", "drills/drill-1/a", "drills/drill-1/b")
    made.announces(11, "objects.put", "s3://atlas-recovery/drills/drill-1/#2", "drills/drill-1/c")
    return made


def left(buckets: Buckets, seen: Seen = SEEN) -> tuple[ObjectsLeft, ...]:
    return objects_left(buckets, seen)  # type: ignore[arg-type] # it looks, and makes nothing


def test_what_is_there_of_what_it_meant_to_write_is_counted_by_its_place(buckets: Buckets) -> None:
    buckets.restores("drills/drill-1/a", "drills/drill-1/c", "drills/drill-1/somebody-elses", "drills/drill-2/a")

    assert left(buckets) == (
        ObjectsLeft(
            place="s3://atlas-recovery/drills/drill-1/", count=2, remedy="drproof resume s3://kept/receipts/drill-1"
        ),
    )


def test_nothing_is_left_where_nothing_of_it_is_there(buckets: Buckets) -> None:
    buckets.restores("drills/drill-1/somebody-elses")
    assert left(buckets) == ()


def test_an_execution_without_a_receipt_restored_nothing(buckets: Buckets) -> None:
    buckets.restores("drills/drill-1/a")
    assert left(buckets, replace(SEEN, phases={})) == ()


def test_intents_that_are_gone_are_no_reason_to_say_that_nothing_is_left(buckets: Buckets) -> None:
    buckets.held.clear()
    passed = {"receipt": f"s3://kept/{FOLDER}/restore_state.json", "outcome": "passed"}
    with pytest.raises(
        EvidenceError, match="nobody knows what it wrote\n  next: drproof resume s3://kept/receipts/drill-1"
    ):
        left(buckets, replace(SEEN, phases={"restore_state": passed}))


@pytest.mark.parametrize("body", [b"{", b"[]", b"{}", b'{"verb":"objects.put","resource":"s3://b/p/#1","details":{}}'])
def test_an_intent_that_is_none_is_no_reason_to_say_that_nothing_is_left(buckets: Buckets, body: bytes) -> None:
    buckets.held["kept", f"{FOLDER}/journal/12.json"] = body
    with pytest.raises(FormatError):
        left(buckets)


def test_of_what_is_sealed_nobody_is_told_to_resume_it(buckets: Buckets) -> None:
    buckets.restores("drills/drill-1/a")
    buckets.held["kept", f"{FOLDER}/bundle/closing.dsse.json"] = b"{}"

    (one,) = left(buckets)

    assert one.remedy == BY_SWEEP


def test_the_command_for_what_is_up_removes_it_and_does_not_only_tell(buckets: Buckets) -> None:
    assert remedy(buckets, SEEN) == "drproof resume s3://kept/receipts/drill-1"  # type: ignore[arg-type]
    assert remedy(buckets, replace(SEEN, phases={})) == BY_SWEEP  # type: ignore[arg-type]
