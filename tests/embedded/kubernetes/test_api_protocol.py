"""The server as a server: TLS, who calls, discovery, and a Status for every request that makes no sense."""

import http.client
import json
import socket
import ssl

import pytest

from tests.patience import PATIENCE

from .conftest import CONFIGMAPS, JOBS, PODS, Running, config_map


def raw(running: Running, request: bytes) -> bytes:
    """Send bytes over TLS and return all that comes back."""
    host, _, port = running.cluster.address.rpartition(":")
    plain = socket.create_connection((host, int(port)), timeout=PATIENCE)
    with running.tls.wrap_socket(plain, server_hostname=host) as line:
        line.sendall(request)
        parts = []
        while part := line.recv(65_536):
            parts.append(part)
        return b"".join(parts)


def test_a_caller_without_a_certificate_is_nobody(running: Running):
    """Kubernetes docs, "Authenticating"; k3s runs with anonymous-auth=false: 401."""
    for path in ("/version", "/apis", CONFIGMAPS, "/nowhere", "/livez"):
        assert running.call("GET", path, anonymous=True).is_status(401, "Unauthorized")
    token = running.call("GET", CONFIGMAPS, anonymous=True, headers={"Authorization": "Bearer x"})
    assert token.is_status(401, "Unauthorized")


def test_a_certificate_of_another_cluster_opens_nothing(running: Running, tmp_path, registry):
    """Each cluster has an authority of its own."""
    from drproof.embedded.kubernetes import certificates

    foreign = certificates.make("127.0.0.1")
    chain = tmp_path / "foreign.pem"
    chain.write_bytes(foreign.client_key + foreign.client)
    running.anonymous.load_cert_chain(chain)
    with pytest.raises((ssl.SSLError, ConnectionError, http.client.HTTPException)):
        running.call("GET", CONFIGMAPS, anonymous=True)


def test_old_tls_and_unknown_authorities_are_refused(running: Running):
    """TLS 1.2 is the least; the server's certificate is signed by the cluster's own authority."""
    host, _, port = running.cluster.address.rpartition(":")
    old = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    old.check_hostname, old.verify_mode = False, ssl.CERT_NONE
    old.set_ciphers("DEFAULT:@SECLEVEL=0")
    with pytest.warns(DeprecationWarning, match="TLSv1_1"):
        old.maximum_version = ssl.TLSVersion.TLSv1_1
    for context in (old, ssl.create_default_context()):
        with socket.create_connection((host, int(port)), timeout=PATIENCE) as plain, pytest.raises(ssl.SSLError):
            context.wrap_socket(plain, server_hostname=host)


def test_a_stalled_handshake_holds_up_nobody(running: Running):
    """Whoever connects and says nothing has a thread of its own."""
    host, _, port = running.cluster.address.rpartition(":")
    silent = [socket.create_connection((host, int(port))) for _ in range(5)]
    assert running.call("GET", "/version").status == 200
    for each in silent:
        # One that was given up would have been closed, which reads as an end.
        each.setblocking(False)
        with pytest.raises(BlockingIOError):
            each.recv(1)
        each.close()


def test_one_connection_carries_many_requests(running: Running):
    """HTTP/1.1 keep-alive, refusals included."""
    connection = running.connect()
    connection.connect()
    line = connection.sock
    for path, status in (("/version", 200), ("/nowhere", 404), (CONFIGMAPS, 200)):
        connection.request("GET", path)
        answer = connection.getresponse()
        answer.read()
        assert (answer.status, connection.sock) == (status, line)
    connection.close()


