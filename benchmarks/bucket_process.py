"""Two buckets of any size in a process of their own: python -m benchmarks.bucket_process COUNT MILLISECONDS.

The keys lie in a hundred folders; a hundred of them differ: a quarter is missing, a quarter has another size, half has
other content. The process prints its address, and ends with its standard input.
"""

import asyncio
import hashlib
import sys

from tests.prefixes.bucket_server import Bucket, BucketServer, Stored, rendered

DIFFERENT = 100


def buckets(count: int) -> dict[str, Bucket]:
    """Return `left` and `right`, each with about `count` objects under `x/`."""
    left, right = list[tuple[bytes, bytes]](), list[tuple[bytes, bytes]]()
    contents: dict[str, dict[bytes, Stored]] = {"left": {}, "right": {}}
    every = count // DIFFERENT
    for number in range(count):
        key, body = b"x/%02d/object-%08d.bin" % (number * 100 // count, number), b"%08d" % number
        line = (key, rendered(key, len(body), hashlib.md5(body).hexdigest()))
        left.append(line)
        if number % every != every // 2:
            right.append(line)
        elif number // every % 4:
            other = body + b"!" if number // every % 4 == 1 else body[::-1].replace(b"0", b"x")
            contents["left"][key], contents["right"][key] = Stored(body), Stored(other)
            right.append((key, rendered(key, len(other), hashlib.md5(other).hexdigest())))
    return {"left": Bucket(left, contents["left"]), "right": Bucket(right, contents["right"])}


async def serve(count: int, milliseconds: int) -> None:
    """Serve until standard input ends."""
    server = BucketServer(buckets(count), latency=milliseconds / 1000, key_log=False, check_signatures=False)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(server.serve(ready=lambda: print(server.address, flush=True)))
        await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
        server.stop()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1]), int(sys.argv[2])))
