"""The recovered workload: reads the state it is pointed at, makes one run, and publishes unless it is told not to.

Like many a real one it ends well whether or not there was any state: that is what a drill must not be fooled by.
"""

import os
import sys
from datetime import UTC, datetime

import boto3


def main(arguments: list[str]) -> int:
    """Make one run."""
    if arguments[:1] != ["run"]:
        print(f"usage: workload run [--profile NAME], got {' '.join(arguments)}", file=sys.stderr)
        return 2
    store = boto3.client("s3")
    bucket, prefix = os.environ["ATLAS_STATE_BUCKET"], os.environ["ATLAS_STATE_PREFIX"]
    owner = os.environ["ATLAS_STATE_OWNER"]
    pages = store.get_paginator("list_objects_v2")
    found = pages.paginate(Bucket=bucket, Prefix=f"{prefix}/", ExpectedBucketOwner=owner)
    items = sum(page["KeyCount"] for page in found)
    run_id = datetime.now(UTC).isoformat()
    print(f"ATLAS_RUN_ID={run_id}")
    print(f"read {items} items of state")
    if os.environ.get("PUBLISH_S3", "1") != "0" and os.environ.get("PUBLISH_S3_DRY_RUN", "0") != "1":
        key = f"{os.environ['ATLAS_S3_PREFIX']}/runs/{run_id}/summary.txt"
        store.put_object(Bucket=os.environ["ATLAS_S3_BUCKET"], Key=key, Body=f"{items}\n".encode())
        print("s3_status=ok")
    else:
        print("s3_status=off")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
