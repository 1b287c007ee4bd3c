"""A replay follows the specification of the language, and the service where the two differ."""

import json
from typing import Any

import pytest

from drproof.analysis.machine import replay
from drproof.analysis.machine.intrinsics import Chance, RefusedError, call
from drproof.analysis.machine.replay import Answer, Answers, Asked, Run, run
from drproof.analysis.machine.values import NotReplayableError
from drproof.formats.asl import machine_of
from tests.analysis.machine.honest import document

CHANCE = Chance(uuid=lambda: "one", number=lambda first, _last: first)
GIVEN = {"account": "1", "topic": "t", "reader": "f", "project": "p", "force_run": False}
YES = {"approved": True, "approver": "ada", "ticket": "T-1", "reason": "seen"}


def _phases(**by_state: Answer) -> Answers:
    """Answer each state as said, and every other one as a phase that went well."""

    def answer(asked: Asked) -> Answer:
        if asked.state in by_state:
            return by_state[asked.state]
        if asked.state == "BringUp":
            return Answer(value={"Build": {"Id": "build:1"}}, after_seconds=240)
        if asked.state == "AskAPerson":
            return Answer(value=YES, after_seconds=600)
        return Answer(value={"Payload": {"outcome": "passed", "recover": True}}, after_seconds=2)

    return answer


def _recovered(answers: Answers, **given: Any) -> Run:
    return run(machine_of(document()), {**GIVEN, **given}, answers)


def _one(state: dict[str, Any], given: Any, answers: Answers = lambda _: Answer(value={})) -> Run:
    machine = {"StartAt": "One", "States": {"One": {"End": True, **state}, "Caught": {"Type": "Pass", "End": True}}}
    return run(machine_of(machine), given, answers)


def test_a_failure_may_say_its_error_and_cause_by_a_function() -> None:
    """As the service has it; a path says them as well."""
    said = {"ErrorPath": "States.Format('Of{}', $.who)", "CausePath": "States.Format('{} broke', $.what)"}
    for fields in (said, {"ErrorPath": "$.error", "CausePath": "$.cause"}):
        done = _one({"Type": "Fail", **fields}, {"who": "Ada", "what": "it", "error": "OfAda", "cause": "it broke"})
        assert (done.status, done.error, done.cause) == ("FAILED", "OfAda", "it broke")


def test_a_recovery_that_is_approved_ends_with_what_was_said() -> None:
    """Every state on the way, in order, and the time that passed."""
    done = _recovered(_phases())
    assert (done.status, done.error) == ("SUCCEEDED", "")
    assert done.names() == (
        "CheckHealth",
        "ShallRecover",
        "BringUp",
        "Restore",
        "AskAPerson",
        "IsApproved",
        "Record",
    )
    assert done.output["record"] == {"said": "seen by ada in T-1", "build": "build:1"}
    assert done.seconds == 2 + 240 + 2 + 600


def test_an_answer_without_a_reason_ends_the_execution_past_every_catch() -> None:
    """What the emulator hides: a missing path is `States.Runtime`, and nobody is told."""
    answer = {name: value for name, value in YES.items() if name != "reason"}
    done = _recovered(_phases(AskAPerson=Answer(value=answer)))
    assert (done.status, done.error) == ("FAILED", "States.Runtime")
    assert "TellOfFailure" not in done.names()


def test_a_failure_is_told_with_its_cause() -> None:
    """The catcher keeps the input and adds the error."""
    done = _recovered(_phases(Restore=Answer(error="NoSuchKey", cause="metadata.json")))
    assert done.names()[-2:] == ("TellOfFailure", "Failed")
    assert (done.status, done.error) == ("FAILED", "PhaseFailed")
    told = next(asked for asked in done.asked if asked.state == "TellOfFailure")
    assert told.parameters["Payload"]["cause"] == "metadata.json"


def test_a_person_who_says_nothing_is_a_timeout_that_is_told() -> None:
    """After the limit of the state, not after the machine's."""
    done = _recovered(_phases(AskAPerson=Answer(value=YES, after_seconds=90_000)))
    assert done.names()[-2:] == ("TellOfFailure", "Failed")
    assert done.seconds == 2 + 240 + 2 + 86_400 + 2


