"""The history of an execution tells what went into each phase and came out, how it ended, and why."""

import json
from typing import Any

import pytest

from drproof.analysis.execution_steps import deepest_cause, last_of, last_state, problem_of, status, steps
from drproof.formats.execution_history import Event, parse
from drproof.formats.receipts_v1 import digest

FUNCTION = "arn:aws:lambda:eu-west-1:111122223333:function:runner"
PLACE = {"expected_account_id": "111122223333", "region": "eu-west-1", "execution_id": "drill-of-atlas"}


class History:
    """A history as it is told: each event follows from the one before it, a second later."""

    def __init__(self) -> None:
        self.rows: list[dict[str, Any]] = []
        self.add("ExecutionStarted")

    def add(self, kind: str, previous: int | None = None, **details: Any) -> "History":
        number = len(self.rows) + 1
        name = kind[0].lower() + kind[1:] + "EventDetails"
        self.rows.append(
            {
                "id": number,
                "previousEventId": number - 1 if previous is None else previous,
                "type": kind,
                "timestamp": f"2026-05-04T10:{number // 60:02}:{number % 60:02}.000Z",
                **({name: details} if details else {}),
            }
        )
        return self

    def enter(self, state: str) -> "History":
        number = len(self.rows) + 1
        self.add("TaskStateEntered")
        self.rows[number - 1] |= {"stateEnteredEventDetails": {"name": state}}
        return self

    def ask(self, action: str, **more: Any) -> "History":
        payload = {"action": action, **PLACE, **more}
        return self.add("TaskScheduled", parameters=json.dumps({"FunctionName": FUNCTION, "Payload": payload}))

    def answer(self, kind: str = "TaskSucceeded", **outputs: Any) -> "History":
        output = {"Payload": {"ok": True, "phase_outputs": outputs}}
        return self.add(kind, output=json.dumps(output))

    @property
    def events(self) -> tuple[Event, ...]:
        return parse([{"events": self.rows}])


def _asked() -> History:
    return History().enter("Restore").ask("restore", keys=["a"]).add("TaskStarted")


def test_a_task_is_told_with_its_phase_its_place_and_both_digests():
    (step,) = steps(_asked().answer(checked=3).events)

    assert (step.phase, step.state, step.outcome) == ("restore", "Restore", "succeeded")
    assert (step.execution, step.account_id, step.region) == ("drill-of-atlas", "111122223333", "eu-west-1")
    assert step.given_sha256 == digest({"action": "restore", **PLACE, "keys": ["a"]})
    assert step.result_sha256 == digest({"checked": 3})
    assert (step.scheduled_at, step.ended_at) == ("2026-05-04T10:00:03.000Z", "2026-05-04T10:00:05.000Z")
    assert step.answer is None


def test_a_build_is_told_by_its_environment_and_its_number():
    rows = [{"Name": "ACTION", "Value": "bringup"}, {"Name": "EXECUTION_ID", "Value": "drill-of-atlas"}]
    rows += [{"Name": "EXPECTED_ACCOUNT_ID", "Value": "111122223333"}, {"Name": "AWS_REGION", "Value": "eu-west-1"}]
    history = History().add("TaskScheduled", parameters=json.dumps({"EnvironmentVariablesOverride": [*rows, "odd"]}))
    history.add("TaskSubmitted", output=json.dumps({"Build": {"Id": "infra:1"}}))
    (step,) = steps(history.add("TaskSucceeded", output=json.dumps({"Build": {"Id": "infra:1"}})).events)

    assert (step.phase, step.execution) == ("bringup", "drill-of-atlas")
    assert (step.account_id, step.region) == ("111122223333", "eu-west-1")
    assert step.result_sha256 == digest("infra:1")


def test_a_task_that_waits_for_its_token_has_a_result_and_later_an_answer():
    history = History().ask("request_manual_approval").answer("TaskSubmitted", published=True)
    (waiting,) = steps(history.events)
    (answered,) = steps(history.add("TaskSucceeded", output='{"approved": true}').events)

    assert (waiting.outcome, waiting.answer, waiting.ended_at) == ("open", None, "")
    assert waiting.result_sha256 == answered.result_sha256 == digest({"published": True})
    assert (answered.outcome, answered.answer) == ("succeeded", {"approved": True})


def test_a_function_that_is_called_directly_is_a_task_too():
    history = History().add("LambdaFunctionScheduled", input=json.dumps({"action": "validate"}))
    (step,) = steps(history.add("LambdaFunctionSucceeded", output='{"phase_outputs": {"a": 1}}').events)

    assert (step.phase, step.outcome, step.result_sha256) == ("validate", "succeeded", digest({"a": 1}))


def test_a_history_without_its_data_tells_of_no_result():
    (step,) = steps(History().add("TaskScheduled").add("TaskSucceeded").events)

    assert (step.phase, step.given_sha256, step.result_sha256, step.answer) == ("", "", "", None)
    (odd,) = steps(
        History().add("TaskScheduled", parameters='{"Payload": 1, "EnvironmentVariablesOverride": 2}').events
    )
    assert (odd.phase, odd.given_sha256) == ("", "")
    (bare,) = steps(_asked().add("TaskSucceeded", output='{"Payload": 1}').events)
    assert bare.result_sha256 == ""


