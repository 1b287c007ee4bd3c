"""What is looked at before a drill, over real sockets: quotas, permissions, triggers, locks, guards, topics, clocks."""

import json
import secrets
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders

from drproof.formats.timestamps import milliseconds
from drproof.model.errors import GuardError, NotFoundError, TargetError
from drproof.model.readiness import EXPIRY_UNKNOWN, PROJECT_LIMIT
from drproof.model.receipt import Caller
from drproof.targets.aws.iam import AwsPermissions
from drproof.targets.aws.permissions import Permission, needed, partition_of, policy
from drproof.targets.aws.service_quotas import AwsQuotas, quota_of
from drproof.targets.aws.sessions import Session
from drproof.targets.sites import AwsTarget
from tests.targets.conftest import settings
from tests.targets.lock_notes import make_table

ROLE = "drproof-rehearsal"
Stranger = Callable[[str], Any]


def test_a_quota_of_machines_counts_what_runs_and_what_a_drill_adds(target: AwsTarget, stranger: Stranger):
    quotas, ec2 = target.recovery.readiness.quotas, stranger("ec2")
    before = quotas.machines("t4g.medium")

    (other,) = ec2.run_instances(
        ImageId=ec2.describe_images(Owners=["self"])["Images"][0]["ImageId"],
        InstanceType="m5.xlarge",
        MinCount=1,
        MaxCount=1,
    )["Instances"]
    during = quotas.machines("t4g.medium")
    graphics = quotas_fail(quotas, "g5.xlarge")
    ec2.terminate_instances(InstanceIds=[other["InstanceId"]])

    assert (before.code, before.value, before.needed) == ("L-1216C47A", 32, 2)
    assert "Standard" in before.name
    assert during.in_use == before.in_use + 4
    assert graphics.code == "NoSuchResourceException", "the account has no such quota in this world"


def quotas_fail(quotas: Any, instance_type: str) -> TargetError:
    with pytest.raises(TargetError) as failed:
        quotas.machines(instance_type)
    return failed.value


@pytest.mark.parametrize(
    ("instance_type", "code"),
    [
        ("t4g.medium", "L-1216C47A"),
        ("im4gn.large", "L-1216C47A"),
        ("a1.large", "L-1216C47A"),
        ("g4dn.xlarge", "L-DB2E81BA"),
        ("vt1.3xlarge", "L-DB2E81BA"),
        ("p5.48xlarge", "L-417A185B"),
        ("x2gd.medium", "L-7295265B"),
        ("inf2.xlarge", "L-1945791B"),
        ("trn1.2xlarge", "L-2C3B7624"),
        ("u-6tb1.metal", "L-43DA4232"),
        ("mac2.metal", ""),
        ("", ""),
    ],
)
def test_each_family_counts_against_its_own_quota(instance_type, code):
    assert quota_of(instance_type)[0] == code


def test_a_type_that_nobody_knows_has_no_quota(target: AwsTarget):
    assert quotas_fail(target.recovery.readiness.quotas, "mac2.metal").code == "UnknownFamily"


def test_the_quota_of_builds_is_found_by_its_name(target: AwsTarget):
    found = target.recovery.readiness.quotas.builds()

    assert (found.service, found.value, found.in_use, found.needed) == ("codebuild", 1, 0, 1)
    assert found.code == "L-EMBEDDED-LINUX-MEDIUM"


