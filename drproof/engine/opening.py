"""Opening a run, and opening it again from another process.

The order is the point: plan and criteria are on disk before the target is taken, and a guardian watches before
anything can be left behind. Whatever goes wrong here leaves nothing.
"""

import contextlib
import os
import secrets
import shutil
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from drproof.engine import digest_keys, kubeconfig
from drproof.engine import world as worlds
from drproof.engine.clock import SystemClock, instant
from drproof.engine.effects import effects_of
from drproof.engine.guardian import Guardian
from drproof.engine.keys import PAUSE_MS, Sealer, rehearsal_signer
from drproof.engine.lease import Lease
from drproof.engine.lifetime import refuse_short_lived
from drproof.engine.patience import PASSING, Patience
from drproof.engine.preparation import EXPIRES_AFTER, Prepared, tool
from drproof.engine.private import Handover, Private
from drproof.engine.record import Record
from drproof.engine.refusal import Refusal, refuse
from drproof.engine.settings import EMBEDDED
from drproof.engine.skew import refuse_a_clock_ahead
from drproof.engine.taking import sealed_before
from drproof.engine.taking import take_lease as _take_lease
from drproof.evidence.bundle import Bundle, sealed_opening, write_atomic
from drproof.evidence.canonical import canonical, digest
from drproof.evidence.integrity import OPENING, PLAN
from drproof.evidence.journal import Journal
from drproof.evidence.journal import read as read_journal
from drproof.evidence.redaction import Redactor
from drproof.evidence.withheld import keep
from drproof.model.capabilities import Target
from drproof.model.codec import encode
from drproof.model.context import DRILL_TAG, Effect
from drproof.model.criteria import Sites
from drproof.model.errors import DrproofError, GuardError, JournalError, TargetError
from drproof.model.settings import Settings
from drproof.targets import open_target, take_over
from drproof.targets.embedded import World
from drproof.targets.signers import FILE


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """Everything that a run holds while it is open."""

    directory: Path
    record: Record
    journal: Journal
    masker: Redactor
    target: Target
    handover: Handover
    private: Private
    lease: Lease | None
    guardian: Guardian | None
    world: World | None
    inherited: tuple[Effect, ...]
    """The effects of the windows before this one."""

    def assert_sites(self) -> None:
        """Ask both sites again whom they take us for; `GuardError` when it is not as planned."""
        assert_sites(self.target, self.record.plan.criteria.sites)

    def keep_the_worlds_word(self) -> None:
        """Keep what the embedded world itself says of the run: every call it answered, and what exists in it now."""
        if self.world is None:
            return
        for name, content in (("calls", self.world.calls()), ("inventory", self.world.inventory())):
            keep(self.directory, f"evidence/world.{name}.json", canonical(content), self.masker)

    def let_go(self, *, keep: bool) -> None:
        """Remove what only a later process would need, or keep it for that process."""
        if keep:
            if self.world is not None:
                self.world.keep(worlds.KEPT_SECONDS)
            self.private.release()
            return
        let_go(self.private, self.handover)


def let_go(private: Private, handover: Handover) -> None:
    """End the embedded world of a run, and remove its private folder and those of the windows before it."""
    if handover.world:
        with contextlib.suppress(TargetError):
            # A world that has ended already is as wanted.
            worlds.again(handover.world).stop()
    private.remove()
    for journal in handover.journals:
        # What the earlier windows kept for this one has no reader any more.
        Private.of(Path(journal).parent).discard()


def open_run(prepared: Prepared, *, held: Lease | None = None, leased: bool = True) -> Opened:
    """Write the plan down and take the target; not where the caller has its lease, or is not `leased` at all.

    Raises:
        Refusal: the disk cannot be written, the target is not what the settings say, or another drill holds it.
    """
    directory = prepared.directory
    private = Private.of(directory)
    with contextlib.ExitStack() as undo:
        _make_folders(directory, private, undo)
        world, handover = _world_and_handover(prepared, private, undo)
        target = _checked_target(prepared, private, world, handover.origin)
        if prepared.plan.mutates:
            kubeconfig.take_over(prepared, target)
        if prepared.prior is not None:
            take_over(private.path, Private.of(prepared.prior.directory).path)
        handover = _lasting(handover, prepared, private, target)
        private.hand_over(handover)
        masker = Redactor(_secrets(target, mutates=prepared.plan.mutates), salt=private.salt())
        inherited = inherited_effects(handover)
        record = write_plan(prepared, directory, masker, _sealer(prepared.settings, target))
        with _disk(directory):
            journal = Journal(directory / "journal.log")
        undo.callback(journal.close)
        clock = SystemClock()
        journal.append({"at": clock.now(), "kind": "opened", "drill": prepared.drill_id, "opening": record.opening})
        guardian = Guardian.start(directory, private.path) if prepared.teardown_is_armed else None
        if guardian is not None:
            undo.callback(guardian.dismiss)
        lease = held
        if prepared.plan.mutates and leased:
            ended = sealed_before(prepared)
            lease = _take_lease(handover, target, journal, prepared.drill_id, ended=ended)
        undo.pop_all()
    return Opened(
        directory=directory,
        record=record,
        journal=journal,
        masker=masker,
        target=target,
        handover=handover,
        private=private,
        lease=lease,
        guardian=guardian,
        world=world,
        inherited=inherited,
    )


