"""One object, watched: what it is now, and what it becomes, until the time is over."""

import math
import time
from collections.abc import Callable, Generator
from typing import Any

from drproof.model.cluster import Kind, Manifest
from drproof.model.errors import TargetError, ThrottledError
from drproof.targets.kubernetes.api_server import ApiServer
from drproof.targets.kubernetes.bounded import within
from drproof.targets.kubernetes.errors import Asked, failure, of_status

SLICE_SECONDS = 30.0
"""How long one stream may last: a connection that died silently is noticed no later."""

GRACE_SECONDS = 5.0
"""How much later than promised a server may end its stream."""

LEAST_SECONDS = 1.0
"""What one look has, however little time is left."""

PAUSE_SECONDS = 0.1
PASSING = frozenset({"Unreachable", "Unreadable", "ServiceUnavailable", "ServerTimeout", "Timeout", "InternalError"})
"""Answers to a question that may be another one a moment later."""


def passing(error: TargetError) -> bool:
    """Return whether the same question may be answered a moment later."""
    return error.code in PASSING or isinstance(error, ThrottledError)


def watched(  # noqa: PLR0913 — what is watched, where, how long, and who is asked after an interruption
    wire: ApiServer, asked: Asked, kind: Kind, path: str, name: str, *, ends: float, again: Callable[[], None]
) -> Generator[Manifest | None]:
    """Yield an object as it is, then each time it changes; None when it is not there; end at `ends` by the clock.

    `again` is called after an interruption, before the watch goes on where it was.

    Raises:
        TargetError: `Expired` when the cluster has forgotten that place; what it refuses for good.
    """
    only = ("fieldSelector", f"metadata.name={name}")
    with within(max(ends - time.monotonic(), LEAST_SECONDS * wire.slowness)):
        found, version = _now(wire, asked, kind, path, only)
    yield found
    # A list names a place in the history that is fresh; that of an old object may be forgotten already.
    while (left := ends - time.monotonic()) > 0:
        seconds = min(SLICE_SECONDS, left)
        query = (
            ("watch", "true"),
            only,
            ("resourceVersion", version),
            ("allowWatchBookmarks", "true"),
            ("timeoutSeconds", str(math.ceil(seconds))),
        )
        said_nothing = True
        try:
            grace = min(GRACE_SECONDS * wire.slowness, left - seconds + wire.late)
            for event in wire.lines(asked, path, query=query, seconds=seconds + grace):
                said_nothing = False
                kind_of_event, thing = event.get("type"), event.get("object") or {}
                if kind_of_event == "ERROR":
                    raise of_status(asked, thing)
                version = thing.get("metadata", {}).get("resourceVersion") or version
                if kind_of_event != "BOOKMARK":
                    yield None if kind_of_event == "DELETED" else thing
                if time.monotonic() >= ends:
                    return
        except TargetError as exc:
            if not passing(exc):
                raise
            _resume(again, ends, LEAST_SECONDS * wire.slowness)
        else:
            if said_nothing:
                # A server that ends streams at once must not be asked without a pause.
                time.sleep(min(PAUSE_SECONDS, max(0.0, ends - time.monotonic())))


def _now(
    wire: ApiServer, asked: Asked, kind: Kind, path: str, only: tuple[str, str]
) -> tuple[dict[str, Any] | None, str]:
    """Return the object, None when it is not there, and the place in the history from which it can be watched."""
    listed = wire.ask(asked, "GET", path, query=[only])
    try:
        items = listed["items"] or []
        found = {"apiVersion": kind.api_version, "kind": kind.kind, **items[0]} if items else None
        return found, str(listed["metadata"]["resourceVersion"])
    except (KeyError, TypeError):
        raise failure(asked, "Unreadable", "the answer is no list of objects") from None


def _resume(again: Callable[[], None], ends: float, least: float) -> None:
    """Return once the same cluster answers again, or the time is over."""
    while (left := ends - time.monotonic()) > 0:
        time.sleep(min(PAUSE_SECONDS, left))
        try:
            with within(max(left, least)):
                again()
        except TargetError as exc:
            if not passing(exc):
                raise
        else:
            return