class Account:
    """CodeBuild and Service Quotas of an account with a project of ARM machines, and a build of each kind."""

    def __init__(self) -> None:
        self.project: dict[str, Any] | None = {"environment": self._of("ARM_CONTAINER", "LARGE")}
        self.quotas = [
            {"QuotaName": f"Concurrently running builds for {name} environment", "QuotaCode": code, "Value": 1.0}
            for name, code in (("Linux/Medium", "L-1"), ("ARM/Large", "L-2"))
        ]

    @staticmethod
    def _of(kind: str, size: str) -> dict[str, str]:
        return {"type": kind, "computeType": f"BUILD_GENERAL1_{size}"}

    def batch_get_projects(self, **_: Any) -> dict[str, Any]:
        return {"projects": [self.project] if self.project else [], "projectsNotFound": []}

    def list_builds_for_project(self, **_: Any) -> dict[str, Any]:
        return {"ids": ["a", "b", "c"]}

    def batch_get_builds(self, **_: Any) -> dict[str, Any]:
        each = (("IN_PROGRESS", "ARM_CONTAINER"), ("IN_PROGRESS", "LINUX_CONTAINER"), ("SUCCEEDED", "ARM_CONTAINER"))
        return {"builds": [{"buildStatus": one, "environment": self._of(kind, "LARGE")} for one, kind in each]}

    def get_paginator(self, method: str) -> Any:
        page = {"projects": ["infra"]} if method == "list_projects" else {"Quotas": self.quotas}
        return SimpleNamespace(paginate=lambda **_: [page])

    def ask(self) -> Any:
        return AwsQuotas(lambda: self, lambda: self, lambda: self, project="infra").builds()


def test_the_quota_of_builds_is_that_of_the_projects_own_environment_and_only_its_builds_count():
    account = Account()

    found = account.ask()

    assert (found.code, found.value, found.in_use) == ("L-2", 1, 1)
    account.quotas.pop()
    with pytest.raises(TargetError, match="NoSuchQuota"):
        account.ask()
    account.project = None
    with pytest.raises(TargetError, match="ProjectNotFound"):
        account.ask()


def test_the_limit_of_the_project_itself_counts_where_it_leaves_less_room():
    account = Account()
    assert account.project is not None
    account.quotas[1] = {**account.quotas[1], "Value": 20.0}
    account.project["concurrentBuildLimit"] = None
    assert account.ask().value == 20
    account.project["concurrentBuildLimit"] = 2

    found = account.ask()

    assert (found.service, found.code, found.name) == ("codebuild", PROJECT_LIMIT, "infra")
    assert (found.value, found.in_use, found.needed) == (2, 2, 1), (
        "all builds of the project count, whatever they run on"
    )
    account.project["concurrentBuildLimit"] = 50
    assert account.ask().code == "L-2"


def test_a_quota_without_a_value_is_told_with_the_reason_of_the_service_and_is_no_defect():
    account = Account()
    why = {"ErrorCode": "DEPENDENCY_THROTTLING_ERROR", "ErrorMessage": "asked too often"}
    account.quotas[1] = {**account.quotas[1], "Value": None, "ErrorReason": why}

    with pytest.raises(TargetError, match="expected a value, got none: asked too often") as caught:
        account.ask()

    assert caught.value.code == "DEPENDENCY_THROTTLING_ERROR"


def test_each_action_is_simulated_and_a_denial_of_one_is_of_one(target: AwsTarget, stranger: Stranger):
    verbs = ("messages.publish", "runner.up")
    iam = stranger("iam")

    honest = target.recovery.readiness.permissions.look(verbs, provisioner="terraform")
    forbidding = {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Deny", "Action": "iam:TagInstanceProfile", "Resource": "*"}],
    }
    iam.put_role_policy(RoleName=ROLE, PolicyName="wall", PolicyDocument=json.dumps(forbidding))
    walled = target.recovery.readiness.permissions.look(verbs, provisioner="terraform")
    iam.delete_role_policy(RoleName=ROLE, PolicyName="wall")

    assert honest.status == "simulated"
    assert honest.principal == f"arn:aws:iam::444455556666:role/{ROLE}"
    assert {one.decision for one in honest.decisions} == {"allowed"}
    assert {"sns:Publish", "ec2:RunInstances", "iam:ListRolePolicies"} <= {one.action for one in honest.decisions}
    changed = {one.action: one.decision for one in walled.decisions if one.decision != "allowed"}
    assert changed == {"iam:TagInstanceProfile": "explicit_deny"}


