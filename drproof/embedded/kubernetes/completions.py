"""The completion indexes of Indexed Jobs: which are done, which run, which are next."""

from drproof.embedded.kubernetes.controlling import is_active, phase
from drproof.embedded.kubernetes.resources import Object
from drproof.embedded.kubernetes.store import copied

_INDEX = "batch.kubernetes.io/job-completion-index"


def index_of(pod: Object) -> int | None:
    """Return the completion index of a pod."""
    text = (pod["metadata"].get("annotations") or {}).get(_INDEX)
    return int(text) if text is not None else None


def parse_indexes(text: str) -> set[int]:
    """Return the indexes of a text like `0,2-4`."""
    found: set[int] = set()
    for part in filter(None, text.split(",")):
        first, _, last = part.partition("-")
        found |= set(range(int(first), int(last or first) + 1))
    return found


def format_indexes(indexes: set[int]) -> str:
    """Return indexes as a text like `0,2-4`."""
    parts: list[list[int]] = []
    for index in sorted(indexes):
        if parts and parts[-1][1] == index - 1:
            parts[-1][1] = index
        else:
            parts.append([index, index])
    return ",".join(str(first) if first == last else f"{first}-{last}" for first, last in parts)


def add_index(job: Object, status: Object, pod: Object) -> None:
    """Note in an Indexed Job's status that a pod's index is done."""
    index = index_of(pod)
    if job["spec"].get("completionMode") == "Indexed" and index is not None:
        done = parse_indexes(status.get("completedIndexes", ""))
        status["completedIndexes"] = format_indexes(done | {index})


def free_indexes(job: Object, status: Object, pods: list[Object], count: int) -> list[int | None]:
    """Return the indexes of the next `count` pods; of a Job without indexes, as many times none."""
    if job["spec"].get("completionMode") != "Indexed":
        return [None] * max(0, count)
    taken = parse_indexes(status.get("completedIndexes", ""))
    taken |= {
        index for pod in pods if (is_active(pod) or phase(pod) == "Succeeded") and (index := index_of(pod)) is not None
    }
    free: list[int | None] = [index for index in range(int(job["spec"]["completions"])) if index not in taken]
    return free[: max(0, count)]


def template_with_index(template: Object, job: str, index: int) -> Object:
    """Return a pod template that tells its containers the index."""
    made = copied(template)
    spec = made["spec"]
    spec.setdefault("hostname", f"{job}-{index}")
    source = {"fieldRef": {"apiVersion": "v1", "fieldPath": f"metadata.annotations['{_INDEX}']"}}
    for container in [*spec["containers"], *(spec.get("initContainers") or [])]:
        env = container.setdefault("env", [])
        if all(each["name"] != "JOB_COMPLETION_INDEX" for each in env):
            env.append({"name": "JOB_COMPLETION_INDEX", "valueFrom": source})
    return made
