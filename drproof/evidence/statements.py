"""The statements that are signed: opening, checkpoints, closing, and what is said of a closing afterwards.

Source: `docs/bundle-format.md`, sections 3 and 4.
"""

from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Final, Generic, Literal, TypeVar, cast

from msgspec import Struct, field

from drproof.evidence.canonical import canonical
from drproof.evidence.envelope import Envelope, sealed
from drproof.evidence.exact import read_exactly
from drproof.formats import timestamps
from drproof.model.approval import Decision
from drproof.model.codec import encode
from drproof.model.criteria import PlanDocument, Sites, Window
from drproof.model.errors import EvidenceError
from drproof.model.receipt import Count, Digest, Instant, Mode
from drproof.model.signing import Signer

STATEMENT: Final = "https://in-toto.io/Statement/v1"
PREFIX = "https://drproof.dev/attestation/"
COLLECTED = frozenset({"execution", "failback-receipts"})
"""The plans whose bundles a collector signs: it gathered what somebody else did."""

P = TypeVar("P")


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """What is said before the first effect: which plan is fixed."""

    schema_version: Literal[1] = 1
    drill_id: str
    mode: Mode
    plan: str
    opened_at: Instant
    nonce: Digest
    previous_bundle: Digest | None
    sites: Sites


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """What is said as a phase ends: which receipt was written."""

    schema_version: Literal[1] = 1
    drill_id: str
    opening: Digest
    sequence: Count


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """What is said in a receipt store as a phase ends: what another machine needs to go on, by its digests."""

    schema_version: Literal[1] = 1
    drill_id: str
    opening: Digest
    records: Count
    """Of the journal: so many are in the parts that are named."""
    receipts: Count


@dataclass(frozen=True, slots=True, kw_only=True)
class Withheld:
    """A file that was not written because it seemed to hold a secret: where, and which rule said so."""

    path: str
    where: str
    rule: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Closing:
    """What is said last: every file, the outcome, and the end of the receipts' chain."""

    schema_version: Literal[1] = 1
    drill_id: str
    mode: Mode
    plan: str
    opening: Digest
    outcome: Literal["proven", "refuted", "incomplete"]
    window: Window
    receipts: Count
    chain_head: Digest
    file_count: Count
    closed_at: Instant
    withheld: tuple[Withheld, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SignOff:
    """What a person decides about a closed bundle."""

    schema_version: Literal[1] = 1
    drill_id: str
    decision: Literal["approved", "rejected"]
    person: str
    ticket: str
    reason: str
    signed_at: Instant


NAMES: Mapping[type, str] = {
    Opening: "opening/v1",
    Checkpoint: "checkpoint/v1",
    Progress: "progress/v1",
    Closing: "closing/v1",
    SignOff: "sign-off/v1",
    Decision: "decision/v1",
}


@dataclass(frozen=True, slots=True)
class Statement(Generic[P]):
    """Files by their digests, and what is said of them."""

    subjects: Mapping[str, str]
    predicate: P


def opening_of(plan: PlanDocument) -> Opening:
    """Return what the opening of a plan says."""
    return Opening(
        drill_id=plan.drill_id,
        mode=plan.mode,
        plan=plan.plan,
        opened_at=plan.created_at,
        nonce=plan.nonce,
        previous_bundle=plan.previous_bundle,
        sites=plan.criteria.sites,
    )


def signed(subjects: Mapping[str, str], predicate: object, signers: Iterable[Signer]) -> bytes:
    """Return the envelope of a statement; without a signer nobody signs it."""
    return sealed(payload_of(subjects, predicate), signers)


def payload_of(subjects: Mapping[str, str], predicate: object) -> bytes:
    """Return a statement as the bytes that are signed."""
    return canonical(
        {
            "_type": STATEMENT,
            "predicateType": PREFIX + NAMES[type(predicate)],
            "subject": [{"name": name, "digest": {"sha256": digest}} for name, digest in sorted(subjects.items())],
            "predicate": encode(predicate),
        }
    )


def read(envelope: Envelope, kind: type[P]) -> Statement[P]:
    """Return the statement in an envelope.

    Raises:
        EvidenceError: `statement`, when it is not the one form of a statement of this kind.
    """
    try:
        written: _Written[P] = read_exactly(_written(cast("Hashable", kind)), envelope.payload)
        _check(written, kind)
    except EvidenceError as exc:
        raise EvidenceError("statement", f"no {NAMES[kind]}: {exc}") from exc
    return Statement({row.name: row.digest.sha256 for row in written.subject}, written.predicate)


@cache
def _written(kind: Hashable) -> Any:  # noqa: ANN401 — a generic alias that only the run time knows
    generic: Any = _Written
    return generic[kind]


def _check(written: "_Written[Any]", kind: type) -> None:
    if written.predicateType != PREFIX + NAMES[kind]:
        raise EvidenceError("shape", f"expected a statement of {PREFIX + NAMES[kind]}")
    names = [row.name for row in written.subject]
    if names != sorted(set(names)):
        raise EvidenceError("shape", "expected subjects in the order of their names, each once")
    for name in ("opened_at", "closed_at", "signed_at", "decided_at", "expires_at"):
        if (instant := getattr(written.predicate, name, None)) is not None:
            # Some times look like one and are none, such as the thirtieth of February.
            timestamps.parse_evidence(instant)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sum:
    sha256: Digest


@dataclass(frozen=True, slots=True, kw_only=True)
class _Subject:
    name: str
    digest: _Sum


class _Written(Struct, Generic[P], frozen=True, kw_only=True):
    """A statement as it stands in an envelope."""

    type: Literal["https://in-toto.io/Statement/v1"] = field(name="_type")
    predicateType: str  # noqa: N815 — the standard's name
    subject: tuple[_Subject, ...]
    predicate: P
