"""Commands on machines, through Systems Manager; all waits end."""

import math
import re
import secrets
from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from drproof.model.capabilities import CommandResult, Intent
from drproof.model.errors import TargetError, ThrottledError, UnansweredError
from drproof.targets import cleaning, waiting
from drproof.targets.aws.errors import failure, translated

if TYPE_CHECKING:
    from mypy_boto3_ssm.client import SSMClient

DOCUMENT = "AWS-RunShellScript"

RAN = frozenset({"Success", "Failed", "ExecutionTimedOut", "TimedOut", "Cancelled"})
"""Ends of a command that had begun on its machine, or may have: what it printed is told."""

NEVER_RAN = {
    "AccessDenied": "the agent may not run this document: look at the instance profile of the machine",
    "DeliveryTimedOut": "the machine took no command in time: aws ssm describe-instance-information --region {region}",
    "InvalidPlatform": "the machine is none that runs AWS-RunShellScript: look at its image",
    "Terminated": "its parent was cancelled before it began: run the same command again",
    "Undeliverable": "the machine cannot be reached: is it running, does its agent reach Systems Manager?",
}
"""Ends of a command that never began, with what to do: they are no verdict about the machine's state."""

UNDER_WAY = frozenset({"Pending", "InProgress", "Delayed", "Cancelling"})
"""A command that is being cancelled goes on until it is `Cancelled`."""

TERMINAL = RAN | frozenset(NEVER_RAN)
LONGEST_OUTPUT = 24_000
LONGEST_ERRORS = 8_000
"""How many characters of either output Systems Manager tells at most."""

CUT = re.compile(r"-{2,}\s*output truncated\s*-{2,}\s*\Z", re.IGNORECASE)
"""What the agent writes behind an output that it cut."""

DELIVERY_SECONDS = 30
"""How long a command may take to reach the machine; the least that Systems Manager takes."""

FINDING_MS = 10_000
"""How long a command whose sending nobody answered is looked for."""


