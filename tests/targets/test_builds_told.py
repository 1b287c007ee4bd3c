"""What CodeBuild may say of a build, each in the words of the service, without a world behind it."""

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from drproof.formats import s3_uri
from drproof.model.capabilities import Intent
from drproof.model.errors import HeldError, NotFoundError, QuotaError, TargetError
from drproof.model.settings import BuildSettings
from drproof.targets.aws.codebuild import AwsBuilds
from drproof.targets.provisioners.build_order import Orders
from drproof.targets.provisioners.codebuild import CodeBuildProvisioner
from drproof.targets.provisioners.place import LOCK_SUFFIX, Place
from tests.targets.conftest import spec
from tests.targets.lock_notes import NOTE

ORIGIN, ID = "drill-1", "infra:1"
INTENT = Intent(number=1, verb="runner.up", resource="runner", token="t" * 32)
BUCKET, KEY = "states", "dr.tfstate"
OVER = {"startTime": None, "endTime": None}


def build(status: str = "FAILED", phase: str = "COMPLETED", **more: Any) -> dict[str, Any]:
    """Return a build as the service tells it."""
    told = {"ACTION": "bringup", "EXECUTION_ID": ORIGIN}
    variables = [{"name": name, "value": value, "type": "PLAINTEXT"} for name, value in told.items()]
    return {
        "id": ID,
        "buildStatus": status,
        "currentPhase": phase,
        "environment": {"environmentVariables": variables},
        "logs": {"groupName": "/aws/codebuild/infra", "streamName": "1"},
        **more,
    }


def bad(kind: str, status: str, code: str = "", message: str = "") -> list[dict[str, Any]]:
    """Return the phases of a build of which one did not succeed."""
    context = {"statusCode": code, "message": message}
    return [
        {"phaseType": "SUBMITTED", "phaseStatus": "SUCCEEDED"},
        {"phaseType": kind, "phaseStatus": status, "contexts": [context]},
        {"phaseType": "COMPLETED"},
    ]


def refusal(code: str, message: str = "") -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": message}}, "Call")


def refusal_of_a_page() -> Any:
    raise refusal("ThrottlingException")


class Service:
    """CodeBuild, Logs and Service Quotas, which answer what they were told to."""

    def __init__(self, looks: Iterator[Any] | list[Any], **more: Any) -> None:
        self._looks = iter(looks)
        self._last: Any = None
        self.lines: Any = []
        self.project: dict[str, Any] = {
            "environment": {"type": "LINUX_CONTAINER", "computeType": "BUILD_GENERAL1_MEDIUM"}
        }
        self.quotas: list[dict[str, Any]] = []
        self.start: Any = build("IN_PROGRESS", "SUBMITTED")
        self.stopped: list[str] = []
        vars(self).update(more)

    def start_build(self, **_: Any) -> dict[str, Any]:
        if isinstance(self.start, Exception):
            raise self.start
        return {"build": self.start}

    def stop_build(self, **asked: str) -> dict[str, Any]:
        self.stopped.append(asked["id"])
        return {}

    def list_builds_for_project(self, **_: Any) -> dict[str, Any]:
        return {}

    def batch_get_builds(self, **asked: Any) -> dict[str, Any]:
        self._last = next(self._looks, self._last)
        if isinstance(self._last, Exception):
            raise self._last
        if self._last is None:
            return {"builds": [], "buildsNotFound": asked["ids"]}
        return {"builds": [self._last]}

    def batch_get_projects(self, **_: Any) -> dict[str, Any]:
        return {"projects": [self.project]}

    def get_log_events(self, **_: Any) -> dict[str, Any]:
        if isinstance(self.lines, Exception):
            raise self.lines
        return {"events": [{"message": line} for line in self.lines]}

    def get_paginator(self, _method: str) -> Any:
        return SimpleNamespace(paginate=lambda **_: [{"Quotas": self.quotas}])


class Objects:
    """Buckets in memory."""

    def __init__(self, held: Mapping[str, bytes]) -> None:
        self.held = dict(held)

    def read(self, bucket: str, key: str, **_: Any) -> Any:
        if key not in self.held:
            raise NotFoundError("404", code="NoSuchKey")
        return SimpleNamespace(etag="e", version="v1"), self.held[key]


