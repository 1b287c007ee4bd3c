"""A run: a plan executed once, from the opening to the closing.

1. Everything is decided and written down (plan, opening), then the target is taken (lease), then phases run.
2. `advance` runs phases in the plan's order up to the one asked for; each ends in a receipt.
3. `close` runs what must run whatever happened, judges, and seals. It is safe to call twice.
"""

import contextlib
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from drproof.engine.attempts import Ending, attempt
from drproof.engine.authors import Author, author
from drproof.engine.clock import SystemClock, told
from drproof.engine.conclusion import Conclusion, conclude_or_say, judge_contract, last_instant
from drproof.engine.context import PhaseContext
from drproof.engine.dating import stamp_or_say
from drproof.engine.effects import JournalledEffects
from drproof.engine.gate import Gate, gate_of
from drproof.engine.lease import Lease, give_back
from drproof.engine.mirror import Mirror, mirror_of
from drproof.engine.obstacles import Obstacle, unmet, unsafe
from drproof.engine.opening import Opened, open_run
from drproof.engine.patience import Patience
from drproof.engine.preparation import Prepared
from drproof.engine.record import Record
from drproof.engine.signals import Signals
from drproof.evidence.journal import Journal
from drproof.evidence.redaction import Redactor
from drproof.model.codec import encode
from drproof.model.errors import DrproofError, JournalError
from drproof.model.phase import Phase
from drproof.model.receipt import Attempt, Cause, Outcome, Receipt
from drproof.model.verdict import Verdict

Listener = Callable[[str, str, Receipt[Any] | None], None]
"""Called with `begin`, `attempt` or `end`, the phase, and at the end its receipt."""


