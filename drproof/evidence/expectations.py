"""What a reader expects of a bundle beside its integrity, as they type it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from drproof.formats import durations
from drproof.model.errors import EvidenceError, FormatError

LEVELS = ("L0", "L1", "L2", "L3", "L4")


@dataclass(frozen=True, slots=True, kw_only=True)
class Expectations:
    """What the reader demands; what is empty is not asked, and the result says so."""

    drill: str = ""
    nonce: str = ""
    account: str = ""
    region: str = ""
    previous: str = ""
    max_age_ms: int | None = None
    level: int = 0
    full: bool = False
    accept_rehearsal: bool = False


def read(options: Mapping[str, Any]) -> Expectations:
    """Return the expectations that the options of a command line name; None says nothing.

    Raises:
        EvidenceError: `usage`, when one of them cannot be meant.
    """
    if empty := sorted(name for name, value in options.items() if value == ""):
        # A variable that a pipeline forgot to set must not switch off what it was to demand.
        raise EvidenceError("usage", f"--{empty[0].replace('_', '-')} is empty; leave it out to expect nothing")
    level = str(options.get("require_level") or "L0").upper()
    if level not in LEVELS:
        raise _misuse(f"--require-level {level}; expected one of {', '.join(LEVELS)}")
    age = options.get("max_age")
    try:
        max_age = durations.parse(age) if age else None
    except FormatError as exc:
        raise _misuse(f"--max-age: {exc}") from exc
    return Expectations(
        drill=options.get("expect_drill") or "",
        nonce=options.get("expect_nonce") or "",
        account=options.get("expect_account") or "",
        region=options.get("expect_region") or "",
        previous=(options.get("prev") or "").removeprefix("sha256:"),
        max_age_ms=max_age,
        level=LEVELS.index(level),
        full=bool(options.get("require_full")),
        accept_rehearsal=bool(options.get("accept_rehearsal")),
    )


def _misuse(message: str) -> EvidenceError:
    return EvidenceError("usage", f"{message}\n  next: mend the option, then run the same command")
