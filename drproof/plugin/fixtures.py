"""The phases as session fixtures: each requests its predecessor, so pytest itself knows the order."""

import inspect
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import ModuleType
from typing import TYPE_CHECKING, Any

import pytest

from drproof.model.receipt import Outcome, Receipt
from drproof.model.verdict import Status, Verdict
from drproof.plugin.own_tests import Proof

if TYPE_CHECKING:
    from drproof.plugin.session import DrillSession


@dataclass(frozen=True, slots=True)
class PhaseCheck:
    """An item about a phase."""

    receipt: Receipt[Any]
    end_state: str

    def demand(self) -> None:
        """Pass when the phase reached its end state; a phase that had nothing to do is skipped with its reason."""
        receipt = self.receipt
        if receipt.outcome is Outcome.PASSED:
            return
        said = f"phase {receipt.phase} is {receipt.outcome}: {receipt.reason}"
        if receipt.outcome is Outcome.NOT_RUN:
            pytest.skip(said)
        # What is blocked tells only what blocked it: the cause must not drown in its consequences.
        wanted = "" if receipt.outcome is Outcome.BLOCKED else f"\nexpected: {self.end_state}"
        pytest.fail(f"{said}{wanted}", pytrace=False)


@dataclass(frozen=True, slots=True)
class ContractCheck:
    """An item about a contract and one of its subjects, or all of them where a phase finds them."""

    verdicts: tuple[Verdict, ...]

    @property
    def verdict(self) -> Verdict:
        """The verdict that decides: the first that is no proof, or else the first."""
        return next((verdict for verdict in self.verdicts if not verdict.proven), self.verdicts[0])

    def demand(self) -> None:
        """Pass when the claim is proven, on every subject."""
        verdict = self.verdict
        if verdict.proven:
            return
        said = f"{verdict.name} is {verdict.status}: {verdict.reason}"
        if verdict.status is Status.REFUTED:
            said += f"\nclaim:    {verdict.claim}\nobserved: {verdict.observed}\nexpected: {verdict.expected}"
        pytest.fail(said, pytrace=False)


def fixtures_of(session: "DrillSession") -> ModuleType:
    """Return a plugin with a fixture for each phase of the session's plan."""
    module = ModuleType("drproof_phases")
    predecessor = ""
    for name in session.phases:
        setattr(module, name, _phase_fixture(session, name, predecessor))
        predecessor = name

    @pytest.fixture(scope="session")
    def phase_check(request: pytest.FixtureRequest) -> PhaseCheck:
        phase = session.prepared.plan.phase(request.param)
        return PhaseCheck(session.advance(phase.name), phase.end_state)

    @pytest.fixture
    def contract_check(request: pytest.FixtureRequest) -> ContractCheck:
        return ContractCheck(session.judge(*request.param))

    @pytest.fixture
    def proof(request: pytest.FixtureRequest) -> Iterator[Proof]:
        """Writes down what a test of one's own shows: `proof.check(claim, observed=…, expected=…)`."""
        yield from session.proof(request.node)

    module.proof = proof  # type: ignore[attr-defined] # a module made here
    module.phase_check = phase_check  # type: ignore[attr-defined] # a module made here
    module.contract_check = contract_check  # type: ignore[attr-defined] # a module made here
    return module


def _phase_fixture(session: "DrillSession", name: str, predecessor: str) -> Callable[..., Any]:
    def run_phase(**_: object) -> Receipt[Any]:
        return session.advance(name)

    parameters = [inspect.Parameter(predecessor, inspect.Parameter.POSITIONAL_OR_KEYWORD)] if predecessor else []
    run_phase.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined] # pytest reads it
    run_phase.__name__ = name
    run_phase.__doc__ = session.prepared.plan.phase(name).end_state
    return pytest.fixture(scope="session", name=name)(run_phase)
