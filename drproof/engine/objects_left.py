"""What an execution restored and is still there, by the intents that it announced in its store."""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from drproof.engine.execution_seen import Seen
from drproof.evidence.integrity import CLOSING
from drproof.formats import s3_uri, strict_json
from drproof.formats.receipt_names import name_of
from drproof.model.capabilities import ReceiptStore
from drproof.model.errors import EvidenceError, FormatError
from drproof.phases.recovery.own_objects import WRITING

RESTORING = "restore_state"
MOST = 1_000_000
"""Keys below one prefix that are looked through."""

AT_ONCE = 8
"""Intents that are read at a time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectsLeft:
    """Objects of one place that an execution meant to write, and that are there."""

    place: str
    count: int
    remedy: str
    """The command that removes them."""


def objects_left(receipts: ReceiptStore, seen: Seen) -> tuple[ObjectsLeft, ...]:
    """Return the objects that are left of an execution, by the places into which it restored.

    Whose an object is by its tags is asked by what removes it: here keys are compared.

    Raises:
        TargetError: a store does not answer, or refuses to tell.
        FormatError: what lies there as an intent is none.
        EvidenceError: it restored, and no intent says what.
    """
    if not seen.newest_receipt:
        return ()
    folder = seen.newest_receipt.rpartition("/")[0]
    written: dict[str, set[str]] = {}
    try:
        for record in _intents(receipts, s3_uri.parse(folder)):
            if record["verb"] == WRITING:
                place = str(record["resource"]).rpartition("#")[0]
                written.setdefault(place, set()).update(record["details"]["keys"])
    except (KeyError, TypeError) as exc:
        raise FormatError("journal-record", f"{folder}/journal holds what announces no effect: {exc}") from exc
    if seen.phases.get(RESTORING, {}).get("outcome") == "passed" and not written:
        msg = f"{folder}/journal announces no object, and {RESTORING} passed: nobody knows what it wrote"
        raise EvidenceError("journal-record", f"{msg}\n  next: drproof resume {folder}")
    found = []
    for place, keys in sorted(written.items()):
        where = s3_uri.parse(place.rstrip("/"))
        count = len(keys.intersection(receipts.keys(where.bucket, f"{where.key}/", most=MOST)))
        if count:
            found.append(ObjectsLeft(place=place, count=count, remedy=remedy(receipts, seen)))
    return tuple(found)


def remedy(receipts: ReceiptStore, seen: Seen) -> str:
    """Return the command that removes what is left of an execution: its own teardown, or a sweep that is told to.

    Nobody goes on with what is sealed, or with what left no receipts: such things go once they have expired.
    """
    by_sweep = f"drproof gc --drill {seen.info.name} --yes, once it has expired; without --yes it only tells"
    if not seen.newest_receipt:
        return by_sweep
    folder = seen.newest_receipt.rpartition("/")[0]
    place = s3_uri.parse(folder)
    sealed = receipts.holds(place.bucket, place.join(name_of(CLOSING)))
    return by_sweep if sealed else f"drproof resume {folder}"


def _intents(receipts: ReceiptStore, folder: s3_uri.S3Uri) -> list[Mapping[str, Any]]:
    keys = receipts.keys(folder.bucket, f"{folder.join('journal')}/", most=MOST)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        return list(pool.map(lambda key: strict_json.parse(receipts.look(folder.bucket, key).body), keys))
