"""A world in memory that outlives the processes that change it, as real services do.

It takes a client's token for what EC2 takes it for: the same token is the same machine, also when that has ended. A
conditional write fails with what S3 answers. A topic has no tokens: a message that is sent twice is read twice. Each
change is one line of the world's own log, by which a run is judged, whatever it says of itself.

A process dies before a call reaches the world, or after the world has done it and before the answer is heard.
"""

import hashlib
import os
import pickle
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from drproof.engine.clock import SystemClock, instant
from drproof.model.capabilities import CommandResult, Folders, Intent, ObjectInfo, RunnerSpec
from drproof.model.context import DRILL_TAG
from drproof.model.errors import AlreadyExistsError, NotFoundError, TargetError
from drproof.model.machines import Resource, Runner
from drproof.model.receipt import Caller
from drproof.targets.provisioners.direct import DirectProvisioner
from drproof.targets.provisioners.place import Place
from tests.engine import fake_cluster

NOW = "2026-11-24T00:00:00.000Z"
ALIVE = frozenset({"pending", "running", "shutting-down"})


@dataclass(frozen=True)
class Call:
    """One change that the world has made; what was asked and changed nothing has no line."""

    action: str
    what: str
    token: str
    content: str = ""


@dataclass
class Stored:
    """An object as it lies in a bucket."""

    body: bytes
    etag: str
    tags: Mapping[str, str]
    at: str = field(default_factory=lambda: instant(datetime.now(UTC)))
    """By the store's own clock, which nobody sets."""


@dataclass
class Memory:
    """Everything that the world knows; it is kept in a file while no process holds it."""

    objects: dict[tuple[str, str], Stored] = field(default_factory=dict)
    machines: dict[str, Runner] = field(default_factory=dict)
    tokens: dict[str, tuple[str, RunnerSpec]] = field(default_factory=dict)
    messages: list[tuple[str, str]] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)
    cluster: fake_cluster.Objects = field(default_factory=fake_cluster.theirs)
    writes: int = 0


class FakeWorld:
    """Two accounts of a platform, in one process at a time."""

    def __init__(
        self,
        path: Path,
        *,
        point: Callable[[str], None] = lambda _: None,
        asked: Callable[[str], AbstractContextManager[None]] = lambda _: nullcontext(),
    ) -> None:
        """Take up the world at `path`, or begin one.

        `point` is told of each instant at which the caller may die; `asked` stands around each call to the cluster, and
        may let it fail.
        """
        self.path = path
        self.asked = asked
        self.memory: Memory = pickle.loads(path.read_bytes()) if path.exists() else Memory()  # our own file
        self._point = point
        self._busy = threading.RLock()

    def keep(self) -> None:
        """Write the world down for the next process."""
        with self._busy:
            self.path.write_bytes(pickle.dumps(self.memory))

    def change(self, action: str, what: str, token: str, do: Callable[[], Any], content: str = "") -> Any:
        """Do one thing to the world; what it refuses has no line in the log."""
        self._point(f"before {action}")
        with self._busy:
            answer = do()
            self.memory.calls.append(Call(action, what, token, content))
        self._point(f"after {action}")
        return answer

    def left(self, origin: str) -> list[str]:
        """Return what a drill has left: by tag, by lease, by lock and by state."""
        machines = [
            f"machine {one.instance_id} is {one.state}"
            for one in self.memory.machines.values()
            if one.state != "terminated" and one.tags.get(DRILL_TAG) == origin
        ]
        endings = (".drproof-lease", ".tflock", ".direct.json")
        objects = [
            f"object {bucket}/{key}"
            for (bucket, key), stored in self.memory.objects.items()
            if stored.tags.get(DRILL_TAG) == origin or key.endswith(endings)
        ]
        return [*machines, *objects, *fake_cluster.left(self.memory.cluster)]

    def doubles(self) -> list[str]:
        """Return what was done twice: a second machine, an object that became another one, a message read twice.

        The same bytes under the same key are the same object, however often they are put.
        """
        made = Counter(call.action for call in self.memory.calls if call.action == "ec2.launch")
        found = [f"{count} machines were launched" for count in made.values() if count > 1]
        there: dict[str, str] = {}
        for call in self.memory.calls:
            if call.action == "s3.put" and not call.what.endswith(".drproof-lease"):
                if there.get(call.what, call.content) != call.content:
                    found.append(f"{call.what} was written over")
                there[call.what] = call.content
            elif call.action == "s3.delete":
                there.pop(call.what, None)
        sent = Counter(subject for _, subject in self.memory.messages)
        found += [f"{subject!r} was sent {count} times" for subject, count in sent.items() if count > 1]
        ended = Counter(call.what for call in self.memory.calls if call.action == "ec2.terminate")
        found += [f"{what} was ended {count} times" for what, count in ended.items() if count > 1]
        return [*found, *fake_cluster.doubles((call.action, call.what) for call in self.memory.calls)]


