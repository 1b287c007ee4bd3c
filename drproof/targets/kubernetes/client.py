"""The official client, told everything and left nothing to find out: no environment, no retries, no endless call."""

import ssl
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from typing import Any

from kubernetes.client.api_client import ApiClient
from kubernetes.client.configuration import Configuration
from kubernetes.client.exceptions import ApiException
from kubernetes.dynamic import DynamicClient
from urllib3.exceptions import ConnectTimeoutError

import drproof
from drproof.formats.kubeconfig import Kubeconfig
from drproof.targets.kubernetes import bounded
from drproof.targets.kubernetes.api_server import JSON, ApiServer, Effect, Query, as_object, assert_same
from drproof.targets.kubernetes.client_errors import speaks_of, translated
from drproof.targets.kubernetes.errors import Asked

SECONDS = 30.0
"""How long one request may take, from its first byte to the last of its answer."""


class Wire(ApiServer):
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
        super().__init__()
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
        """Send a request and return the object that answers it; one with an effect only to the cluster of its UID."""
        headers = {}
        if effect is not None:
            assert_same(effect.uid, self.uid(), self.server)
            # The API server's audit log then names the effect as the journal does.
            headers["Audit-ID"] = effect.intent.token
        with translated(asked):
            with closing(self._send(method, path, query, body, content_type, headers)) as answer:
                data = _whole(answer)
            status = answer.status
        return as_object(asked, data, status)

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
        return as_object(asked, data, answer.status)

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
                        yield as_object(asked, line, answer.status)

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
