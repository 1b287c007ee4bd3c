"""Whatever one call of a drill does instead of answering: the drill ends, says what happened, and leaves nothing.

The points are the calls that an honest drill makes, and a test compares the two. Each point is struck by one kind of
fault; the calls that change something, by every kind.
"""

import itertools
import re
from typing import Any

import pytest

from tests.drill import faulted

CHANGING: dict[tuple[str, str, str], tuple[int, ...]] = {
    ("s3", "PutObject", "atlas-dr-tfstate"): (1, 2, 3, 4, 5),
    ("s3", "PutObject", "atlas-recovery"): (1, 7, 29),
    ("s3", "DeleteObjects", "atlas-dr-tfstate"): (1, 2, 3, 4),
    ("s3", "DeleteObjects", "atlas-recovery"): (1,),
    ("s3", "DeleteObject", "atlas-dr-tfstate"): (1,),
    ("ec2", "RunInstances", ""): (1,),
    ("ec2", "TerminateInstances", ""): (1,),
    ("sns", "Publish", ""): (1, 2),
    ("ssm", "SendCommand", ""): (1, 2, 3, 5, 7),
    ("kubernetes", "create namespaces", ""): (1,),
    ("kubernetes", "create configmaps", ""): (1, 6, 11),
    ("kubernetes", "create secrets", ""): (1,),
    ("kubernetes", "create deployments", ""): (1,),
    ("kubernetes", "create cronjobs", ""): (1,),
    ("kubernetes", "create jobs", ""): (1,),
    ("kubernetes", "patch secrets", ""): (1,),
}
"""The calls that change something, and which of their occurrences are struck."""

READING: dict[tuple[str, str, str], tuple[int, ...]] = {
    ("s3", "GetObject", "atlas-primary"): (1, 3, 5),
    ("s3", "GetObject", "atlas-backups"): (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12),
    ("s3", "GetObject", "atlas-recovery"): (1, 20, 58),
    ("s3", "GetObject", "atlas-dr-tfstate"): (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11),
    ("s3", "HeadObject", "*"): (1, 2, 5),
    ("s3", "HeadBucket", "*"): (1, 2),
    ("s3", "GetBucketVersioning", "*"): (1,),
    ("s3", "GetBucketReplication", "*"): (1,),
    ("s3", "GetObjectLockConfiguration", "*"): (2,),
    ("s3", "GetObjectTagging", "*"): (1,),
    ("s3", "ListObjectsV2", "atlas-backups"): (1,),
    ("s3", "ListObjectsV2", "atlas-primary"): (1,),
    ("s3", "ListObjectsV2", "atlas-recovery"): (1, 2, 3, 4, 5, 6, 7, 8, 9),
    ("s3", "ListObjectVersions", "*"): (1, 2, 3, 4, 5),
    ("ec2", "DescribeInstances", ""): tuple(range(1, 12)),
    ("ec2", "DescribeInstanceTypes", ""): (1,),
    ("ec2", "DescribeKeyPairs", ""): (1,),
    ("ec2", "DescribeNetworkInterfaces", ""): (2,),
    ("ec2", "DescribeSecurityGroups", ""): (3,),
    ("ec2", "DescribeSnapshots", ""): (4,),
    ("ec2", "DescribeVolumes", ""): (3,),
    ("ec2", "DescribeTags", ""): (1, 4, 8),
    ("ec2", "DescribeVpcs", ""): (1,),
    ("ssm", "DescribeInstanceInformation", ""): (1,),
    ("ssm", "GetCommandInvocation", ""): (1, 2, 4, 10),
    ("sts", "GetCallerIdentity", ""): tuple(range(1, 28)),
    ("ecr", "GetAuthorizationToken", ""): (1,),
    ("monitoring", "ListMetrics", ""): (1,),
    ("monitoring", "DescribeAlarms", ""): (1, 2),
    ("monitoring", "DescribeAlarmHistory", ""): (1, 2),
    ("kubernetes", "get namespaces", ""): (1, 5, 20),
    ("kubernetes", "get configmaps", ""): (1, 15, 30),
    ("kubernetes", "get jobs", ""): (1, 2, 4),
    ("kubernetes", "list *", ""): (1, 3, 6, 9),
}
"""The calls that only look."""