def test_the_token_reaches_whoever_is_asked_and_nobody_else() -> None:
    """Only the state that waits has one."""
    tokens = {asked.state: asked.token for asked in _recovered(_phases()).asked}
    assert [state for state, token in tokens.items() if token] == ["AskAPerson"]


def test_a_machine_that_takes_too_long_is_timed_out() -> None:
    """Its own limit ends it, whatever a catcher says."""
    long = document() | {"TimeoutSeconds": 300}
    done = run(machine_of(long), GIVEN, _phases())
    assert (done.status, done.names()[-1]) == ("TIMED_OUT", "AskAPerson")


@pytest.mark.parametrize(
    ("where", "result", "expected"),
    [
        ("$", {"sum": 7}, {"sum": 7}),
        (None, {"sum": 7}, {"numbers": [3, 4]}),
        ("$.sum", 7, {"numbers": [3, 4], "sum": 7}),
        ("$.numbers", 7, {"numbers": 7}),
        ("$.a.b", 7, {"numbers": [3, 4], "a": {"b": 7}}),
    ],
)
def test_a_result_goes_where_its_path_says(where: str | None, result: Any, expected: Any) -> None:
    """`ResultPath` replaces, adds, digs or discards."""
    assert _one({"Type": "Pass", "Result": result, "ResultPath": where}, {"numbers": [3, 4]}).output == expected


def test_a_result_without_a_place_fails_by_a_name_that_can_be_caught() -> None:
    """The input is a list, and a list has no fields."""
    assert _one({"Type": "Pass", "Result": 7, "ResultPath": "$.sum"}, [1]).error == "States.ResultPathMatchFailure"


def test_a_template_takes_what_its_paths_and_functions_say() -> None:
    """Only keys that end in .$ are looked up."""
    template = {
        "flag": True,
        "text": "$.title",
        "parts": {"first.$": "$.vals[0]", "last3.$": "$.vals[3:]"},
    }
    with pytest.raises(NotReplayableError, match="several values"):
        _one({"Type": "Pass", "Parameters": template}, {"vals": [0, 10, 20]})
    template["parts"] = {"first.$": "$.vals[0]", "name.$": "$$.Execution.Name"}
    done = _one({"Type": "Pass", "Parameters": template}, {"vals": [0, 10, 20]})
    assert done.output == {"flag": True, "text": "$.title", "parts": {"first": 0, "name": "replay"}}


RETRIED = {
    "Type": "Task",
    "Resource": "arn:aws:states:::lambda:invoke",
    "Retry": [
        {"ErrorEquals": ["A", "B"], "IntervalSeconds": 1, "BackoffRate": 2, "MaxAttempts": 2},
        {"ErrorEquals": ["C"], "IntervalSeconds": 5},
    ],
    "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "Caught"}],
}


def _in_turn(*errors: str) -> Answers:
    return lambda asked: Answer(error=errors[asked.attempt]) if asked.attempt < len(errors) else Answer(value="done")


@pytest.mark.parametrize(
    ("errors", "end", "seconds"),
    [
        (("A", "B"), "One", 1 + 2),
        (("A", "C", "B"), "One", 1 + 5 + 2),
        (("A", "B", "A"), "Caught", 1 + 2),
        (("C", "C", "C"), "One", 5 + 10 + 20),
        (("C", "C", "C", "C"), "Caught", 5 + 10 + 20),
        (("D",), "Caught", 0),
    ],
)
def test_each_retrier_counts_its_own_attempts(errors: tuple[str, ...], end: str, seconds: int) -> None:
    """The pauses of each grow by themselves; the first that names the error is the one."""
    done = _one(RETRIED, {}, _in_turn(*errors))
    assert (done.names()[-1], done.seconds) == (end, seconds)


