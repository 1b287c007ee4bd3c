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
CLAIMED = Claimed(drill="one", expires_at="2026-01-31T12:00:00.000Z", account_id="1")
TERMS = Terms(account_id="1", now="2026-01-31T14:00:00.000Z")


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


def test_a_drill_that_meant_to_start_nothing_owns_no_machine():
    assert doubts(OWN, replace(BOUNDS, tokens=(), since=""))


def test_a_limit_is_named_before_anything_goes():
    refuse_too_many("machines", [1, 2], 2, "limits.max_machines")
    with pytest.raises(
        GuardError, match=r"3 machines .* at most 2 \(limits\.max_machines\); nothing was removed\n  next"
    ):
        refuse_too_many("machines", [1, 2, 3], 2, "limits.max_machines")


@pytest.mark.parametrize(
    ("claimed", "terms", "announced", "why"),
    [
        ({}, {}, None, ""),
        ({}, {}, True, ""),
        ({}, {}, False, "the receipt store knows no effect of drill one"),
        ({"drill": ""}, {}, None, "which drill"),
        ({"expires_at": ""}, {}, None, "no expiry"),
        ({"expires_at": "tomorrow"}, {}, None, "tomorrow"),
        ({"expires_at": "2026-01-31 12:00:00"}, {}, None, "when it may go"),
        ({"expires_at": "2026-01-31T14:00:00.000Z"}, {}, None, "has not expired"),
        ({}, {"older_than_ms": 7_200_000}, None, "has not expired for long enough"),
        ({}, {"older_than_ms": 7_199_999}, None, ""),
        ({"account_id": "2"}, {}, None, "account 2, expected 1"),
    ],
)
def test_a_sweep_says_why_it_leaves_a_thing(claimed, terms, announced, why):
    said = reason_to_leave(replace(CLAIMED, **claimed), replace(TERMS, **terms), announced=announced)
    assert (why in said) if why else (said == "")
