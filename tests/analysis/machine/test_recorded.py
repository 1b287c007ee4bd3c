"""A history is what its definition does with the answers on record, or it is told where the two part."""

import copy
import json
from collections.abc import Callable
from typing import Any

import pytest

from drproof.analysis.machine.recorded import Move, Record, compared, record_of
from drproof.analysis.machine.values import NotReplayableError
from drproof.evidence.redaction import MASK
from drproof.formats.asl import machine_of
from tests.analysis.machine.histories import (
    ARN,
    GIVEN,
    MACHINE,
    History,
    answered,
    approved,
    asked,
    begun,
    failed,
    machine,
)

MEMBERS = ("FunctionName", "Payload", "ProjectName")
Change = Callable[[dict[str, Any]], object]


def _record(history: History, members: tuple[str, ...] | None = None) -> Record:
    return record_of(history.events(), execution=ARN, machine=MACHINE, members=members)


def _both(history: History, change: Change | None = None, members: tuple[str, ...] | None = None) -> Any:
    document = copy.deepcopy(machine())
    if change is not None:
        change(document["States"])
    return compared(machine_of(document), _record(history, members))


def _parts(history: History, change: Change | None = None) -> tuple[str, str]:
    """Return the first moves that are not the same, without their data where the names differ."""
    shown, done = _both(history, change)
    for number in range(max(len(shown), len(done))):
        one, other = shown[number : number + 1], done[number : number + 1]
        if one != other:
            return _named(one), _named(other)
    return "", ""


def _named(moves: tuple[Move, ...]) -> str:
    return f"{moves[0].kind} {moves[0].name}" if moves else "nothing"


def _rewritten(history: History, number: int, name: str, change: Callable[[Any], Any]) -> History:
    details = next(value for key, value in history.rows[number - 1].items() if key.endswith("EventDetails"))
    details[name] = json.dumps(change(json.loads(details[name])))
    return history


def _event(history: History, kind: str, which: int = -1) -> int:
    return [row["id"] for row in history.rows if row["type"] == kind][which]


@pytest.mark.parametrize("made", [approved, failed, begun], ids=["approved", "its build failed", "it still waits"])
def test_a_history_of_the_definition_has_nothing_else_in_it(made: Callable[[], History]) -> None:
    shown, done = _both(made())
    assert shown == done
    assert len([move for move in shown if move.kind == "calls"]) == {approved: 5, failed: 3, begun: 4}[made]


def test_the_moves_carry_what_went_in_and_what_came_out() -> None:
    shown, _ = _both(approved())
    assert [move.name for move in shown if move.kind == "ends"] == ["SUCCEEDED"]
    assert shown[0].sha256, "the history says what reached the first state"
    assert not shown[2].sha256, "and not what reached the choice"
    assert all(move.sha256 for move in shown if move.kind in {"calls", "ends"})


@pytest.mark.parametrize(
    ("change", "shown", "done"),
    [
        (lambda states: states["CheckHealth"].update(Next="BringupInfra"), "enters ShouldRunDR", "enters BringupInfra"),
        (lambda states: states["ShouldRunDR"]["Choices"].pop(), "enters BringupInfra", "enters HealthyNoop"),
        (lambda states: states["BringupInfra"].pop("Retry"), "calls BringupInfra", "enters HandlePhaseFailure"),
        (lambda states: states["BringupInfra"]["Parameters"].update(ProjectName="x"), "calls BringupInfra", "calls BringupInfra"),
        (lambda states: states["BringupInfra"].pop("ResultSelector"), "", ""),
        (lambda states: states["Promote"]["Parameters"]["Payload"].pop("ticket.$"), "calls Promote", "calls Promote"),
        (lambda states: states["Promote"]["Parameters"]["Payload"].update({"reason.$": "$.callback.reason"}), "calls Promote", "calls Promote"),
        (lambda states: states["Promote"]["Parameters"]["Payload"].update({"why.$": "$.callback.why"}), "calls Promote", "ends FAILED: States.Runtime"),
        (lambda states: states["ManualDecision"]["Choices"][0].update(BooleanEquals=False), "enters PromoteApproved", "enters PromotionRejected"),
        (lambda states: states["PromoteApproved"].update(Result={"status": "else"}), "ends SUCCEEDED", "ends SUCCEEDED"),
        (lambda states: states["PromoteApproved"].update(End=False, Next="HealthyNoop"), "ends SUCCEEDED", "enters HealthyNoop"),
    ],
)  # fmt: skip
def test_another_definition_parts_from_the_history_where_it_first_does_something_else(change, shown, done) -> None:
    assert _parts(approved(), change) == (shown, done)


