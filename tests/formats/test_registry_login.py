"""The login to a registry as Kubernetes keeps it."""

import base64
import json

import pytest

from drproof.formats.registry_login import docker_config, servers
from drproof.model.errors import FormatError


def test_a_login_is_what_the_kubelet_reads():
    content = json.loads(docker_config("registry.example:5000", "AWS", "pass:wört"))
    entry = content["auths"]["registry.example:5000"]
    assert (entry["username"], entry["password"]) == ("AWS", "pass:wört")
    assert base64.b64decode(entry["auth"]).decode() == "AWS:pass:wört"


def test_the_registries_of_a_login_can_be_told_without_it():
    assert servers(docker_config("registry.example", "AWS", "secret")) == ("registry.example",)
    assert servers(b'{"auths":{"b":{},"a":{"auth":"x"}}}') == ("a", "b")
    assert servers(b'{"auths":{}}') == ()


@pytest.mark.parametrize(
    "arguments",
    [("", "AWS", "p"), ("a b", "AWS", "p"), ("a\n", "AWS", "p"), ("a", "", "p"), ("a", "A:B", "p"), ("a", "AWS", "")],
)
def test_a_login_that_no_registry_could_take_is_not_written(arguments):
    with pytest.raises(ValueError, match=r"registry|login"):
        docker_config(*arguments)


@pytest.mark.parametrize(
    "data", [b"", b"[]", b"{}", b'{"auths":[]}', b'{"auths":{"hidden":"x"}}', b'{"hidden":1,"hidden":2}', b"\xff"]
)
def test_what_is_no_login_is_refused_and_not_told(data):
    with pytest.raises(FormatError) as caught:
        servers(data)
    assert caught.value.code == "registry-login"
    assert "hidden" not in str(caught.value)
