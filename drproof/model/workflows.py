"""Executions of state machines as a site shows them, and what an operator may do to one."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, Protocol

if TYPE_CHECKING:
    from drproof.model.capabilities import Intent

ExecutionStatus = Literal["RUNNING", "SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED", "PENDING_REDRIVE"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecutionInfo:
    """One execution; instants in UTC to the millisecond, empty where there are none yet.

    `input`, `output` and `cause` are somebody's own texts, and not shown with the object: whoever prints or keeps them
    redacts them first.
    """

    arn: str
    name: str
    machine: str
    """The ARN of its state machine."""
    status: ExecutionStatus
    started_at: str
    stopped_at: str = ""
    error: str = ""
    input: str = field(default="", repr=False)
    output: str = field(default="", repr=False)
    cause: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class MachineInfo:
    """A state machine: what it does, and as whom."""

    arn: str
    name: str
    role: str
    """The ARN of the role that it acts as."""
    definition: str
    """In the Amazon States Language, as the platform keeps it."""


class Workflows(Protocol):
    """The state machines of one site and their executions.

    A task's token approves for whoever holds it: it is handed on, and stands in no error and no record.
    """

    def execution(self, arn: str) -> ExecutionInfo:
        """Return one execution; `NotFoundError` when there is none of that ARN, or no longer."""

    def history(self, arn: str) -> tuple[Mapping[str, Any], ...]:
        """Return every event of an execution as plain JSON, oldest first, read to the last page.

        They are raw: inputs, outputs and task tokens stand in them.
        """

    def machine(self, arn: str) -> MachineInfo:
        """Return a state machine as it is now."""

    def machine_of(self, execution: str) -> MachineInfo:
        """Return the state machine as it was when an execution of it began."""

    def executions(self, machine: str, *, status: ExecutionStatus | None = None) -> Iterator[ExecutionInfo]:
        """Yield the executions of a state machine, the newest first, without their texts."""

    def start(self, intent: "Intent", machine: str, name: str, given: str) -> str:
        """Start an execution with this input and return its ARN; the same name and input again is the same one.

        Raises:
            AlreadyExistsError: an execution of that name had another input, or has ended.
        """

    def stop(self, intent: "Intent", arn: str, *, error: str, cause: str) -> None:
        """End an execution as ABORTED."""

    def succeed(self, intent: "Intent", token: str, output: str) -> None:
        """Answer the task that waits for its token; `NotFoundError` when none waits for it, or no longer."""

    def fail(self, intent: "Intent", token: str, *, error: str, cause: str) -> None:
        """Answer the task that waits for its token with a failure."""