def test_a_failure_goes_where_its_catcher_says_and_by_its_name() -> None:
    narrow: Change = lambda states: states["BringupInfra"]["Catch"][0].update(ErrorEquals=["States.Timeout"])  # noqa: E731
    assert _parts(failed(), narrow) == ("enters HandlePhaseFailure", "ends FAILED: States.TaskFailed")
    other: Change = lambda states: states["FailWorkflow"].update(Error="Other")  # noqa: E731
    assert _parts(failed(), other) == ("ends FAILED: DRPhaseFailed", "ends FAILED: Other")
    late = History().enters("CheckHealth").calls(**asked("check_health")).fails("", "TaskTimedOut")
    late.enters("HandlePhaseFailure").calls(**asked("notify", failure={"Error": "States.Timeout", "Cause": ""}))
    assert _parts(late) == ("", "")


def test_what_the_history_skips_adds_or_says_otherwise_is_found() -> None:
    skipped = approved()
    del skipped.rows[_event(skipped, "PassStateEntered") - 1]
    assert _parts(skipped) == ("ends SUCCEEDED", "enters PromoteApproved")
    more = begun().answers({}).enters("Promote").enters("PromoteApproved", "Pass")
    assert _parts(more) == ("enters PromoteApproved", "ends FAILED: States.Runtime")
    another = approved()
    given = _event(another, "TaskStateEntered", 0)
    assert _parts(_rewritten(another, given, "input", lambda said: {**said, "force_run": True})) == (
        "enters CheckHealth",
        "enters CheckHealth",
    )
    told = approved()
    wrong = _rewritten(told, _event(told, "TaskScheduled"), "parameters", lambda said: {**said, "more": 1})
    assert _parts(wrong) == ("calls Promote", "calls Promote")
    edited = approved()
    answer = _event(edited, "TaskSucceeded", -2)
    said_no = _rewritten(edited, answer, "output", lambda said: {**said, "approved": False})
    assert _parts(said_no) == ("calls Promote", "calls Promote")


def test_an_end_from_outside_is_no_doing_of_the_definition_but_a_limit_of_time_is_its_own() -> None:
    shown, done = _both(begun().ends("Aborted"))
    assert (shown, shown[-1]) == (done, Move(kind="ends", name="ABORTED"))
    between = approved()
    del between.rows[-2:]
    assert _parts(between.ends("Aborted")) == ("", "")
    assert _parts(begun().ends("TimedOut")) == ("ends TIMED_OUT", "ends WITHOUT_A_LIMIT_OF_TIME")
    limited = machine_of(machine() | {"TimeoutSeconds": 60})
    assert len(set(compared(limited, _record(begun().ends("TimedOut"))))) == 1


def test_instants_tokens_causes_and_chance_are_whatever_the_record_has() -> None:
    def change(states: dict[str, Any]) -> None:
        states["Promote"]["Parameters"]["Payload"] |= {
            "began.$": "States.Format('since {}', $$.Execution.StartTime)",
            "id.$": "States.UUID()",
            "role.$": "$$.Execution.RoleArn",
            "machine.$": "$$.StateMachine.Name",
            "arn.$": "$$.Execution.Id",
            "all.$": "States.Array($$.State.EnteredTime, 'x')",
            "form.$": "States.Format($$.Execution.StartTime, 'x')",
            "count.$": "States.Format('{} of {}', 3, $$.Execution.StartTime)",
        }

    more = {
        "began": "since 2026", "id": "one", "role": "arn:aws:iam::444455556666:role/dr", "machine": "atlas-dr",
        "arn": ARN, "all": ["2026", "x"], "form": "2026 for x",
        "count": "3 of 2026",
    }  # fmt: skip

    def with_more(**said: Any) -> History:
        done = approved()
        add = lambda told: {**told, "Payload": {**told["Payload"], **more, **said}}  # noqa: E731
        return _rewritten(done, _event(done, "TaskScheduled"), "parameters", add)

    assert _parts(with_more(), change) == ("", "")
    for name, said in (
        ("began", "until 2026"),
        ("role", "another"),
        ("all", ["2026", "y"]),
        ("id", 7),
        ("arn", "another"),
        ("machine", "x"),
    ):
        assert _parts(with_more(**{name: said}), change) == ("calls Promote", "calls Promote"), name