def test_the_original_sites_caller_may_simulate_and_not_more(target: AwsTarget):
    seen = target.primary.readiness.permissions.look(("objects.read", "alarms.read"), provisioner="direct")

    assert seen.status == "simulated"
    assert {one.decision for one in seen.decisions} == {"allowed"}
    assert not {one.action for one in seen.decisions} & {"s3:PutObject", "s3:DeleteObject"}
    with pytest.raises(GuardError):
        target.primary.readiness.permissions._client.create_role(RoleName="another", AssumeRolePolicyDocument="{}")


class _Raw:
    def __init__(self, body: bytes) -> None:
        self._body = body

    def stream(self, *_: Any, **__: Any) -> Any:
        yield self._body

    def read(self, *_: Any, **__: Any) -> bytes:
        return self._body


def _refused(request: Any, **_: Any) -> AWSResponse:
    body = b"<ErrorResponse><Error><Code>AccessDenied</Code><Message>not you</Message></Error></ErrorResponse>"
    return AWSResponse(request.url, 403, HTTPHeaders(), _Raw(body))


def _asking(client: Any, arn: str, *wanted: str) -> AwsPermissions:
    def needs(_verbs: Any, _provisioner: str) -> tuple[Permission, ...]:
        return tuple(Permission(verb="runner.up", action=action, resource="*") for action in wanted)

    return AwsPermissions(client, lambda: Caller(arn=arn, account_id="444455556666", region="us-west-2"), needs)


ASSUMED = f"arn:aws:sts::444455556666:assumed-role/{ROLE}/session"


def test_where_nothing_is_simulated_the_policies_are_read(stranger: Stranger):
    client = stranger("iam")
    client.meta.events.register_first("before-send.iam.SimulatePrincipalPolicy", _refused)

    seen = _asking(client, ASSUMED, "ec2:RunInstances").look((), provisioner="direct")

    assert seen.status == "AccessDenied"
    assert [one.decision for one in seen.decisions] == ["unknown"]
    (document,) = seen.documents
    assert "ec2:*" in document["Statement"][0]["Action"]


def test_policies_of_which_one_may_not_be_read_are_no_basis(stranger: Stranger):
    client = stranger("iam")
    for operation in ("SimulatePrincipalPolicy", "ListAttachedRolePolicies", "GetRole"):
        client.meta.events.register_first(f"before-send.iam.{operation}", _refused)

    seen = _asking(client, ASSUMED, "ec2:RunInstances").look((), provisioner="direct")

    assert (seen.status, seen.documents) == ("AccessDenied", ())
    assert seen.principal == f"arn:aws:iam::444455556666:role/{ROLE}", (
        "the role of a session, where nobody tells its path"
    )


def test_a_users_groups_are_read_with_it(stranger: Stranger):
    client, name = stranger("iam"), f"user-{secrets.token_hex(4)}"
    allowing = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sns:*", "Resource": "*"}]}
    client.create_user(UserName=name)
    client.create_group(GroupName=name)
    client.add_user_to_group(UserName=name, GroupName=name)
    client.put_group_policy(GroupName=name, PolicyName="in", PolicyDocument=json.dumps(allowing))
    arn = client.create_policy(PolicyName=name, PolicyDocument=json.dumps(allowing))["Policy"]["Arn"]
    client.attach_user_policy(UserName=name, PolicyArn=arn)
    client.meta.events.register_first("before-send.iam.SimulatePrincipalPolicy", _refused)

    seen = _asking(client, f"arn:aws:iam::444455556666:user/{name}", "sns:Publish").look((), provisioner="direct")

    assert seen.documents == (allowing, allowing)


def test_the_root_of_an_account_cannot_be_simulated(stranger: Stranger):
    seen = _asking(stranger("iam"), "arn:aws:iam::444455556666:root", "sns:Publish").look((), provisioner="direct")

    assert (seen.status, [one.decision for one in seen.decisions]) == ("NoPrincipal", ["unknown"])


