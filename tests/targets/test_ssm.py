"""Commands on machines: sent once, waited for in bounded time, and never taken for more than was told of them."""

import re
import secrets
import time
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ConnectionClosedError

from drproof.model.errors import Interruption, TargetError, UnansweredError
from drproof.targets.aws import ssm
from drproof.targets.aws.ssm import AwsHosts
from drproof.targets.sites import AwsTarget
from tests.patience import PATIENCE, until
from tests.targets.conftest import Opener, make_intent
from tests.targets.test_fleet import LONG_MS, launch

Hook = Callable[[str, Callable[..., Any]], None]


@pytest.fixture(scope="module")
def machines() -> dict[str, str]:
    """The one machine of this module, once there is one."""
    return {}


@pytest.fixture
def hosts(opened: Opener, machines: dict[str, str]) -> AwsHosts:
    """The machines of the recovery site, one of which takes commands."""
    target: AwsTarget = opened()
    if not machines:
        made = launch(target.recovery.fleet, f"drill-{secrets.token_hex(4)}")
        target.recovery.hosts.wait_online(made.instance_id, timeout_ms=LONG_MS)
        machines["one"] = made.instance_id
    return target.recovery.hosts


@pytest.fixture
def machine(hosts: AwsHosts, machines: dict[str, str]) -> str:
    """A machine that takes commands."""
    return machines["one"]


@pytest.fixture
def answers(hosts: AwsHosts) -> Hook:
    """Have a function look at, or change, each answer of one operation before the adapter sees it."""

    def hook(operation: str, look: Callable[..., Any]) -> None:
        hosts._client.meta.events.register(f"after-call.ssm.{operation}", look)

    return hook


def lost(**_: Any) -> None:
    raise ConnectionClosedError(endpoint_url="the world")


def commands(hosts: AwsHosts, machine: str) -> list[dict[str, Any]]:
    return list(hosts._client.list_commands(InstanceId=machine)["Commands"])


def changed(**changes: str) -> Callable[..., None]:
    return lambda parsed, **_: parsed.update(changes)


@pytest.mark.parametrize("words", ["together", "apart"])
@pytest.mark.parametrize("end", sorted(ssm.NEVER_RAN))
def test_a_command_that_never_began_is_no_verdict_about_the_machine(
    hosts: AwsHosts, machine: str, answers: Hook, end: str, words: str
) -> None:
    """The platform documents its details in words, `Delivery Timed Out`, and its tools write them as one."""
    status = {"DeliveryTimedOut": "TimedOut", "Terminated": "Cancelled"}.get(end, "Failed")
    told = end if words == "together" else re.sub(r"\B([A-Z])", r" \1", end)
    answers("GetCommandInvocation", changed(Status=status, StatusDetails=told))
    with pytest.raises(TargetError, match="the command never began") as caught:
        hosts.run(make_intent(), machine, "true", timeout_ms=LONG_MS)
    assert caught.value.code == end
    assert "next: " in str(caught.value)


@pytest.mark.parametrize(
    ("status", "details"),
    [
        ("Success", "Success"),
        ("Failed", "Failed"),
        ("TimedOut", "ExecutionTimedOut"),
        ("TimedOut", "TimedOut"),
        ("Cancelled", "Cancelled"),
    ],
)
def test_a_command_that_began_is_told_with_its_end(
    hosts: AwsHosts, machine: str, answers: Hook, status: str, details: str
) -> None:
    answers("GetCommandInvocation", changed(Status=status, StatusDetails=details))
    assert hosts.run(make_intent(), machine, "true", timeout_ms=LONG_MS).status == status


@pytest.mark.parametrize("status", sorted(ssm.UNDER_WAY))
def test_a_command_that_is_under_way_or_being_cancelled_has_not_ended(
    hosts: AwsHosts, machine: str, answers: Hook, status: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ssm, "DELIVERY_SECONDS", 0)
    hosts._client.meta.events.register(
        "before-parameter-build.ssm.SendCommand", lambda params, **_: params.update(TimeoutSeconds=30)
    )
    answers("GetCommandInvocation", changed(Status=status, StatusDetails=status))
    with pytest.raises(TargetError, match=f"expected an end within 300 ms, got ({status}|not delivered)") as caught:
        hosts.run(make_intent(), machine, "true", timeout_ms=300)
    assert caught.value.code == "Timeout"


