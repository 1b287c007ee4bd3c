"""Two buckets of any size in a process of their own: python -m benchmarks.bucket_process COUNT MILLISECONDS.

The keys lie in a hundred folders, alike on both sides; among them lie a hundred differences of every kind, and what
only looks different (`tests.prefixes.planting`). The process prints its address, ends with its standard input, and
prints then how often each object was asked for: `[verb, bucket, key, times]`, the key in hexadecimal digits.
"""

import asyncio
import hashlib
import json
import sys

from tests.prefixes.bucket_server import Bucket, BucketServer, Stored, rendered
from tests.prefixes.planting import planted

PREFIX = b"x/"


def buckets(count: int) -> dict[str, Bucket]:
    """Return `left` and `right`, each with `count` equal objects under `x/`, and what is planted."""
    alike = [_alike(number, count) for number in range(count)]
    lines = {"left": list(alike), "right": alike}
    contents: dict[str, dict[bytes, Stored]] = {"left": {}, "right": {}}
    for one in planted():
        key = PREFIX + one.key
        for side, stored in (("left", one.left), ("right", one.right)):
            if stored is not None:
                lines[side].append((key, rendered(key, len(stored.body), stored.tag)))
                contents[side][key] = stored
    return {side: Bucket(lines[side], contents[side]) for side in lines}


def _alike(number: int, count: int) -> tuple[bytes, bytes]:
    key, body = PREFIX + b"%02d/object-%08d.bin" % (number * 100 // count, number), b"%08d" % number
    return key, rendered(key, len(body), hashlib.md5(body).hexdigest())


async def serve(count: int, milliseconds: int) -> BucketServer:
    """Serve until standard input ends; return the server."""
    server = BucketServer(buckets(count), latency=milliseconds / 1000, check_signatures=False)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(server.serve(ready=lambda: print(server.address, flush=True)))
        await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
        server.stop()
    return server


if __name__ == "__main__":
    counts = asyncio.run(serve(int(sys.argv[1]), int(sys.argv[2]))).counts
    print(json.dumps([[verb, side, key.hex(), number] for (verb, side, key), number in counts.items()]))