def test_discovery_names_every_kind(running: Running):
    """API concepts, "API Discovery": unaggregated discovery documents."""
    assert running.get("/api")["versions"] == ["v1"]
    groups = {each["name"]: each["preferredVersion"]["groupVersion"] for each in running.get("/apis")["groups"]}
    assert groups["batch"] == "batch/v1"
    assert running.get("/apis/batch")["kind"] == "APIGroup"
    batch = {each["name"]: each for each in running.get("/apis/batch/v1")["resources"]}
    assert batch["jobs"]["kind"] == "Job"
    assert batch["jobs"]["namespaced"]
    assert "batch" in batch["cronjobs"]["name"] or batch["cronjobs"]["shortNames"] == ["cj"]
    core = {each["name"] for each in running.get("/api/v1")["resources"]}
    assert {"pods", "pods/log", "pods/status", "secrets", "namespaces"} <= core
    version = running.get("/version/")
    assert (version["major"], version["minor"], version["gitVersion"]) == ("1", "31", "v1.31.5+k3s1")
    assert running.get("/openapi/v3")["paths"]["apis/batch/v1"]["serverRelativeURL"].startswith(
        "/openapi/v3/apis/batch/v1"
    )
    assert running.call("GET", "/readyz").text == b"ok"


@pytest.mark.parametrize(
    "path",
    [
        "/nowhere",
        "/api/v2",
        "/api/v1/widgets",
        "/apis/batch/v1beta1/jobs",
        "/apis/nobody/v1",
        "/api/v1/namespaces/default/nodes",
        "/api/v1/namespaces/default/configmaps/a/status",
        "/api/v1/namespaces/default/configmaps/a/b/c",
        "/api/v1/configmaps/a",
        "/api/v1/namespaces/default/../../secrets",
        "/api/v1/namespaces/%2e%2e/secrets",
        "/api/v1/namespaces/default/secrets/a%2Fb",
        "/api/v1//secrets",
        "/%00",
    ],
)
def test_a_path_that_leads_nowhere_is_not_found(running: Running, path: str):
    """API conventions: 404 StatusNotFound, as a Status."""
    assert running.call("GET", path).is_status(404, "NotFound")


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", f"{CONFIGMAPS}/a"),
        ("PUT", CONFIGMAPS),
        ("PATCH", CONFIGMAPS),
        ("POST", "/api/v1/configmaps"),
        ("DELETE", "/version"),
        ("POST", f"{PODS}/a/log"),
        ("DELETE", f"{JOBS}/a/status"),
        ("GET", "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"),
        ("OPTIONS", CONFIGMAPS),
        ("BREW", CONFIGMAPS),
    ],
)
def test_a_verb_that_does_not_exist_is_not_allowed(running: Running, method: str, path: str):
    """API conventions: 405 StatusMethodNotAllowed."""
    assert running.call(method, path, {}).is_status(405, "MethodNotAllowed")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"null",
        b"[]",
        b'"words"',
        b"\xff\xfe",
        b'{"data": NaN}',
        b'{"metadata": "words"}',
        b'{"metadata": {"name": ["a"]}}',
        b'{"metadata": {"name": "a", "labels": ["a"]}}',
        b'{"metadata": {"name": "a"}, "data": {"a": {}}}',
        b'{"metadata": {"name": "a", "generation": 1' + b"0" * 5000 + b"}}",
        b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
        b'{"data":' + b"[" * 300 + b"]" * 300 + b"}",
        b'{"kind": "Secret", "apiVersion": "v1", "metadata": {"name": "a"}}',
        b'{"kind": "ConfigMap", "apiVersion": "v2", "metadata": {"name": "a"}}',
        b'{"metadata": {"name": "a", "namespace": "other"}}',
        b'{"metadata": {"name": "a", "finalizers": {"a": 1}}}',
    ],
)
def test_a_body_that_makes_no_sense_is_a_bad_request(running: Running, body: bytes):
    """API conventions: 400 StatusBadRequest, whatever is sent."""
    assert running.call("POST", CONFIGMAPS, body).is_status(400, "BadRequest")


def test_yaml_is_read_without_aliases_and_dates(running: Running):
    """application/yaml is a media type of the API; an alias bomb is not expanded."""
    plain = b"metadata: {name: a}\ndata: {when: 2026-01-01, n: '1'}\n"
    made = running.call("POST", CONFIGMAPS, plain, kind="application/yaml")
    assert made.document["data"] == {"when": "2026-01-01", "n": "1"}
    bomb = b"a: &a [x,x]\nb: &b [*a,*a]\nc: [*b,*b]\n"
    assert running.call("POST", CONFIGMAPS, bomb, kind="application/yaml").is_status(400, "BadRequest")


