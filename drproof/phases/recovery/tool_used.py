"""By which tool things were taken away, as the journals of a drill have it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from drproof.model.capabilities import Provisioner
from drproof.model.changes import Change
from drproof.model.context import Effects

MEMBER = "tool"


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolUsed:
    """A provisioner, and the plugins that it loaded; all empty where none was used, or nobody wrote it down."""

    kind: str = ""
    version: str = ""
    providers: Mapping[str, str] = field(default_factory=dict)


def told(provisioner: Provisioner, done: Change) -> dict[str, Any]:
    """Return what the outcome of a removal says of its tool."""
    used = {"kind": provisioner.kind, "version": provisioner.version, "providers": dict(done.providers)}
    return {"destroyed": done.destroyed, MEMBER: used}


def that_took_away(effects: Effects) -> ToolUsed:
    """Return the tool that took away what came up last, in this window or an earlier one.

    Of several removals the last one counts that found something: what finds nothing takes nothing away.
    """
    found: list[Mapping[str, Any]] = []
    for effect in effects.made("runner.up", "runner.down"):
        if effect.intent.verb == "runner.up":
            found.clear()
        elif effect.outcome == "done" and MEMBER in effect.result:
            found.append(effect.result)
    counting = [result for result in found if result["destroyed"]] or found
    return ToolUsed(**counting[-1][MEMBER]) if counting else ToolUsed()
