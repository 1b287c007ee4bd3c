"""What a cluster says, in the model's words: read from real answers of a server on loopback."""

import socket
import ssl
import time
import traceback
from typing import Any

import pytest

from drproof.model.cluster import CONFIG_MAP, JOB, POD, SECRET, Kind
from drproof.model.errors import (
    AlreadyExistsError,
    GuardError,
    NotFoundError,
    TargetError,
    ThrottledError,
    UnansweredError,
)
from drproof.targets.kubernetes.client import Wire
from drproof.targets.kubernetes.cluster import KubernetesCluster
from drproof.targets.kubernetes.errors import Asked, failure
from tests.patience import PATIENCE
from tests.targets.conftest import make_intent
from tests.targets.kubernetes.conftest import Answering, Scripted, config_of, status_document
from tests.targets.kubernetes.drips import ends, hanging

ONE = "/api/v1/namespaces/dr/configmaps/state"
ALL = "/api/v1/namespaces/dr/configmaps"


def manifest(kind: str = "ConfigMap", **more: Any) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": kind, "metadata": {"name": "state", "namespace": "dr"}, **more}


REFUSALS: list[tuple[int, str, str, type[TargetError], type[TargetError]]] = [
    # status, reason given, code expected, error when reading, error when changing
    (400, "BadRequest", "BadRequest", TargetError, TargetError),
    (401, "Unauthorized", "Unauthorized", TargetError, TargetError),
    (403, "Forbidden", "Forbidden", TargetError, TargetError),
    (409, "AlreadyExists", "AlreadyExists", AlreadyExistsError, AlreadyExistsError),
    (409, "Conflict", "Conflict", TargetError, TargetError),
    (409, "", "Conflict", TargetError, TargetError),
    (410, "Gone", "Expired", TargetError, TargetError),
    (410, "Expired", "Expired", TargetError, TargetError),
    (422, "Invalid", "Invalid", TargetError, TargetError),
    (429, "TooManyRequests", "TooManyRequests", ThrottledError, ThrottledError),
    (500, "InternalError", "InternalError", TargetError, UnansweredError),
    (500, "", "InternalError", TargetError, UnansweredError),
    (502, "", "Status502", TargetError, UnansweredError),
    (503, "ServiceUnavailable", "ServiceUnavailable", TargetError, UnansweredError),
    (504, "Timeout", "Timeout", TargetError, UnansweredError),
]


@pytest.mark.parametrize(("status", "reason", "code", "reading", "changing"), REFUSALS)
def test_every_refusal_has_its_code_and_its_family(scripted, cluster, status, reason, code, reading, changing):
    said = (status, status_document(status, reason, "no, because"))
    scripted.answers["GET", ONE] = scripted.answers["PATCH", ONE] = said

    with pytest.raises(TargetError) as read:
        cluster.get(CONFIG_MAP, "state", namespace="dr")
    with pytest.raises(TargetError) as changed:
        cluster.apply(make_intent(), manifest())

    assert (type(read.value), read.value.code, read.value.call) == (reading, code, "kubernetes:get")
    assert (type(changed.value), changed.value.code, changed.value.call) == (changing, code, "kubernetes:apply")
    assert str(read.value).splitlines()[0] == f"kubernetes:get ConfigMap/dr/state: {code}: no, because"


@pytest.mark.parametrize("body", [b"", b"<html>busy</html>", b"[1]", b'"text"', b"{"])
def test_a_refusal_that_is_no_status_is_known_by_its_number(scripted, cluster, body):
    scripted.answers["GET", ONE] = (503, body)

    with pytest.raises(TargetError, match="kubernetes:get ConfigMap/dr/state: ServiceUnavailable") as caught:
        cluster.get(CONFIG_MAP, "state", namespace="dr")
    assert caught.value.code == "ServiceUnavailable"


