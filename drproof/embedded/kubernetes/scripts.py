"""What scenarios say about containers: how each attempt to start one ends, instead of what its image would do."""

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Run:
    """One attempt to start a container; without an outcome, or with `really`, its process really runs."""

    pull_error: str = ""
    """The pull fails with this text; nothing starts."""
    exit_code: int | None = None
    """The container ends with this status, without a process."""
    logs: str = ""
    """What the container is said to have written; alone, it ends with status 0."""
    seconds: float = 0.0
    """How long the container is said to run before it ends."""
    hang: bool = False
    """The container runs until it is killed, without a process."""
    oom: bool = False
    """The container ends as one that used more memory than its limit: 137, OOMKilled."""
    image_digest: str = ""
    """The digest that is reported as running, whatever was pulled."""
    really: bool = False
    """Says that the process really runs (after a failed attempt, say)."""
    environment: Mapping[str, str] = field(default_factory=dict)
    """Variables that the really running process has beside, or instead of, its own."""

    def __post_init__(self) -> None:
        """Refuse what contradicts itself."""
        if self.pretended and (self.really or self.environment):
            msg = "a Run either really runs or has an outcome (exit_code, logs, hang, oom): got both"
            raise ValueError(msg)

    @property
    def pretended(self) -> bool:
        """Whether there is no process."""
        return self.exit_code is not None or bool(self.logs) or self.hang or self.oom


@dataclass(frozen=True, slots=True)
class Script:
    """The attempts of one container of the pods that match, in order and across pods; the last one stays."""

    match: Callable[[dict[str, Any]], bool]
    """Says of a pod (a copy of its object) whether the script is about it."""
    runs: Sequence[Run]
    container: str = ""
    """The container's name; without one, the pod's first container that is no init container."""

    def __post_init__(self) -> None:
        """Refuse a script that says nothing."""
        if not self.runs:
            msg = "a Script has at least one Run: got none"
            raise ValueError(msg)


class Scripts:
    """The scripts of a cluster; of two that match, the one that was given last speaks."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._scripts: list[tuple[Script, list[int]]] = []

    def add(self, script: Script) -> None:
        """Follow a script from the next attempt on."""
        with self._lock:
            self._scripts.insert(0, (script, [0]))

    def next(self, pod: dict[str, Any], container: str) -> Run | None:
        """Return the next attempt of a container and count it; None if no script is about it."""
        first = pod["spec"]["containers"][0]["name"]
        with self._lock:
            for script, count in self._scripts:
                if (script.container or first) == container and script.match(pod):
                    run = script.runs[min(count[0], len(script.runs) - 1)]
                    count[0] += 1
                    return run
        return None
