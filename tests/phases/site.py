"""A recovery site in memory, its machine a folder, and the context of a phase that works on it."""

import subprocess
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from drproof.engine.effects import JournalledEffects, effects_of
from drproof.evidence.journal import Journal
from drproof.evidence.redaction import Redactor
from drproof.model.capabilities import CommandResult, ObjectInfo
from drproof.model.changes import Change
from drproof.model.context import DRILL_TAG, Effect
from drproof.model.errors import NotFoundError
from drproof.model.machines import Resource, Runner
from drproof.model.ownership import Bounds
from drproof.model.phase import Phase
from drproof.model.settings import (
    ClusterSettings,
    Command,
    Metrics,
    Primary,
    ProvisionerSettings,
    Recovery,
    Settings,
    Validation,
)
from tests.contracts.evidence import PASSING
from tests.contracts.observed import CRITERIA, MACHINE, TOPIC

BUCKET = "atlas-recovery"
TAGS = {"Name": "runner", "Purpose": "recovery", "ManagedBy": "terraform"}
RECOVERY = CRITERIA.sites.recovery
STARTED = "2030-01-01T00:00:00.000Z"
"""When a machine started and an object was written; after anything that a journal of these tests says."""
TEXT_KEPT = 24_000
SETTINGS = Settings(
    target="embedded",
    backup_uri=CRITERIA.backup.uri,
    image_ref=CRITERIA.image_ref,
    sites=CRITERIA.sites,
    primary=Primary(bucket="atlas-primary", prefix="atlas", metrics=Metrics(namespace="a", dimensions={}), alarms=()),
    recovery=Recovery(
        bucket=BUCKET,
        prefix="drills",
        runner_name=TAGS["Name"],
        runner_purpose=TAGS["Purpose"],
        topic_arn=TOPIC,
        provisioner=ProvisionerSettings(state_bucket="atlas-state", state_key="runner", vpc_id="vpc-1"),
    ),
    validation=Validation(commands=(), watch=("srv",)),
    cluster=ClusterSettings(namespace="atlas", publishing_config_map="atlas-config", publishing_off={"PUBLISH": "0"}),
)


@dataclass
class Faults:
    """Errors that calls raise, each once, by the name of the call; `after` lets the call happen first."""

    before: dict[str, Exception] = field(default_factory=dict)
    after: dict[str, Exception] = field(default_factory=dict)

    def around(self, name: str, act: Callable[[], Any]) -> Any:
        if error := self.before.pop(name, None):
            raise error
        result = act()
        if error := self.after.pop(name, None):
            raise error
        return result


class Site:
    """Machines, objects, messages and commands of one site; every capability is this one object."""

    kind = "direct"
    version = "1"
    state = "s3://atlas-state/runner"

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.faults = Faults()
        self.machines: dict[str, Runner] = {}
        self.others: list[Resource] = []
        self.held: dict[str, bytes] = {}
        self.marks: dict[str, dict[str, str]] = {}
        self.written_at: dict[str, str] = {}
        self.keeps_state = False
        self.plugins: dict[str, str] = {}
        self.sent: list[str] = []
        self.ran: list[str] = []
        self.ends: Callable[[Runner], bool] = lambda runner: runner.tags.get(DRILL_TAG) == "drill-1"

    # machines

    def add(self, instance_id: str, effect: str = "", made_at: str = STARTED, **tags: str) -> None:
        self.machines[instance_id] = Runner(
            instance_id=instance_id, state="running", instance_type="t", launched_at=STARTED, public_ip="",
            private_ip="", key_name="", security_group="", tags={**TAGS, **tags},
            effect=effect, account_id=RECOVERY.account_id, network="vpc-1", made_at=made_at,
        )  # fmt: skip

    def runners(self, tags: Any) -> tuple[Runner, ...]:
        return tuple(one for one in self.machines.values() if tags.items() <= one.tags.items())

    def tagged(self, tags: Any) -> tuple[Resource, ...]:
        machines = [one.resource for one in self.runners(tags)]
        return (*machines, *(one for one in self.others if tags.items() <= one.tags.items()))

    def is_there(self, kind: str, identity: str) -> bool:
        return identity in self.machines or any((one.kind, one.identity) == (kind, identity) for one in self.others)

    def wait_until(self, instance_id: str, state: str, *, timeout_ms: int) -> Runner:
        return self.faults.around("wait_until", lambda: self.machines[instance_id])

    def wait_online(self, instance_id: str, *, timeout_ms: int) -> None:
        self.faults.around("wait_online", lambda: None)

    def up(self, intent: Any, spec: Any, **_: Any) -> Change:
        def act() -> Change:
            if self.runners({DRILL_TAG: spec.tags[DRILL_TAG]}):
                return Change(created=0, changed=0, destroyed=0)
            self.add(MACHINE, intent.token, **spec.tags)
            return Change(created=1, changed=0, destroyed=0, created_ids=(MACHINE,))

        return self.faults.around("up", act)

    def network(self, name: str) -> str:
        return name

    def down(self, intent: Any, spec: Any, bounds: Bounds, **_: Any) -> Change:
        def act() -> Change:
            ended = [name for name, one in self.machines.items() if self.ends(one)]
            for name in ended:
                del self.machines[name]
            return Change(created=0, changed=0, destroyed=len(ended), providers=self.plugins if ended else {})

        return self.faults.around("down", act)

    def holds(self) -> tuple[str, ...]:
        held = tuple(sorted(self.machines)) if self.keeps_state else ()
        return self.faults.around("holds", lambda: held)

    # objects

    def _info(self, key: str) -> ObjectInfo:
        return ObjectInfo(
            bucket=BUCKET, key=key, size=len(self.held[key]), etag="", modified_at=self.written_at.get(key, STARTED)
        )

    def list(self, bucket: str, prefix: str) -> Iterator[ObjectInfo]:
        assert bucket == BUCKET
        return iter([self._info(key) for key in sorted(self.held) if key.startswith(prefix)])

    def put(self, intent: Any, bucket: str, key: str, body: bytes, tags: Any = None, **_: Any) -> ObjectInfo:
        self.held[key] = body
        self.marks[key] = dict(tags or {})
        return self._info(key)

    def tags(self, bucket: str, key: str) -> dict[str, str]:
        return self.marks.get(key, {})

    def delete(self, intent: Any, bucket: str, keys: Any, *, since: str = "") -> None:
        def act() -> None:
            for key in keys:
                del self.held[key]

        self.faults.around("delete", act)

    def head(self, bucket: str, key: str) -> ObjectInfo:
        raise NotFoundError("no such key", code="NoSuchKey")

    # commands and messages

    def run(self, intent: Any, instance_id: str, command: str, *, timeout_ms: int) -> CommandResult:
        def act() -> CommandResult:
            done = subprocess.run(
                ["/bin/sh", "-c", command], cwd=self.folder, capture_output=True, text=True, check=False
            )
            return CommandResult(
                command_id=str(intent.number),
                status="Success" if done.returncode == 0 else "Failed",
                exit_status=done.returncode,
                stdout=done.stdout[:TEXT_KEPT],
                stderr=done.stderr[:TEXT_KEPT],
            )

        name = intent.resource.removeprefix(instance_id)[1:]
        self.ran.append(name)
        return self.faults.around(name, act)

    def publish(self, intent: Any, topic: str, subject: str, message: str) -> str:
        def act() -> str:
            self.sent.append(subject)
            return f"message-{len(self.sent)}"

        return self.faults.around("publish", act)


