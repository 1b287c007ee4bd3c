"""Kubeconfigs: one context, read strictly, rewritten so that it can be kept."""

import base64
import re
import traceback
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from drproof.formats import kubeconfig, kubeconfig_kept
from drproof.model.errors import FormatError

CERTIFICATE = b"-----BEGIN CERTIFICATE-----\nMIIBszCCAVmgAwIBAgIBADAKBggqhkjOPQQDAjAj\n-----END CERTIFICATE-----\n"
KEY_LINE = "MHcCAQEEIBoJz0TdrSfSvSf0TAjZV3ZkHEQkDIxVm7nFWcXPzvW1oAoGCCqGSM49"
KEY = f"-----BEGIN EC PRIVATE KEY-----\n{KEY_LINE}\nAwEHoUQ=\n-----END EC PRIVATE KEY-----\n".encode()


def encoded(data: bytes) -> str:
    return base64.b64encode(data).decode()


def document(*, cluster: dict[str, Any] | None = None, user: dict[str, Any] | None = None, **changes: Any) -> Any:
    """A kubeconfig as k3s writes it, every name `default`, and a second context of somebody else."""
    ours = {"server": "https://127.0.0.1:6443", "certificate-authority-data": encoded(CERTIFICATE)}
    me = {"client-certificate-data": encoded(CERTIFICATE), "client-key-data": encoded(KEY)}
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [
            {"name": "default", "cluster": {**ours, **(cluster or {})}},
            {"name": "theirs", "cluster": {"server": "https://theirs.example"}},
        ],
        "users": [
            {"name": "default", "user": me if user is None else user},
            {"name": "them", "user": {"token": "token-of-somebody-else", "exec": {"command": "rm"}}},
        ],
        "contexts": [
            {"name": "default", "context": {"cluster": "default", "user": "default"}},
            {"name": "theirs", "context": {"cluster": "theirs", "user": "them"}},
        ],
        "current-context": "default",
        "preferences": {},
        **changes,
    }


def parsed(given: Any, **options: Any) -> kubeconfig.Kubeconfig:
    return kubeconfig.parse(yaml.safe_dump(given), **options)


def test_the_current_context_is_read_with_its_cluster_and_its_user():
    config = parsed(document())

    assert (config.context, config.user, config.server) == ("default", "default", "https://127.0.0.1:6443")
    assert config.certificate_authority == CERTIFICATE
    assert config.client_certificate == CERTIFICATE
    assert config.client_key == KEY
    assert config.refusals == ()


def test_a_context_is_chosen_by_name():
    config = parsed({**document(user={"token": "mine"}), "current-context": "theirs"}, context="default")

    assert config.token == "mine"


def test_what_is_kept_holds_nothing_of_other_contexts():
    text = kubeconfig_kept.render(parsed(document()))

    assert "theirs" not in text
    assert "token-of-somebody-else" not in text
    assert kubeconfig.parse(text) == parsed(document())


@pytest.mark.parametrize(
    ("changes", "code", "says"),
    [
        ({"current-context": "gone"}, "kubeconfig-context", "0 of its contexts have the name 'gone'.*default, theirs"),
        ({"current-context": ""}, "kubeconfig-context", "no current context"),
        ({"kind": "Secret"}, "kubeconfig-shape", "of another version or kind"),
        ({"clusters": []}, "kubeconfig-shape", "0 of its clusters have the name 'default'"),
        ({"users": "me"}, "kubeconfig-shape", "`users` of a kubeconfig must be a list"),
        ({"contexts": [1]}, "kubeconfig-shape", "must be a mapping"),
        ({"user": {"tocken": "x"}}, "kubeconfig-field", "user 'default' has a field that is none of .*token"),
        (
            {"cluster": {"server": 1}},
            "kubeconfig-field",
            "`server` of the cluster 'default' must be a text, got a number",
        ),
        ({"cluster": {"certificate-authority-data": "%%"}}, "kubeconfig-base64", "is no base64"),
        ({"cluster": {"certificate-authority-data": encoded(b"x")}}, "kubeconfig-certificate", "no certificate in PEM"),
        ({"user": {"client-key-data": encoded(KEY)}}, "kubeconfig-key", "got only client-key"),
        (
            {"user": {"client-certificate-data": encoded(CERTIFICATE), "client-key-data": encoded(CERTIFICATE)}},
            "kubeconfig-key",
            "no private key in PEM",
        ),
        ({"user": {"token": "two words"}}, "kubeconfig-token", "characters that no token has"),
        ({"user": {"token": "x\r\nHost: y"}}, "kubeconfig-token", "characters that no token has"),
        ({"cluster": {"server": ""}}, "kubeconfig-server", "not of the form"),
        ({"cluster": {"server": "127.0.0.1:6443"}}, "kubeconfig-server", "not of the form"),
        ({"cluster": {"server": "file:///etc/passwd"}}, "kubeconfig-server", "not of the form"),
        ({"cluster": {"server": "https://a.example:port"}}, "kubeconfig-server", "no URL"),
        ({"cluster": {"server": "https://a.example/?x=1"}}, "kubeconfig-server", "not of the form"),
        ({"user": {"exec": {"command": "aws"}}}, "kubeconfig-field", "needs a command, and as apiVersion"),
    ],
)
def test_what_is_no_kubeconfig_is_refused_and_named(changes, code, says):
    with pytest.raises(FormatError, match=says) as caught:
        parsed(document(**changes))
    assert caught.value.code == code