@pytest.mark.parametrize("code", ["Unauthorized", "Forbidden", "Unreachable", "UntrustedCertificate", "Expired"])
def test_where_a_command_helps_it_is_named(code):
    assert "\n  next: " in str(failure(Asked(call="kubernetes:get"), code, "no"))


def test_the_first_line_is_short_whatever_the_cluster_says(scripted, cluster):
    scripted.answers["GET", ONE] = (422, status_document(422, "Invalid", "so\nmany words " * 500))

    with pytest.raises(TargetError) as caught:
        cluster.get(CONFIG_MAP, "state", namespace="dr")

    assert len(str(caught.value)) < 500
    assert "\n" not in str(caught.value)


def test_values_of_a_secret_are_in_no_message_and_in_no_trace(scripted, cluster):
    written, meant = "aHVudGVyMi1odW50ZXIy", "hunter2-hunter2"
    said = f"expected map, got &{{{meant}}} from {written} and text-of-another"
    scripted.answers["PATCH", "/api/v1/namespaces/dr/secrets/state"] = (422, status_document(422, "Invalid", said))

    secret = manifest("Secret", data={"a": written}, stringData={"b": "text-of-another"})
    with pytest.raises(TargetError, match="Invalid: expected map") as caught:
        cluster.apply(make_intent(), secret)

    trace = "".join(traceback.format_exception(caught.value))
    assert not any(value in trace for value in (written, meant, "text-of-another"))


def test_an_apply_of_a_field_that_the_server_does_not_know_is_a_refusal_and_no_failure_of_the_server(scripted, cluster):
    said = "failed to create typed patch object (dr/state; /v1, Kind=ConfigMap): .spec: field not declared in schema"
    scripted.answers["PATCH", ONE] = (500, {"kind": "Status", "status": "Failure", "message": said, "code": 500})

    with pytest.raises(TargetError, match="Invalid: .*field not declared in schema") as caught:
        cluster.apply(make_intent(), manifest())
    assert not isinstance(caught.value, UnansweredError)


def test_an_object_that_is_not_there_is_none_and_a_path_that_is_not_served_is_an_error(scripted, cluster):
    scripted.answers["GET", ONE] = (
        404,
        status_document(404, "NotFound", 'configmaps "state" not found', name="state", kind="configmaps"),
    )
    assert cluster.get(CONFIG_MAP, "state", namespace="dr") is None

    del scripted.answers["GET", ONE]
    with pytest.raises(NotFoundError, match="could not find the requested resource"):
        cluster.get(CONFIG_MAP, "state", namespace="dr")


def test_a_kind_that_the_cluster_does_not_serve_is_an_error_that_names_it(scripted, cluster):
    with pytest.raises(NotFoundError, match=r"kubernetes:discover batch/v1 Job: NotFound: http://127.* serves no such"):
        cluster.get(JOB, "x", namespace="dr")
    with pytest.raises(NotFoundError, match="v1 Unheard"):
        cluster.list(Kind(api_version="v1", kind="Unheard"))


def test_a_group_that_is_unavailable_for_a_moment_is_not_taken_for_one_without_kinds(scripted, cluster):
    scripted.answers["GET", "/apis/batch/v1"] = (503, status_document(503, "ServiceUnavailable", "a moment"))
    with pytest.raises(TargetError) as caught:
        cluster.get(JOB, "x", namespace="dr")
    assert (caught.value.code, type(caught.value)) == ("ServiceUnavailable", TargetError)

    jobs = {"name": "jobs", "kind": "Job", "namespaced": True}
    status_of_jobs = {"name": "jobs/status", "kind": "Job", "namespaced": True}
    scripted.answers["GET", "/apis/batch/v1"] = (200, {"resources": [jobs, status_of_jobs]})
    scripted.answers["GET", "/apis/batch/v1/namespaces/dr/jobs/x"] = (200, {"kind": "Job"})
    assert cluster.get(JOB, "x", namespace="dr") == {"kind": "Job"}