def provisioner(
    service: Service, held: Mapping[str, bytes] | None = None, *, table: str = "", waits_ms: int = 20
) -> CodeBuildProvisioner:
    """Return a provisioner over a service and what lies in its buckets."""
    objects: Any = Objects(held or {})
    fleet: Any = SimpleNamespace(runners=lambda _: ())
    told = BuildSettings(project="infra", module_version="v1", module_sha256="0" * 64)
    told = replace(told, queued_ms=waits_ms, build_ms=waits_ms)
    place = Place(
        objects, fleet, bucket=BUCKET, key=KEY, region="us-west-2", lock_table=table, origin=ORIGIN, ending_ms=20
    )  # fmt: skip
    orders = Orders(
        settings=told, receipts=s3_uri.parse("s3://keeps/builds"), module=s3_uri.parse("s3://keeps/module.zip"),
        tool="terraform", terraform_version="1.11.4", why="", account="444455556666", owner="444455556666",
        region="us-west-2", lock_table=table, of_the_world=False,
    )  # fmt: skip
    sdk: Any = service
    builds = AwsBuilds(sdk, sdk, lambda: service, project="infra", region="us-west-2", every=0.001)
    return CodeBuildProvisioner(place, orders, lambda: builds)


def receipt(**changes: Any) -> bytes:
    whole: dict[str, Any] = {
        "schema_version": 1, "phase": "bringup", "status": "failed", "exit_status": 1, "failed_command": "terraform plan",
        "reason": "LockHeld: somebody else holds the lock of the state", "execution_id": ORIGIN, "build_id": ID,
        "account_id": "444455556666", "region": "us-west-2", "tool": "terraform", "tool_version": "1.11.4",
        "plan": {"add": 0, "change": 0, "destroy": 0}, "terraform_module": {"sha256": "0" * 64},
        "terraform_outputs": {}, "terraform_providers": {}, "terraform_lock_held": {},
    }  # fmt: skip
    return json.dumps(whole | changes).encode()


def failed(one: CodeBuildProvisioner) -> TargetError:
    with pytest.raises(TargetError) as caught:
        one.up(INTENT, spec(ORIGIN))
    return caught.value


def asked_why(one: CodeBuildProvisioner) -> TargetError:
    error = one.why(ID)
    assert error is not None
    return error


RECEIPT = f"builds/{ORIGIN}/codebuild-bringup.json"
LOCK = f"{KEY}{LOCK_SUFFIX}"
HELD = {"id": NOTE["ID"], "who": NOTE["Who"], "created": NOTE["Created"], "operation": NOTE["Operation"]}
WHERE: dict[str, tuple[dict[str, str], Mapping[str, bytes], str]] = {
    "beside, as it was told": ({"service": "S3"}, {}, f"s3://{BUCKET}/{LOCK}: LockHeld"),
    "beside, as is seen": ({}, {LOCK: json.dumps(NOTE).encode()}, f"s3://{BUCKET}/{LOCK}: LockHeld"),
    "in the table, as it was told": ({"service": "DynamoDB"}, {LOCK: json.dumps(NOTE).encode()}, "locks: LockHeld"),
    "in the table, as nothing is beside": ({}, {}, "locks: LockHeld"),
}


@pytest.mark.parametrize("ask", [failed, asked_why])
@pytest.mark.parametrize("name", WHERE)
def test_a_held_lock_is_named_where_it_lies_and_given_back_there(
    name: str, ask: Callable[[CodeBuildProvisioner], TargetError]
) -> None:
    service, there, says = WHERE[name]
    held = {RECEIPT: receipt(terraform_lock_held=HELD | service), **there}

    error = ask(provisioner(Service([build(phases=bad("BUILD", "FAILED"))]), held, table="locks"))

    assert isinstance(error, HeldError)
    assert str(error).startswith(says)
    assert NOTE["ID"] in str(error)
    assert ("dynamodb_table=locks" in str(error)) is says.startswith("locks"), str(error)


@pytest.mark.parametrize("ask", [failed, asked_why])
@pytest.mark.parametrize(
    ("answers", "family", "code"),
    [
        ("VcpuLimitExceeded", QuotaError, "VcpuLimitExceeded"),
        ("VcpuLimitExceeded UnauthorizedOperation", TargetError, "UnauthorizedOperation"),
        ("VcpuLimitExceeded RequestLimitExceeded", TargetError, "BuildFailed"),
        ("InvalidSubnetID.NotFound", TargetError, "BuildFailed"),
        ("ExpiredToken", TargetError, "BuildFailed"),
        ("UnauthorizedOperation RequestExpired", TargetError, "BuildFailed"),
    ],
)
def test_what_the_platform_refused_a_build_is_told_by_its_own_code(
    answers: str, family: type[TargetError], code: str, ask: Callable[[CodeBuildProvisioner], TargetError]
) -> None:
    """A quota that leaves no room is no failed recovery; what another attempt may change is left to that."""
    reason = f"Answered {answers}: it was refused"

    error = ask(provisioner(Service([build(phases=bad("BUILD", "FAILED"))]), {RECEIPT: receipt(reason=reason)}))

    assert (type(error), error.code) == (family, code)
    assert reason in str(error)


