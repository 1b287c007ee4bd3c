"""The official client, told everything and left nothing to find out: no environment, no retries, no endless call."""

import json
import ssl
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from kubernetes.client.api_client import ApiClient
from kubernetes.client.configuration import Configuration
from kubernetes.client.exceptions import ApiException
from kubernetes.dynamic import DynamicClient
from urllib3.exceptions import ConnectTimeoutError

import drproof
from drproof.formats.kubeconfig import Kubeconfig
from drproof.model.cluster import Kind
from drproof.model.errors import NotFoundError
from drproof.targets.kubernetes import bounded
from drproof.targets.kubernetes.errors import Asked, failure, speaks_of, translated

SECONDS = 30.0
"""How long one request may take, from its first byte to the last of its answer."""

JSON = "application/json"
APPLY = "application/apply-patch+yaml"

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


class Wire:
    """One API server: requests sent once, in bounded time whatever it does, and its answers as plain JSON.

    Inside `bounded.within` a request has no more time than what is around it.
    """

    def __init__(
        self,
        config: Kubeconfig,
        *,
        trust: ssl.SSLContext | None = None,
        bearer: Callable[[float], str] | None = None,
        seconds: float = SECONDS,
    ) -> None:
        """Name the server; nothing is asked yet.

        `trust` is for `https` and holds the client's certificate too; `bearer` returns the token of the next call, and
        is told how many seconds it has. A request has `seconds`.
        """
        self.server = config.server
        self._seconds = seconds
        settings: Any = Configuration(host=config.server)
        # What the environment says about proxies was read by then.
        settings.proxy = None
        settings.no_proxy = None
        settings.retries = False
        settings.keep_alive = True
        if config.tls_server_name:
            settings.tls_server_name = config.tls_server_name
        _identify(settings, config, bearer)
        make: Any = ApiClient
        self._client: Any = make(configuration=settings)
        self._client.user_agent = f"drproof/{drproof.__version__}"
        pools = self._client.rest_client.pool_manager
        pools.pool_classes_by_scheme = bounded.POOLS
        if trust is not None:
            pools.connection_pool_kw["ssl_context"] = trust
        # Its own discovery asks for every group, takes a 503 for a group without kinds, and keeps that in a file.
        dynamic: Any = DynamicClient
        self._dynamic: Any = dynamic(self._client, discoverer=lambda *_: None)
        self._served: dict[str, dict[str, Served]] = {}

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

    def ask(  # noqa: PLR0913 — what a request of HTTP can say
        self,
        asked: Asked,
        method: str,
        path: str,
        *,
        query: Query = (),
        body: object = None,
        content_type: str = JSON,
        headers: Mapping[str, str] | None = None,
    ) -> dict[str, Any]:
        """Send a request and return the object that answers it."""
        with translated(asked):
            with closing(self._send(method, path, query, body, content_type, headers)) as answer:
                data = _whole(answer)
            status = answer.status
        return _object(asked, data, status)

    def look(self, asked: Asked, path: str, name: str) -> dict[str, Any] | None:
        """Return the object at a path, None when the cluster says that there is none of that name."""
        with translated(asked):
            try:
                answer = self._send("GET", path)
            except ApiException as exc:
                if speaks_of(exc, name):
                    return None
                raise
            with closing(answer):
                data = _whole(answer)
        return _object(asked, data, answer.status)

    def text(self, asked: Asked, path: str, *, query: Query, limit: int) -> str:
        """Return the text at a path, at most `limit` bytes of it."""
        with (
            translated(asked),
            closing(self._send("GET", path, query, headers={"Accept": "application/json, */*"})) as answer,
        ):
            data = _whole(answer, limit)
        return data.decode("utf-8", errors="replace")

    def lines(self, asked: Asked, path: str, *, query: Query, seconds: float) -> Iterator[dict[str, Any]]:
        """Yield the JSON objects of a stream, one a line, until the server ends it; a failure after `seconds`."""
        with translated(asked), closing(self._send("GET", path, query, seconds=seconds)) as answer:
            rest = bytearray()
            for chunk in answer.stream(bounded.PIECE):
                first, *others = chunk.split(b"\n")
                rest += first
                for other in others:
                    line, rest = bytes(rest), bytearray(other)
                    if line.strip():
                        yield _object(asked, line, answer.status)

    def close(self) -> None:
        """Close the connections."""
        self._client.rest_client.pool_manager.clear()

    def _send(  # noqa: PLR0913 — what a request of HTTP can say
        self,
        method: str,
        path: str,
        query: Query = (),
        body: object = None,
        content_type: str = JSON,
        headers: Mapping[str, str] | None = None,
        seconds: float = 0.0,
    ) -> Any:  # noqa: ANN401 — urllib3's response, unread
        with bounded.within(seconds or self._seconds):
            left = bounded.left()
            if left <= 0:
                raise ConnectTimeoutError("the time of the call was over before this was sent")
            return self._dynamic.request(
                method,
                path,
                body=body,
                query_params=list(query),
                header_params=dict(headers or {}),
                content_type=content_type,
                serialize=False,
                _request_timeout=(min(bounded.CONNECT_SECONDS, left), left),
            )


def _identify(settings: Any, config: Kubeconfig, bearer: Callable[[float], str] | None) -> None:  # noqa: ANN401 — untyped there
    """Say who calls: the header of every request."""
    if bearer is not None:
        current = bearer

        def refresh(_: object) -> None:
            settings.api_key = {"authorization": f"Bearer {current(bounded.left())}"}

        settings.api_key = {"authorization": ""}
        settings.refresh_api_key_hook = refresh
    elif config.token:
        settings.api_key = {"authorization": f"Bearer {config.token}"}
    elif config.username:
        settings.username, settings.password = config.username, config.password
        settings.api_key = {"authorization": settings.get_basic_auth_token()}


def _whole(answer: Any, limit: int = bounded.LARGEST) -> bytes:  # noqa: ANN401 — urllib3's response
    """Return what answers, at most `limit` bytes of it."""
    data = bytearray()
    while len(data) < limit and (piece := answer.read(min(bounded.PIECE, limit - len(data)))):
        data += piece
    return bytes(data)


def _object(asked: Asked, data: bytes, status: int) -> dict[str, Any]:
    try:
        found = json.loads(data)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        said = f"status {status} with {len(data)} bytes that are no JSON object"
        raise failure(asked, "Unreadable", said)
    return found
