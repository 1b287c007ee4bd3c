"""The calls that an honest drill makes, and from them every point at which a fault strikes one.

`python -m tests.drill.honest_calls` drills once by each provisioner of this machine, and writes down how often each call
was made. A point is one of these calls, by its number, and the kind of fault that befalls it.
"""

import json
import sys
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

RECORD = Path(__file__).parent / "data" / "honest_calls.json"
PROVISIONERS = ("direct", "codebuild", "terraform")
PAST = "hang-past"
"""A call that hangs for longer than its caller waits; `hang` is reset before that."""

OF_CLUSTERS = ("throttle", "server-error", "unavailable", "denied", "expired", "reset", "answer-lost", "latency")
OF_AWS = (*OF_CLUSTERS, "hang", PAST, "reset-mid-body", "truncated", "truncated-consistent")
OF_OBJECTS = (*OF_AWS, "wrong-bytes")
WITHOUT_BODY = {"DeleteObject", "HeadBucket", "HeadObject", "PutObject"}
OF_BODIES = {"reset-mid-body", "truncated", "truncated-consistent"}
SILENT = ("wrong-bytes", "truncated-consistent")
WAITING = {"hang": 1_500, PAST: 90_000, "latency": 300}
"""How many milliseconds each lasts; a caller of AWS waits a minute."""

LOOKING = ("Batch", "Describe", "Get", "Head", "List", "get ", "list ", "watch ")
"""How the actions begin that change nothing."""

OF_MACHINES = {"codebuild", "dynamodb", "ec2", "iam", "sts"}
STATE_BUCKET = "atlas-dr-tfstate"
"""Services, and the bucket, by which machines come and go: the rest of a drill is the same by every provisioner."""


@dataclass(frozen=True, slots=True, order=True)
class Called:
    """One call of a drill, as rules find it; `bucket` is of S3 alone."""

    service: str
    action: str
    bucket: str

    @property
    def changes(self) -> bool:
        """Whether it changes something; a call without an action asks what a cluster is."""
        return bool(self.action) and not self.action.startswith(LOOKING) and "(dry run)" not in self.action

    @property
    def kinds(self) -> tuple[str, ...]:
        """Every kind of fault that can befall it."""
        if self.service == "kubernetes":
            return (*OF_CLUSTERS, "hang", PAST)
        found = OF_OBJECTS if self.action == "GetObject" else OF_AWS
        return tuple(kind for kind in found if self.action not in WITHOUT_BODY or kind not in OF_BODIES)


@dataclass(frozen=True, slots=True)
class Point:
    """A fault of one kind at one call of a drill by one provisioner."""

    provisioner: str
    kind: str
    called: Called
    number: int

    def __str__(self) -> str:
        """Name it as a test is named."""
        said = (self.provisioner, self.kind, self.called.service, self.called.action, self.called.bucket, self.number)
        return "-".join(str(word).replace(" ", "_") for word in said if word)

    @property
    def rule(self) -> dict[str, Any]:
        """The rule of the embedded world."""
        return {
            "kind": "hang" if self.kind == PAST else self.kind,
            "service": self.called.service,
            "action": self.called.action,
            "bucket": self.called.bucket or "*",
            "nth": self.number,
            "milliseconds": WAITING.get(self.kind, 0),
        }


def counted(calls: Iterable[dict[str, Any]]) -> Counter[Called]:
    """Return how often a log has each call."""
    return Counter(Called(one["service"], one["action"], one["bucket"]) for one in calls)


def recorded() -> dict[str, Counter[Called]]:
    """Return how often an honest drill by each provisioner made each call."""
    document = json.loads(RECORD.read_text(encoding="utf-8"))
    return {
        provisioner: Counter({Called(*name.split("|")): times for name, times in found.items()})
        for provisioner, found in document.items()
    }


def points() -> list[Point]:
    """Return every point: each call by a kind that rotates, and what changes something by every kind."""
    return [point for provisioner, calls in recorded().items() for point in _of(provisioner, calls)]


def _of(provisioner: str, calls: Counter[Called]) -> Iterator[Point]:
    for called, times in sorted(calls.items()):
        if provisioner != "direct" and called.service not in OF_MACHINES and called.bucket != STATE_BUCKET:
            continue
        kinds = called.kinds
        begin = zlib.crc32(f"{provisioner} {called}".encode())
        for number in range(1, times + 1):
            # Eleven has no divisor in common with the number of kinds: each has its turn.
            turn = kinds if called.changes else (kinds[(begin + 11 * number) % len(kinds)],)
            # What no protocol can tell from the right bytes: each object that is read is spoiled in both ways.
            silent = SILENT if called.action == "GetObject" else ()
            yield from (Point(provisioner, kind, called, number) for kind in dict.fromkeys((*turn, *silent)))


def main() -> None:
    """Drill once by each provisioner and write down what was called."""
    from tests.drill import faulted
    from tests.drill.conftest import Operator

    found: dict[str, dict[str, int]] = {}
    for provisioner in PROVISIONERS:
        with TemporaryDirectory() as folder:
            operator = Operator(Path(folder))
            with faulted.world(operator) as (_, environment):
                drill = operator.drill("--provisioner", provisioner, "--run-id", faulted.RUN_ID, **environment)
            assert drill.status == 0, drill.output
            counts = sorted(counted(drill.calls).items())
            found[provisioner] = {f"{one.service}|{one.action}|{one.bucket}": times for one, times in counts}
    RECORD.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    sys.stdout.write(f"{RECORD}: {len(points())} points\n")


if __name__ == "__main__":
    main()
