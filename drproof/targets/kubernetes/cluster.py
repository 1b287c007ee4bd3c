"""One cluster, however its API server is reached, pinned by the UID of its namespace `kube-system`."""

import time
from base64 import b64decode
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, closing, suppress
from typing import Any

from drproof.model.capabilities import Intent
from drproof.model.cluster import FIELD_MANAGER, NAMESPACE, POD, ClusterIdentity, Kind, Manifest, kind_of, named
from drproof.model.errors import AlreadyExistsError, NotFoundError, TargetError
from drproof.targets.kubernetes.api_server import APPLY, JSON, ApiServer, Effect, Query, assert_same
from drproof.targets.kubernetes.bounded import within
from drproof.targets.kubernetes.discovery import kept_kinds
from drproof.targets.kubernetes.errors import Asked, described, failure
from drproof.targets.kubernetes.watching import passing, watched
from drproof.targets.waiting import until as moments

CALL_SECONDS = 60.0
"""How long one call may take with all that it asks; its last request, and each other, has less."""

LIST_SECONDS = 120.0
"""How long a call may take that asks for as many pages as there are."""

LOOK_SECONDS = 1.0
"""What a look at an object has at least, when the time of a wait is nearly over."""

PAGE = 100
"""Objects may have a megabyte each, and an answer has a limit."""

MOST_PAGES = 1000
EVERY_SECONDS = 0.1
"""How often it is asked whether an object is gone."""

MANAGED: Query = (("fieldManager", FIELD_MANAGER),)
STRICT: Query = (("dryRun", "All"), ("fieldValidation", "Strict"), *MANAGED)


