"""The way into the cluster: what is kept, what is refused, and who is asked with which credentials."""

import base64
import json
import os
import shutil
import stat
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import yaml

from drproof.evidence.redaction import Masker
from drproof.formats.kubeconfig import parse
from drproof.model.errors import FormatError, GuardError, TargetError
from drproof.targets.kubernetes.access import KubeconfigAccess
from drproof.targets.kubernetes.credentials import CommandToken
from tests.patience import PATIENCE, until
from tests.targets.kubernetes.conftest import UID, Authority, Scripted
from tests.targets.kubernetes.drips import in_time

EXEC = "client.authentication.k8s.io/v1"


def encoded(data: bytes) -> str:
    return base64.b64encode(data).decode()


def kubeconfig(
    server: str = "https://127.0.0.1:6443", *, cluster: dict[str, Any] | None = None, user: dict[str, Any] | None = None
) -> str:
    return yaml.safe_dump(
        {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "default", "cluster": {"server": server, **(cluster or {})}}],
            "users": [{"name": "default", "user": user if user is not None else {"token": "a-token-of-the-test"}}],
            "contexts": [{"name": "default", "context": {"cluster": "default", "user": "default"}}],
            "current-context": "default",
        }
    )


@pytest.fixture
def private(tmp_path: Path) -> Path:
    """The private folder of a run."""
    folder = tmp_path / "drill.private"
    folder.mkdir(mode=0o700)
    return folder


@pytest.fixture
def access(private: Path) -> KubeconfigAccess:
    return KubeconfigAccess(private)


def keep(access: KubeconfigAccess, text: str, **options: Any):
    return access.keep(text, **{"source": "arg_kubeconfig", **options})


def files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_nothing_is_known_before_one_is_kept(access, private):
    assert (access.known, access.source, access.secrets()) == (False, "unset", ())
    with pytest.raises(GuardError, match="no kubeconfig is kept.*\n  next: "):
        access.open()
    assert files(private) == []


def test_what_is_kept_is_readable_to_this_user_alone_and_known_to_the_next_process(access, private):
    facts = keep(access, kubeconfig(), source="bringup_generated")

    assert (facts.context, facts.server, facts.users_with_exec) == ("default", "https://127.0.0.1:6443", ())
    assert files(private) == ["kubeconfig.yaml"]
    assert stat.S_IMODE((private / "kubeconfig.yaml").stat().st_mode) == 0o600
    another = KubeconfigAccess(private)
    assert (another.known, another.source) == (True, "bringup_generated")
    assert another.facts() == facts


def test_another_one_that_is_kept_takes_the_place_of_the_first(access):
    keep(access, kubeconfig(user={"token": "first-of-two-tokens"}))
    keep(access, kubeconfig(user={"token": "second-of-two-tokens"}), source="receipt_dir_autoload")

    assert access.source == "receipt_dir_autoload"
    assert access.secrets() == ("second-of-two-tokens",)


def test_what_is_refused_leaves_what_was_kept(access):
    keep(access, kubeconfig())
    with pytest.raises(GuardError):
        keep(access, kubeconfig(cluster={"insecure-skip-tls-verify": True}))

    assert access.secrets() == ("a-token-of-the-test",)


def test_a_source_that_nobody_knows_is_the_callers_mistake(access):
    with pytest.raises(ValueError, match="arg_kubeconfig.*got 'elsewhere'"):
        keep(access, kubeconfig(), source="elsewhere")


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o620])
def test_a_kept_one_that_others_can_reach_is_not_used(access, private, mode):
    keep(access, kubeconfig())
    (private / "kubeconfig.yaml").chmod(mode)

    for use in (access.secrets, access.open, access.facts, lambda: access.source):
        with pytest.raises(GuardError, match=f"is not private: expected mode 600 .*got mode {mode:o}"):
            use()


