"""Where the remote state lies: what it holds, who locks it, and what of that is this drill's own.

The state of Terraform is `key`, its lock `key.tflock`; the direct provisioner locks by the same object and keeps its
own state in `key.direct.json`, because a file in another format would make Terraform's state unreadable.
"""

import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from drproof.formats import remote_states
from drproof.formats.remote_states import DIRECT_SUFFIX, Managed
from drproof.formats.strict_json import parse
from drproof.formats.timestamps import milliseconds
from drproof.model.capabilities import Intent
from drproof.model.context import DRILL_TAG, EXPIRES_TAG
from drproof.model.errors import (
    AlreadyExistsError,
    DrproofError,
    FormatError,
    HeldError,
    NotFoundError,
    TargetError,
    UnansweredError,
)
from drproof.phases.recovery.by_hand import called, of_a_lock
from drproof.targets.aws.ec2 import AwsFleet
from drproof.targets.aws.s3 import AwsObjectStore

LOCK_SUFFIX = ".tflock"
MACHINE = "aws_instance"
OWN_LOCK = "drproof drill "
"""How the note on a lock of the direct provisioner begins; the drill's origin follows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lock:
    """Who holds the lock, as Terraform writes it down."""

    id: str
    who: str
    created: str
    operation: str
    info: str
    etag: str = ""
    """Empty for a lock that is no object."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Thing:
    """One thing that a state stands for, by the names of the platform."""

    kind: str
    """As the tool calls it, such as `aws_instance`."""
    address: str
    identity: str
    parts: tuple[str, ...] = ()
    """What the platform made together with it: disks and interfaces of a machine."""
    role: str = ""
    policy: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """What a state object holds, and the drill that it belongs to."""

    identities: tuple[str, ...] = ()
    origin: str = ""
    expires_at: str = ""
    """When what it stands for may be removed by anyone, the latest of what its things say; empty when none says."""
    etag: str = ""
    things: tuple[Thing, ...] = ()

    def called(self, *kinds: str) -> tuple[Thing, ...]:
        """Return its things of these kinds."""
        return tuple(thing for thing in self.things if thing.kind in kinds)