@pytest.mark.parametrize(
    ("named", "error", "caught"),
    [
        ("States.ALL", "Anything", True),
        ("States.ALL", "States.Timeout", True),
        ("States.ALL", "States.Runtime", False),
        ("States.Runtime", "States.Runtime", False),
        ("States.ALL", "States.DataLimitExceeded", False),
        ("States.DataLimitExceeded", "States.DataLimitExceeded", True),
        ("States.TaskFailed", "Anything", True),
        ("States.TaskFailed", "States.Timeout", False),
        ("States.TaskFailed", "States.HeartbeatTimeout", False),
        ("States.Timeout", "States.HeartbeatTimeout", True),
        ("Other", "Anything", False),
    ],
)
def test_which_errors_a_catcher_catches(named: str, error: str, caught: bool) -> None:
    """By name, by group, and what no name catches."""
    state = {**RETRIED, "Retry": [], "Catch": [{"ErrorEquals": [named], "Next": "Caught"}]}
    done = _one(state, {}, lambda _: Answer(error=error))
    assert done.names()[-1] == ("Caught" if caught else "One")
    assert done.status == ("SUCCEEDED" if caught else "FAILED")


def test_a_missed_heartbeat_has_its_own_name() -> None:
    """Silence longer than HeartbeatSeconds, though the task would still have time."""
    state = {**RETRIED, "Retry": [], "TimeoutSeconds": 100, "HeartbeatSeconds": 10, "Catch": []}
    done = _one(state, {}, lambda _: Answer(value={}, after_seconds=60, silent_seconds=11))
    assert (done.error, done.seconds) == ("States.HeartbeatTimeout", 10)


RULES: list[tuple[dict[str, Any], bool]] = [
    ({"Variable": "$.kind", "StringEquals": "Private"}, True),
    ({"Not": {"Variable": "$.kind", "StringEquals": "Private"}}, False),
    ({"Variable": "$.value", "NumericGreaterThanEquals": 20}, True),
    ({"Variable": "$.value", "NumericLessThan": 20}, False),
    ({"Variable": "$.value", "StringEquals": "22"}, False),
    ({"Variable": "$.value", "NumericEqualsPath": "$.same"}, True),
    ({"Variable": "$.flag", "BooleanEquals": True}, False),
    ({"Variable": "$.text", "BooleanEquals": False}, False),
    ({"Variable": "$.at", "TimestampLessThan": "2026-03-14T01:59:00Z"}, True),
    ({"Variable": "$.kind", "StringMatches": "Pri*te"}, True),
    ({"Variable": "$.kind", "StringMatches": "pri*"}, False),
    ({"Variable": "$.star", "StringMatches": "a\\*b"}, True),
    ({"Variable": "$.nothing", "IsNull": True}, True),
    ({"Variable": "$.gone", "IsPresent": False}, True),
    ({"Variable": "$.gone", "IsPresent": True}, False),
    ({"Variable": "$.value", "IsNumeric": True}, True),
    ({"Variable": "$.flag", "IsNumeric": True}, False),
    ({"Variable": "$.at", "IsTimestamp": True}, True),
    ({"And": [{"Variable": "$.gone", "IsPresent": True}, {"Variable": "$.gone", "NumericEquals": 1}]}, False),
    ({"Or": [{"Variable": "$.flag", "BooleanEquals": True}, {"Variable": "$.value", "NumericEquals": 22}]}, True),
]
SEEN = {
    "kind": "Private",
    "value": 22,
    "same": 22.0,
    "flag": False,
    "text": "false",
    "star": "a*b",
    "at": "2026-03-13T00:00:00Z",
    "nothing": None,
}


@pytest.mark.parametrize(("rule", "expected"), RULES, ids=[json.dumps(rule) for rule, _ in RULES])
def test_which_rules_of_a_choice_hold(rule: dict[str, Any], expected: bool) -> None:
    """A value of another kind holds for no comparison; a false is no number and a text no truth."""
    machine = {
        "StartAt": "C",
        "States": {
            "C": {"Type": "Choice", "Choices": [{**rule, "Next": "Yes"}], "Default": "No"},
            "Yes": {"Type": "Succeed"},
            "No": {"Type": "Succeed"},
        },
    }
    done = run(machine_of(machine), SEEN, lambda _: Answer())
    assert done.names()[-1] == ("Yes" if expected else "No")


