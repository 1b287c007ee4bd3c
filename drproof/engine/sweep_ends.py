"""What came of each thing that was due: a removal that is not seen in a later look did not happen."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from drproof.engine.sweep_decisions import DUE, Looked, item_of
from drproof.engine.sweep_documents import SweptItem
from drproof.engine.sweep_objects import Still

Key = tuple[str, str, str, str]
GONE_BEFORE = "it was gone when this sweep came to it"
MARKED_ANEW = "somebody marked them otherwise, or wrote them anew, since the first look"
STILL_THERE = "it is still there after its removal"


@dataclass(slots=True)
class Course:
    """What a sweep set out to remove, and what kept it from that."""

    tried: set[Key] = field(default_factory=set)
    problems: dict[Key, str] = field(default_factory=dict)
    kept: dict[Key, frozenset[str]] = field(default_factory=dict)
    """Of objects, those that the platform named when it kept them."""
    obstacle: str = ""
    """What ended it early."""

    def of_one(self, one: Looked, there: Mapping[tuple[str, str], Looked]) -> SweptItem:
        """Return what came of one thing, by what the last look found."""
        item, now = item_of(one), there.get((one.kind, one.identity))
        problem, tried = self.problems.get(one.key, ""), one.key in self.tried
        if now is None:
            if problem:
                # What a platform refused is not gone, even where a listing does not show it any more.
                return replace(item, decision="failed", why=problem)
            return replace(item, decision="removed", why=item.why if tried else GONE_BEFORE)
        if not tried and not problem:
            if now.decision != DUE or now.key != one.key:
                return item_of(now)
            if self.obstacle:
                return item
        return replace(item, decision="failed", why=problem or STILL_THERE, next_step=now.candidate.next_step)

    def of_objects(self, one: Looked, still: Still) -> tuple[SweptItem, ...]:
        """Return what came of objects: how many of them are gone, are there, and are somebody's by now."""
        item, keys = item_of(one), one.candidate.keys
        problem, tried = self.problems.get(one.key, ""), one.key in self.tried
        there = still.marked | (self.kept.get(one.key, frozenset()) & keys)
        if problem and not there:
            # A version that is kept shows in no listing, and nobody said of which it is.
            there = keys
        gone = keys - there - still.others
        parts = (
            replace(item, decision="removed", why=item.why if tried else GONE_BEFORE, count=len(gone)),
            replace(item, decision="left", why=MARKED_ANEW, count=len(still.others - there)),
            replace(item, count=len(there))
            if self.obstacle and not tried
            else replace(item, decision="failed", why=problem or self.obstacle or STILL_THERE, count=len(there)),
        )
        return tuple(part for part in parts if part.count)

    def unseen(self, one: Looked) -> SweptItem:
        """Return a thing after whose removal nobody could look: what was begun is not said to be gone."""
        if one.key not in self.tried:
            return item_of(one)
        why = self.problems.get(one.key, f"whether it is gone is not known: {self.obstacle}")
        return replace(item_of(one), decision="failed", why=why)
