"""Logins to the registry: short-lived, issued to callers, and known to nobody else."""

import secrets
import threading
from datetime import UTC, datetime, timedelta

USER = "AWS"
LIFETIME = timedelta(hours=12)


class Logins:
    """The passwords that the registry issued."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._issued: dict[str, datetime] = {}

    def issue(self) -> tuple[str, datetime]:
        """Return a new password, and when it ends."""
        password, ends = secrets.token_urlsafe(96), datetime.now(UTC).replace(microsecond=0) + LIFETIME
        with self._lock:
            self._issued[password] = ends
        return password, ends

    def admits(self, user: str, password: str) -> bool:
        """Return whether a login was issued and still holds."""
        with self._lock:
            ends = self._issued.get(password)
        return user == USER and ends is not None and datetime.now(UTC) < ends
