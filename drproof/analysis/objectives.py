"""Measured recovery time and recovery point, from the receipts' own instants."""

from collections.abc import Mapping
from typing import Any

from drproof.formats.timestamps import milliseconds
from drproof.model.codec import encode
from drproof.model.errors import FormatError
from drproof.model.receipt import Receipt


def measured_rto(receipts: Mapping[str, Receipt[Any]]) -> int | None:
    """Return the milliseconds from the look at the original site to the end of validation; None when not measured."""
    began, ended = receipts.get("check_health"), receipts.get("validate")
    if began is None or ended is None or not (began.passed and ended.passed):
        return None
    return milliseconds(ended.ended_at) - milliseconds(began.started_at)


def measured_rpo(receipts: Mapping[str, Receipt[Any]]) -> int | None:
    """Return the milliseconds from the restore point's creation to the moment it was read; None when not measured."""
    read = receipts.get("read_restore_point")
    if read is None or not read.passed:
        return None
    facts = encode(read.observed)
    created_at = facts.get("created_at") if isinstance(facts, dict) else None
    try:
        return milliseconds(read.started_at) - milliseconds(created_at)
    except FormatError:
        return None
