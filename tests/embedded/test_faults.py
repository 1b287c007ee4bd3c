"""Each kind of fault strikes the call that its rule names, as that service would fail, and the call log says so."""

import hashlib
import itertools
import time
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import BotoCoreError, ClientError, ConnectionClosedError, ReadTimeoutError

from .conftest import RunningWorld, Start, begin

_numbers = itertools.count(1)
BODY = bytes(range(256)) * 512


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningWorld]:
    running = begin(tmp_path_factory.mktemp("faults") / "world")
    yield running
    running.stop()
    assert running.process.stdout is not None
    running.process.stdout.close()


@pytest.fixture
def faulty(shared: RunningWorld) -> Iterator[RunningWorld]:
    yield shared
    shared.control("DELETE", "faults")


def inject(world: RunningWorld, kind: str, **rule: Any) -> int:
    status, answer = world.control("POST", "faults", {"kind": kind, **rule})
    assert status == 200, answer
    return int(answer["number"])


def last(world: RunningWorld) -> dict[str, Any]:
    return dict(world.control("GET", "calls")[1][-1])


def stored(world: RunningWorld, body: bytes = BODY, **more: Any) -> str:
    key = f"faults/{next(_numbers)}"
    world.client("s3").put_object(Bucket="atlas-recovery", Key=key, Body=body, **more)
    return key


def read(world: RunningWorld, key: str, **more: Any) -> bytes:
    answer = world.client("s3").get_object(Bucket="atlas-recovery", Key=key, **more)
    return bytes(answer["Body"].read())


@pytest.mark.parametrize(
    ("service", "ask", "codes"),
    [
        (
            "s3",
            lambda c: c.list_objects_v2(Bucket="atlas-recovery"),
            ("SlowDown", "InternalError", "ServiceUnavailable", "AccessDenied"),
        ),
        (
            "ec2",
            lambda c: c.describe_instances(),
            ("RequestLimitExceeded", "InternalError", "Unavailable", "UnauthorizedOperation"),
        ),
        (
            "ssm",
            lambda c: c.list_commands(),
            ("ThrottlingException", "InternalServerError", "ServiceUnavailable", "AccessDeniedException"),
        ),
        (
            "sns",
            lambda c: c.list_topics(),
            ("Throttling", "InternalFailure", "ServiceUnavailable", "AccessDenied"),
        ),
        (
            "sts",
            lambda c: c.get_caller_identity(),
            ("Throttling", "InternalFailure", "ServiceUnavailable", "AccessDenied"),
        ),
    ],
)
def test_each_service_says_in_its_own_words_that_it_is_busy_broken_or_unwilling(
    faulty: RunningWorld, service: str, ask: Any, codes: tuple[str, ...]
) -> None:
    for kind, code in zip(("throttle", "server-error", "unavailable", "denied"), codes, strict=True):
        inject(faulty, kind, service=service)
        with pytest.raises(ClientError) as caught:
            ask(faulty.client(service))
        assert caught.value.response["Error"]["Code"] == code
        assert last(faulty)["fault"] == kind
        ask(faulty.client(service))
        assert last(faulty)["fault"] == ""


def test_only_the_nth_matching_call_is_struck_and_as_often_as_the_rule_says(faulty: RunningWorld) -> None:
    inject(faulty, "throttle", service="s3", action="PutObject", key="faults/nth/*", nth=2, times=2)
    s3 = faulty.client("s3")
    ended = []
    for name in ("a", "b", "other", "c", "d"):
        key = f"faults/{name}" if name == "other" else f"faults/nth/{name}"
        try:
            s3.put_object(Bucket="atlas-recovery", Key=key, Body=b"")
            ended.append("")
        except ClientError as exc:
            ended.append(exc.response["Error"]["Code"])
    assert ended == ["", "SlowDown", "", "SlowDown", ""]
    (rule,) = faulty.control("GET", "faults")[1]
    assert (rule["met"], rule["struck"]) == (4, 2)


def test_a_code_of_the_rules_own_is_answered_instead(faulty: RunningWorld) -> None:
    inject(faulty, "denied", service="s3", code="RequestTimeTooSkewed")
    with pytest.raises(ClientError, match="RequestTimeTooSkewed"):
        stored(faulty)


def test_a_reset_before_the_answer_changes_nothing_and_is_logged_without_a_status(faulty: RunningWorld) -> None:
    inject(faulty, "reset", service="s3", action="PutObject")
    with pytest.raises(ConnectionClosedError):
        faulty.client("s3").put_object(Bucket="atlas-recovery", Key="faults/reset", Body=b"1")
    assert (last(faulty)["status"], last(faulty)["fault"]) == (0, "reset")
    with pytest.raises(ClientError, match="404"):
        faulty.client("s3").head_object(Bucket="atlas-recovery", Key="faults/reset")


def test_a_lost_answer_is_of_a_call_that_was_done(faulty: RunningWorld) -> None:
    inject(faulty, "answer-lost", service="s3", action="PutObject")
    with pytest.raises(ConnectionClosedError):
        faulty.client("s3").put_object(Bucket="atlas-recovery", Key="faults/lost", Body=b"1")
    assert (last(faulty)["status"], last(faulty)["fault"]) == (200, "answer-lost")
    assert read(faulty, "faults/lost") == b"1"


