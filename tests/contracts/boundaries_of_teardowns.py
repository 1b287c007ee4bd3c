"""Where the comparisons turn that speak of what a teardown left, took and knew."""

from dataclasses import replace

from drproof.phases.recovery.census import UNMARKED, UNREAD, Item
from drproof.phases.recovery.teardown import Residue
from tests.contracts.boundary import PROVEN, REFUTED, UNPROVEN, boundary, expect
from tests.contracts.checks import House
from tests.contracts.evidence import NOTHING_CREATED, PASSING
from tests.contracts.observed import BROUGHT_UP, CRITERIA, MACHINE, STRANGER, TORN_DOWN

UNCOUNTED = Item(kind="cluster", identity="0" * 8, state="cannot be counted: it does not answer")
UNREADABLE = Item(kind="state", identity="s3://states/one", state=UNREAD)


def left_of(item: Item) -> Residue:
    return Residue(kind=item.kind, identity=item.identity, remove_command="look")


@boundary
def residue_refutes_and_a_blind_count_does_not_prove(house: House) -> None:
    item = Item(kind="instance", identity=MACHINE)
    expect(
        house,
        "no_residue_is_left",
        (PASSING.facts("teardown", created=1, before=(item,)), PROVEN),
        (PASSING.facts("teardown", created=1, before=()), REFUTED),
        (NOTHING_CREATED, PROVEN),
        (NOTHING_CREATED.facts("teardown", before=(item,)), REFUTED),
        (NOTHING_CREATED.facts("teardown", before=(UNREADABLE,)), REFUTED),
        # What an unfinished removal counted and nobody sees went away, or is not seen.
        (PASSING.facts("teardown", created=1, before=(item,), before_unsettled=(item,)), UNPROVEN),
        (PASSING.facts("teardown", created=1, before=(), before_unsettled=(item,)), UNPROVEN),
        # Whoever could not look has seen nothing.
        (PASSING.facts("teardown", created=1, before=(UNCOUNTED,)), REFUTED),
        (PASSING.facts("teardown", created=1, before=(UNREADABLE,)), REFUTED),
        (PASSING.facts("teardown", created=1, before=(UNREADABLE, item)), PROVEN),
        (PASSING.facts("teardown", residue=(left_of(UNCOUNTED),)), UNPROVEN),
        # What lies where the drill wrote is its own without the tag, or another's over it.
        (PASSING.facts("teardown", foreign=(Item(kind="object", identity="s3://one", state=UNMARKED),)), UNPROVEN),
        (PASSING.facts("teardown", foreign=(Item(kind="instance", identity=MACHINE, state=UNMARKED),)), PROVEN),
        (PASSING.facts("teardown", foreign=(Item(kind="object", identity="s3://one"),)), PROVEN),
        (PASSING.facts("teardown", residue=(left_of(UNCOUNTED), left_of(item))), REFUTED),
        # What was intended and is not known to have been done may have been there or not.
        (NOTHING_CREATED.facts("teardown", before=(), intended=1), PROVEN),
        (NOTHING_CREATED.facts("teardown", before=(item,), intended=1), PROVEN),
    )


