"""SSM as the world serves it: commands really run, where they were sent, and end as they ended."""

import time
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.patience import PATIENCE, until

from .conftest import RunningWorld

DOCUMENT = "AWS-RunShellScript"
ONLINE_AFTER_SECONDS = 0.1


@pytest.fixture(scope="module")
def machine(world: RunningWorld) -> str:
    """A machine that takes commands."""
    started = world.client("ec2").run_instances(ImageId="ami-12345678", MinCount=1, MaxCount=1)["Instances"][0]
    asked = [{"Key": "InstanceIds", "Values": [started["InstanceId"]]}]
    until(lambda: world.client("ssm").describe_instance_information(Filters=asked)["InstanceInformationList"])
    return str(started["InstanceId"])


def result(world: RunningWorld, machine: str, command: str, **parameters: list[str]) -> dict[str, Any]:
    ssm = world.client("ssm")
    asked = {"commands": [command], **parameters}
    sent = ssm.send_command(InstanceIds=[machine], DocumentName=DOCUMENT, Parameters=asked)["Command"]

    def ended() -> dict[str, Any] | None:
        try:
            seen = ssm.get_command_invocation(CommandId=sent["CommandId"], InstanceId=machine)
        except ClientError as exc:
            assert exc.response["Error"]["Code"] == "InvocationDoesNotExist"  # noqa: PT017 — any other error fails the test
            return None
        return None if seen["Status"] == "InProgress" else dict(seen)

    return dict(until(ended))


def test_a_command_runs_in_the_machines_root_folder_and_says_what_came_of_it(world: RunningWorld, machine: str) -> None:
    seen = result(world, machine, "cat etc/hostname; echo trouble >&2; exit 0")
    assert (seen["Status"], seen["ResponseCode"]) == ("Success", 0)
    assert (seen["StandardOutputContent"], seen["StandardErrorContent"]) == (f"{machine}\n", "trouble\n")


def test_a_command_that_fails_is_failed_with_its_status(world: RunningWorld, machine: str) -> None:
    seen = result(world, machine, "exit 7")
    assert (seen["Status"], seen["StatusDetails"], seen["ResponseCode"]) == ("Failed", "Failed", 7)


def test_a_command_that_takes_too_long_is_killed_and_timed_out(world: RunningWorld, machine: str) -> None:
    for seconds in ("1", "10", "60"):
        seen = result(world, machine, "echo begun; sleep 6000", executionTimeout=[seconds])
        assert (seen["Status"], seen["StatusDetails"]) == ("TimedOut", "ExecutionTimedOut")
        # On a busy machine of ours its time may be over before its first word.
        if seen["StandardOutputContent"]:
            break
    assert seen["StandardOutputContent"] == "begun\n"


def test_a_background_child_does_not_keep_a_command_from_ending(world: RunningWorld, machine: str) -> None:
    assert result(world, machine, "sleep 6000 & echo done")["StandardOutputContent"] == "done\n"


def test_output_is_bounded(world: RunningWorld, machine: str) -> None:
    seen = result(world, machine, "yes 0123456789 | head -c 300000")
    assert len(seen["StandardOutputContent"]) == 24_000
    assert seen["Status"] == "Success"


def test_a_command_sees_nothing_of_the_worlds_environment(world: RunningWorld, machine: str) -> None:
    shown = result(world, machine, "env")["StandardOutputContent"]
    assert {line.partition("=")[0] for line in shown.splitlines()} <= {
        "PATH",
        "LANG",
        "HOME",
        "PWD",
        "SHLVL",
        "_",
        "OLDPWD",
    }


def test_a_command_is_in_progress_first_and_has_an_invocation_a_little_later(world: RunningWorld, machine: str) -> None:
    ssm = world.client("ssm")
    sent = ssm.send_command(InstanceIds=[machine], DocumentName=DOCUMENT, Parameters={"commands": ["sleep 0.4"]})
    assert sent["Command"]["Status"] == "InProgress"
    command = sent["Command"]["CommandId"]
    until(lambda: ssm.list_commands(CommandId=command)["Commands"][0]["Status"] == "Success")
    (seen,) = ssm.list_command_invocations(CommandId=command, Details=True)["CommandInvocations"]
    assert (seen["InstanceId"], seen["Status"], seen["CommandPlugins"][0]["ResponseCode"]) == (machine, "Success", 0)


