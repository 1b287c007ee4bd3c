"""SSM: a command really runs, on the named machines alone, and ends as it ended."""

import functools
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from moto.core.responses import ActionResult
from moto.ec2.models import ec2_backends
from moto.ssm.exceptions import SSMException
from moto.ssm.models import Command, SimpleSystemManagerBackend
from moto.ssm.responses import SimpleSystemManagerResponse

from drproof.embedded import machines
from drproof.embedded.shims import seams
from drproof.embedded.shims.shell import Shell
from drproof.embedded.world import World

SEAMS = (
    "moto.ssm.models:Command._get_instance_ids_from_targets",
    "moto.ssm.models:Command.invocation_response",
    "moto.ssm.models:Command.get_invocation",
    "moto.ssm.models:SimpleSystemManagerBackend.send_command",
    "moto.ssm.responses:SimpleSystemManagerResponse.send_command",
)
ONLINE_AFTER_SECONDS = 0.1
"""Counted from the launch: a machine's agent answers as soon as it runs."""
INVISIBLE_SECONDS = 0.05
"""A command's invocation can be asked for only a little later, as on the real service."""
NEVER_ONLINE = "ssm-never-online"
DOCUMENT = "AWS-RunShellScript"
EXECUTION_SECONDS = 3600


class _Agents:
    """Whether the agents of this world's machines answer at all, and what ends the commands that they run."""

    def __init__(self) -> None:
        self.answer = True
        self.cancels: dict[tuple[str, str], Callable[[], None]] = {}


AGENTS = _Agents()


def install(world: World) -> None:
    """Let commands run."""
    shell = Shell()
    AGENTS.answer = world.scenario != NEVER_ONLINE
    world.on_end.append(shell.end)
    send = SimpleSystemManagerBackend.send_command

    @functools.wraps(send)
    def send_command(self: SimpleSystemManagerBackend, **asked: Any) -> Command:  # noqa: ANN401 — moto's signature
        if asked.get("document_name") != DOCUMENT:
            code, message = "InvalidDocument", f"the embedded world runs {DOCUMENT}, not {asked.get('document_name')}"
            raise SSMException(code, message)
        script = "\n".join(asked["parameters"].get("commands", []))
        if not script:
            code, message = "InvalidParameters", "expected Parameters.commands with at least one command"
            raise SSMException(code, message)
        seconds = float(asked["parameters"].get("executionTimeout", [str(EXECUTION_SECONDS)])[0])
        command: Command = _checked(self, send, asked)
        command.status = "InProgress"
        command.status_details = "InProgress"
        command.completed_count = 0
        for invocation in command.invocations:
            root = machines.root_of(world.instances, invocation["InstanceId"])
            _begin(command, invocation)
            finish = functools.partial(_finish, command, invocation)
            AGENTS.cancels[command.command_id, invocation["InstanceId"]] = shell.run(script, root, seconds, finish)
        return command

    def targets(self: Command) -> list[str]:
        return [found for target in self.targets for found in _matching(self, target)]

    get = Command.get_invocation

    @functools.wraps(get)
    def get_invocation(self: Command, instance_id: str, plugin_name: str | None) -> dict[str, Any]:
        if _age(self.requested_date_time) < INVISIBLE_SECONDS:
            code, message = "InvocationDoesNotExist", "An error occurred: the invocation does not exist"
            raise SSMException(code, message)
        return get(self, instance_id, plugin_name)

    seams.put(SimpleSystemManagerBackend, "send_command", send_command)
    seams.put(Command, "_get_instance_ids_from_targets", targets)
    seams.put(Command, "get_invocation", get_invocation)
    seams.add(SimpleSystemManagerResponse, "list_command_invocations", list_command_invocations)
    seams.add(SimpleSystemManagerResponse, "cancel_command", cancel_command)
    seams.add(SimpleSystemManagerResponse, "describe_instance_information", describe_instance_information)


def list_command_invocations(self: SimpleSystemManagerResponse) -> ActionResult:
    """Answer `ListCommandInvocations`."""
    wanted, instance = self._get_param("CommandId"), self._get_param("InstanceId")
    details = self._get_param("Details", False)  # noqa: FBT003 — moto's signature
    found = []
    for command in self.ssm_backend.list_commands(wanted, None):
        for invocation in command.invocations:
            if instance in {None, invocation["InstanceId"]}:
                item = {
                    key: invocation[key]
                    for key in ("CommandId", "InstanceId", "DocumentName", "Status", "StatusDetails")
                }
                item["RequestedDateTime"] = command.requested_date_time
                item["CommandPlugins"] = [_plugin(invocation)] if details else []
                found.append(item)
    return ActionResult({"CommandInvocations": found})