class KubernetesCluster:
    """One cluster, pinned; every call is bounded and sent once, and before a change it is asked who answers."""

    def __init__(self, wire: ApiServer, identity: ClusterIdentity) -> None:
        """Take over a cluster that said who it is; `opened` asks it."""
        self._wire = wire
        self._identity = identity

    @classmethod
    def opened(cls, wire: ApiServer, *, context: str, uid: str = "") -> "KubernetesCluster":
        """Return the cluster that answers, when it has the UID `uid` or that is empty.

        Raises:
            GuardError: another cluster answers.
            TargetError: none answers.
        """
        with within(CALL_SECONDS * wire.slowness):
            found = wire.uid()
            if uid:
                assert_same(uid, found, wire.server)
            version = wire.ask(Asked(call="kubernetes:version"), "GET", "/version").get("gitVersion", "")
        identity = ClusterIdentity(uid=found, server=wire.server, context=context, version=str(version))
        return cls(wire, identity)

    @property
    def identity(self) -> ClusterIdentity:
        """Which cluster this was when it was opened."""
        return self._identity

    def assert_pinned(self) -> None:
        """Ask the cluster again which it is; `GuardError` when another one answers."""
        with self._within(CALL_SECONDS):
            assert_same(self._identity.uid, self._wire.uid(), self._identity.server)

    def close(self) -> None:
        """Close the connections."""
        self._wire.close()

    def get(self, kind: Kind, name: str, *, namespace: str = "") -> Manifest | None:
        """Return an object, or None when it is not there.

        Raises:
            NotFoundError: the cluster knows no such kind.
        """
        asked = Asked(call="kubernetes:get", subject=_subject(kind, name, namespace))
        with self._within(CALL_SECONDS):
            return self._wire.look(asked, self._path(kind, namespace, name), name)

    def list(self, kind: Kind, *, namespace: str = "", labels: Mapping[str, str] | None = None) -> tuple[Manifest, ...]:
        """Return the objects of a kind, in one namespace or in all."""
        asked = Asked(call="kubernetes:list", subject=_subject(kind, "", namespace))
        with self._within(LIST_SECONDS):
            return self._all(asked, kind, self._wire.served(kind).path(namespace), labels)

    def everything(self, *, namespace: str = "", labels: Mapping[str, str] | None = None) -> tuple[Manifest, ...]:
        """Return every object of every kind that the cluster keeps, in one namespace, or in all and outside of any.

        Each is there once, in the version that the cluster prefers. Left out are events, leases, what cannot be
        removed (metrics, states of components), and what an unavailable server beside the API server would give.

        Raises:
            TargetError: a kind may not be listed, and is named.
        """
        found: list[Manifest] = []
        with self._within(LIST_SECONDS):
            for kind, served in kept_kinds(self._wire):
                if served.namespaced or not namespace:
                    where = f" in {namespace}" if namespace else ""
                    asked = Asked(call="kubernetes:everything", subject=f"{kind.api_version} {kind.kind}{where}")
                    found += self._all(asked, kind, served.path(namespace), labels)
        return tuple(found)

    def try_out(self, manifest: Manifest) -> None:
        """Let the cluster say whether it would take an object; nothing is written, unknown fields are refused."""
        kind, name, namespace = _place(manifest)
        asked = _asked("kubernetes:try_out", manifest)
        with self._within(CALL_SECONDS):
            served = self._wire.served(kind)
            try:
                self._wire.ask(asked, "POST", served.path(namespace), query=STRICT, body=dict(manifest))
            except AlreadyExistsError:
                # It is there: what is asked then is whether it could become this.
                query = (*STRICT, ("force", "true"))
                path = served.path(namespace, name)
                self._wire.ask(asked, "PATCH", path, query=query, body=dict(manifest), content_type=APPLY)

    def apply(self, intent: Intent, manifest: Manifest) -> Manifest:
        """Apply an object server-side as `drproof`, and return it as it is stored; the same again changes nothing."""
        kind, name, namespace = _place(manifest)
        query = (*MANAGED, ("force", "true"))
        with self._within(CALL_SECONDS):
            path = self._path(kind, namespace, name)
            return self._change(intent, _asked("kubernetes:apply", manifest), "PATCH", path, query, manifest, APPLY)

    def create(self, intent: Intent, manifest: Manifest) -> Manifest:
        """Create an object; `AlreadyExistsError` when its name is taken."""
        kind, _, namespace = _place(manifest)
        with self._within(CALL_SECONDS):
            path = self._wire.served(kind).path(namespace)
            return self._change(intent, _asked("kubernetes:create", manifest), "POST", path, MANAGED, manifest)

    def replace(self, intent: Intent, manifest: Manifest) -> Manifest:
        """Write an object that was read before; `TargetError` (`Conflict`) when it has changed since."""
        kind, name, namespace = _place(manifest)
        if not manifest["metadata"].get("resourceVersion"):
            msg = f"{named(manifest)} has no resourceVersion: expected an object that was read before"
            raise ValueError(msg)
        with self._within(CALL_SECONDS):
            path = self._path(kind, namespace, name)
            return self._change(intent, _asked("kubernetes:replace", manifest), "PUT", path, MANAGED, manifest)

    def delete(  # noqa: PLR0913 — what is removed, and for how long that is waited for
        self, intent: Intent, kind: Kind, name: str, *, namespace: str = "", uid: str, timeout_ms: int
    ) -> None:
        """Remove an object and what it owns, and return once it is gone; an object that is gone already is as wanted.

        `uid` is of the object that is meant: one of the same name that came after it is left.

        Raises:
            TargetError: `Timeout` when it is still there; what the cluster says against it.
        """
        asked = Asked(call="kubernetes:delete", subject=_subject(kind, name, namespace), changes=True)
        options = {
            "apiVersion": "v1",
            "kind": "DeleteOptions",
            # Without it the pods of a Job are left behind.
            "propagationPolicy": "Background",
            "preconditions": {"uid": uid},
        }
        with self._within(CALL_SECONDS):
            path = self._path(kind, namespace, name)
            try:
                self._change(intent, asked, "DELETE", path, (), options)
            except NotFoundError:
                return
            except TargetError as exc:
                if exc.code != "Conflict" or not self._goes(asked, path, name, uid):
                    raise
        self._await_gone(asked, path, name, uid, timeout_ms)

    def wait(
        self, kind: Kind, name: str, *, namespace: str = "", until: Callable[[Manifest | None], bool], timeout_ms: int
    ) -> Manifest | None:
        """Watch an object until it is as wanted.

        Raises:
            TargetError: `Timeout`; `Expired` when the watch lost its place.
            GuardError: after an interruption another cluster answers.
        """
        asked = Asked(call="kubernetes:wait", subject=_subject(kind, name, namespace))
        ends = time.monotonic() + timeout_ms / 1000
        with within(max(timeout_ms / 1000, LOOK_SECONDS * self._wire.slowness)):
            path = self._wire.served(kind).path(self._where(kind, namespace))
        changes = watched(self._wire, asked, kind, path, name, ends=ends, again=self.assert_pinned)
        with closing(changes):
            for found in changes:
                if until(found):
                    return found
        shown = f"{timeout_ms / 1000:g} s"
        raise failure(asked, "Timeout", f"expected it to be as wanted within {shown}, and it was not")

    def logs(self, pod: str, *, namespace: str, container: str, limit_bytes: int, tail_lines: int = 0) -> str:
        """Return the log of a container, or its last `tail_lines`; at most the first `limit_bytes` of that.

        Raises:
            TargetError: `ContainerNotStarted` when there is none yet.
        """
        asked = Asked(call="kubernetes:logs", subject=f"{_subject(POD, pod, namespace)} {container}")
        last = (("tailLines", str(tail_lines)),) if tail_lines else ()
        query = (("container", container), ("limitBytes", str(limit_bytes)), *last)
        try:
            with self._within(CALL_SECONDS):
                path = f"{self._path(POD, namespace, pod)}/log"
                return self._wire.text(asked, path, query=query, limit=limit_bytes)
        except TargetError as exc:
            if exc.code == "BadRequest" and "waiting to start" in str(exc):
                what = str(exc).partition("BadRequest: ")[2]
                raise failure(asked, "ContainerNotStarted", what) from None
            raise

    def _all(self, asked: Asked, kind: Kind, path: str, labels: Mapping[str, str] | None) -> tuple[Manifest, ...]:
        """Return every object at a path, page by page."""
        query: Query = (("limit", str(PAGE)),)
        if labels:
            query = (*query, ("labelSelector", ",".join(f"{name}={value}" for name, value in labels.items())))
        found: list[Manifest] = []
        places: dict[str, None] = {}
        while len(places) < MOST_PAGES:
            after = [("continue", place) for place in [*places][-1:]]
            page = self._wire.ask(asked, "GET", path, query=[*query, *after])
            try:
                # Items of a list do not say what they are.
                found += [{"apiVersion": kind.api_version, "kind": kind.kind, **item} for item in page["items"] or ()]
                rest = str((page.get("metadata") or {}).get("continue") or "")
            except (KeyError, TypeError, AttributeError):
                raise failure(asked, "Unreadable", "the answer is no list of objects") from None
            if not rest:
                return tuple(found)
            if rest in places:
                raise failure(asked, "Unreadable", f"page {len(places) + 1} says that it goes on at an earlier one")
            places[rest] = None
        raise failure(asked, "Unreadable", f"expected at most {MOST_PAGES} pages of {PAGE} objects, and it goes on")

    def _change(  # noqa: PLR0913 — what a request of HTTP can say
        self,
        intent: Intent,
        asked: Asked,
        method: str,
        path: str,
        query: Query,
        body: Manifest,
        content_type: str = JSON,
    ) -> dict[str, Any]:
        effect = Effect(intent, self._identity.uid)
        return self._wire.ask(
            asked, method, path, query=query, body=dict(body), content_type=content_type, effect=effect
        )

    def _goes(self, asked: Asked, path: str, name: str, uid: str) -> bool:
        """Return whether the object that is meant is gone or going, whatever the conflict was about."""
        found = self._wire.look(Asked(call=asked.call, subject=asked.subject), path, name)
        return found is None or found["metadata"]["uid"] != uid or "deletionTimestamp" in found["metadata"]

    def _await_gone(self, asked: Asked, path: str, name: str, uid: str, timeout_ms: int) -> None:
        reading = Asked(call=asked.call, subject=asked.subject)
        ends = time.monotonic() + timeout_ms / 1000
        trouble = ""
        for _ in moments(timeout_ms, every=EVERY_SECONDS):
            try:
                with within(max(ends - time.monotonic(), LOOK_SECONDS * self._wire.slowness)):
                    found = self._wire.look(reading, path, name)
            except TargetError as exc:
                # The removal is under way; a server that is busy or away for a moment does not change that.
                if not passing(exc):
                    raise
                trouble = f"; at last {str(exc).splitlines()[0]}"
                continue
            if found is None or found["metadata"]["uid"] != uid:
                return
            holders = ", ".join(found["metadata"].get("finalizers") or ())
            trouble = f"; it waits for {holders}" if holders else ""
        what = f"expected it to be gone within {timeout_ms / 1000:g} s, and it is still there{trouble}"
        raise TargetError(described(asked, "Timeout", what), code="Timeout", call=asked.call)

    def _within(self, seconds: float) -> AbstractContextManager[None]:
        """Let a call end in time; one that goes a longer way has more of it."""
        return within(seconds * self._wire.slowness)

    def _path(self, kind: Kind, namespace: str, name: str) -> str:
        return self._wire.served(kind).path(self._where(kind, namespace), name)

    def _where(self, kind: Kind, namespace: str) -> str:
        """Return the namespace of one object, which must be named when its kind has namespaces."""
        if self._wire.served(kind).namespaced and not namespace:
            msg = f"a {kind.kind} lies in a namespace: name it"
            raise ValueError(msg)
        return namespace