def test_a_choice_on_what_is_not_there_ends_the_execution() -> None:
    """The emulator takes it for no match; the service ends with States.Runtime."""
    state = {"Type": "Choice", "Choices": [{"Variable": "$.gone", "BooleanEquals": True, "Next": "Caught"}]}
    done = _one({**state, "Default": "Caught", "End": None}, SEEN)
    assert (done.status, done.error) == ("FAILED", "States.Runtime")


def test_a_choice_without_a_match_and_a_default_has_an_error_of_its_own() -> None:
    """`States.NoChoiceMatched`."""
    state = {"Type": "Choice", "Choices": [{"Variable": "$.flag", "BooleanEquals": True, "Next": "Caught"}]}
    assert _one(state, SEEN).error == "States.NoChoiceMatched"


def test_a_map_runs_its_machine_for_each_item_and_keeps_the_order() -> None:
    """The selector sees the input of the state and the item."""
    state = {
        "Type": "Map",
        "ItemsPath": "$.parts",
        "ItemSelector": {"part.$": "$$.Map.Item.Value", "n.$": "$$.Map.Item.Index", "who.$": "$.who"},
        "ItemProcessor": {"StartAt": "Keep", "States": {"Keep": {"Type": "Pass", "End": True}}},
        "ResultPath": "$.kept",
    }
    done = _one(state, {"parts": ["a", "b"], "who": "ada"})
    assert done.output["kept"] == [{"part": "a", "n": 0, "who": "ada"}, {"part": "b", "n": 1, "who": "ada"}]


def test_branches_run_beside_each_other_and_one_failure_fails_all() -> None:
    """The slowest decides how long it takes."""
    task = {"Type": "Task", "Resource": "arn:aws:states:::lambda:invoke", "End": True}
    branches = [{"StartAt": name, "States": {name: task}} for name in ("Fast", "Slow")]
    took = {"Fast": 2, "Slow": 9}
    state = {"Type": "Parallel", "Branches": branches}
    done = _one(state, {}, lambda asked: Answer(value=asked.state, after_seconds=took[asked.state]))
    assert (done.output, done.seconds) == (["Fast", "Slow"], 9)
    assert _one(state, {}, lambda asked: Answer(error="Broken")).error == "Broken"


ANSWERS: list[tuple[str, list[Any], Any]] = [
    ("Format", ["Hello, my name is {}.", "ada"], "Hello, my name is ada."),
    ("Format", ["{} and {}", 1, {"a": [True]}], '1 and {"a":[true]}'),
    ("Format", ["\\{{}\\}", "x"], "{x}"),
    ("StringToJson", ['{"number": 20}'], {"number": 20}),
    ("JsonToString", [{"name": "x", "n": 2}], '{"name":"x","n":2}'),
    ("Array", [1, "a", None], [1, "a", None]),
    ("ArrayPartition", [[1, 2, 3, 4, 5], 2], [[1, 2], [3, 4], [5]]),
    ("ArrayContains", [[1, 2, 3], 2], True),
    ("ArrayContains", [[1, 2], True], False),
    ("ArrayRange", [1, 9, 2], [1, 3, 5, 7, 9]),
    ("ArrayRange", [3, 1, -1], [3, 2, 1]),
    ("ArrayRange", [1, 1_000, 1], list(range(1, 1_001))),
    ("ArrayRange", [1, 5, 3], [1, 4]),
    ("ArrayRange", [5, 1, -3], [5, 2]),
    ("ArrayRange", [1, 5, -1], []),
    ("ArrayPartition", [[1, 2], 1], [[1], [2]]),
    ("ArrayGetItem", [[1], 0], 1),
    ("Base64Encode", ["a" * 10_000], "YWFh" * 3_333 + "YQ=="),
    ("Format", ["{}", {"a": "ä"}], '{"a":"ä"}'),
    ("ArrayGetItem", [[1, 2, 3], 1], 2),
    ("ArrayLength", [[1, 2, 3]], 3),
    ("ArrayUnique", [[1, True, 1, "1"]], [1, True, "1"]),
    ("Base64Encode", ["Data to encode"], "RGF0YSB0byBlbmNvZGU="),
    ("Base64Decode", ["RGF0YSB0byBlbmNvZGU="], "Data to encode"),
    ("Hash", ["input data", "SHA-1"], "aaff4a450a104cd177d28d18d74485e8cae074b7"),
    ("JsonMerge", [{"a": {"x": 1}, "b": 1}, {"a": {"y": 2}}, False], {"a": {"y": 2}, "b": 1}),
    ("MathAdd", [111, -1], 110),
    ("StringSplit", ["1,2;3,,4", ",;"], ["1", "2", "3", "4"]),
    ("UUID", [], "one"),
    ("MathRandom", [1, 999], 1),
]