class FakeObjects:
    """The buckets of the world, as one site sees them."""

    def __init__(self, world: FakeWorld) -> None:
        self._world = world

    def _info(self, bucket: str, key: str, stored: Stored) -> ObjectInfo:
        return ObjectInfo(
            bucket=bucket,
            key=key,
            size=len(stored.body),
            etag=stored.etag,
            modified_at=stored.at,
            version=f"v-{stored.etag}",
        )

    def _found(self, bucket: str, key: str) -> Stored:
        try:
            return self._world.memory.objects[bucket, key]
        except KeyError:
            raise NotFoundError(f"s3://{bucket}/{key}: NoSuchKey", code="NoSuchKey", call="s3:GetObject") from None

    def head(self, bucket: str, key: str) -> ObjectInfo:
        return self._info(bucket, key, self._found(bucket, key))

    def read(
        self, bucket: str, key: str, *, version: str = "", if_match: str = "", limit: int = 4 << 20
    ) -> tuple[ObjectInfo, bytes]:
        stored = self._found(bucket, key)
        return self._info(bucket, key, stored), stored.body

    def stream(
        self, bucket: str, key: str, *, version: str = "", if_match: str = ""
    ) -> tuple[ObjectInfo, Iterator[bytes]]:
        info, body = self.read(bucket, key)
        return info, iter([body])

    def list(self, bucket: str, prefix: str) -> Iterator[ObjectInfo]:
        with self._world._busy:
            found = sorted(self._world.memory.objects.items())
        for (where, key), stored in found:
            if where == bucket and key.startswith(prefix):
                yield self._info(bucket, key, stored)

    def folders(self, bucket: str, prefix: str) -> Folders:
        return Folders(names=(), keys=tuple(info.key for info in self.list(bucket, prefix)))

    def put(
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
        def write() -> ObjectInfo:
            memory = self._world.memory
            there = memory.objects.get((bucket, key))
            if (if_absent and there is not None) or (if_match and (there is None or there.etag != if_match)):
                raise AlreadyExistsError(f"s3://{bucket}/{key}: 412", code="PreconditionFailed", call="s3:PutObject")
            memory.writes += 1
            stored = Stored(body, f"{memory.writes}-{hashlib.sha256(body).hexdigest()[:16]}", dict(tags or {}))
            memory.objects[bucket, key] = stored
            return self._info(bucket, key, stored)

        content = hashlib.sha256(body).hexdigest()
        return self._world.change("s3.put", f"{bucket}/{key}", intent.token, write, content)

    def tags(self, bucket: str, key: str) -> Mapping[str, str]:
        return self._found(bucket, key).tags

    def delete_unchanged(self, intent: Intent, bucket: str, key: str, *, if_match: str, also: object = ()) -> None:
        if self._found(bucket, key).etag != if_match:
            raise AlreadyExistsError(f"s3://{bucket}/{key}: 412", code="PreconditionFailed", call="s3:DeleteObject")
        self.delete(intent, bucket, [key])

    def delete(self, intent: Intent, bucket: str, keys: Iterable[str], *, since: str = "") -> None:
        # One key at a time: a service that is asked for many may have done a part when nobody listens any more.
        for key in keys:
            remove = partial(self._world.memory.objects.pop, (bucket, key), None)
            self._world.change("s3.delete", f"{bucket}/{key}", intent.token, remove)


class FakeFleet:
    """The machines of the world."""

    def __init__(self, world: FakeWorld, account: str = "444455556666") -> None:
        self._world = world
        self._account = account

    def network(self, name: str) -> str:
        return name

    def runners(self, tags: Mapping[str, str]) -> tuple[Runner, ...]:
        return tuple(
            one
            for one in self._world.memory.machines.values()
            if one.state in ALIVE and tags.items() <= dict(one.tags).items()
        )

    def tagged(self, tags: Mapping[str, str]) -> tuple[Resource, ...]:
        return tuple(one.resource for one in self.runners(tags))

    def is_there(self, kind: str, identity: str) -> bool:
        machine = self._world.memory.machines.get(identity)
        return kind == "instance" and machine is not None and machine.state in ALIVE

    def launch(self, intent: Intent, spec: RunnerSpec) -> Runner:
        memory = self._world.memory
        if intent.token in memory.tokens:
            instance_id, asked = memory.tokens[intent.token]
            if asked != spec:
                message = "the token was used with other words"
                raise TargetError(message, code="IdempotentParameterMismatch", call="ec2:RunInstances")
            self._world._point("before ec2.launch again")
            runner = memory.machines[instance_id]
            if runner.state not in {"pending", "running"}:
                raise TargetError(f"{instance_id} is {runner.state}", code="Ended", call="ec2:RunInstances")
            return runner

        def make() -> Runner:
            runner = Runner(
                instance_id=f"i-{len(memory.machines) + 1:08}", state="pending", instance_type=spec.instance_type,
                launched_at=SystemClock().now(), public_ip="192.0.2.7", private_ip="10.0.0.7", key_name="",
                security_group="sg-1", tags=dict(spec.tags), effect=intent.token, account_id=self._account,
                network=spec.vpc_id,
            )  # fmt: skip
            memory.machines[runner.instance_id] = runner
            memory.tokens[intent.token] = (runner.instance_id, spec)
            return runner

        return self._world.change("ec2.launch", spec.name, intent.token, make)

    def terminate(self, intent: Intent, instance_id: str) -> str:
        memory = self._world.memory

        def end() -> str:
            memory.machines[instance_id] = replace(memory.machines[instance_id], state="shutting-down")
            return "shutting-down"

        return self._world.change("ec2.terminate", instance_id, intent.token, end)

    def wait_until(self, instance_id: str, state: str, *, timeout_ms: int) -> Runner:
        """A machine goes on when somebody waits for it; one that has ended never runs again."""
        memory = self._world.memory
        now = memory.machines[instance_id]
        reachable = {"running": {"pending", "running"}, "terminated": {"shutting-down", "terminated"}}
        if now.state not in reachable[state]:
            raise TargetError(f"{instance_id}: expected {state}, got {now.state}", code="Timeout", call="ec2:Wait")
        memory.machines[instance_id] = replace(now, state=state)
        return memory.machines[instance_id]


class FakeHosts:
    """Machines that take commands once they run."""

    def wait_online(self, instance_id: str, *, timeout_ms: int) -> None:
        return

    def run(self, intent: Intent, instance_id: str, command: str, *, timeout_ms: int) -> CommandResult:
        raise NotImplementedError(command)


class FakeTopics:
    """Topics without tokens, as standard topics are: what is published twice is read twice."""

    def __init__(self, world: FakeWorld) -> None:
        self._world = world

    def publish(self, intent: Intent, topic: str, subject: str, message: str) -> str:
        messages = self._world.memory.messages
        self._world.change("sns.publish", subject, intent.token, lambda: messages.append((topic, subject)))
        return f"m-{len(messages)}"


@dataclass(frozen=True)
class FakeIdentity:
    """Who a site takes the caller for."""

    account: str
    region: str

    def platform_time(self) -> str:
        return instant(datetime.now(UTC))

    def caller(self) -> Caller:
        return Caller(account_id=self.account, arn=f"arn:aws:iam::{self.account}:user/drill", region=self.region)


class FakeSite:
    """One site of the world, with what the phases of its tests use."""

    def __init__(self, world: FakeWorld, account: str, region: str) -> None:
        self.identity = FakeIdentity(account, region)
        self.objects = self.leases = FakeObjects(world)
        self.fleet = FakeFleet(world, account)
        self.hosts = FakeHosts()
        self.messenger = FakeTopics(world)
        self.clusters = fake_cluster.FakeAccess(world)
        self.images = fake_cluster.FakeImages()

    def signer(self, uri: str) -> Any:
        from drproof.targets.signers import open_signer

        return open_signer(uri)


class FakeRecovery(FakeSite):
    """The site that takes over; its provisioner is the real one over these machines and buckets."""

    def __init__(self, world: FakeWorld, account: str, region: str, *, bucket: str, key: str, origin: str) -> None:
        super().__init__(world, account, region)
        fleet: Any = self.fleet
        objects: Any = self.objects
        where = {"bucket": bucket, "key": key, "region": region, "lock_table": ""}
        place = Place(objects, fleet, **where, origin=origin, ending_ms=1000)
        self.provisioner = DirectProvisioner(place, reason="the world is in memory")


class FakeTarget:
    """Both sites."""

    def __init__(self, world: FakeWorld, settings: Any, origin: str) -> None:
        sites, where = settings.sites, settings.recovery.provisioner
        self.primary = FakeSite(world, sites.primary.account_id, sites.primary.region)
        self.recovery = FakeRecovery(
            world, sites.recovery.account_id, sites.recovery.region,
            bucket=where.state_bucket, key=where.state_key, origin=origin,
        )  # fmt: skip
        self.receipts = None
        self.secrets = ()


class FakeEmbedded:
    """What the engine knows of an embedded world: here it is the file that the world lies in."""

    endpoint = "http://127.0.0.1:9"

    def calls(self) -> list[Any]:
        return []

    def inventory(self) -> dict[str, Any]:
        return {}

    def keep(self, seconds: int) -> None:
        return

    def stop(self) -> None:
        return


def process_is_gone() -> None:
    """End this process as `kill -9` does: nothing runs any more, no `finally`, no thread, no flush."""
    os._exit(9)
