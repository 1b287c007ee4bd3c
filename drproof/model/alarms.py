"""An alarm: how it is set, and what it says."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from drproof.model.receipt import Count


@dataclass(frozen=True, slots=True, kw_only=True)
class AlarmRule:
    """How one alarm is set, and what it says, in CloudWatch's words; what it does not have is empty or 0."""

    name: str
    kind: Literal["metric", "composite"]
    namespace: str = ""
    metric: str = ""
    dimensions: Mapping[str, str] = field(default_factory=dict)
    statistic: str = ""
    """What is taken of the datapoints of a period, such as `Maximum`."""
    comparison: str = ""
    threshold: str = ""
    """The number as text."""
    period_ms: Count = 0
    periods: Count = 0
    """How many periods are looked at."""
    datapoints: Count = 0
    """How many of them must breach."""
    missing_data: str = ""
    actions_enabled: bool
    actions: tuple[str, ...]
    """Who is told when it goes off."""
    insufficient_data_actions: tuple[str, ...]
    """Who is told when it has no data."""
    state: str = ""
    """What it said when it was read; empty in receipts of an earlier drproof."""
    state_since: str = ""
    """Since when it says so."""
