"""Every exception that drproof raises on purpose because the world is wrong.

A caller's mistake is a `ValueError` (or `pytest.UsageError` at the plugin's face), never one of these.
"""

from collections.abc import Collection
from typing import Self


class DrproofError(Exception):
    """Something outside drproof is not as it must be."""


class TargetError(DrproofError):
    """The platform refused or failed a call.

    `code` is the platform's own error code (`AccessDenied`, `NoSuchKey`, …) and `call` what was asked; `kept` names
    what of several things it did not take, where it took the others.
    """

    def __init__(self, message: str, *, code: str = "", call: str = "", kept: Collection[str] = ()) -> None:
        super().__init__(message)
        self.code = code
        self.call = call
        self.kept = frozenset(kept)


class NotFoundError(TargetError):
    """What was asked for does not exist."""


class AlreadyExistsError(TargetError):
    """A conditional create found the thing already there."""


class ThrottledError(TargetError):
    """The platform asks to be called less often; the same call may succeed later."""


class UnansweredError(TargetError):
    """The platform gave no answer: what was asked may or may not have happened."""


class QuotaError(TargetError):
    """A quota of the account forbids what was asked: recovery was not tried, it did not fail."""


class HeldError(TargetError):
    """Somebody else holds what the effect needs, such as a lock: recovery was not tried, it did not fail."""


class GuardError(DrproofError):
    """A guard refused an effect: wrong account, region, owner, or not ours."""


class LeaseError(DrproofError):
    """Another drill holds the target, or this one lost its lease."""


class PhaseError(DrproofError):
    """A phase did what it could and its end state was not reached."""


class NotRunError(DrproofError):
    """A phase has nothing to do in this drill, and says why."""


class UnobservedError(DrproofError):
    """Something was done in the stead of a phase, and nothing can show what came of it."""


class JournalError(DrproofError):
    """The journal cannot be read or written; nothing may be changed without it."""


class PlanError(DrproofError):
    """A plan cannot be built: a cycle, an unknown name, a duplicate."""


class EvidenceError(DrproofError):
    """Evidence is unreadable or malformed; `code` is a stable reason."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code

    def __reduce__(self) -> tuple[type[Self], tuple[str, str]]:
        """Return what makes the same error again: what ends a process of ours is told to the one that waits for it."""
        return type(self), (self.code, str(self))


class FormatError(EvidenceError):
    """Bytes are not what their format says."""


class Interruption(BaseException):
    """A signal asked the run to end.

    It derives from `BaseException` because SDKs and phases catch `Exception` and would swallow it.
    """

    def __init__(self, reason: str, *, exit_status: int) -> None:
        super().__init__(reason)
        self.reason = reason
        self.exit_status = exit_status
