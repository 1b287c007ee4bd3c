"""kubectl on the machine: nothing is cut, spliced or shown, and what went wrong is told as it is.

That both ways into a cluster do the same is shown in `test_cluster`, case by case over each.
"""

import json
import os
import secrets
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from drproof.embedded.kubernetes.cluster import Cluster as Embedded
from drproof.embedded.kubernetes.faults import Fault
from drproof.embedded.kubernetes.nodes import Node
from drproof.embedded.kubernetes.registry import Registry
from drproof.embedded.machines import KUBECONFIG
from drproof.engine.effects import JournalledEffects
from drproof.evidence.journal import Journal
from drproof.model.capabilities import CommandResult
from drproof.model.cluster import CONFIG_MAP, FIELD_MANAGER, JOB, NODE, POD, SECRET, Cluster, Manifest
from drproof.model.errors import GuardError, TargetError, ThrottledError, UnansweredError
from drproof.targets.kubernetes.conformance import new_namespace, run
from drproof.targets.kubernetes.over_ssm import relay
from drproof.targets.kubernetes.over_ssm.access import SsmAccess
from drproof.targets.kubernetes.over_ssm.kubectl import Kubectl, _refusal
from drproof.targets.kubernetes.over_ssm.sealing import OpenedWrongError, Ours, Theirs
from tests.patience import PATIENCE
from tests.targets.conftest import make_intent
from tests.targets.kubernetes import machines
from tests.targets.kubernetes.conftest import IMAGE, Calls
from tests.targets.kubernetes.machines import Machine
from tests.targets.kubernetes.test_cluster import config_map, job

pytestmark = pytest.mark.costly

LONG_MS = int(1000 * PATIENCE)
SHOWN = ("--validate=ignore", "--show-managed-fields", "-o", "json")
READING = {"get", "list", "watch", ""}


@pytest.fixture(params=machines.KINDS)
def machine(request: pytest.FixtureRequest, embedded: Embedded, tmp_path: Path) -> Machine:
    """The machine of the embedded cluster, with the real kubectl or the embedded one."""
    return machines.beside(embedded, tmp_path / "root", request.param)


@pytest.fixture
def cluster(machine: Machine, embedded: Embedded) -> Cluster:
    return machines.opened(machine, embedded.uid)