def test_a_denial_that_hangs_on_a_value_which_nobody_gave_is_none(stranger: Stranger):
    client = stranger("iam")

    def conditional(request: Any, **_: Any) -> AWSResponse:
        rows = "".join(
            f"<member><EvalActionName>{action}</EvalActionName><EvalDecision>{decision}</EvalDecision>"
            f"<EvalResourceName>*</EvalResourceName><MissingContextValues>{missing}</MissingContextValues></member>"
            for action, decision, missing in (
                ("sns:Publish", "implicitDeny", "<member>aws:sourceip</member>"),
                ("sns:Subscribe", "explicitDeny", "<member>aws:sourceip</member>"),
                ("SNS:listtopics", "implicitDeny", ""),
            )
        )
        body = (
            "<SimulatePrincipalPolicyResponse><SimulatePrincipalPolicyResult><IsTruncated>false</IsTruncated>"
            f"<EvaluationResults>{rows}</EvaluationResults></SimulatePrincipalPolicyResult>"
            "</SimulatePrincipalPolicyResponse>"
        )
        return AWSResponse(request.url, 200, HTTPHeaders(), _Raw(body.encode()))

    client.meta.events.register_first("before-send.iam.SimulatePrincipalPolicy", conditional)
    asked = ("sns:Publish", "sns:Subscribe", "sns:ListTopics", "sns:Unsaid")
    seen = _asking(client, ASSUMED, *asked).look((), provisioner="direct")

    assert {one.action: one.decision for one in seen.decisions} == {
        "sns:Publish": "unknown",
        "sns:Subscribe": "explicit_deny",
        "sns:ListTopics": "implicit_deny",
        "sns:Unsaid": "unknown",
    }


def test_rules_are_enabled_disabled_or_absent(target: AwsTarget, stranger: Stranger):
    events, name = stranger("events"), f"rule-{secrets.token_hex(4)}"
    events.put_rule(Name=name, ScheduleExpression="rate(5 minutes)", State="ENABLED")
    events.create_event_bus(Name=name)
    events.put_rule(Name="other", EventBusName=name, EventPattern='{"source": ["a"]}', State="DISABLED")

    found = target.recovery.readiness.triggers.rules([name, f"{name}/other", "no-such-rule"])

    assert found == {name: "ENABLED", f"{name}/other": "DISABLED"}


def test_a_lock_table_says_who_holds_the_lock(target: AwsTarget, stranger: Stranger):
    dynamodb, table = stranger("dynamodb"), f"locks-{secrets.token_hex(4)}"
    locks = target.recovery.readiness.lock_tables
    with pytest.raises(NotFoundError):
        locks.holder(table, "b/k")
    make_table(dynamodb, table)
    dynamodb.put_item(TableName=table, Item={"LockID": {"S": "b/k-md5"}, "Digest": {"S": "0" * 32}})
    free = locks.holder(table, "b/k")
    dynamodb.put_item(TableName=table, Item={"LockID": {"S": "b/k"}, "Info": {"S": '{"Who":"somebody"}'}})
    dynamodb.put_item(TableName=table, Item={"LockID": {"S": "b/bare"}})

    assert free == "", "the digest of a state is no lock"
    assert locks.holder(table, "b/k") == '{"Who":"somebody"}'
    assert locks.holder(table, "b/bare") == "held, by nobody knows whom"


def test_a_bucket_says_how_it_is_guarded(target: AwsTarget, stranger: Stranger):
    s3, name = stranger("s3"), f"bucket-{secrets.token_hex(4)}"
    s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": "us-west-2"})
    buckets = target.recovery.readiness.buckets
    bare = buckets.look(name)
    blocks = {"BlockPublicAcls": True, "IgnorePublicAcls": True, "BlockPublicPolicy": True}
    s3.put_public_access_block(Bucket=name, PublicAccessBlockConfiguration=blocks)
    half = buckets.look(name)
    whole = buckets.look("atlas-dr-tfstate")

    assert (bare.encrypted, bare.private) == ("no", "no")
    assert half.private == "no", "a policy could still make it public"
    assert (whole.encrypted, whole.private) == ("yes", "yes")
    assert buckets.look("atlas-primary").private == "AccessDenied", "it belongs to another account"
    with pytest.raises(NotFoundError):
        buckets.look("no-such-bucket-anywhere")


