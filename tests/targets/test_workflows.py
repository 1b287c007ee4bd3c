"""State machines and executions at the embedded world; what it cannot say is said by a server of two pages."""

import http.server
import json
import secrets
import threading
import traceback
from collections.abc import Callable, Iterator
from functools import partial
from types import SimpleNamespace
from typing import Any

import pytest

from drproof.formats.execution_history import parse
from drproof.model.errors import AlreadyExistsError, NotFoundError, TargetError
from drproof.model.workflows import ExecutionInfo
from drproof.targets.aws.sessions import Session
from drproof.targets.aws.stepfunctions import AwsWorkflows
from drproof.targets.sites import AwsTarget
from tests.patience import until
from tests.targets.conftest import make_intent

QUICK = {"StartAt": "Done", "States": {"Done": {"Type": "Pass", "Result": {"done": True}, "End": True}}}
SLOW = {"StartAt": "Wait", "States": {"Wait": {"Type": "Wait", "Seconds": 600, "End": True}}}
WAITING = {
    "StartAt": "Ask",
    "States": {
        "Ask": {
            "Type": "Task",
            "Resource": "arn:aws:states:::sns:publish.waitForTaskToken",
            "Parameters": {"TopicArn.$": "$.topic", "Message": {"token.$": "$$.Task.Token"}},
            "TimeoutSeconds": 120,
            "End": True,
        }
    },
}


@pytest.fixture
def workflows(target: AwsTarget) -> AwsWorkflows:
    return target.recovery.workflows


@pytest.fixture
def made(stranger: Callable[[str], Any]) -> Callable[[dict[str, Any]], str]:
    """Make a state machine of a definition, and return its ARN."""

    def make(definition: dict[str, Any]) -> str:
        role = stranger("iam").create_role(RoleName=f"r-{secrets.token_hex(4)}", AssumeRolePolicyDocument="{}")
        answer = stranger("stepfunctions").create_state_machine(
            name=f"m-{secrets.token_hex(4)}", definition=json.dumps(definition), roleArn=role["Role"]["Arn"]
        )
        arn: str = answer["stateMachineArn"]
        return arn

    return make


def _ended(workflows: AwsWorkflows, arn: str) -> ExecutionInfo:
    return until(lambda: found if (found := workflows.execution(arn)).status != "RUNNING" else None)


def test_an_execution_is_told_with_its_texts_its_history_and_its_machine(workflows, made):
    machine = made(QUICK)
    arn = workflows.start(make_intent(), machine, "one", '{"a": 1}')

    found = _ended(workflows, arn)

    assert (found.name, found.machine, found.status) == ("one", machine, "SUCCEEDED")
    assert (json.loads(found.input), json.loads(found.output)) == ({"a": 1}, {"done": True})
    assert found.started_at <= found.stopped_at
    assert "done" not in repr(found), "texts of others are shown by whoever has redacted them"
    events = parse([{"events": list(workflows.history(arn))}])
    assert [event.kind for event in events][:: len(events) - 1] == ["ExecutionStarted", "ExecutionSucceeded"]
    assert events[0].document("input") == {"a": 1}
    seen = workflows.machine_of(arn)
    assert seen == workflows.machine(machine)
    assert json.loads(seen.definition) == QUICK
    assert ":role/" in seen.role


def test_executions_are_listed_the_newest_first_and_by_status(workflows, made):
    machine = made(QUICK)
    arns = [workflows.start(make_intent(), machine, f"run-{number}", "{}") for number in range(3)]
    for arn in arns:
        _ended(workflows, arn)
    workflows._client.meta.events.register(
        "before-parameter-build.stepfunctions.ListExecutions", lambda params, **_: params.update(maxResults=1)
    )

    assert [one.arn for one in workflows.executions(machine)] == arns[::-1]
    assert [one.arn for one in workflows.executions(machine, status="SUCCEEDED")] == arns[::-1]
    assert list(workflows.executions(machine, status="FAILED")) == []


def test_a_name_is_one_execution(workflows, made):
    machine = made(SLOW)
    arn = workflows.start(make_intent(), machine, "one", "{}")

    assert workflows.start(make_intent(), machine, "one", "{}") == arn
    with pytest.raises(AlreadyExistsError, match="states:StartExecution"):
        workflows.start(make_intent(), machine, "one", '{"other": 1}')
    workflows.stop(make_intent(), arn, error="Stopped", cause="by a test")
    assert _ended(workflows, arn).status == "ABORTED"


