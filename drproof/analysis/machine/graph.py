"""What leads where in a machine: states that nothing reaches, names that nobody bears, loops that need not end."""

from collections.abc import Iterator, Mapping
from typing import Any

from drproof.analysis.machine.defects import Defect
from drproof.formats.asl import ENDS, Machine, State, rows, text
from drproof.formats.asl_expressions import expression_of, is_expression, path_of, paths_in
from drproof.model.errors import FormatError

FOLLOWED = frozenset({"Task", "Pass", "Wait", "Parallel", "Map"})
"""The kinds of states that say in `Next` or `End` how it goes on."""


def examine(machine: Machine) -> Iterator[Defect]:
    """Yield every defect of the ways through a machine and through those inside it."""
    names: set[str] = set()
    for inner in machine.everywhere():
        yield from _ways(inner)
        yield from _loops(inner)
        for name in inner.states:
            if name in names:
                yield Defect(state=name, place="", code="name_comes_twice", what="two states bear one name")
            names.add(name)


def _ways(machine: Machine) -> Iterator[Defect]:
    if machine.start not in machine.states:
        why = f"`StartAt` names {machine.start or 'nothing'}, and no state bears that name"
        yield Defect(state="", place="StartAt", code="target_does_not_exist", what=why)
    for state in machine.states.values():
        for place, name in state.targets():
            if name not in machine.states:
                why = f"it leads to {name or 'nothing'}, and no state beside it bears that name"
                yield Defect(state=state.name, place=place, code="target_does_not_exist", what=why)
        yield from _going_on(state)
    reached = _reached(machine)
    for name in sorted({*machine.states} - reached):
        yield Defect(state=name, place="", code="state_is_unreachable", what="nothing leads to it")
    if reached and not any(machine.states[name].ends for name in reached):
        yield Defect(state="", place="States", code="machine_never_ends", what="no state that is reached ends it")
    for name in sorted(reached - _ending(machine)):
        yield Defect(state=name, place="", code="end_is_out_of_reach", what="no way from here leads to an end")


def _going_on(state: State) -> Iterator[Defect]:
    has_next, has_end = "Next" in state.fields, state.fields.get("End") is True
    if state.kind in FOLLOWED and has_next == has_end:
        why = "it has both `Next` and `End`" if has_next else "it has neither `Next` nor `End`"
        yield Defect(state=state.name, place="Next", code="way_on_is_unclear", what=why)
    if state.kind in {*ENDS, "Choice"} and (has_next or "End" in state.fields):
        yield Defect(state=state.name, place="Next", code="way_on_is_unclear", what=f"a {state.kind} has no way on")
    if state.kind == "Choice":
        if not state.choices:
            yield Defect(state=state.name, place="Choices", code="choice_is_empty", what="there is nothing to choose")
        if "Default" not in state.fields:
            why = "where no rule holds, the execution ends with States.NoChoiceMatched"
            yield Defect(state=state.name, place="Default", code="choice_has_no_default", what=why)


def _reached(machine: Machine) -> set[str]:
    reached: set[str] = set()
    waiting = [machine.start]
    while waiting:
        name = waiting.pop()
        if name in reached or name not in machine.states:
            continue
        reached.add(name)
        waiting += [target for _, target in machine.states[name].targets()]
    return reached


def _ending(machine: Machine) -> set[str]:
    """Return the states from which some way leads to an end."""
    ending = {state.name for state in machine.states.values() if state.ends}
    before = -1
    while before != len(ending):
        before = len(ending)
        for state in machine.states.values():
            if any(target in ending for _, target in state.targets()):
                ending.add(state.name)
    return ending


def _loops(machine: Machine) -> Iterator[Defect]:
    for names in _circles(machine):
        if not _is_counted(machine, names):
            why = f"{', '.join(names)} may follow each other for ever: no number is counted up and compared on the way"
            yield Defect(state=names[0], place="", code="loop_is_not_bounded", what=why)


def _circles(machine: Machine) -> list[list[str]]:
    """Return the sets of states that can reach each other, each in the order of the document."""
    reach: dict[str, set[str]] = {}
    for name in machine.states:
        waiting, seen = [target for _, target in machine.states[name].targets()], set[str]()
        while waiting:
            one = waiting.pop()
            if one in seen or one not in machine.states:
                continue
            seen.add(one)
            waiting += [target for _, target in machine.states[one].targets()]
        reach[name] = seen
    found: list[list[str]] = []
    for name in machine.states:
        if name in reach[name] and not any(name in circle for circle in found):
            found.append([other for other in machine.states if other in reach[name] and name in reach[other]])
    return found


def _is_counted(machine: Machine, names: list[str]) -> bool:
    """Return whether each way around counts a number up, and passes a Choice on a number that leads out."""
    circle = [machine.states[name] for name in names]
    counting = {state.name for state in circle if any("States.MathAdd" in said for _, said in _keyed(state.fields))}
    if not counting or _goes_round_without(machine, names, counting):
        return False
    leaving = [state for state in circle if state.kind == "Choice" and any(t not in names for _, t in state.targets())]
    counted = _counted(circle)
    gates = {state.name for state in leaving if any(_compares_one_of(counted, rule) for rule in state.choices)}
    return bool(gates) and not _goes_round_without(machine, names, gates)


def _goes_round_without(machine: Machine, names: list[str], avoided: set[str]) -> bool:
    """Return whether some way around leaves these states out."""
    left = [name for name in names if name not in avoided]
    inner = {name: State(name=name, kind="Pass", fields=_only(machine.states[name], left)) for name in left}
    return bool(left) and bool(_circles(Machine(start=left[0], states=inner, fields={})))


def _only(state: State, names: list[str]) -> dict[str, Any]:
    return {"Catch": [{"Next": target} for _, target in state.targets() if target in names]}


def _compares_one_of(names: set[str], rule: Mapping[str, Any]) -> bool:
    if any(name.startswith("Numeric") for name in rule) and _name(text(rule.get("Variable"))) in names:
        return True
    inner = [*rows(rule.get("And")), *rows(rule.get("Or")), *rows([rule.get("Not")])]
    return any(_compares_one_of(names, one) for one in inner)


def _counted(circle: list[State]) -> set[str]:
    """Return the names of fields that are counted up, and of those that one of them is handed on to."""
    said = [(key, item) for state in circle for key, item in _keyed(state.fields)]
    adding = [(key, item) for key, item in said if "States.MathAdd" in item]
    names = {name for key, item in adding for name in (key, *_names_in(item))}
    before = -1
    while before != len(names):
        before = len(names)
        names |= {key for key, item in said if names & {*_names_in(item)}}
    return names


def _names_in(item: str) -> Iterator[str]:
    try:
        yield from (_name(str(path)) for path in paths_in(expression_of(item)))
    except FormatError:
        return


def _name(path: str) -> str:
    """Return the name of the field that a path leads to; "" where it leads to none."""
    try:
        steps = path_of(path).steps
    except FormatError:
        return ""
    return next((step for step in reversed(steps) if isinstance(step, str)), "")


def _keyed(value: object) -> Iterator[tuple[str, str]]:
    """Yield what is evaluated in a state, with the name that it goes to; a comment speaks of counting at most."""
    if isinstance(value, dict):
        for key, item in value.items():
            if key.endswith((".$", "Path")) and is_expression(text(item)):
                yield key.removesuffix(".$"), item
            yield from _keyed(item)
    elif isinstance(value, list):
        for item in value:
            yield from _keyed(item)
