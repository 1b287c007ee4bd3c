"""A session that checks a bundle: integrity first, then every contract again; nothing outside the folder is asked."""

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from drproof import catalog
from drproof.engine.context import read_evidence
from drproof.evidence.bundle import Bundle
from drproof.evidence.schemas import problem_of_receipt
from drproof.model.criteria import ExpectedContract
from drproof.model.errors import DrproofError
from drproof.model.judging import judge
from drproof.model.verdict import Status, Verdict
from drproof.plugin.guards import refuse_a_part
from drproof.plugin.options import given

INTEGRITY, AUTHENTICITY, REHEARSAL = "bundle_is_as_it_was_sealed", "bundle_is_signed", "bundle_is_of_a_live_drill"
NOT_SIGNED = (
    "the bundle is not signed: this version of drproof seals with digests only, "
    "so nothing shows who sealed it; nothing here can be called authentic"
)


class BundleSession:
    """One bundle, judged again."""

    def __init__(self, config: pytest.Config, mark: str) -> None:
        """Read the bundle.

        Raises:
            pytest.UsageError: there is no readable bundle.
        """
        self.config = config
        self.mark = mark
        folder = given(config).get("bundle_dir")
        if not folder:
            msg = "no bundle is named\n  next: pytest -m bundle-check --bundle-dir reports/<drill-id>"
            raise pytest.UsageError(msg)
        self.directory: Path = (config.invocation_params.dir / folder).resolve()
        try:
            self.bundle = Bundle.open(self.directory, {phase.name: phase.observes for phase in catalog.phases()})
            self._problems = self.bundle.problems()
            self._sealed = {(verdict.contract, verdict.subject): verdict for verdict in self.bundle.verdicts}
        except (DrproofError, OSError) as exc:
            msg = f"--bundle-dir {folder} is no readable bundle: {exc}\n  next: name the folder of a drill"
            raise pytest.UsageError(msg) from exc
        self._judged = self._judge_again()
        config.pluginmanager.register(self._fixtures(), "drproof-bundle")

    @property
    def demands(self) -> tuple[str, ...]:
        """Every item, integrity first."""
        named = (
            f"{row.name}:{subject}" if subject else row.name
            for row in self.bundle.plan.contracts
            for subject in row.subjects or self._found(row)
        )
        return (INTEGRITY, AUTHENTICITY, REHEARSAL, *named)

    def _found(self, row: ExpectedContract) -> tuple[str, ...]:
        """Return the subjects of a contract that names none beforehand: those that were sealed, and those of today."""
        known = (*self._sealed, *self._judged)
        return tuple(dict.fromkeys(subject for name, subject in known if name == row.name)) or ("",)

    def parametrize(self, metafunc: pytest.Metafunc) -> None:
        """Make an item of each demand."""
        if getattr(metafunc.module, "DRPROOF_CHECKS", "") == "bundle":
            metafunc.parametrize("bundle_check", self.demands, ids=self.demands, indirect=True)

    def arrange(self, items: list[pytest.Item]) -> None:
        """Keep what is about this bundle, whole."""
        ours = [item for item in items if _checks(item) == "bundle"]
        others = [item for item in items if _checks(item) not in {"", "bundle"}]
        selected = {str(_params(item).get("bundle_check", "")) for item in ours}
        refuse_a_part(self.mark, set(self.demands), selected)
        items[:] = [item for item in items if item not in others]
        if others:
            self.config.hook.pytest_deselected(items=others)

    def header(self) -> list[str]:
        """Say which bundle is checked."""
        plan = self.bundle.plan
        receipts = f"{len(self.bundle.files)} receipts"
        return [f"drproof: bundle {plan.drill_id}, plan {plan.plan}, mode {plan.mode.upper()}, {receipts}"]

    def start(self, session: pytest.Session) -> None:
        """Nothing is opened."""

    def before_call(self, item: pytest.Item) -> None:
        """Nothing is requested."""

    def finish(self, session: pytest.Session) -> None:
        """Nothing is left to close."""

    def settle(self, session: pytest.Session) -> None:
        """A session that checked nothing, or not everything, is not green."""
        dry = self.config.option.collectonly or getattr(self.config.option, "setupplan", False)
        if not dry and session.exitstatus == 0 and any(self._failure(demand) for demand in self.demands):
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def summarize(self, reporter: pytest.TerminalReporter) -> None:
        """Print what the check came to."""
        reporter.section("drproof: bundle", bold=True)
        for problem in self._problems:
            reporter.write_line(f"{problem.code}: {problem.message}")
        reporter.write_line(NOT_SIGNED)

    def end(self) -> None:
        """Nothing is held."""

    def _judge_again(self) -> dict[tuple[str, str], Verdict]:
        plan = catalog.plan(self.bundle.plan.plan)
        receipts = {receipt.phase: receipt for receipt in self.bundle.receipts}
        digests = {file.receipt.phase: file.digest for file in self.bundle.files}
        wanted = {row.name for row in self.bundle.plan.contracts}
        return {
            (verdict.contract, verdict.subject): verdict
            for contract in plan.contracts
            if contract.name in wanted
            for verdict in judge(
                contract,
                receipts,
                self.bundle.plan.criteria,
                digests=digests,
                read=partial(read_evidence, self.directory),
                check=problem_of_receipt,
            )
        }

    def _failure(self, demand: str) -> str:
        """Return why a demand is not met, or ""."""
        if demand == INTEGRITY:
            return "; ".join(f"{problem.code}: {problem.message}" for problem in self._problems)
        if demand == AUTHENTICITY:
            return NOT_SIGNED
        if demand == REHEARSAL:
            return (
                ""
                if self.bundle.plan.mode == "live"
                else "the bundle is of a rehearsal: it proves drproof, never anyone's recovery"
            )
        contract, _, subject = demand.partition(":")
        verdict = self._judged.get((contract, subject))
        if verdict is None:
            return f"{contract} could not be judged: it is not installed, or its evidence is gone"
        sealed = self._sealed.get((contract, subject))
        if sealed is None or sealed.status is not verdict.status:
            before = sealed.status if sealed else "nothing"
            return f"sealed as {before}, judged again as {verdict.status}: {verdict.reason}"
        return "" if verdict.status is Status.PROVEN else f"{verdict.status}: {verdict.reason}"

    def _fixtures(self) -> ModuleType:
        module = ModuleType("drproof_bundle")

        @pytest.fixture
        def bundle_check(request: pytest.FixtureRequest) -> str:
            return self._failure(request.param)

        module.bundle_check = bundle_check  # type: ignore[attr-defined] # a module made here
        return module


def _checks(item: pytest.Item) -> str:
    return str(getattr(getattr(item, "module", None), "DRPROOF_CHECKS", ""))


def _params(item: pytest.Item) -> Mapping[str, Any]:
    params: Mapping[str, Any] = getattr(getattr(item, "callspec", None), "params", {})
    return params