def test_a_task_that_waits_is_answered_by_its_token_and_once(workflows, made, stranger):
    topic = stranger("sns").create_topic(Name=f"t-{secrets.token_hex(4)}")["TopicArn"]
    arns = [
        workflows.start(make_intent(), machine, name, json.dumps({"topic": topic}))
        for machine, name in ((made(WAITING), "yes"), (made(WAITING), "no"))
    ]
    tokens = [until(partial(_token, workflows, arn)) for arn in arns]

    workflows.succeed(make_intent(), tokens[0], '{"approved": true}')
    workflows.fail(make_intent(), tokens[1], error="Refused", cause="not now")

    assert json.loads(_ended(workflows, arns[0]).output) == {"approved": True}
    refused = _ended(workflows, arns[1])
    assert (refused.status, refused.error) == ("FAILED", "Refused")
    with pytest.raises(NotFoundError, match="states:SendTaskSuccess"):
        workflows.succeed(make_intent(), tokens[0], "{}")


def _token(workflows: AwsWorkflows, arn: str) -> str | None:
    for event in parse([{"events": list(workflows.history(arn))}]):
        message = event.document("parameters").get("Message")
        if event.kind == "TaskScheduled" and message:
            return str((json.loads(message) if isinstance(message, str) else message)["token"])
    return None


@pytest.mark.parametrize("call", ["execution", "history", "machine_of"])
def test_an_execution_that_does_not_exist_is_not_found(workflows, call):
    arn = "arn:aws:states:us-west-2:444455556666:execution:nothing:nobody"

    with pytest.raises(NotFoundError, match=arn):
        getattr(workflows, call)(arn)


def test_a_machine_that_does_not_exist_is_not_found(workflows):
    with pytest.raises(NotFoundError, match="states:DescribeStateMachine"):
        workflows.machine("arn:aws:states:us-west-2:444455556666:stateMachine:nothing")


class Pages(http.server.BaseHTTPRequestHandler):
    """Answers every call with the next of its server's answers, and keeps what was asked."""

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
        server: Any = self.server
        server.asked.append(asked)
        status, answer = server.answers(asked)
        body = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("content-type", "application/x-amz-json-1.0")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Nobody reads it."""


@pytest.fixture
def paged() -> Iterator[Any]:
    """A server over a real socket, and workflows that ask it."""
    server: Any = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Pages)
    server.asked = []
    threading.Thread(target=server.serve_forever, daemon=True).start()
    issued = {"access_key_id": "AKIDEXAMPLE", "secret_access_key": "x" * 40}
    session = Session("us-west-2", endpoint=f"http://127.0.0.1:{server.server_port}", credentials=issued)
    yield SimpleNamespace(server=server, workflows=AwsWorkflows(session.client("stepfunctions")))
    server.shutdown()
    server.server_close()


def _event(number: int) -> dict[str, Any]:
    return {"id": number, "previousEventId": number - 1, "type": "TaskStarted", "timestamp": 1_770_000_000.5}


def test_a_history_is_read_to_its_last_page_with_its_data(paged):
    pages = {None: ([_event(1), _event(2)], "a"), "a": ([_event(3)], "b"), "b": ([], "c"), "c": ([_event(4)], None)}

    def answers(asked: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        events, following = pages[asked.get("nextToken")]
        return 200, {"events": events, **({"nextToken": following} if following else {})}

    paged.server.answers = answers

    found = paged.workflows.history("arn:x")

    assert [event["id"] for event in found] == [1, 2, 3, 4]
    assert found[0]["timestamp"] == "2026-02-02T02:40:00.500Z"
    assert [asked.get("nextToken") for asked in paged.server.asked] == [None, "a", "b", "c"]
    assert all(asked["includeExecutionData"] is True for asked in paged.server.asked)


def test_pages_that_lead_to_themselves_come_to_an_end(paged):
    paged.server.answers = lambda _: (200, {"events": [_event(1)], "nextToken": "a"})

    with pytest.raises(TargetError, match="page 3 follows from itself") as caught:
        paged.workflows.history("arn:x")

    assert caught.value.code == "PagesWithoutEnd"


@pytest.mark.parametrize(("call", "words"), [("succeed", {"output": "{}"}), ("fail", {"error": "E", "cause": "c"})])
def test_a_token_stands_in_no_error_whatever_the_platform_repeats(paged, call, words):
    token = "AAAAKgAAAA" + "x" * 80
    told = {"__type": "InvalidToken", "message": f"Invalid Token: {token}"}
    paged.server.answers = lambda _: (400, told)

    with pytest.raises(NotFoundError, match="Invalid Token: <task token>") as caught:
        getattr(paged.workflows, call)(make_intent(), token, **words)

    shown = "".join(traceback.format_exception(caught.value, chain=True))
    assert token not in shown
    assert token in json.dumps(paged.server.asked)
