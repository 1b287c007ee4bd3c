"""A drill in a world of which one call fails, and what it comes to."""

import json
import os
import re
import shlex
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from drproof.model.errors import TargetError
from drproof.targets import embedded
from tests.drill.conftest import Drill, Operator

RUN_ID = "faulted"
MEMBERS = "12"
SMALL = ("--provisioner", "direct", "--run-id", RUN_ID)
REMEDY = re.compile(r"^ +(?:remove it|next): (pytest -m drill .*|drproof resume .*)$", re.MULTILINE)
KEPT = re.compile(r"/codebuild-(bringup|teardown)\.json$")
"""How the keys end of what builds leave on purpose: their receipts, which are evidence."""

PASSING = (".tflock", ".direct.json")
"""How the keys end of what a drill puts beside the remote state and takes away again; a lease runs out by itself."""

NAMES: dict[str, str] = {
    "throttle": r"SlowDown|LimitExceeded|Throttl|TooManyRequests|\b503\b",
    "server-error": r"Internal|\b500\b",
    "unavailable": r"Unavailable|\b503\b",
    "denied": r"AccessDenied|Unauthorized|Forbidden|\b403\b|access_denied",
    "expired": r"[Ee]xpired|Unauthorized|\b400\b",
    "gone": r"Expired",
    "reset": r"Connection|Unreachable|Unanswered",
    "answer-lost": r"Connection|Unreachable|Unanswered|not sent twice",
    "hang": r"Connection|Timeout|Unreachable|Unanswered",
    "hang-past": r"Connection|[Tt]imeout|Unreachable|Unanswered|[Tt]imed out",
    "reset-mid-body": r"Connection|Streaming|IncompleteRead|Parser",
    "truncated": r"Connection|Streaming|IncompleteRead|Parser",
    "truncated-consistent": r"Incomplete|[Cc]hecksum|Parser|SHA-256|sha256|bytes|truncated|JSON|size|not valid"
    r"|damaged|stream ends|could not be read|did not read the canary|[1-9][0-9]* different|\b404\b",
    "wrong-bytes": r"[Cc]hecksum|damaged|SHA-256|sha256|JSON|differ|changed|not valid|not the|unreadable|StateUnreadable|malformed"
    r"|of which drill s3://\S+tfstate is|did not read the canary|not a RunnerSpec",
}
"""How what was recorded names the fault, whatever the service calls it."""


@dataclass(frozen=True)
class Faulted:
    """One drill, what was left after it, and what was left after the command that it printed."""

    drill: Drill
    struck: int
    """How many calls the rules struck."""
    left: tuple[str, ...]
    remedy: str
    """The command that the drill named; empty when it named none."""
    mended: Drill | None
    left_at_last: tuple[str, ...]

    @property
    def recorded(self) -> str:
        """Everything that the receipts say went wrong; of a drill that was refused, what it printed."""
        if self.drill.directory is None:
            return self.drill.output
        said: list[str] = []
        for receipt in self.drill.receipts.values():
            said.append(receipt["reason"])
            said += [text for one in receipt["attempts"] for text in (one["error"], *one["error_tail"])]
        said += [verdict["reason"] for verdict in self.drill.verdicts.values()]
        said += [str(verdict["observed"]) for verdict in self.drill.verdicts.values() if verdict["status"] == "refuted"]
        return "\n".join(said)


def run(
    operator: Operator,
    *rules: dict[str, Any],
    words: tuple[str, ...] = SMALL,
    beside: Callable[[], Iterable[str]] = tuple,
) -> Faulted:
    """Drill in a world with these rules, and do what the drill then says is to be done.

    `beside` returns what is left in a cluster that is none of the world's.
    """
    with world(operator) as (living, environment):
        for rule in rules:
            embedded.ask(living.endpoint, "POST", "faults", rule)
        drill = operator.drill(*words, **environment)
        struck = sum(rule["struck"] for rule in _asked(living, "faults")) if _lives(living) else _struck_of(drill)
        left = (*_left(inventory(living, drill)), *beside())
        found = REMEDY.search(drill.output) if drill.directory is not None else None
        mended, remedy = None, found[1] if found else ""
        if remedy and left:
            if _lives(living):
                # What fails for ever is mended before anybody cleans up after it.
                embedded.ask(living.endpoint, "DELETE", "faults")
            mended = _do(operator, remedy, environment)
        at_last = (*_left(inventory(living, mended or drill)), *beside())
        return Faulted(drill, struck, left, remedy, mended, at_last)


@contextmanager
def world(operator: Operator) -> Iterator[tuple[embedded.World, dict[str, str]]]:
    """Start a world that the next drill takes over, and end it whatever that did."""
    place = operator.folder / "world"
    place.mkdir()
    variables = {"EMBEDDED_WORLD_MEMBERS": MEMBERS}
    with _members():
        living = embedded.start(place, scenario="none", linger=600)
    try:
        yield living, {**variables, "DRPROOF_WORLD": str(place)}
    finally:
        living.stop()


@contextmanager
def _members() -> Iterator[None]:
    before = os.environ.get("EMBEDDED_WORLD_MEMBERS")
    os.environ["EMBEDDED_WORLD_MEMBERS"] = MEMBERS
    try:
        yield
    finally:
        os.environ.pop("EMBEDDED_WORLD_MEMBERS")
        if before is not None:
            os.environ["EMBEDDED_WORLD_MEMBERS"] = before


def _do(operator: Operator, command: str, environment: dict[str, str]) -> Drill:
    """Type the command that a drill named."""
    words = shlex.split(command)
    if words[0] == "pytest":
        return operator.run(*words[1:], **environment)
    done = operator.cli(*words[1:], **environment)
    return Drill(done.returncode, done.stdout + done.stderr, operator.folder / "reports" / RUN_ID)


def inventory(living: embedded.World, drill: Drill) -> dict[str, Any]:
    """Return what exists: as the world says while it lives, else as it last said."""
    return living.inventory() if _lives(living) else drill.inventory


def _lives(living: embedded.World) -> bool:
    try:
        embedded.ask(living.endpoint, "GET", "health")
    except TargetError:
        return False
    return True


def _asked(living: embedded.World, route: str) -> Any:
    return embedded.ask(living.endpoint, "GET", route)


def _struck_of(drill: Drill) -> int:
    return sum(1 for call in drill.calls if call.get("fault"))


def _left(found: dict[str, Any]) -> Iterator[str]:
    """Yield what a drill made and nobody removed."""
    for kind in ("instances", "volumes", "clusters"):
        yield from (f"{kind}: {json.dumps(one, sort_keys=True)[:200]}" for one in found[kind])
    newest = {(item["bucket"], item["key"]): item for item in found["objects"]}
    for (bucket, key), item in newest.items():
        ours = f"/{RUN_ID}/" in key and KEPT.search(key) is None
        if not item["delete_marker"] and (ours or key.endswith(PASSING)):
            yield f"object: s3://{bucket}/{key}"
