"""Whether this machine has what the chosen provisioner needs; the cluster is reached without a tool."""

from dataclasses import dataclass

from drproof.model.context import Context
from drproof.model.errors import TargetError
from drproof.model.phase import phase


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolsObserved:
    """The provisioner that a drill would use, and the version of the tool behind it."""

    asked: str
    """What the settings say: a kind, or `auto`."""
    kind: str
    version: str
    status: str
    """`ok`, or the code with which the provisioner cannot be used."""


@phase(plans={"preflight"}, objective_ms=30_000, command_hint="pytest -m preflight")
def read_tools(ctx: Context) -> ToolsObserved:
    """The provisioner has been asked for the version of its tool."""
    asked = ctx.settings.recovery.provisioner.kind
    try:
        provisioner = ctx.target.recovery.provisioner
        return ToolsObserved(asked=asked, kind=provisioner.kind, version=provisioner.version, status="ok")
    except TargetError as exc:
        ctx.say(str(exc))
        return ToolsObserved(asked=asked, kind="", version="", status=exc.code or "unusable")
    except ValueError as exc:
        # The settings contradict each other; the provisioner says how.
        ctx.say(str(exc))
        return ToolsObserved(asked=asked, kind="", version="", status="Contradiction")
