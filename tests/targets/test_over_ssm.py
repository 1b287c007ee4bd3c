"""A cluster asked through the embedded Systems Manager: its machine is online, is not, and ends."""

import secrets
from typing import Any

import pytest

from drproof.model.cluster import NODE, SECRET
from drproof.model.errors import TargetError, UnansweredError
from drproof.targets.aws import ssm
from drproof.targets.aws.ssm import AwsHosts
from drproof.targets.kubernetes.over_ssm.access import SsmAccess
from tests.targets.conftest import Opener, make_intent
from tests.targets.kubernetes.machines import KUBECTL
from tests.targets.test_fleet import LONG_MS, launch

KUBECONFIG = "etc/rancher/k3s/k3s.yaml"


def access(hosts: AwsHosts, instance_id: str) -> SsmAccess:
    found = SsmAccess(lambda: hosts, words=KUBECTL, kubeconfig=KUBECONFIG)
    found.at(instance_id)
    return found


def test_a_machine_that_takes_no_commands_is_unreachable_and_nothing_was_sent(opened: Opener) -> None:
    hosts = opened().recovery.hosts

    with pytest.raises(
        TargetError, match="kubernetes:pin Namespace/kube-system: Unreachable: ssm:SendCommand"
    ) as caught:
        access(hosts, "i-00000000000000000").open()
    assert (caught.value.code, type(caught.value)) == ("Unreachable", TargetError)


def test_a_change_carries_its_token_a_look_does_not_and_a_lost_answer_is_unanswered(
    opened: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = opened()
    made = launch(target.recovery.fleet, f"drill-{secrets.token_hex(4)}")
    hosts = target.recovery.hosts
    hosts.wait_online(made.instance_id, timeout_ms=LONG_MS)
    cluster = access(hosts, made.instance_id).open()
    password, intent = secrets.token_hex(16), make_intent()
    secret: dict[str, Any] = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "s", "namespace": "default"},
        "stringData": {"password": password},
    }

    cluster.apply(intent, secret)
    assert cluster.get(SECRET, "s", namespace="default") is not None
    assert len(cluster.list(NODE)) == 1

    client: Any = hosts._client
    sent = client.list_commands(InstanceId=made.instance_id)["Commands"]
    marks = [str(one["Comment"]) for one in sent]
    assert len([mark for mark in marks if intent.token in mark]) == 1
    assert {mark.split()[1] for mark in marks} == {intent.token, "look"}
    assert password not in repr(sent)

    monkeypatch.setattr(ssm, "FINDING_MS", 0)
    wait = AwsHosts._wait

    def lost(self: AwsHosts, command_id: str, instance_id: str, *, timeout_ms: int) -> None:
        wait(self, command_id, instance_id, timeout_ms=timeout_ms)
        raise UnansweredError("nobody answered", code="ConnectionClosedError", call="ssm:GetCommandInvocation")

    monkeypatch.setattr(AwsHosts, "_wait", lost)
    with pytest.raises(UnansweredError):
        cluster.apply(make_intent(), {**secret, "metadata": {"name": "t", "namespace": "default"}})
    monkeypatch.setattr(AwsHosts, "_wait", wait)
    assert cluster.get(SECRET, "t", namespace="default") is not None, "it had happened"
