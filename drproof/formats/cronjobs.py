"""Lists of CronJobs, as `kubectl get cronjobs -o json` prints them."""

from dataclasses import dataclass

from drproof.formats.strict_json import parse as parse_json
from drproof.model.errors import FormatError


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """One CronJob as `namespace/name` where it says both, and whether it is suspended: it starts nothing then."""

    name: str
    suspended: bool
    uid: str = ""
    """What the cluster calls it, and no other cluster does."""


def parse(data: bytes) -> tuple[Schedule, ...]:
    """Return the CronJobs of a list.

    Raises:
        FormatError: `cronjobs`: it is no list of CronJobs; `cronjobs-cut`: it is a page of a longer one.
    """
    document = parse_json(data, fractions=True)
    items = document.get("items") if isinstance(document, dict) else None
    if not isinstance(items, list):
        raise FormatError("cronjobs", "expected a list as kubectl get cronjobs -o json prints it")
    around = document.get("metadata")
    if isinstance(around, dict) and around.get("continue"):
        raise FormatError("cronjobs-cut", "the list is one page of a longer one")
    return tuple(_schedule(item) for item in items)


def _schedule(item: object) -> Schedule:
    found = item if isinstance(item, dict) else {}
    metadata, spec = found.get("metadata"), found.get("spec")
    if not isinstance(metadata, dict) or not isinstance(spec, dict):
        raise FormatError("cronjobs", "an item of the list has no metadata, or no spec")
    if found.get("kind", "CronJob") != "CronJob" or not isinstance(metadata.get("name"), str):
        raise FormatError("cronjobs", "an item of the list is no CronJob with a name")
    # One that says nothing starts; what is no boolean was written by no cluster.
    name = "/".join(str(metadata[part]) for part in ("namespace", "name") if metadata.get(part))
    return Schedule(name=name, suspended=spec.get("suspend") is True, uid=str(metadata.get("uid", "")))