@pytest.mark.parametrize("kind", ["reset-mid-body", "truncated"])
def test_a_body_that_breaks_off_is_an_error_of_whoever_reads_it(faulty: RunningWorld, kind: str) -> None:
    key = stored(faulty)
    inject(faulty, kind, service="s3", action="GetObject")
    with pytest.raises(BotoCoreError):
        read(faulty, key)
    assert last(faulty)["fault"] == kind
    assert read(faulty, key) == BODY


def test_a_consistently_truncated_body_is_taken_for_whole_by_the_sdk(faulty: RunningWorld) -> None:
    key = stored(faulty)
    inject(faulty, "truncated-consistent", service="s3", action="GetObject")
    assert read(faulty, key) == BODY[: len(BODY) // 2]


def test_wrong_bytes_differ_in_one_bit_and_only_a_checksum_tells(faulty: RunningWorld) -> None:
    key = stored(faulty)
    inject(faulty, "wrong-bytes", service="s3", action="GetObject")
    got = read(faulty, key, ChecksumMode="ENABLED")
    assert len(got) == len(BODY)
    assert sum((a ^ b).bit_count() for a, b in zip(got, BODY, strict=True)) == 1

    faulty.control("DELETE", "faults")
    inject(faulty, "wrong-bytes", service="s3", action="GetObject", checked=True)
    with pytest.raises(BotoCoreError, match="checksum"):
        read(faulty, key, ChecksumMode="ENABLED")
    assert hashlib.sha256(read(faulty, key)).digest() == hashlib.sha256(BODY).digest()


def test_latency_delays_the_right_answer(faulty: RunningWorld) -> None:
    inject(faulty, "latency", service="sts", milliseconds=300)
    started = time.monotonic()
    faulty.client("sts").get_caller_identity()
    assert time.monotonic() - started >= 0.3
    assert last(faulty)["fault"] == "latency"


def test_a_call_that_hangs_ends_when_its_caller_hangs_up(faulty: RunningWorld) -> None:
    inject(faulty, "hang", service="sts")
    with pytest.raises(ReadTimeoutError):
        faulty.client("sts", read_timeout=0.2).get_caller_identity()
    calls = faulty.control("GET", "calls")
    deadline = time.monotonic() + 60
    while calls[1][-1]["fault"] != "hang" and time.monotonic() < deadline:
        calls = faulty.control("GET", "calls")
    assert (last(faulty)["status"], last(faulty)["fault"]) == (0, "hang")


def test_expired_credentials_stay_expired_and_who_asks_gets_others(start: Start) -> None:
    world = start()
    inject(world, "expired", service="s3", nth=2)
    s3, ec2 = world.client("s3"), world.client("ec2")
    s3.list_objects_v2(Bucket="atlas-recovery")
    with pytest.raises(ClientError, match="ExpiredToken"):
        s3.list_objects_v2(Bucket="atlas-recovery")
    with pytest.raises(ClientError, match="RequestExpired"):
        ec2.describe_instances()
    assert last(world)["fault"] == "expired"
    world.client("s3", "primary").list_objects_v2(Bucket="atlas-primary", MaxKeys=1)

    world.document["credentials"] = world.control("GET", "credentials")[1]
    world.client("s3").list_objects_v2(Bucket="atlas-recovery")
    world.client("s3").list_objects_v2(Bucket="atlas-backups", MaxKeys=1)
    assert last(world)["fault"] == ""


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ({"kind": "gremlins"}, "expected one of throttle"),
        ({"kind": "throttle", "nth": 0}, "nth from 1"),
        ({"kind": "throttle", "nth": "2"}, "expected int"),
        ({"kind": "throttle", "of": "s3"}, "expected an object with kind"),
        ({"kind": "wrong-bytes"}, "service s3 and action GetObject"),
        ({"kind": "gone", "service": "s3"}, "expected service kubernetes"),
        ({"kind": "truncated", "service": "kubernetes"}, "expected a service of AWS"),
        ([], "expected an object with kind"),
    ],
)
def test_a_rule_that_could_never_strike_as_it_says_is_refused(faulty: RunningWorld, rule: Any, said: str) -> None:
    status, answer = faulty.control("POST", "faults", rule)
    assert status == 400
    assert said in answer["error"]
    assert faulty.control("GET", "faults") == (200, [])


def test_a_scenario_brings_its_rules(start: Start) -> None:
    world = start("receipt-store-answer-lost")
    rules = world.control("GET", "faults")[1]
    assert {rule["kind"] for rule in rules} == {"answer-lost"}
    s3 = world.client("s3")
    with pytest.raises(ConnectionClosedError):
        s3.put_object(Bucket="atlas-receipts", Key="a/restore.json", Body=b"{}", ContentType="application/json")
    s3.put_object(Bucket="atlas-receipts", Key="a/restore.json", Body=b"{}", ContentType="application/json")