@pytest.fixture
def space(cluster: Cluster) -> str:
    name = f"t-{secrets.token_hex(4)}"
    cluster.create(make_intent(), {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
    return name


# Whole


def test_what_is_larger_than_the_service_tells_goes_and_comes_whole(cluster: Cluster, space: str, machine: Machine):
    large = config_map(space, **{f"k{number}": secrets.token_hex(30_000) for number in range(4)})

    made = cluster.create(make_intent(), large)
    read = cluster.get(CONFIG_MAP, "state", namespace=space)

    assert made["data"] == large["data"]
    assert read == made
    assert not any(result.truncated for _, _, result in machine.sent)
    assert max(len(result.stdout) for _, _, result in machine.sent) < 24_000
    assert max(len(command) for _, command, _ in machine.sent) < 1 << 16
    assert len(machine.sent) > 10, "it went and came in pieces"


@pytest.mark.parametrize(
    "text", ["größer als 日本 \U0001f600\u2028", "line\r\nline\n\n", "$(id) `id` 'quoted\" \\ % !", "", "\ttab\x7f"]
)
def test_any_text_is_kept_to_the_letter(cluster: Cluster, space: str, text: str):
    cluster.apply(make_intent(), config_map(space, a=text))

    found = cluster.get(CONFIG_MAP, "state", namespace=space)

    assert found is not None
    assert found["data"] == {"a": text}


def test_a_list_of_nothing_is_empty(cluster: Cluster, space: str):
    assert cluster.list(SECRET, namespace=space) == ()
    assert cluster.list(POD, namespace=space, labels={"a": "b"}) == ()


def cut_off(result: CommandResult) -> CommandResult:
    return replace(result, stdout=result.stdout[: len(result.stdout) // 2], truncated=True)


def silent(result: CommandResult) -> CommandResult:
    return replace(result, stdout=result.stdout[: len(result.stdout) // 2])


def changed(result: CommandResult) -> CommandResult:
    flipped = "A" if result.stdout[-1] != "A" else "B"
    return replace(result, stdout=result.stdout[:-1] + flipped)


def headless(result: CommandResult) -> CommandResult:
    return replace(result, stdout="")


Spoil = Callable[[CommandResult], CommandResult]


def spoiled(machine: Machine, monkeypatch: pytest.MonkeyPatch, spoil: Spoil) -> None:
    """Let the service tell something else than the machine said."""
    run = Machine._run
    monkeypatch.setattr(Machine, "_run", lambda *words: spoil(run(*words)))
    assert machine.sent


@pytest.mark.parametrize("spoil", [cut_off, silent, changed, headless])
def test_an_answer_that_is_not_whole_is_never_taken_for_one(
    cluster: Cluster, space: str, machine: Machine, monkeypatch: pytest.MonkeyPatch, spoil: Spoil
):
    cluster.create(make_intent(), config_map(space, a="1"))
    spoiled(machine, monkeypatch, spoil)

    with pytest.raises(TargetError) as read:
        cluster.get(CONFIG_MAP, "state", namespace=space)
    with pytest.raises(UnansweredError) as made:
        cluster.apply(make_intent(), config_map(space, a="2"))

    assert (read.value.code, made.value.code) == ("Unreadable", "Unreadable")
    assert not isinstance(read.value, UnansweredError)


def test_a_page_that_does_not_come_makes_the_answer_unreadable(
    cluster: Cluster, space: str, machine: Machine, monkeypatch: pytest.MonkeyPatch
):
    cluster.create(make_intent(), config_map(space, a=secrets.token_hex(60_000)))
    run = Machine._run

    def throttled(self: Machine, intent: Any, where: str, command: str, timeout_ms: int) -> CommandResult:
        if "tail -c" in command:
            raise ThrottledError("slower", code="ThrottlingException", call="ssm:SendCommand")
        return run(self, intent, where, command, timeout_ms)

    monkeypatch.setattr(Machine, "_run", throttled)
    with pytest.raises(TargetError) as caught:
        cluster.get(CONFIG_MAP, "state", namespace=space)
    assert caught.value.code == "Unreadable"
    assert type(caught.value) is TargetError


# Private


def test_no_content_of_a_secret_is_in_a_command_or_in_what_the_service_tells(
    cluster: Cluster, space: str, machine: Machine
):
    password = f"hunter-{secrets.token_hex(8)}"
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s", "namespace": space}}

    cluster.apply(make_intent(), {**secret, "stringData": {"password": password}})
    found = cluster.get(SECRET, "s", namespace=space)
    cluster.list(SECRET, namespace=space)
    cluster.everything(namespace=space)

    assert found is not None
    written = str(found["data"]["password"])
    for value in (password, written, password.encode().hex()):
        assert value not in machine.told
    assert "secrets/s" in machine.told, "what is asked for can be read in the history"
    left = [path for path in machine.root.rglob("*") if path.is_file() and password.encode() in path.read_bytes()]
    assert left == []


def test_what_is_kept_on_the_machine_is_private_and_goes_with_the_cluster_that_is_closed(
    cluster: Cluster, machine: Machine
):
    (folder,) = machine.root.glob(".drproof-ssm-*")
    assert folder.stat().st_mode & 0o777 == 0o700
    assert (folder / "key.pem").stat().st_mode & 0o077 == 0
    assert [path for path in folder.rglob("*") if path.name in {"in", "out", "err", "plain"}] == []

    cluster.close()

    assert list(machine.root.glob(".drproof-ssm-*")) == []
    assert cluster.list(NODE) != (), "what is asked afterwards begins anew"


def test_what_another_process_left_is_removed_after_a_day_and_not_before(machine: Machine, embedded: Embedded):
    old, fresh = machine.root / ".drproof-ssm-old", machine.root / ".drproof-ssm-fresh"
    for folder in (old, fresh):
        folder.mkdir()
    os.utime(old, (0, 0))

    machines.opened(machine, embedded.uid)

    assert not old.exists()
    assert fresh.exists()


def test_only_this_process_can_open_what_was_sealed_for_it():
    ours, others = Ours(), Ours()
    sealed = Theirs(ours.pem).sealed(b"x" * 100_000)

    assert ours.opened(sealed) == b"x" * 100_000
    assert len(sealed) < 10_000, "it is compressed"
    with pytest.raises(OpenedWrongError):
        others.opened(sealed)
    with pytest.raises(OpenedWrongError, match="no certificate"):
        Theirs("-----BEGIN CERTIFICATE-----\n")


# Said in words of the shell


@pytest.mark.parametrize("name", ["a; touch x", "$(touch x)", "`touch x`", "a'b", "-n", "a\nb", "--help"])
def test_a_name_is_never_read_by_the_shell(cluster: Cluster, machine: Machine, name: str):
    with pytest.raises(TargetError):
        cluster.create(make_intent(), config_map("default", name))
    assert cluster.get(CONFIG_MAP, name, namespace="default") is None
    assert not list(machine.root.rglob("x"))


def test_a_change_carries_its_intent_and_a_look_carries_none(cluster: Cluster, space: str, machine: Machine):
    machine.sent.clear()
    intent = make_intent()
    cluster.get(CONFIG_MAP, "state", namespace=space)
    cluster.try_out(config_map(space))
    assert {sent[0] for sent in machine.sent} == {None}

    machine.sent.clear()
    cluster.apply(intent, config_map(space))

    (changing,) = [command for given, command, _ in machine.sent if given is not None]
    assert {given for given, _, _ in machine.sent if given is not None} == {intent}
    assert f"--field-manager={FIELD_MANAGER}" in changing
    assert "kube-system" in changing, "who answers is asked in the same command"


def completed(found: Manifest | None) -> bool:
    conditions = (found or {}).get("status", {}).get("conditions") or ()
    return any(each["type"] == "Complete" and each["status"] == "True" for each in conditions)


def test_looking_asks_for_nothing_but_reading(cluster: Cluster, space: str, machine: Machine, calls: Calls):
    made = cluster.create(make_intent(), job(space, "job", "/bin/sh", "-c", "echo here"))
    calls.clear()
    machine.sent.clear()

    cluster.assert_pinned()
    cluster.get(CONFIG_MAP, "none", namespace=space)
    cluster.list(NODE)
    cluster.everything(namespace=space)
    cluster.wait(JOB, "job", namespace=space, until=completed, timeout_ms=LONG_MS)
    (pod,) = cluster.list(POD, namespace=space)
    said = cluster.logs(pod["metadata"]["name"], namespace=space, container="main", limit_bytes=100)

    assert said == "here\n"
    ours = [call for call in calls.all() if "kubectl" in call.user_agent]
    assert ours
    assert {call.method for call in ours} == {"GET"}
    assert {call.verb for call in ours} <= READING
    asked = [line for _, command, _ in machine.sent for line in command.splitlines() if "usr/local/bin/kubectl" in line]
    assert asked
    assert all(" get --raw " in line for line in asked)
    assert made["metadata"]["name"] == "job"


# What goes wrong


def test_another_cluster_on_the_machine_is_not_changed(
    cluster: Cluster, space: str, machine: Machine, embedded: Embedded, tmp_path: Path, calls: Calls
):
    other = Embedded(tmp_path / "other", nodes=(Node("n2"),), registry=Registry())
    other.start()
    try:
        machines.beside(other, machine.root)
        calls.clear()
        with pytest.raises(GuardError, match=f"another cluster answers.*{embedded.uid}.*{other.uid}"):
            cluster.apply(make_intent(), config_map("default", a="1"))
        with pytest.raises(GuardError):
            cluster.assert_pinned()
        with pytest.raises(GuardError):
            machines.opened(machine, embedded.uid)
        assert machines.opened(machine, other.uid).get(CONFIG_MAP, "state", namespace="default") is None
        assert calls.changes() == []
    finally:
        other.stop()


def test_a_machine_without_a_kubeconfig_or_a_kubectl_is_unreachable_and_nothing_was_sent(
    cluster: Cluster, space: str, machine: Machine
):
    kubeconfig = machine.root / KUBECONFIG
    kubeconfig.rename(kubeconfig.with_suffix(".away"))
    with pytest.raises(TargetError) as missing:
        cluster.apply(make_intent(), config_map(space))
    kubeconfig.with_suffix(".away").rename(kubeconfig)
    (machine.root / machines.KUBECTL[0]).unlink()
    with pytest.raises(TargetError) as lacking:
        cluster.apply(make_intent(), config_map(space))

    for caught in (missing, lacking):
        assert (caught.value.code, type(caught.value)) == ("Unreachable", TargetError)


def test_a_machine_without_the_tools_says_which(machine: Machine, monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    tools = tmp_path / "tools"
    tools.mkdir()
    for name in ("gzip", "base64", "sha256sum", "find", "mkdir", "cat"):
        (tools / name).symlink_to(str(shutil.which(name)))
    monkeypatch.setitem(sys.modules["drproof.embedded.shims.shell"].ENVIRONMENT, "PATH", str(tools))

    with pytest.raises(TargetError, match="lacks a tool.*: openssl") as caught:
        machines.opened(machine)
    assert caught.value.code == "Unreachable"


def test_a_folder_that_is_gone_is_made_anew_by_the_next_call(cluster: Cluster, space: str, machine: Machine):
    (folder,) = machine.root.glob(".drproof-ssm-*")
    shutil.rmtree(folder)

    with pytest.raises(TargetError, match="private folder .* is gone") as caught:
        cluster.apply(make_intent(), config_map(space, a="1"))
    assert (caught.value.code, type(caught.value)) == ("Unreachable", TargetError), "nothing was sent"
    assert cluster.apply(make_intent(), config_map(space, a="1"))["data"] == {"a": "1"}


@pytest.mark.parametrize(
    ("raised", "reading", "changing"),
    [
        (UnansweredError("lost", code="ConnectionClosedError", call="ssm:SendCommand"), "Unreachable", "Unanswered"),
        (TargetError("late", code="Timeout", call="ssm:GetCommandInvocation"), "Unreachable", "Unanswered"),
        (TargetError("gone", code="InvalidInstanceId", call="ssm:SendCommand"), "Unreachable", "Unreachable"),
        (TargetError("off", code="Undeliverable", call="ssm:SendCommand"), "Unreachable", "Unreachable"),
        (ThrottledError("slower", code="ThrottlingException", call="s"), "TooManyRequests", "TooManyRequests"),
        (TargetError("no", code="AccessDeniedException", call="ssm:SendCommand"), *["AccessDeniedException"] * 2),
    ],
)
def test_what_the_way_to_the_machine_says_is_told_as_what_it_means_for_the_cluster(
    cluster: Cluster,
    space: str,
    monkeypatch: pytest.MonkeyPatch,
    raised: TargetError,
    reading: str,
    changing: str,
):
    cluster.get(CONFIG_MAP, "state", namespace=space)

    def fail(*_: object) -> CommandResult:
        raise raised

    monkeypatch.setattr(Machine, "_run", fail)
    with pytest.raises(TargetError) as read:
        cluster.get(CONFIG_MAP, "state", namespace=space)
    with pytest.raises(TargetError) as made:
        cluster.apply(make_intent(), config_map(space))

    assert (read.value.code, made.value.code) == (reading, changing)
    assert not isinstance(read.value, UnansweredError)
    assert isinstance(made.value, UnansweredError) == (changing == "Unanswered")
    assert isinstance(made.value, ThrottledError) == isinstance(raised, ThrottledError)


def test_a_wait_ends_in_time_though_nothing_happens(cluster: Cluster, space: str):
    cluster.create(make_intent(), config_map(space))

    with pytest.raises(TargetError, match="expected it to be as wanted within 1.5 s") as caught:
        cluster.wait(CONFIG_MAP, "state", namespace=space, until=lambda _: False, timeout_ms=1500)
    assert caught.value.code == "Timeout"


def test_a_caller_that_the_server_does_not_know_is_told_so(cluster: Cluster, machine: Machine, embedded: Embedded):
    embedded.faults.append(refuse := lambda call: Fault(status=401, reason="Unauthorized", message="who are you"))
    try:
        with pytest.raises(TargetError) as caught:
            cluster.list(NODE)
    finally:
        embedded.faults.remove(refuse)
    assert caught.value.code == "Unauthorized"
    assert machine.sent


def test_a_way_without_a_machine_and_a_kubeconfig_for_it_are_refused():
    access = SsmAccess(lambda: pytest.fail("nothing is asked"), words=("kubectl",), kubeconfig="k")

    assert (access.known, access.source, access.by_kubeconfig, access.secrets()) == (False, "unset", False, ())
    with pytest.raises(GuardError, match="nobody named the machine"):
        access.open()
    with pytest.raises(GuardError, match="next: leave it out"):
        access.keep("a", source="arg_kubeconfig")


def test_a_context_is_passed_on():
    server = Kubectl(relay.Relay(machine_of_none(), "i-1"), words=("k3s", "kubectl"), kubeconfig="a b", context="c d")

    assert server._words == "k3s kubectl '--kubeconfig=a b' '--context=c d' --cache-dir=\"$k/cache\""


def machine_of_none() -> Machine:
    return Machine(Path("/nowhere"))


@pytest.mark.exhaustive
def test_every_claim_about_clusters_is_shown_over_ssm_too(cluster: Cluster, tmp_path: Path):
    namespace = new_namespace()
    with Journal(tmp_path / "journal.jsonl") as journal:
        effects = JournalledEffects(journal, drill_id=namespace, phase="conformance")
        results = run(cluster, effects, namespace=namespace, image=IMAGE, patience_ms=LONG_MS)

    assert [(result.name, result.status, result.detail) for result in results if result.status != "ok"] == []


# The kubectl of the embedded world


ALIKE = [
    ("get", "--raw", "/api/v1/namespaces/default"),
    ("get", "--raw", "/api/v1/namespaces/default/configmaps/none"),
    ("get", "--raw", "/api/v1/no-such-kind"),
    ("get", "--raw", "/version"),
    ("create", "--raw", "/api/v1/namespaces/default/configmaps?dryRun=All&fieldValidation=Strict", "-f", "unknown"),
    ("create", "--raw", "/api/v1/namespaces/default/configmaps?dryRun=All", "-f", "in"),
    ("create", "--raw", "/api/v1/namespaces/none/configmaps", "-f", "in"),
    ("replace", "--raw", "/api/v1/namespaces/default/configmaps/state?dryRun=All", "-f", "in"),
    ("delete", "--raw", "/api/v1/namespaces/default/configmaps/none", "-f", "options"),
    ("apply", "--server-side", "--field-manager=a", "--dry-run=server", *SHOWN, "-f", "invalid"),
    ("apply", "--server-side", "--field-manager=a", "--dry-run=server", *SHOWN, "-f", "unknown"),
    ("apply", "--server-side", "--field-manager=a", "--force-conflicts", "--dry-run=server", *SHOWN, "-f", "in"),
]


@pytest.mark.skipif(shutil.which("kubectl") is None, reason="NOT SHOWN: kubectl is not on this machine to compare with")
@pytest.mark.parametrize("words", ALIKE, ids=" ".join)
def test_both_kinds_of_kubectl_end_and_say_the_same(embedded: Embedded, tmp_path: Path, words: tuple[str, ...]):
    given = {
        "in": config_map("default", a="ä"),
        "unknown": {**config_map("default"), "datas": {}},
        "invalid": {**config_map("default"), "data": {"a b": "1"}},
        "options": {"apiVersion": "v1", "kind": "DeleteOptions"},
    }
    for name, document in given.items():
        (tmp_path / name).write_text(json.dumps(document))
    said = {}
    for kind in (machines.REAL, machines.OURS):
        machines.beside(embedded, tmp_path, kind)
        done = subprocess.run(
            [machines.KUBECTL[0], f"--kubeconfig={KUBECONFIG}", f"--cache-dir={tmp_path / 'cache'}", *words],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )
        said[kind] = (done.returncode, comparable(done.stdout), _refusal(done.stderr.encode()))

    assert said[machines.REAL] == said[machines.OURS]


def comparable(output: str) -> Any:
    """What was printed, without what differs from one request to the next."""
    try:
        found = json.loads(output)
    except ValueError:
        return output
    metadata = found.get("metadata") or {}
    return {**found, "metadata": {name: metadata[name] for name in metadata if name in {"name", "namespace"}}}


@pytest.mark.parametrize(
    "words",
    [
        ("delete", "namespace", "default"),
        ("get", "pods"),
        ("get", "--raw"),
        ("apply", "-f", "in"),
        ("apply", "--server-side", "--prune", "-o", "json", "-f", "in"),
        ("--as=root", "get", "--raw", "/version"),
    ],
)
def test_the_embedded_kubectl_refuses_what_nobody_sends_it(embedded: Embedded, tmp_path: Path, words: tuple[str, ...]):
    (tmp_path / "config").write_text(embedded.kubeconfig())
    (tmp_path / "in").write_text(json.dumps(config_map("default")))

    done = subprocess.run(
        [sys.executable, "-m", "drproof.embedded.kubectl", f"--kubeconfig={tmp_path / 'config'}", *words],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 1
    assert "kubectl of the embedded world" in done.stderr
    assert done.stdout == ""