@pytest.mark.parametrize(
    ("answers", "step"),
    [
        ("AccessDenied", "allow the call to the role of the build's project"),
        ("AccessDeniedException", "allow the call to the role of the build's project"),
        ("UnauthorizedOperation", "allow the call to the role of the build's project"),
        ("VcpuLimitExceeded", "pytest -m preflight says how much of the quota is used"),
        ("RequestExpired", "read the lines above"),
    ],
)
def test_the_next_step_of_a_refused_build_is_one_for_its_own_role(answers: str, step: str) -> None:
    """The drill's role asked for nothing, and nobody can renew the credentials of a build."""
    text = receipt(reason=f"Answered {answers}: it was refused")

    error = failed(provisioner(Service([build(phases=bad("BUILD", "FAILED"))]), {RECEIPT: text}))

    assert f"next: {step}" in str(error)


@pytest.mark.parametrize(
    "look", [None, refusal("ThrottlingException"), refusal("InternalFailure")], ids=["unknown", "throttled", "failing"]
)
def test_a_build_that_nobody_could_look_at_is_no_build_that_waited_for_its_turn(look: Any) -> None:
    service = Service([look])

    error = failed(provisioner(service))

    assert not isinstance(error, QuotaError), "no quota was in the way: nobody knows what the build did"
    assert "expected to see it within 20 ms, got no answer" in str(error)
    assert service.stopped == [ID]


def test_a_build_that_vanishes_while_it_works_ends_the_wait() -> None:
    service = Service([build("IN_PROGRESS", "BUILD"), None])

    error = failed(provisioner(service, waits_ms=60_000))

    assert isinstance(error, NotFoundError)
    assert f"{ID}: BuildNotFound: CodeBuild knows it no more" in str(error)


def test_a_build_that_is_not_known_everywhere_at_once_is_waited_for() -> None:
    looks = [*[None] * 8, build("IN_PROGRESS", "BUILD"), None, build("FAILED", phases=bad("BUILD", "FAILED"))]

    error = failed(provisioner(Service(looks), waits_ms=60_000))

    assert error.code == "BuildFailed"


REFUSED = {
    "a quota of the account": (
        "SUBMITTED",
        "FAILED",
        "ACCOUNT_LIMIT_EXCEEDED",
        "Cannot have more than 0 builds in queue",
    ),
    "a quota in words": ("PROVISIONING", "FAULT", "", "AccountLimitExceededException: too many builds"),
    "a service quota": ("QUEUED", "CLIENT_ERROR", "ServiceQuotaExceededException", ""),
}


@pytest.mark.parametrize("ask", [failed, asked_why])
@pytest.mark.parametrize("name", REFUSED)
def test_a_build_that_a_quota_kept_from_beginning_is_no_failed_recovery(
    name: str, ask: Callable[[CodeBuildProvisioner], TargetError]
) -> None:
    kind, status, code, message = REFUSED[name]

    error = ask(provisioner(Service([build(phases=bad(kind, status, code, message))])))

    assert isinstance(error, QuotaError)
    assert f"{kind}: {': '.join(filter(None, (code, message)))}" in str(error)
    assert "next: request at least 1 of the quota 'Concurrently running builds for Linux/Medium environment'" in str(
        error
    )