@pytest.mark.parametrize("kind", ["application/vnd.kubernetes.protobuf", "text/plain", "application/xml"])
def test_a_form_that_is_not_read_is_unsupported(running: Running, kind: str):
    """API concepts, "Kubernetes Protobuf encoding": 415 where the server does not read it."""
    assert running.call("POST", CONFIGMAPS, b"k8s\0", kind=kind).is_status(415, "UnsupportedMediaType")


def test_a_body_is_bounded(running: Running):
    """The API server's own limit: 3 MiB, 413."""
    connection = running.connect()
    connection.putrequest("POST", CONFIGMAPS)
    connection.putheader("Content-Length", str(10**12))
    connection.endheaders()
    answer = connection.getresponse()
    assert (answer.status, json.loads(answer.read())["reason"]) == (413, "RequestEntityTooLarge")
    connection.close()


def test_chunked_bodies_are_read(running: Running):
    """RFC 9112, 7.1: chunked transfer coding; malformed ones are refused."""
    connection = running.connect()
    connection.request("POST", CONFIGMAPS, iter([json.dumps(config_map(a="1")).encode()]), encode_chunked=True)
    assert connection.getresponse().status == 201
    connection.close()
    head = b"POST %b HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n" % CONFIGMAPS.encode()
    assert raw(running, head + b"zz\r\n").startswith(b"HTTP/1.1 400 ")


@pytest.mark.parametrize(
    ("request_line", "code"),
    [
        (b"NONSENSE\r\n\r\n", 400),
        (b"GET / HTTP/9.9\r\n\r\n", 505),
        (b"GET /" + b"a" * 70_000 + b" HTTP/1.1\r\n\r\n", 414),
        (b"GET /version HTTP/1.1\r\n" + b"X: y\r\n" * 200 + b"\r\n", 431),
        (b"GET /version HTTP/1.1\r\nContent-Length: -1\r\n\r\n", 400),
        (b"GET /version?" + b"a=b&" * 300 + b" HTTP/1.1\r\n\r\n", 400),
    ],
)
def test_what_is_no_request_gets_a_status_too(running: Running, request_line: bytes, code: int):
    """RFC 9112: the connection ends after an answer; here every answer is a Status."""
    answer = raw(running, request_line)
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 %d " % code), answer[:200]
    assert json.loads(body)["kind"] == "Status"


def test_a_request_that_is_cut_off_leaves_the_server_well(running: Running):
    """A client that vanishes in the middle costs its own connection only."""
    host, _, port = running.cluster.address.rpartition(":")
    plain = socket.create_connection((host, int(port)), timeout=PATIENCE)
    with running.tls.wrap_socket(plain, server_hostname=host) as line:
        line.sendall(b"POST %b HTTP/1.1\r\nContent-Length: 100\r\n\r\n{" % CONFIGMAPS.encode())
    with socket.create_connection((host, int(port)), timeout=PATIENCE) as plain:
        plain.sendall(b"GET / HTTP/1.1\r\n\r\n")
    assert running.call("GET", "/version").status == 200


def test_lone_surrogates_become_replacement_characters(running: Running):
    """encoding/json of Go: invalid UTF-16 is replaced."""
    made = running.call("POST", CONFIGMAPS, b'{"metadata": {"name": "a"}, "data": {"a": "\\ud800"}}')
    assert made.document["data"] == {"a": "�"}


def test_the_administrator_may_everything(running: Running):
    """authorization.k8s.io/v1: system:masters is allowed whatever is asked."""
    review = {"spec": {"resourceAttributes": {"verb": "create", "resource": "pods"}}}
    path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
    assert running.create(path, review)["status"] == {"allowed": True}
    who = running.create("/apis/authentication.k8s.io/v1/selfsubjectreviews", {})["status"]["userInfo"]
    assert who["username"] == "system:admin"
    assert "system:masters" in who["groups"]


def test_a_message_of_the_caller_is_no_header_of_the_server(running: Running):
    """A warning quotes what was sent: it cannot break out of its header."""
    answer = running.call("POST", CONFIGMAPS, {**config_map(), 'x"\r\nX-Evil: 1': 1})
    assert answer.status == 201
    assert "X-Evil" not in answer.headers