def _secrets(target: Target, *, mutates: bool) -> tuple[str, ...]:
    return (*target.secrets, *(target.recovery.clusters.secrets() if mutates else ()))


def inherited_effects(handover: Handover) -> tuple[Effect, ...]:
    """Return the effects of the windows before this one.

    Raises:
        Refusal: a journal is gone or damaged: nobody knows what that window created.
    """
    effects: list[Effect] = []
    for path in map(Path, handover.journals):
        try:
            effects += effects_of(read_journal(path, must_exist=True))
        except JournalError as exc:
            raise refuse(
                f"{exc}: nobody knows what that window created",
                next_step=f"look for what carries the tag {DRILL_TAG}={handover.origin}, and remove it",
            ) from exc
    return tuple(effects)


def reopen(  # noqa: PLR0913 — what a run is taken up with
    directory: Path,
    private: Private,
    bundle: Bundle,
    settings: Settings,
    *,
    mutates: bool,
    held: Lease | None = None,
    leased: bool = True,
    checked: Callable[[Target], None] = lambda _: None,
) -> Opened:
    """Take up a run that another process left; `private` is locked by the caller, who may hold the lease already.

    `checked` refuses the target before anything of it is taken.

    Raises:
        TargetError: the target is gone.
        LeaseError: another drill holds it by now.
    """
    handover = private.handover()
    world = worlds.again(handover.world) if handover.world else None
    target = _target(settings, private, world, handover.origin)
    checked(target)
    inherited = inherited_effects(handover)
    masker = Redactor(_secrets(target, mutates=mutates), salt=private.salt())
    record = Record.of(bundle, masker, _sealer_again(settings, target))
    journal = Journal(directory / "journal.log")
    lease = held
    if mutates and leased:
        lease = _take_lease(handover, target, journal, record.plan.drill_id)
    return Opened(
        directory=directory,
        record=record,
        journal=journal,
        masker=masker,
        target=target,
        handover=handover,
        private=private,
        lease=lease,
        guardian=None,
        world=world,
        inherited=inherited,
    )


def assert_sites(target: Target, sites: Sites, *, sides: Iterable[str] = ("primary", "recovery")) -> None:
    """Compare whom both sites take us for with the plan.

    Raises:
        GuardError: wrong account or region; nothing may be changed.
    """
    for side in sides:
        site, expected = getattr(target, side), getattr(sites, side)
        caller = site.identity.caller()
        got = (caller.account_id, caller.region)
        wanted = (expected.account_id, expected.region)
        if got != wanted:
            msg = (
                f"the {side} site answers from account {got[0]} in {got[1]}; "
                f"expected account {wanted[0]} in {wanted[1]}"
            )
            raise GuardError(msg)


def _make_folders(directory: Path, private: Private, undo: contextlib.ExitStack) -> None:
    if directory.exists():
        raise refuse(
            f"{directory} exists already", expected="a run id that is not taken", next_step="choose another --run-id"
        )
    with _disk(directory):
        if not directory.parent.exists():
            directory.parent.mkdir(parents=True)
            undo.callback(_remove_if_empty, directory.parent)
        directory.mkdir()
        undo.callback(shutil.rmtree, directory, ignore_errors=True)
        private.create()
        undo.callback(private.remove)
        for name in ("receipts", "checkpoints", "evidence", "logs"):
            (directory / name).mkdir()


def _remove_if_empty(folder: Path) -> None:
    with contextlib.suppress(OSError):
        folder.rmdir()


@contextlib.contextmanager
def _disk(directory: Path) -> Iterator[None]:
    """Turn what a disk says into a refusal."""
    try:
        yield
    except (OSError, DrproofError) as exc:
        raise refuse(
            f"{directory} cannot be written: {exc}",
            expected="a folder on a disk with free space",
            got="nothing was changed",
            next_step="the same command with --reports-dir <another folder>",
        ) from exc


def _world_and_handover(
    prepared: Prepared, private: Private, undo: contextlib.ExitStack
) -> tuple[World | None, Handover]:
    earlier = Private.of(prepared.prior.directory).handover() if prepared.prior is not None else None
    world: World | None = None
    folder = ""
    if prepared.settings.target == EMBEDDED:
        scenario = prepared.scenario.name if prepared.scenario else ""
        try:
            if earlier is not None:
                folder, world = earlier.world, worlds.again(earlier.world)
            elif given := worlds.given(os.environ):
                folder, world = given, worlds.again(given)
            else:
                folder = str(private.path / "world")
                world = worlds.begin(Path(folder), scenario)
                undo.callback(world.stop)
        except TargetError as exc:
            raise Refusal(str(exc)) from exc
    journals: tuple[str, ...] = ()
    if prepared.prior is not None and earlier is not None:
        journals = (*earlier.journals, str(prepared.prior.directory / "journal.log"))
    handover = Handover(
        settings=prepared.settings,
        reports=str(prepared.reports),
        values=encode(prepared.values),
        origin=earlier.origin if earlier is not None else prepared.drill_id,
        journals=journals,
        world=folder,
        expires_at=instant(datetime.now(UTC) + EXPIRES_AFTER + _waits(prepared)),
        key=earlier.key if earlier is not None else secrets.token_hex(32),
    )
    return world, handover


