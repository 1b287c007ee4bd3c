"""Whether a contract is proven, refuted or unproven by the evidence, and why."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Any

from msgspec import Meta

from drproof.model.receipt import END, Digest


class Status(StrEnum):
    """The three verdicts; only `proven` is a pass."""

    PROVEN = "proven"
    REFUTED = "refuted"
    UNPROVEN = "unproven"


@dataclass(frozen=True, slots=True)
class Finding:
    """What one contract found about one subject: the observed beside the expected."""

    status: Status
    observed: Any = None
    expected: Any = None
    reason: str = ""


def compare(*, observed: Any, expected: Any, reason: str) -> Finding:  # noqa: ANN401 — any JSON value can be compared
    """Return proven when both sides are equal, in value and in type, else refuted for `reason`."""
    # True == 1 in Python, not in evidence.
    same = observed == expected and type(observed) is type(expected)
    return hold(same, observed=observed, expected=expected, reason=reason)


def hold(condition: bool, *, observed: Any, expected: Any, reason: str) -> Finding:  # noqa: ANN401, FBT001
    """Return proven when `condition` is true, else refuted for `reason`."""
    if condition:
        return Finding(Status.PROVEN, observed, expected)
    return Finding(Status.REFUTED, observed, expected, reason)


def undecided(reason: str, *, observed: Any = None, expected: Any = None) -> Finding:  # noqa: ANN401
    """Return unproven: the evidence does not say."""
    return Finding(Status.UNPROVEN, observed, expected, reason)


class ControlResult(StrEnum):
    """What a sabotage came to; only `refuted` (and `unproven`, for a removal) speaks for the contract."""

    REFUTED = "refuted"
    UNPROVEN = "unproven"
    SURVIVED = "survived"
    CHANGED_NOTHING = "changed_nothing"
    NOT_APPLICABLE = "not_applicable"
    BROKEN = "broken"


@dataclass(frozen=True, slots=True, kw_only=True)
class Control:
    """One negative control: the evidence was spoiled in this way, and the contract said this."""

    name: str
    kind: Annotated[str, Meta(pattern=rf"^(sabotage|removal){END}")]
    result: ControlResult
    reason: str = ""

    @property
    def convincing(self) -> bool:
        """Whether the contract noticed, as it must."""
        wanted = ControlResult.REFUTED if self.kind == "sabotage" else ControlResult.UNPROVEN
        return self.result is wanted


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """The judgement of one contract on one subject."""

    contract: str
    version: Annotated[int, Meta(ge=1)]
    claim: str
    subject: str
    status: Status
    observed: Any = None
    expected: Any = None
    reason: str = ""
    receipts: tuple[Digest, ...] = ()
    by_hand: tuple[str, ...] = ()
    """The phases that were done by hand and that these receipts build on; by name."""
    controls_of: tuple[str, ...] = ()
    """The controls of public frameworks that the claim supports, such as `NIST CP-9(1)`."""
    controls: tuple[Control, ...] = ()
    """The negative controls; empty when they were not run, which `reason` explains."""

    @property
    def proven(self) -> bool:
        """Whether the claim is shown by the evidence, and the contract showed that it can fail."""
        return self.status is Status.PROVEN

    @property
    def name(self) -> str:
        """The contract with its subject, as it is selected and printed."""
        return f"{self.contract}[{self.subject}]" if self.subject else self.contract
