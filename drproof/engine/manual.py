"""A manual act: a person does what a phase could not, and drproof records it and looks at what came of it.

It is a window of its own that builds on the drill in which the phase failed: the plan says before the act which phase
is done by hand, the receipt says who did what, and what it observed was seen by drproof afterwards, never told to it.
"""

import json
import os
import shlex
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from drproof import catalog
from drproof.engine.conclusion import Conclusion
from drproof.engine.context import PhaseContext
from drproof.engine.kubeconfig import KEPT
from drproof.engine.manual_command import ManualCommand
from drproof.engine.preparation import DrillRequest, Prepared, prepare
from drproof.engine.private import Private
from drproof.engine.refusal import refuse
from drproof.engine.run import Listener, Run
from drproof.engine.signals import Signals
from drproof.evidence.bundle import Bundle, write_atomic
from drproof.evidence.documents import ManualOutput
from drproof.evidence.history import newest_of
from drproof.formats import timestamps
from drproof.model.context import Context, Effect, Effects, Pending
from drproof.model.errors import (
    EvidenceError,
    FormatError,
    GuardError,
    Interruption,
    PhaseError,
    UnobservedError,
)
from drproof.model.phase import Phase
from drproof.model.receipt import ManualAct

OUTPUT = "manual"
"""How the evidence is called that keeps the end of a command's output."""

MANIFEST = "DRPROOF_MANIFEST"
"""Where a command finds what it must bring about to the letter; the file lies beside the kubeconfig."""

SHOWN_LINES = 200
RUN_BY_HAND = "manual.run"


@dataclass(frozen=True, slots=True, kw_only=True)
class ManualRequest:
    """What a person wants on record: a command to be run now, or what they saw done."""

    phase: str
    command: tuple[str, ...] = ()
    witness: str = ""
    person: str = ""
    ticket: str = ""
    acted_at: str = ""
    """When what was witnessed was done; empty for now."""
    timeout_ms: int = 3_600_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """What came of it."""

    conclusion: Conclusion
    directory: Path


def record(  # noqa: PLR0913 — what is done, to which drill, and who is told
    asked: ManualRequest,
    drill: Path | None,
    *,
    run_id: str = "",
    directory: Path,
    listener: Listener | None = None,
    show: Callable[[str], None] = lambda _: None,
) -> Recorded:
    """Record a manual act as the next window of a drill that is kept up; without `drill`, of the one closed last.

    `show` is told each line that the command prints, without what is like a secret.

    Raises:
        Refusal: something about the request is wrong; nothing was changed.
    """
    _refuse_a_contradiction(asked)
    folder = (directory / drill).resolve() if drill is not None else _newest(directory)
    _refuse_a_drill_without_room(folder)
    options = {"receipt_dir": str(folder), "manual": asked.phase, "teardown": "false", "run_id": run_id or None}
    # The environment of whoever types a command may speak of other places than the drill was at.
    prepared = prepare(DrillRequest(plan=catalog.RECOVERY, options=options, environment={}, directory=directory))
    prepared = replace(prepared, reports=folder.parent)
    act = ByHand(asked, show)
    signals = Signals(_raise)
    run = Run.open(by_hand(prepared, act), signals=signals)
    act.private = Private.of(run.directory).path
    act.hide = run.redactor.mask
    if listener is not None:
        run.listeners.append(listener)
    signals.install()
    try:
        run.advance(asked.phase)
    except Interruption as exc:
        # The receipt of the act is written; what is left is to seal it.
        run.abandon(exc)
    finally:
        conclusion = run.close()
        signals.restore()
    return Recorded(conclusion=conclusion, directory=run.directory)


def _raise(interruption: Interruption) -> None:
    raise interruption


def _refuse_a_contradiction(asked: ManualRequest) -> None:
    if bool(asked.command) is bool(asked.witness.strip()):
        raise refuse(
            "a manual act is a command that is run now, or what a person states was done",
            expected="one of: -- COMMAND, and --witness",
            got="both" if asked.command else "neither",
            next_step=f"drproof record-manual --phase {asked.phase} -- <command>",
        )
    if not asked.person.strip():
        raise refuse(
            "nobody says who acts", expected="--person NAME, or USER in the environment", next_step="add --person"
        )
    if asked.acted_at:
        if asked.command:
            raise refuse("--at says when what was witnessed was done; a command is run now", next_step="leave out --at")
        try:
            timestamps.milliseconds(asked.acted_at)
        except FormatError as exc:
            raise refuse(f"--at: {exc}", expected="an instant such as 2026-11-01T08:00:00.000Z") from exc


def _newest(directory: Path) -> Path:
    found = newest_of(directory / "reports", catalog.RECOVERY)
    if found is None:
        raise refuse(
            f"no drill is named, and {directory / 'reports'} holds none that was closed",
            expected="--drill with the folder of a drill that is kept up",
            next_step="drproof record-manual --drill reports/<drill-id> --phase …",
        )
    return found


def _refuse_a_drill_without_room(folder: Path) -> None:
    """Refuse a drill that still runs, one that is gone, and what is none."""
    try:
        bundle = Bundle.open(folder, catalog.types())
    except (EvidenceError, OSError) as exc:
        raise refuse(f"--drill {folder} is no bundle: {exc}", next_step="name the folder of a drill") from exc
    if bundle.plan.plan != catalog.RECOVERY:
        raise refuse(
            f"--drill {folder} is of plan {bundle.plan.plan}",
            expected=f"a drill of plan {catalog.RECOVERY}: no other changes anything",
            next_step="name another folder",
        )
    if not bundle.is_closed:
        raise refuse(
            f"--drill {folder} is still open: a manual act goes on with what was sealed",
            expected="a drill that has ended",
            next_step=f"wait for it to end; if its process died: drproof resume {folder}",
        )
    if Private.of(folder).has_ended:
        raise refuse(
            f"--drill {folder} has put everything away: nothing of it is up that a person could work on",
            expected="a drill that was run with --teardown false",
            next_step="pytest -m drill --stop-after restore --teardown false",
        )


