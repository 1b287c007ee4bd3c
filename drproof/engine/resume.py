"""Going on with a run that died: undo it, or finish it, from any process on any machine that has its folder."""

from dataclasses import replace
from pathlib import Path

from drproof import catalog
from drproof.engine import world as worlds
from drproof.engine.clock import SystemClock
from drproof.engine.conclusion import Conclusion, sealed_conclusion
from drproof.engine.effects import effects_of
from drproof.engine.manual_command import end_what_was_left
from drproof.engine.mirror import store_closing
from drproof.engine.opening import let_go, reopen
from drproof.engine.preparation import Prepared
from drproof.engine.private import Private
from drproof.engine.receipt_folder import ReceiptFolder
from drproof.engine.refusal import refuse
from drproof.engine.run import Listener, Run
from drproof.engine.settings import scenario
from drproof.engine.skew import refuse_a_clock_ahead
from drproof.engine.window import Coverage
from drproof.evidence.bundle import Bundle, clear_unfinished
from drproof.evidence.integrity import CLOSING, OPENING, PLAN
from drproof.evidence.journal import read as read_journal
from drproof.evidence.redaction import Redactor
from drproof.model.capabilities import Target
from drproof.model.context import DRILL_TAG
from drproof.model.errors import EvidenceError, Interruption, JournalError, LeaseError, TargetError
from drproof.model.settings import Settings
from drproof.targets import open_target

UNDO, FINISH = "undo", "finish"


def resume(  # noqa: PLR0913 — who goes on, why, and how it is told
    directory: Path,
    purpose: str = UNDO,
    *,
    reason: str = "resumed to undo",
    listener: Listener | None = None,
    wait: bool = False,
    signer: str = "",
) -> Conclusion:
    """Take up the run in `directory`: tear down and seal (`undo`), or run the phases that are left (`finish`).

    With `wait`, a process that is just dying is waited for; without, a process that works on the run is an error.
    `signer` is the resumer's own key; without, the key of the run signs the rest as well.

    Raises:
        Refusal: there is no such run, it is closed, another process works on it, or its target is gone.
    """
    directory = directory.resolve()
    private = Private.of(directory)
    if private.has_ended:
        raise _nothing_to_do(_opened(directory), private)
    private.lock(wait=wait)
    try:
        return _taken_up(directory, private, purpose, reason=reason, listener=listener, signer=signer)
    except BaseException:
        # Whoever tries again must not find this attempt at work.
        private.release()
        raise


def _taken_up(  # noqa: PLR0913 — as above
    directory: Path, private: Private, purpose: str, *, reason: str, listener: Listener | None, signer: str
) -> Conclusion:
    # Read under the lock: the process that died may have written until then.
    clear_unfinished(directory)
    bundle = _opened(directory)
    if bundle.is_closed:
        return _let_go(bundle, private)
    if (by_hand := bundle.plan.manual_phase) and purpose == FINISH:
        raise refuse(
            f"{directory.name} died while a person did {by_hand}: nobody can go on with that for them",
            next_step=f"drproof resume {directory}, which seals it; then drproof record-manual again",
        )
    prepared = prepared_again(bundle, directory, private)
    settings = prepared.settings
    if by_hand:
        end_what_was_left(private.path)
    if signer:
        settings = replace(settings, signing=replace(settings.signing, signer=signer, own=False))
    try:
        opened = reopen(
            directory,
            private,
            bundle,
            settings,
            mutates=prepared.plan.mutates,
            checked=lambda target: _refuse_to_make(target, settings) if purpose == FINISH else None,
        )
    except (TargetError, LeaseError) as exc:
        raise refuse(
            f"the target of {directory.name} cannot be taken up: {exc}", next_step=f"drproof resume {directory}"
        ) from exc
    run = Run(prepared, opened)
    if listener is not None:
        run.listeners.append(listener)
    opened.journal.append({"at": run.clock.now(), "kind": "resumed", "purpose": purpose, "reason": reason})
    if purpose == FINISH:
        run.advance(prepared.coverage.run[-1].name)
    else:
        run.abandon(Interruption(reason, exit_status=1))
    return run.close()


