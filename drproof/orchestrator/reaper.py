"""The Lambda function that a schedule calls: a sweep of the recovery site, by the very code of `drproof gc`.

It is what remains where a host or a container died together with its guardian. Settings are those of `drproof.toml`
in its package, and its environment; the event may only narrow what is done.
"""

import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from drproof.engine.settings import EMBEDDED
from drproof.engine.sweep import sweep
from drproof.engine.sweep_asked import MOST, Asked, sweep_settings
from drproof.engine.sweep_documents import SweepRecord
from drproof.formats import durations
from drproof.model.codec import decode, encode
from drproof.model.errors import EvidenceError
from drproof.model.receipt import Count
from drproof.orchestrator.remaining import remaining
from drproof.targets import open_target


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """What the schedule, or somebody by hand, passes on."""

    dry_run: bool = True
    """The schedule says that it may remove; an event of somebody who tries the function out does not."""
    drill: str = ""
    older_than: str = "1h"
    """How long something must have expired: clocks differ, and a drill at its end may still clean up after itself."""
    max_deletions: Count = MOST


def handler(event: Mapping[str, Any], context: object) -> dict[str, Any]:
    """Sweep, and return the record; what has expired and is still there is an error, so that an alarm can tell.

    Raises:
        EvidenceError: the event is of another form, or says what nobody here knows: nothing was removed.
        GuardError: wrong account, or more is due than may be removed; nothing was removed.
        RuntimeError: something that has expired is still there; the message has its names.
    """
    if unknown := sorted(event.keys() - Event.__dataclass_fields__.keys()):
        raise EvidenceError(
            "shape", f"the event says {', '.join(unknown)}; it may say {', '.join(Event.__dataclass_fields__)}"
        )
    told = decode(Event, dict(event))
    folder = Path(os.environ.get("LAMBDA_TASK_ROOT") or ".")
    settings = sweep_settings({}, os.environ, folder)
    endpoint = os.environ.get("DRPROOF_ENDPOINT", "") if settings.target == EMBEDDED else ""
    asked = Asked(
        drill=told.drill,
        older_than_ms=durations.parse(told.older_than),
        max_deletions=told.max_deletions,
        yes=not told.dry_run,
        left_ms=remaining(context),
    )
    with tempfile.TemporaryDirectory(prefix="drproof-reaper-") as private:
        target = open_target(settings, endpoint or None, directory=Path(private), origin="")
        record = sweep(target, settings, asked, Path(private))
    if said := unfinished(record):
        raise RuntimeError(said)
    found: dict[str, Any] = encode(record)
    return found


def unfinished(record: SweepRecord) -> str:
    """Return what an alarm has to tell of a sweep; empty where nothing is left, and where it was kept away.

    Another's lease keeps a sweep away before it has begun. One that began and lost its own, or whose time was over, is
    no such thing.
    """
    if record.dry_run or not record.remaining or record.kept_away:
        return ""
    names = ", ".join(f"{item.decision} {item.kind} {item.identity}: {item.why}" for item in record.remaining)
    left = f"{len(record.remaining)} expired things are still there: {names}"
    return f"{record.obstacle}; {left}" if record.obstacle else left
