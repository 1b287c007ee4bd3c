"""What an auditor heard from the platform about a closed bundle, as a signed record that lies with the auditor.

It is no part of the bundle, and raises nobody's level but the auditor's own: a reader of it believes the auditor.
"""

from collections.abc import Iterable

from drproof.evidence import envelope, statements
from drproof.evidence import trust as trusting
from drproof.evidence.statements import Corroboration
from drproof.evidence.trust import Trust
from drproof.model.errors import EvidenceError
from drproof.model.signing import Role, Signer

CLOSING = "closing.dsse.json"


def write(said: Corroboration, closing: str, signers: Iterable[Signer]) -> bytes:
    """Return the record of what was heard about the bundle whose closing has this digest."""
    return statements.signed({CLOSING: closing}, said, signers)


def read(data: bytes, closing: str, trust: Trust) -> tuple[Corroboration, tuple[str, ...]]:
    """Return what a record says about the bundle whose closing has this digest, and whose signatures count.

    Raises:
        EvidenceError: `corroboration`: it is no record, of another bundle, or not signed by a trusted collector's key.
    """
    try:
        signed = envelope.read(data)
        statement = statements.read(signed, Corroboration)
    except EvidenceError as exc:
        raise _refused(str(exc)) from exc
    if dict(statement.subjects) != {CLOSING: closing}:
        raise _refused("it is about another bundle")
    said, counted = statement.predicate, []
    for signature in signed.signatures:
        key = trust.named(signature.keyid).get(Role.COLLECTOR)
        if key is None:
            raise _refused(f"it is signed by {signature.keyid}, which is no collector's key in the trust file")
        if not trusting.verifies(trusting.public_key(key.public_key), signature.sig, signed.message):
            raise _refused(f"the signature is not one of {signature.keyid}")
        if key.revoked_at is not None or key.counts_at(said.asked_at):
            raise _refused(f"{signature.keyid} did not count at {said.asked_at}, or was revoked")
        counted.append(signature.keyid)
    if not counted:
        raise _refused("it is not signed: nothing shows who asked")
    return said, tuple(counted)


def _refused(why: str) -> EvidenceError:
    return EvidenceError("corroboration", f"the record of what the platform said does not count: {why}")
