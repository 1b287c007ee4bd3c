"""What a provisioner changed, by which build, and how it tells what it is doing."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from drproof.model.receipt import Count


@dataclass(frozen=True, slots=True, kw_only=True)
class Build:
    """The build by which a build service changed something, and the receipt that it left."""

    build_id: str
    project: str
    receipt_uri: str
    receipt_sha256: str
    receipt_version: str = ""
    """Empty where the bucket keeps no versions."""
    module_sha256: str
    tool_version: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """What a provisioner was going to change, counted before it changed anything."""

    create: Count
    change: Count
    destroy: Count
    """What would be taken away, also to be made anew."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What a provisioner changed."""

    created: int
    changed: int
    destroyed: int
    outputs: Mapping[str, str] = field(default_factory=dict)
    created_ids: tuple[str, ...] = ()
    build: Build | None = None
    """None where this very process changed it."""
    planned: Planned | None = None
    """None where somebody else planned it, or nobody did."""
    providers: Mapping[str, str] = field(default_factory=dict)
    """The plugins that did it, each with its version."""


Say = Callable[[str], None]
"""Tells people in one line what is going on."""


def unsaid(line: str) -> None:
    """Tell nobody."""
    del line
