"""The two accounts of the world, the keys that open them, and an approver's; the keys are new in every world."""

import secrets
import string
from dataclasses import asdict, dataclass

from drproof.embedded.names import Names

ROLE = "assumed-role/drproof-rehearsal/embedded"
APPROVER = "assumed-role/drproof-approver/approver"
_ALPHABET = string.ascii_uppercase + "234567"


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """An access key of one account, and the region in which that account's site lies."""

    access_key_id: str
    secret_access_key: str
    account_id: str
    region: str
    expires_at: str = ""
    """When it ends; empty for one that does not. The world says so, and refuses nobody later."""
    role: str = ROLE
    """Whom it makes the caller."""


class Accounts:
    """Which account an access key belongs to."""

    def __init__(self, names: Names, *, recovery_until: str = "") -> None:
        self.primary = _issue(names.primary.account_id, names.primary.region)
        self.recovery = _issue(names.recovery.account_id, names.recovery.region, recovery_until)
        self.approver = _issue(names.recovery.account_id, names.recovery.region, role=APPROVER)
        """Somebody else than who drills, so that a rehearsal's decision is not one's own."""
        self._expired: set[str] = set()
        self._by_key = {found.access_key_id: found for found in (self.primary, self.recovery, self.approver)}

    def of(self, access_key_id: str) -> Credentials | None:
        """Return the credentials of an access key, or None when the world never issued it."""
        return self._by_key.get(access_key_id)

    def expire(self, access_key_id: str) -> None:
        """End a key: its account gets another, which whoever asks for credentials from now on is given."""
        if access_key_id not in self._by_key or access_key_id in self._expired:
            return
        self._expired.add(access_key_id)
        for side in ("primary", "recovery"):
            held: Credentials = getattr(self, side)
            if held.access_key_id == access_key_id:
                renewed = _issue(held.account_id, held.region, held.expires_at)
                self._by_key[renewed.access_key_id] = renewed
                setattr(self, side, renewed)

    def has_expired(self, access_key_id: str) -> bool:
        """Return whether a key was ended."""
        return access_key_id in self._expired

    def public(self) -> dict[str, dict[str, str]]:
        """Return all credentials as `world.json` carries them."""
        return {side: asdict(getattr(self, side)) for side in ("primary", "recovery", "approver")}


def _issue(account_id: str, region: str, expires_at: str = "", *, role: str = ROLE) -> Credentials:
    # The emulator takes a key for a key only when it has twenty capitals or digits.
    key = "AKIA" + "".join(secrets.choice(_ALPHABET) for _ in range(16))
    return Credentials(
        access_key_id=key,
        secret_access_key=secrets.token_urlsafe(30),
        account_id=account_id,
        region=region,
        expires_at=expires_at,
        role=role,
    )
