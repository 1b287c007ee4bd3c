"""How a machine behaves when something goes wrong: time limits, retries, catches, and calls that can be made at all."""

from collections.abc import Iterator

from drproof.analysis.machine.defects import Defect
from drproof.analysis.machine.integrations import KNOWN, Resource, patterns_of, resource_of
from drproof.formats.asl import Machine, State, text

ALL = "States.ALL"
RESERVED = frozenset(
    {
        ALL,
        "States.BranchFailed",
        "States.DataLimitExceeded",
        "States.ExceedToleratedFailureThreshold",
        "States.HeartbeatTimeout",
        "States.Http.Socket",
        "States.IntrinsicFailure",
        "States.ItemReaderFailed",
        "States.NoChoiceMatched",
        "States.ParameterPathFailure",
        "States.Permissions",
        "States.QueryEvaluationError",
        "States.ResultPathMatchFailure",
        "States.ResultWriterFailed",
        "States.Runtime",
        "States.TaskFailed",
        "States.Timeout",
    }
)
UNCATCHABLE = "States.Runtime"
"""The error that ends an execution whatever a handler names."""
ANSWERED = frozenset({ALL, "States.TaskFailed"})
"""The names under which a retrier takes up what somebody gave as a failure."""
WORKING = frozenset({"Task", "Parallel", "Map"})
"""The kinds of states that can fail and may have catchers."""


def examine(machine: Machine) -> Iterator[Defect]:
    """Yield every defect in how a machine, and those inside it, behave when something goes wrong."""
    if "TimeoutSeconds" not in machine.fields:
        why = "an execution that hangs runs for a year"
        yield Defect(state="", place="TimeoutSeconds", code="machine_has_no_time_limit", what=why)
    failing = _failing(machine)
    inner = {state.name for outer in machine.states.values() for one in outer.branches for state in one.all_states()}
    for state in machine.all_states():
        if state.kind == "Task":
            yield from _called(state, resource_of(state.resource))
            yield from _limited(state, resource_of(state.resource))
        # What fails inside a Parallel or a Map fails that state, and is caught there.
        if state.kind in WORKING and state.name not in inner and state.name not in failing:
            yield from _caught(state)
        yield from _retried(state, resource_of(state.resource))
        yield from _errors(state)
        if state.kind == "Fail" and not {"Error", "ErrorPath"} & {*state.fields}:
            yield Defect(
                state=state.name, place="Error", code="failure_has_no_name", what="nobody can tell it from others"
            )


def _failing(machine: Machine) -> set[str]:
    """Return the tasks that lead to a Fail and to nothing else: what goes wrong in them fails the execution anyway."""
    certain = {state.name for state in machine.states.values() if state.kind == "Fail"}
    before = -1
    while before != len(certain):
        before = len(certain)
        for state in machine.states.values():
            targets = [name for _, name in state.targets()]
            if targets and not state.ends and all(name in certain for name in targets):
                certain.add(state.name)
    return certain


def _called(state: State, resource: Resource) -> Iterator[Defect]:
    if not resource.call:
        why = f"{state.resource[:80] or 'nothing'} is nothing that a Task can call"
        yield Defect(state=state.name, place="Resource", code="resource_is_unknown", what=why)
        return
    if resource.waits_for_token and not _passes_token(state.fields.get("Parameters")):
        why = "nobody is told the token that ends this state"
        yield Defect(state=state.name, place="Parameters", code="token_is_not_passed", what=why)
    patterns = patterns_of(resource.call)
    if patterns is None:
        why = f"{resource.call} is no integration that is known here"
        yield Defect(state=state.name, place="Resource", code="resource_is_unknown", what=why)
    elif resource.pattern not in patterns:
        why = f"{resource.call} cannot be waited for by {resource.pattern}"
        yield Defect(state=state.name, place="Resource", code="pattern_does_not_exist", what=why)
    if (known := KNOWN.get(resource.call)) is None:
        return
    told = _names(state.fields.get("Parameters"))
    for name in sorted(known.required - told):
        yield Defect(state=state.name, place="Parameters", code="parameter_is_missing", what=f"{name} is not passed")
    for name in sorted(told - known.required - known.optional) if not known.open else ():
        why = f"{resource.call} has no parameter {name}"
        yield Defect(state=state.name, place="Parameters", code="parameter_is_unknown", what=why)


