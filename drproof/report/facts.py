"""What a bundle says, in the few forms that page, terminal and derived files share."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from drproof.analysis.objectives import measured_rpo, measured_rto
from drproof.evidence.bundle import Bundle
from drproof.evidence.documents import StoredReceipts
from drproof.formats.durations import show
from drproof.model.codec import encode
from drproof.model.receipt import Outcome, Receipt
from drproof.model.verdict import ControlResult, Status, Verdict
from drproof.phases.recovery.census import UNMARKED

REHEARSAL = "Rehearsal against the embedded world: this proves drproof, never anyone's recovery"
NOT_SIGNED = "Who made this bundle."
NO_DECISION = "No decision was recorded."
TEARDOWN = "teardown"


@dataclass(frozen=True, slots=True)
class Objective:
    """An objective beside what was measured."""

    name: str
    says: str
    limit_ms: int
    measured_ms: int | None

    @property
    def state(self) -> str:
        """`met`, `missed` or `not measured`."""
        if self.measured_ms is None:
            return "not measured"
        return "met" if 0 <= self.measured_ms <= self.limit_ms else "missed"

    @property
    def measured(self) -> str:
        """The measured time for people."""
        return "not measured" if self.measured_ms is None else show(self.measured_ms)

    @property
    def limit(self) -> str:
        """The objective for people."""
        return show(self.limit_ms)


def by_phase(bundle: Bundle) -> dict[str, Receipt[Any]]:
    """Return the receipts by phase, in the order in which they were written."""
    return {receipt.phase: receipt for receipt in bundle.receipts}


def kept_how(stored: StoredReceipts) -> str:
    """Return how a receipt store keeps what was stored, as it was read back: at its weakest."""
    versions = (
        "each under its version" if all(file.version for file in stored.files) else "in a bucket without versions"
    )
    modes = sorted({file.retention_mode or "" for file in stored.files})
    if not modes or not modes[0]:
        return f"{versions} and without retention"
    return f"{versions} and kept until {min(file.retained_until or '' for file in stored.files)} ({', '.join(modes)})"


def own(bundle: Bundle) -> tuple[Receipt[Any], ...]:
    """Return the receipts of phases that this run itself came to."""
    return tuple(receipt for receipt in bundle.receipts if receipt.inherited_from is None)


def observed(receipt: Receipt[Any] | None) -> Mapping[str, Any]:
    """Return what a passed phase observed as plain JSON; empty for any other, and for one that is no object."""
    if receipt is None or not receipt.passed:
        return {}
    facts = encode(receipt.observed)
    return facts if isinstance(facts, dict) else {}


def rows(facts: Mapping[str, Any], name: str) -> tuple[Mapping[str, Any], ...]:
    """Return a list of objects among the facts; phases of others may have none, or something else."""
    found = facts.get(name)
    return tuple(row for row in found if isinstance(row, dict)) if isinstance(found, list) else ()


def names(facts: Mapping[str, Any], name: str) -> tuple[str, ...]:
    """Return a list of texts among the facts."""
    found = facts.get(name)
    return tuple(row for row in found if isinstance(row, str)) if isinstance(found, list) else ()


def pairs(facts: Mapping[str, Any], name: str) -> dict[str, str]:
    """Return a table of texts among the facts."""
    found = facts.get(name)
    return {key: text(found, key) for key in found} if isinstance(found, dict) else {}


def text(facts: Mapping[str, Any], name: str) -> str:
    """Return a fact as text; empty when it is absent."""
    value = facts.get(name)
    return "" if value is None else value if isinstance(value, str) else spelt(value)


def spelt(value: object) -> str:
    """Return a JSON value in one line; a text is itself."""
    if isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(", ", ": "))


def indented(value: object) -> str:
    """Return a JSON value over many lines."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, indent=2)


def signature(bundle: Bundle) -> str:
    """Return how the bundle says that it is signed, which only a reader's own trust file can confirm."""
    if not bundle.signers:
        return "It is sealed with digests only: nothing in it shows who sealed it, or when."
    return f"It names the key {', '.join(bundle.signers)}; whose that is, your own trust file says, not this page."


def chain_head(bundle: Bundle) -> str:
    """Return the digest of the last receipt, which names all the others; of the opening while there is none."""
    return bundle.files[-1].digest if bundle.files else bundle.opening_digest


