"""`aws` on the embedded build image: the commands of the AWS CLI that the buildspec calls, and no others.

It answers in the CLI's words as far as a script can see them: exit status 0, 254 for what the service refuses, 252
for what is no command.
"""

import argparse
import json
import os
import sys
from pathlib import Path
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError

REFUSED, MISUSED = 254, 252


def main(arguments: list[str]) -> int:
    """Run one command."""
    command = " ".join(arguments[:2])
    if command not in COMMANDS:
        sys.stderr.write(f"aws of the embedded world: unknown command: {command}\n")
        return MISUSED
    try:
        return COMMANDS[command](arguments[2:])
    except (ClientError, BotoCoreError) as exc:
        sys.stderr.write(f"{exc}\n")
        return REFUSED


def _client(service: str) -> Any:  # noqa: ANN401 — boto3's clients have no type here
    return boto3.client(service, endpoint_url=os.environ["DRPROOF_ENDPOINT"])  # type: ignore[call-overload]


def _caller(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="aws sts get-caller-identity")
    parser.add_argument("--query", choices=["Account"], required=True)
    parser.add_argument("--output", choices=["text"], required=True)
    parser.parse_args(arguments)
    sys.stdout.write(_client("sts").get_caller_identity()["Account"] + "\n")
    return 0


def _get(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="aws s3api get-object")
    for name in ("--bucket", "--key", "--version-id", "--expected-bucket-owner"):
        parser.add_argument(name, required=True)
    parser.add_argument("file", type=Path)
    asked = parser.parse_args(arguments)
    answer = _client("s3").get_object(
        Bucket=asked.bucket, Key=asked.key, VersionId=asked.version_id, ExpectedBucketOwner=asked.expected_bucket_owner
    )
    asked.file.write_bytes(answer["Body"].read())
    sys.stdout.write(json.dumps({"VersionId": answer.get("VersionId")}) + "\n")
    return 0


def _put(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="aws s3api put-object")
    for name in ("--bucket", "--key", "--content-type", "--expected-bucket-owner"):
        parser.add_argument(name, required=True)
    parser.add_argument("--checksum-algorithm", choices=["SHA256"], required=True)
    parser.add_argument("--body", type=Path, required=True)
    asked = parser.parse_args(arguments)
    answer = _client("s3").put_object(
        Bucket=asked.bucket,
        Key=asked.key,
        Body=asked.body.read_bytes(),
        ContentType=asked.content_type,
        ChecksumAlgorithm=asked.checksum_algorithm,
        ExpectedBucketOwner=asked.expected_bucket_owner,
    )
    sys.stdout.write(json.dumps({"VersionId": answer.get("VersionId")}) + "\n")
    return 0


def _copy(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="aws s3 cp")
    parser.add_argument("--only-show-errors", action="store_true")
    parser.add_argument("source")
    parser.add_argument("file", type=Path)
    asked = parser.parse_args(arguments)
    bucket, _, key = asked.source.removeprefix("s3://").partition("/")
    asked.file.write_bytes(_client("s3").get_object(Bucket=bucket, Key=key)["Body"].read())
    return 0


COMMANDS = {
    "sts get-caller-identity": _caller,
    "s3api get-object": _get,
    "s3api put-object": _put,
    "s3 cp": _copy,
}

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