def test_a_connection_that_breaks_leaves_open_whether_a_change_happened(scripted, cluster):
    scripted.answers["PATCH", ONE] = scripted.answers["GET", ONE] = Answering.reset

    with pytest.raises(UnansweredError, match="kubernetes:apply ConfigMap/dr/state: Unanswered: "):
        cluster.apply(make_intent(), manifest())
    with pytest.raises(TargetError, match="kubernetes:get ConfigMap/dr/state: Unreachable: ") as read:
        cluster.get(CONFIG_MAP, "state", namespace="dr")

    assert not isinstance(read.value, UnansweredError), "a question may be asked again"
    assert [ask[:2] for ask in scripted.asked].count(("PATCH", ONE)) == 1, "attempts are the engine's"
    assert [ask[:2] for ask in scripted.asked].count(("GET", ONE)) == 1


def test_a_server_that_does_not_answer_in_time_leaves_open_whether_a_change_happened(scripted):
    scripted.answers["PATCH", ONE] = hanging

    def apply(seconds: float) -> None:
        cluster = KubernetesCluster.opened(Wire(config_of(scripted.url), seconds=seconds), context="x")
        cluster.apply(make_intent(), manifest())

    said = ends(scripted, ("PATCH", ONE), apply)
    assert isinstance(said, UnansweredError)
    assert "ReadTimeoutError" in str(said)


def test_an_answer_that_is_cut_short_is_no_answer(scripted, cluster):
    def cut(answering: Answering) -> None:
        answering.send_response(200)
        answering.send_header("Content-Length", "500")
        answering.end_headers()
        answering.wfile.write(b'{"kind": ')
        answering.close_connection = True

    scripted.answers["PATCH", ONE] = scripted.answers["GET", ONE] = cut
    with pytest.raises(UnansweredError, match="Unanswered"):
        cluster.apply(make_intent(), manifest())
    with pytest.raises(TargetError, match="Unreachable"):
        cluster.get(CONFIG_MAP, "state", namespace="dr")


@pytest.mark.parametrize("body", [b"", b"<html>log in first</html>", b"[]"])
def test_an_answer_that_nobody_can_read_is_no_object(scripted, cluster, body):
    scripted.answers["GET", ONE] = scripted.answers["PATCH", ONE] = (200, body)

    with pytest.raises(TargetError, match="Unreadable: status 200 with"):
        cluster.get(CONFIG_MAP, "state", namespace="dr")
    with pytest.raises(UnansweredError, match="Unreadable"):
        cluster.apply(make_intent(), manifest())


def test_a_server_that_is_not_there_is_unreachable_and_nothing_happened():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    wire = Wire(config_of(f"http://127.0.0.1:{port}"))

    with pytest.raises(TargetError, match="Unreachable: NewConnectionError.*refused") as caught:
        KubernetesCluster.opened(wire, context="x")
    assert not isinstance(caught.value, UnansweredError)
    assert "object at 0x" not in str(caught.value)
    with pytest.raises(TargetError) as changed:
        wire.ask(Asked(call="kubernetes:apply", changes=True), "PATCH", "/api/v1/x")
    assert not isinstance(changed.value, UnansweredError), "nothing was sent"


def test_a_server_without_tls_where_tls_is_expected_is_not_trusted(scripted):
    wire = Wire(config_of(scripted.url.replace("http:", "https:")), trust=ssl.create_default_context())

    with pytest.raises(TargetError, match="kubernetes:pin Namespace/kube-system: UntrustedCertificate: ") as caught:
        KubernetesCluster.opened(wire, context="x")
    assert caught.value.code == "UntrustedCertificate"


def test_a_redirect_is_not_followed_because_the_token_would_go_with_it(scripted, cluster):
    with Scripted() as elsewhere:
        scripted.answers["GET", ONE] = lambda answering: answering.say(302, {}, Location=f"{elsewhere.url}/stolen")
        with pytest.raises(TargetError, match="Status302"):
            cluster.get(CONFIG_MAP, "state", namespace="dr")
        elsewhere.socket.setblocking(False)
        with pytest.raises(BlockingIOError):
            elsewhere.socket.accept()


