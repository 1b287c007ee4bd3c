"""What a drill that ended in any way may not have left or done twice, as the world itself has it."""

from collections import Counter
from collections.abc import Iterator

from tests.drill.conftest import Drill

PASSING = (".tflock", ".direct.json", ".drproof-lease")
"""How the keys end of what a drill puts beside the remote state, and takes away again."""


def left(drill: Drill, run_id: str) -> list[str]:
    """Return what is still there of a drill, versions of its objects included."""
    return list(_left(drill, run_id))


def _left(drill: Drill, run_id: str) -> Iterator[str]:
    inventory = drill.inventory
    for kind in ("instances", "volumes", "clusters"):
        yield from (f"{kind}: {one}" for one in inventory[kind])
    yield from (f"object: {item['key']}" for item in inventory["objects"] if run_id in item["key"])
    # Terraform itself deletes its lock by a marker: the newest version, listed last, says what there is.
    newest = {item["key"]: item for item in inventory["objects"]}
    for key, item in newest.items():
        if not item["delete_marker"] and key.endswith(PASSING):
            yield f"object: {key}"
        # Terraform leaves its state, and nothing in it.
        yield from (f"state: {key} holds {one}" for one in item.get("holds", ()))


def twice(drill: Drill, run_id: str) -> list[str]:
    """Return what a drill did twice of what is done once."""
    done = [call for call in drill.calls if call["status"] == 200]
    actions = Counter(call["action"] for call in done)
    found = [f"{actions['RunInstances']} machines"] if actions["RunInstances"] > 1 else []
    if actions["Publish"] > 2:
        # The status once, the request for approval once.
        found.append(f"{actions['Publish']} messages")
    put = Counter(call["key"] for call in done if call["action"] == "PutObject" and f"/{run_id}/" in call["key"])
    found += [f"{times} times {key}" for key, times in put.items() if times > 1]
    made = Counter(call["path"] for call in drill.calls if call["action"] == "create jobs" and call["status"] == 201)
    return found + [f"{times} Jobs at {path}" for path, times in made.items() if times > 1]
