"""The world's own routes, for drproof on this machine only: what it is, what it was asked, what fails, when it ends."""

import json
import os
from collections.abc import Iterable
from typing import Any

from drproof.embedded import inventory
from drproof.embedded.asked import Environ
from drproof.embedded.faults.rules import rule_of
from drproof.embedded.refusals import StartResponse
from drproof.embedded.world import World

PREFIX = "/_world/"


def answer(world: World, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
    """Answer one control request."""
    asked = f"{environ['REQUEST_METHOD']} {environ['PATH_INFO'][len(PREFIX) :]}"
    length = int(environ.get("CONTENT_LENGTH") or 0)
    sent = environ["wsgi.input"].read(length) if length else b""
    try:
        status, document = _act(world, asked, sent)
    except ValueError as exc:
        status, document = "400 Bad Request", {"error": str(exc)}
    body = json.dumps(document, sort_keys=True).encode() + b"\n"
    start_response(status, [("Content-Type", "application/json"), ("Content-Length", str(len(body)))])
    return [body]


def _act(world: World, asked: str, sent: bytes) -> tuple[str, Any]:
    ok = "200 OK"
    match asked:
        case "GET health":
            return ok, {"ok": True, "pid": os.getpid(), "scenario": world.scenario, "seed": world.seed}
        case "GET credentials":
            return ok, world.accounts.public()
        case "GET calls":
            return ok, world.log.all()
        case "GET inventory":
            return ok, inventory.take(world)
        case "GET faults":
            return ok, world.faults.all()
        case "POST faults":
            return ok, {"number": world.faults.add(rule_of(_document(sent, "faults", {"kind": "throttle"})))}
        case "DELETE faults":
            world.faults.clear()
            return ok, {"faults": 0}
        case "POST keep":
            seconds = _seconds(sent)
            world.lifetime.keep(seconds)
            return ok, {"seconds": seconds}
        case "POST stop":
            world.lifetime.stop()
            return ok, {"stopping": True}
    return "404 Not Found", {
        "error": f"no control route {asked!r}",
        "expected": "GET health|credentials|calls|inventory|faults, POST keep|stop|faults, DELETE faults",
    }


def _seconds(sent: bytes) -> int:
    document = _document(sent, "keep", {"seconds": 60})
    seconds = document.get("seconds") if isinstance(document, dict) else None
    if isinstance(seconds, bool) or not isinstance(seconds, int) or seconds <= 0:
        msg = f"keep expects a positive whole number of seconds, got {seconds!r}"
        raise ValueError(msg)
    return seconds


def _document(sent: bytes, route: str, example: dict[str, Any]) -> Any:  # noqa: ANN401 — plain JSON
    try:
        return json.loads(sent)
    except ValueError as exc:
        msg = f"{route} expects JSON such as {json.dumps(example)}: {exc}"
        raise ValueError(msg) from exc
