"""Which data reach each state of a machine: every path in it is followed to the values that every way there leaves.

A run of a machine stops with `States.Runtime`, which no `Catch` catches, where a path leads to nothing. Here it is seen
before anything runs, from what the execution is given, what each task returns, and what a person's answer holds.
"""

from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from drproof.analysis.machine.defects import Defect
from drproof.analysis.machine.integrations import answer_of, resource_of
from drproof.analysis.machine.narrowing import where
from drproof.analysis.machine.shapes import (
    ANYTHING,
    NUMBER,
    TEXT,
    TRUTH,
    Anything,
    Plain,
    Record,
    Row,
    Shape,
    There,
    at,
    bounded,
    join,
    join_all,
    put,
    record,
    shape_of,
)
from drproof.formats.asl import Machine, State, rows, text
from drproof.formats.asl_expressions import Call, Path, expression_of, is_expression, path_of, paths_in
from drproof.model.errors import FormatError

ERROR = record(known={"Error": TEXT, "Cause": TEXT})
FUNCTIONS: Mapping[str, Shape] = {
    **dict.fromkeys(
        ("Format", "JsonToString", "Base64Encode", "Base64Decode", "Hash", "UUID"),
        TEXT,
    ),
    **dict.fromkeys(("MathRandom", "MathAdd", "ArrayLength"), NUMBER),
    "ArrayContains": TRUTH,
    **dict.fromkeys(("Array", "ArrayPartition", "ArrayRange", "ArrayUnique", "StringSplit"), Row(ANYTHING)),
    **dict.fromkeys(("StringToJson", "ArrayGetItem", "JsonMerge"), ANYTHING),
}
"""Every intrinsic function, and what it returns."""

COMPARED: Mapping[str, Plain] = {
    "String": TEXT,
    "Numeric": NUMBER,
    "Boolean": TRUTH,
    "Timestamp": TEXT,
}
"""What the comparisons of a Choice compare, by the beginning of their names."""
PATH_FIELDS = (
    "SecondsPath",
    "TimestampPath",
    "TimeoutSecondsPath",
    "HeartbeatSecondsPath",
    "ErrorPath",
    "CausePath",
    "MaxConcurrencyPath",
    "ToleratedFailureCountPath",
    "ToleratedFailurePercentagePath",
)
"""Fields that say a value by its path, and hand nothing on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Knowledge:
    """What is known from outside of the machine."""

    given: Shape = ANYTHING
    """The input of an execution."""
    answers: Mapping[str, Shape] = field(default_factory=dict)
    """What the task of a state returns: the whole answer of its integration, or what the token comes back with."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Flow:
    """What came of following the data."""

    defects: tuple[Defect, ...]
    followed: int
    """How many paths were decided."""
    unknown: tuple[str, ...]
    """The places of paths of which nobody says whether they lead to a value."""
    inputs: Mapping[str, Shape]
    """What reaches each state of the outer machine; a state that nothing reaches is absent."""


def follow(machine: Machine, knowledge: Knowledge) -> Flow:
    """Return what the data of a machine are, and every path that leads to nothing."""
    follower = _Follower(knowledge)
    follower.run(machine, knowledge.given, in_map=False)
    return Flow(
        defects=tuple(sorted({*follower.defects})),
        followed=len(follower.followed),
        unknown=tuple(sorted(follower.unknown)),
        inputs=follower.inputs,
    )


