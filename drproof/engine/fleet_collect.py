"""A fleet whose restore points were read elsewhere: found again here, the readings taken in, judged and sealed."""

import os
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from drproof import catalog
from drproof.engine import world as worlds
from drproof.engine.conclusion import Conclusion
from drproof.engine.preparation import DrillRequest, prepare
from drproof.engine.refusal import refuse
from drproof.engine.run import Run
from drproof.engine.settings import EMBEDDED
from drproof.formats import s3_uri, strict_json
from drproof.model.capabilities import ObjectStore
from drproof.model.collection import Collection, HandedFile
from drproof.model.errors import FormatError, TargetError
from drproof.phases.fleet.find_restore_points import find_restore_points, listed
from drproof.phases.fleet.observed import RestorePointsFound
from drproof.phases.fleet.read_restore_points import read_restore_points
from drproof.targets import open_target

LARGEST = 256 << 20
"""Bytes of one reading: an archive of a million members is listed in less."""


@dataclass(frozen=True, slots=True)
class Collected:
    """What the collection of a fleet came to."""

    directory: Path
    conclusion: Conclusion


def collect(options: Mapping[str, Any], directory: Path, readings: s3_uri.S3Uri) -> Collected:
    """Find the restore points, take in every reading below `readings`, judge, and seal.

    Raises:
        Refusal: the request is wrong, or the target is not what the settings say; nothing was changed.
        TargetError: the readings cannot be listed; the bundle is sealed all the same, as incomplete.
    """
    run = Run.open(prepare(DrillRequest(plan=catalog.FLEET, options=options, directory=directory)))
    try:
        run.advance(find_restore_points.name)
        run.collection = Collection(
            files=tuple(_handed(run.opened.target.recovery.objects, readings)), source=str(readings)
        )
        run.advance(read_restore_points.name)
    finally:
        conclusion = run.close()
    return Collected(run.directory, conclusion)


def found_below(options: Mapping[str, Any], directory: Path) -> RestorePointsFound:
    """Return the restore points below the prefix that the options name; nothing is written.

    Raises:
        Refusal: the request is wrong.
        TargetError: the site does not answer, or refuses.
    """
    prepared = prepare(DrillRequest(plan=catalog.FLEET, options=options, directory=directory))
    folder = worlds.given(os.environ)
    endpoint = worlds.again(folder).endpoint if folder and prepared.settings.target == EMBEDDED else None
    if endpoint is None and prepared.settings.target == EMBEDDED:
        raise refuse("the embedded world lives with a run", next_step="drproof fleet manifest --target aws …")
    private = Path(tempfile.gettempdir())
    target = open_target(prepared.settings, endpoint, directory=private, origin=prepared.drill_id)
    return listed(target.primary.objects, prepared.criteria.fleet.under)


def uris_of(path: Path) -> tuple[str, ...]:
    """Return the restore points of a manifest, as `drproof fleet manifest` writes one.

    Raises:
        FormatError: `manifest`, it is none.
    """
    document = strict_json.parse(path.read_bytes())
    rows = document if isinstance(document, list) else []
    uris = tuple(row["backup_uri"] for row in rows if isinstance(row, dict) and set(row) == {"backup_uri"})
    if not rows or len(uris) != len(rows) or not all(isinstance(uri, str) for uri in uris):
        raise FormatError("manifest", f'{path}: expected a list of {{"backup_uri": "s3://…"}}, got something else')
    return uris


def _handed(objects: ObjectStore, place: s3_uri.S3Uri) -> Iterable[HandedFile]:
    for info in objects.list(place.bucket, f"{place.key}/"):
        name = info.key.removeprefix(f"{place.key}/")
        try:
            _, data = objects.read(place.bucket, info.key, limit=LARGEST)
        except TargetError as exc:
            yield HandedFile(name=name, handed_as="reading", problem=str(exc).partition("\n")[0])
        else:
            yield HandedFile(name=name, data=data, handed_as="reading")
