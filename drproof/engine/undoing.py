"""Taking away what an execution left, in a window of its own beside its sealed bundle.

The plan of an execution has no teardown, and a plan that was signed is not added to: what it made is removed by the
window that a drill has for that, whose bundle counts again what is left.
"""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import NoReturn

from drproof import catalog
from drproof.engine.conclusion import Conclusion
from drproof.engine.preparation import DrillRequest, prepare
from drproof.engine.refusal import refuse
from drproof.engine.run import Listener, Run
from drproof.engine.signals import Signals
from drproof.engine.window import TEARDOWN
from drproof.evidence.bundle import Bundle
from drproof.model.errors import DrproofError, Interruption

SUFFIX = "-undone"
"""What the window is called after its execution."""

LONGEST_NAME = 80
"""Characters of a drill's id, as of an execution's name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Undone:
    """What came of it."""

    conclusion: Conclusion
    directory: Path


def is_left_up(directory: Path, conclusion: Conclusion) -> bool:
    """Return whether a sealed run is an execution's, whose plan takes away nothing of what it made."""
    if conclusion.unsealed or not conclusion.still_up:
        return False
    plan = Bundle.open(directory, catalog.types()).plan
    return bool(plan.criteria.approval.execution_arn) and TEARDOWN not in plan.phases


def undo(directory: Path, folder: Path, *, listener: Listener | None = None, signer: str = "") -> Undone:
    """Remove what the run in `directory` made, by the settings of `folder`, and seal what a recount finds beside it.

    Raises:
        Refusal: it cannot be begun; nothing was removed, and the message has the command that does it.
    """
    signals = Signals(_raise)
    run = _opened(directory, folder, signer, signals)
    if listener is not None:
        run.listeners.append(listener)
    signals.install()
    try:
        run.advance(TEARDOWN)
    except Interruption as exc:
        run.abandon(exc)
    finally:
        conclusion = run.close()
        signals.restore()
    return Undone(conclusion=conclusion, directory=run.directory)


def _opened(directory: Path, folder: Path, signer: str, signals: Signals) -> Run:
    name = directory.name[: LONGEST_NAME - len(SUFFIX)] + SUFFIX
    options = {"receipt_dir": str(directory), "start_at": TEARDOWN, "run_id": name}
    options |= {"signer": signer} if signer else {}
    try:
        # The environment of whoever types a command may speak of other places than the execution was at.
        prepared = prepare(DrillRequest(plan=catalog.RECOVERY, options=options, environment={}, directory=folder))
        return Run.open(replace(prepared, reports=directory.parent), signals=signals)
    except (ValueError, DrproofError) as exc:
        raise refuse(
            f"{directory.name} is sealed, and what it made is still up: {exc}",
            next_step=f"pytest -m drill --start-at {TEARDOWN} --receipt-dir {directory}",
        ) from exc


def _raise(interruption: Interruption) -> NoReturn:
    raise interruption