def test_another_cluster_that_answers_stops_a_change_before_it_is_sent(scripted, cluster):
    scripted.answers["GET", "/api/v1/namespaces/kube-system"] = (200, {"metadata": {"uid": "another"}})

    for change in (
        lambda: cluster.apply(make_intent(), manifest()),
        lambda: cluster.create(make_intent(), manifest()),
        lambda: cluster.replace(
            make_intent(), {**manifest(), "metadata": {**manifest()["metadata"], "resourceVersion": "1"}}
        ),
        lambda: cluster.delete(make_intent(), CONFIG_MAP, "state", namespace="dr", uid="u", timeout_ms=100),
    ):
        with pytest.raises(
            GuardError, match=rf"answers at {scripted.url}: expected .* {cluster.identity.uid}, got another"
        ):
            change()
    assert {method for method, _, _ in scripted.asked} == {"GET"}


def test_a_logs_refusal_while_the_container_waits_says_that_it_has_not_started(scripted, cluster):
    path = "/api/v1/namespaces/dr/pods/p/log"
    said = 'container "main" in pod "p" is waiting to start: trying and failing to pull image'
    scripted.answers["GET", path] = (400, status_document(400, "BadRequest", said))

    with pytest.raises(TargetError, match=f"kubernetes:logs Pod/dr/p main: ContainerNotStarted: {said}") as caught:
        cluster.logs("p", namespace="dr", container="main", limit_bytes=100)
    assert caught.value.code == "ContainerNotStarted"

    scripted.answers["GET", path] = (400, status_document(400, "BadRequest", "container x is not valid for pod p"))
    with pytest.raises(TargetError) as other:
        cluster.logs("p", namespace="dr", container="x", limit_bytes=100)
    assert other.value.code == "BadRequest"


def test_a_log_is_cut_even_when_the_server_sends_more(scripted, cluster):
    scripted.answers["GET", "/api/v1/namespaces/dr/pods/p/log"] = (200, "zürich\n".encode() * 100)

    assert cluster.logs("p", namespace="dr", container="main", limit_bytes=2) == "z\ufffd"
    assert scripted.asked[-1][2] == "container=main&limitBytes=2"


def test_a_secret_is_asked_for_by_an_escaped_name(scripted, cluster):
    with pytest.raises(NotFoundError):
        cluster.get(SECRET, "../../nodes", namespace="dr")
    assert scripted.asked[-1][1] == "/api/v1/namespaces/dr/secrets/..%2F..%2Fnodes"
    with pytest.raises(ValueError, match="a Pod lies in a namespace"):
        cluster.get(POD, "p")


def test_the_audit_log_of_the_server_can_name_an_effect_as_the_journal_does(scripted, cluster):
    scripted.answers["PATCH", ONE] = (200, manifest())
    intent = make_intent()

    cluster.apply(intent, manifest())

    assert scripted.headers[-1]["audit-id"] == intent.token
    assert "audit-id" not in scripted.headers[-2], "a question is no effect"


def test_a_conflict_that_keeps_an_object_is_told_at_once_and_not_waited_for(scripted, cluster):
    scripted.answers["DELETE", ONE] = (409, status_document(409, "Conflict", "not now", name="state"))
    scripted.answers["GET", ONE] = (200, {**manifest(), "metadata": {"name": "state", "uid": "u"}})

    began = time.monotonic()
    with pytest.raises(TargetError, match="kubernetes:delete ConfigMap/dr/state: Conflict: not now"):
        cluster.delete(make_intent(), CONFIG_MAP, "state", namespace="dr", uid="u", timeout_ms=int(10_000 * PATIENCE))
    assert time.monotonic() - began < PATIENCE
