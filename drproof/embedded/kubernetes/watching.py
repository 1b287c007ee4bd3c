"""Watches: changes as they happen, seen through a selector, with bookmarks."""

import json
import time
from collections.abc import Iterator

from drproof.embedded.kubernetes import selectors, tables
from drproof.embedded.kubernetes.errors import ApiError, BadRequest, Expired
from drproof.embedded.kubernetes.http import Request
from drproof.embedded.kubernetes.listing import Form, check_revision, form
from drproof.embedded.kubernetes.resources import Object, Resource
from drproof.embedded.kubernetes.store import Event, Store

BOOKMARK_SECONDS = 10.0
"""How often a watch that allows bookmarks gets one."""
LOOK_SECONDS = 0.5
"""How often the connection of a silent watch is looked at."""
DEFAULT_SECONDS = 1800
"""How long a watch lasts that says nothing about it."""
_INITIAL_EVENTS_END = "k8s.io/initial-events-end"


class Watch:
    """One watch: lines of JSON. Expired where its resourceVersion is compacted (as an event of the stream)."""

    def __init__(self, store: Store, request: Request, resource: Resource, namespace: str, name: str = "") -> None:
        fields = request.parameter("fieldSelector")
        if name:
            fields = f"{fields},metadata.name={name}".lstrip(",")
        self._store, self._resource, self._namespace = store, resource, namespace
        self._selector = selectors.parse(resource, request.parameter("labelSelector"), fields)
        self._form = form(request)
        self._bookmarks = request.flag("allowWatchBookmarks")
        seconds = request.parameter("timeoutSeconds", "0") or "0"
        if not seconds.isascii() or not seconds.isdigit():
            raise BadRequest(f'Invalid value: "{seconds}": timeoutSeconds must be a number')
        self._deadline = time.monotonic() + (int(seconds[:9]) or DEFAULT_SECONDS)
        asked = check_revision(request, store)
        initial = request.parameter("sendInitialEvents")
        self._marks_initial_end = initial.lower() == "true"
        if initial and request.parameter("resourceVersionMatch") != "NotOlderThan":
            raise ApiError(
                422,
                "Invalid",
                'ListOptions.meta.k8s.io "" is invalid: resourceVersionMatch: Forbidden: sendInitialEvents requires '
                "setting resourceVersionMatch to NotOlderThan",
                {},
            )
        sends_initial = self._marks_initial_end or (not initial and not asked)
        self._expired: Expired | None = None
        self._headed = False
        with store.lock:
            self._initial = store.list(resource, namespace)[0] if sends_initial else []
            try:
                self._subscription = store.watch(None if sends_initial or not asked else asked, self._wants)
            except Expired as error:
                self._expired = error
                self._subscription = store.watch(None, self._wants)

    def close(self) -> None:
        """End it."""
        self._subscription.close()

    def __iter__(self) -> Iterator[bytes]:
        """Yield lines, and an empty one when there was none for a while."""
        if self._expired is not None:
            yield self._error(self._expired)
            return
        for obj in self._initial:
            if self._selector(obj):
                yield self._line("ADDED", obj)
        self._initial = []
        if self._marks_initial_end and self._bookmarks:
            yield self._bookmark(initial_end=True)
        yield from self._follow()

    def _follow(self) -> Iterator[bytes]:
        marked = time.monotonic()
        while not self._subscription.closed:
            now = time.monotonic()
            if now >= self._deadline:
                if self._bookmarks:
                    yield self._bookmark()
                return
            try:
                event = self._subscription.take(min(LOOK_SECONDS, self._deadline - now))
            except Expired as error:
                yield self._error(error)
                return
            if event is not None and (line := self._seen(event)):
                yield line
            elif self._bookmarks and now - marked >= BOOKMARK_SECONDS:
                marked = now
                yield self._bookmark()
            else:
                yield b""

    def _wants(self, resource: Resource) -> bool:
        return resource.key == self._resource.key

    def _seen(self, event: Event) -> bytes:
        """Return a change as the selector sees it: what begins to match is added, what ends to match is deleted."""
        obj = event.object
        if self._namespace and obj["metadata"].get("namespace") != self._namespace:
            return b""
        matches = event.type != "DELETED" and self._selector(obj)
        matched = event.previous is not None and self._selector(event.previous)
        if matches:
            return self._line("MODIFIED" if matched else "ADDED", obj)
        if not matched or event.previous is None:
            return b""
        last = obj if event.type == "DELETED" else event.previous
        last["metadata"]["resourceVersion"] = str(event.revision)
        return self._line("DELETED", last)

    def _line(self, kind: str, obj: Object) -> bytes:
        return _encoded(kind, self._formed(obj, self._form))

    def _formed(self, obj: Object, wanted: Form) -> Object:
        if wanted.name == "Table":
            answer = tables.table(self._resource, [obj], include=wanted.include, headed=not self._headed)
            self._headed = True
            answer["metadata"] = {"resourceVersion": obj["metadata"]["resourceVersion"]}
            return answer
        return tables.partial(obj) if wanted.name else obj

    def _bookmark(self, *, initial_end: bool = False) -> bytes:
        meta: Object = {"resourceVersion": str(self._subscription.revision), "creationTimestamp": None}
        if initial_end:
            meta["annotations"] = {_INITIAL_EVENTS_END: "true"}
        return _encoded(
            "BOOKMARK", {"kind": self._resource.kind, "apiVersion": self._resource.api_version, "metadata": meta}
        )

    def _error(self, error: Expired) -> bytes:
        return _encoded("ERROR", error.document())


def _encoded(kind: str, obj: Object) -> bytes:
    return json.dumps({"type": kind, "object": obj}, separators=(",", ":"), ensure_ascii=False).encode() + b"\n"
