"""The remote state that a dead drill left, what it alone names, and the locks beside it."""

import re
import shlex
from collections.abc import Callable, Iterator
from typing import TypeVar

from drproof.analysis.expiry import Claimed
from drproof.engine.patience import PASSING
from drproof.engine.sweep_evidence import Evidence
from drproof.engine.sweep_find import Candidate
from drproof.evidence.integrity import CLOSING
from drproof.evidence.stored import place_of
from drproof.formats import s3_uri
from drproof.formats.receipt_names import name_of
from drproof.formats.remote_states import DIRECT_SUFFIX
from drproof.model.capabilities import Intent
from drproof.model.context import DRILL_TAG, EXPIRES_TAG
from drproof.model.errors import TargetError
from drproof.model.machines import Resource
from drproof.model.settings import Settings
from drproof.phases.recovery.by_hand import of_a_state
from drproof.targets.provisioners.place import (
    LOCK_SUFFIX,
    MACHINE,
    OWN_LOCK,
    Lock,
    Place,
    State,
    Thing,
    lock_of,
)
from drproof.targets.sites import AwsTarget

Read = TypeVar("Read")
UNREADABLE, STATE, LOCK = "StateUnreadable", "state", "lock"
BUILT_IN = "terraform_data"
"""What stands for nothing of its own: the machine of the built-in module, the image of the shipped one."""

ATTACHED, GROUP = "aws_iam_role_policy_attachment", "aws_security_group"
THE_ROLE, THE_PROFILE = "aws_iam_role", "aws_iam_instance_profile"
KNOWN = frozenset({BUILT_IN, MACHINE, GROUP, ATTACHED, THE_ROLE, THE_PROFILE})
"""All that a state of drproof's own modules can hold; a sweep looks after each of them on the platform itself."""

IDENTITIES = {MACHINE: re.compile(r"i-[0-9a-f]{8,17}"), GROUP: re.compile(r"sg-[0-9a-f]{8,17}")}
"""How the platform calls what it is asked for one by one; of another name it says that there is no such thing."""