class Place:
    """State and lock of one recovery site, for one drill."""

    def __init__(  # noqa: PLR0913 — what both provisioners need of the site
        self,
        objects: AwsObjectStore,
        fleet: AwsFleet,
        *,
        bucket: str,
        key: str,
        region: str,
        lock_table: str,
        origin: str,
        ending_ms: int,
    ) -> None:
        """Name the state of a site, and the table in which it is locked too, where there is one.

        Raises:
            ValueError: there is no remote place for the state; a local state is lost with its machine.
        """
        if not bucket or not key:
            msg = (
                f"the remote state: expected recovery.provisioner.state_bucket and state_key, got {bucket!r} and "
                f"{key!r}; a local state is lost with its machine\n  next: set both in drproof.toml"
            )
            raise ValueError(msg)
        self.objects = objects
        self.fleet = fleet
        self.bucket = bucket
        self.key = key
        self.region = region
        self.lock_table = lock_table
        self.origin = origin
        self.ending_ms = ending_ms

    @property
    def uri(self) -> str:
        """Where Terraform's state lies."""
        return f"s3://{self.bucket}/{self.key}"

    @property
    def lock_uri(self) -> str:
        """Where the lock lies while somebody holds it."""
        return f"{self.uri}{LOCK_SUFFIX}"

    def terraform(self) -> State:
        """Return what Terraform's state holds."""
        body, etag = self._body(self.key)
        try:
            managed = remote_states.managed(body) if etag else ()
        except FormatError as exc:
            raise self._unreadable(self.key, str(exc)) from exc
        each = [(found, instance) for found in managed for instance in found.instances]
        inputs = [_input(instance) for _, instance in each]
        origins = {tags[DRILL_TAG] for tags in inputs if tags.get(DRILL_TAG)}
        # What carries no tags, as an attachment of a policy, says nothing of an expiry, and takes none away.
        expiries = [tags[EXPIRES_TAG] for tags in inputs if tags.get(EXPIRES_TAG)]
        return State(
            identities=tuple(sorted(_address(found, instance) for found, instance in each)),
            origin=origins.pop() if len(origins) == 1 else "",
            expires_at=_latest(expiries),
            etag=etag,
            things=tuple(_thing(found, instance) for found, instance in each),
        )

    def direct(self) -> State:
        """Return what the direct provisioner's state holds."""
        key = self.key + DIRECT_SUFFIX
        body, etag = self._body(key)
        if not etag:
            return State()
        try:
            found = remote_states.direct(body)
        except FormatError as exc:
            raise self._unreadable(key, str(exc)) from exc
        return State(
            identities=found.identities,
            origin=found.origin,
            expires_at=found.expires_at,
            etag=etag,
            things=tuple(Thing(kind=MACHINE, address=one, identity=one) for one in found.identities),
        )

    def lock(self) -> Lock | None:
        """Return who holds the lock; None when nobody does."""
        key = self.key + LOCK_SUFFIX
        body, etag = self._body(key)
        if not etag:
            return None
        try:
            document = parse(body, fractions=True)
        except FormatError as exc:
            raise self._unreadable(key, str(exc)) from exc
        if not isinstance(document, dict):
            raise self._unreadable(key, "expected an object")
        return _lock_of(document, etag)

    def held(self, lock: Lock | None, where: str = "") -> HeldError:
        """Return the error of a lock that somebody else holds, beside the state or in the table `where`."""
        unlock = self.unlocked_by_hand(lock, beside=not where) if lock else ""
        return held_at(where or self.lock_uri, lock, unlock)

    def unlocked_by_hand(self, lock: Lock, *, beside: bool) -> str:
        """Return the command that gives a lock back, which lies `beside` the state or in the table."""
        return of_a_lock(
            lock.id, bucket=self.bucket, key=self.key, region=self.region, table=self.lock_table, beside=beside
        )

    def unanswered(self, lock: Lock) -> TargetError:
        """Return the error of a lock that a process of this drill took, and whose answer never came to it."""
        msg = (
            f"{self.uri}: LockUnanswered: expected an answer to the lock that {lock.who} took at {lock.created}, got "
            f"none; nothing was changed\n  next: the same command again, which gives lock {lock.id} back first"
        )
        return UnansweredError(msg, code="LockUnanswered", call="s3:PutObject")

    def foreign(self, state: State) -> TargetError:
        """Return the error of a state that something else than this drill lives by."""
        owner = f"drill {state.origin}" if state.origin else "nobody that drproof knows"
        step = (
            "pytest -m drill --start-at teardown --receipt-dir <the folder of that drill>"
            if state.origin
            else "drproof gc, which prints the command that clears it"
        )
        msg = (
            f"{self.uri}: StateHeld: expected an empty state, got {', '.join(state.identities)} of {owner}\n"
            f"  next: {step}"
        )
        return TargetError(msg, code="StateHeld", call="s3:GetObject")

    def drop_own_lock(self, intent: Intent) -> None:
        """Remove the lock that a killed process of this very drill left; its note says so, and the lease is ours."""
        lock = self.lock()
        if lock is not None and lock.info == OWN_LOCK + self.origin:
            self.drop(intent, lock)

    def drop(self, intent: Intent, lock: Lock) -> None:
        """Remove a lock whose holder is known to be dead; one that somebody took since stays, and is theirs."""
        with suppress(AlreadyExistsError, NotFoundError):
            self.objects.delete_unchanged(intent, self.bucket, self.key + LOCK_SUFFIX, if_match=lock.etag)

    def _body(self, key: str) -> tuple[bytes, str]:
        """Return an object of the bucket with its ETag, which is empty when there is none."""
        try:
            info, body = self.objects.read(self.bucket, key)
        except NotFoundError as exc:
            if exc.code == "NoSuchBucket":
                raise
            return b"", ""
        return body, info.etag

    def _unreadable(self, key: str, why: str) -> TargetError:
        msg = (
            f"s3://{self.bucket}/{key}: StateUnreadable: {why}\n  next: look at the object; restore an earlier version"
        )
        return TargetError(msg, code="StateUnreadable", call="s3:GetObject")


