"""When a lease has run out, on both sides of where each comparison turns; one that cannot be read names no holder."""

import json
from types import SimpleNamespace
from typing import Any

from tests.contracts.checks import House
from tests.contracts.reasoning import reasoning

RENEWED, ENDS = "2026-01-31T12:00:00.000Z", "2026-01-31T12:01:00.000Z"
LEASE: dict[str, Any] = {
    "drill_id": "drill-1",
    "fence": 3,
    "expires_at": ENDS,
    "host": "h",
    "pid": 7,
    "length_ms": 60_000,
}


def _read(house: House, content: Any, *, renewed: str = RENEWED, seen: str = RENEWED) -> Any:
    info = SimpleNamespace(etag="e", modified_at=renewed, seen_at=seen)
    body = content if isinstance(content, bytes) else json.dumps(content).encode()
    return house.modules["leases"].read_lease(info, body)


def _without(*names: str) -> dict[str, Any]:
    return {name: value for name, value in LEASE.items() if name not in names}


@reasoning
def the_clock_of_the_store_decides_where_it_is_known(house: House) -> None:
    def over(seen: str, **changes: Any) -> Any:
        return _read(house, {**LEASE, **changes}, seen=seen).has_run_out("2026-01-31T23:00:00.000Z")

    assert not over("2026-01-31T12:01:02.000Z")
    assert over("2026-01-31T12:01:02.001Z")
    assert not over("2026-01-31T12:01:02.001Z", length_ms=60_001)


@reasoning
def where_the_store_does_not_say_a_lease_is_over_once_it_has_been_for_as_long_as_clocks_differ(house: House) -> None:
    kinds = (
        _read(house, LEASE, seen=""),
        _read(house, LEASE, renewed="", seen="2026-01-31T13:00:00.000Z"),
        _read(house, _without("length_ms"), seen="2026-01-31T13:00:00.000Z"),
    )
    for found in kinds:
        assert not found.has_run_out("2026-01-31T12:02:00.000Z")
        assert found.has_run_out("2026-01-31T12:02:00.001Z")


@reasoning
def what_a_lease_says_is_taken_over_and_what_it_leaves_out_is_of_a_process(house: House) -> None:
    plain = _read(house, _without("length_ms")).holder
    assert (plain.drill_id, plain.fence, plain.host, plain.pid) == ("drill-1", 3, "h", 7)
    assert (plain.length_ms, plain.execution, plain.parked) == (0, "", False)
    more = _read(house, {**LEASE, "execution": "arn", "parked": True}).holder
    assert (more.length_ms, more.execution, more.parked) == (60_000, "arn", True)


@reasoning
def a_lease_that_cannot_be_read_names_nobody_and_holds_nothing(house: House) -> None:
    strange = (b"", b"[]", b"7", b"null", b"{}", {**LEASE, "expires_at": "soon"}, {**LEASE, "expires_at": 5})
    for content in (*strange, {**LEASE, "fence": "3"}, {**LEASE, "length_ms": "60"}, _without("pid")):
        found = _read(house, content, seen="")
        assert found.holder is None, content
        assert (found.etag, found.renewed_at) == ("e", RENEWED)
        assert found.has_run_out(RENEWED)
