"""Commands, messages, alarms and images at the embedded world."""

import hashlib
import http.server
import json
import secrets
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from drproof.formats import timestamps
from drproof.model.errors import NotFoundError, TargetError
from drproof.targets import embedded
from drproof.targets.aws import ssm
from drproof.targets.aws.ecr import AwsImages
from drproof.targets.sites import AwsTarget
from tests.patience import PATIENCE
from tests.targets.conftest import NAMES, make_intent
from tests.targets.test_fleet import LONG_MS, launch

PINNED = NAMES["drill"]["image_ref"]


@pytest.fixture
def machine(target: AwsTarget) -> str:
    """A machine that takes commands."""
    made = launch(target.recovery.fleet, f"drill-{secrets.token_hex(4)}")
    target.recovery.hosts.wait_online(made.instance_id, timeout_ms=LONG_MS)
    return made.instance_id


def test_a_command_runs_and_all_that_came_of_it_is_told(target: AwsTarget, machine: str) -> None:
    done = target.recovery.hosts.run(make_intent(), machine, "echo out; echo err >&2; exit 3", timeout_ms=LONG_MS)
    assert (done.status, done.exit_status, done.stdout, done.stderr) == ("Failed", 3, "out\n", "err\n")
    fine = target.recovery.hosts.run(make_intent(), machine, "true", timeout_ms=LONG_MS)
    assert (fine.status, fine.exit_status) == ("Success", 0)


def test_the_output_of_a_command_is_bounded(target: AwsTarget, machine: str) -> None:
    done = target.recovery.hosts.run(make_intent(), machine, "yes | head -c 100000", timeout_ms=LONG_MS)
    assert 0 < len(done.stdout) <= ssm.LONGEST_OUTPUT


def test_a_command_that_takes_too_long_is_ended(target: AwsTarget, machine: str) -> None:
    begin = time.monotonic()
    done = target.recovery.hosts.run(make_intent(), machine, "sleep 6000", timeout_ms=1_000)
    assert done.status in {"TimedOut", "Failed"}
    assert time.monotonic() - begin < PATIENCE