def test_events_belong_to_the_task_that_they_follow_from():
    history = History().ask("notify").ask("validate")
    history.rows[2]["previousEventId"] = 1
    history.add("TaskSucceeded", previous=2, output='{"phase_outputs": {"a": 1}}')
    history.add("TaskFailed", previous=3, error="Odd")

    assert [(step.phase, step.outcome) for step in steps(history.events)] == [
        ("notify", "succeeded"),
        ("validate", "failed"),
    ]


def test_of_several_tasks_of_a_phase_the_last_is_the_one_whose_receipt_is_left():
    found = last_of(steps(History().ask("notify", status="done").ask("notify", status="failed").events))

    assert found["notify"].given_sha256 == digest({"action": "notify", **PLACE, "status": "failed"})
    assert last_of(steps(History().add("TaskScheduled").events)) == {}


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("ExecutionSucceeded", "SUCCEEDED"),
        ("ExecutionFailed", "FAILED"),
        ("ExecutionAborted", "ABORTED"),
        ("ExecutionTimedOut", "TIMED_OUT"),
        ("TaskStarted", "RUNNING"),
    ],
)
def test_the_last_event_says_how_it_ended(kind, said):
    assert status(History().add(kind).events) == said


def test_a_whole_history_has_no_problem_also_where_an_end_follows_from_nothing():
    assert problem_of(_asked().answer().add("ExecutionAborted", previous=0).events) == ""
    assert problem_of(History().events) == ""


def test_two_events_may_have_one_time():
    history = _asked()
    history.rows[-1]["timestamp"] = history.rows[-2]["timestamp"]

    assert problem_of(history.events) == ""


@pytest.mark.parametrize("end", ["ExecutionFailed", "ExecutionAborted", "ExecutionTimedOut"])
def test_a_history_that_goes_on_by_a_redrive_is_whole_and_no_success_is_gone_on_with(end):
    """The platform appends to the history of an execution that is redriven."""

    def told(ended: str) -> str:
        kinds = ("ExecutionStarted", ended, "ExecutionRedriven", "TaskStateEntered", "ExecutionSucceeded")
        rows = [
            {"id": number, "previousEventId": number - 1, "type": kind, "timestamp": f"2026-05-04T10:00:0{number}.000Z"}
            for number, kind in enumerate(kinds, start=1)
        ]
        return problem_of(parse([{"events": rows}]))

    assert told(end) == ""
    assert told("ExecutionSucceeded") == "event 3 comes after the end of the execution"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda rows: rows.pop(0), "does not begin"),
        (lambda rows: rows.pop(1), "gaps"),
        (lambda rows: rows[2].update(previousEventId=3), "event 3 follows from"),
        (lambda rows: rows[2].update(previousEventId=4), "event 3 follows from"),
        (lambda rows: rows[2].update(previousEventId=-1), "event 3 follows from"),
        (lambda rows: rows[2].update(timestamp="2026-05-04T10:00:01.999Z"), "event 3 is earlier"),
        (lambda rows: rows[1].update(type="ExecutionFailed"), "event 3 comes after the end"),
    ],
)
def test_a_history_that_was_cut_or_put_together_is_found_out(change, said):
    history = _asked()
    change(history.rows)

    assert said in problem_of(history.events)


def test_an_execution_that_runs_or_succeeded_has_no_cause():
    assert deepest_cause(_asked().events) is None
    assert deepest_cause(_asked().answer().add("ExecutionSucceeded").events) is None


@pytest.mark.parametrize(("kind", "said"), [("ExecutionAborted", "aborted"), ("ExecutionTimedOut", "timed_out")])
def test_an_execution_that_was_ended_names_the_phase_that_it_waited_in(kind, said):
    history = _asked().answer().enter("Approval").ask("request_manual_approval").add(kind, previous=0)
    cause = deepest_cause(history.events)
    alone = deepest_cause(_asked().answer().add(kind, previous=0).events)

    assert cause is not None
    assert (cause.kind, cause.phase, cause.state) == (said, "request_manual_approval", "Approval")
    assert alone is not None
    assert (alone.kind, alone.phase, alone.state) == (said, "", "")


def test_a_runtime_error_of_the_machine_names_the_state_that_it_came_to():
    history = _asked().add("TaskFailed", error="Early").enter("Promote").add("ExecutionFailed", error="States.Runtime")
    cause = deepest_cause(history.events)

    assert cause is not None
    assert (cause.kind, cause.state, cause.error) == ("runtime", "Promote", "States.Runtime")


