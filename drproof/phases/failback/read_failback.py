"""A failback of the reference's scripts, read once from the files that were handed in."""

import hashlib
import re
from collections.abc import Iterator, Mapping

from drproof.formats import pointers
from drproof.formats.failback_receipts import FailbackReceipt
from drproof.formats.pointers import Pointer
from drproof.formats.timestamps import milliseconds
from drproof.model.context import Context
from drproof.model.errors import FormatError, PhaseError
from drproof.model.phase import phase
from drproof.phases.execution.projection import WORD
from drproof.phases.failback.comparing import compare_again
from drproof.phases.failback.observed import (
    Acted,
    Compared,
    FailbackObserved,
    Named,
    PlannedPointer,
    PointerKept,
    PointerListed,
    SchedulesKept,
)
from drproof.phases.failback.sorting import KeptPointer, Sorted, sort

KEY = re.compile(r"[\x21-\x7e]{1,1024}", re.ASCII)


@phase(
    plans={"failback-receipts"},
    command_hint="drproof collect --source-dir … --output-dir … --s3-listing …",
)
def read_failback(ctx: Context) -> FailbackObserved:
    """Every handed file was read once and sorted; nothing outside them was asked, and no free text was taken over."""
    if not ctx.collection.files:
        msg = "no file was handed in: there is nothing to judge"
        raise PhaseError(msg)
    found = sort(ctx.collection)
    return FailbackObserved(
        files=tuple(found.files),
        kinds=tuple(sorted(found.receipts)),
        named=tuple(_named(found)),
        planned=tuple(_planned(found)),
        kept=tuple(_kept(found)),
        acted=_acted(found.receipts),
        compared=_compared(found),
        again=compare_again(found.copied),
        listed=_listed(found),
        schedules=tuple(_schedules(found)),
        ended_at=max((at for one in found.receipts.values() for at in one.times), key=milliseconds, default=""),
    )


def _named(found: Sorted) -> Iterator[Named]:
    for kind, receipt in sorted(found.receipts.items()):
        text = receipt.texts
        yield Named(
            source=kind,
            from_run=_name(receipt.from_run),
            to_run=_name(receipt.to_run),
            bucket=_name(text.get("bucket")),
            prefix=_name(text.get("prefix", "").strip("/")),
            account_id=_name(text.get("expected_account_id")),
            region=_name(text.get("region")),
        )
        for run in receipt.pointed:
            before = kind == "verify_before"
            source = f"{kind} of a pointer"
            yield Named(source=source, from_run=_name(run)) if before else Named(source=source, to_run=_name(run))


def _planned(found: Sorted) -> Iterator[PlannedPointer]:
    plan = found.receipts.get("plan")
    for update in plan.updates if plan else ():
        yield PlannedPointer(
            pointer=_label(found, update.key),
            key=_key(update.key),
            run_id=_name(update.run_id),
            run_path=_key(update.run_path),
        )


def _kept(found: Sorted) -> Iterator[PointerKept]:
    for one in found.kept:
        pointer = _read(one)
        yield PointerKept(
            side=one.side,
            pointer=one.label or _label(found, one.path),
            file=one.file,
            run_id=_name(pointer.run_id) if pointer else "",
            run_path=_key(pointer.run_path) if pointer else "",
            size=len(one.data),
            # The ETag of an object that was uploaded in one part; nothing here rests on its strength.
            md5=hashlib.md5(one.data, usedforsecurity=False).hexdigest(),
        )


def _read(one: KeptPointer) -> Pointer | None:
    try:
        return pointers.parse(one.data)
    except FormatError:
        return None


def _label(found: Sorted, key: str) -> str:
    """Return which of the four pointers a key is, by the place that the inputs name; empty for any other key."""
    inputs = found.receipts.get("inputs")
    text: Mapping[str, str] = inputs.texts if inputs else {}
    prefix, provider, profile = (text.get(name, "").strip("/") for name in ("prefix", "provider", "profile"))
    if not prefix:
        return ""
    candidate = re.match(rf"{re.escape(prefix)}/state/candidates/([^/]+)/", key)
    keys = pointers.keys(prefix, candidate[1] if candidate else "", provider, profile)
    return next((label for label, known in keys.items() if known == key), "")


def _acted(receipts: Mapping[str, FailbackReceipt]) -> Acted:
    inputs, apply, summary = (receipts.get(kind) for kind in ("inputs", "apply", "summary"))
    return Acted(
        asked=inputs.answers.get("apply_mode", "") if inputs else "",
        dry=inputs.answers.get("dry_run", "") if inputs else "",
        applied=apply.answers.get("applied", "") if apply else "",
        updated=tuple(_key(key) for key in apply.updated) if apply else (),
        ended_as=(_name(summary.texts.get("status")) or "nothing") if summary else "",
        ended_dry=summary.answers.get("dry_run", "") if summary else "",
    )


def _compared(found: Sorted) -> Compared | None:
    if not found.outcome:
        return None
    one = {side: " and ".join(sorted(_name(run) for run in runs)) for side, runs in found.copies.items()}
    return Compared(outcome=found.outcome, recovered=one.get("recovered", ""), original=one.get("original", ""))


def _listed(found: Sorted) -> tuple[PointerListed, ...] | None:
    """Return the pointers that the store lists; what else lies there is none of our business."""
    if found.stored is None:
        return None
    mine = {update.key for update in found.receipts["plan"].updates} if "plan" in found.receipts else set()
    return tuple(
        PointerListed(key=_key(one.key), size=one.size, md5=one.md5, earlier_md5=one.earlier_md5)
        for one in found.stored
        if one.key in mine
    )


def _schedules(found: Sorted) -> Iterator[SchedulesKept]:
    for site, kept in sorted(found.schedules.items()):
        running = [_name(one.name) or "(a name that is not taken over)" for one in kept if not one.suspended]
        yield SchedulesKept(
            site=site,
            suspended=len(kept) - len(running),
            running=tuple(sorted(running)),
            uids=tuple(sorted({_name(one.uid) for one in kept} - {""})),
        )


def _name(value: object) -> str:
    """Return a short name; prose, and whatever may hide something, is not taken over."""
    return value if isinstance(value, str) and WORD.fullmatch(value) else ""


def _key(value: str) -> str:
    """Return a key without blanks or signs that hide something; any other is not taken over."""
    return value if KEY.fullmatch(value) else ""
