"""Windows: which phases of a plan this run covers, and which it takes over from an earlier one."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from drproof.engine.refusal import refuse
from drproof.model.criteria import Window
from drproof.model.phase import Phase
from drproof.model.plan import Plan

START = ("bringup", "restore", "validate", "promote", "teardown")
"""Where a run may start, in order."""

STOP = ("bringup", "restore", "validate", "promote")
"""Where a run may stop; teardown is not a place to stop, it follows unless `--teardown false`."""

DIAGNOSTICS = "diagnostics"
TEARDOWN = "teardown"


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowRequest:
    """What the operator asks for."""

    start_at: str = ""
    stop_after: str = ""
    validate_only: bool = False
    diagnostics_only: bool = False
    teardown: bool = True

    @property
    def first(self) -> str:
        """The window the run starts in."""
        return "validate" if self.validate_only else "bringup" if self.diagnostics_only else self.start_at or "bringup"

    @property
    def last(self) -> str:
        """The window the run stops after."""
        return (
            "validate" if self.validate_only else "bringup" if self.diagnostics_only else self.stop_after or "promote"
        )

    @property
    def whole(self) -> bool:
        """Whether everything from bring-up to promotion is asked for, however it was spelt."""
        return (self.first, self.last) == ("bringup", "promote") and not self.diagnostics_only


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """The phases of a run: those that run, and those whose receipts are inherited."""

    run: tuple[Phase[Any], ...]
    inherited: tuple[str, ...]
    window: Window

    @property
    def names(self) -> tuple[str, ...]:
        """Every phase whose receipt this run will hold."""
        return (*self.inherited, *(phase.name for phase in self.run))


def check(request: WindowRequest, *, inherits: bool) -> None:
    """Refuse a window that contradicts itself.

    Raises:
        Refusal: two modes at once, an unknown window, or one that ends before it starts.
    """
    if request.validate_only and request.diagnostics_only:
        raise refuse("--validate-only and --diagnostics-only exclude each other", next_step="give one of them")
    if (request.validate_only or request.diagnostics_only) and (request.start_at or request.stop_after):
        raise refuse(
            "--validate-only and --diagnostics-only are windows of their own",
            next_step="leave out --start-at and --stop-after",
        )
    if request.start_at and request.start_at not in START:
        raise refuse(
            "--start-at names no window", expected=", ".join(START), got=request.start_at, next_step="drproof plans"
        )
    if request.stop_after and request.stop_after not in STOP:
        raise refuse(
            "--stop-after names no window", expected=", ".join(STOP), got=request.stop_after, next_step="drproof plans"
        )
    if request.first == TEARDOWN and request.stop_after:
        raise refuse("--start-at teardown runs teardown alone", next_step="leave out --stop-after")
    if request.first == TEARDOWN and not request.teardown:
        raise refuse(
            "--start-at teardown with --teardown false leaves nothing to run",
            next_step="leave one of them out",
        )
    if request.first == TEARDOWN and not inherits:
        raise refuse(
            "--start-at teardown takes away what an earlier window brought up",
            expected="--receipt-dir with the folder of that window",
            got="none: there is nothing that this run could remove",
            next_step="pytest -m drill --start-at teardown --receipt-dir reports/<drill-id>",
        )
    if request.first != TEARDOWN and STOP.index(request.first) > STOP.index(request.last):
        raise refuse(
            "the window ends before it starts",
            expected="--start-at at or before --stop-after",
            got=f"{request.first} to {request.last}",
            next_step="drproof plans",
        )


def cover(plan: Plan, request: WindowRequest, prior: Mapping[str, bool] | None) -> Coverage:
    """Return which phases run and which are inherited.

    `prior` maps the phases of an earlier run to whether each passed; None when there is no earlier run.

    Raises:
        Refusal: a phase that changes the world is needed, outside the window, and not passed in an earlier run.
    """
    check(request, inherits=prior is not None)
    chosen = [phase for phase in plan.phases if _inside(phase, request)]
    needed = {name for phase in chosen for name in plan.upstream(phase.name)}
    run = {phase.name for phase in chosen}
    inherited = []
    for phase in plan.phases:
        if phase.name in run or phase.window == DIAGNOSTICS:
            continue
        taken = prior is not None and prior.get(phase.name, False)
        if taken and not (phase.renewed and phase.name in needed):
            inherited.append(phase.name)
        elif phase.name in needed and phase.mutates:
            raise refuse(
                f"--start-at {request.first} builds on phase {phase.name}, which this run leaves out",
                expected=f"a passed receipt of {phase.name} in --receipt-dir",
                got="no --receipt-dir" if prior is None else "none that passed there",
                next_step="pytest -m drill --start-at bringup, or name the earlier run with --receipt-dir",
            )
        elif phase.name in needed and not phase.always:
            run.add(phase.name)
    ordered = tuple(phase for phase in plan.phases if phase.name in run)
    covered = {*run, *inherited}
    left_out = tuple(phase.name for phase in plan.phases if phase.name not in covered and phase.window != DIAGNOSTICS)
    window = Window(
        full=not left_out,
        start_at=request.first,
        stop_after=TEARDOWN if request.first == TEARDOWN else request.last,
        left_out=left_out,
        inherited=tuple(inherited),
    )
    return Coverage(run=ordered, inherited=tuple(inherited), window=window)


def _inside(phase: Phase[Any], request: WindowRequest) -> bool:
    if phase.window == TEARDOWN:
        return request.teardown
    if phase.window == DIAGNOSTICS:
        return request.diagnostics_only
    if not phase.window:
        return True
    if request.first == TEARDOWN:
        return False
    return STOP.index(request.first) <= STOP.index(phase.window) <= STOP.index(request.last)