def cancel_command(self: SimpleSystemManagerResponse) -> ActionResult:
    """Answer `CancelCommand`: what has ended already stays as it ended."""
    wanted, machines_named = self._get_param("CommandId"), self._get_param("InstanceIds") or []
    (command,) = self.ssm_backend.list_commands(wanted, None)
    for invocation in command.invocations:
        if not machines_named or invocation["InstanceId"] in machines_named:
            AGENTS.cancels[wanted, invocation["InstanceId"]]()
    return ActionResult({})


def describe_instance_information(self: SimpleSystemManagerResponse) -> ActionResult:
    """Answer `DescribeInstanceInformation`: the machines whose agent has answered."""
    wanted: set[str] = set()
    for name, values in (("Filters", "Values"), ("InstanceInformationFilterList", "valueSet")):
        for entry in self._get_param(name) or []:
            if (entry.get("Key") or entry.get("key")) == "InstanceIds":
                wanted |= set(entry[values])
    backend = ec2_backends[self.current_account][self.region]
    found = [
        {
            "InstanceId": instance.id,
            "PingStatus": "Online",
            "LastPingDateTime": datetime.now(UTC),
            "PlatformType": "Linux",
            "ResourceType": "EC2Instance",
        }
        for reservation in list(backend.reservations.values())
        for instance in reservation.instances
        if _online(instance) and (not wanted or instance.id in wanted)
    ]
    return ActionResult({"InstanceInformationList": found})


def _checked(backend: SimpleSystemManagerBackend, send: Any, asked: dict[str, Any]) -> Command:  # noqa: ANN401
    """Return the emulator's command when every machine that it names takes commands."""
    known = {
        instance.id: instance
        for reservation in list(ec2_backends[backend.account_id][backend.region_name].reservations.values())
        for instance in reservation.instances
    }
    wrong = [name for name in asked["instance_ids"] if name not in known or not _online(known[name])]
    if wrong or not (asked["instance_ids"] or asked["targets"]):
        code, message = (
            "InvalidInstanceId",
            f"Instances [{', '.join(wrong)}] not in a valid state for account {backend.account_id}",
        )
        raise SSMException(code, message)
    command: Command = send(backend, **asked)
    return command


def _matching(command: Command, target: dict[str, Any]) -> list[str]:
    backend = ec2_backends[command.account_id][command.backend_region]
    found = [instance for reservation in list(backend.reservations.values()) for instance in reservation.instances]
    key, values = target["Key"], set(target["Values"])
    if key == "InstanceIds":
        return [instance.id for instance in found if instance.id in values and _online(instance)]
    name = key.removeprefix("tag:")
    tagged = [(item, {tag["key"]: tag["value"] for tag in item.get_tags()}) for item in found]
    return [instance.id for instance, tags in tagged if tags.get(name) in values and _online(instance)]


def _online(instance: Any) -> bool:  # noqa: ANN401 — a machine of the emulator
    return AGENTS.answer and instance.state == "running" and _age(instance.launch_time) >= ONLINE_AFTER_SECONDS


def _age(then: datetime) -> float:
    """Return the seconds since an instant of the emulator, which keeps UTC without saying so."""
    aware = then if then.tzinfo else then.replace(tzinfo=UTC)
    return (datetime.now(UTC) - aware).total_seconds()


def _begin(command: Command, invocation: dict[str, Any]) -> None:
    started = command.requested_date_time.isoformat(timespec="milliseconds") + "Z"
    invocation |= {"Status": "InProgress", "StatusDetails": "InProgress", "ResponseCode": -1}
    invocation |= {"ExecutionStartDateTime": started, "ExecutionEndDateTime": "", "ExecutionElapsedTime": ""}


def _finish(  # noqa: PLR0913 — what a command came to
    command: Command, invocation: dict[str, Any], status: str, code: int, output: str, errors: str
) -> None:
    now = datetime.now(UTC)
    invocation |= {
        "ResponseCode": code,
        "StandardOutputContent": output,
        "StandardErrorContent": errors,
        "ExecutionEndDateTime": now.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "ExecutionElapsedTime": f"PT{_age(command.requested_date_time):.3f}S",
        "StatusDetails": "ExecutionTimedOut" if status == "TimedOut" else status,
    }
    # Last, because a reader that sees the end must see how it ended.
    invocation["Status"] = status
    statuses = [other["Status"] for other in command.invocations]
    command.completed_count = sum(status != "InProgress" for status in statuses)
    command.error_count = sum(status not in {"InProgress", "Success"} for status in statuses)
    if "InProgress" not in statuses:
        command.status = next((status for status in statuses if status != "Success"), "Success")
        command.status_details = command.status


def _plugin(invocation: dict[str, Any]) -> dict[str, Any]:
    return {
        "Name": invocation["PluginName"],
        "Status": invocation["Status"],
        "StatusDetails": invocation["StatusDetails"],
        "ResponseCode": invocation["ResponseCode"],
        "Output": invocation["StandardOutputContent"] + invocation["StandardErrorContent"],
    }
