"""The restore points of a fleet, found once; every later phase speaks of these and no others."""

from drproof.formats import s3_uri
from drproof.model.capabilities import ObjectStore
from drproof.model.context import Context
from drproof.model.errors import FormatError
from drproof.model.phase import phase
from drproof.phases.fleet.observed import RestorePointsFound


@phase(plans={"fleet"}, site="primary", uses={"objects.read"}, objective_ms=600_000)
def find_restore_points(ctx: Context) -> RestorePointsFound:
    """Every restore point of the fleet is known by its URI."""
    fleet = ctx.plan.criteria.fleet
    if not fleet.under:
        return RestorePointsFound(under="", found=fleet.uris, recounted=(), strays=())
    return listed(ctx.target.primary.objects, fleet.under)


def listed(objects: ObjectStore, under: str) -> RestorePointsFound:
    """Return the folders directly below a prefix, listed in two ways: as folders, and from every key.

    Raises:
        TargetError: the site does not answer, or refuses.
    """
    place = s3_uri.parse(under)
    prefix = f"{place.key}/"
    below = objects.folders(place.bucket, prefix)
    keys = (info.key.removeprefix(prefix) for info in objects.list(place.bucket, prefix))
    # A listing comes in the order of its keys, and so do the folders.
    names = tuple(dict.fromkeys(key.partition("/")[0] for key in keys if "/" in key))
    uris = {name: f"{place}/{name}" for name in (*below.names, *names)}
    return RestorePointsFound(
        under=str(place),
        found=tuple(uris[name] for name in below.names if _can_be_named(uris[name])),
        recounted=tuple(uris[name] for name in names if _can_be_named(uris[name])),
        strays=(
            *below.keys,
            *(f"{prefix}{name}/" for name in below.names if not _can_be_named(uris[name])),
        ),
    )


def _can_be_named(uri: str) -> bool:
    """Return whether a URI names exactly the folder that it was made of."""
    try:
        return str(s3_uri.parse(uri)) == uri
    except FormatError:
        return False
