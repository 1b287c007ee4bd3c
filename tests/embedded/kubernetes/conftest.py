"""Clusters for tests: one API over a real socket, and the ways in which clients reach it."""

import base64
import contextlib
import http.client
import json
import shutil
import ssl
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
import yaml

from drproof.embedded.kubernetes.calls import Call
from drproof.embedded.kubernetes.cluster import Cluster
from drproof.embedded.kubernetes.nodes import Node
from drproof.embedded.kubernetes.registry import Program, Registry
from drproof.embedded.kubernetes.resources import Object
from tests.patience import PATIENCE

HOST = "111122223333.dkr.ecr.eu-west-1.amazonaws.com"
IMAGE = f"{HOST}/atlas:v1"


class Answer:
    """What a request got."""

    def __init__(self, response: http.client.HTTPResponse) -> None:
        self.status = response.status
        self.headers = response.headers
        self.text = response.read()

    @property
    def document(self) -> Any:
        return json.loads(self.text)

    @property
    def revision(self) -> str:
        return str(self.document["metadata"]["resourceVersion"])

    def is_status(self, code: int, reason: str) -> bool:
        found = self.document
        return (self.status, found["kind"], found["status"], found["code"], found.get("reason", "")) == (
            code,
            "Status",
            "Failure",
            code,
            reason,
        )


class Running:
    """A cluster that runs, and raw HTTP to it."""

    def __init__(self, cluster: Cluster, directory: Path, calls: list[Call]) -> None:
        self.cluster = cluster
        self.calls = calls
        self.kubeconfig = directory / "kubeconfig"
        self.kubeconfig.write_text(cluster.kubeconfig())
        user = yaml.safe_load(cluster.kubeconfig())
        held = user["users"][0]["user"]
        chain = directory / "client.pem"
        chain.write_bytes(base64.b64decode(held["client-key-data"]) + base64.b64decode(held["client-certificate-data"]))
        authority = base64.b64decode(user["clusters"][0]["cluster"]["certificate-authority-data"]).decode()
        self.anonymous = ssl.create_default_context(cadata=authority)
        self.tls = ssl.create_default_context(cadata=authority)
        self.tls.load_cert_chain(chain)

    def connect(self, *, anonymous: bool = False, timeout: float = PATIENCE) -> http.client.HTTPSConnection:
        context = self.anonymous if anonymous else self.tls
        host, _, port = self.cluster.address.rpartition(":")
        return http.client.HTTPSConnection(host, int(port), context=context, timeout=timeout)

    def call(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        kind: str = "application/json",
        anonymous: bool = False,
        headers: dict[str, str] | None = None,
        **query: Any,
    ) -> Answer:
        connection = self.connect(anonymous=anonymous)
        if query:
            path += "?" + urlencode(query)
        data = body if isinstance(body, (bytes, type(None))) else json.dumps(body).encode()
        sent = {"Content-Type": kind} if data is not None else {}
        try:
            connection.request(method, path, data, {**sent, **(headers or {})})
            return Answer(connection.getresponse())
        finally:
            connection.close()

    def get(self, path: str, **query: Any) -> Any:
        found = self.call("GET", path, **query)
        assert found.status == 200, found.text
        return found.document

    def create(self, path: str, body: object, **query: Any) -> Any:
        found = self.call("POST", path, body, **query)
        assert found.status == 201, found.text
        return found.document

    def patch(self, path: str, body: object, kind: str = "strategic-merge-patch+json", **query: Any) -> Answer:
        return self.call("PATCH", path, body, kind=f"application/{kind}", **query)

    def apply(self, path: str, body: Object, manager: str = "drproof", **query: Any) -> Answer:
        return self.patch(path, body, "apply-patch+yaml", fieldManager=manager, **query)

    def watch(self, path: str, **query: Any) -> "Watching":
        return Watching(self.connect(), f"{path}?{urlencode({'watch': 'true', **query})}")


class Watching:
    """A watch that is open."""

    def __init__(self, connection: http.client.HTTPSConnection, path: str) -> None:
        self._connection = connection
        connection.request("GET", path)
        self.response = connection.getresponse()
        assert self.response.status == 200, self.response.read()

    def next(self) -> tuple[str, Any]:
        line = self.response.readline()
        assert line, "the watch ended"
        event = json.loads(line)
        return event["type"], event["object"]

    def rest(self) -> list[tuple[str, Any]]:
        lines = [json.loads(line) for line in self.response.read().splitlines()]
        return [(each["type"], each["object"]) for each in lines]

    def close(self) -> None:
        self._connection.close()


