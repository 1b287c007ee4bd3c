"""A sweep removes what dead drills left and what has expired; it needs no folder of any drill.

It holds the lease of the target meanwhile, as a drill does, so that it can never work beside one. What it will remove
is journalled first, and mirrored to the receipt store where one is configured; it is listed twice before that.
"""

import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from drproof.analysis.expiry import Terms, reason_to_leave
from drproof.analysis.ownership import refuse_too_many
from drproof.engine.clock import SystemClock
from drproof.engine.criteria import settings_of
from drproof.engine.effects import JournalledEffects
from drproof.engine.lease import Lease, look
from drproof.engine.opening import assert_sites
from drproof.engine.places import rooted
from drproof.engine.preparation import tool
from drproof.engine.settings import EMBEDDED, find_file, resolve
from drproof.engine.sweep_documents import SweepRecord, SweptItem
from drproof.engine.sweep_find import Candidate, find, lease_place
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
from drproof.model.errors import DrproofError, LeaseError
from drproof.model.settings import Settings
from drproof.targets.sites import AwsTarget

MOST = 1_000
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
        TargetError: the platform did not say what is there; nothing was removed.
    """
    recovery = settings.sites.recovery
    # The original site is none of a sweep's business: only the one where drills create is asked.
    assert_sites(target, Sites(primary=settings.sites.primary, recovery=recovery), sides=("recovery",))
    clock = SystemClock()
    started = clock.now()
    sweep_id = f"sweep-{datetime.now(UTC):%Y%m%dT%H%M%SZ}-{secrets.token_hex(3)}"
    hand = _Sweep(target, settings, asked, sweep_id, folder)
    decided, obstacle = hand.look(), ""
    due = [one for one, why in decided if not why]
    items = tuple(_item(one, why, "left" if why else "due") for one, why in decided)
    if due and asked.yes:
        refuse_too_many("things", range(sum(one.count for one in due)), asked.max_deletions, "--max-deletions")
        try:
            items = hand.remove(due, items)
        except LeaseError as exc:
            obstacle = str(exc).partition("\n")[0]
    record = SweepRecord(
        sweep_id=sweep_id,
        mode="rehearsal" if settings.target == EMBEDDED else "live",
        dry_run=not asked.yes,
        started_at=started,
        ended_at=clock.now(),
        account_id=recovery.account_id,
        region=recovery.region,
        caller=target.recovery.identity.caller(),
        drill=asked.drill,
        older_than_ms=asked.older_than_ms,
        max_deletions=asked.max_deletions,
        items=(*items, *hand.leases()),
        obstacle=obstacle,
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
        self._announced: dict[str, bool] = {}

    def look(self) -> list[tuple[Candidate, str]]:
        """Return what carries a mark, each with the reason to leave it, or nothing."""
        terms = Terms(
            account_id=self._settings.sites.recovery.account_id,
            now=self._clock.now(),
            older_than_ms=self._asked.older_than_ms,
        )
        found = []
        for one in find(self._target, self._settings):
            drill = one.claimed.drill
            if self._asked.drill and drill != self._asked.drill:
                continue
            known = self._is_announced(drill) if drill and self._settings.storing is not None else None
            found.append((one, reason_to_leave(one.claimed, terms, announced=known) or one.held))
        return found

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

    def remove(self, due: Iterable[Candidate], items: tuple[SweptItem, ...]) -> tuple[SweptItem, ...]:
        """Remove what two listings show as due, look again, and return what came of each thing."""
        self._folder.mkdir(parents=True, exist_ok=True)
        with Journal(self._folder / f"{self._id}.journal.log") as journal:
            lease = self._lease()
            effects = JournalledEffects(
                journal,
                drill_id=self._id,
                phase=PHASE,
                allowed=lambda: None,
                masker=self._masker,
                announced=self._mirror,
            )
            with effects.intend("lease.take", lease.uri) as pending:
                lease.take(pending.intent)
            guarded = JournalledEffects(
                journal,
                drill_id=self._id,
                phase=PHASE,
                allowed=lease.check,
                masker=self._masker,
                announced=self._mirror,
            )
            try:
                problems = self._remove(guarded, {one.key for one in due})
            finally:
                with effects.intend("lease.release", lease.uri) as pending:
                    lease.release(pending.intent)
        left = {(one.kind, one.identity, one.claimed.expires_at) for one, _ in self.look()}
        return tuple(_ended(item, left, problems) for item in items)

    def _remove(self, effects: JournalledEffects, due: set[tuple[str, str, str, str]]) -> dict[tuple[str, str], str]:
        """Remove what is still due in this second listing; what fails keeps nothing else from being removed."""
        problems: dict[tuple[str, str], str] = {}
        ended = []
        for kind in ("instance", ""):
            # What hangs on a machine goes with it: the rest is listed anew once machines have ended.
            for one, why in self.look():
                if why or one.key not in due or one.remove is None or (one.kind == "instance") is not bool(kind):
                    continue
                details = {"drill": one.claimed.drill, "expires_at": one.claimed.expires_at, "count": one.count}
                try:
                    with effects.intend(f"sweep.{one.kind}", one.identity, details) as pending:
                        one.remove(pending.intent)
                    if one.kind == "instance":
                        ended.append(one.identity)
                except LeaseError:
                    raise
                except DrproofError as exc:
                    problems[one.kind, one.identity] = str(exc).partition("\n")[0]
            for identity in ended:
                self._target.recovery.fleet.wait_until(identity, "terminated", timeout_ms=ENDING_MS)
            ended = []
            # A state is held while a machine stands: by now it does not.
            due |= {one.key for one, why in self.look() if not why and one.kind == "state"}
        return problems

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

    def _is_announced(self, drill: str) -> bool:
        storing = self._settings.storing
        if storing is None:
            return False
        if drill not in self._announced:
            place = s3_uri.parse(f"{place_of(storing, drill)}/journal")
            self._announced[drill] = self._target.receipts.holds(place.bucket, f"{place.key}/")
        return self._announced[drill]

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
            self._store(intent, "sweep.json", data)


def _item(one: Candidate, why: str, decision: Any) -> SweptItem:  # noqa: ANN401 — one of four words
    expired = f"drill {one.claimed.drill} expired at {one.claimed.expires_at}"
    return SweptItem(
        kind=one.kind,
        identity=one.identity,
        drill=one.claimed.drill,
        expires_at=one.claimed.expires_at,
        decision=decision,
        why=why or expired,
        count=one.count,
    )


def _ended(item: SweptItem, left: set[tuple[str, str, str]], problems: Mapping[tuple[str, str], str]) -> SweptItem:
    """Return an item with what came of it: a removal that is not seen in a later listing did not happen."""
    there = (item.kind, item.identity, item.expires_at) in left
    if item.decision != "due":
        # A state that was held by a machine goes once the machine has gone.
        return item if there or item.kind != "state" else replace(item, decision="removed", why="its machine is gone")
    if not there:
        return replace(item, decision="removed")
    problem = problems.get((item.kind, item.identity), "it is still there after its removal")
    return replace(item, decision="failed", why=problem)
