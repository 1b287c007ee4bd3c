"""The benchmark of two prefixes counts each wrong finding and each needless request."""

import json
import os
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from benchmarks.bucket_process import PREFIX, buckets
from benchmarks.prefixes import judged
from tests.prefixes.planting import DIFFERENT, expected

Lines = list[dict[str, Any]]
Asked = Counter[tuple[str, bytes]]


def told() -> tuple[Lines, Asked]:
    """Return what a comparison tells that is right, and what it asks."""
    must = expected()
    lines: Lines = [{"key": os.fsdecode(key), "kind": str(kind)} for key, kind in must.found.items()]
    asked = Counter({("HEAD", PREFIX + key): 2 for key in must.asked})
    asked.update({("GET", PREFIX + key): 2 for key in must.read})
    return [*lines, {"summary": {"equal": 1_000 + must.alike}}], asked


def judge(lines: Lines, asked: Asked) -> list[tuple[float, str]]:
    gates = judged("\n".join(json.dumps(line) for line in lines).encode(), asked, 1_000)
    return [(gate.ratio, gate.verdict) for gate in gates]


def lose(lines: Lines, _: Asked) -> None:
    del lines[0]


def make_up(lines: Lines, _: Asked) -> None:
    lines.insert(0, {"key": "00/object-00000000.bin", "kind": "different content"})


def call_otherwise(lines: Lines, _: Asked) -> None:
    lines[0]["kind"] = "doubtful"


def tell_twice(lines: Lines, _: Asked) -> None:
    lines.insert(0, lines[0])


def lose_an_equal_one(lines: Lines, _: Asked) -> None:
    lines[-1]["summary"]["equal"] -= 1


def read_more(_: Lines, asked: Asked) -> None:
    asked["GET", b"x/00/object-00000000.bin"] += 1


def read_again(_: Lines, asked: Asked) -> None:
    asked[next(one for one in asked if one[0] == "GET")] += 1


def ask_less(_: Lines, asked: Asked) -> None:
    asked[next(one for one in asked if one[0] == "HEAD")] -= 1


def test_what_is_right_holds_both_gates() -> None:
    assert judge(*told()) == [(0, "held"), (0, "held")]


@pytest.mark.parametrize("spoil", [lose, make_up, call_otherwise, tell_twice, lose_an_equal_one])
def test_a_finding_that_is_wrong_breaks_the_gate_of_findings(spoil: Callable[[Lines, Asked], None]) -> None:
    lines, asked = told()

    spoil(lines, asked)

    assert judge(lines, asked) == [(1, "broken"), (0, "held")]


@pytest.mark.parametrize("spoil", [read_more, read_again, ask_less])
def test_a_request_too_many_or_too_few_breaks_the_gate_of_requests(spoil: Callable[[Lines, Asked], None]) -> None:
    lines, asked = told()

    spoil(lines, asked)

    assert judge(lines, asked) == [(0, "held"), (1, "broken")]


def test_the_buckets_differ_by_what_is_planted_alone() -> None:
    sides = {name: dict(zip(one.keys, one.lines, strict=True)) for name, one in buckets(1_000).items()}
    left, right = sides["left"], sides["right"]
    must = expected()

    unlike = {key.removeprefix(PREFIX) for key in left.keys() | right.keys() if left.get(key) != right.get(key)}

    # What is cut into other parts looks different, and is not.
    assert unlike == must.found.keys() | must.read
    assert len(must.found) == DIFFERENT
    assert len(left.keys() & right.keys()) == 1_000 + must.alike + 60