@pytest.mark.parametrize(("name", "arguments", "expected"), ANSWERS)
def test_what_a_function_answers(name: str, arguments: list[Any], expected: Any) -> None:
    """As the specification describes each."""
    answered = call(f"States.{name}", arguments, CHANCE)
    assert (answered, type(answered)) == (expected, type(expected))


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("Format", ["{} {}", 1]),
        ("Format", ["{}", 1, 2]),
        ("Format", ["{", 1]),
        ("StringToJson", ["{"]),
        ("ArrayPartition", [[1], 0]),
        ("ArrayRange", [1, 5_000, 1]),
        ("ArrayRange", [1, 1_001, 1]),
        ("ArrayGetItem", [[1], -1]),
        ("Base64Encode", ["a" * 10_001]),
        ("MathRandom", [2, 2]),
        ("ArrayRange", [1, 5, 0]),
        ("ArrayGetItem", [[1], 1]),
        ("Base64Decode", ["?"]),
        ("Hash", ["x", "SHA-3"]),
        ("JsonMerge", [{}, {}, True]),
        ("MathAdd", ["1", 2]),
        ("MathAdd", [1]),
        ("MathRandom", [2, 1]),
        ("Now", []),
    ],
)
def test_what_a_function_refuses(name: str, arguments: list[Any]) -> None:
    """An execution fails with `States.IntrinsicFailure`, which can be caught."""
    with pytest.raises(RefusedError, match=f"States.{name}"):
        call(f"States.{name}", arguments, CHANCE)


@pytest.mark.parametrize(
    "said", ["States.Format('{}', $.gone)", "$.gone", "States.Format('{}'", "States.MathAdd('1', 2)"]
)
def test_a_template_that_cannot_be_filled_fails(said: str) -> None:
    """By the name that the service gives."""
    done = _one({"Type": "Pass", "Parameters": {"x.$": said}}, {})
    assert (done.status, done.error) == (
        "FAILED",
        "States.IntrinsicFailure" if "MathAdd" in said else "States.Runtime",
    )


def test_a_machine_that_goes_round_for_ever_cannot_be_replayed() -> None:
    """It is said, and not waited for."""
    machine = {"StartAt": "A", "States": {"A": {"Type": "Pass", "Next": "A"}}}
    with pytest.raises(NotReplayableError, match="10000 states"):
        run(machine_of(machine), {}, lambda _: Answer())


def test_as_many_states_are_entered_as_may_be_and_not_one_more() -> None:
    """The last one that may be is entered."""
    states = {f"S{n}": {"Type": "Pass", "Next": f"S{n + 1}"} for n in range(2)}
    machine = machine_of({"StartAt": "S0", "States": {**states, "S2": {"Type": "Pass", "End": True}}})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(replay, "MOST_STATES", 3)
        assert run(machine, {}, lambda _: Answer()).names() == ("S0", "S1", "S2")
        patch.setattr(replay, "MOST_STATES", 2)
        with pytest.raises(NotReplayableError, match="2 states"):
            run(machine, {}, lambda _: Answer())


def test_a_machine_is_timed_out_at_its_limit_and_not_before() -> None:
    """The second at which it must have ended is too late."""
    for seconds, status in ((299, "SUCCEEDED"), (300, "TIMED_OUT")):
        states = {"W": {"Type": "Wait", "Seconds": seconds, "End": True}}
        done = run(machine_of({"StartAt": "W", "TimeoutSeconds": 300, "States": states}), {}, lambda _: Answer())
        assert (done.status, done.seconds) == (status, seconds)


