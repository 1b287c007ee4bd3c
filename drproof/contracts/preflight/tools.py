"""This machine can bring a machine up."""

from dataclasses import replace

from drproof.model.contract import contract
from drproof.model.receipt import Receipt
from drproof.model.verdict import Finding, hold
from drproof.phases.preflight.read_tools import ToolsObserved

Tools = Receipt[ToolsObserved]


@contract(needs=["read_tools"], controls=["NIST CP-2"])
def provisioner_can_be_used(read_tools: Tools) -> Finding:
    """The provisioner that a drill would use works on this machine, in a version that is known."""
    facts = read_tools.facts
    return hold(
        facts.status == "ok" and bool(facts.version),
        observed={"asked": facts.asked, "kind": facts.kind, "version": facts.version, "status": facts.status},
        expected={"status": "ok", "version": "a version"},
        reason=f"the provisioner {facts.asked} cannot be used on this machine\n  next: install terraform 1.10 or "
        "later, or set recovery.provisioner.kind to codebuild; the log of read_tools says what is in the way",
    )


@provisioner_can_be_used.sabotage("the tool is not on this machine")
def missing(read_tools: Tools) -> Tools:
    """Lose the tool."""
    return replace(read_tools, observed=replace(read_tools.facts, status="NoTerraform"))


@provisioner_can_be_used.sabotage("the tool does not tell its version")
def without_version(read_tools: Tools) -> Tools:
    """Lose the version."""
    return replace(read_tools, observed=replace(read_tools.facts, version=""))
