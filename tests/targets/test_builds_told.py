"""What CodeBuild may say of a build, each in the words of the service, without a world behind it."""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from drproof.formats import s3_uri
from drproof.model.capabilities import Intent
from drproof.model.errors import HeldError, NotFoundError, TargetError
from drproof.model.settings import BuildSettings
from drproof.targets.aws.codebuild import AwsBuilds
from drproof.targets.provisioners.build_order import Orders
from drproof.targets.provisioners.codebuild import CodeBuildProvisioner
from drproof.targets.provisioners.place import LOCK_SUFFIX, Place
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
    from tests.targets.conftest import spec

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
