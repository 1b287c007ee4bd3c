"""The logs of containers: `pods/log`, read and followed."""

import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

from drproof.embedded.kubernetes import resources as kinds
from drproof.embedded.kubernetes.errors import BadRequest, NotFound
from drproof.embedded.kubernetes.http import Answer, Request
from drproof.embedded.kubernetes.resources import Object
from drproof.embedded.kubernetes.store import Store

LOOK_SECONDS = 0.1
"""How often a followed log is looked at."""
_BLOCK = 64 * 1024
_TEXT = "text/plain"


class LogFiles(Protocol):
    """Who writes the logs: a kubelet."""

    def log_path(self, namespace: str, pod_uid: str, container: str, *, previous: bool = False) -> Path | None:
        """Return where the log of a container is, None where it never ran."""


def answer(store: Store, files: LogFiles | None, request: Request, namespace: str, name: str) -> Answer:
    """Return the log of a container; BadRequest where it waits to start or is not named, NotFound."""
    pod = store.get(kinds.PODS, namespace, name)
    if pod is None:
        raise NotFound(kinds.PODS.plural, "", name)
    container = _container(pod, request.parameter("container"))
    if not pod["spec"].get("nodeName"):
        return Answer(text=b"", content_type=_TEXT)
    previous = request.flag("previous")
    status = _status(pod, container)
    _check_started(pod, container, status, previous=previous)
    path = files.log_path(namespace, pod["metadata"]["uid"], container, previous=previous) if files else None
    follows = request.flag("follow") and not previous
    log = _Log(store, pod, container, path, request, follows=follows)
    if follows:
        return Answer(stream=log, content_type=_TEXT)
    return Answer(text=b"".join(log), content_type=_TEXT)


class _Log:
    """The parts of a log that were asked for; followed, until its container ends."""

    def __init__(  # noqa: PLR0913 — whose log, and how it was asked for
        self, store: Store, pod: Object, container: str, path: Path | None, request: Request, *, follows: bool
    ) -> None:
        self._store, self._pod, self._container, self._path = store, pod, container, path
        self._tail = _count(request, "tailLines")
        self._left = _count(request, "limitBytes")
        self._since = _since(request)
        self._stamped = request.flag("timestamps")
        self._follows = follows
        self._subscription = store.watch(None, lambda resource: resource.key == kinds.PODS.key) if follows else None

    def close(self) -> None:
        """End it."""
        if self._subscription is not None:
            self._subscription.close()

    def __iter__(self) -> Iterator[bytes]:
        """Yield parts, an empty one when nothing was written for a while."""
        place = 0
        if self._path is not None and self._path.exists():
            begun, place = self._begin(self._path)
            yield from self._limited(begun)
        while self._follows and self._left != 0:
            ended = self._ended()
            more, place = self._read(place)
            yield from self._limited(more)
            if (ended and not more) or self._subscription is None or self._subscription.closed:
                return
            if not more:
                yield b""
                self._subscription.take(LOOK_SECONDS)

    def _begin(self, path: Path) -> tuple[bytes, int]:
        with path.open("rb") as file:
            content = file.read()
        place = len(content)
        # What was written before the moment that was asked for is not told line by line: the file's time decides.
        if self._since is not None and path.stat().st_mtime < self._since:
            content = b""
        if self._tail is not None:
            lines = content.splitlines(keepends=True)
            content = b"".join(lines[-self._tail :]) if self._tail else b""
        return self._with_times(content, path), place

    def _read(self, place: int) -> tuple[bytes, int]:
        if self._path is None or not self._path.exists():
            return b"", place
        with self._path.open("rb") as file:
            file.seek(place)
            more = file.read(_BLOCK)
        return self._with_times(more, self._path), place + len(more)

    def _with_times(self, content: bytes, path: Path) -> bytes:
        if not self._stamped or not content:
            return content
        moment = dt.datetime.fromtimestamp(path.stat().st_mtime, dt.UTC).strftime("%Y-%m-%dT%H:%M:%S.%f000Z ").encode()
        return b"".join(moment + line for line in content.splitlines(keepends=True))

    def _limited(self, content: bytes) -> Iterator[bytes]:
        if self._left is not None:
            content = content[: self._left]
            self._left -= len(content)
        if content:
            yield content

    def _ended(self) -> bool:
        meta = self._pod["metadata"]
        pod = self._store.get(kinds.PODS, meta["namespace"], meta["name"])
        if pod is None or pod["metadata"]["uid"] != meta["uid"]:
            return True
        return "running" not in (_status(pod, self._container).get("state") or {})


def _container(pod: Object, asked: str) -> str:
    spec = pod.get("spec") or {}
    regular = [str(each["name"]) for each in spec.get("containers") or []]
    first = [str(each["name"]) for each in spec.get("initContainers") or []]
    name = pod["metadata"]["name"]
    if not asked and len(regular) == 1 and not first:
        return regular[0]
    if not asked:
        choices = f"choose one of: [{' '.join(regular)}]"
        if first:
            choices += f" or one of the init containers: [{' '.join(first)}]"
        raise BadRequest(f"a container name must be specified for pod {name}, {choices}")
    if asked not in regular + first:
        raise BadRequest(f"container {asked} is not valid for pod {name}")
    return asked


def _status(pod: Object, container: str) -> Object:
    status = pod.get("status") or {}
    held = (status.get("initContainerStatuses") or []) + (status.get("containerStatuses") or [])
    none: Object = {}
    return next((each for each in held if each.get("name") == container), none)


def _check_started(pod: Object, container: str, status: Object, *, previous: bool) -> None:
    """Refuse what has no log yet, in the kubelet's words (kubelet_pods.go, validateContainerLogStatus)."""
    name = pod["metadata"]["name"]
    state, last = status.get("state") or {}, status.get("lastState") or {}
    if previous:
        if not last.get("terminated"):
            raise BadRequest(f'previous terminated container "{container}" in pod "{name}" not found')
        return
    if not status:
        raise BadRequest(f'container "{container}" in pod "{name}" is waiting to start: ContainerCreating')
    if state.get("running") or state.get("terminated") or last.get("terminated"):
        return
    reason = (state.get("waiting") or {}).get("reason") or "ContainerCreating"
    if reason in {"ErrImagePull", "ImagePullBackOff"}:
        why = "image can't be pulled" if reason == "ErrImagePull" else "trying and failing to pull image"
        raise BadRequest(f'container "{container}" in pod "{name}" is waiting to start: {why}')
    raise BadRequest(f'container "{container}" in pod "{name}" is waiting to start: {reason}')


def _count(request: Request, name: str) -> int | None:
    text = request.parameter(name)
    if not text:
        return None
    if not text.isascii() or not text.isdigit():
        raise BadRequest(f'Invalid value: "{text}": {name} must be a number that is not negative')
    return int(text[:18])


def _since(request: Request) -> float | None:
    """Return the moment from which on a log is asked for, in seconds since the epoch."""
    if (seconds := _count(request, "sinceSeconds")) is not None:
        return dt.datetime.now(dt.UTC).timestamp() - seconds
    if not (text := request.parameter("sinceTime")):
        return None
    try:
        return dt.datetime.fromisoformat(text).timestamp()
    except ValueError:
        raise BadRequest(f'Invalid value: "{text}": sinceTime must be a timestamp') from None
