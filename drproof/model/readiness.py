"""What must be known of a site before a drill changes it, as small protocols; every one of them only reads."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol, TypeAlias

from drproof.model.receipt import Count

EXPIRY_UNKNOWN = "unknown"
"""What credentials say that end, and do not say when."""

PROJECT_LIMIT = "concurrentBuildLimit"
"""The code of a limit that is no quota of the account: a project of builds has set it for itself, by its name."""

DecisionWord = Literal["allowed", "implicit_deny", "explicit_deny", "unknown"]
"""What becomes of an action: nobody allows it, somebody forbids it, or nobody can say."""

Condition: TypeAlias = Mapping[str, Mapping[str, tuple[str, ...]]]
"""Under which condition a statement of a policy allows something: operator, key, values; empty is without one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class QuotaSeen:
    """One quota of the account, and how much of it is taken."""

    service: str
    code: str
    """What a request for more must name, such as `L-1216C47A`."""
    name: str
    value: Count
    in_use: Count
    needed: Count
    """How much a drill takes besides."""


class Quotas(Protocol):
    """The quotas of one site."""

    def machines(self, instance_type: str) -> QuotaSeen:
        """Return the quota of vCPUs that a machine of this type counts against, those that run counted."""

    def builds(self) -> QuotaSeen:
        """Return the quota of concurrent builds of the environment that brings the machine up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What becomes of one action on one resource."""

    verb: str
    action: str
    resource: str
    decision: DecisionWord
    condition: Condition = field(default_factory=dict)
    """Under which condition the action is to be allowed, as a policy writes it; no wider is needed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PermissionsSeen:
    """What the caller of a site may do; `status` is `simulated`, or the code with which that was refused.

    Where it was refused, `documents` are the policies of the caller that could be read.
    """

    principal: str
    status: str
    decisions: tuple[Decision, ...]
    documents: tuple[Mapping[str, Any], ...] = field(default=())


class Permissions(Protocol):
    """What the caller of one site may do there."""

    def look(self, verbs: Iterable[str], *, provisioner: str) -> PermissionsSeen:
        """Return what becomes of every action that these capability verbs stand for at this site."""


class Roles(Protocol):
    """What the parts of the orchestrator may do: each acts as a role of its own, and none as the caller."""

    def look(self, role: str, verbs: Iterable[str]) -> PermissionsSeen:
        """Return what becomes of every action of the role that a part says it has; `verbs` are those of its plan."""


class Triggers(Protocol):
    """What starts an orchestrator by itself, at one site."""

    def rules(self, names: Iterable[str]) -> Mapping[str, str]:
        """Return the state of each rule, `ENABLED` or `DISABLED`; a rule that does not exist is absent."""


class LockTables(Protocol):
    """Tables in which Terraform locks its state."""

    def holder(self, table: str, lock_id: str) -> str:
        """Return what the table says of who holds a lock; empty when nobody does."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Guarded:
    """How a bucket is kept from being read: each `yes`, `no`, or the code with which the platform refused to tell."""

    encrypted: str
    private: str


class BucketGuards(Protocol):
    """How the buckets of one site are kept from being read."""

    def look(self, bucket: str) -> Guarded:
        """Return whether what is written there is encrypted, and whether nobody can make it public."""

    def region(self, bucket: str, *, owner: str) -> str:
        """Return where a bucket of this owner lies."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """Who hears what is said on a topic."""

    confirmed: Count
    pending: Count


class Topics(Protocol):
    """The topics of one site."""

    def heard(self, topic: str) -> Heard:
        """Return how many subscriptions a topic has."""


class Readiness(Protocol):
    """What must be known of one site before a drill."""

    @property
    def quotas(self) -> Quotas: ...  # noqa: D102
    @property
    def permissions(self) -> Permissions: ...  # noqa: D102
    @property
    def roles(self) -> Roles: ...  # noqa: D102
    @property
    def triggers(self) -> Triggers: ...  # noqa: D102
    @property
    def lock_tables(self) -> LockTables: ...  # noqa: D102
    @property
    def buckets(self) -> BucketGuards: ...  # noqa: D102
    @property
    def topics(self) -> Topics: ...  # noqa: D102
