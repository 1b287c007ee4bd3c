"""Receipts of a published run with one fact changed, for sabotages."""

from dataclasses import replace
from typing import Any

from drproof.model.receipt import Receipt
from drproof.phases.published.observed import PublishedRunObserved

Seen = Receipt[PublishedRunObserved]


def pointer(receipt: Seen, label: str, **changes: Any) -> Seen:  # noqa: ANN401 — each field has its own type
    """Return a receipt with another pointer."""
    facts = receipt.facts
    changed = tuple(replace(one, **changes) if one.label == label else one for one in facts.pointers)
    return replace(receipt, observed=replace(facts, pointers=changed))


def published(receipt: Seen, key: str, **changes: Any) -> Seen:  # noqa: ANN401 — each field has its own type
    """Return a receipt with another object of the run."""
    facts = receipt.facts
    changed = tuple(replace(one, **changes) if one.key == key else one for one in facts.objects)
    return replace(receipt, observed=replace(facts, objects=changed))


def latest(receipt: Seen, key: str, **changes: Any) -> Seen:  # noqa: ANN401 — each field has its own type
    """Return a receipt with another latest copy."""
    facts = receipt.facts
    changed = tuple(replace(one, **changes) if one.key == key else one for one in facts.latest)
    return replace(receipt, observed=replace(facts, latest=changed))
