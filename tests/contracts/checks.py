"""What must hold for each contract, as plain functions, so that mutants of a contract can be put to them as well."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from drproof.evidence.approvals import Answer
from drproof.evidence.schemas import problem_of_receipt
from drproof.formats import alarm_history
from drproof.formats.archive import Member
from drproof.model.codec import decode, encode
from drproof.model.contract import Contract, NotApplicableError, Sabotage
from drproof.model.receipt import Digest, Receipt
from drproof.model.verdict import ControlResult, Status, Verdict
from drproof.phases.execution.read_execution import AnswerKept
from drproof.phases.orchestrator.read_state_machine import DefinitionKept
from tests.contracts.evidence import VARIANTS, Evidence


@dataclass(frozen=True)
class House:
    """The contracts and the reasoning behind them, original or mutated."""

    contracts: Mapping[str, Contract]
    modules: Mapping[str, ModuleType]
    """The rooms of `drproof.analysis` by their short names."""

    def verdict(self, contract: str, evidence: Evidence, subject: str = "") -> Verdict:
        """Return one verdict."""
        return next(v for v in evidence.verdicts(self.contracts[contract]) if v.subject == subject)

    def status(self, contract: str, evidence: Evidence, subject: str = "") -> Status:
        """Return the status of one verdict."""
        return self.verdict(contract, evidence, subject).status


@dataclass(frozen=True, kw_only=True)
class FileReadBack:
    """A file as restore reads it back."""

    path: str
    size: int
    sha256: Digest


def variants(contract: Contract) -> Iterator[tuple[str, Evidence]]:
    """Yield the evidence that must prove a contract."""
    for name, (evidence, unproven) in VARIANTS.items():
        if contract.name not in unproven and (contract.applies is None or contract.applies(evidence.criteria)):
            yield name, evidence


def has_a_claim_and_a_sabotage(contract: Contract) -> None:
    assert contract.sabotages, f"{contract.name} never shows that it can fail"
    assert len({sabotage.name for sabotage in contract.sabotages}) == len(contract.sabotages)
    document = contract.decide.__doc__ or ""
    assert document.strip() == contract.claim, "the claim is one line"
    assert contract.claim.endswith(".")
    assert ". " not in contract.claim, "the claim is one sentence"


def is_proven_on_passing_evidence(contract: Contract) -> None:
    found = [(name, verdict) for name, evidence in variants(contract) for verdict in evidence.verdicts(contract)]
    assert found, "some evidence must prove it"
    for name, verdict in found:
        assert verdict.status is Status.PROVEN, f"{name}: {verdict.name} is {verdict.status}: {verdict.reason}"


def every_control_convinces(contract: Contract) -> None:
    applied = set()
    for name, evidence in variants(contract):
        for verdict in evidence.verdicts(contract):
            for control in verdict.controls:
                if control.result is ControlResult.NOT_APPLICABLE:
                    assert control.reason
                    continue
                assert control.convincing, (
                    f"{name}: {verdict.name}: {control.name} is {control.result}: {control.reason}"
                )
                assert control.reason, f"{control.name} is refuted without a reason"
                applied.add(control.name)
    never = {sabotage.name for sabotage in contract.sabotages} - applied
    assert not never, f"{sorted(never)} can be applied to no passing evidence"


def every_sabotage_changes_one_fact(contract: Contract) -> None:
    for name, evidence in variants(contract):
        for verdict in evidence.verdicts(contract):
            for sabotage in contract.sabotages:
                pair = spoiled(contract, sabotage, evidence, verdict.subject)
                if pair is not None:
                    before, after = pair
                    changed = facts_between(encode(before), encode(after))
                    assert len(changed) == 1, f"{name}: {sabotage.name} changes {sorted(changed)}"
                    assert is_valid(sabotage, contract, after) is None


def removal_is_unproven(contract: Contract) -> None:
    for _, evidence in variants(contract):
        for phase in contract.needs:
            for verdict in evidence.without(phase).verdicts(contract):
                assert verdict.status is Status.UNPROVEN, verdict.name
                assert phase in verdict.reason
                assert verdict.controls == ()


EVERY = (
    has_a_claim_and_a_sabotage,
    is_proven_on_passing_evidence,
    every_control_convinces,
    every_sabotage_changes_one_fact,
    removal_is_unproven,
)


def spoiled(contract: Contract, sabotage: Sabotage, evidence: Evidence, subject: str) -> tuple[Any, Any] | None:
    """Return what a sabotage spoils, before and after; None when it cannot be applied."""
    given: dict[str, Any] = {"criteria": evidence.criteria, "subject": subject, **evidence.receipts}
    for parameter, (phase, name) in contract.reads.items():
        (ref,) = (ref for ref in evidence.receipts[phase].evidence if ref.name == name)
        given[parameter] = evidence.read(ref)
    code = sabotage.spoil.__code__
    before = encode(given[sabotage.spoils])
    try:
        after = sabotage.spoil(**{name: given[name] for name in code.co_varnames[: code.co_argcount]})
    except NotApplicableError:
        return None
    assert encode(given[sabotage.spoils]) == before, f"{sabotage.name} changes the original evidence"
    return given[sabotage.spoils], after


def is_valid(sabotage: Sabotage, contract: Contract, value: Any) -> str | None:
    """Return why a spoiled receipt is not valid, or None; a spoiled evidence file must be of its type."""
    if isinstance(value, Receipt):
        return problem_of_receipt(value)
    _, name = contract.reads[sabotage.spoils]
    if name == "history":
        for items in value.values():
            alarm_history.parse(items)
    elif name == "members":
        decode(dict[str, list[Member]], value)
    elif name == "decision":
        decode(Answer, value)
    elif name in {"wanted", "live", "after", "job"}:
        decode(dict[str, dict[str, Any]], value)
    elif name == "answer":
        decode(AnswerKept, value)
    elif name == "definition":
        decode(DefinitionKept, value)
    elif name == "control_plane":
        decode(dict[str, Digest], value)
    else:
        decode(dict[str, list[FileReadBack]], value)
    return None


def facts_between(before: Any, after: Any, path: str = "$") -> set[str]:
    """Return the facts in which two JSON values differ.

    A fact is a leaf, an object that appears or goes, an element that a list gains or loses, a list that is emptied,
    or one member that all rows of a list change together (a history moved by a day).
    """
    if isinstance(before, dict) and isinstance(after, dict):
        changed = {f"{path}.{key}" for key in before.keys() ^ after.keys()}
        for key in before.keys() & after.keys():
            changed |= facts_between(before[key], after[key], f"{path}.{key}")
        return changed
    if isinstance(before, list) and isinstance(after, list):
        return _facts_of_lists(before, after, path)
    same = before == after and type(before) is type(after)
    return set() if same else {path}


def _facts_of_lists(before: list[Any], after: list[Any], path: str) -> set[str]:
    if len(before) != len(after):
        shorter, longer = sorted((before, after), key=len)
        if not after or _is_one_less(shorter, longer):
            return {f"{path}[]"}
        return {f"{path}[]", f"{path}[] more than one element"}
    rows = [facts_between(old, new, "") for old, new in zip(before, after, strict=True)]
    columns = set().union(*rows) if rows else set()
    if len(columns) == 1 and all(rows) and isinstance(before[0], dict):
        return {f"{path}[*]{columns.pop()}"}
    return {f"{path}[{number}]{fact}" for number, row in enumerate(rows) for fact in row}


def _is_one_less(shorter: list[Any], longer: list[Any]) -> bool:
    return any(longer[:number] + longer[number + 1 :] == shorter for number in range(len(longer)))
