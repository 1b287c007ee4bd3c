"""More restore points beside the first: as many as are asked for, each whole or spoiled in one way.

`EMBEDDED_WORLD_FLEET` lists their conditions, parted by commas: `whole`, the name of a scenario that spoils a backup,
`large`, `denied` or `throttled`; `whole*20` is twenty of them. Number 1 is the restore point of the settings.
"""

import os
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime

from drproof.embedded.accounts import Credentials
from drproof.embedded.asked import Asked
from drproof.embedded.refusals import Refusal
from drproof.embedded.site import archives, backup
from drproof.embedded.site.store import Buckets
from drproof.embedded.world import World

VARIABLE = "EMBEDDED_WORLD_FLEET"
STRAY = "README.txt"
LARGE = (64, 16 << 20)
"""Members of a large state archive, and the bytes of each."""
REFUSED = {"denied": (403, "AccessDenied"), "throttled": (503, "SlowDown")}
NUMBER = re.compile(r"-([0-9]{4,})/")


def conditions() -> dict[int, str]:
    """Return the condition of each restore point beside the first, by its number."""
    return dict(enumerate(_each(os.environ.get(VARIABLE, "")), start=2))


def _each(text: str) -> Iterator[str]:
    for word in filter(None, text.split(",")):
        condition, _, times = word.partition("*")
        yield from [condition] * int(times or "1")


def generate(world: World, buckets: Buckets, now: datetime) -> None:
    """Write the restore points, and a file beside them that belongs to none."""
    wanted = conditions()
    if not wanted:
        return
    created = now - backup.CREATED_BEFORE
    whole = backup.packed(world, created)
    large = _large(world, whole) if "large" in wanted.values() else whole
    for number, condition in wanted.items():
        made = large if condition == "large" else whole
        backup.store(world, buckets, created, f"{world.names.backup_prefix}-{number:04}", made, condition)
    folder = world.names.backup_prefix.rpartition("/")[0]
    buckets.put(world.names.backup_bucket, f"{folder}/{STRAY}", b"Folders here are restore points.\n", created)


def _large(world: World, whole: backup.Packed) -> backup.Packed:
    """Return a restore point whose state is large, and promised file by file."""
    body, rows = archives.large(world.seed, *LARGE)
    return replace(
        whole,
        bodies={**whole.bodies, backup.STATE: body},
        listed={**whole.listed, backup.STATE: rows},
        canary=None,
    )


def gate(world: World, asked: Asked, _credentials: Credentials) -> Refusal | None:
    """Refuse to give out the objects of a restore point whose condition it is."""
    if asked.action != "GetObject" or asked.bucket != world.names.backup_bucket:
        return None
    number = NUMBER.search(asked.key)
    refused = REFUSED.get(conditions().get(int(number[1]), "")) if number else None
    return Refusal(*refused, f"the world refuses to read {asked.key}") if refused else None