@boundary
def a_state_of_which_nothing_is_known_proves_no_teardown(house: House) -> None:
    blind = {"made": (), "held_before": ()}
    unread = (*TORN_DOWN.before, UNREADABLE)
    expect(
        house,
        "state_held_what_was_created",
        (PASSING, PROVEN),
        (PASSING.facts("teardown", **blind), UNPROVEN),
        (PASSING.facts("teardown", **blind, created=0, intended=1), UNPROVEN),
        (PASSING.facts("teardown", **blind, created=1, intended=0), UNPROVEN),
        (PASSING.facts("teardown", **blind, held_after=(MACHINE,)), REFUTED),
        (PASSING.facts("teardown", made=()), PROVEN),
        (PASSING.facts("teardown", held_before=()), REFUTED),
        # A state that is there and cannot be read is neither a lost one nor one that held what was made.
        (PASSING.facts("teardown", held_before=(), before=unread), UNPROVEN),
        (PASSING.facts("teardown", held_before=(), before=unread, held_after=(MACHINE,)), REFUTED),
        (PASSING.facts("teardown", before=unread), PROVEN),
        (PASSING.facts("teardown", held_before=(), before_unsettled=unread), UNPROVEN),
        # Nor is one that an earlier removal emptied which nobody saw end, unless it lacked something even then.
        (PASSING.facts("teardown", held_before=(), held_unsettled=(MACHINE,)), UNPROVEN),
        (PASSING.facts("teardown", held_before=(), held_unsettled=(MACHINE, "more")), UNPROVEN),
        (PASSING.facts("teardown", held_before=(), held_unsettled=("another",)), REFUTED),
        (PASSING.facts("teardown", held_before=(), held_unsettled=(MACHINE,), held_after=("another",)), REFUTED),
        (PASSING.facts("teardown", held_unsettled=(MACHINE,)), PROVEN),
        (PASSING.facts("teardown", held_unsettled=("a role",)), UNPROVEN),
        (PASSING.facts("teardown", made=(), held_unsettled=("a role",)), UNPROVEN),
        (PASSING.facts("teardown", held_after=(MACHINE,)), REFUTED),
        # What was never to be created is in no state, and need not be.
        (NOTHING_CREATED, PROVEN),
    )
    contract = house.contracts["state_held_what_was_created"]
    assert contract.is_asked(CRITERIA), "whoever keeps a state is asked what it held"
    assert not contract.is_asked(replace(CRITERIA, state_expected=False)), "builds without Terraform keep none"


@boundary
def what_was_brought_up_is_taken_away_by_the_same_tools_and_none_is_asked_for_where_nothing_was(house: House) -> None:
    name = "teardown_used_the_tools_of_the_bringup"
    plugin = next(iter(BROUGHT_UP.providers))
    untold = {"provisioner": "", "provisioner_version": "", "providers": {}}
    expect(
        house,
        name,
        (PASSING, PROVEN),
        (PASSING.facts("teardown", provisioner="codebuild"), REFUTED),
        (PASSING.facts("teardown", provisioner_version="2"), REFUTED),
        (PASSING.facts("teardown", providers={plugin: "6.2.0"}), REFUTED),
        (PASSING.facts("teardown", providers={**BROUGHT_UP.providers, "another": "1.0.0"}), REFUTED),
        (PASSING.facts("bringup", providers={}), REFUTED),
        # A tool that finds nothing in its state loads no plugin; one that took something away had some.
        (PASSING.facts("teardown", providers={}, held_before=()), PROVEN),
        (PASSING.facts("teardown", providers={}), UNPROVEN),
        (PASSING.facts("teardown", providers={}).facts("bringup", providers={}), PROVEN),
        (PASSING.facts("teardown", providers={}, provisioner_version="2"), REFUTED),
        (PASSING.facts("teardown", **untold), UNPROVEN),
        (PASSING.facts("teardown", **untold, created=0), UNPROVEN),
        (PASSING.facts("teardown", **untold, intended=0), UNPROVEN),
        (PASSING.facts("teardown", **untold, intended=0, created=0), PROVEN),
    )
    said = house.verdict(name, PASSING.facts("teardown", provisioner_version="2", providers={"another": "1.0.0"}))
    assert said.reason == "version 2, at the bring-up 1, another 1.0.0, at the bring-up none"


@boundary
def something_foreign_or_unmarked_is_never_removed(house: House) -> None:
    stranger = Item(kind="instance", identity="i-0000000000000000f")
    same_name = Item(kind="volume", identity=MACHINE)
    expect(
        house,
        "only_own_resources_were_removed",
        (PASSING.facts("teardown", removed=()), PROVEN),
        (PASSING.facts("teardown", removed=(stranger,)), REFUTED),
        (PASSING.facts("teardown", removed=(same_name,)), REFUTED),
        (PASSING.facts("teardown", foreign_before=TORN_DOWN.before), REFUTED),
        (PASSING.facts("teardown", foreign=()), REFUTED),
        (PASSING.facts("teardown", foreign=(replace(STRANGER, state="shutting-down"),)), REFUTED),
        (PASSING.facts("teardown", foreign=(replace(STRANGER, state="stopped"),)), PROVEN),
        (PASSING.facts("teardown", foreign_before=(replace(STRANGER, state="shutting-down"),), foreign=()), PROVEN),
    )
