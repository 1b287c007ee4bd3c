"""A person's side of the gate of an execution: what is to be decided, read from its history and its receipt store.

The task's token approves for whoever holds it: it is read from the history under the approver's own identity, held in
memory alone, and answers the task with a signed decision.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from drproof.engine.clock import instant
from drproof.engine.deciding import Asked
from drproof.engine.execution_seen import Reaches, Seen, look, observed, receipt
from drproof.engine.refusal import refuse
from drproof.evidence import envelope, statements
from drproof.evidence.approvals import SignedDecision
from drproof.evidence.canonical import canonical, digest
from drproof.evidence.exact import read_known
from drproof.evidence.integrity import OPENING, PLAN
from drproof.evidence.statements import Opening
from drproof.formats import s3_uri, timestamps
from drproof.formats.receipt_names import name_of
from drproof.model.capabilities import Intent
from drproof.model.codec import encode
from drproof.model.criteria import PlanDocument
from drproof.model.errors import EvidenceError, NotFoundError

VALIDATE = "validate"
MOST_NAMES = 9
"""How many objects of one name a receipt store is looked through for the one that was signed."""


def asked_of_execution(reaches: Reaches, arn: str, now: datetime) -> tuple[Asked, Seen]:
    """Return what an execution waits for, and the execution.

    Raises:
        Refusal: it does not wait for a person, or not any more.
        EvidenceError: its receipts are not those that it refers to.
    """
    seen = look(reaches, arn)
    until = _until(seen)
    if seen.waits is None or seen.info.status != "RUNNING" or (until and timestamps.parse(until) <= now):
        raise refuse(
            f"{seen.info.name} waits for no decision",
            expected="an execution that is RUNNING and has come to request_manual_approval",
            got=f"{seen.info.status}, at {seen.phase or 'its start'}",
            next_step=f"drproof status --execution-arn {arn}",
        )
    body, validated = receipt(reaches, seen, VALIDATE)
    if validated.get("outcome") != "passed" or validated.get("drill_id") != seen.info.name:
        raise EvidenceError("receipt", f"the receipt of {VALIDATE} shows no validation of {seen.info.name} that passed")
    folder = str(seen.phases[VALIDATE]["receipt"]).rpartition("/")[0]
    opening = envelope.read(_with_digest(reaches, folder, OPENING, str(validated.get("opening"))))
    statement = statements.read(opening, Opening)
    plan = read_known(PlanDocument, _with_digest(reaches, folder, PLAN, statement.subjects.get(PLAN, "")))
    caller = validated.get("caller")
    ran = str(caller.get("arn", "")) if isinstance(caller, Mapping) else ""
    asked = Asked(
        drill_id=seen.info.name,
        execution_arn=arn,
        plan=plan,
        plan_sha256=statement.subjects[PLAN],
        opening_sha256=str(validated.get("opening")),
        validation_sha256=digest(body),
        operators=tuple(sorted({ran, seen.requested_by, *plan.criteria.approval.requested_by} - {""})),
        signed_by=frozenset(signature.keyid for signature in opening.signatures),
        until=until or "it is ended",
        validated_at=str(validated.get("ended_at", "")),
        instance=observed(reaches, seen, "resolve_runner", "instance_id"),
    )
    return asked, seen


def answer(reaches: Reaches, seen: Seen, signed: SignedDecision) -> None:
    """Answer the task that waits with a decision, whatever it is: a rejection is an answer as well.

    Raises:
        NotFoundError: the task does not wait any longer.
    """
    if seen.waits is None:
        msg = f"{seen.info.name} waits for no decision"
        raise NotFoundError(msg, code="NoTask")
    output = canonical(encode(signed))
    # The history of the execution has the answer and who gave it: it has the intent.
    intent = Intent(number=1, verb="workflows.answer", resource=seen.info.arn, token=digest(output)[:32])
    reaches.workflows.succeed(intent, seen.waits.token, output.decode())


def _until(seen: Seen) -> str:
    """Return until when the task waits; empty where nobody says."""
    if seen.waits is None or not seen.waits.timeout_seconds:
        return ""
    return instant(timestamps.parse(seen.waits.since) + timedelta(seconds=seen.waits.timeout_seconds))


def _with_digest(reaches: Reaches, folder: str, path: str, wanted: str) -> bytes:
    """Return the object of a path that has these bytes: one that came again lies beside the first."""
    place: Any = None
    for number in range(1, MOST_NAMES):
        place = s3_uri.parse(f"{folder}/{name_of(path, number)}")
        try:
            body = reaches.receipts.look(place.bucket, place.key).body
        except NotFoundError:
            break
        if digest(body) == wanted:
            return body
    raise EvidenceError("missing", f"{place} is not there with the digest {wanted} that was signed")