def _asked(call: str, manifest: Manifest) -> Asked:
    kind, name, namespace = _place(manifest)
    return Asked(
        call=call,
        subject=_subject(kind, name, namespace),
        changes=call != "kubernetes:try_out",
        hidden=_values(manifest) if kind.kind == "Secret" else (),
    )


def _place(manifest: Manifest) -> tuple[Kind, str, str]:
    """Return kind, name and namespace of an object."""
    metadata = manifest["metadata"]
    kind, namespace = kind_of(manifest), str(metadata.get("namespace") or "")
    if not metadata.get("name"):
        msg = f"a {kind.kind} without a name cannot be written down before it is made"
        raise ValueError(msg)
    return kind, str(metadata["name"]), namespace


def _values(manifest: Manifest) -> tuple[str, ...]:
    """Return what a Secret holds, as it is written and as it is meant."""
    written = [str(value) for value in (manifest.get("data") or {}).values()]
    meant = [str(value) for value in (manifest.get("stringData") or {}).values()]
    for value in written:
        with suppress(ValueError):
            meant.append(b64decode(value).decode())
    return (*written, *meant)


def _subject(kind: Kind, name: str, namespace: str) -> str:
    """Return how messages name an object, or all of a kind: `Job/NAMESPACE/NAME`."""
    return "/".join(part for part in (kind.kind, "" if kind == NAMESPACE else namespace, name) if part)
