"""The adapters meet each fault once: nothing that is torn, lost or wrong is taken for an answer."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from drproof.model.errors import TargetError, ThrottledError, UnansweredError
from drproof.targets import embedded
from drproof.targets.sites import AwsTarget
from tests.targets.conftest import make_intent

BUCKET = "atlas-recovery"
BODY = bytes(range(256)) * 64
TOPIC = "arn:aws:sns:us-west-2:444455556666:atlas-dr-notifications"
Ask = Callable[[AwsTarget], Any]

CALLS: dict[str, tuple[str, str, Ask]] = {
    "json": ("ssm", "DescribeInstanceInformation", lambda t: t.recovery.hosts.wait_online("i-1", timeout_ms=1)),
    # Two services that name CBOR before the JSON that is spoken with them.
    "builds": ("codebuild", "ListBuildsForProject", lambda t: t.recovery.builds("atlas-dr-infra").newest()),
    "alarms": ("monitoring", "DescribeAlarms", lambda t: t.primary.alarms.states(("atlas-dr-pipeline-freshness",))),
    "query": ("sts", "GetCallerIdentity", lambda t: t.recovery.identity.caller()),
    "ec2": ("ec2", "DescribeInstances", lambda t: t.recovery.fleet.runners({"Name": "nobody"})),
    "publish": ("sns", "Publish", lambda t: t.recovery.messenger.publish(make_intent(), TOPIC, "a subject", "text")),
    "listing": ("s3", "ListObjectsV2", lambda t: list(t.recovery.objects.list(BUCKET, "nothing/"))),
    "object": ("s3", "GetObject", lambda t: t.recovery.objects.read(BUCKET, "adapters/object")),
}
ENDS: dict[str, type[TargetError]] = {
    "throttle": ThrottledError,
    "server-error": UnansweredError,
    "unavailable": UnansweredError,
    "denied": TargetError,
    "reset": UnansweredError,
    "answer-lost": UnansweredError,
    "reset-mid-body": UnansweredError,
    "truncated": UnansweredError,
    "truncated-consistent": UnansweredError,
}


@pytest.fixture
def inject(world: embedded.World) -> Iterator[Callable[..., None]]:
    def one(kind: str, **rule: Any) -> None:
        embedded.ask(world.endpoint, "POST", "faults", {"kind": kind, **rule})

    yield one
    embedded.ask(world.endpoint, "DELETE", "faults")


@pytest.mark.parametrize("kind", ENDS)
@pytest.mark.parametrize("name", [name for name in CALLS if name != "object"])
def test_a_call_that_fails_in_any_way_ends_in_the_family_of_its_fault(
    target: AwsTarget, inject: Callable[..., None], kind: str, name: str
) -> None:
    service, action, ask = CALLS[name]
    inject(kind, service=service, action=action)

    with pytest.raises(TargetError) as caught:
        ask(target)

    assert isinstance(caught.value, ENDS[kind]), caught.value
    assert action in str(caught.value)


@pytest.mark.parametrize("kind", ["reset-mid-body", "truncated", "wrong-bytes"])
def test_an_object_that_arrives_torn_or_wrong_is_an_error_and_whole_the_next_time(
    target: AwsTarget, inject: Callable[..., None], kind: str
) -> None:
    target.recovery.objects.put(make_intent(), BUCKET, "adapters/object", BODY)
    inject(kind, service="s3", action="GetObject", checked=kind == "wrong-bytes")

    with pytest.raises(TargetError):
        CALLS["object"][2](target)

    assert CALLS["object"][2](target)[1] == BODY


@pytest.mark.parametrize("kind", ["truncated-consistent", "wrong-bytes"])
def test_what_no_protocol_can_tell_is_left_to_size_and_digest(
    target: AwsTarget, inject: Callable[..., None], kind: str
) -> None:
    target.recovery.objects.put(make_intent(), BUCKET, "adapters/object", BODY)
    inject(kind, service="s3", action="GetObject")

    _, body = CALLS["object"][2](target)

    assert body != BODY