def test_a_topic_says_who_hears_it(target: AwsTarget):
    topics = target.recovery.readiness.topics
    heard = topics.heard("arn:aws:sns:us-west-2:444455556666:atlas-dr-notifications")

    assert (heard.confirmed, heard.pending) == (1, 0)
    with pytest.raises(NotFoundError):
        topics.heard("arn:aws:sns:us-west-2:444455556666:no-such-topic")


def test_the_platform_tells_the_time_and_the_world_issues_without_end(target: AwsTarget):
    identity = target.recovery.identity
    there = milliseconds(identity.platform_time())

    assert abs(there - int(datetime.now(UTC).timestamp() * 1000)) < 60_000
    assert identity.expires_at() == ""


def _live(monkeypatch: pytest.MonkeyPatch, **values: str) -> Session:
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_SECURITY_TOKEN", "AWS_CREDENTIAL_EXPIRATION"):
        monkeypatch.delenv(name, raising=False)
    for name, value in {"AWS_ACCESS_KEY_ID": "AKIA" + "A" * 16, "AWS_SECRET_ACCESS_KEY": "s" * 40, **values}.items():
        monkeypatch.setenv(name, value)
    return Session("us-west-2")


def test_credentials_say_when_they_end_as_far_as_they_know(monkeypatch: pytest.MonkeyPatch):
    ends = datetime.now(UTC).replace(microsecond=0) + timedelta(hours=2)
    token = {"AWS_SESSION_TOKEN": "t" * 40}

    assert _live(monkeypatch).expires_at() == ""
    assert _live(monkeypatch, **token).expires_at() == EXPIRY_UNKNOWN
    dated = _live(monkeypatch, **token, AWS_CREDENTIAL_EXPIRATION=ends.isoformat()).expires_at()
    assert dated == ends.strftime("%Y-%m-%dT%H:%M:%S.000Z")


def test_the_bucket_for_receipts_says_where_it_lies(target: AwsTarget):
    buckets = target.recovery.readiness.buckets

    assert buckets.region("atlas-dr-tfstate", owner="444455556666") == "us-west-2"
    with pytest.raises(TargetError):
        buckets.region("atlas-dr-tfstate", owner="111122223333")


def test_a_verb_that_nobody_knows_is_no_permission():
    with pytest.raises(ValueError, match=r"the capability verb 'nothing\.known'"):
        needed(["nothing.known"], "recovery", settings(), provisioner="direct")


def test_a_row_whose_place_nobody_named_falls_away():
    named = settings()
    silent = replace(named, recovery=replace(named.recovery, topic_arn=""))

    assert [one.action for one in needed(["messages.publish"], "recovery", named, provisioner="direct")] == [
        "sns:Publish"
    ]
    assert needed(["messages.publish"], "recovery", silent, provisioner="direct") == ()


def test_builds_are_needed_only_where_they_bring_the_machine_up():
    def actions(provisioner: str) -> set[str]:
        return {one.action for one in needed(["runner.up"], "recovery", settings(), provisioner=provisioner)}

    assert {one for one in actions("direct") if one.startswith(("iam:", "codebuild:"))} == set()
    assert "codebuild:StartBuild" in actions("codebuild")
    assert "codebuild:StartBuild" not in actions("terraform")
    assert {"ec2:RunInstances", "iam:PassRole", "iam:TagInstanceProfile"} <= actions("terraform")
    # What a build does, the role of its project does, which is asked of itself.
    assert not {"ec2:RunInstances", "iam:PassRole", "iam:TagInstanceProfile"} & actions("codebuild")


def test_a_policy_has_one_statement_for_what_goes_together():
    wanted = [Permission(verb="v", action=action, resource=on) for action in ("b:B", "a:A") for on in ("y", "x")]

    assert policy(wanted)["Statement"] == [{"Effect": "Allow", "Action": ["a:A", "b:B"], "Resource": ["x", "y"]}]


@pytest.mark.parametrize(
    ("region", "partition"), [("us-west-2", "aws"), ("cn-north-1", "aws-cn"), ("us-gov-west-1", "aws-us-gov")]
)
def test_every_part_of_aws_has_its_own_names(region, partition):
    assert partition_of(region) == partition
