"""A kubectl of the embedded machines, for where this machine has no real one: raw requests and server-side apply.

It understands what is asked of it over Systems Manager, word for word, and refuses everything else. Where the server
refuses, it says so as kubectl does.
"""

import base64
import http.client
import json
import ssl
import sys
import tempfile
import urllib.parse
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import yaml

METHODS: Final = {"get": "GET", "create": "POST", "replace": "PUT", "delete": "DELETE"}
SERVER, NAME = "--server=", "--tls-server-name="
GLOBAL: Final = (SERVER, NAME, "--kubeconfig=", "--context=", "--cache-dir=", "--request-timeout=")
APPLY: Final = ("--server-side", "--force-conflicts", "--validate=ignore", "--show-managed-fields", "-o", "json")
MANAGER: Final = "--field-manager="
DRY_RUN: Final = "--dry-run=server"
PIECE: Final = 1 << 16
REFUSED: Final = 400
UNAUTHORIZED: Final = 401
INVALID: Final = 422


class RefusedError(Exception):
    """What kubectl prints before it ends with 1."""


class _Connection(http.client.HTTPSConnection):
    """A connection to an address that shows the certificate of another name."""

    def __init__(self, host: str, port: int | None, *, timeout: float, context: ssl.SSLContext, name: str) -> None:
        super().__init__(host, port, timeout=timeout, context=context)
        self._trusted, self._name = context, name

    def connect(self) -> None:
        """Connect, and ask for that name."""
        http.client.HTTPConnection.connect(self)
        self.sock = self._trusted.wrap_socket(self.sock, server_hostname=self._name)


class Server:
    """The API server of a kubeconfig."""

    def __init__(self, given: Mapping[str, str]) -> None:
        """Read what opens it."""
        kubeconfig, context = Path(given["--kubeconfig="]), given["--context="]
        try:
            config = yaml.safe_load(kubeconfig.read_text(encoding="utf-8"))
        except OSError as exc:
            msg = f"error: stat {kubeconfig}: {(exc.strerror or '').lower()}"
            raise RefusedError(msg) from exc
        chosen = _named(config["contexts"], context or config["current-context"])["context"]
        self._cluster = _named(config["clusters"], chosen["cluster"])["cluster"]
        self._user = _named(config["users"], chosen["user"])["user"]
        self._address = urllib.parse.urlsplit(given[SERVER] or self._cluster["server"])
        self._name = given[NAME] or self._cluster.get("tls-server-name") or self._address.hostname or ""
        self._seconds = float(given["--request-timeout="].removesuffix("s") or 30)

    @contextmanager
    def asked(self, method: str, uri: str, body: bytes | None, content_type: str) -> Iterator[http.client.HTTPResponse]:
        """Send a request and return what answers it.

        Raises:
            RefusedError: nobody answers, or the server refuses.
        """
        address = self._address
        connection = _Connection(
            address.hostname or "", address.port, timeout=self._seconds, context=self._trust(), name=self._name
        )
        headers = {"Accept": "application/json, */*", "User-Agent": "kubectl/embedded"}
        if "token" in self._user:
            headers["Authorization"] = f"Bearer {self._user['token']}"
        if body is not None:
            headers["Content-Type"] = content_type
        try:
            connection.request(method, uri, body=body, headers=headers)
            answer = connection.getresponse()
            if answer.status >= REFUSED:
                raise RefusedError(_said(answer.status, answer.read()))
            yield answer
        except ConnectionRefusedError as exc:
            msg = f"The connection to the server {address.netloc} was refused - did you specify the right host or port?"
            raise RefusedError(msg) from exc
        except (OSError, http.client.HTTPException) as exc:
            msg = f"Unable to connect to the server: {exc}"
            raise RefusedError(msg) from exc
        finally:
            connection.close()

    def _trust(self) -> ssl.SSLContext:
        trusted = base64.b64decode(self._cluster["certificate-authority-data"]).decode("ascii")
        context = ssl.create_default_context(cadata=trusted)
        if "client-certificate-data" in self._user:
            with tempfile.NamedTemporaryFile() as pair:
                for name in ("client-certificate-data", "client-key-data"):
                    pair.write(base64.b64decode(self._user[name]) + b"\n")
                pair.flush()
                context.load_cert_chain(pair.name)
        return context


