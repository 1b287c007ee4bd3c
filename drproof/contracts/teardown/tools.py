"""What was brought up by one tool is taken away by the same: another version may read another state."""

from collections.abc import Mapping
from dataclasses import replace
from typing import TypeAlias

from drproof.model.contract import NotApplicableError, contract
from drproof.model.receipt import Receipt
from drproof.model.verdict import Finding, compare, undecided
from drproof.phases.recovery.bringup import BringupObserved
from drproof.phases.recovery.teardown import TeardownObserved

Bringup: TypeAlias = Receipt[BringupObserved]
Teardown: TypeAlias = Receipt[TeardownObserved]
ANOTHER = "0.0.0-another"


@contract(needs=["bringup", "teardown"], controls=["NIST CP-4", "NIST CM-2"])
def teardown_used_the_tools_of_the_bringup(bringup: Bringup, teardown: Teardown) -> Finding:
    """The machine was taken away by the tool that had brought it up, in the same version, with the same plugins."""
    up, down = bringup.facts, teardown.facts
    if not down.provisioner and (down.intended or down.created):
        return undecided("the teardown does not say which tool it used")
    # Where nothing was meant to be made there was nothing to take away, with whatever tool.
    observed = _tools(down.provisioner, down.provisioner_version, down.providers) if down.provisioner else {}
    known = _tools(up.provisioner, up.provisioner_version, up.providers)
    expected = {name: known.get(name, "none") for name in observed}
    # A tool that found nothing in its state loads no plugin; one that took something out of it had those it needs.
    if observed == expected and observed and up.providers and down.held_before and not down.providers:
        return undecided("the teardown does not say which plugins it used", expected=dict(up.providers))
    return compare(
        observed=observed,
        expected=expected,
        reason=", ".join(
            f"{name} {observed[name]}, at the bring-up {expected[name]}"
            for name in observed
            if observed[name] != expected[name]
        ),
    )


def _tools(kind: str, version: str, providers: Mapping[str, str]) -> dict[str, str]:
    return {"provisioner": kind, "version": version, **providers}


@teardown_used_the_tools_of_the_bringup.sabotage("another version of the tool took it away")
def another_version(teardown: Teardown) -> Teardown:
    """Use another version."""
    if not teardown.facts.provisioner:
        msg = "no tool took anything away"
        raise NotApplicableError(msg)
    return replace(teardown, observed=replace(teardown.facts, provisioner_version=ANOTHER))


@teardown_used_the_tools_of_the_bringup.sabotage("another tool took it away")
def another_tool(teardown: Teardown) -> Teardown:
    """Use another tool."""
    return replace(teardown, observed=replace(teardown.facts, provisioner=ANOTHER))


@teardown_used_the_tools_of_the_bringup.sabotage("a plugin was another one than at the bring-up")
def another_plugin(teardown: Teardown) -> Teardown:
    """Load a plugin that has moved on."""
    facts = teardown.facts
    if not facts.providers:
        msg = "the tool loaded no plugin"
        raise NotApplicableError(msg)
    return replace(teardown, observed=replace(facts, providers=dict.fromkeys(facts.providers, ANOTHER)))
