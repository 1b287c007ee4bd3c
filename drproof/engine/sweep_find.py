"""What carries a drill's mark at the recovery site, from whichever drill: by tag, by prefix, by state and by lock."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from drproof.analysis.expiry import Claimed
from drproof.engine.lease import SUFFIX
from drproof.engine.sweep_evidence import Evidence
from drproof.model.capabilities import Intent
from drproof.model.context import DRILL_TAG, EXPIRES_TAG
from drproof.model.machines import Resource
from drproof.model.settings import Settings
from drproof.phases.recovery.teardown import LOOK
from drproof.targets.aws.ec2 import REMOVALS
from drproof.targets.sites import AwsTarget


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
    keys: frozenset[str] = frozenset()
    """Of objects, which they are."""

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


def lease_place(settings: Settings) -> str:
    """Return where the lease of the target lies."""
    where = settings.recovery.provisioner
    return f"s3://{where.state_bucket}/{where.state_key}{SUFFIX}"