def test_a_link_in_the_place_of_the_kept_one_is_not_followed(access, private, tmp_path):
    other = tmp_path / "other.yaml"
    other.write_text(kubeconfig())
    other.chmod(0o600)
    (private / "kubeconfig.yaml").symlink_to(other)

    with pytest.raises(GuardError, match="cannot be read"):
        access.secrets()


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"cluster": {"insecure-skip-tls-verify": True}}, "without looking at its certificate"),
        ({"cluster": {"proxy-url": "http://proxy.example"}}, "through a proxy"),
        ({"user": {"auth-provider": {"name": "gcp"}}}, "auth-provider"),
        ({"user": {"token": "x", "as-groups": ["system:masters"]}}, "acts as somebody else"),
        ({"server": "http://api.example:6443"}, "without TLS"),
        ({"server": "http://10.0.0.1:6443"}, "without TLS"),
    ],
)
def test_what_would_reach_a_server_without_proof_is_refused(access, private, given, says):
    with pytest.raises(GuardError, match=says):
        keep(access, kubeconfig(**given))
    assert files(private) == []


def test_a_server_without_tls_is_taken_on_this_machine_and_not_moved_off_it(access):
    assert keep(access, kubeconfig("http://127.0.0.1:6443")).server == "http://127.0.0.1:6443"
    with pytest.raises(GuardError, match="without TLS"):
        keep(access, kubeconfig("http://127.0.0.1:6443"), host="203.0.113.7")


def run_exec(command: str, *arguments: str) -> dict[str, Any]:
    return {"exec": {"apiVersion": EXEC, "command": command, "args": list(arguments)}}


@pytest.mark.parametrize("command", ["aws", "/usr/bin/aws", "./aws", "../aws"])
def test_a_command_that_is_not_allowed_is_refused_and_never_started(access, private, command):
    with pytest.raises(GuardError, match=rf"would start '{command}' on this machine; allowed by name: none"):
        keep(access, kubeconfig(user=run_exec(command)))
    assert files(private) == []


def test_a_command_is_allowed_by_its_bare_name_only(private):
    access = KubeconfigAccess(private, exec_allowed=("aws", "/tmp/evil"))

    assert keep(access, kubeconfig(user=run_exec("aws"))).users_with_exec == ("default",)
    for command in ("/tmp/evil", "aws2", "bin/aws"):
        with pytest.raises(GuardError, match="allowed by name: aws, /tmp/evil"):
            keep(access, kubeconfig(user=run_exec(command)))


def test_a_command_that_is_allowed_no_more_is_not_started_by_a_later_window(private):
    keep(KubeconfigAccess(private, exec_allowed=("aws",)), kubeconfig(user=run_exec("aws")))

    with pytest.raises(GuardError, match="would start 'aws'"):
        KubeconfigAccess(private).open()


def test_files_of_this_machine_become_part_of_what_is_kept(access, private, tmp_path, authority):
    (tmp_path / "pki").mkdir()
    (tmp_path / "pki/ca.crt").write_bytes(authority.pem)
    (tmp_path / "token").write_text("token-from-a-file\n")
    text = kubeconfig(cluster={"certificate-authority": "pki/ca.crt"}, user={"tokenFile": str(tmp_path / "token")})

    keep(access, text, base=tmp_path)

    kept = yaml.safe_load((private / "kubeconfig.yaml").read_text())
    assert kept["clusters"][0]["cluster"]["certificate-authority-data"] == encoded(authority.pem)
    assert kept["users"][0]["user"] == {"token": "token-from-a-file"}


def test_a_kubeconfig_of_another_machine_cannot_have_files_of_this_one_sent_to_its_server(access, tmp_path):
    (tmp_path / "id").write_text("something-private")

    with pytest.raises(FormatError, match=f"refers to files of the machine .*{tmp_path}/id.*--flatten"):
        keep(access, kubeconfig(user={"tokenFile": f"{tmp_path}/id"}), source="bringup_generated")


