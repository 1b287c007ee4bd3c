"""Receipts that do not say who acted."""

from typing import Any

from drproof.model.receipt import Receipt


def anonymous(*receipts: Receipt[Any]) -> str:
    """Return what is to be said of those whose caller nobody knows; empty when each has one."""
    found = [receipt for receipt in receipts if receipt.caller is None]
    phases = ", ".join(receipt.phase for receipt in found)
    reasons = "; ".join(dict.fromkeys(receipt.reason for receipt in found if receipt.reason))
    return ": ".join(filter(None, (f"nobody knows who acted in {phases}", reasons))) if found else ""