BROKEN = {
    "the service's own fault": ("FAULT", "PROVISIONING", "INTERNAL_SERVICE_ERROR", "try again", "BuildFault"),
    "a person": ("STOPPED", "BUILD", "", "", "BuildStopped"),
    "its time": ("TIMED_OUT", "BUILD", "BUILD_TIMED_OUT", "Build has timed out", "BuildTimedOut"),
    "words of a quota in what it ran": ("FAILED", "BUILD", "COMMAND_EXECUTION_ERROR", "LimitExceeded", "BuildFailed"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_build_that_ended_by_a_fault_says_which_and_is_no_quota(name: str) -> None:
    status, kind, code, message, named = BROKEN[name]
    told = build(status, phases=bad(kind, status, code, message))

    for error in (failed(provisioner(Service([told]))), asked_why(provisioner(Service([told])))):
        assert (error.code, isinstance(error, QuotaError)) == (named, False)
        assert f"{status}: {kind}: " in str(error)
        assert "it left no receipt" in str(error)


@pytest.mark.parametrize("looked", ["refused", "without a value", "nothing", "denied"])
def test_a_refused_start_stays_one_of_a_quota_whatever_the_quotas_say(looked: str) -> None:
    name = "Concurrently running builds for Linux/Medium environment"
    why = {"ErrorReason": {"ErrorCode": "DEPENDENCY_THROTTLING_ERROR", "ErrorMessage": "later"}}
    service = Service([], start=refusal("AccountLimitExceededException", "Cannot have more than 0 builds in queue"))
    if looked == "without a value":
        service.quotas = [{"QuotaName": name, "QuotaCode": "L-1", **why}]
    elif looked == "denied":
        vars(service)["batch_get_projects"] = lambda **_: (_ for _ in ()).throw(refusal("AccessDeniedException"))
    elif looked == "refused":
        vars(service)["get_paginator"] = lambda _: SimpleNamespace(
            paginate=lambda **_: (refusal_of_a_page() for _ in range(1))
        )

    error = failed(provisioner(service))

    assert isinstance(error, QuotaError)
    assert f"of the quota '{name}': aws service-quotas request-service-quota-increase" in str(error)


@pytest.mark.parametrize("limit", [1, 2])
def test_a_limit_of_the_project_itself_is_raised_there(limit: int) -> None:
    service = Service([], start=refusal("AccountLimitExceededException", "Cannot have more than 1 active builds"))
    service.project["concurrentBuildLimit"] = limit
    service.quotas = [
        {"QuotaName": "Concurrently running builds for Linux/Medium environment", "QuotaCode": "L-1", "Value": 5.0}
    ]

    error = failed(provisioner(service))

    assert isinstance(error, QuotaError)
    assert (
        f"the project infra runs at most {limit} at a time: aws codebuild update-project --region us-west-2 --name infra "
        f"--concurrent-build-limit {limit + 1}" in str(error)
    )


def test_a_variable_that_a_build_exported_without_a_value_is_an_empty_one() -> None:
    exported = [{"name": "RECEIPT_SHA256"}]
    told = build(phases=bad("BUILD", "FAILED"), exportedEnvironmentVariables=exported)

    assert failed(provisioner(Service([told]))).code == "BuildFailed"


@pytest.mark.parametrize("code", ["ResourceNotFoundException", "AccessDeniedException"])
def test_a_log_that_is_not_there_hides_no_lock_that_was_held(code: str) -> None:
    begun, ended = datetime(2025, 12, 31, tzinfo=UTC), datetime(2026, 1, 2, tzinfo=UTC)
    told = build(phases=bad("BUILD", "FAILED"), startTime=begun, endTime=ended)
    held = {RECEIPT: receipt(terraform_lock_held=HELD), LOCK: json.dumps(NOTE).encode()}

    error = failed(provisioner(Service([told], lines=refusal(code)), held))

    assert isinstance(error, HeldError)
    assert str(error).startswith(f"s3://{BUCKET}/{LOCK}: LockHeld")


@pytest.mark.parametrize("phase", ["QUEUED", "BUILD"])
def test_a_build_that_succeeded_while_it_was_to_be_stopped_is_judged_by_its_receipt(phase: str) -> None:
    """It ends between the last look and the request to end it, and has brought a machine up."""
    text = receipt(status="ok", exit_status=0, failed_command="", reason="", plan={"add": 1, "change": 0, "destroy": 0})
    exported = [{"name": "RECEIPT_SHA256", "value": hashlib.sha256(text).hexdigest()}]
    ended = build("SUCCEEDED", exportedEnvironmentVariables=exported)
    service = Service([build("IN_PROGRESS", phase)])

    def stop(**_: str) -> dict[str, Any]:
        service._looks = iter([ended])
        return {}

    vars(service)["stop_build"] = stop

    change = provisioner(service, {RECEIPT: text}).up(INTENT, spec(ORIGIN))

    assert (change.changed, change.build and change.build.build_id) == (1, ID)
    service._looks = iter([build("IN_PROGRESS", phase)])
    unreceipted = failed(provisioner(service))
    assert unreceipted.code == "ReceiptMismatch", "never a success without the receipt of that very build"