def test_a_command_nobody_can_wait_for_any_longer_is_cancelled(
    target: AwsTarget, machine: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    hosts, cancelled = target.recovery.hosts, []
    monkeypatch.setattr(ssm, "DELIVERY_SECONDS", 0)
    client = hosts._client
    monkeypatch.setattr(client, "cancel_command", lambda **asked: cancelled.append(asked))
    client.meta.events.register(
        "before-parameter-build.ssm.SendCommand", lambda params, **_: params.update(TimeoutSeconds=30)
    )
    monkeypatch.setattr(ssm, "TERMINAL", frozenset())
    with pytest.raises(TargetError, match="expected an end within 300 ms"):
        hosts.run(make_intent(), machine, "sleep 6000", timeout_ms=300)
    assert [asked["InstanceIds"] for asked in cancelled] == [[machine]]


def test_a_machine_that_never_comes_online_is_waited_for_no_longer_than_asked(target: AwsTarget) -> None:
    with pytest.raises(TargetError, match="expected Online within 300 ms, got unknown to Systems Manager") as caught:
        target.recovery.hosts.wait_online("i-0123456789abcdef0", timeout_ms=300)
    assert caught.value.code == "Timeout"


def test_a_command_for_a_machine_that_does_not_exist_is_refused(target: AwsTarget) -> None:
    with pytest.raises(TargetError, match="ssm:SendCommand i-0123456789abcdef0"):
        target.recovery.hosts.run(make_intent(), "i-0123456789abcdef0", "true", timeout_ms=1_000)


def test_a_message_is_published_once(target: AwsTarget, world: embedded.World) -> None:
    before = len(world.calls())
    assert target.recovery.messenger.publish(
        make_intent(), NAMES["recovery"]["topic_arn"], "a drill", "text — with ü\nlines"
    )
    assert [call["action"] for call in world.calls()[before:]] == ["Publish"]


@pytest.mark.parametrize("subject", ["", "ü", "a\nb", "x" * 101])
def test_a_subject_that_a_topic_would_not_take_is_a_mistake(target: AwsTarget, subject: str) -> None:
    with pytest.raises(ValueError, match="1 to 100 printable ASCII"):
        target.recovery.messenger.publish(make_intent(), NAMES["recovery"]["topic_arn"], subject, "x")


def test_a_topic_that_does_not_exist_is_not_found(target: AwsTarget) -> None:
    topic = NAMES["recovery"]["topic_arn"] + "-not"
    with pytest.raises(NotFoundError, match=topic):
        target.recovery.messenger.publish(make_intent(), topic, "x", "x")


def test_an_alarm_that_does_not_exist_has_no_state(target: AwsTarget) -> None:
    names = NAMES["primary"]["alarms"]["names"]
    states = target.primary.alarms.states([*names, "nobody"])
    assert set(states) == set(names)
    assert set(states.values()) <= {"OK", "ALARM", "INSUFFICIENT_DATA"}


def test_the_history_of_an_alarm_is_plain_json_and_oldest_first(
    target: AwsTarget, stranger: Callable[[str], Any]
) -> None:
    name, cloudwatch = f"alarm-{secrets.token_hex(4)}", stranger("cloudwatch")
    cloudwatch.put_metric_alarm(
        AlarmName=name,
        Namespace="T",
        MetricName="m",
        Statistic="Maximum",
        Period=60,
        EvaluationPeriods=1,
        Threshold=1.0,
        ComparisonOperator="GreaterThanThreshold",
        TreatMissingData="ignore",
    )
    for state in ("ALARM", "OK", "ALARM"):
        cloudwatch.set_alarm_state(AlarmName=name, StateValue=state, StateReason="test")
    now = datetime.now(UTC)
    window = {"since": (now - timedelta(minutes=5)).isoformat(), "until": (now + timedelta(minutes=5)).isoformat()}
    client = target.recovery.alarms._client
    client.meta.events.register(
        "before-parameter-build.cloudwatch.DescribeAlarmHistory", lambda params, **_: params.update(MaxRecords=1)
    )
    items = target.recovery.alarms.history(name, **window)
    changes = [json.loads(item["HistoryData"]) for item in items if item["HistoryItemType"] == "StateUpdate"]
    assert [change["newState"]["stateValue"] for change in changes][-3:] == ["ALARM", "OK", "ALARM"]
    moments = [timestamps.milliseconds(item["Timestamp"]) for item in items]
    assert moments == sorted(moments)
    assert json.loads(json.dumps(items)) == list(items)
    assert all(len(item["Timestamp"]) == len("2026-01-01T00:00:00.000Z") for item in items)
    later = {"since": window["until"], "until": (now + timedelta(minutes=9)).isoformat()}
    assert target.recovery.alarms.history(name, **later) == ()
    with pytest.raises(ValueError, match="expected an instant"):
        target.recovery.alarms.history(name, since="yesterday", until=window["until"])


def test_metrics_are_those_with_exactly_these_dimensions(target: AwsTarget, stranger: Callable[[str], Any]) -> None:
    namespace = f"T/{secrets.token_hex(4)}"
    dimensions = [{"Name": "Project", "Value": "a"}]
    more = [*dimensions, {"Name": "Site", "Value": "b"}]
    for metric, carried in (("exact", dimensions), ("wider", more), ("bare", [])):
        data = [{"MetricName": metric, "Value": 1.0, "Dimensions": carried}]
        stranger("cloudwatch").put_metric_data(Namespace=namespace, MetricData=data)
    alarms = target.recovery.alarms
    assert alarms.metrics(namespace, {"Project": "a"}) == ("exact",)
    assert alarms.metrics(namespace, {"Project": "a", "Site": "b"}) == ("wider",)
    assert alarms.metrics(namespace, {"Project": "z"}) == ()
    assert alarms.metrics(namespace, {}) == ("bare",)


def test_the_metrics_of_the_original_site_are_found(target: AwsTarget) -> None:
    found = target.primary.alarms.metrics(**NAMES["primary"]["metrics"])
    assert "PipelineFreshnessHours" in found


def test_an_image_has_the_architectures_of_its_index(target: AwsTarget) -> None:
    seen = target.primary.images.look(PINNED)

    assert list(seen.digests) == ["amd64", "arm64"]
    assert len(set(seen.digests.values()) | {PINNED.partition("@")[2]}) == 3
    assert seen.media_type == "application/vnd.oci.image.index.v1+json"


def test_a_tag_names_a_digest_now(target: AwsTarget) -> None:
    repository, _, found = PINNED.partition("@")

    assert target.primary.images.digest_of(repository, "v1") == found
    with pytest.raises(NotFoundError, match=f"{repository}:v0"):
        target.primary.images.digest_of(repository, "v0")
    with pytest.raises(ValueError, match="expected one of ECR"):
        target.primary.images.digest_of("registry.example/atlas", "v1")


@pytest.mark.parametrize(
    ("manifests", "digests"),
    [
        (
            [
                {"digest": "sha256:1", "platform": {"architecture": "arm64", "os": "linux", "variant": "v8"}},
                {"digest": "sha256:2", "platform": {"architecture": "arm64", "os": "linux"}},
                {"digest": "sha256:3", "platform": {"architecture": "unknown", "os": "unknown"}},
                {"digest": "sha256:4", "platform": {"architecture": "unknown", "os": "linux"}},
                {"digest": "sha256:5", "platform": {"architecture": "amd64", "os": "windows"}},
            ],
            {"arm64": "sha256:1"},
        ),
        ([{"digest": "sha256:1", "platform": {"architecture": "amd64"}}], {"amd64": "sha256:1"}),
        ([{"digest": "sha256:1", "platform": {"architecture": "amd64", "os": "windows"}}], None),
        ([{"digest": "sha256:1"}], None),
        ([], None),
    ],
)
def test_an_index_says_what_a_linux_machine_pulls(
    target: AwsTarget, manifests: list[dict[str, Any]], digests: dict[str, str] | None
) -> None:
    index = json.dumps({"schemaVersion": 2, "manifests": manifests})
    client = target.primary._session.client("ecr")
    answer = {"images": [{"imageManifest": index, "imageManifestMediaType": "told"}]}
    client.meta.events.register(
        "before-call.ecr.BatchGetImage", lambda **_: (SimpleNamespace(status_code=200, content=b"", headers={}), answer)
    )
    reference = f"{PINNED.partition('@')[0]}@{digest(index.encode())}"
    images = AwsImages(lambda _: client)

    if digests is None:
        with pytest.raises(TargetError, match="no architecture of Linux"):
            images.look(reference)
    else:
        seen = images.look(reference)
        assert (seen.digests, seen.media_type) == (digests, "told")


def test_an_image_that_is_not_there_is_not_found(target: AwsTarget) -> None:
    with pytest.raises(NotFoundError) as caught:
        target.primary.images.look(PINNED.partition("@")[0] + "@sha256:" + "0" * 64)
    assert caught.value.code in {"ImageNotFound", "ImageNotFoundException"}


@pytest.mark.parametrize("reference", ["atlas:latest", "registry.example/atlas@sha256:" + "0" * 64])
def test_an_image_that_is_not_pinned_at_ecr_is_a_mistake(target: AwsTarget, reference: str) -> None:
    with pytest.raises(ValueError, match=r"pinned|ECR"):
        target.primary.images.look(reference)


def test_a_manifest_that_is_not_what_its_digest_says_is_refused(target: AwsTarget) -> None:
    def spoil(parsed: dict[str, Any], **_: Any) -> None:
        parsed["images"][0]["imageManifest"] += " "

    client = target.primary._session.client("ecr")
    client.meta.events.register("after-call.ecr.BatchGetImage", spoil)
    with pytest.raises(TargetError, match=f"expected bytes of {PINNED.partition('@')[2]}") as caught:
        AwsImages(lambda _: client).look(PINNED)
    assert caught.value.code == "DigestMismatch"


class _Layers(http.server.BaseHTTPRequestHandler):
    """Where a registry keeps its layers."""

    content = b""

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(self.content)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def test_an_image_for_one_architecture_says_so_in_its_configuration(target: AwsTarget) -> None:
    config = json.dumps({"architecture": "arm64", "os": "linux"}).encode()
    manifest = json.dumps({"schemaVersion": 2, "config": {"digest": digest(config)}, "layers": []})
    reference = f"{PINNED.partition('@')[0]}@{digest(manifest.encode())}"
    client = target.primary._session.client("ecr")
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Layers) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        answers: dict[str, dict[str, Any]] = {
            "BatchGetImage": {"images": [{"imageManifest": manifest}]},
            "GetDownloadUrlForLayer": {"downloadUrl": f"http://127.0.0.1:{server.server_port}/layer?signed"},
        }
        for operation, answer in answers.items():
            client.meta.events.register(
                f"before-call.ecr.{operation}",
                lambda answer=answer, **_: (SimpleNamespace(status_code=200, content=b"", headers={}), answer),
            )
        images = AwsImages(lambda _: client)
        _Layers.content = config
        assert images.look(reference).digests == {"arm64": digest(manifest.encode())}
        _Layers.content = config.replace(b"arm64", b"amd64")
        with pytest.raises(TargetError, match="DigestMismatch"):
            images.look(reference)
        answers["GetDownloadUrlForLayer"]["downloadUrl"] = "http://192.0.2.1/layer"
        with pytest.raises(TargetError, match="expected an https address"):
            images.look(reference)
        server.shutdown()
        thread.join()


def digest(data: bytes) -> str:
    """Return the digest by which a registry names bytes."""
    return "sha256:" + hashlib.sha256(data).hexdigest()