class Run:
    """One run of a prepared plan, in this process."""

    def __init__(self, prepared: Prepared, opened: Opened, *, signals: Signals | None = None) -> None:
        """Take over what was opened; `Run.open` and `resume` are the ways to one."""
        self.prepared = prepared
        self.directory = opened.directory
        self.record: Record = opened.record
        self.clock = SystemClock(not_before=last_instant(opened.record, opened.journal))
        self._patience = Patience(prepared.settings.limits, self.clock)
        self.listeners: list[Listener] = []
        self.watchers: list[Callable[[int, int], None]] = []
        """Told of bytes as they are moved: how many more, and of how many in all, 0 where that is not known."""
        self.signals = signals
        self.undated = self.not_put_away = ""
        """Why the sealed bundle has no trusted time that counts, and why what a later process needs is there; or ""."""
        self.collection = prepared.collection
        """What is handed in by name, or what other processes hand in to be brought together by a phase of this plan."""
        self.opened = opened
        """What this run holds while it is open."""
        self._journal: Journal = opened.journal
        self._masker: Redactor = opened.masker
        self._lease: Lease | None = opened.lease
        self._conclusion: Conclusion | None = None
        self._interruption: BaseException | None = None
        self._ending, self._unwritten = False, set[str]()
        """Whether it is being closed; the phases that ran, and whose receipts the disk did not take."""
        self._broken_off: dict[str, tuple[Attempt, ...]] = {}
        """The attempts of a phase that was broken into and will be run again."""
        self.gate: Gate = gate_of(opened, self.clock)
        self.mirror: Mirror | None = mirror_of(opened, prepared.settings.limits)
        self.record.make_room, self.record.upstream = opened.journal.give_up_reserve, prepared.plan.upstream

    @classmethod
    def open(cls, prepared: Prepared, *, signals: Signals | None = None) -> "Run":
        """Write the plan down, take the target, and return the run; no phase has run yet.

        Raises:
            Refusal: the target is not what the settings say, or another drill holds it; nothing was changed.
        """
        run = cls(prepared, open_run(prepared), signals=signals)
        if prepared.prior is not None:
            for phase in prepared.coverage.inherited:
                run.record.inherit(prepared.prior, phase)
        run._store_receipts()
        return run

    @property
    def redactor(self) -> Redactor:
        """What knows the secrets of this run."""
        return self._masker

    @property
    def provisioner(self) -> str:
        """What brings the recovery machine up in this run, for people; empty when nothing does."""
        if not self.prepared.coverage.provisions:
            return ""
        provisioner = self.opened.target.recovery.provisioner
        return f"provisioner {provisioner.kind}, {provisioner.version}"

    @property
    def receipts(self) -> dict[str, Receipt[Any]]:
        """The receipts so far, inherited ones included."""
        return self.record.receipts

    @property
    def interrupted(self) -> bool:
        """Whether the run was asked to end before its time."""
        return self._interruption is not None

    @property
    def conclusion(self) -> Conclusion | None:
        """What the run came to; None until it is closed."""
        return self._conclusion

    def advance(self, name: str) -> Receipt[Any]:
        """Run the phases up to and including `name`, each once, and return its receipt.

        Raises:
            Interruption: a signal ended a phase; its receipt is written, `close` is due.
        """
        for phase in self.prepared.coverage.run:
            if phase.name in self._unwritten:
                # What was done once is not done again because nobody could write it down.
                self._leave_out(phase)
            elif phase.name not in self.receipts:
                self._run(phase)
            if phase.name == name:
                break
        return self.receipts[name]

    def abandon(self, interruption: BaseException) -> None:
        """End the run before its time: the phase under way counts as interrupted, the rest is not reached."""
        self._interruption = self._interruption or interruption
        begun = self._begun()
        for phase in self.prepared.coverage.run:
            if phase.name in begun and phase.name not in self.receipts and not phase.always:
                reason = f"the process ended in this phase; {interruption}"
                self._write(phase, self._ended(Outcome.INTERRUPTED, reason, Cause.SIGNAL), None)

    def judge(self, name: str) -> tuple[Verdict, ...]:
        """Return the verdicts of a contract on the receipts so far."""
        return judge_contract(self.record, self.prepared.plan, name)

    def close(self) -> Conclusion:
        """End the run: what must always run, the verdicts, the seal; returns what it came to."""
        if self._conclusion is not None:
            return self._conclusion
        self._ending = True
        if self.signals is not None:
            self.signals.defer()
        for phase in self.prepared.coverage.run:
            if phase.name not in self.receipts:
                self._whatever_happens(self._run if phase.always else self._leave_out, phase)
        self._release()
        with contextlib.suppress(DrproofError, OSError):
            if self.mirror is not None:
                self.mirror.finish()
                self.mirror.announce_closing()
        with contextlib.suppress(DrproofError, OSError):
            # A world that is gone cannot be asked; the receipts of what followed say so.
            self.opened.keep_the_worlds_word()
        self._conclusion = conclude_or_say(
            self.record, self.prepared, journal=self._journal, masker=self._masker, interruption=self._interruption
        )
        if self._conclusion.unsealed:
            # What another process needs to go on is kept, and the guardian stays.
            with contextlib.suppress(DrproofError, OSError):
                self.opened.let_go(keep=True)
            return self._conclusion
        if self.mirror is not None:
            self._conclusion = self._conclusion.with_closing(self.mirror.store_closing())
        self.undated = stamp_or_say(self.directory, self.prepared.settings.signing)
        self._let_go(self._conclusion)
        return self._conclusion

    def _run(self, phase: Phase[Any]) -> None:
        """Run one phase and write its receipt."""
        with self._hold(phase):
            self._tell("begin", phase.name)
            if (obstacle := self.obstacle(phase)) is not None:
                self.give(phase, obstacle)
                return
            ending, context = self._attempt(phase)
            if ending.interruption is not None:
                self._interruption = self._interruption or ending.interruption
                if phase.removes and not self._ending:
                    # What broke into it, such as another plugin's timeout, ends the run, and that begins it anew.
                    self._broken_off[phase.name] = ending.attempts
                    raise ending.interruption
            try:
                self._write(phase, ending, context)
            except (OSError, JournalError):
                if phase.name not in self.receipts:
                    self._unwritten.add(phase.name)
                raise
        if ending.interruption is not None:
            raise ending.interruption

    def _hold(self, phase: Phase[Any]) -> contextlib.AbstractContextManager[None]:
        """Return what keeps signals from a phase that takes away: to end is what they ask for."""
        return self.signals.hold() if self.signals is not None and phase.removes else contextlib.nullcontext()

    def _whatever_happens(self, act: Callable[[Phase[Any]], None], phase: Phase[Any]) -> None:
        """End a phase that nothing may keep from ending, and that may keep nothing after it from running."""
        try:
            act(phase)
        except BaseException as exc:  # noqa: BLE001 — whatever it was, the teardown comes first
            # Even without its receipt: the drill is incomplete then, and the teardown still comes.
            self._log(phase.name)(f"{phase.name} could not be ended: {type(exc).__name__}: {exc}")
            self._interruption = self._interruption or exc

    def _attempt(self, phase: Phase[Any]) -> tuple[Ending, PhaseContext]:
        log = self._log(phase.name)

        def begin(number: int) -> None:
            self._journal.append({"at": self.clock.now(), "kind": "phase", "phase": phase.name, "attempt": number})
            if number > 1:
                self._tell("attempt", phase.name)

        heard = self.signals is not None and not self.signals.deferred
        with self.signals.phase() if self.signals is not None and heard else contextlib.nullcontext():
            return attempt(
                phase,
                lambda: self.context(phase),
                self.prepared.settings.limits,
                self.clock,
                self._masker,
                log,
                begin=begin,
                before=self._broken_off.pop(phase.name, ()),
            )

    def obstacle(self, phase: Phase[Any]) -> Obstacle | None:
        """Return why a phase must not start, or None."""
        found = None
        if not phase.always:
            found = unmet(phase, self.prepared.plan, self.record.plan.criteria, self.receipts, self.judge)
        if found is None and phase.mutates:
            found = unsafe(phase, self.opened, self._lease, self._patience)
        return found

    def give(self, phase: Phase[Any], obstacle: Obstacle) -> Receipt[Any]:
        """Give a phase that does not run its receipt, and return it."""
        self._write(phase, self._ended(obstacle.outcome, obstacle.reason, obstacle.cause), None)
        return self.receipts[phase.name]

    def _begun(self) -> set[str]:
        """Return the phases that the journal saw begin, whether or not they have a receipt.

        A phase whose effect was announced has begun: a machine of the orchestrator orders the build of a bring-up ahead
        of its phase.
        """
        return {record["phase"] for record in self._journal.records() if record["kind"] in {"phase", "intent"}}

    def _leave_out(self, phase: Phase[Any]) -> None:
        """Give a phase that was never reached its receipt; one that was begun cannot say so."""
        if phase.name in self._begun():
            reason = "the phase ran, and what it observed could not be written"
            self.give(phase, Obstacle(outcome=Outcome.FAILED, reason=reason, cause=Cause.WORLD))
            return
        cause = Cause.SIGNAL if self._interruption is not None else Cause.PREREQUISITE
        reason = (
            f"not reached: {self._interruption}" if self._interruption is not None else "not reached: the run was ended"
        )
        self.give(phase, self.obstacle(phase) or Obstacle(outcome=Outcome.BLOCKED, reason=reason, cause=cause))

    def _ended(self, outcome: Outcome, reason: str, cause: Cause | None) -> Ending:
        now = self.clock.now()
        return Ending(
            outcome=outcome,
            attempts=(),
            started_at=now,
            ended_at=now,
            duration_ms=0,
            reason=self._masker.redact(reason, record=False),
            cause=cause,
        )

    def _write(self, phase: Phase[Any], ending: Ending, context: PhaseContext | None) -> None:
        written_by = self._author(phase) if context is not None else Author()
        unsaid = self._masker.redact(written_by.told_with(ending.outcome), record=False)
        beside = (unsaid, told(self.clock.skew_ms()))
        ending = replace(ending, reason="; ".join(filter(None, (ending.reason, *beside))))
        given = phase.input(context) if phase.input is not None and context is not None else {}
        receipt = self.record.write(
            phase.name,
            ending,
            given=encode(given),
            caller=written_by.caller,
            evidence=tuple(context.kept.values()) if context is not None else (),
        )
        self._journal.append(
            {
                "at": self.clock.now(),
                "kind": "ended",
                "phase": phase.name,
                "outcome": ending.outcome.value,
                "receipt": self.record.head,
            }
        )
        self._store_receipts()
        self._tell("end", phase.name, receipt)

    def _store_receipts(self) -> None:
        if self.mirror is not None:
            self.mirror.sync()

    def _author(self, phase: Phase[Any]) -> Author:
        site = self.opened.target.primary if phase.site == "primary" else self.opened.target.recovery
        return author(site.identity.caller, self._patience)

    def context(self, phase: Phase[Any]) -> PhaseContext:
        """Return what a phase may know and do, made anew."""
        handover = self.opened.handover
        return PhaseContext(
            phase=phase,
            origin=handover.origin,
            plan=self.record.plan,
            settings=self.prepared.settings,
            target=self.opened.target,
            effects=self.effects(phase.name),
            clock=self.clock,
            receipts=self.receipts,
            directory=self.directory,
            expires_at=handover.expires_at,
            key=handover.key,
            masker=self._masker,
            say=self._log(phase.name),
            moved=self._show,
            collection=self.collection,
            decision=self.gate.answer,
        )

    def effects(self, phase: str) -> JournalledEffects:
        """Return the journal as a phase sees it; a run without a lease changes nothing of its target by phases."""
        return JournalledEffects(
            self._journal,
            drill_id=self.record.plan.drill_id,
            phase=phase,
            inherited=self.opened.inherited,
            allowed=self._allowed,
            clock=self.clock,
            masker=self._masker,
            announced=self._announced,
        )

    def leave(self) -> None:
        """Let another process go on with the run, which is not ended; lease and target stay taken."""
        self._journal.close()
        self.opened.private.release()

    def _announced(self, record: Mapping[str, Any]) -> None:
        if self.mirror is not None:
            self.mirror.announced(record)

    def _allowed(self) -> None:
        if self._lease is not None:
            self._lease.check()

    def _log(self, phase: str) -> Callable[[str], None]:
        path = self.directory / "logs" / f"{phase}.log"

        def write(line: str) -> None:
            # A log is for people; a full disk must not end a phase for it.
            with contextlib.suppress(OSError), path.open("a", encoding="utf-8") as file:
                file.write(f"{self.clock.now()} {self._masker.redact(line, record=False)}\n")

        return write

    def _release(self) -> None:
        """Give the lease back; a lease that cannot be given back runs out by itself."""
        if self._lease is not None:
            effects = JournalledEffects(self._journal, drill_id=self.record.plan.drill_id, phase="", clock=self.clock)
            give_back(self._lease, effects, self._patience)

    def _let_go(self, conclusion: Conclusion) -> None:
        """Dismiss the guardian, and remove what only a later process would need."""
        try:
            self._journal.close()
            self.opened.let_go(keep=conclusion.still_up)
        except OSError as exc:
            # It is sealed. The guardian is not dismissed, and puts away what this process could not.
            self.not_put_away = f"not put away: {exc}\n  next: drproof resume {self.directory}"
            self.opened.private.release()
            return
        # Last: a run that dies while it puts its things away is still guarded.
        if self.opened.guardian is not None:
            self.opened.guardian.dismiss()

    def _show(self, size: int, of: int) -> None:
        for watcher in self.watchers:
            watcher(size, of)

    def _tell(self, event: str, phase: str, receipt: Receipt[Any] | None = None) -> None:
        for listener in self.listeners:
            listener(event, phase, receipt)
