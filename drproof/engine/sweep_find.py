"""What carries a drill's mark at the recovery site, from whichever drill: by tag, by prefix, by state and by lock."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta

from drproof.analysis.expiry import Claimed
from drproof.engine.clock import instant
from drproof.engine.lease import SUFFIX
from drproof.engine.preparation import LONGEST_LIFE
from drproof.formats import timestamps
from drproof.model.capabilities import Intent, ObjectInfo
from drproof.model.context import DRILL_TAG, EXPIRES_TAG
from drproof.model.errors import FormatError, NotFoundError
from drproof.model.machines import Resource
from drproof.model.settings import Settings
from drproof.targets.aws.ec2 import REMOVALS
from drproof.targets.provisioners.place import DIRECT_SUFFIX, LOCK_SUFFIX, OWN_LOCK, Place, State
from drproof.targets.sites import AwsTarget

WORKERS = 16
OURS = ("terraform_data.runner",)
"""All that a state of drproof's own module can hold."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """One thing with a drill's mark, and how it would be removed."""

    kind: str
    identity: str
    claimed: Claimed
    count: int = 1
    remove: Callable[[Intent], None] | None = None
    """None for what is never removed here; `held` says why."""
    held: str = ""

    @property
    def key(self) -> tuple[str, str, str, str]:
        """What must be the same in two listings."""
        return self.kind, self.identity, self.claimed.drill, self.claimed.expires_at


def find(target: AwsTarget, settings: Settings) -> tuple[Candidate, ...]:
    """Return everything with a drill's mark, machines first: what hangs on them goes with them."""
    tagged = tuple(_tagged(target))
    alive = frozenset(one.claimed.drill for one in tagged if one.kind == "instance")
    return (*tagged, *_objects(target, settings), *_states(target, settings, alive))


def _tagged(target: AwsTarget) -> Iterator[Candidate]:
    fleet = target.recovery.fleet
    order = {kind: number for number, kind in enumerate(REMOVALS)}
    found = fleet.carrying(DRILL_TAG)
    for one in sorted(found, key=lambda one: (order.get(one.kind, len(order)), one.identity)):
        claimed = Claimed(
            drill=one.tags.get(DRILL_TAG, ""),
            expires_at=one.tags.get(EXPIRES_TAG, ""),
            account_id=one.account_id,
        )
        if one.kind not in REMOVALS:
            yield Candidate(kind=one.kind, identity=one.identity, claimed=claimed, held="no drill makes this kind")
            continue

        def remove(intent: Intent, one: Resource = one) -> None:
            fleet.remove(intent, one)

        yield Candidate(kind=one.kind, identity=one.identity, claimed=claimed, remove=remove)


def _objects(target: AwsTarget, settings: Settings) -> Iterator[Candidate]:
    """Yield the objects below the prefixes of drills, by drill and expiry; each must carry its drill's own tag."""
    store, bucket = target.recovery.objects, settings.recovery.bucket
    above = f"{settings.recovery.prefix.strip('/')}/"
    for drill in store.folders(bucket, above).names:
        prefix = f"{above}{drill}/"
        infos = tuple(store.list(bucket, prefix))

        def tags(info: ObjectInfo) -> dict[str, str]:
            try:
                return dict(store.tags(info.bucket, info.key))
            except NotFoundError:
                return {}

        with ThreadPoolExecutor(WORKERS) as pool:
            carried = tuple(pool.map(tags, infos))
        grouped: dict[str, list[str]] = {}
        for info, marks in zip(infos, carried, strict=True):
            if marks.get(DRILL_TAG) == drill:
                grouped.setdefault(marks.get(EXPIRES_TAG, ""), []).append(info.key)
        for expires_at, keys in sorted(grouped.items()):

            def remove(intent: Intent, keys: list[str] = keys, expires_at: str = expires_at) -> None:
                store.delete(intent, bucket, keys, since=_opened(expires_at))

            claimed = Claimed(drill=drill, expires_at=expires_at, account_id=settings.sites.recovery.owner)
            place = f"s3://{bucket}/{prefix}"
            yield Candidate(kind="objects", identity=place, claimed=claimed, count=len(keys), remove=remove)


def _opened(expires_at: str) -> str:
    """Return when the window opened at the earliest that set an expiry: an older version is somebody else's."""
    try:
        return instant(timestamps.parse(expires_at) - LONGEST_LIFE - timedelta(minutes=1))
    except FormatError:
        return expires_at


def _states(target: AwsTarget, settings: Settings, alive: frozenset[str]) -> Iterator[Candidate]:
    """Yield the remote state and the lock, where a drill left them behind."""
    where = settings.recovery.provisioner
    objects = target.recovery.objects
    place = Place(
        objects, target.recovery.fleet, bucket=where.state_bucket, key=where.state_key, origin="", ending_ms=0
    )
    owner = settings.sites.recovery.owner
    lock = place.lock()
    states: tuple[tuple[str, State], ...] = ((where.state_key + DIRECT_SUFFIX, place.direct()),)
    states += ((where.state_key, place.terraform()),)
    expiries = {state.origin: state.expires_at for _, state in states if state.origin}
    for key, state in states:
        if not state.identities:
            continue
        held = ""
        if key == where.state_key and state.identities != OURS:
            held = f"it holds {', '.join(state.identities)}, expected {', '.join(OURS)} alone"
        elif lock is not None and lock.info != OWN_LOCK + state.origin:
            held = f"lock {lock.id} of {lock.who} is held: terraform force-unlock {lock.id}, if that process is dead"
        elif state.origin in alive:
            held = "a machine of that drill is still there"

        def remove(intent: Intent, key: str = key, etag: str = state.etag) -> None:
            objects.delete_unchanged(intent, where.state_bucket, key, if_match=etag)

        claimed = Claimed(drill=state.origin, expires_at=state.expires_at, account_id=owner)
        identity = f"s3://{where.state_bucket}/{key}"
        yield Candidate(kind="state", identity=identity, claimed=claimed, remove=remove, held=held)
    if lock is not None:
        yield _lock(target, settings, lock.info, lock.etag, f"{lock.id} of {lock.who}", expiries)


def _lock(  # noqa: PLR0913 — a lock and what is known of it
    target: AwsTarget, settings: Settings, info: str, etag: str, who: str, expiries: dict[str, str]
) -> Candidate:
    """Return the lock: one that names a drill goes as that drill's state does, any other is somebody's."""
    where, objects = settings.recovery.provisioner, target.recovery.objects
    key = where.state_key + LOCK_SUFFIX
    drill = info.removeprefix(OWN_LOCK) if info.startswith(OWN_LOCK) else ""
    expires_at = expiries.get(drill, "")
    if drill and not expires_at:
        expires_at = objects.tags(where.state_bucket, key).get(EXPIRES_TAG, "")

    def remove(intent: Intent) -> None:
        objects.delete_unchanged(intent, where.state_bucket, key, if_match=etag)

    claimed = Claimed(drill=drill, expires_at=expires_at, account_id=settings.sites.recovery.owner)
    held = "" if drill else f"no drill wrote it: terraform force-unlock {who.partition(' ')[0]}, if {who} is dead"
    return Candidate(
        kind="lock", identity=f"s3://{where.state_bucket}/{key}", claimed=claimed, remove=remove, held=held
    )


def lease_place(settings: Settings) -> str:
    """Return where the lease of the target lies."""
    where = settings.recovery.provisioner
    return f"s3://{where.state_bucket}/{where.state_key}{SUFFIX}"
