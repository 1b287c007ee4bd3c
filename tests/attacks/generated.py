"""Honest bundles of every kind, made from a number."""

import random
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from drproof import catalog
from drproof.evidence.statements import COLLECTED
from drproof.model.receipt import Cause, Outcome
from tests.attacks.bundles import CLOSING, UNSTORED, Drill, Files, build, sign_off
from tests.attacks.keys import APPROVER, COLLECTOR, CURVE, RUNNER, SECOND
from tests.contracts.evidence import Evidence
from tests.contracts.observed import sha256

SCRIPTS = "aZ09 _-+=,.()[]{}'\"&<>#%$€äßøñçЖжλΩאבجد日本語한국어ไทย\U0001f600\uff5e\u2028\u00a0\u200d\ue000\ufffd"
UNPRINTED = "\n\t\r\b\f\x00\x1b\x7f\x85"
ENDS = (Outcome.FAILED, Outcome.FAILED, Outcome.BLOCKED, Outcome.NOT_RUN, Outcome.INTERRUPTED)


class Chance(random.Random):
    """A source of values."""

    def happens(self, one_in: int) -> bool:
        """Return whether something happens that does so once in a number of times."""
        return self.randrange(one_in) == 0

    def text(self, longest: int, more: str = "") -> str:
        """Return a text in any script."""
        return "".join(self.choices(SCRIPTS + more, k=self.randint(1, longest)))

    def name(self) -> str:
        """Return a lawful name of a file."""
        while True:
            name = self.text(30).replace("/", "-")
            if name.strip(".") and len(name.encode()) <= 200:
                return name

    def evidence(self, phases: Sequence[str]) -> Evidence:
        """Return evidence in which some phases did not pass, and texts say anything."""
        found = UNSTORED
        for phase in phases:
            if self.happens(8):
                found = found.receipt(
                    phase,
                    outcome=self.choice(ENDS),
                    observed=None,
                    reason=self.text(60, UNPRINTED),
                    cause=self.choice([*Cause]),
                )
            if self.happens(6):
                texts: dict[str, Any] = {
                    self.text(12, UNPRINTED): self.choice([self.text(40, UNPRINTED), 2**53 - 1, -(2**53) + 1, None, []])
                }
                found = found.receipt(phase, input={**texts, self.text(5): {"": [[], {}, True, 0]}})
        return found

    def drill(self) -> Drill:
        """Return a drill of any plan, ended in any way."""
        plan = self.choice([*catalog.plans(), "recovery", "recovery"])
        every = [name for name in catalog.plan(plan).names if name in UNSTORED.receipts]
        phases = [name for name in every if plan != "recovery" or name == "check_health" or self.happens(2)]
        names = {self.name().casefold() for _ in range(self.randrange(5))}
        keys = self.choice([(RUNNER,), (RUNNER,), (CURVE,), (RUNNER, SECOND), (SECOND, CURVE)])
        made = Drill(
            plan=plan,
            phases=tuple(phases),
            evidence=self.evidence(phases),
            mode=self.choice(["live", "rehearsal"]),
            full=len(phases) == len(every),
            nonce=sha256(str(self.random())),
            previous=self.choice([None, sha256("before")]),
            inherited=tuple(phases[: self.randrange(2)]),
            missing=tuple(phases[self.randint(0, len(phases)) :]) if self.happens(8) else (),
            more={
                f"{self.choice(['evidence', 'derived/deep/er', 'logs'])}/{name}": self.randbytes(9) for name in names
            },
            keys=(COLLECTOR,) if plan in COLLECTED else keys,
            closed=not self.happens(8),
            withheld=[{"path": self.text(9), "where": self.text(9), "rule": self.text(9)}] if self.happens(10) else [],
        )
        return replace(
            made, by={CLOSING: (self.choice([SECOND, CURVE]),)} if plan not in COLLECTED and self.happens(4) else {}
        )


def bundle(number: int) -> tuple[Drill, Files]:
    """Return the drill of a number, and its files with a sign-off now and then."""
    chance = Chance(number)
    drill = chance.drill()
    files = build(drill)
    if drill.closed and chance.happens(3):
        said = {
            "person": chance.text(30),
            "reason": chance.text(30, UNPRINTED),
            "decision": chance.choice(["approved", "rejected"]),
        }
        files[f"after/{chance.name().casefold()}.dsse.json"] = sign_off(files, APPROVER, **said)
    return drill, files