def lock_of(note: str) -> Lock:
    """Return the lock that a note in a table tells of; one that nobody can read tells of nobody."""
    try:
        document = parse(note)
    except FormatError:
        document = None
    return _lock_of(document if isinstance(document, dict) else {"Who": "nobody that its note names"}, "")


def held_at(where: str, lock: Lock | None, unlock: str) -> HeldError:
    """Return the error of a lock that somebody else holds at `where`; `unlock` is the command that gives it back."""
    holder = (
        f"lock {lock.id} of {lock.who} since {lock.created} ({lock.operation})"
        if lock
        else "a lock that is gone by now"
    )
    msg = (
        f"{where}: LockHeld: expected no lock, got {holder}\n"
        f"  next: wait for its holder; if that process is surely dead, {unlock or 'the same command again'}"
    )
    return HeldError(msg, code="LockHeld", call="s3:PutObject")


def _lock_of(document: Mapping[str, Any], etag: str) -> Lock:
    text = {name: str(document.get(name, "")) for name in ("ID", "Who", "Created", "Operation", "Info")}
    return Lock(
        id=text["ID"],
        who=text["Who"],
        created=text["Created"],
        operation=text["Operation"],
        info=text["Info"],
        etag=etag,
    )


def _latest(expiries: list[str]) -> str:
    """Return the last instant of several; what is no instant counts before all: nobody knows when that is."""
    strange = [text for text in expiries if not _is_instant(text)]
    return strange[0] if strange else max(expiries, key=milliseconds, default="")


def _is_instant(text: str) -> bool:
    try:
        milliseconds(text)
    except FormatError:
        return False
    return True


def _thing(found: Managed, instance: Mapping[str, Any]) -> Thing:
    """Return what an instance in Terraform's state stands for."""
    attributes = instance["attributes"]
    listed = (attributes.get(name) for name in ("root_block_device", "ebs_block_device"))
    disks = [disk for disks in listed if isinstance(disks, list) for disk in disks]
    parts = [
        *(disk.get("volume_id") for disk in disks if isinstance(disk, dict)),
        attributes.get("primary_network_interface_id"),
    ]
    return Thing(
        kind=found.kind,
        address=_address(found, instance),
        identity=str(attributes.get("id") or ""),
        parts=tuple(str(part) for part in parts if part),
        role=str(attributes.get("role") or ""),
        policy=str(attributes.get("policy_arn") or ""),
    )


def _address(found: Managed, instance: Mapping[str, Any]) -> str:
    """Return by which name Terraform knows an instance, and by which the platform does where no tag finds it."""
    within = f"{found.module}." if found.module else ""
    key = instance.get("index_key")
    address = f"{within}{found.kind}.{found.name}" + (f"[{json.dumps(key)}]" if key is not None else "")
    return f"{address} {called(found.kind, instance['attributes'])}".rstrip()


def _input(instance: Mapping[str, Any]) -> Mapping[str, str]:
    """Return the tags of the machine that an instance in Terraform's state stands for; none when it does not say."""
    tags = instance["attributes"].get("tags")
    if isinstance(tags, dict) and isinstance(tags.get(DRILL_TAG), str):
        return {name: str(tags[name]) for name in (DRILL_TAG, EXPIRES_TAG) if name in tags}
    given = instance["attributes"].get("input")
    text = given.get("value") if isinstance(given, dict) else given
    named = text.get("tags") if isinstance(text, dict) else None
    if isinstance(named, dict):
        return {name: str(named[name]) for name in (DRILL_TAG, EXPIRES_TAG) if name in named}
    if not isinstance(text, str):
        return {}
    try:
        spec = parse(text)
        return {name: str(spec["tags"][name]) for name in (DRILL_TAG, EXPIRES_TAG)}
    except (DrproofError, KeyError, TypeError):
        return {}
