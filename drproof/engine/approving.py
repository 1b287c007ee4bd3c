"""Whether a drill waits for people at its gate, and who may decide: fixed before its first effect."""

from datetime import UTC, datetime
from pathlib import Path

from drproof.engine.clock import instant
from drproof.engine.keys import TRUST, read_trust
from drproof.engine.refusal import refuse
from drproof.evidence.trust import Trust
from drproof.model.criteria import Approval, Approver
from drproof.model.plan import Plan
from drproof.model.settings import Settings, Signing
from drproof.model.signing import Role
from drproof.targets.signers import FILE

LONGEST_MS = 7 * 86_400_000
"""How long a drill may wait: what is up meanwhile costs."""


def approval_of(settings: Settings, plan: Plan) -> Approval:
    """Return the bar of a decision; of a plan without a gate nothing is awaited.

    Raises:
        Refusal: a bypass is asked for as well, the wait is too long, or nobody could decide.
    """
    promotion = settings.promotion
    if not promotion.await_ms or "promote" not in plan.names:
        return Approval()
    if promotion.auto_promote:
        raise refuse(
            "--await-approval and --auto-promote are both given: one waits for people, the other records a bypass",
            expected="one of them",
            got="both",
            next_step="leave out --auto-promote and --allow-promote-bypass",
        )
    if promotion.await_ms > LONGEST_MS:
        raise refuse(
            "--await-approval is too long: what is up meanwhile costs",
            expected="at most 7d",
            got=f"{promotion.await_ms} ms",
            next_step="pytest -m drill --await-approval 4h",
        )
    path = _trust_path(settings.signing)
    approvers = approvers_of(read_trust(path)) if path is not None else ()
    if not approvers:
        folder = path.parent if path is not None else ".drproof"
        raise refuse(
            f"--await-approval waits for people, and {path or 'no trust file'} names nobody who may decide",
            expected="a key with the role approver that signs no drills",
            got="none",
            next_step=f"drproof keys init {folder} --role approver, by the approver where the drill is not a rehearsal",
        )
    return Approval(within_ms=promotion.await_ms, approvers=approvers)


def _trust_path(signing: Signing) -> Path | None:
    if signing.trust:
        return Path(signing.trust)
    path = Path(signing.signer.removeprefix(FILE)).with_name(TRUST)
    return path if signing.own and path.is_file() else None


def approvers_of(trust: Trust, *, at: str = "") -> tuple[Approver, ...]:
    """Return the keys that count as approvers at an instant, by itself now, and sign nothing else."""
    at = at or instant(datetime.now(UTC))
    return tuple(
        Approver(keyid=key.keyid, public_key=key.public_key)
        for key in trust.keys
        if key.role is Role.APPROVER
        and key.revoked_at is None
        and not key.counts_at(at)
        and set(trust.named(key.keyid)) == {Role.APPROVER}
    )
