"""Runs of a machine without a platform: every task is answered by the caller, and time passes only where it is said.

Where the emulator and the service differ, this is the service: `States.Runtime` and `States.DataLimitExceeded` pass
every Catch, a Choice that asks for a value that is not there ends the execution, a missed heartbeat has its own name.
"""

import copy
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from drproof.analysis.machine.choosing import holds
from drproof.analysis.machine.integrations import resource_of
from drproof.analysis.machine.intrinsics import Chance
from drproof.analysis.machine.values import NotReplayableError, StateError, View, is_unsaid, placed
from drproof.formats.asl import Machine, State, text

UNCATCHABLE = "States.Runtime"
"""The error that ends an execution whatever a handler names."""
ONLY_BY_NAME = frozenset({"States.DataLimitExceeded"})
"""Errors that `States.ALL` leaves out."""
NOT_IN_TASK_FAILED = frozenset({"States.Timeout", "States.HeartbeatTimeout"})
"""Errors that a handler of `States.TaskFailed` leaves to others."""
ATTEMPTS, INTERVAL, BACKOFF = 3, 1, 2.0
"""What a retrier does that does not say otherwise."""
LONGEST_PAUSE = 10**9
"""Seconds: longer than any limit of a machine."""
MOST_CALLS = 10_000
"""A replay that has called more tasks than that tries for ever; a whole history has room for fewer."""
MOST_STATES = 10_000
"""A replay that has entered more states than that goes round for ever."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A task that is to be answered."""

    state: str
    resource: str
    parameters: Any
    attempt: int
    """How often it was tried before."""
    token: str = ""
    """The token that it waits for; empty where it waits for none."""
    entered: int = 0
    """How many states had been entered, this one included."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """How a task ended: with a value, or with an error where `error` is one."""

    value: Any = None
    error: str = ""
    cause: str = ""
    after_seconds: int = 0
    silent_seconds: int = 0
    """The longest time in it without a heartbeat."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entered:
    """A state that a run entered, with what reached it, at so many seconds from the start."""

    name: str
    given: Any
    at_seconds: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What a run came to."""

    status: str
    """`SUCCEEDED`, `FAILED` or `TIMED_OUT`; `RUNNING` where a task was not answered."""
    output: Any = None
    error: str = ""
    cause: str = ""
    entered: tuple[Entered, ...]
    asked: tuple[Asked, ...]
    seconds: int

    def names(self) -> tuple[str, ...]:
        """Return the states that were entered, in order."""
        return tuple(one.name for one in self.entered)


Answers = Callable[[Asked], Answer]


class UnansweredError(Exception):
    """Raised by whoever answers: the task is still open, and the run goes no further."""


class _TimeOverError(Exception):
    """The machine's own time limit has passed."""


@dataclass(slots=True, kw_only=True)
class _World:
    """What one run has gathered so far."""

    answers: Answers
    given: Any
    name: str
    limit: int | None
    context: Mapping[str, Mapping[str, Any]]
    chances: Chance | None
    seconds: int = 0
    entered: list[Entered] = field(default_factory=list)
    asked: list[Asked] = field(default_factory=list)

    def pass_time(self, seconds: float) -> None:
        self.seconds += int(seconds)
        if self.limit is not None and self.seconds >= self.limit:
            raise _TimeOverError

    def chance(self) -> Chance:
        if self.chances is not None:
            return self.chances
        number = len(self.entered)
        return Chance(uuid=lambda: f"00000000-0000-4000-8000-{number:012d}", number=lambda first, _last: first)


def run(  # noqa: PLR0913 — all that an execution depends on
    machine: Machine,
    given: Any,  # noqa: ANN401
    answers: Answers,
    *,
    name: str = "replay",
    context: Mapping[str, Mapping[str, Any]] | None = None,
    chance: Chance | None = None,
) -> Run:
    """Return what an execution with this input and these answers comes to.

    `context` replaces members of the context object, by its parts: `{"Execution": {"Name": …}}`.

    Raises:
        NotReplayableError: the machine uses what this replay does not have.
    """
    limit = machine.fields.get("TimeoutSeconds")
    world = _World(
        answers=answers,
        given=given,
        name=name,
        limit=limit if isinstance(limit, int) else None,
        context=context or {},
        chances=chance,
    )
    status, output, error, cause = "SUCCEEDED", None, "", ""
    try:
        output = _through(machine, copy.deepcopy(given), world, {})
    except StateError as exc:
        status, error, cause = "FAILED", exc.error, exc.cause
    except _TimeOverError:
        status, error = "TIMED_OUT", "States.Timeout"
    except UnansweredError:
        status = "RUNNING"
    return Run(
        status=status,
        output=output,
        error=error,
        cause=cause,
        entered=tuple(world.entered),
        asked=tuple(world.asked),
        seconds=world.seconds,
    )


