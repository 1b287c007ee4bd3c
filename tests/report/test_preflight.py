"""What a preflight leaves open is on its page: accepted overlaps, triggers that nobody named, a cluster to come."""

from collections.abc import Callable
from typing import Any

from drproof.evidence.bundle import Bundle
from drproof.model.criteria import Preflight
from drproof.report.gaps import gaps
from tests.report.drills import Drill, Step

OUTLIVES = "That recovery outlives the original site."
STARTS = "That nothing starts an orchestrator by itself."
PULLS = "That the cluster takes the pull secret."
PHASES = ("read_domains", "read_triggers", "try_pull_secret")

Make = Callable[..., Bundle]


def _gaps(make: Make, name: str, phases: tuple[str, ...] = PHASES, **demanded: Any) -> dict[str, tuple[str, ...]]:
    steps = [Step(phase=phase, observed={}) for phase in phases]
    drill = Drill(steps=steps, criteria={"preflight": Preflight(**demanded)})
    return {gap.what: gap.details for gap in gaps(make(drill, name=name))}


def test_an_overlap_that_the_operator_accepts_is_a_gap_with_its_name(make: Make) -> None:
    found = _gaps(make, "accepted", accepted_overlaps=("account", "vpc"))

    assert found[OUTLIVES] == ("account", "vpc")
    assert OUTLIVES not in _gaps(make, "apart")
    assert OUTLIVES not in _gaps(make, "elsewhere", phases=("read_triggers",), accepted_overlaps=("account",))


def test_that_no_trigger_was_named_is_a_gap(make: Make) -> None:
    assert STARTS in _gaps(make, "silent")
    assert STARTS not in _gaps(make, "named", triggers=("rule a",))
    assert STARTS not in _gaps(make, "elsewhere", phases=("read_domains",))


def test_that_no_cluster_could_be_asked_is_a_gap(make: Make) -> None:
    assert PULLS in _gaps(make, "none", login_expected=True)
    assert PULLS not in _gaps(make, "asked", login_expected=True, cluster_expected=True)
    assert PULLS not in _gaps(make, "without")