def _lasting(handover: Handover, prepared: Prepared, private: Private, target: Target) -> Handover:
    """Return the handover with a key that another machine can make anew, where there is something to make it from."""
    try:
        return digest_keys.lasting(handover, prepared.drill_id, private, target)
    except (DrproofError, OSError) as exc:
        raise refuse(
            f"the drill's digest key cannot be made: {exc}", next_step="mend receipts.digest_key in drproof.toml"
        ) from exc


def _waits(prepared: Prepared) -> timedelta:
    """Return how long the run may wait for people."""
    return timedelta(milliseconds=prepared.criteria.approval.within_ms)


def _checked_target(prepared: Prepared, private: Private, world: World | None, origin: str) -> Target:
    """Return the target, once both sites have said who they take us for."""
    try:
        target = _target(prepared.settings, private, world, origin)
        patience = Patience(prepared.settings.limits, SystemClock())
        patience.ask(lambda: assert_sites(target, prepared.settings.sites))
    except PASSING as exc:
        raise refuse(f"a site does not answer: {exc}", next_step="run the same command again") from exc
    except (GuardError, TargetError) as exc:
        raise refuse(str(exc), next_step="use the credentials of the account that the settings name") from exc
    if prepared.plan.mutates:
        if prepared.mode == "live":
            limits, now = prepared.settings.limits, SystemClock().now()
            for site in (target.primary, target.recovery):
                refuse_short_lived(
                    site.identity.expires_at(), prepared.coverage.run, limits, now=now, waits=_waits(prepared)
                )
        if any(phase.mutates and not phase.removes for phase in prepared.coverage.run):
            refuse_a_clock_ahead(target.recovery.identity, prepared.settings.limits)
        try:
            _ = target.recovery.provisioner.version if prepared.coverage.provisions else ""
        except (ValueError, TargetError) as exc:
            raise refuse(str(exc), next_step="mend [recovery.provisioner] in drproof.toml") from exc
    return target


def _target(settings: Settings, private: Private, world: World | None, origin: str) -> Target:
    return open_target(settings, world.endpoint if world is not None else None, directory=private.path, origin=origin)


def _sealer(settings: Settings, target: Target) -> Sealer:
    """Return what signs; a rehearsal makes the project's own key when it first needs it."""
    uri = settings.signing.signer
    if not uri:
        return Sealer()
    try:
        if settings.signing.own:
            rehearsal_signer(Path(uri.removeprefix(FILE)).parent)
        return Sealer((target.recovery.signer(uri),), pause_ms=min(PAUSE_MS, settings.limits.backoff_ms))
    except (DrproofError, OSError) as exc:
        raise refuse(f"the run cannot be signed: {exc}", next_step="name a key that can be used with --signer") from exc


def _sealer_again(settings: Settings, target: Target) -> Sealer:
    """Return what signs the rest of a run; a key that is out of reach must not keep it from being torn down."""
    try:
        signers = (target.recovery.signer(settings.signing.signer),) if settings.signing.signer else ()
        return Sealer(signers, pause_ms=min(PAUSE_MS, settings.limits.backoff_ms))
    except (DrproofError, OSError) as exc:
        sealer = Sealer()
        sealer.failure = f"it could not be signed: {exc}".partition("\n")[0]
        return sealer


def write_plan(prepared: Prepared, directory: Path, masker: Redactor, sealer: Sealer) -> Record:
    """Write the plan and its opening, and return the record that begins with them."""
    document = prepared.document(nonce=secrets.token_hex(32), created_at=SystemClock().now(), tool=tool())
    data = canonical(encode(document))
    if hits := masker.scan(data):
        raise refuse(
            f"the plan would hold what is like a secret: {', '.join(f'{hit.where} ({hit.rule})' for hit in hits)}",
            expected="a plan that everybody may read: it is part of the bundle",
            got="nothing was changed",
            next_step="mend that setting in drproof.toml, then run the same command",
        )
    with _disk(directory):
        write_atomic(directory / PLAN, data)
    opening = sealer.seal(lambda signers: sealed_opening(document, plan_digest=digest(data), signers=signers))
    if sealer.failure:
        raise refuse(sealer.failure, next_step="name a key that can be used with --signer")
    with _disk(directory):
        write_atomic(directory / OPENING, opening)
    return Record.begin(directory, document, digest(opening), masker, sealer)
