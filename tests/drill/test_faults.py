"""Whatever one call of a drill does instead of answering: the drill ends, says what happened, and leaves nothing.

The points are made from the log of an honest drill by each provisioner. Each of its calls is struck once, by a kind of
fault that rotates; the calls that change something, by every kind. What a machine comes and goes by is struck for each
provisioner, the rest for the quickest.
"""

import re
import shutil
from typing import Any

import pytest

from tests import shares
from tests.drill import faulted
from tests.drill.conftest import Drill
from tests.drill.honest_calls import (
    OF_AWS,
    OF_CLUSTERS,
    OF_OBJECTS,
    PAST,
    STATE_BUCKET,
    WAITING,
    Point,
    counted,
    points,
    recorded,
)  # fmt: skip

__all__ = ["OF_CLUSTERS", "WAITING", "judged", "named"]
IN_A_ROUND = 32
"""How many points runs of all tests take besides until each share had its day; of these a day takes its share."""

SAMPLE = {
    "direct-wrong-bytes-s3-GetObject-atlas-backups-3",
    "direct-truncated-s3-GetObject-atlas-recovery-58",
    "direct-answer-lost-ec2-RunInstances-1",
    "direct-truncated-ssm-SendCommand-1",
    "direct-expired-ssm-SendCommand-1",
    "codebuild-answer-lost-codebuild-StartBuild-1",
}
"""What is looked at in every round; the scenarios `s3-throttled`, `api-503` and others are faults as well."""

ALL = points()
REST = (pytest.mark.exhaustive, pytest.mark.every_call)


def of_round(number: int) -> set[str]:
    """Return the points whose turn it is: all of them come, one after the other."""
    step = len(ALL) // IN_A_ROUND
    return {str(ALL[(number + turn * step) % len(ALL)]) for turn in range(IN_A_ROUND)}


def sweep() -> list[Any]:
    taken = SAMPLE | of_round(shares.today() // shares.SHARES)
    return [pytest.param(point, id=str(point), marks=() if str(point) in taken else REST) for point in ALL]


def named(point: tuple[str, str, str, str, int]) -> str:
    return "-".join(str(word).replace(" ", "_").replace("*", "any") for word in point if word)


def test_the_points_are_the_calls_that_a_drill_makes(injected):
    made, known = counted(injected("s3-throttled").calls), recorded()["direct"]

    def told(calls: Any) -> set[Any]:
        # How often a cluster is looked at, and for what, hangs on how long its pods take.
        return {one for one in calls if one.service != "kubernetes" or one.changes}

    again = "next: python -m tests.drill.honest_calls"
    assert told(made) - told(known) == set(), f"calls that no point strikes; {again}"
    assert told(known) - told(made) == set(), f"points of calls that nobody makes; {again}"


@pytest.mark.exhaustive
@pytest.mark.parametrize("provisioner", sorted(recorded()))
def test_the_record_is_what_an_honest_drill_calls(operator, provisioner):
    with faulted.world(operator) as (_, environment):
        drill = operator.drill("--provisioner", provisioner, "--run-id", faulted.RUN_ID, **environment)

    assert {one for one in counted(drill.calls) if one.changes} == {
        one for one in recorded()[provisioner] if one.changes
    }, "next: python -m tests.drill.honest_calls"


def test_each_service_meets_each_kind_and_what_changes_something_meets_every_kind():
    struck = {(point.called.service, point.kind) for point in ALL}
    by_call: dict[Any, set[str]] = {}
    for point in ALL:
        by_call.setdefault((point.provisioner, point.called, point.number), set()).add(point.kind)

    for service in {point.called.service for point in ALL}:
        calls = [one for found in recorded().values() for one in found if one.service == service]
        times = max(found[one] for found in recorded().values() for one in calls)
        if any(one.changes for one in calls) or times >= len(OF_OBJECTS):
            assert {kind for of, kind in struck if of == service} >= {*OF_CLUSTERS, PAST}, service
    assert all(kinds == set(called.kinds) for (_, called, _), kinds in by_call.items() if called.changes)
    direct = {(called, number) for provisioner, called, number in by_call if provisioner == "direct"}
    assert direct == {(one, n) for one, times in recorded()["direct"].items() for n in range(1, times + 1)}
    assert {"direct", "codebuild", "terraform"} == {point.provisioner for point in ALL}
    assert set(OF_AWS) <= {kind for _, kind in struck}


def test_every_point_has_its_turn():
    step = len(ALL) // IN_A_ROUND

    assert {str(point) for point in ALL} == {name for number in range(step + IN_A_ROUND) for name in of_round(number)}
    assert {str(point) for point in ALL} >= SAMPLE


@pytest.mark.parametrize("point", sweep())
def test_a_drill_of_which_one_call_fails_ends_says_so_and_leaves_nothing(operator, point: Point):
    if point.provisioner != "direct" and shutil.which("terraform") is None:
        pytest.skip("NO TERRAFORM on this machine: drills by it and by builds are NOT struck here")
    words = ("--provisioner", point.provisioner, "--run-id", faulted.RUN_ID)

    found = faulted.run(operator, point.rule, words=words)

    if not found.struck:
        # A drill that looks again and again until something is there looks less often on a day when that is sooner, and
        # one that ends sooner renews its lease less often.
        renewing = point.called.bucket == STATE_BUCKET and point.called.action == "PutObject"
        assert not point.called.changes or renewing, "the call was never made: next: python -m tests.drill.honest_calls"
        assert found.drill.status == 0, found.drill.output
        assert counted(found.drill.calls)[point.called] < point.number
    judged(found, point.kind)


def never_shown(drill: Drill) -> set[str]:
    """Return the contracts that no later window of a failed drill can prove."""
    shown: set[str] = set()
    if "failed" in {drill.outcomes["bringup"], drill.outcomes["teardown"]}:
        # The one did not say what it made, and the other not what it took away: an empty state is then no proof.
        shown.add("state_held_what_was_created")
    if drill.outcomes["teardown"] == "failed":
        # Nor is a look that sees nothing of what the first one counted.
        shown.add("no_residue_is_left")
    if any("nobody could say who acted" in receipt["reason"] for receipt in drill.receipts.values()):
        shown |= {"one_account_and_region_throughout", "restore_is_isolated_from_the_primary"}
    return shown


def judged(found: faulted.Faulted, kind: str) -> None:
    """Assert that a drill of which a call failed has ended, told of it, and left nothing that its remedy leaves."""
    drill = found.drill
    assert drill.status in {0, 1, 4}, drill.output
    if drill.status == 4:
        assert drill.directory is None, drill.output
        assert "next:" in drill.output
        assert found.left == ()
    else:
        assert (drill.closing["outcome"] == "proven") is (drill.status == 0)
        assert {problem.code for problem in drill.verified().problems} <= {"refuted", "incomplete"}
    if drill.status != 0:
        assert re.search(faulted.NAMES[kind], found.recorded), found.recorded + drill.output
    if found.left:
        assert drill.status != 0
        assert "STILL UP" in drill.output, drill.output
        assert found.remedy, drill.output
        assert found.mended is not None
        if found.mended.status != 0:
            assert found.mended.named("refuted") == set(), found.mended.output
            assert set() < found.mended.named("unproven") <= never_shown(drill), found.mended.output
    assert found.left_at_last == ()