def test_a_file_that_is_not_there_is_named(access, tmp_path):
    with pytest.raises(FormatError, match=f"{tmp_path}/gone, to which the kubeconfig refers, cannot be read: No such"):
        keep(access, kubeconfig(user={"tokenFile": "gone"}), base=tmp_path)


# Who is asked, and with what


def secured_kubeconfig(server: Scripted, authority: Authority, user: dict[str, Any] | None = None) -> str:
    return kubeconfig(
        f"https://127.0.0.1:{server.server_port}",
        cluster={"certificate-authority-data": encoded(authority.pem)},
        user=user,
    )


def test_a_server_elsewhere_is_reached_and_trusted_by_the_name_of_its_certificate(access, secured, authority):
    facts = keep(access, secured_kubeconfig(secured, authority), host="127.0.0.5")

    opened = access.open()

    assert facts.server == f"https://127.0.0.5:{secured.server_port}"
    assert (opened.identity.uid, opened.identity.server, opened.identity.context) == (UID, facts.server, "default")
    assert opened.identity.version == "v1.31.5+k3s1"
    assert {headers["authorization"] for headers in secured.headers} == {"Bearer a-token-of-the-test"}
    assert {headers["user-agent"].split("/")[0] for headers in secured.headers} == {"drproof"}
    opened.close()


def test_a_certificate_of_another_host_is_not_trusted(access, secured, authority):
    text = secured_kubeconfig(secured, authority).replace("127.0.0.1", "127.0.0.5")
    keep(access, text)

    with pytest.raises(TargetError, match="UntrustedCertificate: .*certificate verify failed") as caught:
        access.open()
    assert caught.value.code == "UntrustedCertificate"
    assert secured.asked == [], "the token was not sent"


def test_a_certificate_of_another_authority_is_not_trusted(access, secured):
    keep(access, secured_kubeconfig(secured, Authority()), host="127.0.0.5")

    with pytest.raises(TargetError, match="UntrustedCertificate"):
        access.open()
    assert secured.asked == []


def test_a_client_certificate_says_who_asks_and_its_key_does_not_stay_on_the_disk(access, private, secured, authority):
    me = authority.issue("operator-of-the-test")
    user = {"client-certificate-data": encoded(me.certificate), "client-key-data": encoded(me.key)}
    keep(access, secured_kubeconfig(secured, authority, user), host="127.0.0.5")

    access.open().close()

    assert len(secured.callers) == 2
    assert all("operator-of-the-test" in caller for caller in secured.callers)
    assert files(private) == ["kubeconfig.yaml"]


def test_a_key_of_another_certificate_is_named_and_not_shown(access, authority):
    one, other = authority.issue("one"), authority.issue("other")
    user = {"client-certificate-data": encoded(one.certificate), "client-key-data": encoded(other.key)}
    keep(access, kubeconfig(user=user))

    with pytest.raises(FormatError, match="cannot be used: KEY_VALUES_MISMATCH"):
        access.open()


def test_a_name_and_a_password_are_sent_as_such(access, scripted):
    keep(access, kubeconfig(scripted.url, user={"username": "me", "password": "a-password-of-me"}))

    access.open().close()

    assert scripted.headers[0]["authorization"] == f"Basic {encoded(b'me:a-password-of-me')}"
    assert {"a-password-of-me", encoded(b"me:a-password-of-me")} == set(access.secrets())


def test_a_cluster_of_another_uid_is_not_opened(access, scripted):
    keep(access, kubeconfig(scripted.url))

    with pytest.raises(
        GuardError, match=f"another cluster answers at {scripted.url}: expected .* the-first, got {UID}"
    ):
        access.open(uid="the-first")
    assert access.open(uid=UID).identity.uid == UID


def test_the_environment_says_nothing_about_where_the_cluster_is_or_how_it_is_reached(access, scripted, monkeypatch):
    for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.setenv("KUBECONFIG", "/nonexistent")
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "127.0.0.1")
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    keep(access, kubeconfig(scripted.url))

    assert access.open().identity.uid == UID


