"""A person's decision about a closed bundle, signed with a key of their own and laid beside it."""

from datetime import datetime
from pathlib import Path
from typing import Literal

from drproof.engine.clock import instant
from drproof.engine.refusal import refuse
from drproof.evidence import envelope, statements
from drproof.evidence.bundle import write_atomic
from drproof.evidence.canonical import digest
from drproof.evidence.integrity import CLOSING, OPENING
from drproof.evidence.statements import Closing, SignOff
from drproof.model.errors import EvidenceError
from drproof.targets import open_key


def sign_off(  # noqa: PLR0913 — what a decision says
    directory: Path,
    signer: str,
    *,
    decision: Literal["approved", "rejected"],
    person: str,
    ticket: str,
    reason: str,
    at: datetime,
    region: str = "",
    profile: str = "",
) -> Path:
    """Write a signed decision and return where it lies.

    Raises:
        Refusal: the bundle is not closed, or the key signed the drill itself.
        TargetError: the key cannot be used.
    """
    try:
        data = (directory / CLOSING).read_bytes()
        closed = envelope.read(data)
        closing = statements.read(closed, Closing).predicate
        opened = envelope.read((directory / OPENING).read_bytes())
    except (OSError, EvidenceError) as exc:
        raise refuse(
            f"{directory} holds no closed bundle: {exc}",
            next_step=f"drproof status {directory}",
        ) from exc
    key = open_key(signer, region=region, profile=profile)
    if key.keyid in {signature.keyid for envelope_ in (opened, closed) for signature in envelope_.signatures}:
        raise refuse(
            "this key signed the drill: nobody approves their own work",
            expected="the approver's own key",
            got=key.keyid,
            next_step="drproof keys init <another folder> --role approver",
        )
    said = SignOff(
        drill_id=closing.drill_id,
        decision=decision,
        person=person,
        ticket=ticket,
        reason=reason,
        signed_at=instant(at),
    )
    path = directory / "after" / f"sign-off-{at:%Y%m%dT%H%M%S}{at.microsecond // 1000:03}Z-{key.keyid[:8]}.dsse.json"
    write_atomic(path, statements.signed({CLOSING: digest(data)}, said, [key]))
    return path