def _limited(state: State, resource: Resource) -> Iterator[Defect]:
    limit, beat = state.fields.get("TimeoutSeconds"), state.fields.get("HeartbeatSeconds")
    if limit is None and "TimeoutSecondsPath" not in state.fields:
        why = "it waits for a year" if resource.waits_for_token else "it may never end"
        yield Defect(state=state.name, place="TimeoutSeconds", code="task_has_no_time_limit", what=why)
    for place, value in (("TimeoutSeconds", limit), ("HeartbeatSeconds", beat)):
        if value is not None and not _is_positive(value):
            yield Defect(
                state=state.name, place=place, code="time_limit_is_none", what=f"{value!r} is no number of seconds"
            )
    if _is_positive(limit) and _is_positive(beat) and beat >= limit:  # type: ignore[operator]
        why = f"it beats every {beat} s and is over after {limit} s: a beat is never missed"
        yield Defect(state=state.name, place="HeartbeatSeconds", code="heartbeat_is_never_missed", what=why)


def _caught(state: State) -> Iterator[Defect]:
    named = [name for catcher in state.catches for name in _list(catcher.get("ErrorEquals"))]
    if ALL not in named:
        why = "an error that no catcher names ends the execution, and nobody is told"
        code = "task_has_no_catch" if not named else "catch_leaves_errors_out"
        yield Defect(state=state.name, place="Catch", code=code, what=why)
    for number, catcher in enumerate(state.catches):
        if "ResultPath" not in catcher:
            why = "the error takes the place of the whole input: the states after it know nothing else"
            place = f"Catch[{number}].ResultPath"
            yield Defect(state=state.name, place=place, code="catch_forgets_the_input", what=why)


def _retried(state: State, resource: Resource) -> Iterator[Defect]:
    if state.kind == "Task" and not state.retries and not resource.waits_for_token:
        why = "a throttled or lost call fails the execution at once"
        yield Defect(state=state.name, place="Retry", code="task_has_no_retry", what=why)
    for number, retrier in enumerate(state.retries):
        if number == 0 and all(one.get("MaxAttempts", 1) == 0 for one in state.retries):
            why = "it is tried no second time"
            yield Defect(state=state.name, place=f"Retry[{number}]", code="task_has_no_retry", what=why)
        # Whatever name a failure is given that somebody sends: `States.TaskFailed` stands for it.
        if not ANSWERED.isdisjoint(_list(retrier.get("ErrorEquals"))) and resource.waits_for_token:
            why = "an answer that somebody gave as a failure is asked for again"
            yield Defect(state=state.name, place=f"Retry[{number}]", code="decision_is_asked_again", what=why)


def _errors(state: State) -> Iterator[Defect]:
    """Yield what is wrong with the errors that retriers and catchers name."""
    for field, handlers in (("Retry", state.retries), ("Catch", state.catches)):
        for number, handler in enumerate(handlers):
            place = f"{field}[{number}].ErrorEquals"
            named = _list(handler.get("ErrorEquals"))
            if not named:
                yield Defect(state=state.name, place=place, code="handler_names_no_error", what="it never handles any")
            if ALL in named and (len(named) > 1 or number != len(handlers) - 1):
                why = "States.ALL stands alone and last: what comes with it or after it is refused"
                yield Defect(state=state.name, place=place, code="all_is_not_last", what=why)
            for name in named:
                if name.startswith("States.") and name not in RESERVED:
                    why = f"{name[:60]} is no error that Step Functions has"
                    yield Defect(state=state.name, place=place, code="error_does_not_exist", what=why)
                if name == UNCATCHABLE:
                    why = f"{name} ends the execution whatever is written here"
                    yield Defect(state=state.name, place=place, code="error_cannot_be_caught", what=why)


def _passes_token(template: object) -> bool:
    if isinstance(template, dict):
        return any(
            "$$.Task.Token" in text(value) if key.endswith(".$") else _passes_token(value)
            for key, value in template.items()
        )
    return isinstance(template, list) and any(map(_passes_token, template))


def _names(template: object) -> set[str]:
    return {name.removesuffix(".$") for name in template} if isinstance(template, dict) else set()


def _list(value: object) -> list[str]:
    return [name for name in value if isinstance(name, str)] if isinstance(value, list) else []


def _is_positive(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value > 0
