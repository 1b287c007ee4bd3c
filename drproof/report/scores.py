"""The two questions that a hand-in answers apart: where its receipts come from, and what they show."""

from collections.abc import Iterable, Mapping

from drproof import catalog
from drproof.model.verdict import Status, Verdict

ORIGIN, RECOVERY, FAILBACK = "origin", "recovery", "failback"
WORDS: Mapping[str, Mapping[str, str]] = {
    catalog.EXECUTION: {ORIGIN: "corroborated", RECOVERY: "proven"},
    catalog.FAILBACK_RECEIPTS: {ORIGIN: "corroborated", FAILBACK: "proven"},
}
"""The questions of each plan, and what each is called when every claim that belongs to it is proven."""

REFUTED, UNPROVEN = "refuted", "unproven"


def scores(verdicts: Iterable[Verdict], plan: str = catalog.EXECUTION) -> dict[str, str]:
    """Return the score of each question: refuted by one refuted claim, unproven by one that is not shown."""
    topics = _topics(plan)
    found: dict[str, set[Status]] = {topic: set() for topic in WORDS[plan]}
    for verdict in verdicts:
        topic = topics.get(verdict.contract, "")
        if topic in found:
            found[topic].add(verdict.status)
    return {topic: _word(WORDS[plan][topic], statuses) for topic, statuses in found.items()}


def score_lines(verdicts: Iterable[Verdict], plan: str = catalog.EXECUTION) -> list[str]:
    """Return both scores for people, each with every reason against it."""
    listed, topics = list(verdicts), _topics(plan)
    lines = []
    for topic, word in scores(listed, plan).items():
        lines.append(f"{topic}: {word}")
        lines += [
            f"  {verdict.status.value} {verdict.name}: {verdict.reason}"
            for verdict in sorted(listed, key=lambda one: one.status is not Status.REFUTED)
            if topics.get(verdict.contract) == topic and not verdict.proven
        ]
    return lines


def _topics(plan: str) -> dict[str, str]:
    return {contract.name: contract.topic for contract in catalog.plan(plan).contracts}


def _word(word: str, statuses: set[Status]) -> str:
    if Status.REFUTED in statuses:
        return REFUTED
    # No claim at all shows nothing.
    return word if statuses == {Status.PROVEN} else UNPROVEN
