"""Commands on machines, through Systems Manager; all waits end."""

import math
from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from drproof.model.capabilities import CommandResult, Intent
from drproof.model.errors import TargetError
from drproof.targets import waiting
from drproof.targets.aws.errors import failure, translated

if TYPE_CHECKING:
    from mypy_boto3_ssm.client import SSMClient

DOCUMENT = "AWS-RunShellScript"
TERMINAL = frozenset({"Success", "Failed", "TimedOut", "Cancelled"})
LONGEST_OUTPUT = 24_000
"""How many characters of an output are kept; Systems Manager keeps no more."""

DELIVERY_SECONDS = 30
"""How long a command may take to reach the machine; the least that Systems Manager takes."""


class AwsHosts:
    """The machines of one site as something that takes commands."""

    def __init__(self, client: "SSMClient", *, every: float) -> None:
        """Ask through `client`, when waiting every so many seconds."""
        self._client: Any = client
        self._every = every

    def wait_online(self, instance_id: str, *, timeout_ms: int) -> None:
        """Return once the machine takes commands; `TargetError` when the time is over."""
        last = "unknown to Systems Manager"
        wanted = [{"Key": "InstanceIds", "Values": [instance_id]}]
        for _ in waiting.until(timeout_ms, every=self._every):
            with translated("ssm:DescribeInstanceInformation", instance_id):
                answer = self._client.describe_instance_information(Filters=wanted)
            for found in answer["InstanceInformationList"]:
                if found["InstanceId"] == instance_id:
                    last = found["PingStatus"]
            if last == "Online":
                return
        message = f"expected Online within {timeout_ms} ms, got {last}"
        raise failure("ssm:DescribeInstanceInformation", instance_id, "Timeout", message)

    def run(self, intent: Intent, instance_id: str, command: str, *, timeout_ms: int) -> CommandResult:
        """Run a shell command and return what it came to; output is bounded.

        A command that this process cannot wait for any longer is cancelled: it must not go on unobserved.
        """
        seconds = max(1, math.ceil(timeout_ms / 1000))
        with translated("ssm:SendCommand", instance_id):
            answer = self._client.send_command(
                InstanceIds=[instance_id],
                DocumentName=DOCUMENT,
                Parameters={"commands": [command], "executionTimeout": [str(seconds)]},
                TimeoutSeconds=DELIVERY_SECONDS,
                Comment=f"drproof {intent.token}",
            )
        command_id = answer["Command"]["CommandId"]
        try:
            return self._wait(command_id, instance_id, timeout_ms=timeout_ms + 1000 * DELIVERY_SECONDS)
        except BaseException:
            with suppress(TargetError), translated("ssm:CancelCommand", command_id):
                self._client.cancel_command(CommandId=command_id, InstanceIds=[instance_id])
            raise

    def _wait(self, command_id: str, instance_id: str, *, timeout_ms: int) -> CommandResult:
        last = "not delivered"
        subject = f"{command_id} on {instance_id}"
        for _ in waiting.until(timeout_ms, every=self._every):
            try:
                with translated("ssm:GetCommandInvocation", subject):
                    found = self._client.get_command_invocation(CommandId=command_id, InstanceId=instance_id)
            except TargetError as exc:
                # For a moment after it was sent, a command is not known to every host of the service.
                if exc.code != "InvocationDoesNotExist":
                    raise
                continue
            last = found["Status"]
            if last in TERMINAL:
                return _result(command_id, found)
        message = f"expected an end within {timeout_ms} ms, got {last}"
        raise failure("ssm:GetCommandInvocation", subject, "Timeout", message)


def _result(command_id: str, found: Mapping[str, Any]) -> CommandResult:
    return CommandResult(
        command_id=command_id,
        status=found["Status"],
        exit_status=found.get("ResponseCode", -1),
        stdout=found.get("StandardOutputContent", "")[:LONGEST_OUTPUT],
        stderr=found.get("StandardErrorContent", "")[:LONGEST_OUTPUT],
    )
