"""Whether a machine is sound, before it runs: its ways, its data, and what it does when something goes wrong."""

from dataclasses import dataclass

from drproof.analysis.machine import conduct, flow, graph
from drproof.analysis.machine.defects import Defect
from drproof.analysis.machine.flow import Knowledge
from drproof.formats.asl import Machine


@dataclass(frozen=True, slots=True, kw_only=True)
class Examination:
    """What came of examining a machine, and how much of it could be decided."""

    defects: tuple[Defect, ...]
    states: int
    paths: int
    """How many paths were followed to a decision."""
    unknown: tuple[str, ...]
    """The places whose path could not be decided, because nobody says what stands there."""


def examine(machine: Machine, knowledge: Knowledge) -> Examination:
    """Return every defect of a machine, and how much was looked at."""
    data = flow.follow(machine, knowledge)
    found = {*graph.examine(machine), *conduct.examine(machine), *data.defects}
    return Examination(
        defects=tuple(sorted(found)),
        states=sum(1 for _ in machine.all_states()),
        paths=data.followed,
        unknown=data.unknown,
    )
