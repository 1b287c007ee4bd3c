"""The two questions that an imported execution answers apart: where its receipts come from, and what they show."""

from collections.abc import Iterable

from drproof import catalog
from drproof.model.verdict import Status, Verdict

ORIGIN, RECOVERY = "origin", "recovery"
WORDS = {ORIGIN: "corroborated", RECOVERY: "proven"}
"""What each is called when every claim that belongs to it is proven."""

REFUTED, UNPROVEN = "refuted", "unproven"


def scores(verdicts: Iterable[Verdict]) -> dict[str, str]:
    """Return `origin` and `recovery`: refuted by one refuted claim, unproven by one that is not shown."""
    topics = {contract.name: contract.topic for contract in catalog.plan(catalog.EXECUTION).contracts}
    found: dict[str, set[Status]] = {topic: set() for topic in WORDS}
    for verdict in verdicts:
        topic = topics.get(verdict.contract, "")
        if topic in found:
            found[topic].add(verdict.status)
    return {topic: _word(topic, statuses) for topic, statuses in found.items()}


def score_lines(verdicts: Iterable[Verdict]) -> list[str]:
    """Return both scores for people, each with every reason against it."""
    listed = list(verdicts)
    topics = {contract.name: contract.topic for contract in catalog.plan(catalog.EXECUTION).contracts}
    lines = []
    for topic, word in scores(listed).items():
        lines.append(f"{topic}: {word}")
        lines += [
            f"  {verdict.status.value} {verdict.name}: {verdict.reason}"
            for verdict in sorted(listed, key=lambda one: one.status is not Status.REFUTED)
            if topics.get(verdict.contract) == topic and not verdict.proven
        ]
    return lines


def _word(topic: str, statuses: set[Status]) -> str:
    if Status.REFUTED in statuses:
        return REFUTED
    # No claim at all shows nothing.
    return WORDS[topic] if statuses == {Status.PROVEN} else UNPROVEN
