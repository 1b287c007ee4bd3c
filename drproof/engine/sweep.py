"""A sweep removes what dead drills left and what has expired; it needs no folder of any drill.

It holds the lease of the target meanwhile, as a drill does, so that it can never work beside one. What it will remove
is journalled first, and mirrored to the receipt store where one is configured; it is listed twice before that.
"""

import secrets
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, get_args

from drproof.analysis.expiry import Terms
from drproof.analysis.ownership import refuse_too_many
from drproof.engine.clock import SystemClock
from drproof.engine.criteria import settings_of
from drproof.engine.effects import JournalledEffects
from drproof.engine.lease import Lease, give_back, look
from drproof.engine.opening import assert_sites
from drproof.engine.patience import Patience
from drproof.engine.places import rooted
from drproof.engine.preparation import tool
from drproof.engine.settings import EMBEDDED, find_file, resolve
from drproof.engine.sweep_decisions import DUE, Looked, item_of, looked
from drproof.engine.sweep_documents import Decision, SweepRecord, SweptItem
from drproof.engine.sweep_evidence import Evidence
from drproof.engine.sweep_find import lease_place, objects, tagged
from drproof.engine.sweep_states import States
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
from drproof.model.errors import DrproofError, LeaseError, NotFoundError, TargetError, UnansweredError
from drproof.model.settings import Settings
from drproof.targets.sites import AwsTarget