class _Follower:
    """Follows the data through one machine and those inside it."""

    def __init__(self, knowledge: Knowledge) -> None:
        self.knowledge = knowledge
        self.defects: set[Defect] = set()
        self.followed: set[tuple[str, str]] = set()
        self.unknown: set[str] = set()
        self.inputs: dict[str, Shape] = {}

    def run(self, machine: Machine, given: Shape, *, in_map: bool, telling: bool = True) -> Shape:
        """Return what a machine returns that is given something; defects are told once its data do not change."""
        inputs: dict[str, Shape] = {machine.start: given} if machine.start in machine.states else {}
        waiting = deque(inputs)
        while waiting:
            state = machine.states[waiting.popleft()]
            _, following = _Visit(self, state, inputs[state.name], in_map=in_map, telling=False).outcome()
            for name, shape in following:
                if name not in machine.states:
                    continue
                joined = bounded(join(inputs[name], shape)) if name in inputs else bounded(shape)
                if inputs.get(name) != joined:
                    inputs[name] = joined
                    waiting.append(name)
        if telling and not self.inputs:
            self.inputs = inputs
        ended = []
        for name, shape in inputs.items():
            state = machine.states[name]
            output, _ = _Visit(self, state, shape, in_map=in_map, telling=telling).outcome()
            if state.ends and state.kind != "Fail":
                ended.append(output)
        return join_all(ended)