def by_hand(bundle: Bundle) -> tuple[Receipt[Any], ...]:
    """Return the receipts of phases that a person did."""
    return tuple(receipt for receipt in bundle.receipts if receipt.manual is not None)


def act(receipt: Receipt[Any]) -> str:
    """Return who did a phase by hand, and how, in one line; empty where nobody did."""
    manual = receipt.manual
    if manual is None:
        return ""
    ticket = f", ticket {manual.ticket}" if manual.ticket else ""
    if manual.kind == "witness":
        return f"by {manual.person}{ticket}, as they state: {manual.said}"
    status = "no exit status" if manual.exit_status is None else f"exit status {manual.exit_status}"
    return f"by {manual.person}{ticket}, {status}: {manual.said}"


def objectives(bundle: Bundle) -> tuple[Objective, ...]:
    """Return both objectives with what was measured; none for a plan without a phase that could measure it."""
    plan, receipts = bundle.plan, by_phase(bundle)
    known = {*plan.phases, *plan.window.left_out}
    rto = Objective(
        "RTO",
        "recovery time: from the look at the original site to the end of validation",
        plan.criteria.rto_ms,
        measured_rto(receipts),
    )
    rpo = Objective(
        "RPO",
        "recovery point: age of the restore point when it was read",
        plan.criteria.rpo_ms,
        measured_rpo(receipts),
    )
    measurable = {"RTO": "validate" in known, "RPO": "read_restore_point" in known}
    return tuple(objective for objective in (rto, rpo) if measurable[objective.name])


def counts(verdicts: tuple[Verdict, ...]) -> dict[str, int]:
    """Return how many verdicts there are of each status."""
    return {status.value: sum(verdict.status is status for verdict in verdicts) for status in Status}


def unjudged(bundle: Bundle) -> tuple[str, ...]:
    """Return the contracts with subjects that the plan asks for and no verdict speaks of."""
    judged = {(verdict.contract, verdict.subject) for verdict in bundle.verdicts}
    names = {verdict.contract for verdict in bundle.verdicts}
    missing = []
    for expected in bundle.plan.contracts:
        missing += [f"{expected.name}[{s}]" for s in expected.subjects if (expected.name, s) not in judged]
        if not expected.subjects and expected.name not in names:
            missing.append(expected.name)
    return tuple(missing)


def sabotages(verdict: Verdict) -> str:
    """Return how many sabotages the contract refuted, as it stands beside the verdict."""
    if not verdict.controls:
        return "controls not run"
    done = [c for c in verdict.controls if c.kind == "sabotage" and c.result is not ControlResult.NOT_APPLICABLE]
    return f"refuted {sum(c.convincing for c in done)} of {len(done)} sabotages"


def inapplicable(verdict: Verdict) -> tuple[str, ...]:
    """Return the sabotages that this evidence did not allow."""
    return tuple(c.name for c in verdict.controls if c.result is ControlResult.NOT_APPLICABLE)


def decision(bundle: Bundle) -> Mapping[str, Any]:
    """Return the recorded decision about the recovered site; empty when there is none."""
    facts = observed(by_phase(bundle).get("promote"))
    return facts if facts.get("approved") is not None else {}


def residue(bundle: Bundle) -> tuple[Mapping[str, Any], ...]:
    """Return what a passed teardown found left of the drill."""
    return rows(observed(by_phase(bundle).get(TEARDOWN)), "residue")


def open_ends(bundle: Bundle) -> tuple[str, ...]:
    """Return what of the drill a passed teardown neither saw nor knows to be gone, each with its kind."""
    teardown = observed(by_phase(bundle).get(TEARDOWN))
    unseen = (f"{text(one, 'kind')} {text(one, 'identity')}" for one in rows(teardown, "before_unsettled"))
    held = (f"held by the state: {name}" for name in names(teardown, "held_unsettled"))
    unmarked = (
        f"object {text(one, 'identity')}"
        for one in rows(teardown, "foreign")
        if (text(one, "kind"), text(one, "state")) == ("object", UNMARKED)
    )
    return (*unseen, *held, *unmarked)


def stopped(bundle: Bundle) -> tuple[Receipt[Any], ...]:
    """Return the receipts of phases whose end state was not reached although it was wanted."""
    accepted = {Outcome.PASSED, Outcome.NOT_RUN}
    return tuple(receipt for receipt in bundle.receipts if receipt.outcome not in accepted)
