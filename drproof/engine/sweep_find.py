"""What carries a drill's mark at the recovery site, from whichever drill: by tag, by prefix, by state and by lock."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from drproof.analysis.expiry import Claimed
from drproof.engine.lease import SUFFIX
from drproof.engine.patience import Patience
from drproof.engine.sweep_evidence import Evidence, opened_at
from drproof.model.capabilities import Intent, ObjectInfo
from drproof.model.context import DRILL_TAG, EXPIRES_TAG
from drproof.model.errors import NotFoundError
from drproof.model.machines import Resource
from drproof.model.settings import Settings
from drproof.phases.recovery.teardown import LOOK
from drproof.targets.aws.ec2 import REMOVALS
from drproof.targets.sites import AwsTarget

WORKERS = 16
LIST = "look whose they are, no journal of drill {drill} names them: aws s3 ls --recursive {place}"


def _never(intent: Intent) -> None:
    """Refuse: what nothing says how to remove is removed by nobody."""
    msg = f"{intent.verb} {intent.resource}: expected something that a sweep removes"
    raise ValueError(msg)


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """One thing with a drill's mark, and how it would be removed."""

    kind: str
    identity: str
    claimed: Claimed
    count: int = 1
    remove: Callable[[Intent], None] = _never
    left: str = ""
    """Why it is none of a sweep's business, whatever it says of itself."""
    doubt: str = ""
    """Why it may not be the drill's although it carries its tag."""
    held: str = ""
    """Why a sweep may not remove it although it is the drill's."""
    unread: str = ""
    """Why nobody knows what it holds, nor whose it is: told whichever drill is asked for."""
    waits: str = ""
    """What has to be gone before it may go."""
    next_step: str = ""
    """The command for whoever finds it left."""

    @property
    def key(self) -> tuple[str, str, str, str]:
        """What must be the same in two listings."""
        return self.kind, self.identity, self.claimed.drill, self.claimed.expires_at


def tagged(target: AwsTarget, settings: Settings, evidence: Evidence) -> Iterator[Candidate]:
    """Yield what carries the tag, machines first: what hangs on them goes with them."""
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
            yield Candidate(kind=one.kind, identity=one.identity, claimed=claimed, left="no drill makes this kind")
            continue

        def remove(intent: Intent, one: Resource = one) -> None:
            fleet.remove(intent, one)

        doubt = evidence.doubt(one, claimed.drill, claimed.expires_at)
        look = LOOK.format(region=settings.sites.recovery.region, identity=one.identity) if doubt else ""
        yield Candidate(
            kind=one.kind, identity=one.identity, claimed=claimed, remove=remove, doubt=doubt, next_step=look
        )


def objects(target: AwsTarget, settings: Settings, evidence: Evidence, patience: Patience) -> Iterator[Candidate]:
    """Yield the objects below the prefixes of drills, by drill and expiry; each must carry its drill's own tag."""
    store, bucket = target.recovery.objects, settings.recovery.bucket
    above = f"{settings.recovery.prefix.strip('/')}/"
    for drill in store.folders(bucket, above).names:
        prefix = f"{above}{drill}/"
        infos = tuple(store.list(bucket, prefix))

        def tags(info: ObjectInfo) -> dict[str, str]:
            try:
                # Of thousands some answer is missing every time: no look would ever come to its end.
                return dict(patience.ask(lambda: store.tags(info.bucket, info.key)))
            except NotFoundError:
                return {}

        with ThreadPoolExecutor(WORKERS) as pool:
            carried = tuple(pool.map(tags, infos))
        grouped: dict[str, list[str]] = {}
        for info, marks in zip(infos, carried, strict=True):
            if marks.get(DRILL_TAG) == drill:
                grouped.setdefault(marks.get(EXPIRES_TAG, ""), []).append(info.key)
        place = f"s3://{bucket}/{prefix}"
        for expires_at, keys in sorted(grouped.items()):
            claimed = Claimed(drill=drill, expires_at=expires_at, account_id=settings.sites.recovery.owner)
            unknown = evidence.unknown(drill)
            own, others = ((), tuple(keys)) if unknown else evidence.split(drill, keys)
            if own:

                def remove(intent: Intent, own: tuple[str, ...] = own, expires_at: str = expires_at) -> None:
                    store.delete(intent, bucket, own, since=opened_at(expires_at) or expires_at)

                yield Candidate(kind="objects", identity=place, claimed=claimed, count=len(own), remove=remove)
            if others:
                yield Candidate(
                    kind="foreign-objects",
                    identity=place,
                    claimed=claimed,
                    count=len(others),
                    doubt=unknown or f"no journal of drill {drill} names them: their tags may be copied",
                    next_step=LIST.format(drill=drill, place=place),
                )


def lease_place(settings: Settings) -> str:
    """Return where the lease of the target lies."""
    where = settings.recovery.provisioner
    return f"s3://{where.state_bucket}/{where.state_key}{SUFFIX}"
