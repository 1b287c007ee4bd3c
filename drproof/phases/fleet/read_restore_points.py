"""What was read of each restore point of a fleet, by this process or by others, brought together once."""

from collections import defaultdict
from dataclasses import replace
from functools import partial

from drproof.formats import strict_json
from drproof.model.codec import decode
from drproof.model.collection import HandedFile
from drproof.model.context import Context
from drproof.model.criteria import Criteria
from drproof.model.errors import EvidenceError
from drproof.model.phase import Each, phase
from drproof.model.receipt import Outcome
from drproof.phases.backup.read_restore_point import read_restore_point
from drproof.phases.fleet.find_restore_points import find_restore_points
from drproof.phases.fleet.observed import Foreign, PointReading, PointRow, RestorePointsRead

LOST = "no reading came back: its item did not run, or the process that read it ended"


def bar_of(criteria: Criteria, uri: str) -> Criteria:
    """Return the criteria of one restore point: those of the fleet, under its own URI."""
    return replace(criteria, backup=replace(criteria.backup, uri=uri))


@phase(
    plans={"fleet"},
    after=["find_restore_points"],
    site="primary",
    uses={"objects.read"},
    objective_ms=3_600_000,
    keeps={"reading": PointReading},
    each=Each(of=read_restore_point, bar=bar_of, label="restore point"),
)
def read_restore_points(ctx: Context) -> RestorePointsRead:
    """Every restore point that was found has been read once, or its row says why not."""
    found = ctx.observed(find_restore_points).found
    handed: dict[str, list[PointReading]] = defaultdict(list)
    foreign = []
    for file in ctx.collection.files:
        reading = _reading(file)
        if isinstance(reading, Foreign):
            foreign.append(reading)
        elif reading.subject not in found:
            foreign.append(Foreign(name=file.name, reason=f"it is of {reading.subject}, which is not of this fleet"))
        else:
            handed[reading.subject].append(reading)
    rows = tuple(_row(ctx, number, uri, handed[uri]) for number, uri in enumerate(found, start=1))
    return RestorePointsRead(rows=rows, foreign=tuple(foreign), source=ctx.collection.source)


def _reading(file: HandedFile) -> PointReading | Foreign:
    if file.problem:
        return Foreign(name=file.name, reason=file.problem)
    try:
        return decode(PointReading, strict_json.parse(file.data))
    except EvidenceError as exc:
        return Foreign(name=file.name, reason=f"it is no reading of a restore point: {exc}")


def _row(ctx: Context, number: int, uri: str, readings: list[PointReading]) -> PointRow:
    lost = partial(PointRow, subject=uri, reading="", outcome=Outcome.INTERRUPTED)
    if len(readings) != 1:
        return lost(reason=f"{len(readings)} readings came back, expected 1" if readings else LOST)
    (reading,) = readings
    return row_of(reading, ctx.evidence(f"reading.{number:04}", reading).name)


def row_of(reading: PointReading, name: str) -> PointRow:
    """Return the row of a restore point whose reading is the evidence `name`."""
    seen = reading.observed
    return PointRow(
        subject=reading.subject,
        reading=name,
        outcome=reading.outcome,
        reason=reading.reason,
        backup_id=seen.backup_id if seen else "",
        created_at=seen.created_at if seen else "",
        size=sum(one.size for one in seen.objects) if seen else 0,
        duration_ms=reading.duration_ms,
    )
