"""A machine is a drill's own only when everything that the platform says of it agrees."""

from dataclasses import replace

import pytest

from drproof.analysis.expiry import Claimed, Terms, reason_to_leave
from drproof.analysis.ownership import doubts, refuse_too_many
from drproof.model.errors import GuardError
from drproof.model.machines import Resource
from drproof.model.ownership import Bounds

BOUNDS = Bounds(account_id="1", network="vpc-1", tokens=("t",), since="2026-01-31T12:00:00.000Z", most=5)
OWN = Resource(
    kind="instance",
    identity="i-1",
    state="running",
    effect="t",
    created_at="2026-01-31T12:00:05.000Z",
    account_id="1",
    network="vpc-1",
)
CLAIMED = {"drill": "one", "expires_at": "2026-01-31T12:00:00.000Z", "account_id": "1"}
TERMS = {"account_id": "1", "now": "2026-01-31T14:00:00.000Z"}


def test_a_machine_about_which_everything_agrees_is_the_drills_own():
    assert doubts(OWN, BOUNDS) == ()
    # The platform's clock may be a little behind.
    assert doubts(replace(OWN, created_at="2026-01-31T11:59:30.000Z"), BOUNDS) == ()


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"effect": "another"}, "no journal"),
        ({"effect": ""}, "no journal"),
        ({"account_id": "2"}, "account 2, expected 1"),
        ({"account_id": ""}, "account unknown"),
        ({"network": "vpc-2"}, "network vpc-2, expected vpc-1"),
        ({"network": ""}, "network unknown"),
        ({"created_at": "2026-01-31T11:50:00.000Z"}, "before 2026-01-31T12:00"),
        ({"created_at": ""}, "unknown time"),
    ],
)
def test_one_disagreement_is_enough(change, why):
    (said,) = doubts(replace(OWN, **change), BOUNDS)
    assert why in said


def test_a_machine_of_a_tool_with_tokens_of_its_own_is_known_by_what_the_journal_says_it_made():
    theirs = replace(OWN, effect="a token of the tool")
    assert doubts(theirs, BOUNDS)
    assert doubts(theirs, replace(BOUNDS, identities=("i-1",))) == ()
    assert doubts(replace(theirs, identity="i-2"), replace(BOUNDS, identities=("i-1",)))


def test_a_thing_that_is_no_machine_is_asked_for_its_effect_alone():
    volume = Resource(kind="volume", identity="vol-1", state="available", effect="t")
    assert doubts(volume, BOUNDS) == ()
    assert len(doubts(replace(volume, effect="another"), BOUNDS)) == 1


def test_clocks_may_differ_by_a_minute_and_no_more():
    at = replace(OWN, created_at="2026-01-31T11:59:00.000Z")
    assert doubts(at, BOUNDS) == ()
    assert doubts(replace(at, created_at="2026-01-31T11:58:59.999Z"), BOUNDS)


def test_what_is_unknown_is_said_as_unknown():
    unknown = replace(OWN, account_id="", network="", created_at="")
    assert doubts(unknown, replace(BOUNDS, since="")) == (
        "it belongs to account unknown, expected 1",
        "it is in network unknown, expected vpc-1",
        "it started at an unknown time, before any effect",
    )
    said = doubts(replace(OWN, account_id="2", network="vpc-2", created_at="2026-01-31T11:00:00.000Z"), BOUNDS)
    assert said == (
        "it belongs to account 2, expected 1",
        "it is in network vpc-2, expected vpc-1",
        "it started at 2026-01-31T11:00:00.000Z, before 2026-01-31T12:00:00.000Z",
    )


def test_a_drill_that_meant_to_start_nothing_owns_no_machine():
    assert doubts(OWN, replace(BOUNDS, tokens=(), since=""))


def test_a_limit_is_named_before_anything_goes():
    refuse_too_many("machines", [1, 2], 2, "limits.max_machines")
    with pytest.raises(
        GuardError, match=r"3 machines .* at most 2 \(limits\.max_machines\); nothing was removed\n  next"
    ):
        refuse_too_many("machines", [1, 2, 3], 2, "limits.max_machines")


@pytest.mark.parametrize(
    ("claimed", "terms", "why"),
    [
        ({}, {}, ""),
        ({"drill": ""}, {}, "which drill"),
        ({"expires_at": ""}, {}, "no expiry"),
        ({"expires_at": "tomorrow"}, {}, "tomorrow"),
        ({"expires_at": "2026-01-31 12:00:00"}, {}, "when it may go"),
        ({"expires_at": "2026-01-31T14:00:00.000Z"}, {}, "has not expired"),
        ({}, {"older_than_ms": 7_200_000}, "has not expired for long enough"),
        ({}, {"older_than_ms": 7_199_999}, ""),
        ({"account_id": "2"}, {}, "account 2, expected 1"),
        ({"account_id": ""}, {}, ""),
        ({"expires_at": "2026-01-31T13:59:59.999Z"}, {}, ""),
    ],
)
def test_a_sweep_says_why_it_leaves_a_thing(claimed, terms, why):
    said = reason_to_leave(Claimed(**{**CLAIMED, **claimed}), Terms(**{**TERMS, **terms}))
    assert (why in said) if why else (said == "")
