"""Whatever lies where a pointer or a marker should, the original site is unhealthy with a reason, and the check goes on."""

import json
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from drproof.model.capabilities import ObjectInfo
from drproof.model.errors import NotFoundError, TargetError, ThrottledError
from drproof.phases.health.check_health import check_health
from tests.contracts.observed import CRITERIA
from tests.phases.site import SETTINGS

PREFIX = "atlas/state/candidates/local"
GLOBAL, PROVIDER = f"{PREFIX}/last_success.json", f"{PREFIX}/openai/cs/last_success.json"
MARKER = "atlas/runs/7/openai/cs/openai_top.cs.md"


def pointer(**changes: Any) -> bytes:
    said = {"run_id": "7", "run_path": "atlas/runs/7", "ended_at": "2026-01-31T11:00:00Z"}
    return json.dumps({**said, **changes}).encode()


class Store:
    """The published objects in memory; what is an error is raised."""

    def __init__(self) -> None:
        self.held: dict[str, bytes | TargetError] = {GLOBAL: pointer(), PROVIDER: pointer(), MARKER: b"top"}

    def head(self, bucket: str, key: str) -> ObjectInfo:
        return self.read(bucket, key)[0]

    def read(self, bucket: str, key: str) -> tuple[ObjectInfo, bytes]:
        found = self.held.get(key, NotFoundError("no such key", code="NoSuchKey"))
        if isinstance(found, TargetError):
            raise found
        return ObjectInfo(bucket=bucket, key=key, size=len(found), etag="", modified_at=""), found


@pytest.fixture
def store() -> Store:
    return Store()


@pytest.fixture
def look(drill: Any, store: Store) -> Callable[[], Any]:
    context = drill.context("check_health")
    context.target.primary = SimpleNamespace(
        objects=store, alarms=SimpleNamespace(metrics=lambda _namespace, _dimensions: ("PipelineFreshnessHours",))
    )
    return lambda: check_health.act(context)


def test_a_healthy_site_gives_no_reason(look):
    seen = look()

    assert (seen.reasons, seen.age_ms, seen.marker.status) == ((), 3_600_000, "ok")
    assert seen.namespace == SETTINGS.primary.metrics.namespace != ""
    assert [one.label for one in seen.pointers] == list(CRITERIA.pointers)


@pytest.mark.parametrize(
    ("held", "status"),
    [
        (b"", "pointer-empty"),
        (b"[]", "pointer-shape"),
        (b"null", "pointer-shape"),
        (b'{"run_id": "7"}', "pointer-shape"),
        (pointer(run_id=""), "pointer-shape"),
        (pointer(run_id=7), "pointer-shape"),
        (pointer(ended_at=7), "pointer-shape"),
        (pointer(ended_at="yesterday"), "timestamp"),
        (pointer(ended_at="2026-01-31T11:00:00"), "timestamp"),
        (pointer(ended_at="2026-02-30T11:00:00Z"), "timestamp"),
        (pointer(ended_at=""), "timestamp"),
        (TargetError("no", code="AccessDenied"), "access_denied"),
        (TargetError("big", code="EntityTooLarge"), "too_large"),
        (NotFoundError("gone", code="NoSuchKey"), "not_found"),
    ],
)
def test_a_pointer_that_cannot_be_read_is_a_reason(look, store, held, status):
    store.held[GLOBAL] = held

    seen = look()

    assert seen.pointers[0].status == status
    assert seen.reasons == (f"last_success_unreadable: global is {status}",)


@pytest.mark.parametrize("held", [b"{", b"\xff", b'{"run_id": "7", "run_id": "8"}', b"[" * 100_000])
def test_a_pointer_that_is_no_json_is_a_reason(look, store, held):
    store.held[GLOBAL] = held

    (reason,) = look().reasons

    assert reason.startswith("last_success_unreadable: global is ")
    assert "pointer" not in reason


def test_a_pointer_without_an_instant_leaves_the_age_open(look, store):
    store.held |= {GLOBAL: pointer(ended_at=None), PROVIDER: pointer(ended_at=None)}

    assert look().reasons == ("freshness_reference_missing: no pointer says when the last good run ended",)


def test_a_run_that_ends_in_the_future_is_a_reason(look, store):
    store.held |= {GLOBAL: pointer(ended_at="2027-01-31T12:00:00Z"), PROVIDER: pointer()}

    assert look().reasons == ("future_timestamp: the last good run ends 365 d in the future",)


@pytest.mark.parametrize(
    ("held", "status"),
    [
        (b"", "empty"),
        (NotFoundError("gone", code="404"), "not_found"),
        (TargetError("no", code="403"), "access_denied"),
        (TargetError("no", code="AccessDenied"), "access_denied"),
    ],
)
def test_a_marker_that_is_not_there_whole_is_a_reason(look, store, held, status):
    store.held[MARKER] = held

    seen = look()

    assert (seen.marker.status, seen.marker.size) == (status, 0)
    assert seen.reasons == ("missing_expected_marker: the published run has no marker, or an empty one",)


def test_a_run_whose_path_is_no_key_has_no_marker(look, store):
    store.held |= dict.fromkeys((GLOBAL, PROVIDER), pointer(run_path="x" * 1024))

    seen = look()

    assert seen.marker.status == "invalid_key"
    assert seen.reasons


@pytest.mark.parametrize("key", [GLOBAL, MARKER])
def test_an_answer_that_says_nothing_of_the_site_is_no_finding_about_it(look, store, key):
    store.held[key] = ThrottledError("slower", code="SlowDown")

    with pytest.raises(ThrottledError):
        look()
