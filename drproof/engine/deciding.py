"""A person's side of the gate: what is to be decided, and the signed decision about it.

Nothing here runs a drill: it reads a bundle that is still open, signs, and lays one file.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Literal

from drproof.engine import world as worlds
from drproof.engine.clock import instant
from drproof.engine.gate import decision_path, waiting_in
from drproof.engine.private import Private
from drproof.engine.refusal import refuse
from drproof.evidence import approvals, tripwire
from drproof.evidence.approvals import SignedDecision
from drproof.evidence.bundle import Bundle
from drproof.evidence.canonical import canonical, digest
from drproof.evidence.integrity import PLAN
from drproof.formats import timestamps
from drproof.model.approval import Decision, same_person
from drproof.model.codec import decode, encode
from drproof.model.criteria import PlanDocument
from drproof.model.errors import EvidenceError
from drproof.model.receipt import Caller
from drproof.model.signing import Signer

Word = Literal["approve", "reject"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What people are asked to decide about."""

    drill_id: str
    execution_arn: str = ""
    plan: PlanDocument
    plan_sha256: str
    opening_sha256: str
    validation_sha256: str
    operators: tuple[str, ...]
    """The ARNs of everybody who ran the drill or had it run."""
    signed_by: frozenset[str]
    """The keys that signed the drill."""
    until: str
    """When the drill ceases to wait."""
    validated_at: str
    instance: str
    """The machine that carries the recovered site; empty where nobody says."""


def asked_of(directory: Path, types: Mapping[str, Any], now: datetime) -> Asked:
    """Return what the drill in a folder waits for; its bundle is still open.

    Raises:
        Refusal: it does not wait, or not any more.
        EvidenceError: the folder is not as the drill wrote it.
    """
    directory = directory.resolve()
    waiting = waiting_in(directory)
    if waiting is None or timestamps.parse(waiting.until) <= now:
        raise refuse(
            f"the drill in {directory} waits for no decision",
            expected="a drill that runs with --await-approval and has come to its gate",
            got=f"one that waited until {waiting.until}" if waiting is not None else "",
            next_step=f"drproof status {directory}",
        )
    bundle = Bundle.open(directory, types)
    if problems := list(bundle.chain_problems()):
        raise EvidenceError(problems[0].code, f"{directory} is not as its drill wrote it: {problems[0].message}")
    files = {file.receipt.phase: file for file in bundle.files}
    runner = files.get("resolve_runner")
    return Asked(
        drill_id=bundle.plan.drill_id,
        plan=bundle.plan,
        plan_sha256=digest((directory / PLAN).read_bytes()),
        opening_sha256=bundle.opening_digest,
        validation_sha256=files["validate"].digest,
        operators=tuple(sorted({file.receipt.caller.arn for file in bundle.files if file.receipt.caller is not None})),
        signed_by=frozenset(bundle.signers),
        until=waiting.until,
        validated_at=files["validate"].receipt.ended_at,
        instance=getattr(runner.receipt.observed, "instance_id", "") if runner is not None else "",
    )


def endpoint_of(directory: Path) -> str:
    """Return where the embedded world of a rehearsal answers.

    Raises:
        Refusal: its private folder cannot be read.
        TargetError: the world has ended.
    """
    return worlds.again(Private.of(directory.resolve()).handover().world).endpoint


def decide(  # noqa: PLR0913 — what a decision says
    asked: Asked,
    word: Word,
    *,
    caller: Caller,
    signer: Signer,
    ticket: str,
    reason: str,
    now: datetime,
    valid_ms: int,
) -> SignedDecision:
    """Return the signed decision of a caller.

    Raises:
        Refusal: it would not count: it lacks a reason or a ticket, the caller had the drill run, or the key is no
            approver's of this drill.
    """
    if not reason.strip():
        raise refuse("a decision has a reason", next_step=f"drproof {word} … --reason TEXT")
    if not ticket.strip():
        raise refuse("a decision has a ticket", next_step=f"drproof {word} … --ticket ID")
    for name, text in (("--reason", reason), ("--ticket", ticket)):
        if tripwire.spans(text):
            raise refuse(
                f"{name} holds what is like a secret",
                expected="words that everybody may read",
                next_step="say it again",
            )
    if own := next((operator for operator in asked.operators if same_person(caller.arn, operator)), ""):
        raise refuse(
            f"{caller.arn} seems to be who ran this drill: nobody approves their own work",
            expected=f"somebody else than {own}",
            next_step="have another person decide, under a sign-on of their own",
        )
    _refuse_the_key(asked, signer)
    decision = Decision(
        approved=word == "approve",
        approver=caller.arn,
        account_id=caller.account_id,
        ticket=ticket,
        reason=reason,
        decided_at=instant(now),
        expires_at=instant(now + timedelta(milliseconds=valid_ms)),
        drill_id=asked.drill_id,
        execution_arn=asked.execution_arn,
        plan_sha256=asked.plan_sha256,
        validation_sha256=asked.validation_sha256,
    )
    # What the platform says of a caller is checked as what is read from a file.
    decode(Decision, encode(decision))
    return approvals.sign(decision, asked.opening_sha256, (signer,))


def lay(directory: Path, signed: SignedDecision) -> Path:
    """Lay a decision beside the drill that waits for it, whole and once, and return where.

    Raises:
        Refusal: there lies one already.
    """
    path = decision_path(directory.resolve())
    unfinished = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(canonical(encode(signed)))
            file.flush()
            os.fsync(file.fileno())
        # A link never replaces: of two who decide at once, one does.
        os.link(unfinished, path)
    except FileExistsError as exc:
        raise refuse(f"{path} exists already: somebody has decided", next_step=f"drproof status {directory}") from exc
    finally:
        unfinished.unlink()
    return path


def _refuse_the_key(asked: Asked, signer: Signer) -> None:
    known = [one.keyid for one in asked.plan.criteria.approval.approvers]
    if signer.keyid in asked.signed_by:
        raise refuse(
            "this key signed the drill: nobody approves their own work",
            expected="the approver's own key",
            got=signer.keyid,
            next_step="drproof keys init <another folder> --role approver, before the next drill",
        )
    if signer.keyid not in known:
        raise refuse(
            "this key is no approver's: the plan of the drill names those who may decide",
            expected=" or ".join(known) or "a key of the trust file with the role approver",
            got=signer.keyid,
            next_step="use the key of an approver, or enter this one in the trust file before the next drill",
        )