def main(words: Sequence[str]) -> int:
    """Do what is asked, and return the exit status."""
    given = dict.fromkeys(GLOBAL, "")
    rest = []
    for word in words:
        flag = next((flag for flag in GLOBAL if word.startswith(flag)), "")
        if flag:
            given[flag] = word.removeprefix(flag)
        else:
            rest.append(word)
    try:
        _act(Server(given), rest)
    except RefusedError as exc:
        sys.stderr.write(f"{exc}\n")
        return 1
    return 0


def _act(server: Server, words: Sequence[str]) -> None:
    match words:
        case ["get", "--raw", uri]:
            _print(server, "GET", uri, None)
        case ["create" | "replace" | "delete" as verb, "--raw", uri, "-f", file]:
            _print(server, METHODS[verb], uri, Path(file).read_bytes())
        case ["apply", *flags, "-f", file]:
            _apply(server, flags, Path(file).read_bytes())
        case _:
            msg = f"error: kubectl of the embedded world: unknown command: {' '.join(words)}"
            raise RefusedError(msg)


def _apply(server: Server, flags: Sequence[str], data: bytes) -> None:
    query = {"fieldValidation": "Ignore", "force": "false"}
    for flag in flags:
        if flag.startswith(MANAGER):
            query["fieldManager"] = flag.removeprefix(MANAGER)
        elif flag == DRY_RUN:
            query["dryRun"] = "All"
        elif flag == "--force-conflicts":
            query["force"] = "true"
        elif flag not in APPLY:
            msg = f"error: kubectl of the embedded world: unknown flag: {flag}"
            raise RefusedError(msg)
    if "--server-side" not in flags or flags[-2:] != ["-o", "json"]:
        msg = "error: kubectl of the embedded world applies server-side, and prints JSON"
        raise RefusedError(msg)
    uri = f"{_path(server, json.loads(data))}?{urllib.parse.urlencode(query)}"
    _print(server, "PATCH", uri, data, "application/apply-patch+yaml")


def _path(server: Server, manifest: Mapping[str, Any]) -> str:
    """Return where an object lies, as the server's own list of kinds says."""
    version, kind, metadata = manifest["apiVersion"], manifest["kind"], manifest["metadata"]
    base = f"/{'apis' if '/' in version else 'api'}/{version}"
    with server.asked("GET", base, None, "") as answer:
        listed = json.loads(answer.read())["resources"]
    for one in listed:
        if one["kind"] == kind and "/" not in one["name"]:
            space = f"/namespaces/{metadata.get('namespace') or 'default'}" if one["namespaced"] else ""
            return f"{base}{space}/{one['name']}/{metadata['name']}"
    msg = f'error: resource mapping not found: no matches for kind "{kind}" in version "{version}"'
    raise RefusedError(msg)


def _print(server: Server, method: str, uri: str, body: bytes | None, content_type: str = "application/json") -> None:
    """Print what answers as it comes: a stream is heard while it lasts."""
    with server.asked(method, uri, body, content_type) as answer:
        while piece := answer.read1(PIECE):
            sys.stdout.buffer.write(piece)
            sys.stdout.buffer.flush()


def _said(status: int, data: bytes) -> str:
    """Return how kubectl says that the server refused."""
    try:
        document = json.loads(data)
    except ValueError:
        document = {}
    found = document if isinstance(document, dict) and document.get("kind") == "Status" else {}
    reason, message = str(found.get("reason") or ""), str(found.get("message") or data.decode("utf-8", "replace"))
    if status == UNAUTHORIZED:
        return f"error: You must be logged in to the server ({message})"
    details = found.get("details") or {}
    if status == INVALID and details.get("kind"):
        causes = [f"{one.get('field', '')}: {one.get('message', '')}" for one in details.get("causes") or ()]
        said = causes[0] if len(causes) == 1 else "".join(f"\n* {cause}" for cause in causes)
        return f'The {details["kind"]} "{details.get("name", "")}" is invalid: {said}'
    return f"Error from server{f' ({reason})' if reason else ''}: {message}"


def _named(entries: Sequence[Mapping[str, Any]], name: str) -> Mapping[str, Any]:
    for entry in entries:
        if entry["name"] == name:
            return entry
    msg = f"error: {name} is not in the kubeconfig"
    raise RefusedError(msg)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
