"""What exists at a site as the platform tells of it: a machine, and anything else that carries a tag."""

from collections.abc import Mapping
from dataclasses import dataclass, field

ASKED_BY_NAME = frozenset({"instance", "key-pair", "network-interface", "security-group", "snapshot", "volume"})
"""Kinds of which a platform says whether one is there, whatever tags it carries."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Runner:
    """A machine that can carry the recovered system."""

    instance_id: str
    state: str
    instance_type: str
    launched_at: str
    public_ip: str
    private_ip: str
    key_name: str
    security_group: str
    tags: Mapping[str, str]
    effect: str = ""
    """The token with which it was started, which nobody can change afterwards."""
    account_id: str = ""
    network: str = ""
    made_at: str = ""
    """When it was first launched: `launched_at` is told anew each time that a stopped machine is started."""

    @property
    def resource(self) -> "Resource":
        """The machine as one of many kinds of things."""
        return Resource(
            kind="instance",
            identity=self.instance_id,
            state=self.state,
            tags=self.tags,
            effect=self.effect,
            created_at=self.launched_at,
            account_id=self.account_id,
            network=self.network,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    """Something that exists at a site and carries a tag; what the platform does not tell of its kind is empty."""

    kind: str
    identity: str
    state: str
    tags: Mapping[str, str] = field(default_factory=dict)
    effect: str = ""
    """The token of the effect that made it: of a machine the platform's own record, of other kinds a tag."""
    created_at: str = ""
    account_id: str = ""
    network: str = ""
    attached_to: str = ""
    """The machine that a disk or an interface hangs on now."""
