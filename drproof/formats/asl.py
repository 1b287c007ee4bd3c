"""State machines in the Amazon States Language, as its specification has them; JSONPath is their query language.

Reading decides only what a document must be to have one meaning: kinds of states, names, and what leads where. Whether
a machine is sound is judged elsewhere.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from drproof.formats.strict_json import parse as parse_json
from drproof.model.errors import FormatError

KINDS = frozenset({"Task", "Pass", "Choice", "Wait", "Succeed", "Fail", "Parallel", "Map"})
ENDS = frozenset({"Succeed", "Fail"})
"""The kinds of states that end a machine by themselves."""
MAX_NAME = 80
JSONPATH = "JSONPath"


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """One state; `fields` are as the document has them."""

    name: str
    kind: str
    fields: Mapping[str, Any]
    branches: tuple["Machine", ...] = ()
    """The machines inside a Parallel, or the one inside a Map."""

    @property
    def next(self) -> str:
        """The state that follows by `Next`; empty without one."""
        return text(self.fields.get("Next"))

    @property
    def ends(self) -> bool:
        """Whether its machine ends here."""
        return self.kind in ENDS or self.fields.get("End") is True

    @property
    def catches(self) -> tuple[Mapping[str, Any], ...]:
        """Its catchers, in order."""
        return rows(self.fields.get("Catch"))

    @property
    def retries(self) -> tuple[Mapping[str, Any], ...]:
        """Its retriers, in order."""
        return rows(self.fields.get("Retry"))

    @property
    def choices(self) -> tuple[Mapping[str, Any], ...]:
        """The rules of a Choice, in order."""
        return rows(self.fields.get("Choices"))

    @property
    def resource(self) -> str:
        """What a Task calls."""
        return text(self.fields.get("Resource"))

    def targets(self) -> Iterator[tuple[str, str]]:
        """Yield each field that names a following state, with that name."""
        if "Next" in self.fields:
            yield "Next", self.next
        for number, rule in enumerate(self.choices):
            yield f"Choices[{number}].Next", text(rule.get("Next"))
        if self.kind == "Choice" and "Default" in self.fields:
            yield "Default", text(self.fields["Default"])
        for number, catcher in enumerate(self.catches):
            yield f"Catch[{number}].Next", text(catcher.get("Next"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """A state machine, or one that lies inside a state."""

    start: str
    states: Mapping[str, State]
    fields: Mapping[str, Any]

    def everywhere(self) -> Iterator["Machine"]:
        """Yield this machine and every machine inside its states."""
        yield self
        for state in self.states.values():
            for inner in state.branches:
                yield from inner.everywhere()

    def all_states(self) -> Iterator[State]:
        """Yield every state, those of inner machines included."""
        for machine in self.everywhere():
            yield from machine.states.values()


def parse(data: bytes | str) -> Machine:
    """Return the machine that a document describes.

    Raises:
        FormatError: `asl` where it is no state machine, `asl-language` where it speaks JSONata or has variables, and
            those of strict JSON.
    """
    return machine_of(parse_json(data, fractions=True))


def machine_of(document: object) -> Machine:
    """Return the machine that a parsed document describes.

    Raises:
        FormatError: `asl`, `asl-language`.
    """
    if not isinstance(document, dict) or not isinstance(document.get("States"), dict):
        raise FormatError("asl", "a state machine is an object with `States`")
    if not isinstance(document.get("StartAt"), str):
        raise FormatError("asl", "a state machine says in `StartAt` where it begins")
    _speaks_jsonpath(document)
    states = {name: _state(name, fields) for name, fields in document["States"].items()}
    if not states:
        raise FormatError("asl", "a state machine has at least one state")
    return Machine(
        start=document["StartAt"], states=states, fields={k: v for k, v in document.items() if k != "States"}
    )


def text(value: object) -> str:
    """Return a text as it is, and anything else as none."""
    return value if isinstance(value, str) else ""


def rows(value: object) -> tuple[Mapping[str, Any], ...]:
    """Return the objects of a list; anything else is none."""
    return tuple(row for row in value if isinstance(row, dict)) if isinstance(value, list) else ()


def _state(name: str, fields: object) -> State:
    if not isinstance(fields, dict) or fields.get("Type") not in KINDS:
        raise FormatError("asl", f"state {name[:MAX_NAME]}: `Type` must be one of {', '.join(sorted(KINDS))}")
    if len(name) > MAX_NAME:
        raise FormatError("asl", f"the name of a state has {len(name)} characters, at most {MAX_NAME}")
    _speaks_jsonpath(fields)
    if any("Assign" in part for part in (fields, *rows(fields.get("Choices")), *rows(fields.get("Catch")))):
        raise FormatError("asl-language", f"state {name}: variables (`Assign`) are not understood")
    return State(name=name, kind=fields["Type"], fields=fields, branches=_branches(name, fields))


def _branches(name: str, fields: Mapping[str, Any]) -> tuple[Machine, ...]:
    if fields["Type"] == "Parallel":
        inner = fields.get("Branches")
        if not isinstance(inner, list) or not inner:
            raise FormatError("asl", f"state {name}: a Parallel has `Branches`")
        return tuple(machine_of(branch) for branch in inner)
    if fields["Type"] == "Map":
        # `Iterator` is the older name of the same field.
        return (machine_of(fields.get("ItemProcessor", fields.get("Iterator"))),)
    return ()


def _speaks_jsonpath(fields: Mapping[str, Any]) -> None:
    if fields.get("QueryLanguage", JSONPATH) != JSONPATH:
        raise FormatError("asl-language", f"only {JSONPATH} is understood, not {text(fields['QueryLanguage'])[:20]}")