# Commands that give credentials


def install(folder: Path, body: str) -> dict[str, str]:
    """Put a command `give-token` on a PATH of its own and return the environment that finds it."""
    command = folder / "bin/give-token"
    command.parent.mkdir(exist_ok=True)
    command.write_text(f"#!{sys.executable}\nimport json, os, sys, time\n{body}")
    command.chmod(0o755)
    return {"PATH": str(command.parent), "AWS_PROFILE": "dr"}


def credential(expression: str, expires: str = "2099-01-01T00:00:00Z") -> str:
    status = f'{{"token": {expression}, "expirationTimestamp": "{expires}"}}'
    return f'print(json.dumps({{"apiVersion": "{EXEC}", "kind": "ExecCredential", "status": {status}}}))\n'


def commanded(private: Path, environment: dict[str, str], server: str) -> KubeconfigAccess:
    access = KubeconfigAccess(private, exec_allowed=("give-token",), environment=environment)
    keep(access, kubeconfig(server, user=run_exec("give-token", "--cluster", "dr")))
    return access


def test_the_token_of_a_command_is_used_until_it_ends_and_is_a_secret(private, tmp_path, scripted):
    environment = install(
        tmp_path,
        f'open({str(tmp_path / "ran")!r}, "a").write("x")\n'
        + credential('"token-" + os.environ["AWS_PROFILE"] + sys.argv[2]'),
    )
    access = commanded(private, environment, scripted.url)
    assert not (tmp_path / "ran").exists(), "keeping it starts nothing"

    opened = access.open()
    opened.assert_pinned()

    assert {headers["authorization"] for headers in scripted.headers} == {"Bearer token-drdr"}
    assert (tmp_path / "ran").read_text() == "x", "it is asked once"
    assert access.secrets() == ("token-drdr",)


def test_a_token_that_ends_soon_is_asked_for_again(private, tmp_path, scripted):
    soon = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 20))
    access = commanded(private, install(tmp_path, credential("str(time.time_ns())", soon)), scripted.url)

    access.open().assert_pinned()

    assert len({headers["authorization"] for headers in scripted.headers}) == len(scripted.headers) == 3
    assert len(access.secrets()) == 3


@pytest.mark.parametrize(
    ("body", "code", "says"),
    [
        ('print("secret-in-output"); sys.exit(3)', "Failed", "ended with status 3, expected 0"),
        ('print("secret-in-output")', "Unreadable", "expected an ExecCredential"),
        ('print(json.dumps({"kind": "ExecCredential", "status": {}}))', "Unreadable", "expected a token.*got nothing"),
        (credential('"secret-in-output\\r\\nX: y"'), "Unreadable", "expected a token in its status"),
        (credential('"x"', "soon"), "Unreadable", "'soon' is no instant"),
    ],
)
def test_a_command_that_gives_no_token_is_named_and_not_repeated(private, tmp_path, scripted, body, code, says):
    access = commanded(private, install(tmp_path, body), scripted.url)

    with pytest.raises(TargetError, match=rf"kubernetes:exec give-token: {code}: .*{says}") as caught:
        access.open()
    assert caught.value.code == code
    assert "secret-in-output" not in str(caught.value)


def test_a_command_that_is_not_installed_is_named(private, tmp_path, scripted):
    access = commanded(private, {"PATH": str(tmp_path)}, scripted.url)

    with pytest.raises(TargetError, match="give-token: NotInstalled"):
        access.open()