class AwsHosts:
    """The machines of one site as something that takes commands."""

    def __init__(self, client: "SSMClient", *, every: float) -> None:
        """Ask through `client`, when waiting every so many seconds."""
        self._client: Any = client
        self._region = str(self._client.meta.region_name)
        self._every = every

    def wait_online(self, instance_id: str, *, timeout_ms: int) -> None:
        """Return once the machine takes commands; `TargetError` when the time is over."""
        last = "unknown to Systems Manager"
        silent: TargetError | None = None
        wanted = [{"Key": "InstanceIds", "Values": [instance_id]}]
        for _ in waiting.until(timeout_ms, every=self._every):
            try:
                with translated("ssm:DescribeInstanceInformation", instance_id):
                    answer = self._client.describe_instance_information(Filters=wanted)
            except (ThrottledError, UnansweredError) as exc:
                silent = exc
                continue
            except TargetError as exc:
                # A machine that never registered is refused by some hosts of the service, not left out.
                if exc.code != "InvalidInstanceId":
                    raise
                continue
            silent = None
            for found in answer["InstanceInformationList"]:
                if found["InstanceId"] == instance_id:
                    last = found["PingStatus"]
            if last == "Online":
                return
        if silent is not None:
            # Nobody said anything about the machine: that is no word on whether it is online.
            raise silent
        message = (
            f"expected Online within {timeout_ms} ms, got {last}\n"
            "  next: the machine needs the SSM agent, an instance profile with AmazonSSMManagedInstanceCore, and a way "
            "to the ssm, ssmmessages and ec2messages endpoints; recovery.online_timeout is how long it may take"
        )
        raise failure("ssm:DescribeInstanceInformation", instance_id, "Timeout", message)

    def look(self, instance_id: str, command: str, *, timeout_ms: int, delivery_ms: int | None = None) -> CommandResult:
        """Run a shell command that only looks: it needs no intent, and for that the caller vouches.

        Raises:
            UnansweredError, TargetError: as `run`.
        """
        return self._run("look", instance_id, command, timeout_ms, delivery_ms)

    def run(
        self, intent: Intent, instance_id: str, command: str, *, timeout_ms: int, delivery_ms: int | None = None
    ) -> CommandResult:
        """Run a shell command and return what it came to; output is bounded, and says so where it was cut.

        `delivery_ms` is how much longer than the command may take it is waited for until the machine has it.
        It is sent once: one whose sending nobody answered is looked for by its mark, never sent again. A command that
        this process cannot wait for any longer is cancelled: it must not go on unobserved.

        Raises:
            UnansweredError: nobody answered, and the command cannot be found; it may run or not.
            TargetError: the command never began, or its time is over.
        """
        return self._run(intent.token, instance_id, command, timeout_ms, delivery_ms)

    def _run(
        self, token: str, instance_id: str, command: str, timeout_ms: int, delivery_ms: int | None
    ) -> CommandResult:
        if delivery_ms is None:
            delivery_ms = 1000 * DELIVERY_SECONDS
        command_id = self._sent(token, instance_id, command, max(1, math.ceil(timeout_ms / 1000)))
        try:
            return self._wait(command_id, instance_id, timeout_ms=timeout_ms + delivery_ms)
        except BaseException as exc:
            self._cancel(command_id, instance_id, exc)
            raise

    def _sent(self, token: str, instance_id: str, command: str, seconds: int) -> str:
        # The mark is new for each sending: a second attempt of the same effect is another command.
        mark = f"drproof {token} {secrets.token_hex(4)}"
        try:
            with translated("ssm:SendCommand", instance_id):
                answer = self._client.send_command(
                    InstanceIds=[instance_id],
                    DocumentName=DOCUMENT,
                    Parameters={"commands": [command], "executionTimeout": [str(seconds)]},
                    TimeoutSeconds=DELIVERY_SECONDS,
                    Comment=mark,
                )
        except UnansweredError as exc:
            found = self._found(instance_id, mark)
            if not found:
                msg = (
                    f"ssm:SendCommand {instance_id}: {exc.code}: nobody answered, and within {FINDING_MS} ms no "
                    f"command with the comment {mark!r} was found; it was not sent again\n"
                    f"  next: aws ssm list-commands --region {self._region} --instance-id {instance_id}"
                )
                raise UnansweredError(msg, code=exc.code, call=exc.call) from exc
            return found
        except BaseException as exc:
            # Interrupted while nobody had answered yet: what was sent must not go on unobserved.
            if found := self._found(instance_id, mark, timeout_ms=0):
                self._cancel(found, instance_id, exc)
            raise
        return str(answer["Command"]["CommandId"])

    def _found(self, instance_id: str, mark: str, *, timeout_ms: int | None = None) -> str:
        """Return the command with this mark, whose sending nobody answered; empty when there is none in time."""
        for _ in waiting.until(FINDING_MS if timeout_ms is None else timeout_ms, every=self._every):
            with suppress(TargetError), translated("ssm:ListCommands", instance_id):
                answer = self._client.list_commands(InstanceId=instance_id, MaxResults=50)
                for found in answer["Commands"]:
                    if found.get("Comment") == mark:
                        return str(found["CommandId"])
        return ""

    def _cancel(self, command_id: str, instance_id: str, first: BaseException) -> None:
        """Let a command not go on unobserved."""
        left = f"command {command_id} may still run on {instance_id}"
        next_step = f"aws ssm cancel-command --region {self._region} --command-id {command_id}"
        with (
            cleaning.after(first, left=left, next_step=next_step),
            translated("ssm:CancelCommand", command_id),
        ):
            self._client.cancel_command(CommandId=command_id, InstanceIds=[instance_id])

    def _wait(self, command_id: str, instance_id: str, *, timeout_ms: int) -> CommandResult:
        last = "not delivered"
        subject = f"{command_id} on {instance_id}"
        for _ in waiting.until(timeout_ms, every=self._every):
            try:
                with translated("ssm:GetCommandInvocation", subject):
                    found = self._client.get_command_invocation(CommandId=command_id, InstanceId=instance_id)
            except (ThrottledError, UnansweredError):
                continue
            except TargetError as exc:
                # For a moment after it was sent, a command is not known to every host of the service.
                if exc.code != "InvocationDoesNotExist":
                    raise
                continue
            last = _end(found)
            if last in NEVER_RAN:
                message = f"the command never began\n  next: {NEVER_RAN[last].format(region=self._region)}"
                raise failure("ssm:GetCommandInvocation", subject, last, message)
            if last in TERMINAL:
                return _result(command_id, found)
        message = f"expected an end within {timeout_ms} ms, got {last}"
        raise failure("ssm:GetCommandInvocation", subject, "Timeout", message)


def _end(found: Mapping[str, Any]) -> str:
    """Return how far a command came: the details where they say more than the status, as `TimedOut` needs them."""
    # Documented in words, `Delivery Timed Out`, and seen as one.
    status, details = str(found["Status"]), str(found.get("StatusDetails", "")).replace(" ", "")
    known = details in TERMINAL or details in UNDER_WAY
    return details if known and status not in UNDER_WAY else status


def _result(command_id: str, found: Mapping[str, Any]) -> CommandResult:
    stdout, stderr = found.get("StandardOutputContent", ""), found.get("StandardErrorContent", "")
    return CommandResult(
        command_id=command_id,
        status=found["Status"],
        exit_status=found.get("ResponseCode", -1),
        stdout=stdout[:LONGEST_OUTPUT],
        stderr=stderr[:LONGEST_ERRORS],
        truncated=_is_cut(stdout, LONGEST_OUTPUT) or _is_cut(stderr, LONGEST_ERRORS),
    )


def _is_cut(text: str, longest: int) -> bool:
    return len(text) >= longest or CUT.search(text) is not None
