"""A plan is a graph: its order comes from edges and names, and what does not fit is refused."""

import itertools
from dataclasses import dataclass
from typing import Any

import pytest

from drproof.model.contract import contract
from drproof.model.errors import PlanError
from drproof.model.phase import Phase, phase
from drproof.model.plan import build
from drproof.model.verdict import Finding, hold
from tests.contracts.observed import CRITERIA


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """Nothing much."""


def made(name: str, *after: str, **properties: Any) -> Phase[Seen]:
    """Return a phase of plan `p`."""

    def act(ctx: Any) -> Seen:
        """It is done."""
        return Seen()

    act.__name__ = name
    return phase(**{"plans": {"p"}, "after": after, **properties})(act)


def claim(name: str, *needs: str, **properties: Any) -> Any:
    """Return a contract on phases."""

    def decide() -> Finding:
        """It is so."""
        return hold(True, observed=1, expected=1, reason="")

    decide.__name__ = name
    return contract(needs=needs, **properties)(decide)


def test_the_order_comes_from_the_edges_whatever_the_order_of_listing():
    phases = [made("d", "b", "c"), made("b", "a"), made("c", "a"), made("a")]

    orders = {build("p", listing, ()).names for listing in itertools.permutations(phases)}

    assert orders == {("a", "b", "c", "d")}


def test_an_edge_outweighs_a_name():
    assert build("p", [made("a", "z"), made("z")], ()).names == ("z", "a")


def test_a_phase_that_always_runs_and_comes_after_nothing_comes_last():
    phases = [made("a_teardown", always=True), made("z", "y"), made("y"), made("notify", "y", always=True)]

    assert build("p", phases, ()).names == ("y", "notify", "z", "a_teardown")


def test_phases_of_other_plans_are_left_out_and_edges_to_them_do_not_count():
    phases = [made("a", plans={"q"}), made("b", "a"), made("c", "b", plans={"p", "q"})]

    assert build("p", phases, ()).names == ("b", "c")
    assert build("q", phases, ()).names == ("a", "c")


@pytest.mark.parametrize(
    ("phases", "message"),
    [
        ([], "no phase belongs to plan 'p'"),
        ([made("a", plans={"q"})], "no phase belongs to plan 'p'"),
        ([made("a", "b"), made("b", "a")], "in a circle"),
        ([made("a", "a")], "in a circle"),
        ([made("a"), made("a")], "two phases named 'a'"),
        ([made("a", "nowhere")], "after \\['nowhere'\\], which is not installed"),
        ([made("a", requires=["unknown"])], "requires \\['unknown'\\]"),
    ],
)
def test_a_plan_that_does_not_fit_together_is_refused(phases, message):
    with pytest.raises(PlanError, match=message):
        build("p", phases, ())


def test_a_contract_joins_every_plan_that_supplies_its_needs():
    contracts = [claim("z", "a"), claim("y", "a", "b"), claim("x", "a", "c"), claim("w", "a", plans={"q"})]

    assert [one.name for one in build("p", [made("a"), made("b")], contracts).contracts] == ["y", "z"]


def test_two_contracts_of_one_name_are_refused():
    with pytest.raises(PlanError, match="two contracts are named 'x'"):
        build("p", [made("a")], [claim("x", "a"), claim("x", "a")])


def test_a_contract_that_reads_what_no_phase_keeps_is_refused():
    reader = claim("x", "a", reads={"rows": ("a", "rows")})

    assert build("p", [made("a", keeps={"rows": list[str]})], [reader]).contracts == (reader,)
    with pytest.raises(PlanError, match="which no phase of plan p keeps"):
        build("p", [made("a")], [reader])


def test_a_requirement_that_a_contract_fulfils_is_accepted():
    plan = build("p", [made("a"), made("b", "a", requires=["x"])], [claim("x", "a")])

    assert plan.phase("b").requires == ("x",)


def test_upstream_is_everything_before_directly_or_not():
    plan = build("p", [made("a"), made("b", "a"), made("c", "b"), made("d")], ())

    assert plan.upstream("c") == {"a", "b"}
    assert plan.upstream("d") == frozenset()
    with pytest.raises(PlanError, match="no phase 'x', expected one of a, d, b, c"):
        plan.upstream("x")


def test_a_smaller_window_asks_only_what_it_can_decide():
    asked_for = claim("x", "a", applies=lambda criteria: criteria.promotion_expected)
    plan = build("p", [made("a"), made("b", "a")], [asked_for, claim("y", "a"), claim("z", "b")])

    assert [one.name for one in plan.asked(CRITERIA, ["a"])] == ["y"]
    assert [one.name for one in plan.asked(CRITERIA, ["a", "b"])] == ["y", "z"]
    assert plan.asked(CRITERIA, []) == ()


def test_windows_come_in_the_order_of_their_phases_and_one_mutating_phase_makes_a_mutating_plan():
    phases = [made("a", window="first"), made("b", "a", window="second"), made("c", "b", window="first")]

    assert build("p", phases, ()).windows == ("first", "second")
    assert not build("p", phases, ()).mutates
    assert build("p", [*phases, made("d", mutates=True)], ()).mutates


def test_a_phase_without_end_state_or_type_cannot_be_made():
    def mute(ctx: Any) -> Seen:
        return Seen()

    def untyped(ctx: Any):
        """It is done."""

    for act in (mute, untyped):
        with pytest.raises(ValueError, match="phase"):
            phase(plans={"p"})(act)
