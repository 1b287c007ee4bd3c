"""The world's web server: the emulator behind gates that it lacks, with a call log that the world alone writes."""

import sys
import traceback
from collections.abc import Iterable
from http import HTTPStatus
from typing import Any

from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
from werkzeug.serving import BaseWSGIServer, make_server

from drproof.embedded import asked, control, refusals
from drproof.embedded.accounts import Credentials
from drproof.embedded.asked import Asked, Environ
from drproof.embedded.faults import refusing, sockets
from drproof.embedded.faults.rules import REFUSING, SPOILING, Rule
from drproof.embedded.refusals import Refusal, StartResponse
from drproof.embedded.shims import ec2, iam, s3_checksums, s3_conditions, s3_locks, s3_owner
from drproof.embedded.site import fleet
from drproof.embedded.world import World

LOOPBACK = "127.0.0.1"
EMULATOR_ROUTES = "/moto-api"
"""The emulator's own back door, through which a caller could empty the world."""

# The first gate that refuses decides; each one holds a rule that the emulator does not know.
GATES = {
    "s3": (
        s3_owner.gate,
        s3_checksums.gate,
        s3_locks.gate,
        fleet.gate,
    ),
    "ec2": (ec2.gate,),
    "iam": (iam.gate,),
}


class _Handler(MotoRequestHandler):
    """One connection; kept alive between calls, and silent, because the call log is the log."""

    protocol_version = "HTTP/1.1"
    wbufsize = 1 << 16
    """Head and body leave at once: between the two, Terraform's client took the connection of an answer for closed."""

    def make_environ(self) -> Environ:
        """Return what was asked; who waits to be told to go on before it sends its body is told at once."""
        self.wfile.flush()
        return super().make_environ()

    def connection_dropped(self, error: BaseException, environ: Environ | None = None) -> None:  # noqa: ARG002 — werkzeug's
        """End a connection whose answer was lost, so that nobody waits for it."""
        self.close_connection = True

    def log(self, *_: Any, **__: Any) -> None:  # noqa: ANN401 — werkzeug's signature
        """Say nothing."""


class Application:
    """The whole world as one WSGI application."""

    def __init__(self) -> None:
        self.world: World | None = None
        self._emulator = DomainDispatcherApplication(create_backend_app)

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        if self.world is None:
            start_response("503 Service Unavailable", [("Content-Length", "0"), ("Connection", "close")])
            return [b""]
        with self.world.lifetime:
            if environ["PATH_INFO"].startswith(control.PREFIX):
                return control.answer(self.world, environ, start_response)
            return self._call(self.world, asked.read(environ), start_response)

    def _call(self, world: World, request: Asked, start_response: StartResponse) -> Iterable[bytes]:
        credentials = world.accounts.of(request.access_key_id)
        sent = _Sent(start_response)
        rule = world.faults.meet(request.service, request.action, request.bucket, request.key)
        account = credentials.account_id if credentials else ""
        if rule is not None and rule.seconds:
            sockets.wait(request.environ, rule.seconds, lambda: world.lifetime.over)
        if rule is not None and rule.kind in {"reset", "hang"}:
            world.log.add(request, account=account, status=0, fault=rule.kind)
            raise sockets.reset(request.environ)
        refusal, fault = _struck(world, request, rule)
        with s3_conditions.turn(request):
            if refusal is None:
                refusal = _unknown(request) if credentials is None else _gated(world, request, credentials)
            if refusal is None and credentials is not None:
                request.environ["HTTP_X_MOTO_ACCOUNT_ID"] = credentials.account_id
                body, refusal = self._emulated(request, sent)
            if refusal is not None:
                body = refusals.answer(request, refusal, sent)
        world.log.add(request, account=account, status=sent.status, fault=fault)
        if request.action == "GetObject" and sent.status in {HTTPStatus.OK, HTTPStatus.PARTIAL_CONTENT}:
            for observer in world.on_object_read:
                observer(request.bucket, request.key)
        if rule is not None and rule.kind == "answer-lost":
            sockets.closed(body)
            raise sockets.reset(request.environ)
        if rule is not None and rule.kind in SPOILING:
            body = sent.spoiled(rule, request.environ, body)
        sent.release()
        return body

    def _emulated(self, request: Asked, sent: "_Sent") -> tuple[Iterable[bytes], Refusal | None]:
        """Return the emulator's answer, or the refusal of what it does not have."""
        absent = request.protocol == "s3" and ":" in request.action
        if absent or request.path.startswith(EMULATOR_ROUTES):
            return [], _unimplemented(request)
        # The gates read the bucket from the path: a host's name must not be able to say another.
        request.environ["HTTP_HOST"] = f"{LOOPBACK}:{request.environ['SERVER_PORT']}"
        try:
            body = self._emulator(request.environ, sent)
        except NotImplementedError:
            return [], _unimplemented(request)
        except Exception:  # noqa: BLE001 — a defect of the emulator is an answer to its caller, with the cause on stderr
            traceback.print_exc(file=sys.stderr)
            return [], Refusal(
                500, "InternalFailure", f"the embedded world failed at {request.service}:{request.action}"
            )
        if request.protocol != "s3" and sent.status == HTTPStatus.NOT_FOUND and "html" in sent.content_type:
            return [], _unimplemented(request)
        return body, None