TIMED = {"Type": "Task", "Resource": "arn:aws:states:::lambda:invoke"}


@pytest.mark.parametrize(
    ("limits", "after", "silent", "error"),
    [
        ({"TimeoutSeconds": 10}, 10, 0, ""),
        ({"TimeoutSeconds": 10}, 11, 0, "States.Timeout"),
        ({"TimeoutSeconds": True}, 11, 0, ""),
        ({"HeartbeatSeconds": 5}, 11, 5, ""),
        ({"HeartbeatSeconds": 5}, 11, 6, "States.HeartbeatTimeout"),
        ({"TimeoutSeconds": 10, "HeartbeatSeconds": 5}, 11, 6, "States.HeartbeatTimeout"),
        ({"TimeoutSeconds": 10, "HeartbeatSeconds": 5}, 11, 5, "States.Timeout"),
        ({"TimeoutSeconds": 10, "HeartbeatSeconds": 10}, 11, 11, "States.Timeout"),
        ({}, 11, 11, ""),
    ],
)
def test_which_limit_ends_a_task(limits: dict[str, Any], after: int, silent: int, error: str) -> None:
    """The one that passes first; as long as the limit is not longer than it."""
    answers: Answers = lambda _: Answer(value={}, after_seconds=after, silent_seconds=silent)  # noqa: E731
    assert _one({**TIMED, **limits}, {}, answers).error == error


def test_only_a_task_knows_how_often_it_was_tried() -> None:
    """Of another state the context has no such field."""
    tried = {"Parameters": {"tries.$": "$$.State.RetryCount"}}
    retried = [{"ErrorEquals": ["A"], "MaxAttempts": 2}]
    done = _one({**TIMED, **tried, "Retry": retried}, {}, _in_turn("A", "A"))
    assert [asked.parameters["tries"] for asked in done.asked] == [0, 1, 2]
    assert _one({"Type": "Pass", **tried}, {}).error == "States.Runtime"


@pytest.mark.parametrize("field", ["ItemReader", "ResultWriter", "ItemBatcher"])
def test_a_map_that_goes_elsewhere_cannot_be_replayed(field: str) -> None:
    """Nothing is known of what lies there."""
    inner = {"StartAt": "Keep", "States": {"Keep": {"Type": "Pass", "End": True}}}
    with pytest.raises(NotReplayableError, match="elsewhere"):
        _one({"Type": "Map", "ItemProcessor": inner, field: {}}, [])


@pytest.mark.parametrize("field", ["Timestamp", "TimestampPath"])
def test_a_wait_for_an_instant_cannot_be_replayed(field: str) -> None:
    """A replay has none."""
    with pytest.raises(NotReplayableError, match="instant"):
        _one({"Type": "Wait", field: "$.at"}, {"at": "2026-01-01T00:00:00Z"})


@pytest.mark.parametrize(
    ("seconds", "error"), [(0, ""), (1, ""), (-1, "States.Runtime"), (True, "States.Runtime"), ("1", "States.Runtime")]
)
def test_a_wait_is_for_a_number_of_seconds(seconds: Any, error: str) -> None:
    """None is a number as well."""
    assert _one({"Type": "Wait", "Seconds": seconds}, {}).error == error


@pytest.mark.parametrize(
    ("path", "error"), [("$.rows[0]", ""), ("$.rows[1]", "States.Runtime"), ("$.rows.a", "States.Runtime")]
)
def test_an_item_is_there_up_to_the_last_one(path: str, error: str) -> None:
    """Behind it there is nothing."""
    assert _one({"Type": "Pass", "Parameters": {"x.$": path}}, {"rows": [7]}).error == error


def test_waiting_takes_the_time_that_it_says() -> None:
    """By number and by path."""
    assert _one({"Type": "Wait", "Seconds": 30}, {}).seconds == 30
    assert _one({"Type": "Wait", "SecondsPath": "$.for"}, {"for": 12}).seconds == 12