def test_without_a_description_name_and_arns_are_whatever_the_record_has() -> None:
    def change(states: dict[str, Any]) -> None:
        told = {"arn.$": "$$.Execution.Id", "of.$": "$$.StateMachine.Id", "name.$": "$$.StateMachine.Name", "rows": [1]}
        states["Promote"]["Parameters"]["Payload"] |= told

    def parted(**more: Any) -> bool:
        done, told = approved(), {"arn": "a", "of": "b", "name": "c", "rows": [1]}
        add = lambda said: {**said, "Payload": {**said["Payload"], **told, **more}}  # noqa: E731
        _rewritten(done, _event(done, "TaskScheduled"), "parameters", add)
        document = machine()
        change(document["States"])
        shown, made = compared(machine_of(document), record_of(done.events()))
        return bool(shown != made)

    assert not parted()
    assert parted(rows={"0": 1})
    assert parted(rows=[1, 2])


def test_a_limit_of_time_is_that_of_the_record_s_clock_and_fractions_are_numbers() -> None:
    states = {"Wait": {"Type": "Wait", "SecondsPath": "$.for", "End": True}}
    document = {"StartAt": "Wait", "TimeoutSeconds": 60, "States": states}
    done = History({"for": 90.5}).enters("Wait", "Wait").ends("Succeeded", output=json.dumps({"for": 90.5}))
    shown, made = compared(machine_of(document), _record(done))
    assert shown == made


def test_an_object_is_no_text_and_no_list() -> None:
    whole: Change = lambda states: states["Promote"]["Parameters"]["Payload"].update({"given": {"a": 1}})  # noqa: E731

    def told(given: Any) -> History:
        done = approved()
        add = lambda said: {**said, "Payload": {**said["Payload"], "given": given}}  # noqa: E731
        return _rewritten(done, _event(done, "TaskScheduled"), "parameters", add)

    assert _parts(told({"a": 1}), whole) == ("", "")
    for given in (["a"], "a", {"a": 1, "b": 2}, {}):
        assert _parts(told(given), whole) == ("calls Promote", "calls Promote"), given


def test_what_an_export_leaves_out_or_masks_is_no_difference_and_what_it_has_is() -> None:
    def cut(told: dict[str, Any]) -> dict[str, Any]:
        return {"FunctionName": told["FunctionName"], "Payload": {**told["Payload"], "ticket": f"{MASK} 7"}}

    def change(states: dict[str, Any]) -> None:
        states["Promote"]["Parameters"]["InvocationType"] = "RequestResponse"
        states["Promote"]["Parameters"]["Payload"] |= {"from.$": "$.phase_results.bringup.phase_outputs.Source"}
        states["Promote"]["Parameters"]["Payload"] |= {"build.$": "$.phase_results.bringup.phase_outputs"}
        said = "States.Format('from {}', $.phase_results.bringup.phase_outputs.Source)"
        states["Promote"]["Parameters"]["Payload"] |= {"said.$": said}

    build = {"Id": "infra:1", "BuildStatus": "SUCCEEDED", "Source": {"Type": "S3"}}

    def exported(**more: Any) -> History:
        done = approved()
        told = {"from": {"Type": "S3"}, "build": build, "said": "from S3", **more}
        add = lambda said: cut({**said, "Payload": {**said["Payload"], **told}})  # noqa: E731
        return _rewritten(done, _event(done, "TaskScheduled"), "parameters", add)

    shown, done = _both(exported(), change, MEMBERS)
    assert shown == done
    shown, done = _both(exported(**{"from": "a text"}), change, MEMBERS)
    assert shown == done
    for more in ({"approver": "eve"}, {"build": {**build, "Id": "infra:2"}}, {"build": "infra:1"}):
        shown, done = _both(exported(**more), change, MEMBERS)
        assert shown != done
    shown, done = _both(exported(), change)
    assert (shown[-1].name, done[-1].name) == ("SUCCEEDED", "FAILED: States.Runtime"), "a whole history has all of it"


