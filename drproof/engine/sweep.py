"""A sweep removes what dead drills left and what has expired; it needs no folder of any drill.

It holds the lease of the target meanwhile, as a drill does, so that it can never work beside one. What it will remove
is journalled first, and mirrored to the receipt store where one is configured; it is listed twice before that.
"""

import secrets
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, get_args

from drproof.analysis.expiry import Terms
from drproof.analysis.ownership import refuse_too_many
from drproof.engine.clock import SystemClock
from drproof.engine.effects import JournalledEffects
from drproof.engine.lease import Lease, give_back, look
from drproof.engine.opening import assert_sites
from drproof.engine.patience import PASSING, Patience
from drproof.engine.preparation import tool
from drproof.engine.settings import EMBEDDED
from drproof.engine.sweep_asked import Asked
from drproof.engine.sweep_decisions import DUE, Looked, item_of, looked
from drproof.engine.sweep_documents import Decision, SweepRecord, SweptItem
from drproof.engine.sweep_ends import Course
from drproof.engine.sweep_evidence import Evidence
from drproof.engine.sweep_find import lease_place, tagged
from drproof.engine.sweep_objects import OBJECTS, DrillObjects
from drproof.engine.sweep_states import States
from drproof.engine.sweep_time import (
    ENDING,
    GIVING_BACK,
    LAST_LOOK,
    REMOVAL,
    SECOND_LOOK,
    PlatformTime,
    SweepTime,
    TimeOverError,
)
from drproof.engine.taking import still_runs
from drproof.evidence.bundle import write_atomic
from drproof.evidence.canonical import canonical
from drproof.evidence.journal import Journal
from drproof.evidence.redaction import Redactor
from drproof.evidence.stored import place_of
from drproof.formats import s3_uri
from drproof.model.capabilities import Intent
from drproof.model.codec import encode
from drproof.model.context import DRILL_TAG
from drproof.model.criteria import Sites
from drproof.model.errors import (
    DrproofError,
    LeaseError,
    NotFoundError,
    TargetError,
    ThrottledError,
    UnansweredError,
)
from drproof.model.settings import Settings
from drproof.targets.sites import AwsTarget

LIMIT = "--max-deletions"
MACHINE = "instance"
LAST = frozenset({"state", "lock"})
"""What goes once everything else has."""
ORDER = {decision: number for number, decision in enumerate(get_args(Decision))}
"""What somebody has to look at comes first."""
ENDING_MS = 600_000
PHASE = "sweep"


def sweep(target: AwsTarget, settings: Settings, asked: Asked, folder: Path) -> SweepRecord:
    """Find what has expired, remove it when asked to, and return the record, which is also written into `folder`.

    Raises:
        GuardError: wrong account or region, or more is due than may be removed; nothing was removed.
        TargetError: the platform did not say what is there, and nothing was removed; or the record could not be stored.
    """
    recovery = settings.sites.recovery
    # The original site is none of a sweep's business: only the one where drills create is asked.
    assert_sites(target, Sites(primary=settings.sites.primary, recovery=recovery), sides=("recovery",))
    # Whoever asks at the end may be nobody any more: credentials end.
    clock, caller = SystemClock(), target.recovery.identity.caller()
    started = clock.now()
    sweep_id = f"sweep-{datetime.now(UTC):%Y%m%dT%H%M%SZ}-{secrets.token_hex(3)}"
    hand = _Sweep(target, settings, asked, sweep_id, folder)
    found = hand.look()
    items = tuple(item_of(one) for one in found)
    if asked.yes and any(one.decision == DUE for one in found):
        items = hand.remove(found)
    leases, unread = hand.leases_told()
    record = SweepRecord(
        sweep_id=sweep_id,
        mode="rehearsal" if settings.target == EMBEDDED else "live",
        dry_run=not asked.yes,
        started_at=started,
        ended_at=clock.now(),
        platform_at=hand.platform_at,
        account_id=recovery.account_id,
        region=recovery.region,
        caller=caller,
        drill=asked.drill,
        older_than_ms=asked.older_than_ms,
        max_deletions=asked.max_deletions,
        items=tuple(sorted((*items, *leases), key=lambda item: ORDER[item.decision])),
        obstacle=hand.course.obstacle or unread,
        kept_away=hand.kept_away,
        tool=tool(),
    )
    hand.keep(record)
    return record


