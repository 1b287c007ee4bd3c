"""What a target can do, as small protocols; one adapter each.

Methods that change the world take an `Intent`, which only the journal hands out: an effect that was not written
down first cannot be written as code. Errors are `TargetError` and its children; SDK errors never pass.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, Protocol

from drproof.model.changes import Change, Say, unsaid
from drproof.model.machines import Resource, Runner
from drproof.model.ownership import Bounds
from drproof.model.receipt import Caller
from drproof.model.signing import Signer

if TYPE_CHECKING:
    from drproof.model.alarms import AlarmRule
    from drproof.model.cluster import ClusterAccess
    from drproof.model.readiness import Readiness
    from drproof.model.workflows import Workflows


@dataclass(frozen=True, slots=True, kw_only=True)
class Intent:
    """What is about to be changed; on disk before it exists."""

    number: int
    verb: str
    resource: str
    token: str
    """Deterministic for (drill, phase, verb, resource): the same effect asked twice is one effect."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectInfo:
    """One object of a store, or one version of it."""

    bucket: str
    key: str
    size: int
    etag: str
    modified_at: str
    seen_at: str = field(default="", compare=False)
    """The store's own clock as it answered; empty where that is not known."""
    version: str = ""
    sha256: str = ""
    """The SHA-256 that the store itself keeps of the whole object; empty where it keeps none, or does not say."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BucketInfo:
    """A bucket as a place: whose it is, where it is, and what keeps its objects.

    `versioning`, `object_lock` and `replication` are `enabled`, `suspended`, `none`, or the code with which the
    platform refused to tell.
    """

    name: str
    owner: str
    region: str
    versioning: str
    object_lock: str
    replication: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Folders:
    """What lies directly below a prefix, names exactly as they are."""

    names: tuple[str, ...]
    """Of each folder, without the prefix and the slash behind it."""
    keys: tuple[str, ...]
    """Of each object that is in no folder."""


class ObjectStore(Protocol):
    """Buckets of one site; every call names the expected owner."""

    def head(self, bucket: str, key: str) -> ObjectInfo:
        """Return what is known of an object without reading it."""

    def read(
        self, bucket: str, key: str, *, version: str = "", if_match: str = "", limit: int = 4 << 20
    ) -> tuple[ObjectInfo, bytes]:
        """Return a small object whole; more than `limit` bytes, or another ETag than `if_match`, is an error."""

    def stream(
        self, bucket: str, key: str, *, version: str = "", if_match: str = ""
    ) -> tuple[ObjectInfo, Iterator[bytes]]:
        """Return an object as chunks, once; the chunks add up to `size` bytes or an error is raised."""

    def describe(self, bucket: str) -> BucketInfo:
        """Return what kind of place a bucket is."""

    def list(self, bucket: str, prefix: str) -> Iterator[ObjectInfo]:
        """Yield every object under a prefix, keys exactly as they are."""

    def folders(self, bucket: str, prefix: str) -> "Folders":
        """Return what lies directly below a prefix: folders, and keys that are in none."""

    def put(  # noqa: PLR0913 — what a write can say
        self,
        intent: Intent,
        bucket: str,
        key: str,
        body: bytes,
        *,
        tags: Mapping[str, str] | None = None,
        if_absent: bool = False,
        if_match: str = "",
    ) -> ObjectInfo:
        """Write an object, checksum verified by the store."""

    def tags(self, bucket: str, key: str) -> Mapping[str, str]:
        """Return an object's tags."""

    def delete(
        self,
        intent: Intent,
        bucket: str,
        keys: Iterable[str],
        *,
        since: str = "",
        go_on: Callable[[], None] = lambda: None,
    ) -> None:
        """Remove every version of these objects; with `since`, a version that was there before it stays.

        `go_on` is asked before each request that removes, and ends it by what it raises.

        Raises:
            TargetError: the platform kept some, whose keys are `kept`; the others are gone.
        """

    def delete_unchanged(
        self, intent: Intent, bucket: str, key: str, *, if_match: str, also: Collection[str] = ()
    ) -> None:
        """Remove what still is as read, and the caller's own versions `also`; `AlreadyExistsError` if it changed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Retention:
    """Until when a store lets nobody remove an object."""

    mode: str
    until: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredObject:
    """An object of a receipt store as it was read back."""

    body: bytes
    etag: str
    version: str
    """Empty where the bucket keeps no versions."""
    retention: Retention | None


class ReceiptStore(Protocol):
    """Buckets in which objects are made once and never written over; every call names the expected owner."""

    def locks(self, bucket: str) -> bool:
        """Return whether the bucket has Object Lock."""

    def create(self, intent: Intent, bucket: str, key: str, body: bytes, *, retention: Retention | None = None) -> str:
        """Make an object that is not there, and return its version; `AlreadyExistsError` when one is."""

    def look(self, bucket: str, key: str, *, version: str = "", locked: bool = False) -> StoredObject:
        """Return an object as the store has it, with its retention where the bucket has Object Lock."""

    def holds(self, bucket: str, prefix: str) -> bool:
        """Return whether anything lies below a prefix."""

    def keys(self, bucket: str, prefix: str, *, most: int) -> tuple[str, ...]:
        """Return the keys below a prefix, in their order; `TargetError` (`TooMany`) for more than `most`."""


class Fleet(Protocol):
    """The machines of one site."""

    def runners(self, tags: Mapping[str, str]) -> tuple[Runner, ...]:
        """Return the machines with all these tags that are not terminated."""

    def tagged(self, tags: Mapping[str, str]) -> tuple[Resource, ...]:
        """Return everything with all these tags, whatever its kind, that still exists."""

    def is_there(self, kind: str, identity: str) -> bool:
        """Return whether one thing still exists, whatever it carries. `ValueError` for a kind without names."""

    def network(self, name: str) -> str:
        """Return the identity of the network that the settings name."""

    def carrying(self, key: str) -> tuple[Resource, ...]:
        """Return everything that carries a tag of this name, whatever its value and its kind."""

    def terminate(self, intent: Intent, instance_id: str) -> str:
        """End one machine and return its last state."""

    def remove(self, intent: Intent, resource: Resource) -> None:
        """Remove one thing; what is gone already is as wanted. `ValueError` for a kind that is never removed."""

    def wait_until(self, instance_id: str, state: str, *, timeout_ms: int) -> Runner:
        """Return the machine once it is in `state`; `TargetError` when the time is over."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunnerSpec:
    """The machine that a provisioner must bring up."""

    name: str
    purpose: str
    instance_type: str
    vpc_id: str
    subnet_id: str
    allowed_cidr: str
    tags: Mapping[str, str]