@pytest.mark.parametrize("wrong", ["i-0123456789abcdef0", "terminated"])
def test_a_machine_that_is_not_there_takes_no_command(world: RunningWorld, wrong: str) -> None:
    if wrong == "terminated":
        ec2 = world.client("ec2")
        wrong = ec2.run_instances(ImageId="ami-12345678", MinCount=1, MaxCount=1)["Instances"][0]["InstanceId"]
        ec2.terminate_instances(InstanceIds=[wrong])
    with pytest.raises(ClientError) as refused:
        world.client("ssm").send_command(
            InstanceIds=[wrong], DocumentName=DOCUMENT, Parameters={"commands": ["touch srv/never"]}
        )
    assert refused.value.response["Error"]["Code"] == "InvalidInstanceId"


def test_a_machine_that_has_only_begun_to_start_takes_no_command(world: RunningWorld) -> None:
    ec2, ssm = world.client("ec2"), world.client("ssm")
    over = time.monotonic() + PATIENCE
    while time.monotonic() < over:
        asked = time.monotonic()
        started = ec2.run_instances(ImageId="ami-12345678", MinCount=1, MaxCount=1)["Instances"][0]["InstanceId"]
        try:
            ssm.send_command(InstanceIds=[started], DocumentName=DOCUMENT, Parameters={"commands": ["true"]})
        except ClientError as exc:
            assert exc.response["Error"]["Code"] == "InvalidInstanceId"  # noqa: PT017 — any other error fails the test
            return
        # A busy machine of ours may have taken so long that the world's was online.
        assert time.monotonic() - asked > ONLINE_AFTER_SECONDS
    pytest.fail("no command was asked for in time")


def test_a_command_reaches_the_named_machine_alone(world: RunningWorld, machine: str) -> None:
    ssm = world.client("ssm")
    started = world.client("ec2").run_instances(ImageId="ami-12345678", MinCount=1, MaxCount=1)["Instances"][0]
    other = started["InstanceId"]
    asked = [{"Key": "InstanceIds", "Values": [other]}]
    until(lambda: ssm.describe_instance_information(Filters=asked)["InstanceInformationList"])
    result(world, machine, "touch srv/here")
    assert result(world, other, "ls srv")["StandardOutputContent"] == "README\n"
    assert result(world, machine, "ls srv/here")["StandardOutputContent"] == "srv/here\n"


def test_another_document_is_refused(world: RunningWorld, machine: str) -> None:
    with pytest.raises(ClientError) as refused:
        world.client("ssm").send_command(InstanceIds=[machine], DocumentName="AWS-RunPowerShellScript")
    assert refused.value.response["Error"]["Code"] == "InvalidDocument"


def test_a_command_that_is_cancelled_ends_as_cancelled(world: RunningWorld, machine: str) -> None:
    ssm = world.client("ssm")
    asked = {"commands": ["sleep 6000; touch srv/after"]}
    sent = ssm.send_command(InstanceIds=[machine], DocumentName=DOCUMENT, Parameters=asked)["Command"]["CommandId"]
    ssm.cancel_command(CommandId=sent, InstanceIds=[machine])
    until(lambda: ssm.list_commands(CommandId=sent)["Commands"][0]["Status"] == "Cancelled")
    assert result(world, machine, "ls srv/after")["Status"] == "Failed"


def test_errors_are_bounded_and_both_outputs_say_that_they_were_cut(world: RunningWorld, machine: str) -> None:
    seen = result(world, machine, "yes | head -c 9000 >&2; yes | head -c 25000")
    assert len(seen["StandardErrorContent"]) == 8_000
    for output in ("StandardOutputContent", "StandardErrorContent"):
        assert seen[output].endswith("--output truncated--")
