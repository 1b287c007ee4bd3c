"""One API server, however it is reached: what a cluster is asked, and what answers, as plain JSON."""

import json
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote

from drproof.model.capabilities import Intent
from drproof.model.cluster import Kind
from drproof.model.errors import GuardError, NotFoundError
from drproof.targets.kubernetes.errors import Asked, failure

JSON: Final = "application/json"
APPLY: Final = "application/apply-patch+yaml"
SYSTEM: Final = "kube-system"

Query = Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Served:
    """A kind that the cluster serves: where."""

    base: str
    plural: str
    namespaced: bool
    verbs: frozenset[str] = frozenset()

    def path(self, namespace: str, name: str = "") -> str:
        """Return the path of one object, or of all in a namespace; "" for the namespace is all of them."""
        parts = [self.base]
        if self.namespaced and namespace:
            parts += ["namespaces", quote(namespace, safe="")]
        parts.append(self.plural)
        if name:
            parts.append(quote(name, safe=""))
        return "/".join(parts)


@dataclass(frozen=True, slots=True)
class Effect:
    """What a request that changes something needs: its intent, and the UID of the cluster that may be changed."""

    intent: Intent
    uid: str


class ApiServer(ABC):
    """One API server: requests that are sent once, in bounded time, and their answers.

    Inside `bounded.within` a request has no more time than what is around it.
    """

    server: str
    """How it is spoken of."""
    slowness: float = 1.0
    """How many times longer than a request over a connection of our own a request may take."""
    late: float = 0.1
    """How many seconds after the end of a wait what happened before it may be heard."""

    def __init__(self) -> None:
        """Know no kind yet."""
        self._served: dict[str, dict[str, Served]] = {}

    @abstractmethod
    def ask(  # noqa: PLR0913 — what a request of HTTP can say
        self,
        asked: Asked,
        method: str,
        path: str,
        *,
        query: Query = (),
        body: object = None,
        content_type: str = JSON,
        effect: Effect | None = None,
    ) -> dict[str, Any]:
        """Send a request and return the object that answers it; one with an effect only to the cluster of its UID.

        Raises:
            GuardError: another cluster answers, and nothing was changed there.
            TargetError: it refuses, or nobody answers.
        """

    @abstractmethod
    def look(self, asked: Asked, path: str, name: str) -> dict[str, Any] | None:
        """Return the object at a path, None when the cluster says that there is none of that name."""

    @abstractmethod
    def text(self, asked: Asked, path: str, *, query: Query, limit: int) -> str:
        """Return the text at a path, at most `limit` bytes of it."""

    @abstractmethod
    def lines(self, asked: Asked, path: str, *, query: Query, seconds: float) -> Iterator[dict[str, Any]]:
        """Yield the JSON objects of a stream, one a line, until the server ends it; a failure after `seconds`."""

    @abstractmethod
    def close(self) -> None:
        """Let go of what it is reached by."""

    def uid(self) -> str:
        """Return which cluster answers now.

        Raises:
            TargetError: none does, or it does not say.
        """
        asked = Asked(call="kubernetes:pin", subject=f"Namespace/{SYSTEM}")
        return uid_in(asked, self.ask(asked, "GET", f"/api/v1/namespaces/{SYSTEM}"), self.server)

    def served(self, kind: Kind) -> Served:
        """Return where the cluster serves a kind.

        Raises:
            NotFoundError: it does not.
        """
        if kind.kind not in self._served.get(kind.api_version, {}):
            self._served[kind.api_version] = self._discover(kind)
        try:
            return self._served[kind.api_version][kind.kind]
        except KeyError:
            asked = Asked(call="kubernetes:discover", subject=f"{kind.api_version} {kind.kind}")
            raise failure(asked, "NotFound", f"{self.server} serves no such kind") from None

    def _discover(self, kind: Kind) -> dict[str, Served]:
        asked = Asked(call="kubernetes:discover", subject=f"{kind.api_version} {kind.kind}")
        try:
            return self.kinds(asked, kind.api_version)
        except NotFoundError:
            return {}

    def kinds(self, asked: Asked, api_version: str) -> dict[str, Served]:
        """Return the kinds of a version of a group as they are served now, without their subresources.

        Raises:
            NotFoundError: no such version is served.
        """
        base = f"/{'apis' if '/' in api_version else 'api'}/{quote(api_version)}"
        listed = self.ask(asked, "GET", base)
        try:
            return {
                each["kind"]: Served(base, each["name"], bool(each["namespaced"]), frozenset(each.get("verbs") or ()))
                for each in listed["resources"] or ()
                if "/" not in each["name"]
            }
        except (KeyError, TypeError, AttributeError):
            raise failure(asked, "Unreadable", f"{base} is no list of kinds") from None


def as_object(asked: Asked, data: bytes, status: int) -> dict[str, Any]:
    """Return what answers as an object; `status` is that of the answer.

    Raises:
        TargetError: it is none.
    """
    try:
        found = json.loads(data)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        said = f"status {status} with {len(data)} bytes that are no JSON object"
        raise failure(asked, "Unreadable", said)
    return found


def uid_in(asked: Asked, found: Mapping[str, Any], server: str) -> str:
    """Return the UID of the cluster whose namespace `kube-system` this is.

    Raises:
        TargetError: it has none.
    """
    uid = found.get("metadata", {}).get("uid")
    if not isinstance(uid, str) or not uid:
        raise failure(asked, "Unreadable", f"{server} gave a namespace without a UID")
    return uid


def assert_same(expected: str, got: str, server: str) -> None:
    """Raise `GuardError` unless the cluster that answers is the one that is meant."""
    if got != expected:
        msg = (
            f"another cluster answers at {server}: expected the one whose namespace {SYSTEM} has the UID {expected},"
            f" got {got}; nothing is changed there\n  next: give the kubeconfig of the cluster that it began with"
        )
        raise GuardError(msg)