def _refuse_to_make(target: Target, settings: Settings) -> None:
    """Refuse to finish what could not be undone; to undo asks for no clock."""
    refuse_a_clock_ahead(target.recovery.identity, settings.limits)


def _opened(directory: Path) -> Bundle:
    """Return the bundle of a run."""
    types = {phase.name: phase.observes for phase in catalog.phases()}
    if (directory / PLAN).exists() and not (directory / OPENING).exists():
        # The opening is the first thing that comes after the plan, and the target is taken after both.
        raise refuse(
            f"{directory.name} died before its opening was written: it has changed nothing",
            expected=f"{directory / OPENING}",
            got="none",
            next_step=f"rm -r {directory} {Private.of(directory).path}, then run the same drill again",
        )
    try:
        return Bundle.open(directory, types)
    except (EvidenceError, OSError) as exc:
        raise refuse(
            f"{directory} holds no run: {exc}",
            expected="the folder of a drill",
            next_step="name the folder of a drill, reports/<drill-id>",
        ) from exc


def _nothing_to_do(bundle: Bundle, private: Private) -> ValueError:
    directory = bundle.directory
    if bundle.is_closed:
        return refuse(
            f"{directory.name} is closed: there is nothing to resume", next_step=f"drproof status {directory}"
        )
    return refuse(
        f"{private.path} is gone: nobody knows how to go on with this run",
        next_step=f"look for what carries the tag {DRILL_TAG}={directory.name}, and remove it",
    )


def _let_go(bundle: Bundle, private: Private) -> Conclusion:
    """Finish a run that died after it was sealed: remove what only a later process would have needed.

    Raises:
        Refusal: it was kept up on purpose, or left something.
    """
    directory = bundle.directory
    conclusion = sealed_conclusion(bundle, mutates=catalog.plan(bundle.plan.plan).mutates)
    if private.is_half_removed and not conclusion.still_up:
        # It died while it put its things away: what a later process would have needed, none needs any more.
        private.remove()
        return conclusion
    conclusion = conclusion.with_closing(_store_closing(bundle, private))
    if conclusion.still_up:
        raise refuse(
            f"{directory.name} is closed: there is nothing to resume",
            next_step=f"pytest -m drill --start-at teardown --receipt-dir {directory}, if it was kept up",
        )
    let_go(private, private.handover())
    (directory / "journal.reserve").unlink(missing_ok=True)
    return conclusion


def _store_closing(bundle: Bundle, private: Private) -> str:
    """Store a closing whose process died after it had sealed, and return why it is not stored, or ""."""
    storing = bundle.plan.criteria.storing
    if storing is None:
        return ""
    handover = private.handover()
    try:
        endpoint = worlds.again(handover.world).endpoint if handover.world else None
        target = open_target(handover.settings, endpoint, directory=private.path, origin=handover.origin)
        effects = effects_of(read_journal(bundle.directory / "journal.log"))
    except (TargetError, JournalError) as exc:
        return str(exc).partition("\n")[0]
    folder = ReceiptFolder(storing, target.receipts, bundle.plan, bundle.directory, Redactor(target.secrets))
    announced = [effect.intent for effect in effects if effect.intent.resource == folder.uri(CLOSING)]
    return store_closing(folder, announced[-1] if announced else None, handover.settings.limits, SystemClock())


def prepared_again(bundle: Bundle, directory: Path, private: Private) -> Prepared:
    """Return the preparation as the first process had it, from what it wrote down."""
    document = bundle.plan
    handover = private.handover()
    plan = catalog.plan(document.plan)
    inherited = document.window.inherited
    run = tuple(phase for phase in plan.phases if phase.name in document.phases and phase.name not in inherited)
    return Prepared(
        drill_id=document.drill_id,
        mode=document.mode,
        plan=plan,
        coverage=Coverage(run=run, inherited=inherited, window=document.window, manual=document.manual_phase),
        criteria=document.criteria,
        settings=handover.settings,
        values=handover.values,
        contracts=document.contracts,
        inputs=document.inputs,
        reports=directory.parent,
        scenario=scenario(document.scenario) if document.scenario else None,
        prior=None,
        notes=(),
    )
