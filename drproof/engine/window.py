"""Windows: which phases of a plan this run covers, and which it takes over from an earlier one."""

from collections.abc import Collection, Mapping
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


PROVISIONING = frozenset({"runner.up", "runner.down"})


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowRequest:
    """What the operator asks for."""

    start_at: str = ""
    stop_after: str = ""
    validate_only: bool = False
    diagnostics_only: bool = False
    teardown: bool = True
    manual: str = ""
    """The one phase that a person does by hand; empty where phases act."""

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
        covers = (self.first, self.last) == ("bringup", "promote")
        return covers and not self.diagnostics_only and not self.manual


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """The phases of a run: those that run, and those whose receipts are inherited."""

    run: tuple[Phase[Any], ...]
    inherited: tuple[str, ...]
    window: Window
    manual: str = ""
    """The one phase that a person does by hand."""

    @property
    def names(self) -> tuple[str, ...]:
        """Every phase whose receipt this run will hold."""
        return (*self.inherited, *(phase.name for phase in self.run))

    @property
    def provisions(self) -> bool:
        """Whether a phase of this run brings a machine up or takes it away: any other needs no tool for that."""
        return any(phase.uses & PROVISIONING for phase in self.run)


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


def cover(
    plan: Plan, request: WindowRequest, prior: Mapping[str, bool] | None, *, by_hand: Collection[str] = ()
) -> Coverage:
    """Return which phases run and which are inherited.

    `prior` maps the phases of an earlier run to whether each passed; None when there is no earlier run. What was done
    there `by_hand` is inherited where it passed: a phase that runs again would undo or repeat it.

    Raises:
        Refusal: a phase that changes the world is needed, outside the window, and not passed in an earlier run.
    """
    check(request, inherits=prior is not None)
    if request.manual:
        _refuse_by_hand(plan, request.manual, prior or {})
    done = {name for name in by_hand if prior is not None and prior.get(name, False)}
    chosen = [phase for phase in plan.phases if _inside(phase, request) and phase.name not in done]
    needed = {name for phase in chosen for name in plan.upstream(phase.name)}
    run = {phase.name for phase in chosen}
    inherited = []
    for phase in plan.phases:
        if phase.name in run or phase.window == DIAGNOSTICS:
            continue
        taken = prior is not None and prior.get(phase.name, False)
        if request.manual and phase.name not in needed:
            continue
        if taken and not (phase.renewed and phase.name in needed):
            inherited.append(phase.name)
        elif phase.name in needed and phase.mutates:
            if request.manual:
                raise refuse(
                    f"{request.manual} by hand builds on phase {phase.name}, which has not passed",
                    expected=f"a drill in which {phase.name} passed",
                    got="one in which it did not",
                    next_step=f"pytest -m drill --start-at {phase.window} --receipt-dir <the folder of the drill>",
                )
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
        start_at=plan.phase(request.manual).window if request.manual else request.first,
        stop_after=_end(plan, request),
        left_out=left_out,
        inherited=tuple(inherited),
    )
    return Coverage(run=ordered, inherited=tuple(inherited), window=window, manual=request.manual)


def _end(plan: Plan, request: WindowRequest) -> str:
    if request.manual:
        return plan.phase(request.manual).window
    return TEARDOWN if request.first == TEARDOWN else request.last


def _acts(phase: Phase[Any]) -> bool:
    """Return whether a phase does something that a person could do in its stead: it changes a site, or tells people."""
    return phase.mutates or "messages.publish" in phase.uses


def _refuse_by_hand(plan: Plan, name: str, prior: Mapping[str, bool]) -> None:
    """Refuse an act by hand that there is no room for."""
    can_be = [phase.name for phase in plan.phases if _acts(phase) and phase.by_hand and not phase.removes]
    phase = next((phase for phase in plan.phases if phase.name == name), None)
    if phase is None:
        raise refuse(
            "--phase names no phase",
            expected=f"one of {', '.join(can_be)}",
            got=name,
            next_step="drproof plans recovery",
        )
    if phase.removes:
        raise refuse(
            f"{name} is not recorded: it removes what is left, by hand or not, and counts again",
            expected=f"one of {', '.join(can_be)}",
            got=name,
            next_step="remove by hand what must go, then: pytest -m drill --start-at teardown --receipt-dir <drill>",
        )
    if not phase.by_hand:
        raise refuse(
            f"{name} is the drill's own: a decision counts only as an answer to what the drill itself asked",
            expected=f"one of {', '.join(can_be)}",
            got=name,
            next_step=f"{phase.command_hint}, which asks",
        )
    if name not in can_be:
        raise refuse(
            f"{name} changes nothing: there is nothing about it that could be done by hand",
            expected=f"one of {', '.join(can_be)}",
            got=name,
            next_step=f"{phase.command_hint}, which looks again",
        )
    if prior.get(name, False):
        raise refuse(
            f"{name} has passed in that run: nothing is left to do by hand",
            expected="a phase that did not pass",
            got=name,
            next_step="go on with the next window, see docs/runbook-recovery.md",
        )


def _inside(phase: Phase[Any], request: WindowRequest) -> bool:
    if request.manual:
        return phase.name == request.manual
    if phase.window == TEARDOWN:
        return request.teardown
    if phase.window == DIAGNOSTICS:
        return request.diagnostics_only
    if not phase.window:
        return True
    if request.first == TEARDOWN:
        return False
    return STOP.index(request.first) <= STOP.index(phase.window) <= STOP.index(request.last)
