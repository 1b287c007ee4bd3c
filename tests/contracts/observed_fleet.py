"""What finding and reading a fleet observes when all goes well: two restore points below one prefix."""

from dataclasses import replace
from typing import Any

from drproof.model.codec import encode
from drproof.model.criteria import Fleet
from drproof.model.receipt import Outcome
from drproof.phases.fleet.observed import PointReading, RestorePointsFound, RestorePointsRead
from drproof.phases.fleet.read_restore_points import row_of
from tests.contracts.observed import CONTROL_PLANE, MEMBERS, POINT, at

UNDER = "s3://atlas-backups/atlas/backups"
URIS = (f"{UNDER}/backup-1", f"{UNDER}/backup-2")
FLEET = Fleet(under=UNDER)
NAMED = Fleet(uris=URIS)
FOUND = RestorePointsFound(under=UNDER, found=URIS, recounted=URIS, strays=("atlas/backups/README.txt",))


def reading(uri: str, **changes: Any) -> PointReading:
    """Return the passing reading of one restore point."""
    point = replace(POINT, uri=uri, backup_id=uri.rpartition("/")[2], metadata_uri=uri)
    passing: dict[str, Any] = {
        "subject": uri,
        "outcome": Outcome.PASSED,
        "started_at": at(1),
        "ended_at": at(2),
        "duration_ms": 60_000,
        "observed": point,
        "kept": {"members": MEMBERS, "control_plane": CONTROL_PLANE},
    }
    return PointReading(**{**passing, **changes})


def name_of(number: int) -> str:
    """Return how the reading of a restore point is called as evidence."""
    return f"reading.{number:04}"


def path_of(number: int) -> str:
    """Return where it lies."""
    return f"evidence/read_restore_points/{name_of(number)}.json"


READINGS = tuple(reading(uri) for uri in URIS)
READ = RestorePointsRead(rows=tuple(row_of(one, name_of(number)) for number, one in enumerate(READINGS, start=1)))
FLEET_FILES: dict[str, Any] = {path_of(number): encode(one) for number, one in enumerate(READINGS, start=1)}