@pytest.fixture
def registry() -> Registry:
    """A registry that holds one image."""
    held = Registry()
    held.push(
        HOST,
        "atlas",
        tags=("v1",),
        digest="sha256:" + "a1" * 32,
        program=Program(entrypoint=("/bin/sh", "-c"), arguments=("echo from the image",)),
    )
    return held


@pytest.fixture
def running(tmp_path: Path, registry: Registry) -> Iterator[Running]:
    """One cluster that runs; no thread of it is left behind."""
    calls: list[Call] = []
    cluster = Cluster(tmp_path / "cluster", nodes=(Node("n1"),), registry=registry, on_call=calls.append)
    cluster.start()
    try:
        yield Running(cluster, tmp_path, calls)
    finally:
        cluster.stop()
    assert [each.name for each in threading.enumerate() if each.name.startswith(("kubernetes-", "cluster-"))] == []
    assert cluster.life.failures == []


@pytest.fixture
def cluster(running: Running) -> Cluster:
    """The cluster itself."""
    return running.cluster


@pytest.fixture
def dynamic(running: Running, tmp_path: Path) -> Iterator[Any]:
    """The official client's DynamicClient."""
    from kubernetes import config, dynamic

    api = config.new_client_from_config(str(running.kubeconfig))
    yield dynamic.DynamicClient(api, cache_file=str(tmp_path / "discovery.json"))
    api.close()


class Kubectl:
    """The real kubectl, with the cluster's kubeconfig and nothing of this user's."""

    def __init__(self, binary: str, kubeconfig: Path, home: Path) -> None:
        self._binary = binary
        self._environment = {"HOME": str(home), "PATH": "/usr/bin:/bin", "KUBECONFIG": str(kubeconfig)}

    def __call__(
        self, *words: str, given: str | None = None, fails: bool = False
    ) -> "subprocess.CompletedProcess[str]":
        done = subprocess.run(
            [self._binary, *words],
            input=given,
            env=self._environment,
            capture_output=True,
            text=True,
            timeout=2 * PATIENCE,
            check=False,
        )
        assert (done.returncode != 0) is fails, (words, done.stdout, done.stderr)
        return done

    @contextlib.contextmanager
    def begun(self, *words: str) -> "Iterator[subprocess.Popen[str]]":
        """A command that goes on until it ends by itself, or with the test."""
        process = subprocess.Popen([self._binary, *words], env=self._environment, stdout=subprocess.PIPE, text=True)
        with process:
            try:
                yield process
            finally:
                process.kill()


@pytest.fixture
def kubectl(running: Running, tmp_path: Path) -> Kubectl:
    """The real kubectl."""
    binary = shutil.which("kubectl")
    if binary is None:
        pytest.skip("kubectl is not on this machine: its behaviour towards the embedded API is NOT tested here")
    return Kubectl(binary, running.kubeconfig, tmp_path)


def config_map(name: str = "settings", **data: str) -> Object:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": data}


def pod_template(**container: object) -> Object:
    return {"spec": {"restartPolicy": "Never", "containers": [{"name": "main", "image": IMAGE, **container}]}}


def job(name: str = "work", **spec: object) -> Object:
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": name},
        "spec": {"template": pod_template(), **spec},
    }


def deployment(name: str = "atlas", **spec: object) -> Object:
    labels = {"app": name}
    template = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "main", "image": IMAGE}]}}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name},
        "spec": {"replicas": 0, "selector": {"matchLabels": labels}, "template": template, **spec},
    }


CONFIGMAPS = "/api/v1/namespaces/default/configmaps"
SECRETS = "/api/v1/namespaces/default/secrets"
PODS = "/api/v1/namespaces/default/pods"
JOBS = "/apis/batch/v1/namespaces/default/jobs"
CRONJOBS = "/apis/batch/v1/namespaces/default/cronjobs"
DEPLOYMENTS = "/apis/apps/v1/namespaces/default/deployments"
ACCOUNTS = "/api/v1/namespaces/default/serviceaccounts"
SERVICES = "/api/v1/namespaces/default/services"
