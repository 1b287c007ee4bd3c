"""Two accounts, each reached by its own key alone."""

import http.client
from urllib.parse import urlsplit

import pytest
from botocore.exceptions import ClientError

from tests.patience import PATIENCE

from .conftest import RunningWorld


@pytest.mark.parametrize(("site", "account"), [("primary", "111122223333"), ("recovery", "444455556666")])
def test_a_key_is_taken_for_the_rehearsals_role_in_its_account(world: RunningWorld, site: str, account: str) -> None:
    caller = world.client("sts", site).get_caller_identity()
    assert caller["Account"] == account
    assert caller["Arn"] == f"arn:aws:sts::{account}:assumed-role/drproof-rehearsal/embedded"


def test_who_may_decide_is_somebody_else_than_who_drills(world: RunningWorld) -> None:
    caller = world.client("sts", "approver").get_caller_identity()
    assert caller["Arn"] == "arn:aws:sts::444455556666:assumed-role/drproof-approver/approver"


def test_the_policies_of_aws_are_the_same_in_each_account_and_each_counts_its_own_attachments(
    world: RunningWorld,
) -> None:
    arn = "arn:aws:iam::aws:policy/ReadOnlyAccess"
    here, there = world.client("iam"), world.client("iam", "primary")
    here.create_role(RoleName="reader", AssumeRolePolicyDocument='{"Version": "2012-10-17", "Statement": []}')

    here.attach_role_policy(RoleName="reader", PolicyArn=arn)

    mine, other = (one.get_policy(PolicyArn=arn)["Policy"] for one in (here, there))
    assert (mine["AttachmentCount"], other["AttachmentCount"]) == (1, 0)
    assert (mine["PolicyId"], mine["CreateDate"]) == (other["PolicyId"], other["CreateDate"])


@pytest.mark.parametrize(
    ("service", "call", "code"),
    [
        ("s3", "list_buckets", "InvalidAccessKeyId"),
        ("sts", "get_caller_identity", "InvalidClientTokenId"),
        ("ssm", "list_commands", "InvalidClientTokenId"),
        ("cloudwatch", "describe_alarms", "InvalidClientTokenId"),
        ("ec2", "describe_instances", "AuthFailure"),
    ],
)
def test_an_unknown_key_is_refused_in_each_wire_format(world: RunningWorld, service: str, call: str, code: str) -> None:
    with pytest.raises(ClientError) as refused:
        getattr(world.client(service, key="AKIA" + "Z" * 16), call)()
    assert refused.value.response["Error"]["Code"] == code
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 403


def test_an_unsigned_request_is_refused(world: RunningWorld) -> None:
    address = urlsplit(world.document["endpoint"])
    connection = http.client.HTTPConnection(str(address.hostname), address.port, timeout=PATIENCE)
    connection.request("GET", "/atlas-backups?list-type=2")
    assert connection.getresponse().status == 403
    connection.close()


def test_machines_of_one_account_are_not_seen_by_the_other(world: RunningWorld) -> None:
    machine = world.client("ec2").run_instances(ImageId="ami-12345678", MinCount=1, MaxCount=1)["Instances"][0]
    seen = world.client("ec2", "primary", region="us-west-2").describe_instances()["Reservations"]
    assert machine["InstanceId"] not in [item["InstanceId"] for each in seen for item in each["Instances"]]


@pytest.mark.parametrize(
    ("service", "call", "asked"),
    [
        ("cloudwatch", "describe_anomaly_detectors", {}),
        ("ssm", "list_nodes", {}),
        ("ec2", "describe_fpga_images", {}),
        ("lambda", "list_code_signing_configs", {}),
        ("iam", "simulate_custom_policy", {"PolicyInputList": ["{}"], "ActionNames": ["s3:GetObject"]}),
        ("s3", "get_bucket_metrics_configuration", {"Bucket": "atlas-recovery", "Id": "x"}),
    ],
)
def test_what_the_world_lacks_is_an_unknown_operation_and_never_a_server_error(
    world: RunningWorld, service: str, call: str, asked: dict[str, object]
) -> None:
    with pytest.raises(ClientError) as refused:
        getattr(world.client(service), call)(**asked)
    assert refused.value.response["Error"]["Code"] == "UnknownOperationException"
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400


def _signed(world: RunningWorld, method: str, path: str, **headers: str) -> int:
    """Return the status of a request that carries the scope of the original site's key and nothing more."""
    key = world.document["credentials"]["primary"]["access_key_id"]
    address = urlsplit(world.document["endpoint"])
    connection = http.client.HTTPConnection(str(address.hostname), address.port, timeout=PATIENCE)
    scope = f"AWS4-HMAC-SHA256 Credential={key}/20260101/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=0"
    connection.request(method, path, headers={"Authorization": scope, **headers})
    status = connection.getresponse().status
    connection.close()
    return status


def test_the_emulators_back_door_is_shut(world: RunningWorld) -> None:
    assert _signed(world, "POST", "/moto-api/reset") == 400
    assert world.client("s3").head_bucket(Bucket="atlas-recovery")


def test_neither_a_hosts_name_nor_an_encoded_source_reaches_another_accounts_bucket(world: RunningWorld) -> None:
    world.client("s3").put_object(Bucket="atlas-recovery", Key="private", Body=b"x")
    assert _signed(world, "GET", "/atlas-recovery/private") == 403
    assert _signed(world, "GET", "/private", Host="atlas-recovery.s3.amazonaws.com") in {403, 404}
    source = {"x-amz-copy-source": "atlas-recovery%2Fprivate", "Content-Length": "0"}
    assert _signed(world, "PUT", "/atlas-primary/stolen", **source) == 403