def test_two_entries_of_one_name_are_refused_because_readers_choose_differently():
    twice = document()
    twice["users"].append({"name": "default", "user": {"token": "other"}})

    with pytest.raises(FormatError, match="2 of its users have the name 'default', expected one"):
        parsed(twice)


@pytest.mark.parametrize(
    ("changes", "names"),
    [
        ({"cluster": {"server": "https://me:geheim@a.example"}}, "https://a.example"),
        ({"cluster": {"server": "https://a.example/k8s?token=geheim"}}, "https://a.example/k8s"),
        ({"cluster": {"server": "https://a.example/#geheim"}}, "https://a.example/"),
        ({"cluster": {"server": "https://me:1/geheim@a.example"}}, "the server is not"),
        ({"cluster": {"server": "ftp://me:1/geheim@a.example"}}, "the server is not"),
        ({"cluster": {"server": "https://a.example:geheim"}}, "the server is no URL"),
        ({"cluster": {"server": "geheim"}}, "the server is not"),
        ({"cluster": {"server": "geheim:x"}}, "the server is not"),
        ({"kind": "geheim"}, "v1 Config"),
        ({"apiVersion": "geheim"}, "v1 Config"),
        ({"user": {"geheim": None}}, "the user 'default'"),
        ({"user": {"exec": {"command": "aws", "apiVersion": "geheim"}}}, "`exec` of the user 'default'"),
        ({"user": {"exec": {"command": "aws", "geheim": "x"}}}, "`exec` of the user 'default'"),
        ({"user": {"client-key-data": "geheim*"}}, "`client-key-data` of the user 'default'"),
        ({"user": {"token": "geheim geheim"}}, "the token"),
        ({"clusters": [{"name": {"token": "geheim"}}]}, "there are: none"),
    ],
)
def test_a_refusal_says_where_it_is_and_never_what_stands_there(changes, names):
    with pytest.raises(FormatError) as caught:
        parsed(document(**changes))
    assert names in str(caught.value)
    assert "geheim" not in "".join(traceback.format_exception(caught.value))


def test_a_token_that_is_no_text_is_refused_without_the_path_that_may_be_the_token():
    config = parsed(document(user={"tokenFile": "geheim"}))
    for content in (b"", b"geheim\xff"):
        with pytest.raises(FormatError, match="the file of the token") as caught:
            kubeconfig_kept.with_files(config, {"token": content})
        assert "geheim" not in "".join(traceback.format_exception(caught.value))


def test_an_encrypted_key_is_refused_because_nobody_is_there_to_open_it():
    locked = b"-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n"

    with pytest.raises(FormatError, match="encrypted"):
        parsed(document(user={"client-certificate-data": encoded(CERTIFICATE), "client-key-data": encoded(locked)}))


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"cluster": {"insecure-skip-tls-verify": True}}, "without looking at its certificate"),
        ({"cluster": {"proxy-url": "http://proxy.example"}}, "through a proxy"),
        ({"user": {"auth-provider": {"name": "gcp"}}}, "auth-provider"),
        ({"user": {"token": "x", "as": "system:admin"}}, r"acts as somebody else \(as\)"),
        (
            {
                "user": {
                    "exec": {
                        "apiVersion": "client.authentication.k8s.io/v1",
                        "command": "x",
                        "interactiveMode": "Always",
                    }
                }
            },
            "asks a person",
        ),
    ],
)
def test_what_drproof_never_does_is_a_refusal_in_words(changes, says):
    (refusal,) = parsed(document(**changes)).refusals
    assert re.search(says, refusal)


@pytest.mark.parametrize(
    ("server", "host", "becomes", "name"),
    [
        ("https://127.0.0.1:6443", "203.0.113.7", "https://203.0.113.7:6443", "127.0.0.1"),
        ("https://0.0.0.0:6443", "203.0.113.7", "https://203.0.113.7:6443", "0.0.0.0"),
        ("https://localhost:6443", "dr.example", "https://dr.example:6443", "localhost"),
        ("https://10.0.3.4:6443/k8s", "203.0.113.7", "https://203.0.113.7:6443/k8s", "10.0.3.4"),
        ("https://192.168.1.2", "203.0.113.7", "https://203.0.113.7", "192.168.1.2"),
        ("https://[::1]:6443", "2001:db8::7", "https://[2001:db8::7]:6443", "::1"),
        ("https://api.example:6443", "203.0.113.7", "https://api.example:6443", ""),
        ("https://198.51.100.9:6443", "203.0.113.7", "https://198.51.100.9:6443", ""),
        ("https://127.0.0.1:6443", "", "https://127.0.0.1:6443", ""),
        ("https://127.0.0.1:6443", "127.0.0.1", "https://127.0.0.1:6443", ""),
        ("http://127.0.0.1:6443", "127.0.0.5", "http://127.0.0.5:6443", ""),
    ],
)
def test_a_server_that_is_reachable_only_elsewhere_is_rewritten_and_its_certificates_name_kept(
    server, host, becomes, name
):
    moved = kubeconfig_kept.relocated(parsed(document(cluster={"server": server})), host)

    assert (moved.server, moved.tls_server_name) == (becomes, name)