def by_hand(prepared: Prepared, act: "ByHand") -> Prepared:
    """Return the preparation in which a person does one phase."""
    phases = tuple(act.of(phase) if phase.name == act.asked.phase else phase for phase in prepared.coverage.run)
    return replace(prepared, coverage=replace(prepared.coverage, run=phases))


class ByHand:
    """What a person does in the stead of a phase: once, however often drproof then looks at what came of it."""

    def __init__(self, asked: ManualRequest, show: Callable[[str], None] = lambda _: None) -> None:
        """Keep what is asked; `show` is told each line that a command prints."""
        self.asked = asked
        self.private = Path()
        self.hide: Callable[[str], str] = str
        self._show = show
        self._command: ManualCommand | None = None
        self._begun_at = ""
        self._look: Callable[[Any], Any] | None = None
        self._hand: Callable[[Any], Any] | None = None

    def of(self, phase: Phase[Any]) -> Phase[Any]:
        """Return the phase with this act in the place of its own; nothing is mended, for nobody may act but they."""
        self._look, self._hand = phase.look, phase.hand
        keeps = {**phase.keeps, OUTPUT: ManualOutput}
        return replace(phase, act=self._done, mend=None, look=None, keeps=keeps)

    def _done(self, ctx: Context) -> Any:  # noqa: ANN401 — what the phase observes
        if not isinstance(ctx, PhaseContext):
            msg = f"expected the engine's own context, got {type(ctx).__name__}"
            raise TypeError(msg)
        try:
            if self.asked.command:
                self._run(ctx)
        finally:
            # Whatever became of it, the receipt says who did what.
            ctx.manual = self._facts(ctx)
        if self._command is not None and self._command.exit_status != 0:
            raise PhaseError(self._why(ctx, self._command))
        if self._look is None:
            msg = f"{self.asked.phase} was done by hand, and drproof cannot see what came of it"
            raise UnobservedError(msg)
        ctx.effects = _OnlyLooking(ctx.effects)
        return self._look(ctx)

    def _run(self, ctx: PhaseContext) -> None:
        if self._command is not None:
            # It was run in the attempt before this one; only the look is tried again.
            return
        said = ctx.redact(shlex.join(self.asked.command))
        self._begun_at = ctx.clock.now()
        with ctx.effects.intend(RUN_BY_HAND, self.asked.phase, {"command": said}) as pending:
            command = self._command = ManualCommand(
                self.asked.command, self.private, show=lambda line: self._show(self.hide(line))
            )
            command.run(self._environment(ctx), self.asked.timeout_ms)
            pending.done(exit_status=command.exit_status)

    def _environment(self, ctx: PhaseContext) -> Mapping[str, str]:
        """Return what the command is told: the drill's own caller and cluster, and no developer's setting."""
        told = ctx.target.recovery.environment()
        kubeconfig = self.private / KEPT
        told["KUBECONFIG"] = str(kubeconfig) if kubeconfig.exists() else os.devnull
        told["DRPROOF_DRILL"] = ctx.origin
        if self._hand is not None:
            manifest = self.private / f"{self.asked.phase}.json"
            write_atomic(manifest, json.dumps(self._hand(ctx), indent=2).encode())
            told[MANIFEST] = str(manifest)
        return told

    def _facts(self, ctx: PhaseContext) -> ManualAct:
        asked, command = self.asked, self._command
        person, ticket = ctx.mask(asked.person), ctx.mask(asked.ticket)
        if command is None and not asked.command:
            at = asked.acted_at or ctx.clock.now()
            return ManualAct(kind="witness", said=ctx.mask(asked.witness), person=person, ticket=ticket, acted_at=at)
        said = ctx.redact(shlex.join(asked.command))
        if command is None:
            return ManualAct(kind="command", said=said, person=person, ticket=ticket, acted_at=ctx.clock.now())
        tail = ctx.redact(command.tail, lines=SHOWN_LINES)
        kept = ctx.evidence(OUTPUT, ManualOutput(lines=tuple(tail.splitlines()), printed=command.printed))
        return ManualAct(
            kind="command",
            said=said,
            person=person,
            ticket=ticket,
            acted_at=self._begun_at,
            duration_ms=command.duration_ms,
            exit_status=command.exit_status,
            output=kept.sha256 if OUTPUT in ctx.kept else None,
            output_bytes=command.printed,
        )

    def _why(self, ctx: PhaseContext, command: ManualCommand) -> str:
        """Return why the command did not do it, and the last lines that it printed."""
        how = command.problem or f"it ended with exit status {command.exit_status}"
        tail = ctx.redact(command.tail, lines=20)
        return "\n".join(filter(None, (f"the command by hand failed: {how}", tail)))


class _OnlyLooking:
    """The journal for a look: what was done can be read, and nothing can be done."""

    def __init__(self, effects: Effects) -> None:
        self._effects = effects

    def intend(
        self, verb: str, resource: str, details: Mapping[str, Any] | None = None
    ) -> AbstractContextManager[Pending]:
        """Refuse: a check must not create what it looks for."""
        del details
        msg = f"a look at what was done by hand changes nothing, and would have: {verb} {resource}"
        raise GuardError(msg)

    def made(self, *verbs: str) -> tuple[Effect, ...]:
        """Return the effects of this drill."""
        return self._effects.made(*verbs)