class _Sent:
    """Holds the head of an answer back until the call is written down."""

    def __init__(self, start_response: StartResponse) -> None:
        self._start_response = start_response
        self._head: tuple[str, list[tuple[str, str]]] = ("500 Internal Server Error", [])

    def __call__(self, status: str, headers: list[tuple[str, str]], *_: object) -> None:
        self._head = (status, headers)

    @property
    def status(self) -> int:
        """The status that will be sent."""
        return int(self._head[0].split()[0])

    @property
    def content_type(self) -> str:
        """The kind of body that will be sent."""
        return next((value for name, value in self._head[1] if name.lower() == "content-type"), "")

    def spoiled(self, rule: Rule, environ: Environ, body: Iterable[bytes]) -> Iterable[bytes]:
        """Let head and body arrive as a rule has it, and return the body."""
        status, headers = self._head
        headers, body = sockets.spoiled(rule, environ, headers, body)
        self._head = (status, headers)
        return body

    def release(self) -> None:
        """Send the head."""
        self._start_response(*self._head)


def bind(application: Application) -> BaseWSGIServer:
    """Return a server on a free port of the loopback interface; it listens, and serves once it is told to."""
    return make_server(LOOPBACK, 0, application, threaded=True, request_handler=_Handler)


def _unknown(request: Asked) -> Refusal:
    code = "InvalidAccessKeyId" if request.protocol == "s3" else "InvalidClientTokenId"
    if request.protocol == "ec2":
        code = "AuthFailure"
    what = f"access key {request.access_key_id}" if request.access_key_id else "an unsigned request"
    return Refusal(403, code, f"the embedded world does not know {what}; its keys are in world.json")


def _struck(world: World, request: Asked, rule: Rule | None) -> tuple[Refusal | None, str]:
    """Return the error that a fault answers with, if it does, and the kind of the fault for the log."""
    if rule is not None and rule.kind == "expired":
        world.accounts.expire(request.access_key_id)
    if world.accounts.has_expired(request.access_key_id):
        return refusing.refusal_of("expired", request, code=rule.code if rule else ""), "expired"
    if rule is not None and rule.kind in REFUSING:
        return refusing.refusal(rule, request), rule.kind
    return None, rule.kind if rule is not None else ""


def _gated(world: World, request: Asked, credentials: Credentials) -> Refusal | None:
    for gate in GATES.get(request.service, ()):
        if refusal := gate(world, request, credentials):
            return refusal
    return None


def _unimplemented(request: Asked) -> Refusal:
    return Refusal(400, "UnknownOperationException", f"the embedded world has no {request.service}:{request.action}")
