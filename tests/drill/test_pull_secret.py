"""`drproof pull-secret`: the options of the reference's script, without what it did with the password."""

import base64
import json

import pytest

from drproof.embedded.kubernetes.resources import NAMESPACES, SECRETS, SERVICEACCOUNTS
from tests.drill.test_cluster import Given

REGISTRY = "111122223333.dkr.ecr.us-east-1.amazonaws.com"
IMAGE = f"{REGISTRY}/atlas@sha256:" + "ab" * 32


@pytest.fixture
def given(tmp_path):
    found = Given(tmp_path)
    yield found
    found.cluster.stop()


@pytest.fixture
def kept(operator, given):
    """A drill that is kept up, on a cluster that can be looked into."""
    drill = operator.drill("--run-id", "kept", "--stop-after", "restore", "--teardown", "false", *given.words)
    assert drill.status == 0, drill.output
    yield drill
    down = operator.drill("--start-at", "teardown", "--receipt-dir", "reports/kept")
    assert down.status == 0, down.output
    assert given.objects() == []


def _words(*more):
    return ("pull-secret", "--namespace", "atlas", "--image-ref", IMAGE, "--service-account", "atlas", *more)


def _secret(given, name="ecr-pull"):
    return given.cluster.store.get(SECRETS, "atlas", name)


def test_the_login_is_renewed_and_nobody_reads_it(operator, given, kept):
    before = _secret(given)["data"][".dockerconfigjson"]

    dry = operator.cli(*_words("--drill", "reports/kept", "--dry-run"))
    assert dry.returncode == 0, dry.stderr
    assert "dry_run=1" in dry.stdout
    assert _secret(given)["data"][".dockerconfigjson"] == before

    done = operator.cli(*_words("--drill", "reports/kept", "--receipt-dir", "receipts"))

    assert done.returncode == 0, done.stderr
    config = _secret(given)["data"][".dockerconfigjson"]
    assert config != before
    (login,) = json.loads(base64.b64decode(config))["auths"].values()
    password = base64.b64decode(login["auth"]).decode().partition(":")[2]
    result = dict(line.split("=", 1) for line in (operator.folder / "receipts/result.env").read_text().splitlines())
    assert (result["secret"], result["server"]) == ("ecr-pull", REGISTRY)
    assert result["expires_at"].endswith("Z")
    assert [path.name for path in (operator.folder / "receipts").iterdir()] == ["result.env"]
    said = done.stdout + done.stderr + dry.stdout + dry.stderr
    assert password not in said
    assert not any(password.encode() in path.read_bytes() for path in operator.folder.rglob("*") if path.is_file())


def test_an_account_gets_the_link_beside_its_others(operator, given, kept):
    links = [{"name": "mirror"}]
    given.cluster.store.create(
        SERVICEACCOUNTS, {"metadata": {"name": "other", "namespace": "atlas"}, "imagePullSecrets": links}
    )

    done = operator.cli(
        "pull-secret", "--namespace", "atlas", "--ecr-registry", REGISTRY, "--service-account", "other",
        "--secret-name", "second", "--drill", "reports/kept",
    )  # fmt: skip

    assert done.returncode == 0, done.stderr
    account = given.cluster.store.get(SERVICEACCOUNTS, "atlas", "other")
    assert [row["name"] for row in account["imagePullSecrets"]] == ["mirror", "second"]
    assert _secret(given, "second")["type"] == "kubernetes.io/dockerconfigjson"
    # The secret goes with the drill's namespace; what others have put there would keep it.
    given.cluster.store.remove(SERVICEACCOUNTS, "atlas", "other")


def test_a_secret_that_drproof_did_not_make_is_left(operator, given, kept):
    given.cluster.store.create(
        SECRETS, {"metadata": {"name": "theirs", "namespace": "atlas"}, "type": "Opaque", "data": {"a": "Yg=="}}
    )

    refused = operator.cli(*_words("--secret-name", "theirs", "--drill", "reports/kept"))

    assert refused.returncode == 2
    assert "drproof did not make it" in refused.stderr
    assert "next:" in refused.stderr
    assert _secret(given, "theirs")["data"] == {"a": "Yg=="}
    given.cluster.store.remove(SECRETS, "atlas", "theirs")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--image-ref", IMAGE), "expected one of --kubeconfig and --drill"),
        (("--image-ref", IMAGE, "--kubeconfig", "a", "--drill", "b"), "expected one of --kubeconfig and --drill"),
        (("--image-ref", "docker.io/library/x", "--drill", "b"), "expected --ecr-registry or --image-ref"),
        (("--image-ref", IMAGE, "--aws-region", "eu-west-1", "--drill", "b"), "of a registry of ECR in eu-west-1"),
        (("--image-ref", IMAGE, "--kubeconfig", "absent.yaml"), "absent.yaml"),
        (("--image-ref", IMAGE, "--drill", "absent"), "does not say how to go on"),
    ],
)
def test_what_is_wrong_is_refused_by_name(operator, words, said):
    refused = operator.cli("pull-secret", "--namespace", "atlas", *words)

    assert refused.returncode == 2, refused.stdout
    assert said in refused.stderr
    assert "Traceback" not in refused.stderr


def test_a_kubeconfig_alone_uses_the_operators_own_configuration_of_aws(operator, given):
    given.cluster.store.create(
        NAMESPACES,
        {"metadata": {"name": "atlas"}, "spec": {"finalizers": ["kubernetes"]}, "status": {"phase": "Active"}},
    )
    given.cluster.store.create(SERVICEACCOUNTS, {"metadata": {"name": "atlas", "namespace": "atlas"}})

    refused = operator.cli(*_words("--kubeconfig", str(given.kubeconfig)))

    assert refused.returncode == 2
    assert "there are no credentials" in refused.stderr or "Unable to locate credentials" in refused.stderr
    assert given.changes == []
