"""Where a task's token stands after an execution: in its history, which is the platform's, and nowhere else."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import boto3

from drproof.targets import embedded

OWN = frozenset({"told.json", "world"})
"""What the tests and the world keep for themselves; the functions of the world are looked through as the package."""


def places_with(token: str, endpoint: str, *, said: Mapping[str, Any], folders: tuple[Path, ...]) -> list[str]:
    """Return every place that holds a token: of both accounts each object, log and build, of this machine each file.

    `said` are texts, or JSON, by what they are: messages, what commands printed, the history of the execution.
    """
    wanted = token.encode()
    texts = ((name, one if isinstance(one, str) else json.dumps(one, default=str)) for name, one in said.items())
    found = [name for name, text in texts if token in text]
    for side in ("primary", "recovery"):
        found += [place for place, data in _kept(endpoint, side) if wanted in data]
    for folder in folders:
        files = (path for path in folder.rglob("*") if path.is_file() and not OWN & {*path.relative_to(folder).parts})
        found += [str(path.relative_to(folder)) for path in files if wanted in path.read_bytes()]
    return found


def _kept(endpoint: str, side: str) -> Iterator[tuple[str, bytes]]:
    """Yield what an account of the world keeps, by its place."""
    issued = embedded.credentials(endpoint)[side]

    def client(service: str) -> Any:
        make: Any = boto3.client
        return make(
            service,
            region_name=issued["region"],
            endpoint_url=endpoint,
            aws_access_key_id=issued["access_key_id"],
            aws_secret_access_key=issued["secret_access_key"],
        )

    yield from _objects(client("s3"))
    yield from _logs(client("logs"))
    builds = client("codebuild")
    for build in builds.list_builds().get("ids", ()):
        yield f"build {build}", json.dumps(builds.batch_get_builds(ids=[build]), default=str).encode()


def _objects(s3: Any) -> Iterator[tuple[str, bytes]]:
    """Yield each version of each object."""
    for bucket in (row["Name"] for row in s3.list_buckets()["Buckets"]):
        for page in s3.get_paginator("list_object_versions").paginate(Bucket=bucket):
            for row in page.get("Versions", ()):
                data = s3.get_object(Bucket=bucket, Key=row["Key"], VersionId=row["VersionId"])["Body"].read()
                yield f"s3://{bucket}/{row['Key']}", data


def _logs(logs: Any) -> Iterator[tuple[str, bytes]]:
    for page in logs.get_paginator("describe_log_groups").paginate():
        for name in (group["logGroupName"] for group in page["logGroups"]):
            for found in logs.get_paginator("filter_log_events").paginate(logGroupName=name):
                yield f"log {name}", "\n".join(event["message"] for event in found["events"]).encode()