def test_a_name_that_is_expected_already_stays():
    config = parsed(document(cluster={"tls-server-name": "kubernetes"}))

    assert kubeconfig_kept.relocated(config, "203.0.113.7").tls_server_name == "kubernetes"


@pytest.mark.parametrize("host", ["a b", "x/y", "a@b", "evil.example:1/..", "-a"])
def test_what_is_no_host_is_not_written_into_a_url(host):
    with pytest.raises(FormatError, match="no address and no name of a host"):
        kubeconfig_kept.relocated(parsed(document()), host)


def test_files_that_it_refers_to_become_part_of_it():
    config = parsed(
        document(
            cluster={"certificate-authority-data": None, "certificate-authority": "pki/ca.crt"},
            user={"client-certificate": "me.crt", "client-key": "/keys/me.key", "token": "old", "tokenFile": "token"},
        )
    )
    assert config.files == {
        "certificate_authority": "pki/ca.crt",
        "client_certificate": "me.crt",
        "client_key": "/keys/me.key",
        "token": "token",
    }

    whole = kubeconfig_kept.with_files(
        config,
        {
            "certificate_authority": CERTIFICATE,
            "client_certificate": CERTIFICATE,
            "client_key": KEY,
            "token": b"fresh\n",
        },
    )

    assert (whole.certificate_authority, whole.client_certificate, whole.client_key) == (CERTIFICATE, CERTIFICATE, KEY)
    assert whole.token == "fresh", "kubectl takes the file before the text"
    assert whole.files == {}
    assert kubeconfig.parse(kubeconfig_kept.render(whole)) == whole


def test_what_is_written_into_it_goes_before_a_file():
    assert parsed(document(cluster={"certificate-authority": "other.crt"})).files == {}


@pytest.mark.parametrize("content", [b"", b"\n", b"not a certificate"])
def test_a_file_without_a_certificate_does_not_make_the_system_decide_whom_to_trust(content):
    config = parsed(document(cluster={"certificate-authority-data": None, "certificate-authority": "ca.crt"}))

    with pytest.raises(FormatError, match=r"certificate-authority is empty|no certificate in PEM"):
        kubeconfig_kept.with_files(config, {"certificate_authority": content})


def test_a_kubeconfig_that_refers_to_files_is_not_written():
    config = parsed(document(user={"tokenFile": "token"}))

    with pytest.raises(ValueError, match="token must be read before"):
        kubeconfig_kept.render(config)


def test_where_it_came_from_is_kept_in_it():
    text = kubeconfig_kept.render(parsed(document()), source="bringup_generated")

    assert kubeconfig.parse(text).source == "bringup_generated"


def test_its_secrets_are_known_in_each_way_that_they_are_written():
    config = parsed(document(user={**document()["users"][0]["user"], "token": "a-token", "password": "a-password"}))

    found = kubeconfig_kept.secrets(config)

    assert {"a-token", "a-password", encoded(KEY), KEY.decode().strip(), KEY_LINE} <= set(found)
    assert not any("BEGIN CERTIFICATE" in value for value in found)
    assert "-----BEGIN EC PRIVATE KEY-----" not in found, "what every key begins with hides nothing"


def test_nothing_secret_is_in_how_it_shows_itself():
    config = parsed(document(user={**document()["users"][0]["user"], "token": "a-token", "password": "a-password"}))

    assert not any(value in repr(config) for value in kubeconfig_kept.secrets(config))


def test_a_command_keeps_what_it_is_told_and_never_asks_a_person():
    command = {
        "apiVersion": "client.authentication.k8s.io/v1beta1",
        "command": "aws",
        "args": ["eks", "get-token"],
        "env": [{"name": "AWS_PROFILE", "value": "dr"}, {"name": "AWS_SECRET_ACCESS_KEY", "value": "s3cr3t-k3y"}],
        "installHint": "install it",
        "interactiveMode": "IfAvailable",
        "provideClusterInfo": True,
    }
    config = parsed(document(user={"exec": command}))

    assert config.exec is not None
    assert (config.exec.command, config.exec.arguments) == ("aws", ("eks", "get-token"))
    assert "s3cr3t-k3y" in kubeconfig_kept.secrets(config)
    assert "dr" not in kubeconfig_kept.secrets(config), "a profile is no secret, and masking it would spoil the text"
    kept = yaml.safe_load(kubeconfig_kept.render(config))["users"][0]["user"]["exec"]
    assert kept == {**{k: v for k, v in command.items() if k != "installHint"}, "interactiveMode": "Never"}


@given(st.binary(max_size=200) | st.text(max_size=200))
def test_whatever_is_given_is_read_or_refused_in_words(data):
    with pytest.raises(FormatError):
        kubeconfig.parse(data)
