"""Decisions of people, signed with their own keys: made, read in their one form, and doubted before they count.

Source: `docs/bundle-format.md`, section 3, for envelope and statement.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from drproof.evidence import envelope, statements, trust
from drproof.evidence.canonical import canonical
from drproof.evidence.envelope import Envelope, Written
from drproof.evidence.exact import exactly
from drproof.evidence.integrity import OPENING, PLAN
from drproof.formats import timestamps
from drproof.formats.strict_json import parse
from drproof.model.approval import Decision, same_person
from drproof.model.codec import decode, encode
from drproof.model.errors import DrproofError, EvidenceError
from drproof.model.signing import Signer

VALIDATION = "validation"
"""The subject of the statement that stands for the receipt of `validate`."""
SKEW_MS = 60_000
"""How far the clocks of an approver and of a runner may differ."""
MOST_CHARACTERS = 300
"""Of a doubt: it may quote what somebody else wrote."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedDecision:
    """A decision in plain words, and the envelope that holds the same decision with the signatures."""

    decision: Decision
    dsse: Written


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came of asking people (evidence `decision` of `promote`): the decision that counted, and what did not."""

    signed: SignedDecision | None
    refused: tuple[str, ...]
    """Why each other answer did not count."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """What a decision must meet to count."""

    drill_id: str
    execution_arn: str = ""
    plan_sha256: str = ""
    """Empty where the reader has no plan: the opening names it as well."""
    opening_sha256: str
    validation_sha256: str
    keys: Mapping[str, str]
    """The keys of those who may decide: key id to public key in PEM."""
    operators: tuple[str, ...]
    """The ARNs of everybody who ran the drill or had it run; "" for one whom nobody knows."""
    asked_at: str
    within_ms: int
    """How long after that a decision may be made."""
    recorded_at: str
    """When it is recorded: before it expires."""


def sign(decision: Decision, opening_sha256: str, signers: Iterable[Signer]) -> SignedDecision:
    """Return a decision with the signatures over it and over what it rests on."""
    data = statements.signed(_subjects(decision, opening_sha256), decision, signers)
    return SignedDecision(decision=decision, dsse=decode(Written, parse(data)))


def read(value: Any) -> SignedDecision:  # noqa: ANN401 — plain JSON
    """Return the signed decision that plain JSON is.

    Raises:
        EvidenceError: a member is missing, added or of another type, or what is signed is not what stands beside it.
    """
    signed = exactly(SignedDecision, value)
    if _statement(signed).predicate != signed.decision:
        raise EvidenceError("decision", "the decision beside the envelope is not the one that was signed")
    return signed


def doubt(value: Any, bar: Bar) -> str:  # noqa: ANN401 — plain JSON
    """Return why a signed decision does not count, or ""."""
    try:
        signed = read(value)
        statement = _statement(signed)
        found = (
            *_of_the_signatures(_envelope(signed), bar.keys),
            *_of_the_subjects(signed.decision, statement.subjects, bar),
            *_of_the_time(signed.decision, bar),
            *_of_the_person(signed.decision, bar.operators),
            *_of_the_words(signed.decision),
        )
    except DrproofError as exc:
        found = (f"it is no signed decision: {exc}",)
    return found[0][:MOST_CHARACTERS] if found else ""


def _subjects(decision: Decision, opening_sha256: str) -> dict[str, str]:
    return {OPENING: opening_sha256, PLAN: decision.plan_sha256, VALIDATION: decision.validation_sha256}


def _envelope(signed: SignedDecision) -> Envelope:
    return envelope.read(canonical(encode(signed.dsse)))


def _statement(signed: SignedDecision) -> "statements.Statement[Decision]":
    return statements.read(_envelope(signed), Decision)


def _of_the_signatures(signed: Envelope, keys: Mapping[str, str]) -> Iterator[str]:
    if not signed.signatures:
        yield "nobody signed it"
    for signature in signed.signatures:
        pem = keys.get(signature.keyid)
        if pem is None:
            yield f"it is signed by {signature.keyid}, which is no key of an approver of this drill"
        elif not trust.verifies(trust.public_key(pem), signature.sig, signed.message):
            yield f"its signature is not one of {signature.keyid}"


def _of_the_words(decision: Decision) -> Iterator[str]:
    for name, said in (("ticket", decision.ticket), ("reason", decision.reason)):
        if not said.strip():
            yield f"it names no {name}"


def _of_the_subjects(decision: Decision, subjects: Mapping[str, str], bar: Bar) -> Iterator[str]:
    if subjects != _subjects(decision, subjects.get(OPENING, "")):
        yield "its statement is not about an opening, a plan and a validation, the ones that it names"
    for name, said, wanted in (
        ("drill", decision.drill_id, bar.drill_id),
        ("execution", decision.execution_arn, bar.execution_arn),
        ("opening", subjects.get(OPENING, ""), bar.opening_sha256),
        ("plan", decision.plan_sha256, bar.plan_sha256 or decision.plan_sha256),
        ("validation", decision.validation_sha256, bar.validation_sha256),
    ):
        if said != wanted:
            yield f"it is about another {name}: {said or 'none'}, expected {wanted or 'none'}"


def _of_the_time(decision: Decision, bar: Bar) -> Iterator[str]:
    decided, asked = timestamps.milliseconds(decision.decided_at), timestamps.milliseconds(bar.asked_at)
    recorded = timestamps.milliseconds(bar.recorded_at)
    if decided < asked - SKEW_MS:
        yield f"it was made at {decision.decided_at}, before people were asked at {bar.asked_at}"
    if decided > recorded + SKEW_MS:
        yield f"it was made at {decision.decided_at}, which is to come"
    if decided > asked + bar.within_ms + SKEW_MS:
        yield f"it was made at {decision.decided_at}, after the time for it was up"
    if recorded > timestamps.milliseconds(decision.expires_at):
        yield f"it expired at {decision.expires_at}"


def _of_the_person(decision: Decision, operators: Iterable[str]) -> Iterator[str]:
    if decision.approver.split(":")[4] != decision.account_id:
        yield f"its approver is not of account {decision.account_id}"
    for operator in operators:
        if not operator:
            yield "nobody knows who ran the drill, so nobody knows that somebody else decided"
        elif same_person(decision.approver, operator):
            yield f"{decision.approver} had this drill run: nobody approves their own work"