MOST = 1_000
LIMIT = "--max-deletions"
MACHINE = "instance"
LAST = frozenset({"state", "lock"})
"""What goes once everything else has."""
ORDER = {decision: number for number, decision in enumerate(get_args(Decision))}
"""What somebody has to look at comes first."""
ENDING_MS = 600_000
PHASE = "sweep"
NEEDED = ("target", "sites.", "recovery.bucket", "recovery.prefix", "recovery.provisioner.state_")


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a sweep is to do."""

    drill: str = ""
    """The only drill whose things may go; empty for all."""
    older_than_ms: int = 0
    max_deletions: int = MOST
    yes: bool = False
    """Whether anything is removed; without it, a sweep only tells."""


def sweep_settings(options: Mapping[str, Any], environment: Mapping[str, str], directory: Path) -> Settings:
    """Return the settings of the target that is swept.

    Raises:
        Refusal: one of them is missing or wrong.
    """
    resolved = resolve(options, environment, find_file(directory), needed=NEEDED, directory=directory)
    return rooted(settings_of(resolved, no_retry=False), directory)


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
    found, obstacle = hand.look(), ""
    items = tuple(item_of(one) for one in found)
    due = [one for one in found if one.decision == DUE]
    if due and asked.yes:
        items, obstacle = hand.remove(due, items)
    leases, unread = hand.leases_told()
    record = SweepRecord(
        sweep_id=sweep_id,
        mode="rehearsal" if settings.target == EMBEDDED else "live",
        dry_run=not asked.yes,
        started_at=started,
        ended_at=clock.now(),
        account_id=recovery.account_id,
        region=recovery.region,
        caller=caller,
        drill=asked.drill,
        older_than_ms=asked.older_than_ms,
        max_deletions=asked.max_deletions,
        items=tuple(sorted((*items, *leases), key=lambda item: ORDER[item.decision])),
        obstacle=obstacle or unread,
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
        self._masker = Redactor(target.secrets)
        self._patience = Patience(settings.limits, self._clock)
        self._evidence = Evidence(target.receipts, settings.storing, self._patience)
        self._tried: set[tuple[str, str, str, str]] = set()
        """What it set out to remove."""

    def look(self) -> list[Looked]:
        """Return what carries a mark, each with what is to become of it and why; one without an answer begins anew.

        Raises:
            TargetError: the platform does not say, however often it is asked.
        """
        return self._patience.ask(self._looked)

    def _looked(self) -> list[Looked]:
        terms = Terms(
            account_id=self._settings.sites.recovery.account_id,
            now=self._clock.now(),
            older_than_ms=self._asked.older_than_ms,
        )
        # What a state names is read first: by it a machine is told from one with copied tags.
        states = States(self._target, self._settings, self._evidence)
        found = [
            *tagged(self._target, self._settings, self._evidence),
            *states.roles(),
            *objects(self._target, self._settings, self._evidence, self._patience),
            *states.states(),
            *states.locks(),
        ]
        return [looked(one, terms) for one in found if one.unread or self._asked.drill in {"", one.claimed.drill}]

    def leases_told(self) -> tuple[tuple[SweptItem, ...], str]:
        """Return the lease of others, or why nobody could ask for it once something was removed."""
        try:
            return self.leases(), ""
        except TargetError as exc:
            if not self._tried:
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

    def remove(self, due: Iterable[Looked], items: tuple[SweptItem, ...]) -> tuple[tuple[SweptItem, ...], str]:
        """Remove what two looks show as due, look again, and return what came of each thing, and what ended it early.

        Raises:
            GuardError: by the second look, it is more than may be removed; nothing was removed.
            TargetError: the platform did not say what is there; nothing was removed.
        """
        most = self._asked.max_deletions
        refuse_too_many("things", range(sum(one.candidate.count for one in due)), most, LIMIT)
        self._folder.mkdir(parents=True, exist_ok=True)
        problems: dict[tuple[str, str], str] = {}
        with Journal(self._folder / f"{self._id}.journal.log") as journal:
            lease = self._lease()
            effects = self._effects(journal, lambda: None)
            try:
                with effects.intend("lease.take", lease.uri) as pending:
                    lease.take(pending.intent)
            except LeaseError as exc:
                return items, _first_line(exc)
            try:
                keys = {one.key for one in due}
                # Nobody held the target at the first look: what is there now counts, and all of it.
                planned = [one for one in self.look() if one.decision == DUE and one.key in keys]
                refuse_too_many("things", range(sum(one.candidate.count for one in planned)), most, LIMIT)
                self._remove(self._effects(journal, lease.check), planned, problems)
                obstacle = ""
            except LeaseError as exc:
                obstacle = _first_line(exc)
            except TargetError as exc:
                if not self._tried:
                    raise
                obstacle = _first_line(exc)
            finally:
                # Where that cannot be written down it runs out: a process that is kept would renew it for ever.
                lease.stop()
                give_back(lease, effects, self._patience)
        try:
            there = {one.key: one for one in self.look()}
        except TargetError as exc:
            obstacle = obstacle or _first_line(exc)
            return tuple(self._unseen(item, problems, obstacle) for item in items), obstacle
        return tuple(_ended(item, there, problems, ended_early=bool(obstacle)) for item in items), obstacle

    def _unseen(self, item: SweptItem, problems: Mapping[tuple[str, str], str], obstacle: str) -> SweptItem:
        """Return an item after whose removal nobody could look: what was begun is not said to be gone."""
        if (item.kind, item.identity, item.drill, item.expires_at) not in self._tried:
            return item
        why = problems.get((item.kind, item.identity), f"whether it is gone is not known: {obstacle}")
        return replace(item, decision="failed", why=why)

    def _effects(self, journal: Journal, allowed: Callable[[], None]) -> JournalledEffects:
        return JournalledEffects(
            journal, drill_id=self._id, phase=PHASE, allowed=allowed, masker=self._masker, announced=self._mirror
        )

    def _remove(
        self, effects: JournalledEffects, planned: Sequence[Looked], problems: dict[tuple[str, str], str]
    ) -> None:
        """Remove what is planned, in the order in which it can go; what fails keeps nothing else from being removed."""
        machines = [one for one in planned if one.kind == MACHINE]
        ended = [one.identity for one in machines if self._removed(effects, one, problems)]
        for identity in ended:
            wait = partial(self._target.recovery.fleet.wait_until, identity, "terminated", timeout_ms=ENDING_MS)
            try:
                self._patience.ask(wait)
            except NotFoundError:
                continue
            except TargetError as exc:
                problems[MACHINE, identity] = _first_line(exc)
        # What hangs on a machine went with it, and a state goes once all that it stands for is gone: each time anew.
        for last in (False, True):
            now = {one.key: one for one in self.look() if one.decision == DUE}
            for one in planned:
                if one.kind == MACHINE or (one.kind in LAST) is not last or one.key not in now:
                    continue
                if waits := now[one.key].candidate.waits:
                    problems[one.kind, one.identity] = f"what it stands for is still there: {waits}"
                    continue
                # Of objects exactly those that were counted go, whatever lies beside them by now.
                self._removed(effects, now[one.key] if last else one, problems)

    def _removed(self, effects: JournalledEffects, one: Looked, problems: dict[tuple[str, str], str]) -> bool:
        """Remove one thing, and return whether the platform took that."""
        claimed, count = one.candidate.claimed, one.candidate.count
        details = {"drill": claimed.drill, "expires_at": claimed.expires_at, "count": count}
        try:
            with effects.intend(f"sweep.{one.kind}", one.identity, details) as pending:
                self._tried.add(one.key)
                one.candidate.remove(pending.intent)
        except LeaseError:
            raise
        except (UnansweredError, NotFoundError):
            # Whether it is gone, the next look says.
            return one.kind == MACHINE
        except DrproofError as exc:
            problems[one.kind, one.identity] = _first_line(exc)
            return False
        return True

    def _lease(self) -> Lease:
        where = self._settings.recovery.provisioner
        return Lease(
            self._target.recovery.objects,
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


def _ended(
    item: SweptItem,
    there: Mapping[tuple[str, str, str, str], Looked],
    problems: Mapping[tuple[str, str], str],
    *,
    ended_early: bool,
) -> SweptItem:
    """Return an item with what came of it: a removal that is not seen in a later look did not happen."""
    now = there.get((item.kind, item.identity, item.drill, item.expires_at))
    problem = problems.get((item.kind, item.identity), "")
    if item.decision != DUE:
        return item
    if now is None and not problem:
        return replace(item, decision="removed")
    if ended_early and not problem:
        # Nobody tried.
        return item
    # What a platform refused is not gone, even where a listing does not show it any more.
    why = problem or "it is still there after its removal"
    return replace(item, decision="failed", why=why, next_step=now.candidate.next_step if now is not None else "")
