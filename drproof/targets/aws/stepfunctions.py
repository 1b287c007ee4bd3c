"""State machines of one site and their executions."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from drproof.model.capabilities import Intent
from drproof.model.errors import NotFoundError, TargetError
from drproof.model.workflows import ExecutionInfo, ExecutionStatus, MachineInfo
from drproof.targets.aws import instants
from drproof.targets.aws.errors import translated

EVENTS_AT_ONCE = 1000
"""As many events as one page can hold."""

TOKEN_MASK = "<task token>"  # noqa: S105 — what stands where one was

NO_LONGER = frozenset({"InvalidToken", "TaskTimedOut"})
"""What is said of a token that no task waits for: elsewhere these codes mean something else."""


class AwsWorkflows:
    """State machines and executions."""

    def __init__(self, client: Any) -> None:  # noqa: ANN401 — the SDK's client
        """Ask through `client`."""
        self._client = client

    def execution(self, arn: str) -> ExecutionInfo:
        """Return one execution; `NotFoundError` when there is none of that ARN, or no longer."""
        with translated("states:DescribeExecution", arn):
            return _execution(self._client.describe_execution(executionArn=arn))

    def history(self, arn: str) -> tuple[Mapping[str, Any], ...]:
        """Return every event of an execution as plain JSON, oldest first, read to the last page."""
        pages = self._pages(
            "get_execution_history",
            "states:GetExecutionHistory",
            arn,
            executionArn=arn,
            maxResults=EVENTS_AT_ONCE,
            includeExecutionData=True,
        )
        return tuple(instants.plain(event) for page in pages for event in page.get("events", ()))

    def machine(self, arn: str) -> MachineInfo:
        """Return a state machine as it is now."""
        with translated("states:DescribeStateMachine", arn):
            return _machine(self._client.describe_state_machine(stateMachineArn=arn))

    def machine_of(self, execution: str) -> MachineInfo:
        """Return the state machine as it was when an execution of it began."""
        with translated("states:DescribeStateMachineForExecution", execution):
            return _machine(self._client.describe_state_machine_for_execution(executionArn=execution))

    def executions(self, machine: str, *, status: ExecutionStatus | None = None) -> Iterator[ExecutionInfo]:
        """Yield the executions of a state machine, the newest first, without their texts."""
        only = {"statusFilter": status} if status else {}
        pages = self._pages("list_executions", "states:ListExecutions", machine, stateMachineArn=machine, **only)
        for page in pages:
            for row in page.get("executions", ()):
                yield _execution(row)

    def start(self, intent: Intent, machine: str, name: str, given: str) -> str:
        """Start an execution with this input and return its ARN; the same name and input again is the same one."""
        with translated("states:StartExecution", f"{machine} {name} for effect {intent.number}"):
            answer = self._client.start_execution(stateMachineArn=machine, name=name, input=given)
        return str(answer["executionArn"])

    def stop(self, intent: Intent, arn: str, *, error: str, cause: str) -> None:
        """End an execution as ABORTED."""
        with translated("states:StopExecution", f"{arn} for effect {intent.number}"):
            self._client.stop_execution(executionArn=arn, error=error, cause=cause)

    def succeed(self, intent: Intent, token: str, output: str) -> None:
        """Answer the task that waits for its token; `NotFoundError` when none waits for it, or no longer."""
        with _without(token), translated("states:SendTaskSuccess", f"for effect {intent.number}"):
            self._client.send_task_success(taskToken=token, output=output)

    def fail(self, intent: Intent, token: str, *, error: str, cause: str) -> None:
        """Answer the task that waits for its token with a failure."""
        with _without(token), translated("states:SendTaskFailure", f"for effect {intent.number}"):
            self._client.send_task_failure(taskToken=token, error=error, cause=cause)

    def _pages(self, method: str, call: str, subject: str, **request: Any) -> Iterator[Mapping[str, Any]]:  # noqa: ANN401
        """Yield every page; a token that comes again would be asked for without an end.

        Raises:
            TargetError: the platform's answer leads to itself.
        """
        asked: set[str] = set()
        while True:
            with translated(call, subject):
                page = getattr(self._client, method)(**request)
            yield page
            following = page.get("nextToken")
            if not following:
                return
            if following in asked:
                msg = f"{call} {subject}: page {len(asked) + 2} follows from itself; expected an end"
                raise TargetError(msg, code="PagesWithoutEnd", call=call)
            asked.add(following)
            request["nextToken"] = following


@contextmanager
def _without(token: str) -> Iterator[None]:
    """Let no error out that repeats the token, neither in its words nor in what caused it.

    Raises:
        TargetError: what the platform said, without the token.
    """
    try:
        yield
    except TargetError as exc:
        said = str(exc).replace(token, TOKEN_MASK) if token else str(exc)
        kind = NotFoundError if exc.code in NO_LONGER else type(exc)
        # The SDK's own error, and its request, would be printed as the cause.
        raise kind(said, code=exc.code, call=exc.call) from None


def _execution(answer: Mapping[str, Any]) -> ExecutionInfo:
    return ExecutionInfo(
        arn=answer["executionArn"],
        name=answer["name"],
        machine=answer["stateMachineArn"],
        status=answer["status"],
        started_at=instants.text(answer["startDate"]),
        stopped_at=instants.text(answer.get("stopDate")),
        error=str(answer.get("error") or ""),
        input=str(answer.get("input") or ""),
        output=str(answer.get("output") or ""),
        cause=str(answer.get("cause") or ""),
    )


def _machine(answer: Mapping[str, Any]) -> MachineInfo:
    return MachineInfo(
        arn=answer["stateMachineArn"],
        name=answer["name"],
        role=answer["roleArn"],
        definition=answer["definition"],
    )