OF_CLUSTERS = ("throttle", "server-error", "unavailable", "denied", "expired", "reset", "answer-lost", "latency")
OF_AWS = (*OF_CLUSTERS, "hang", "reset-mid-body", "truncated", "truncated-consistent")
OF_OBJECTS = (*OF_AWS, "wrong-bytes")
WITHOUT_BODY = {"PutObject", "HeadObject", "HeadBucket"}
OF_BODIES = {"reset-mid-body", "truncated", "truncated-consistent"}
WAITING = {"hang": 1_500, "latency": 300}

Point = tuple[str, str, str, str, int]


def kinds(service: str, action: str) -> tuple[str, ...]:
    """Return every kind of fault that can befall a call."""
    if service == "kubernetes":
        return OF_CLUSTERS
    found = OF_OBJECTS if action == "GetObject" else OF_AWS
    return tuple(kind for kind in found if action not in WITHOUT_BODY or kind not in OF_BODIES)


def points() -> list[Point]:
    """Return kind, service, action, bucket and number of every call that is struck."""
    found: list[Point] = []
    for (service, action, bucket), numbers in CHANGING.items():
        rest = itertools.cycle(kinds(service, action))
        found += [(kind, service, action, bucket, numbers[0]) for kind in kinds(service, action)]
        found += [(next(rest), service, action, bucket, number) for number in numbers[1:]]
    for place, ((service, action, bucket), numbers) in enumerate(READING.items()):
        turn = kinds(service, action)
        shift = 5 * place
        found += [
            (turn[(shift + 7 * count) % len(turn)], service, action, bucket, number)
            for count, number in enumerate(numbers)
        ]
    for number in READING["s3", "GetObject", "atlas-backups"]:
        found += [
            (kind, "s3", "GetObject", "atlas-backups", number) for kind in ("wrong-bytes", "truncated-consistent")
        ]
    return list(dict.fromkeys(found))


def named(point: Point) -> str:
    kind, service, action, bucket, number = point
    return "-".join(
        word.replace(" ", "_").replace("*", "any") for word in (kind, service, action, bucket, str(number)) if word
    )


SAMPLE = {
    "wrong-bytes-s3-GetObject-atlas-backups-3",
    "answer-lost-ec2-RunInstances-1",
    "truncated-ssm-SendCommand-1",
    "expired-ssm-SendCommand-1",
}
"""What CI runs; the scenarios `s3-throttled`, `api-503`, `receipt-store-answer-lost` and others are faults as well."""


def sweep() -> list[Any]:
    return [
        pytest.param(point, id=named(point), marks=() if named(point) in SAMPLE else (pytest.mark.exhaustive,))
        for point in points()
    ]


def rule(point: Point) -> dict[str, Any]:
    kind, service, action, bucket, number = point
    said = {"kind": kind, "service": service, "action": action, "bucket": bucket or "*", "nth": number}
    return {**said, "milliseconds": WAITING.get(kind, 0)}


def test_the_points_are_the_calls_that_a_drill_makes(injected):
    drill = injected("s3-throttled")

    made = {(call["service"], call["action"]) for call in drill.calls if call["service"] != "kubernetes"}
    named_here = {(service, action) for service, action, _ in (*CHANGING, *READING)}
    assert made - named_here == set(), "calls that no point strikes"
    assert {one for one in named_here - made if one[0] != "kubernetes"} == set(), "points of calls that nobody makes"
    verbs = {call["action"].partition(" ")[0] for call in drill.calls if call["service"] == "kubernetes"}
    assert verbs - {""} - {action.partition(" ")[0] for _, action, _ in (*CHANGING, *READING)} == {"watch"} & verbs


@pytest.mark.parametrize("point", sweep())
def test_a_drill_of_which_one_call_fails_ends_says_so_and_leaves_nothing(operator, point):
    found = faulted.run(operator, rule(point))

    assert found.struck >= 1, "the call was never made: the table of points is out of date"
    judged(found, point[0])


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
            # A bring-up that failed did not say what it made: an empty state is then no proof, and never will be.
            assert drill.outcomes["bringup"] == "failed", found.mended.output
            assert found.mended.named("refuted") == set(), found.mended.output
            assert found.mended.named("unproven") == {"state_held_what_was_created"}, found.mended.output
    assert found.left_at_last == ()