def _through(machine: Machine, given: Any, world: _World, item: Mapping[str, Any]) -> Any:  # noqa: ANN401
    name = machine.start
    while True:
        state = machine.states.get(name)
        if state is None:
            raise StateError("States.Runtime", f"No state bears the name {name}")
        if len(world.entered) >= MOST_STATES:
            raise NotReplayableError(f"more than {MOST_STATES} states were entered")
        world.entered.append(Entered(name=name, given=copy.deepcopy(given), at_seconds=world.seconds))
        given, name = _Visit(state, given, world, item).left()
        if not name:
            return given


class _Visit:
    """One state that a run has entered."""

    def __init__(self, state: State, given: Any, world: _World, item: Mapping[str, Any]) -> None:  # noqa: ANN401
        self.state = state
        self.given = given
        self.world = world
        self.item = item
        self.retried: dict[int, int] = {}
        self.attempt = 0

    def left(self) -> tuple[Any, str]:
        """Return what the state hands on, and to which state; to none where the machine ends."""
        while True:
            try:
                return self._done()
            except StateError as exc:
                if exc.error == UNCATCHABLE:
                    raise
                if self._tried_again(exc):
                    continue
                return self._caught(exc)

    def _view(self) -> View:
        context: dict[str, Any] = {
            "Execution": {
                "Id": f"arn:aws:states:us-east-1:000000000000:execution:machine:{self.world.name}",
                "Name": self.world.name,
                "Input": self.world.given,
                "RoleArn": "arn:aws:iam::000000000000:role/replay",
                "StartTime": "1970-01-01T00:00:00Z",
                "RedriveCount": 0,
            },
            "State": {"Name": self.state.name, "EnteredTime": "1970-01-01T00:00:00Z"},
            "StateMachine": {"Id": "arn:aws:states:us-east-1:000000000000:stateMachine:machine", "Name": "machine"},
            **self.item,
        }
        if self.state.kind == "Task":
            context["State"]["RetryCount"] = self.attempt
        if resource_of(self.state.resource).waits_for_token:
            context["Task"] = {"Token": self._token()}
        for part, told in self.world.context.items():
            if part in context:
                context[part] = {**context[part], **told}
        return View(given=self.given, context=context, chance=self.world.chance())

    def _token(self) -> str:
        return f"token-of-{self.state.name}-{self.attempt}"

    def _done(self) -> tuple[Any, str]:
        fields, kind = self.state.fields, self.state.kind
        view = self._view()
        taken = self._at("InputPath", view)
        if kind == "Fail":
            raise StateError(self._error(view), text(_said(fields, "Cause", view)))
        if kind == "Choice":
            output = self._at("OutputPath", view.over(taken))
            return output, self._chosen(view.over(output))
        result = self._result(view.over(taken))
        output = self._at("OutputPath", view.over(placed(self.given, fields.get("ResultPath", "$"), result)))
        return output, "" if self.state.ends else self.state.next

    def _error(self, view: View) -> str:
        error = _said(self.state.fields, "Error", view)
        if is_unsaid(error):
            raise NotReplayableError(f"{self.state.name} fails by a name that is not known")
        return text(error) or "States.Failed"

    def _result(self, view: View) -> Any:  # noqa: ANN401
        fields, kind = self.state.fields, self.state.kind
        if kind == "Wait":
            self.world.pass_time(self._waiting(view))
            return view.given
        if kind == "Map":
            return self._selected(self._mapped(view), view)
        told = view.filled(fields["Parameters"]) if "Parameters" in fields else view.given
        if kind == "Parallel":
            started = self.world.seconds
            ended, results = [started], []
            for branch in self.state.branches:
                self.world.seconds = started
                results.append(_through(branch, copy.deepcopy(told), self.world, self.item))
                ended.append(self.world.seconds)
            self.world.seconds = max(ended)
            return self._selected(results, view)
        if kind == "Pass":
            return copy.deepcopy(fields["Result"]) if "Result" in fields else told
        if kind == "Task":
            return self._selected(self._answered(told, view), view)
        return told

    def _answered(self, told: Any, view: View) -> Any:  # noqa: ANN401
        waits = resource_of(self.state.resource).waits_for_token
        asked = Asked(
            state=self.state.name,
            resource=self.state.resource,
            parameters=copy.deepcopy(told),
            attempt=self.attempt,
            token=self._token() if waits else "",
            entered=len(self.world.entered),
        )
        if len(self.world.asked) >= MOST_CALLS:
            raise NotReplayableError(f"more than {MOST_CALLS} tasks were called")
        self.world.asked.append(asked)
        answer = self.world.answers(asked)
        limit, beat = self._limit("TimeoutSeconds", view), self._limit("HeartbeatSeconds", view)
        if beat is not None and answer.silent_seconds > beat and (limit is None or beat < limit):
            self.world.pass_time(beat)
            raise StateError("States.HeartbeatTimeout", "No heartbeat was sent in time")
        if limit is not None and answer.after_seconds > limit:
            self.world.pass_time(limit)
            raise StateError("States.Timeout", "The task took longer than it may")
        self.world.pass_time(answer.after_seconds)
        if answer.error:
            raise StateError(answer.error, answer.cause)
        return copy.deepcopy(answer.value)

    def _mapped(self, view: View) -> list[Any]:
        fields = self.state.fields
        if "ItemReader" in fields or "ResultWriter" in fields or "ItemBatcher" in fields:
            raise NotReplayableError(f"{self.state.name} reads or writes its items elsewhere")
        items = self._at("ItemsPath", view)
        if not isinstance(items, list):
            raise StateError("States.Runtime", "What ItemsPath leads to is no list")
        selector = fields.get("ItemSelector", fields.get("Parameters"))
        results = []
        for index, value in enumerate(items):
            item = {"Map": {"Item": {"Index": index, "Value": value}}}
            seen = replace(view, context={**view.context, **item})
            told = seen.filled(selector) if selector is not None else value
            results.append(_through(self.state.branches[0], copy.deepcopy(told), self.world, item))
        return results

    def _selected(self, answer: Any, view: View) -> Any:  # noqa: ANN401
        fields = self.state.fields
        return view.over(answer).filled(fields["ResultSelector"]) if "ResultSelector" in fields else answer

    def _waiting(self, view: View) -> float:
        fields = self.state.fields
        if "Timestamp" in fields or "TimestampPath" in fields:
            raise NotReplayableError(f"{self.state.name} waits for an instant, and a replay has none")
        seconds = view.at(fields["SecondsPath"]) if "SecondsPath" in fields else fields.get("Seconds")
        if is_unsaid(seconds):
            raise NotReplayableError(f"{self.state.name} waits for a time that is not known")
        if isinstance(seconds, bool) or not isinstance(seconds, int | float) or seconds < 0:
            raise StateError("States.Runtime", "A wait needs a number of seconds")
        return seconds

    def _chosen(self, view: View) -> str:
        for rule in self.state.choices:
            if holds(rule, view):
                return text(rule.get("Next"))
        if "Default" not in self.state.fields:
            raise StateError("States.NoChoiceMatched", "No rule of the choice holds, and it has no default")
        return text(self.state.fields["Default"])

    def _tried_again(self, exc: StateError) -> bool:
        for number, retrier in enumerate(self.state.retries):
            if not _handles(retrier, exc.error):
                continue
            done = self.retried.get(number, 0)
            if done >= retrier.get("MaxAttempts", ATTEMPTS):
                return False
            self.world.pass_time(_pause(retrier, done))
            self.retried[number] = done + 1
            self.attempt += 1
            return True
        return False

    def _caught(self, exc: StateError) -> tuple[Any, str]:
        for catcher in self.state.catches:
            if _handles(catcher, exc.error):
                said = {"Error": exc.error, "Cause": exc.cause}
                return placed(self.given, catcher.get("ResultPath", "$"), said), text(catcher.get("Next"))
        raise exc

    def _limit(self, name: str, view: View) -> int | None:
        fields = self.state.fields
        value = view.at(fields[f"{name}Path"]) if f"{name}Path" in fields else fields.get(name)
        return value if isinstance(value, int) and not isinstance(value, bool) else None

    def _at(self, name: str, view: View) -> Any:  # noqa: ANN401
        where = self.state.fields.get(name, "$")
        return {} if where is None else view.at(text(where))


def _said(fields: Mapping[str, Any], name: str, view: View) -> Any:  # noqa: ANN401
    if f"{name}Path" not in fields:
        return fields.get(name, "")
    said = fields[f"{name}Path"]
    # Of all fields that say a path, those of a Fail may call a function as well.
    return view.filled({"it.$": said})["it"] if text(said).startswith("States.") else view.at(said)


def _pause(retrier: Mapping[str, Any], done: int) -> float:
    """Return the seconds before the next attempt; what would be for ever is as long as anything waits."""
    interval, rate = retrier.get("IntervalSeconds", INTERVAL), retrier.get("BackoffRate", BACKOFF)
    longest: float = retrier.get("MaxDelaySeconds", LONGEST_PAUSE)
    try:
        return float(min(interval * rate**done, longest))
    except OverflowError:
        return longest


def _handles(handler: Mapping[str, Any], error: str) -> bool:
    named = handler.get("ErrorEquals", [])
    if error in named or (error == "States.HeartbeatTimeout" and "States.Timeout" in named):
        return True
    if error in ONLY_BY_NAME:
        return False
    return "States.ALL" in named or ("States.TaskFailed" in named and error not in NOT_IN_TASK_FAILED)