@pytest.mark.parametrize("apart", [False, True], ids=["in its session", "in one of its own"])
def test_what_a_command_leaves_behind_holds_its_pipe_and_is_not_waited_for(tmp_path, apart):
    pid_file = tmp_path / "pid"
    leave = f"subprocess.Popen(['/bin/sleep', '6000'], start_new_session={apart})"
    document = {"apiVersion": "v1", "kind": "ExecCredential", "status": {"token": "the-token-of-a-command"}}
    body = (
        f"import subprocess\nopen({str(pid_file)!r}, 'w').write(str({leave}.pid))\n"
        f"print({json.dumps(document)!r}, flush=True)\n"
    )
    token = CommandToken(parse(kubeconfig(user=run_exec("give-token"))), install(tmp_path, body), seconds=600.0)

    try:
        with in_time():
            assert token() == "the-token-of-a-command"
    finally:
        with suppress(ProcessLookupError):
            os.kill(int(pid_file.read_text()), 9)


def test_a_command_that_does_not_end_is_ended_with_all_that_it_started(tmp_path):
    pid_file = tmp_path / "pid"
    body = f"import subprocess\nopen({str(pid_file)!r}, 'w').write(str(subprocess.Popen(['/bin/sleep', '6000']).pid))\ntime.sleep(6000)\n"
    environment = install(tmp_path, body)

    def begun() -> bool:
        return pid_file.exists() and pid_file.read_text() != ""

    # More time where this machine takes long to start anything.
    for seconds in (0.5, 5.0, 50.0):
        token = CommandToken(parse(kubeconfig(user=run_exec("give-token"))), environment, seconds=seconds)
        with in_time(), pytest.raises(TargetError, match=f"give-token: Timeout: expected an end within {seconds:g} s"):
            token()
        if begun():
            break
    child = int(pid_file.read_text())
    with in_time(), pytest.raises(TargetError, match="give-token: Timeout: expected an end within 0.3 s"):
        token(0.3)

    def gone() -> bool:
        line = ["ps", "-o", "stat=", "-p", str(child)]
        state = subprocess.run(line, capture_output=True, text=True, check=False).stdout
        return not state.strip() or state.startswith("Z")

    try:
        until(gone)
    finally:
        with suppress(ProcessLookupError):
            os.kill(child, 9)


def test_masking_what_is_secret_leaves_nothing_of_the_kept_one_readable(access, private, authority):
    me = authority.issue("me")
    user = {
        "client-certificate-data": encoded(me.certificate),
        "client-key-data": encoded(me.key),
        "token": "a-token-of-the-test",
    }
    keep(access, kubeconfig(user=user))
    masker = Masker(access.secrets())

    masked = masker.mask((private / "kubeconfig.yaml").read_text() + me.key.decode())

    body = [line for line in me.key.decode().splitlines() if not line.startswith("-")]
    assert not any(line in masked for line in [*body, encoded(me.key), "a-token-of-the-test"])


@pytest.mark.parametrize(
    "module", ["drproof.targets.kubernetes.access", "drproof.targets.kubernetes.conformance", "drproof.cli.app"]
)
def test_nobody_pays_for_the_client_who_opens_no_cluster(module):
    code = f"import sys, {module}; print([name for name in ('kubernetes', 'urllib3', 'yaml') if name in sys.modules])"

    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert said.stdout.strip() == "[]"


@pytest.mark.skipif(not shutil.which("kubectl"), reason="needs kubectl on the PATH")
def test_what_is_kept_is_a_kubeconfig_for_kubectl_too(access, private, secured, authority):
    me = authority.issue("operator-of-the-test")
    user = {"client-certificate-data": encoded(me.certificate), "client-key-data": encoded(me.key)}
    keep(access, secured_kubeconfig(secured, authority, user), host="127.0.0.5")

    line = ["kubectl", "--kubeconfig", str(private / "kubeconfig.yaml"), "get", "--raw", "/version"]
    said = subprocess.run(
        line,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
        env={"HOME": str(private), "PATH": os.environ["PATH"]},
    )

    assert "v1.31.5+k3s1" in said.stdout, said.stderr
    assert "operator-of-the-test" in secured.callers[-1]