class States:
    """The states and the locks of one target, as one look found them."""

    def __init__(self, target: AwsTarget, settings: Settings, evidence: Evidence) -> None:
        """Read them."""
        self._target = target
        self._settings = settings
        self._evidence = evidence
        where = settings.recovery.provisioner
        place = Place(
            target.recovery.objects,
            target.recovery.fleet,
            bucket=where.state_bucket,
            key=where.state_key,
            region=settings.sites.recovery.region,
            lock_table=where.lock_table,
            origin="",
            ending_ms=0,
        )
        self._place = place
        self._cannot_be_read: list[Candidate] = []
        self._direct = self._read(place.direct, DIRECT_SUFFIX, STATE) or State()
        self._terraform = self._read(place.terraform, "", STATE) or State()
        self._lock, self._noted = self._read(place.lock, LOCK_SUFFIX, LOCK), self._in_the_table()
        self._there: list[str] = []
        """What only Terraform's state names and the platform still has."""
        self._unread: list[str] = []
        evidence.take((self._direct, self._terraform))

    def _read(self, read: Callable[[], Read], suffix: str, kind: str) -> Read | None:
        """Return what lies beside the others; what nobody can read keeps no machine from being ended, and is told."""
        try:
            return read()
        except TargetError as exc:
            if exc.code != UNREADABLE:
                raise
            where = self._settings.recovery.provisioner
            key, region = where.state_key + suffix, self._settings.sites.recovery.region
            words = ("aws", "s3api", "list-object-versions", "--region", region)
            look = shlex.join((*words, "--bucket", where.state_bucket, "--prefix", key))
            self._cannot_be_read.append(
                Candidate(
                    kind=kind,
                    identity=f"s3://{where.state_bucket}/{key}",
                    claimed=self._claimed("", ""),
                    unread=f"what it holds nobody can read: {str(exc).partition(chr(10))[0]}",
                    next_step=f"{look}, and restore the last version that can be read",
                )
            )
            return None

    def roles(self) -> Iterator[Candidate]:
        """Yield the instance profile and the role that Terraform's state names, in the order in which they can go."""
        state, roles = self._terraform, self._target.recovery.machine_roles
        for thing in () if self._is_strange else state.called(THE_PROFILE):

            def remove_profile(intent: Intent, thing: Thing = thing) -> None:
                roles.remove_profile(intent, thing.identity, thing.role)

            yield from self._role(thing, roles.profile, remove_profile)
        for thing in () if self._is_strange else state.called(THE_ROLE):
            attached = [one.policy for one in state.called(ATTACHED) if one.role == thing.identity]

            def remove_role(intent: Intent, thing: Thing = thing, attached: list[str] = attached) -> None:
                roles.remove_role(intent, thing.identity, attached)

            yield from self._role(thing, roles.role, remove_role)

    def states(self) -> Iterator[Candidate]:
        """Yield both states, where they hold something, and what of them and their lock cannot be read."""
        yield from self._cannot_be_read
        where, objects = self._settings.recovery.provisioner, self._target.recovery.objects
        for key, state in ((where.state_key + DIRECT_SUFFIX, self._direct), (where.state_key, self._terraform)):
            if not state.identities:
                continue

            def remove(intent: Intent, key: str = key, etag: str = state.etag) -> None:
                objects.delete_unchanged(intent, where.state_bucket, key, if_match=etag)

            held, next_step = self._held(state)
            yield Candidate(
                kind=STATE,
                identity=f"s3://{where.state_bucket}/{key}",
                claimed=self._claimed(state.origin, state.expires_at),
                remove=remove,
                left="" if state.origin else self._of_nobody(state, key),
                doubt=self._evidence.unknown(state.origin) if state.origin else "",
                held=held,
                waits="" if held else self._waits(state),
                next_step=next_step or self._teardown(state.origin),
            )

    def locks(self) -> Iterator[Candidate]:
        """Yield the lock beside the state and the one in the table, where somebody holds them."""
        if self._lock is not None:
            yield self._beside(self._lock)
        if self._noted is not None:
            # Items of a table carry no tags: whose it is, and when it may go, nobody can say.
            yield Candidate(
                kind=LOCK,
                identity=self._noted_at,
                claimed=self._claimed("", ""),
                left=f"no drill wrote it: {self._unlocked_by_hand(self._noted, beside=False)}",
            )

    def _of_nobody(self, state: State, key: str) -> str:
        """Return what a state without any mark holds, with the command for whoever knows that nobody needs it."""
        where, region = self._settings.recovery.provisioner, self._settings.sites.recovery.region
        step = of_a_state(state.identities, bucket=where.state_bucket, key=key, region=region)
        held = ", ".join(state.identities)
        return f"it does not say which drill it is of, and none works beside it: {held}; if nobody needs that: {step}"

    @property
    def _is_strange(self) -> bool:
        return not self._terraform.origin or bool(_other_kinds(self._terraform))

    def _role(
        self, thing: Thing, look: Callable[[str], Resource | None], remove: Callable[[Intent], None]
    ) -> Iterator[Candidate]:
        """Yield what a state names and no listing by tag shows; its own tags have to agree with the state."""
        state = self._terraform
        try:
            found = look(thing.identity)
        except TargetError as exc:
            # Whoever may not look at roles removes the machine all the same.
            self._unread.append(f"{thing.address}: {str(exc).partition(chr(10))[0]}")
            return
        if found is None:
            return
        self._there.append(thing.address)
        drill = found.tags.get(DRILL_TAG, "")
        doubt = "" if drill == state.origin else f"its tag names drill {drill or 'none'}, and the state {state.origin}"
        yield Candidate(
            kind=found.kind,
            identity=found.identity,
            claimed=Claimed(
                drill=state.origin,
                expires_at=found.tags.get(EXPIRES_TAG, "") or state.expires_at,
                account_id=found.account_id,
            ),
            remove=remove,
            doubt=self._evidence.unknown(state.origin) or doubt,
            next_step=self._teardown(state.origin),
        )

    def _held(self, state: State) -> tuple[str, str]:
        """Return why a sweep may not remove a state, with the command for that; nothing where it may."""
        if others := _other_kinds(state):
            kinds = ", ".join(others)
            return f"it holds {kinds}, which a sweep cannot take away", self._teardown(state.origin)
        if nameless := _nameless(state):
            named = ", ".join(nameless)
            return f"it does not say which machine or group is {named}: nobody can look for it", self._teardown(
                state.origin
            )
        if unread := next((one for one in self._cannot_be_read if one.kind == LOCK), None):
            return f"whether it is locked is not known: {unread.unread}", unread.next_step
        other = self._noted or self._lock
        if other is not None and other.info != OWN_LOCK + state.origin:
            return (
                f"lock {other.id} of {other.who} is held",
                self._unlocked_by_hand(other, beside=other is not self._noted),
            )
        if state is self._terraform and self._unread:
            return f"whether all of it is gone is not known: {self._unread[0]}", self._teardown(state.origin)
        return "", ""

    def _waits(self, state: State) -> str:
        """Return what of a state is still there on the platform, whatever it carries there by now."""
        fleet = self._target.recovery.fleet
        there = [one.address for one in state.called(MACHINE) if fleet.is_there("instance", one.identity)]
        there += [one.address for one in state.called(GROUP) if fleet.is_there("security-group", one.identity)]
        if state is self._terraform:
            there += self._there
        if not state.called(MACHINE):
            # The built-in module's machine is no resource of its state.
            there += self._evidence.machines_of(state.origin)
        return ", ".join(there)

    def _teardown(self, drill: str) -> str:
        """Return the command by which whoever has the drill's journals removes what is left of it."""
        storing = self._settings.storing
        by_hand = f"pytest -m drill --start-at teardown --receipt-dir reports/{drill}"
        if storing is None or self._evidence.unknown(drill):
            return by_hand
        folder = place_of(storing, drill)
        place = s3_uri.parse(folder)
        closed = self._target.receipts.holds(place.bucket, place.join(name_of(CLOSING)))
        return by_hand if closed else f"drproof resume {folder}"

    def _claimed(self, drill: str, expires_at: str) -> Claimed:
        return Claimed(drill=drill, expires_at=expires_at, account_id=self._settings.sites.recovery.owner)

    def _in_the_table(self) -> Lock | None:
        """Return who holds the lock in the table; None where nobody does, or no table is named."""
        where = self._settings.recovery.provisioner
        if not where.lock_table:
            return None
        tables = self._target.recovery.readiness.lock_tables
        try:
            note = tables.note(where.lock_table, f"{where.state_bucket}/{where.state_key}")
        except PASSING:
            raise
        except TargetError as exc:
            # Whoever may not look there ends the machine all the same, and lets the state be.
            self._cannot_be_read.append(
                Candidate(
                    kind=LOCK,
                    identity=self._noted_at,
                    claimed=self._claimed("", ""),
                    unread=f"whether Terraform's lock is held there nobody can read: {str(exc).partition(chr(10))[0]}",
                    next_step="allow dynamodb:GetItem on the table to the caller of the sweep, or mend "
                    "recovery.provisioner.lock_table in drproof.toml (lock_table of the reaper's module)",
                )
            )
            return None
        return lock_of(note) if note else None

    @property
    def _noted_at(self) -> str:
        """Where the lock in the table lies."""
        where = self._settings.recovery.provisioner
        return f"dynamodb://{where.lock_table}/{where.state_bucket}/{where.state_key}"

    def _unlocked_by_hand(self, lock: Lock, *, beside: bool) -> str:
        """Return the command that gives a lock back, for whoever knows that its holder is dead."""
        return f"{self._place.unlocked_by_hand(lock, beside=beside)}, if {lock.who} is dead"

    def _beside(self, lock: Lock) -> Candidate:
        """Return the lock: one that names a drill goes as that drill's state does, any other is somebody's."""
        where, objects = self._settings.recovery.provisioner, self._target.recovery.objects
        key = where.state_key + LOCK_SUFFIX
        drill = lock.info.removeprefix(OWN_LOCK) if lock.info.startswith(OWN_LOCK) else ""
        states = (self._terraform, self._direct)
        expires_at = next((one.expires_at for one in states if drill and one.origin == drill and one.expires_at), "")
        if drill and not expires_at:
            expires_at = objects.tags(where.state_bucket, key).get(EXPIRES_TAG, "")

        def remove(intent: Intent) -> None:
            objects.delete_unchanged(intent, where.state_bucket, key, if_match=lock.etag)

        return Candidate(
            kind=LOCK,
            identity=f"s3://{where.state_bucket}/{key}",
            claimed=self._claimed(drill, expires_at),
            remove=remove,
            left="" if drill else f"no drill wrote it: {self._unlocked_by_hand(lock, beside=True)}",
            doubt=self._evidence.unknown(drill) if drill else "",
        )


def _other_kinds(state: State) -> tuple[str, ...]:
    """Return what a state holds that a sweep does not know how to look for, and so must not forget."""
    return tuple(thing.address for thing in state.things if thing.kind not in KNOWN)


def _nameless(state: State) -> tuple[str, ...]:
    """Return what a state holds without a name by which the platform could be asked for it."""
    return tuple(
        thing.address
        for thing in state.things
        if thing.kind in IDENTITIES and not IDENTITIES[thing.kind].fullmatch(thing.identity)
    )
