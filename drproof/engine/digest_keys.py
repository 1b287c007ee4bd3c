"""The keys under which a drill digests what nobody may see: made anew on another machine, and stored nowhere.

Source: `docs/adr/0022-what-is-secret-is-derived.md`.
"""

import secrets
from dataclasses import replace
from pathlib import Path

from drproof.engine.keys import rehearsal_signer
from drproof.engine.private import Handover, Private
from drproof.model.capabilities import Target
from drproof.model.settings import Settings
from drproof.targets.signers import FILE

VALUES, ORIGINALS = "values", "originals"
"""What is digested: the values of Secrets, the originals of redacted texts."""


def derived(settings: Settings, target: Target, label: str, drill_id: str) -> bytes | None:
    """Return the key of a drill for one use, the same wherever it is asked for; None where nothing makes it.

    Raises:
        TargetError: the key that it is made from is out of reach.
    """
    signing = settings.signing
    uri = signing.digest_key or (signing.signer if signing.signer.startswith(FILE) else "")
    if not uri:
        return None
    if signing.own and uri == signing.signer:
        rehearsal_signer(Path(uri.removeprefix(FILE)).parent)
    return target.recovery.keyed_digest(uri, f"drproof digest key 1\0{label}\0{drill_id}".encode())


def lasting(handover: Handover, drill_id: str, private: Private, target: Target) -> Handover:
    """Return a handover whose key another machine can make anew, where the drill has a store to go on from.

    The salt of redacted texts is set beside it. A drill that builds on an earlier window keeps that window's key.

    Raises:
        TargetError: the key that they are made from is out of reach.
    """
    settings = handover.settings
    if settings.storing is None:
        return handover
    salt = derived(settings, target, ORIGINALS, drill_id)
    if salt is not None:
        private.set_salt(salt)
    key = derived(settings, target, VALUES, handover.origin) if handover.origin == drill_id else None
    return handover if key is None else replace(handover, key=key.hex())


def regained(handover: Handover, drill_id: str, private: Private, target: Target) -> tuple[Handover, bool]:
    """Return a handover that came without its key, and whether the key is the one that the drill began with."""
    salt = derived(handover.settings, target, ORIGINALS, drill_id)
    if salt is not None:
        private.set_salt(salt)
    key = derived(handover.settings, target, VALUES, handover.origin)
    return replace(handover, key=(key or secrets.token_bytes(32)).hex()), key is not None
