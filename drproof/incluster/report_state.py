"""Reads the restored state from inside the cluster and prints what it found, one line for each archive.

It runs in the workload's own image, with the workload's own rights, and needs python3 and boto3. The digest covers
the drill's nonce, so that nobody can have printed it before the drill began.

    drproof-state {"archive": …, "files": …, "nonce": …, "sha256": …, "size": …}
    drproof-canary {"text": …}

Where it cannot read the state it says why, in words that hold nothing of the state, and ends with its exception:

    drproof-failure {"code": …, "error": …, "reading": …}
"""

import hashlib
import json
import os
import sys
from concurrent.futures import ThreadPoolExecutor

import boto3

WORKERS = 8
LONGEST_CANARY = 65_536


def main() -> int:
    """Report every archive that the environment names."""
    reading = [""]
    try:
        return report(reading)
    except Exception as exc:
        answer = getattr(exc, "response", None) or {}
        say("failure", code=answer.get("Error", {}).get("Code", ""), error=type(exc).__name__, reading=reading[-1])
        raise


def report(reading: list[str]) -> int:
    """Report every archive, and note in `reading` which one that is."""
    bucket, prefix = os.environ["DRPROOF_STATE_BUCKET"], os.environ["DRPROOF_STATE_PREFIX"]
    nonce, owner = os.environ["DRPROOF_NONCE"], os.environ["DRPROOF_STATE_OWNER"]
    store = boto3.client("s3")
    pages = store.get_paginator("list_objects_v2")

    def digest(key: str) -> tuple[str, int]:
        found, size = hashlib.sha256(), 0
        for chunk in store.get_object(Bucket=bucket, Key=key, ExpectedBucketOwner=owner)["Body"].iter_chunks(1 << 20):
            found.update(chunk)
            size += len(chunk)
        return found.hexdigest(), size

    for archive in json.loads(os.environ["DRPROOF_ARCHIVES"]):
        reading.append(archive)
        folder = f"{prefix}/{archive}/"
        found = pages.paginate(Bucket=bucket, Prefix=folder, ExpectedBucketOwner=owner)
        keys = sorted((row["Key"] for page in found for row in page.get("Contents", ())), key=str.encode)
        with ThreadPoolExecutor(WORKERS) as pool:
            rows = list(zip(keys, pool.map(digest, keys), strict=True))
        whole = hashlib.sha256(f"{nonce}\n".encode())
        for key, (sha256, size) in rows:
            whole.update(f"{sha256} {size} {key.removeprefix(folder)}\n".encode())
        say(
            "state",
            archive=archive,
            files=len(rows),
            nonce=nonce,
            sha256=whole.hexdigest(),
            size=sum(size for _, (_, size) in rows),
        )
    if canary := os.environ.get("DRPROOF_CANARY", ""):
        reading.append(canary)
        try:
            body = store.get_object(Bucket=bucket, Key=f"{prefix}/{canary}", ExpectedBucketOwner=owner)["Body"]
            say("canary", text=body.read(LONGEST_CANARY).decode("utf-8", "backslashreplace"))
        except store.exceptions.NoSuchKey:
            # An absent canary is a finding of drproof's, not a failure of the workload.
            say("canary", text="")
    return 0


def say(what: str, **facts: object) -> None:
    """Print one line that drproof reads."""
    sys.stdout.write(f"drproof-{what} {json.dumps(facts, sort_keys=True)}\n")


if __name__ == "__main__":
    sys.exit(main())
