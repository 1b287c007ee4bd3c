"""A platform shows for a moment what it has let go of: a sweep looks again before it says that something failed."""

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from drproof.model.machines import Resource
from drproof.targets import embedded
from drproof.targets.aws.ec2 import AwsFleet
from tests.shares import FEW
from tests.targets import shipped
from tests.targets.dead_drills import Left

pytestmark = pytest.mark.costly(days=FEW)

LAGGING = 2
"""How many looks still show what is gone."""


@pytest.fixture
def left(world: embedded.World, stranger: Callable[[str], Any], tmp_path: Path) -> Left:
    return Left(world, stranger, tmp_path)


def lag(monkeypatch: pytest.MonkeyPatch, looks: int = LAGGING) -> None:
    """Let listings show what was listed before for some looks more, and questions for one thing find it."""
    known: dict[str, Resource] = {}
    shown: Counter[str] = Counter()
    asked: Counter[str] = Counter()
    carrying, is_there = AwsFleet.carrying, AwsFleet.is_there

    def listed(fleet: AwsFleet, key: str) -> tuple[Resource, ...]:
        found = {one.identity: one for one in carrying(fleet, key)}
        gone = [one for identity, one in known.items() if identity not in found and shown[identity] < looks]
        shown.update(one.identity for one in gone)
        known.update(found)
        return (*found.values(), *gone)

    def found_there(fleet: AwsFleet, kind: str, identity: str) -> bool:
        if is_there(fleet, kind, identity):
            return True
        asked[identity] += 1
        return asked[identity] <= looks

    monkeypatch.setattr(AwsFleet, "carrying", listed)
    monkeypatch.setattr(AwsFleet, "is_there", found_there)


def test_what_a_listing_shows_a_moment_longer_is_not_told_as_failed(
    left: Left, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = left.makes()
    lag(monkeypatch)

    done = left.swept(yes=True)

    assert {item.kind: (item.decision, item.why) for item in done.remaining} == {}
    assert not left.holds(), "the state went with the rest"
    assert set(shipped.is_there(left.stranger, made).values()) == {False}


def test_what_stays_there_is_told_as_failed_when_the_time_for_that_is_over(
    left: Left, monkeypatch: pytest.MonkeyPatch
) -> None:
    left.makes()
    left.is_soon_given_up()
    monkeypatch.setattr(AwsFleet, "remove", lambda *_: None)
    monkeypatch.setattr(AwsFleet, "wait_until", lambda *_, **__: None)

    done = left.swept(yes=True)

    failed = {item.kind: item.why for item in done.remaining}
    assert failed["instance"] == "it is still there after its removal"
    assert left.holds()