class _Sweep:
    """One sweep under way."""

    def __init__(self, target: AwsTarget, settings: Settings, asked: Asked, sweep_id: str, folder: Path) -> None:
        self._target = target
        self._settings = settings
        self._asked = asked
        self._id = sweep_id
        self._folder = folder
        self._clock = SystemClock()
        self._time = SweepTime(self._clock, asked.left_ms())
        if not asked.yes:
            self._time.enter(LAST_LOOK)
        self._masker = Redactor(target.secrets)
        self._patience = Patience(settings.limits, self._clock, self._time.left_ms)
        self.platform_at = self._patience.ask(target.recovery.identity.platform_time)
        self._platform = PlatformTime(self._clock, self.platform_at)
        self._evidence = Evidence(target.receipts, settings.storing, self._patience)
        self._held: Lease | None = None
        self._objects = DrillObjects(
            target,
            settings,
            self._evidence,
            self._patience,
            self._time,
            drill=asked.drill,
            go_on=self._go_on,
        )
        self.course = Course()
        self.kept_away = False
        """Whether somebody else's lease kept it from beginning."""

    def look(self, drills: Collection[str] | None = None) -> list[Looked]:
        """Return what carries a mark, each with what is to become of it and why; one without an answer begins anew.

        Objects are asked for of these drills only, where any are named.

        Raises:
            TargetError: the platform does not say, however often it is asked.
        """
        return self._patience.ask(partial(self._looked, drills))

    def _looked(self, drills: Collection[str] | None) -> list[Looked]:
        terms = Terms(
            account_id=self._settings.sites.recovery.account_id,
            now=self._platform.now(),
            older_than_ms=self._asked.older_than_ms,
        )
        # What a state names is read first: by it a machine is told from one with copied tags.
        states = States(self._target, self._settings, self._evidence)
        found = [
            *tagged(self._target, self._settings, self._evidence),
            *states.roles(),
            *states.states(),
            *states.locks(),
        ]
        # Last, because it takes longest: what is asked again for the sake of another answer costs little.
        if drills is None or drills:
            found += self._objects.look(drills)
        return [looked(one, terms) for one in found if one.unread or self._asked.drill in {"", one.claimed.drill}]

    def leases_told(self) -> tuple[tuple[SweptItem, ...], str]:
        """Return the lease of others, or why nobody could ask for it once something was removed."""
        try:
            return self.leases(), ""
        except TargetError as exc:
            if not self.course.tried:
                raise
            return (), _first_line(exc)

    def leases(self) -> tuple[SweptItem, ...]:
        """Return the lease that somebody holds or left; a dead one is taken over by the next drill, or by a sweep."""
        where = self._settings.recovery.provisioner
        place = s3_uri.parse(lease_place(self._settings))
        found = look(self._target.recovery.objects, where.state_bucket, place.key)
        if found is None or found.holder is None or found.holder.drill_id == self._id:
            return ()
        holder = found.holder
        if self._asked.drill and holder.drill_id != self._asked.drill:
            return ()
        over = found.has_run_out(self._clock.now())
        why = "nobody renews it; the next drill takes it over" if over else "its holder renews it"
        return (
            SweptItem(
                kind="lease",
                identity=str(place),
                drill=holder.drill_id,
                expires_at=holder.expires_at,
                decision="left",
                why=why,
            ),
        )

    def remove(self, found: Sequence[Looked]) -> tuple[SweptItem, ...]:
        """Remove what two looks show as due, look again, and return what came of each thing.

        Raises:
            GuardError: by the second look, it is more than may be removed; nothing was removed.
            TargetError: the platform did not say what is there; nothing was removed.
        """
        most = self._asked.max_deletions
        due, planned = [one for one in found if one.decision == DUE], []
        refuse_too_many("things", range(sum(one.candidate.count for one in due)), most, LIMIT)
        self._folder.mkdir(parents=True, exist_ok=True)
        self._time.enter(SECOND_LOOK)
        with Journal(self._folder / f"{self._id}.journal.log") as journal:
            lease = self._lease()
            effects = self._effects(journal, lambda: None)
            try:
                with effects.intend("lease.take", lease.uri) as pending:
                    self._patience.ask(lambda: lease.take(pending.intent))
            except LeaseError as exc:
                self.kept_away, self.course.obstacle = True, _first_line(exc)
                return tuple(item_of(one) for one in found)
            try:
                keys = {one.key for one in due}
                # Nobody held the target at the first look: what is there now counts, and all of it.
                drills = {one.candidate.claimed.drill for one in due if one.kind == OBJECTS}
                planned = [one for one in self.look(drills) if one.decision == DUE and one.key in keys]
                refuse_too_many("things", range(sum(one.candidate.count for one in planned)), most, LIMIT)
                self._held = lease
                self._remove(self._effects(journal, self._go_on), planned)
            except (LeaseError, TimeOverError) as exc:
                self.course.obstacle = _first_line(exc)
            except TargetError as exc:
                if not self.course.tried:
                    raise
                self.course.obstacle = _first_line(exc)
            finally:
                # Where that cannot be written down it runs out: a process that is kept would renew it for ever.
                lease.stop()
                self._time.enter(GIVING_BACK)
                give_back(lease, effects, self._patience)
        return self._ends(found, {one.key: one for one in planned})

    def _go_on(self) -> None:
        """Return while the lease is held and there is time.

        Raises:
            LeaseError: it was lost.
            TimeOverError: there is none.
        """
        if self._held is not None:
            self._held.check()
        self._time.check()

    def _ends(
        self, found: Sequence[Looked], planned: Mapping[tuple[str, str, str, str], Looked]
    ) -> tuple[SweptItem, ...]:
        """Return what came of each thing, by a last look."""
        self._time.enter(LAST_LOOK)
        items: list[SweptItem] = []
        try:
            there = {(one.kind, one.identity): one for one in self._settled()}
            for one in found:
                if one.decision != DUE:
                    items.append(item_of(one))
                elif one.kind == OBJECTS:
                    newest = planned.get(one.key, one)
                    items += self.course.of_objects(
                        newest, self._patience.ask(partial(self._objects.still, newest.candidate))
                    )
                else:
                    items.append(self.course.of_one(one, there))
        except TargetError as exc:
            self.course.obstacle = self.course.obstacle or _first_line(exc)
            return tuple(self.course.unseen(one) for one in found)
        return tuple(items)

    def _effects(self, journal: Journal, allowed: Callable[[], None]) -> JournalledEffects:
        return JournalledEffects(
            journal, drill_id=self._id, phase=PHASE, allowed=allowed, masker=self._masker, announced=self._mirror
        )

    def _remove(self, effects: JournalledEffects, planned: Sequence[Looked]) -> None:
        """Remove what is planned, in the order in which it can go; what fails keeps nothing else from being removed."""
        self._time.enter(REMOVAL)
        machines = [one for one in planned if one.kind == MACHINE]
        ending = [one for one in machines if self._removed(effects, one)]
        self._time.enter(ENDING)
        for one in ending:
            left = self._time.left_ms()
            timeout_ms = ENDING_MS if left is None else min(ENDING_MS, left)
            wait = partial(self._target.recovery.fleet.wait_until, one.identity, "terminated", timeout_ms=timeout_ms)
            try:
                self._patience.ask(wait)
            except NotFoundError:
                continue
            except TargetError as exc:
                self.course.problems[one.key] = _first_line(exc)
        self._time.enter(REMOVAL)
        # What hangs on a machine went with it, and a state goes once all that it stands for is gone: each time anew.
        for last in (False, True):
            now = {one.key: one for one in self._settled(states=last) if one.decision == DUE}
            for one in planned:
                if one.kind == MACHINE or (one.kind in LAST) is not last:
                    continue
                if one.kind == OBJECTS:
                    # Of objects exactly those that were counted go, whatever lies beside them by now.
                    self._removed(effects, one)
                elif one.key in now:
                    if waits := now[one.key].candidate.waits:
                        self.course.problems[one.key] = f"what it stands for is still there: {waits}"
                        continue
                    self._removed(effects, now[one.key] if last else one)

    def _settled(self, *, states: bool = False) -> list[Looked]:
        """Return what is there, objects aside, once the platform shows no more what it took, or has had its time.

        With `states`, what they wait for counts as well.
        """
        deadline = self._clock.monotonic_ms() + self._settings.limits.recount_ms
        while True:
            found = self.look(())
            taken = self.course.tried - self.course.problems.keys()
            waits = states and not self.course.problems and any(one.candidate.waits for one in found)
            if not waits and not any(one.key in taken for one in found):
                return found
            if self._clock.monotonic_ms() >= deadline or self._time.is_over:
                return found
            self._clock.sleep_ms(self._settings.limits.poll_ms)

    def _removed(self, effects: JournalledEffects, one: Looked) -> bool:
        """Remove one thing, and return whether the platform took that."""
        claimed, count = one.candidate.claimed, one.candidate.count
        details = {"drill": claimed.drill, "expires_at": claimed.expires_at, "count": count}
        # What goes only as it was read must not be taken for changed, because an earlier request was heard after all.
        passing = (ThrottledError,) if one.kind in LAST else PASSING
        try:
            with effects.intend(f"sweep.{one.kind}", one.identity, details) as pending:
                self.course.tried.add(one.key)
                self._patience.ask(lambda: one.candidate.remove(pending.intent), passing=passing)
        except (LeaseError, TimeOverError):
            raise
        except (UnansweredError, NotFoundError):
            # Whether it is gone, the next look says.
            return one.kind == MACHINE
        except DrproofError as exc:
            self.course.problems[one.key] = _first_line(exc)
            if isinstance(exc, TargetError):
                self.course.kept[one.key] = exc.kept
            return False
        return True

    def _lease(self) -> Lease:
        where = self._settings.recovery.provisioner
        return Lease(
            self._target.recovery.leases,
            where.state_bucket,
            where.state_key,
            drill_id=self._id,
            length_ms=self._settings.limits.lease_ms,
            clock=self._clock,
            tags={DRILL_TAG: self._id},
            runs=partial(still_runs, self._target),
        )

    def _mirror(self, record: Mapping[str, Any]) -> None:
        """Store an intent before its effect; a store that does not take it ends the sweep."""
        intent = Intent(**{name: record[name] for name in ("number", "verb", "resource", "token")})
        self._store(intent, f"journal/{record['number']}.json", canonical(dict(record)))

    def _store(self, intent: Intent, name: str, data: bytes) -> None:
        storing = self._settings.storing
        if storing is None:
            return
        place = s3_uri.parse(place_of(storing, self._id))
        self._target.receipts.create(intent, place.bucket, place.join(name), data)

    def keep(self, record: SweepRecord) -> None:
        """Write the record down, and store it; a dry run changes nothing anywhere but in the folder."""
        data = canonical(self._masker.masked(encode(record)))
        self._folder.mkdir(parents=True, exist_ok=True)
        write_atomic(self._folder / f"{self._id}.json", data)
        if not record.dry_run:
            intent = Intent(number=1, verb="sweep.record", resource=self._id, token=self._id)
            try:
                self._store(intent, "sweep.json", data)
            except TargetError:
                # Where the sweep itself was ended by it, the record says so already, and is not lost for that.
                if not record.obstacle:
                    raise


def _first_line(error: DrproofError) -> str:
    return str(error).partition("\n")[0]
