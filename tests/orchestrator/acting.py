"""The state machine's part, played by hand: acts one after the other, in this process or in one that dies."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
import pytest

from drproof.engine.clock import instant
from drproof.engine.fetching import copied
from drproof.engine.keys import init, read_trust
from drproof.engine.stored_run import StoredRun
from drproof.evidence import approvals
from drproof.evidence.integrity import OPENING, PLAN
from drproof.evidence.statements import Opening
from drproof.evidence.trust import Trust
from drproof.model.approval import Decision
from drproof.model.codec import encode
from drproof.model.signing import Role
from drproof.orchestrator import handler as handling
from drproof.targets import embedded
from drproof.targets.aws.s3_receipts import AwsReceiptStore
from drproof.targets.aws.sessions import Session
from drproof.targets.signers import open_signer

ROOT = Path(__file__).resolve().parents[2]
BUCKET, PREFIX = "atlas-receipts", "atlas/dr-orchestrator/receipts"
STORE = f"s3://{BUCKET}/{PREFIX}"
FUNCTION = "drproof-orchestrator"
SETTINGS = f"""
target = "embedded"
[recovery.provisioner]
kind = "codebuild"
[recovery.provisioner.codebuild]
tool = "direct"
[receipts]
uri = "{STORE}"
[limits]
lease = "3s"
backoff = "100ms"
"""
ARN = "arn:aws:states:us-west-2:444455556666:execution:atlas-dr:{name}"
BEFORE_BUILD = ("check_health", "read_restore_point", "prepare_bringup")
AFTER_BUILD = ("resolve_runner", "restore", "validate", "notify", "request_manual_approval")
SECONDS = 120
ON_CALL = "arn:aws:sts::444455556666:assumed-role/on-call/somebody-else"
TOPIC = "arn:aws:sns:us-west-2:444455556666:atlas-dr-notifications"


@dataclass
class Machine:
    """A world, the package of the function, and executions of a machine that nobody deployed."""

    world: embedded.World
    package: Path
    name: str
    forced: bool = True
    arn_given: str = ""

    def client(self, service: str) -> Any:
        issued = embedded.credentials(self.world.endpoint)["recovery"]
        make: Any = boto3.client
        return make(
            service,
            region_name=issued["region"],
            endpoint_url=self.world.endpoint,
            aws_access_key_id=issued["access_key_id"],
            aws_secret_access_key=issued["secret_access_key"],
        )

    @property
    def arn(self) -> str:
        return self.arn_given or ARN.format(name=self.name)

    def event(self, act: str, **more: Any) -> dict[str, Any]:
        return {
            "act": act,
            "execution": {
                "arn": self.arn,
                "name": self.name,
                "started_at": "2026-11-01T00:00:00.000Z",
                "machine": "arn:aws:states:us-west-2:444455556666:stateMachine:atlas-dr",
            },
            "attempt": 0,
            "input": {"force_run": self.forced, "requested_by": "atlas-on-call", "reason": "a rehearsal"},
            **more,
        }

    def environment(self) -> dict[str, str]:
        return {
            "AWS_SDK_UA_APP_ID": FUNCTION,
            "DRPROOF_ENDPOINT": self.world.endpoint,
            "LAMBDA_TASK_ROOT": str(self.package),
        }

    def act(self, name: str, context: object = None, **more: Any) -> dict[str, Any]:
        """Do an act in this process, as a warm function does."""
        with pytest.MonkeyPatch.context() as patch:
            for variable, value in self.environment().items():
                patch.setenv(variable, value)
            return handling.handler(self.event(name, **more), context)

    def killed(self, name: str, at: str, **more: Any) -> subprocess.CompletedProcess[str]:
        """Do an act in a process that dies at the first intent of this verb, right after it was announced."""
        code = (
            "import json, os, sys\n"
            "from drproof.engine.mirror import Mirror\n"
            "from drproof.orchestrator.handler import handler\n"
            "announced = Mirror.announced\n"
            "def die(self, record):\n"
            "    announced(self, record)\n"
            "    if record['verb'] == sys.argv[1]:\n"
            "        os._exit(9)\n"
            "Mirror.announced = die\n"
            "print(json.dumps(handler(json.load(sys.stdin), None)))\n"
        )
        return subprocess.run(
            [sys.executable, "-c", code, at],
            input=json.dumps(self.event(name, **more)),
            cwd=ROOT,
            env={**os.environ, **self.environment()},
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )

    def build(self, order: dict[str, Any]) -> str:
        """Run the build that was ordered, as `codebuild:startBuild.sync` does."""
        builds = self.client("codebuild")
        started = builds.start_build(
            projectName=order["project"],
            idempotencyToken=order["idempotency_token"],
            environmentVariablesOverride=[
                {"name": row["Name"], "value": row["Value"], "type": row["Type"]} for row in order["environment"]
            ],
        )["build"]["id"]
        deadline = time.monotonic() + SECONDS
        while time.monotonic() < deadline:
            (found,) = builds.batch_get_builds(ids=[started])["builds"]
            if found["buildStatus"] != "IN_PROGRESS":
                assert found["buildStatus"] == "SUCCEEDED", found
                return str(started)
            time.sleep(0.1)
        raise AssertionError(f"{started} did not end")

    def brought_up(self) -> dict[str, dict[str, Any]]:
        """Do every act up to the machine, and return what each answered."""
        told = {name: self.act(name) for name in BEFORE_BUILD}
        return told | {"bringup": self.act("bringup", build_id=self.build(told["prepare_bringup"]))}

    @property
    def trust(self) -> Trust:
        return read_trust(self.package / ".drproof" / "trust.json")

    @property
    def stored(self) -> StoredRun:
        issued = embedded.credentials(self.world.endpoint)["recovery"]
        session = Session(issued["region"], endpoint=self.world.endpoint, credentials=issued)
        return StoredRun.at(f"{STORE}/{self.name}", AwsReceiptStore(session, owner="444455556666"), self.trust)

    def bundle(self, folder: Path) -> Path:
        """Copy the sealed bundle out of the store."""
        copied(self.stored, folder)
        return folder

    def listen(self) -> None:
        """Subscribe to the topic that people read, as one of them."""
        queue = self.client("sqs").create_queue(QueueName="people")["QueueUrl"]
        arn = "arn:aws:sqs:us-west-2:444455556666:people"
        self.client("sns").subscribe(TopicArn=TOPIC, Protocol="sqs", Endpoint=arn)
        assert queue

    def mails(self) -> list[dict[str, str]]:
        """Return what people were told since they were asked last, each with its subject."""
        sqs = self.client("sqs")
        queue = sqs.get_queue_url(QueueName="people")["QueueUrl"]
        found = []
        while read := sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages"):
            for one in read:
                body = json.loads(one["Body"])
                found.append({"subject": body["Subject"], "message": body["Message"]})
                sqs.delete_message(QueueUrl=queue, ReceiptHandle=one["ReceiptHandle"])
        return found

    def decision(
        self, validated: dict[str, Any], *, approved: bool, approver: str = ON_CALL, key: Path | None = None
    ) -> dict[str, Any]:
        """Return what comes back from an approver who signed, as `send-task-success` takes it."""
        stored = self.stored
        opening = stored.progress().predicate.opening
        plan = stored.statement(stored.with_digest(OPENING, opening), Opening).subjects[PLAN]
        now = datetime.now(UTC)
        said = Decision(
            approved=approved,
            approver=approver,
            account_id="444455556666",
            ticket="OPS-7",
            reason="it was looked at",
            decided_at=instant(now),
            expires_at=instant(now + timedelta(hours=1)),
            drill_id=self.name,
            execution_arn=self.arn,
            plan_sha256=plan,
            validation_sha256=validated["sha256"],
        )
        found: dict[str, Any] = encode(approvals.sign(said, opening, (open_signer(f"file2:{key or self.approver}"),)))
        return found

    @property
    def approver(self) -> Path:
        return self.package / ".drproof" / "approver.key"

    def lease(self) -> dict[str, Any] | None:
        """Return the lease on the target as it lies there."""
        s3 = self.client("s3")
        key = "atlas/dr/terraform/dr-runner.tfstate.drproof-lease"
        try:
            found: dict[str, Any] = json.loads(s3.get_object(Bucket="atlas-dr-tfstate", Key=key)["Body"].read())
        except s3.exceptions.NoSuchKey:
            return None
        return found

    def search(self, text: str) -> list[str]:
        """Return every object, message and file of the package that holds a text."""
        s3 = self.client("s3")
        pages = s3.get_paginator("list_objects_v2").paginate(Bucket=BUCKET)
        keys = [row["Key"] for page in pages for row in page.get("Contents", [])]
        found = [key for key in keys if text.encode() in s3.get_object(Bucket=BUCKET, Key=key)["Body"].read()]
        files = [path for path in self.package.rglob("*") if path.is_file()]
        return found + [str(path) for path in files if text.encode() in path.read_bytes()]


@contextmanager
def machine(
    folder: Path, name: str, *, scenario: str = "none", forced: bool = True, more: str = ""
) -> Iterator[Machine]:
    """Start a world and lay a package beside it."""
    (folder / "world").mkdir(parents=True)
    package = folder / "package"
    package.mkdir()
    (package / "drproof.toml").write_text(SETTINGS + more, encoding="utf-8")
    init(package / ".drproof", Role.APPROVER)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EMBEDDED_WORLD_MEMBERS", "20")
        world = embedded.start(folder / "world", scenario=scenario, linger=300)
    try:
        played = Machine(world, package, name, forced)
        played.listen()
        yield played
    finally:
        world.stop()