@pytest.mark.parametrize(
    ("command", "cut"),
    [
        ("yes | head -c 23000", False),
        ("yes | head -c 100000", True),
        ("yes | head -c 7000 >&2", False),
        ("yes | head -c 9000 >&2", True),
        ("echo; echo '---Output truncated---'", True),
        ("echo '--output truncated--' is what it says when it is not", False),
    ],
)
def test_an_output_that_was_cut_says_so(hosts: AwsHosts, machine: str, command: str, cut: bool) -> None:
    done = hosts.run(make_intent(), machine, command, timeout_ms=LONG_MS)
    assert (done.status, done.truncated) == ("Success", cut)
    assert len(done.stdout) <= ssm.LONGEST_OUTPUT
    assert len(done.stderr) <= ssm.LONGEST_ERRORS


def test_a_command_whose_sending_nobody_answered_is_found_and_not_sent_again(
    hosts: AwsHosts, machine: str, answers: Hook
) -> None:
    before = len(commands(hosts, machine))
    answers("SendCommand", lost)
    done = hosts.run(make_intent(), machine, "echo once >> srv/sent; cat srv/sent", timeout_ms=LONG_MS)
    assert (done.status, done.stdout) == ("Success", "once\n")
    assert len(commands(hosts, machine)) == before + 1


def test_the_same_effect_sent_again_is_another_command(hosts: AwsHosts, machine: str, answers: Hook) -> None:
    intent = make_intent()
    first = hosts.run(intent, machine, "echo one", timeout_ms=LONG_MS)
    answers("SendCommand", lost)
    second = hosts.run(intent, machine, "echo two", timeout_ms=LONG_MS)
    assert first.command_id != second.command_id
    assert second.stdout == "two\n"


def test_a_command_that_cannot_be_found_is_declared_unanswered(
    hosts: AwsHosts, machine: str, answers: Hook, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ssm, "FINDING_MS", 300)
    sent: list[Any] = []

    def lose(**answer: Any) -> None:
        sent.append(answer)
        lost()

    answers("SendCommand", lose)
    answers("ListCommands", lambda parsed, **_: parsed.update(Commands=[]))
    with pytest.raises(UnansweredError, match="it was not sent again\n  next: aws ssm list-commands"):
        hosts.run(make_intent(), machine, "true", timeout_ms=LONG_MS)
    assert len(sent) == 1


def test_a_command_is_cancelled_when_the_run_is_interrupted(hosts: AwsHosts, machine: str, answers: Hook) -> None:
    def interrupt(**_: Any) -> None:
        raise Interruption("SIGTERM received", exit_status=143)

    answers("GetCommandInvocation", interrupt)
    with pytest.raises(Interruption):
        hosts.run(make_intent(), machine, "sleep 6000; touch srv/never", timeout_ms=LONG_MS)
    asked = commands(hosts, machine)[-1]["CommandId"]
    until(lambda: hosts._client.list_commands(CommandId=asked)["Commands"][0]["Status"] == "Cancelled")


def test_a_command_that_could_not_be_cancelled_is_told_of_by_the_error_that_ended_the_wait(
    hosts: AwsHosts, machine: str, answers: Hook
) -> None:
    def interrupt(**_: Any) -> None:
        raise Interruption("SIGTERM received", exit_status=143)

    answers("GetCommandInvocation", interrupt)
    answers("CancelCommand", lost)
    with pytest.raises(Interruption) as caught:
        hosts.run(make_intent(), machine, "true", timeout_ms=LONG_MS)

    asked = commands(hosts, machine)[-1]["CommandId"]
    (note,) = caught.value.__notes__
    assert note.startswith(f"command {asked} may still run on {machine}: ")
    assert note.endswith(f"next: aws ssm cancel-command --region us-west-2 --command-id {asked}")


def test_looks_that_are_not_answered_are_looked_again(hosts: AwsHosts, machine: str, answers: Hook) -> None:
    silent = iter([True, True])

    def sometimes(**_: Any) -> None:
        if next(silent, False):
            lost()

    answers("GetCommandInvocation", sometimes)
    answers("DescribeInstanceInformation", sometimes)
    hosts.wait_online(machine, timeout_ms=LONG_MS)
    assert hosts.run(make_intent(), machine, "true", timeout_ms=LONG_MS).status == "Success"


def test_a_machine_that_never_comes_online_is_told_with_what_it_lacks(hosts: AwsHosts) -> None:
    begin = time.monotonic()
    with pytest.raises(TargetError, match=r"(?s)got unknown to Systems Manager.*next: .*AmazonSSMManagedInstanceCore"):
        hosts.wait_online("i-0123456789abcdef0", timeout_ms=300)
    assert time.monotonic() - begin < PATIENCE
