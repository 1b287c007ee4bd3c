"""The Lambda function that reads one restore point of a fleet, by the same code as the phase that reads one.

It is called by each child of a Distributed Map (`fleet_definition`). The reading is made once in the receipts' bucket
of the site that takes over, and never written over; only a reference goes back through Step Functions.
"""

import os
import secrets
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from drproof import catalog
from drproof.engine.clock import SystemClock
from drproof.engine.fleet import PointReader, Ticket
from drproof.engine.preparation import DrillRequest, prepare, tool
from drproof.engine.settings import EMBEDDED
from drproof.evidence.canonical import canonical, digest
from drproof.formats import s3_uri, strict_json
from drproof.model.capabilities import Intent, ReceiptStore
from drproof.model.codec import decode, encode
from drproof.model.errors import AlreadyExistsError, EvidenceError, ThrottledError
from drproof.model.receipt import Count, Digest, Outcome
from drproof.orchestrator.fleet_definition import MAX_ATTEMPTS
from drproof.phases.fleet.observed import PointReading
from drproof.targets import open_target
from drproof.targets.sites import AwsTarget

ANOTHER_TIME = frozenset({"ThrottledError", "UnansweredError"})
"""Ends of a reading after which Step Functions shall wait and call again, as long as it may."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a child of the map passes on."""

    backup_uri: str
    results: str
    """Where readings are written, `s3://bucket/prefix`."""
    execution: str
    """The name of the execution: its readings have a folder of their own."""
    retry_count: Count = 0
    """How often Step Functions has called before for this restore point."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """What goes back through Step Functions: where the reading is, and by what it can be told."""

    backup_uri: str
    outcome: Outcome
    key: str
    sha256: Digest
    size: Count


@dataclass(frozen=True, slots=True)
class Opened:
    """What a process opens once: a warm function reads with what a cold one opened."""

    target: AwsTarget
    reader: PointReader


def handler(event: Mapping[str, Any], context: object) -> dict[str, Any]:
    """Read the restore point that the event names, keep the reading, and return a reference to it.

    Raises:
        ThrottledError: the platform asks to come back later, and Step Functions will.
        EvidenceError: the event is none of `fleet_definition`, or another reading stands in this one's place.
    """
    del context
    asked = decode(Asked, dict(event))
    uri = str(s3_uri.parse(asked.backup_uri))
    opened = _open(uri.rpartition("/")[0])
    # A warm function outlives an execution, and what that saw must not speak for the next one.
    reading = opened.reader.read(uri, of=asked.execution)
    last = reading.attempts[-1].error_class if reading.attempts else ""
    if last in ANOTHER_TIME and asked.retry_count < MAX_ATTEMPTS:
        raise ThrottledError(reading.reason, code=last)
    place = place_of(asked.results, asked.execution)
    found: dict[str, Any] = encode(_kept(opened.target.receipts, place, uri, canonical(encode(reading))))
    return found


def place_of(results: str, execution: str) -> s3_uri.S3Uri:
    """Return where the readings of one execution are."""
    return s3_uri.parse(f"{results.rstrip('/')}/{execution}/readings")


def _kept(store: ReceiptStore, place: s3_uri.S3Uri, uri: str, data: bytes) -> Reference:
    """Write a reading where there is none; where the same restore point has one already, that one stands."""
    key = place.join(f"{digest(uri.encode())}.json")
    # The history of the execution names this restore point before this function is called: it has the intent.
    intent = Intent(number=1, verb="reading.keep", resource=key, token=digest(f"{place} {uri}".encode()))
    try:
        store.create(intent, place.bucket, key, data)
    except AlreadyExistsError:
        data = store.look(place.bucket, key).body
    reading = decode(PointReading, strict_json.parse(data))
    if reading.subject != uri:
        raise EvidenceError("reading", f"{key} holds the reading of {reading.subject}, expected {uri}")
    return Reference(backup_uri=uri, outcome=reading.outcome, key=key, sha256=digest(data), size=len(data))


@cache
def _open(under: str) -> Opened:
    """Open the sites by the settings beside the function: `drproof.toml` in its package, and its environment."""
    folder = Path(os.environ.get("LAMBDA_TASK_ROOT") or ".")
    prepared = prepare(DrillRequest(plan=catalog.FLEET, options={"backups_under": under}, directory=folder))
    plan = prepared.document(nonce=secrets.token_hex(32), created_at=SystemClock().now(), tool=tool())
    endpoint = os.environ.get("DRPROOF_ENDPOINT", "") if prepared.settings.target == EMBEDDED else ""
    ticket = Ticket(plan=plan, settings=prepared.settings, endpoint=endpoint)
    private = Path(tempfile.gettempdir())
    target = open_target(prepared.settings, endpoint or None, directory=private, origin=plan.drill_id)
    return Opened(target, PointReader(ticket, target))