class Ticking:
    """A clock on which waiting costs no time."""

    def __init__(self) -> None:
        self.ms = 0

    def now(self) -> str:
        return "2026-01-31T12:00:00.000Z"

    def monotonic_ms(self) -> int:
        return self.ms

    def sleep_ms(self, milliseconds: int) -> None:
        self.ms += milliseconds


class Drill:
    """One window of a drill: phases are attempted on a site, with a journal on the disk."""

    def __init__(
        self, site: Site, journal: Path, drill_id: str = "drill-1", inherited: tuple[Effect, ...] = ()
    ) -> None:
        self.site = site
        self.drill_id = drill_id
        self.settings = SETTINGS
        self.journal = Journal(journal)
        self.inherited = inherited

    def validates(self, *runs: str, watch: tuple[str, ...] = ("srv",)) -> None:
        """Set what validation runs and watches."""
        commands = tuple(Command(name=f"command-{number}", run=run) for number, run in enumerate(runs))
        self.settings = replace(self.settings, validation=Validation(commands=commands, watch=watch))

    def window(self, journal: Path, drill_id: str) -> "Drill":
        """Return the next window, which inherits from this one."""
        later = Drill(self.site, journal, drill_id, (*self.inherited, *effects_of(self.journal.records())))
        later.settings = self.settings
        return later

    def context(self, phase: str) -> Any:
        capability = self.site
        site = SimpleNamespace(
            fleet=capability,
            hosts=capability,
            messenger=capability,
            objects=capability,
            provisioner=capability,
            clusters=SimpleNamespace(known=False),
        )
        return SimpleNamespace(
            drill_id=self.drill_id,
            origin="drill-1",
            plan=SimpleNamespace(mode="rehearsal", criteria=CRITERIA),
            settings=self.settings,
            target=SimpleNamespace(recovery=site),
            effects=JournalledEffects(self.journal, drill_id=self.drill_id, phase=phase, inherited=self.inherited),
            clock=Ticking(),
            receipts=PASSING.receipts,
            tags={DRILL_TAG: "drill-1"},
            observed=lambda earlier: PASSING.receipts[earlier.name].facts,
            say=lambda line: None,
            redact=Redactor().redact,
        )

    def attempt(self, phase: Phase[Any]) -> Any:
        """Act once, and return what was observed."""
        return phase.act(self.context(phase.name))

    def attempts(self, phase: Phase[Any], *failures: type[Exception]) -> Any:
        """Act until it works; each attempt before that ends with its error."""
        for kind in failures:
            with suppress(kind):
                self.attempt(phase)
                raise AssertionError(f"{phase.name} was to end with {kind.__name__}")
        return self.attempt(phase)

    def writes(self, *names: str) -> None:
        """Write objects as restore does, behind one intent."""
        keys = [f"drills/drill-1/{name}" for name in names]
        effects = self.context("restore_state").effects
        with effects.intend("objects.put", f"s3://{BUCKET}/drills/drill-1/#1", {"keys": keys}) as pending:
            for key in keys:
                self.site.put(pending.intent, BUCKET, key, b"content", tags={DRILL_TAG: "drill-1"})
            pending.done(count=len(keys))