@pytest.mark.parametrize(
    ("kind", "details", "said"),
    [
        ("TaskFailed", {"error": "RuntimeError", "cause": "{}"}, ("task", "RuntimeError", "")),
        ("LambdaFunctionFailed", {"error": "RuntimeError"}, ("task", "RuntimeError", "")),
        ("TaskTimedOut", {"error": "States.Timeout"}, ("timed_out", "States.Timeout", "")),
        ("LambdaFunctionTimedOut", {}, ("timed_out", "", "")),
        (
            "TaskFailed",
            {"error": "States.TaskFailed", "cause": '{"BuildStatus":"FAILED"}'},
            ("build", "States.TaskFailed", ""),
        ),
        (
            "TaskFailed",
            {"error": "Denied", "cause": "is not authorized to perform: iam:TagRole on *"},
            ("denied", "Denied", "iam:TagRole"),
        ),
        ("TaskFailed", {"error": "a sentence of somebody's, with a password"}, ("task", "", "")),
    ],
)
def test_the_last_task_that_failed_says_why_not_the_state_for_failures(kind, details, said):
    history = _asked().add(kind, **details).enter("Tell").ask("notify").answer()
    cause = deepest_cause(history.enter("Fail").add("ExecutionFailed", error="DrillFailed").events)

    assert cause is not None
    assert (cause.kind, cause.error, cause.denied) == said
    assert (cause.phase, cause.state) == ("restore", "Restore")


def test_of_two_failures_the_last_is_the_one_that_ended_it():
    history = _asked().add("TaskFailed", error="First").enter("Again").ask("validate").add("TaskFailed", error="Second")
    cause = deepest_cause(history.add("ExecutionFailed").events)

    assert cause is not None
    assert (cause.error, cause.phase, cause.state) == ("Second", "validate", "Again")


def test_what_was_tried_again_with_success_is_no_cause():
    """A throttled call that went well in the end, and then a decision that is neither yes nor no."""
    history = _asked().add("TaskFailed", error="Throttled").ask("restore").answer()
    cause = deepest_cause(history.enter("Fail").add("ExecutionFailed", error="Unclear").events)

    assert cause is not None
    assert (cause.kind, cause.error, cause.phase, cause.state) == ("unknown", "Unclear", "", "Fail")


def test_what_was_caught_is_the_cause_whatever_went_well_after_it():
    """People were told with success, and what failed before is what went wrong; also where it was tried again."""
    history = _asked().add("TaskFailed", error="First").ask("restore").add("TaskFailed", error="Second")
    history.enter("Tell").ask("notify").add("TaskFailed", error="Throttled").ask("notify").answer()
    cause = deepest_cause(history.enter("Fail").add("ExecutionFailed", error="DrillFailed").events)

    assert cause is not None
    assert (cause.error, cause.phase, cause.state) == ("Second", "restore", "Restore")


def test_a_failure_without_a_failed_task_is_unknown_and_names_what_is_known():
    cause = deepest_cause(_asked().answer().add("ExecutionFailed", error="Odd").events)

    assert cause is not None
    assert (cause.kind, cause.error, cause.state) == ("unknown", "Odd", "Restore")


def test_names_that_are_prose_are_not_taken_over():
    (step,) = steps(History().enter("a name; with <marks>").ask("restore").events)

    assert step.state == ""


OWN_ARN = "arn:aws:states:us-west-2:444455556666:execution:orchestrator:drill-of-ours"


def _of_ours(**more: Any) -> History:
    payload = {"act": "restore", "execution": {"arn": OWN_ARN, "name": "drill-of-ours"}, **more}
    asked = json.dumps({"FunctionName": FUNCTION, "Payload": payload})
    return History().enter("Restore").add("TaskScheduled", parameters=asked)


def test_a_task_of_our_own_machine_is_told_by_its_act_and_the_arn_of_the_execution():
    answer = {"phase": "restore", "outcome": "passed", "receipt": "s3://a/b/restore.json", "sha256": "ab" * 32}
    history = _of_ours().add("TaskSucceeded", output=json.dumps({"Payload": answer, "StatusCode": 200}))

    (step,) = steps(history.events)

    assert (step.phase, step.outcome, step.result_sha256) == ("restore", "succeeded", "ab" * 32)
    assert (step.execution, step.account_id, step.region) == ("drill-of-ours", "444455556666", "us-west-2")
    assert step.answer is None


def test_an_arn_that_is_too_short_names_no_place_and_an_answer_without_a_receipt_has_no_digest():
    (odd,) = steps(_of_ours(execution={"arn": "arn:aws:states:us-west-2:444455556666:execution:short"}).events)
    (text,) = steps(_of_ours(execution="drill-of-ours").events)
    (none,) = steps(_of_ours(execution={}).events)
    told = json.dumps({"Payload": {"phase": "seal", "sha256": "ab" * 32}})
    (sealed,) = steps(_of_ours().add("TaskSucceeded", output=told).events)
    (wrong,) = steps(_of_ours().add("TaskSucceeded", output='{"Payload": {"receipt": "r", "sha256": 7}}').events)

    for step in (odd, text, none):
        assert (step.execution, step.account_id, step.region) == ("", "", "")
    assert sealed.result_sha256 == wrong.result_sha256 == ""


def test_the_last_state_is_the_one_that_was_entered_last():
    assert last_state(History().enter("Restore").enter("Validate").add("TaskStarted").events) == "Validate"
    assert last_state(History().events) == ""
