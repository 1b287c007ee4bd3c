"""What finding and reading a fleet observes when all goes well: two restore points below one prefix."""

from dataclasses import replace
from typing import Any

from drproof.evidence.canonical import canonical
from drproof.formats.strict_json import parse
from drproof.model.codec import decode, encode
from drproof.model.criteria import Fleet
from drproof.model.receipt import Outcome
from drproof.phases.backup.observed import RestorePointObserved
from drproof.phases.fleet.observed import PointReading, RestorePointsFound, RestorePointsRead
from drproof.phases.fleet.read_restore_points import row_of
from tests.contracts.observed import CONTROL_PLANE, MEMBERS, POINT, PROMISED, at

UNDER = "s3://atlas-backups/atlas/backups"
URIS = (f"{UNDER}/backup-1", f"{UNDER}/backup-2")
FLEET = Fleet(under=UNDER)
NAMED = Fleet(uris=URIS)
FOUND = RestorePointsFound(under=UNDER, found=URIS, recounted=URIS, strays=("atlas/backups/README.txt",))


def reading(uri: str, **changes: Any) -> PointReading:
    """Return the passing reading of one restore point."""
    name = uri.rpartition("/")[2]
    told = canonical(encode(POINT)).replace(b"backups/backup-1", f"backups/{name}".encode())
    point = replace(decode(RestorePointObserved, parse(told)), uri=uri, backup_id=name, metadata_uri=uri)
    passing: dict[str, Any] = {
        "subject": uri,
        "outcome": Outcome.PASSED,
        "started_at": at(1),
        "ended_at": at(2),
        "duration_ms": 60_000,
        "observed": point,
        "kept": {"members": MEMBERS, "promised_members": PROMISED, "control_plane": CONTROL_PLANE},
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