def _without(history: History, number: int, *names: str) -> History:
    details = next(value for key, value in history.rows[number - 1].items() if key.endswith("EventDetails"))
    for name in names:
        del details[name]
    return history


def test_what_the_record_does_not_hold_is_said_and_not_made_up() -> None:
    with pytest.raises(NotReplayableError, match="no history was handed in"):
        record_of(())
    with pytest.raises(NotReplayableError, match="what the execution was given"):
        _record(_without(approved(), 1, "input"))
    cut = approved()
    cut.rows[0]["executionStartedEventDetails"]["inputDetails"] = {"truncated": True}
    with pytest.raises(NotReplayableError, match="what the execution was given"):
        _record(cut)
    silent = begun()
    with pytest.raises(NotReplayableError, match="what the task of CheckHealth answered"):
        _record(_without(silent, _event(silent, "TaskSucceeded", 0), "output"))


def test_what_a_replay_cannot_know_leaves_it_open() -> None:
    def chooses(path: str) -> Change:
        return lambda states: states["ShouldRunDR"]["Choices"][0].update(Variable=path)

    with pytest.raises(NotReplayableError, match="StartTime, which is not known"):
        _both(approved(), chooses("$$.Execution.StartTime"))
    there: Change = lambda states: states["ManualDecision"].update(  # noqa: E731
        Choices=[
            {"Variable": "$.phase_results.bringup.phase_outputs.Logs", "IsPresent": True, "Next": "PromoteApproved"}
        ]
    )
    with pytest.raises(NotReplayableError, match="is there, which is not known"):
        _both(approved(), there, MEMBERS)
    assert _parts(approved(), there) == ("enters PromoteApproved", "enters PromotionRejected")
    drawn: Change = lambda states: states["HealthyNoop"].update(Parameters={"n.$": "States.MathRandom(1, 9)"})  # noqa: E731
    healthy = History().enters("CheckHealth").calls(**asked("check_health"))
    healthy.answers(answered("check_health", needs_dr=False)).enters("ShouldRunDR", "Choice")
    healthy.enters("HealthyNoop", "Pass").ends("Succeeded", output='{"status": "healthy_noop"}')
    assert _parts(healthy) == ("", "")
    with pytest.raises(NotReplayableError, match="does not say which"):
        _both(healthy, drawn)
    parts = {"n.$": "States.StringSplit($$.Execution.StartTime, '-')"}
    split: Change = lambda states: states["HealthyNoop"].update(Parameters=parts)  # noqa: E731
    with pytest.raises(NotReplayableError, match="StringSplit is asked of a value"):
        _both(healthy, split)


@pytest.mark.parametrize("kind", ["Parallel", "Map"])
def test_branches_beside_each_other_are_not_told_apart(kind: str) -> None:
    inner = {"StartAt": "A", "States": {"A": {"Type": "Pass", "End": True}}}
    state = {"Type": kind, "Branches": [inner], "ItemProcessor": inner, "End": True}
    with pytest.raises(NotReplayableError, match="One runs machines beside each other"):
        compared(machine_of({"StartAt": "One", "States": {"One": state}}), _record(History()))


def test_a_function_that_is_called_by_its_arn_has_events_of_its_own() -> None:
    state = {
        "Type": "Task", "Resource": "arn:aws:lambda:us-west-2:444455556666:function:f", "End": True,
        "Parameters": {"of.$": "$.bucket"},
    }  # fmt: skip

    def parted(given: Any) -> bool:
        done = History().enters("One")
        done._add("LambdaFunctionScheduled", resource="f", input=json.dumps(given))
        done._add("LambdaFunctionSucceeded", output="7").ends("Succeeded", output="7")
        shown, made = compared(machine_of({"StartAt": "One", "States": {"One": state}}), _record(done))
        return bool(shown != made)

    assert not parted({"of": GIVEN["bucket"]})
    assert parted({"of": "another"})