class Provisioner(Protocol):
    """Brings the recovery machine up and takes it away, with state and lock at the site."""

    @property
    def kind(self) -> Literal["terraform", "direct", "codebuild"]:
        """How it works; printed, and in the receipt."""

    @property
    def version(self) -> str:
        """The version of the tool behind it."""

    @property
    def state(self) -> str:
        """Where the remote state lies, as a URI."""

    def up(self, intent: Intent, spec: RunnerSpec, *, say: Say = unsaid) -> Change:
        """Create what is missing and return what that was."""

    def down(self, intent: Intent, spec: RunnerSpec, bounds: Bounds, *, say: Say = unsaid) -> Change:
        """Remove what the state holds and is within the bounds, and return what that was.

        Raises:
            GuardError: it would end more machines than the bounds allow; none was ended.
        """

    def holds(self) -> tuple[str, ...]:
        """Return the identities in the remote state; empty when nothing is up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandResult:
    """What a command on a host came to."""

    command_id: str
    status: str
    exit_status: int
    stdout: str
    stderr: str
    truncated: bool = False
    """Whether the platform kept less of an output than the command printed, or may have."""


class Hosts(Protocol):
    """Commands on the machines of one site."""

    def wait_online(self, instance_id: str, *, timeout_ms: int) -> None:
        """Return once the machine takes commands."""

    def run(self, intent: Intent, instance_id: str, command: str, *, timeout_ms: int) -> CommandResult:
        """Run a shell command and return what it came to; output is bounded."""


class Messenger(Protocol):
    """Messages to people."""

    def publish(self, intent: Intent, topic: str, subject: str, message: str) -> str:
        """Send a message and return its id."""


class Alarms(Protocol):
    """Metrics and alarms of one site; read-only."""

    def rules(self, names: Iterable[str]) -> "Mapping[str, AlarmRule]":
        """Return how each alarm is set; an alarm that does not exist is absent."""

    def states(self, names: Iterable[str]) -> Mapping[str, str]:
        """Return each alarm's state; an alarm that does not exist is absent."""

    def comparisons(self, names: Iterable[str]) -> Mapping[str, str]:
        """Return how each alarm compares a datapoint with its threshold; an alarm without one is absent."""

    def history(self, name: str, *, since: str, until: str) -> tuple[Mapping[str, Any], ...]:
        """Return the alarm's raw history items between two instants, oldest first."""

    def metrics(self, namespace: str, dimensions: Mapping[str, str]) -> tuple[str, ...]:
        """Return the names of the metrics with exactly these dimensions."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistryLogin:
    """How a cluster may pull from a registry for a while; the password is a secret."""

    server: str
    username: str
    password: str = field(repr=False)
    expires_at: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageSeen:
    """What a registry has under the digest of an image."""

    media_type: str
    digests: Mapping[str, str]
    """Each architecture with the digest of what a machine of it pulls."""


class Images(Protocol):
    """A registry of container images; read-only."""

    def look(self, image_ref: str) -> ImageSeen:
        """Return what a digest-pinned image is made of, read against its digest."""

    def digest_of(self, repository: str, tag: str) -> str:
        """Return the digest that a tag names now."""

    def login(self, registry: str) -> RegistryLogin:
        """Return a fresh, short-lived login to a registry; nothing is kept."""


class Identity(Protocol):
    """Who the target takes us for."""

    def caller(self) -> Caller:
        """Return the caller as the platform sees it now; never cached."""

    def expires_at(self) -> str:
        """Return when the credentials end: "" when they do not, or are renewed by themselves; else `unknown`."""

    def platform_time(self) -> str:
        """Return what time it is for the platform, to the second."""


class SiteTarget(Protocol):
    """One site, opened: its capabilities."""

    def signer(self, uri: str) -> Signer: ...  # noqa: D102
    def keyed_digest(self, uri: str, message: bytes) -> bytes: ...  # noqa: D102
    def environment(self) -> dict[str, str]: ...  # noqa: D102
    @property
    def identity(self) -> Identity: ...  # noqa: D102
    @property
    def objects(self) -> ObjectStore: ...  # noqa: D102
    @property
    def leases(self) -> ObjectStore:
        """The site's buckets, asked in haste: an answer that does not come leaves time to ask again for a lease."""

    @property
    def fleet(self) -> Fleet: ...  # noqa: D102
    @property
    def provisioner(self) -> Provisioner: ...  # noqa: D102
    @property
    def hosts(self) -> Hosts: ...  # noqa: D102
    @property
    def messenger(self) -> Messenger: ...  # noqa: D102
    @property
    def alarms(self) -> Alarms: ...  # noqa: D102
    @property
    def images(self) -> Images: ...  # noqa: D102
    @property
    def clusters(self) -> "ClusterAccess": ...  # noqa: D102
    @property
    def readiness(self) -> "Readiness": ...  # noqa: D102
    @property
    def workflows(self) -> "Workflows": ...  # noqa: D102


class Target(Protocol):
    """Both sites of a recovery."""

    @property
    def primary(self) -> SiteTarget:
        """The original site; drills only read it."""

    @property
    def recovery(self) -> SiteTarget:
        """The site that takes over; drills create and remove here."""

    @property
    def receipts(self) -> ReceiptStore:
        """Where receipts are stored beside the local folder."""

    @property
    def secrets(self) -> tuple[str, ...]:
        """The values that must never be printed or kept."""