class _Visit:
    """One state with what reaches it."""

    def __init__(self, follower: _Follower, state: State, given: Shape, *, in_map: bool, telling: bool) -> None:
        self.follower = follower
        self.state = state
        self.given = given
        self.in_map = in_map
        self.telling = telling
        self.resource = resource_of(state.resource)

    def outcome(self) -> tuple[Shape, list[tuple[str, Shape]]]:
        """Return what the state returns, and what reaches each state that can follow."""
        fields = self.state.fields
        taken = self._at_field("InputPath", self.given)
        for name in PATH_FIELDS:
            if name in fields:
                self._at_field(name, taken)
        if self.state.kind == "Choice":
            return self._chosen(taken)
        result = self._result(taken)
        output = self._at_field("OutputPath", self._placed(result, fields, "ResultPath"))
        following = [(self.state.next, output)] if "Next" in fields else []
        for number, catcher in enumerate(self.state.catches):
            caught = self._placed(ERROR, catcher, "ResultPath", f"Catch[{number}].")
            following.append((text(catcher.get("Next")), caught))
        return output, following

    def _result(self, taken: Shape) -> Shape:
        kind, fields = self.state.kind, self.state.fields
        if kind == "Map":
            return self._selected(self._mapped(taken))
        told = self._template(fields["Parameters"], taken, "Parameters") if "Parameters" in fields else taken
        if kind == "Parallel":
            branches = tuple(
                self.follower.run(branch, told, in_map=self.in_map, telling=self.telling)
                for branch in self.state.branches
            )
            return self._selected(Row(join_all(branches), branches))
        if kind == "Pass":
            return shape_of(fields["Result"]) if "Result" in fields else told
        if kind == "Task":
            answer = self.follower.knowledge.answers.get(self.state.name, answer_of(self.resource))
            return self._selected(answer)
        return told

    def _mapped(self, taken: Shape) -> Shape:
        fields = self.state.fields
        items = self._at_field("ItemsPath", taken)
        if "ItemReader" in fields:
            self._template(fields["ItemReader"].get("Parameters", {}), taken, "ItemReader.Parameters")
            items = Row(ANYTHING)
        if "ResultWriter" in fields:
            self._template(fields["ResultWriter"].get("Parameters", {}), taken, "ResultWriter.Parameters")
        item = items.each if isinstance(items, Row) else ANYTHING
        selector = next((name for name in ("ItemSelector", "Parameters") if name in fields), "")
        told = self._template(fields[selector], taken, selector, item=item) if selector else item
        if "ItemBatcher" in fields:
            told = self._batched(fields["ItemBatcher"], taken, told)
        returned = self.follower.run(self.state.branches[0], told, in_map=True, telling=self.telling)
        return ANYTHING if "ResultWriter" in fields else Row(returned)

    def _batched(self, batcher: Mapping[str, object], taken: Shape, item: Shape) -> Shape:
        """Return what a machine is given that gets several items at once."""
        for name in ("MaxItemsPerBatchPath", "MaxInputBytesPerBatchPath"):
            if (
                path := self._path(text(batcher[name]), f"ItemBatcher.{name}") if name in batcher else None
            ) is not None:
                self._value(path, taken, f"ItemBatcher.{name}")
        told: dict[str, Shape] = {"Items": Row(item)}
        if "BatchInput" in batcher:
            told["BatchInput"] = self._template(batcher["BatchInput"], taken, "ItemBatcher.BatchInput")
        return Record(told)

    def _selected(self, answer: Shape) -> Shape:
        fields = self.state.fields
        return (
            self._template(fields["ResultSelector"], answer, "ResultSelector") if "ResultSelector" in fields else answer
        )

    def _placed(self, result: Shape, fields: Mapping[str, object], name: str, before: str = "") -> Shape:
        place = fields.get(name, "$")
        if place is None:
            return self.given
        path = self._path(text(place), f"{before}{name}")
        if path is None:
            return ANYTHING
        if path.in_context or path.many or any(not isinstance(step, str) for step in path.steps):
            self._tell(f"{before}{name}", "result_path_leads_nowhere", f"{path} is no place where a result can go")
            return ANYTHING
        return put(self.given, path.steps, result)

    def _chosen(self, taken: Shape) -> tuple[Shape, list[tuple[str, Shape]]]:
        output = self._at_field("OutputPath", taken)
        following = []
        for number, rule in enumerate(self.state.choices):
            self._rule(rule, output, f"Choices[{number}]")
            following.append((text(rule.get("Next")), where(rule, output, holds=True)))
            output = where(rule, output, holds=False)
        if "Default" in self.state.fields:
            following.append((text(self.state.fields["Default"]), output))
        return output, following

    def _rule(self, rule: Mapping[str, object], taken: Shape, place: str) -> None:
        """Tell what is wrong with a rule that is asked of an input."""
        for name, on in (("And", True), ("Or", False)):
            for number, inner in enumerate(rows(rule.get(name))):
                self._rule(inner, taken, f"{place}.{name}[{number}]")
                # The next one is asked only where this one has not decided.
                taken = where(inner, taken, holds=on)
        for inner in rows([rule.get("Not")]):
            self._rule(inner, taken, f"{place}.Not")
        if {"And", "Or", "Not"} & {*rule}:
            return
        path = self._path(text(rule.get("Variable")), f"{place}.Variable")
        if path is None or "IsPresent" in rule:
            return
        shape = self._value(path, taken, f"{place}.Variable", in_choice=True)
        self._compared(rule, taken, shape, place)

    def _compared(self, rule: Mapping[str, object], taken: Shape, shape: Shape, place: str) -> None:
        for name, other in rule.items():
            if name.endswith("Path") and (path := self._path(text(other), f"{place}.{name}")) is not None:
                self._value(path, taken, f"{place}.{name}", in_choice=True)
            compared = next((kind for begins, kind in COMPARED.items() if name.startswith(begins)), None)
            if compared is None:
                continue
            if not isinstance(shape, Anything) and shape not in (compared, Plain()):
                why = f"{name} never holds: the value is no {compared.kind}"
                self._tell(place, "choice_compares_another_kind", why)
            if not name.endswith("Path") and shape_of(other) != compared:
                self._tell(place, "choice_compares_another_kind", f"{name} expects a {compared.kind}")

    def _template(self, template: object, taken: Shape, place: str, *, item: Shape | None = None) -> Shape:
        """Return what a payload template makes of its input."""
        if isinstance(template, list):
            items = tuple(self._template(one, taken, f"{place}[{n}]", item=item) for n, one in enumerate(template))
            return Row(join_all(items), items)
        if not isinstance(template, dict):
            if isinstance(template, str) and template.startswith(("$.", "$$.", "States.")):
                self._tell(place, "path_is_taken_literally", f"the text {template[:60]} is passed on: its key lacks .$")
            return shape_of(template)
        sure: dict[str, Shape] = {}
        for key, value in template.items():
            inner = f"{place}.{key}"
            if key.endswith(".$"):
                sure[key.removesuffix(".$")] = self._expression(value, taken, inner, item=item)
            else:
                sure[key] = self._template(value, taken, inner, item=item)
        return Record(sure)

    def _expression(self, value: object, taken: Shape, place: str, *, item: Shape | None) -> Shape:
        if not isinstance(value, str) or not is_expression(value):
            self._tell(place, "expression_is_none", "a key that ends in .$ needs a path or a function")
            return ANYTHING
        try:
            expression = expression_of(value)
        except FormatError as exc:
            self._tell(place, "expression_cannot_be_read", str(exc))
            return ANYTHING
        if isinstance(expression, Path):
            return self._value(expression, taken, place, item=item)
        return self._call(expression, taken, place, item=item)

    def _call(self, call: Call, taken: Shape, place: str, *, item: Shape | None) -> Shape:
        for path in paths_in(call):
            self._value(path, taken, place, item=item)
        for name in _functions(call):
            if name.removeprefix("States.") not in FUNCTIONS:
                self._tell(place, "function_is_unknown", f"{name} is no intrinsic function")
        return FUNCTIONS.get(call.name.removeprefix("States."), ANYTHING)

    def _at_field(self, name: str, taken: Shape) -> Shape:
        said = self.state.fields.get(name, "$")
        if said is None:
            return Record()
        if isinstance(said, str) and said.startswith("States."):
            return self._expression(said, taken, name, item=None)
        path = self._path(text(said), name)
        return ANYTHING if path is None else self._value(path, taken, name)

    def _path(self, said: str, place: str) -> Path | None:
        try:
            return path_of(said)
        except FormatError as exc:
            self._tell(place, "path_cannot_be_read", str(exc))
            return None

    def _value(
        self, path: Path, taken: Shape, place: str, *, item: Shape | None = None, in_choice: bool = False
    ) -> Shape:
        shape = self._context(item) if path.in_context else taken
        there, found = at(shape, path.steps)
        if self.telling and there is not There.UNKNOWN:
            self.follower.followed.add((self.state.name, f"{place} {path}"))
        if there is There.UNKNOWN and self.telling:
            self.follower.unknown.add(f"{self.state.name}.{place}: {path}")
        elif path.in_context and there is There.NEVER:
            self._tell(place, "context_has_no_such_field", f"{path} is not in the context of this state")
        elif there is There.NEVER:
            self._tell(place, "path_leads_to_nothing", f"{path} is never there{_ends(in_choice)}")
        elif there is There.SOMETIMES:
            self._tell(
                place, "path_is_not_there_on_every_way", f"{path} is missing on a way to this state{_ends(in_choice)}"
            )
        return ANYTHING if path.many else found

    def _context(self, item: Shape | None) -> Shape:
        context: dict[str, Shape] = {
            "Execution": Record(
                {
                    **dict.fromkeys(("Id", "Name", "RoleArn", "StartTime"), TEXT),
                    "Input": self.follower.knowledge.given,
                    "RedriveCount": NUMBER,
                },
                {"RedriveTime": TEXT},
            ),
            "State": Record({"EnteredTime": TEXT, "Name": TEXT}, {}),
            "StateMachine": record(known={"Id": TEXT, "Name": TEXT}),
        }
        if self.state.kind == "Task":
            context["State"] = Record({"EnteredTime": TEXT, "Name": TEXT, "RetryCount": NUMBER})
        if self.resource.waits_for_token:
            context["Task"] = record(known={"Token": TEXT})
        if self.in_map or item is not None:
            context["Map"] = record(known={"Item": Record({"Index": NUMBER, "Value": item or ANYTHING}, {"Key": TEXT})})
        return Record(context)

    def _tell(self, place: str, code: str, what: str) -> None:
        if self.telling:
            self.follower.defects.add(Defect(state=self.state.name, place=place, code=code, what=what))


def _functions(call: Call) -> Iterator[str]:
    yield call.name
    for argument in call.arguments:
        if isinstance(argument, Call):
            yield from _functions(argument)


def _ends(in_choice: bool) -> str:  # noqa: FBT001 — it only words a sentence
    why = "the choice ends the execution" if in_choice else "the execution ends"
    return f": {why} with States.Runtime, which no Catch catches"
