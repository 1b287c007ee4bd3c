"""A session that checks a bundle: integrity first, then every contract again; nothing outside the folder is asked."""

import os
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from drproof import catalog
from drproof.engine import keys
from drproof.engine.clock import instant
from drproof.engine.settings import setting
from drproof.evidence import expectations
from drproof.evidence.integrity import CLOSING, OPENING, Inspection
from drproof.evidence.redaction import Redactor
from drproof.evidence.statements import COLLECTED
from drproof.evidence.trust import Trust
from drproof.evidence.verification import (
    INCOMPLETE,
    INVALID,
    NOT_MET,
    REFUTED,
    SIGNATURES,
    UNREADABLE,
    class_of,
    verify,
)
from drproof.model.criteria import ExpectedContract, PlanDocument
from drproof.model.errors import DrproofError
from drproof.model.verdict import Status, Verdict
from drproof.plugin import imported
from drproof.plugin.guards import refuse_a_part
from drproof.plugin.options import given
from drproof.report.scores import score_lines
from drproof.report.visible import inert, printable

INTEGRITY, AUTHENTICITY, EXPECTED = "bundle_is_as_it_was_sealed", "bundle_is_signed", "bundle_is_what_was_expected"
COMPLETE, PROVEN, LIVE = "bundle_is_complete", "bundle_is_of_a_proven_drill", "bundle_is_of_a_live_drill"


def _demand_of(code: str) -> str:
    """Return the item that a finding belongs to."""
    if code in SIGNATURES:
        return AUTHENTICITY
    if code == "rehearsal":
        return LIVE
    return {UNREADABLE: INTEGRITY, INVALID: INTEGRITY, INCOMPLETE: COMPLETE, REFUTED: PROVEN, NOT_MET: EXPECTED}[
        class_of(code)
    ]


class BundleSession:
    """One bundle, judged again."""

    checks = "bundle"
    """Which of our checks are its items."""

    def __init__(self, config: pytest.Config, mark: str) -> None:
        """Read the bundle.

        Raises:
            pytest.UsageError: there is no readable bundle.
        """
        self.config = config
        self.mark = mark
        self._judged: dict[tuple[str, str], Verdict] = {}
        self._folder: imported.Folder | None = None
        options, directory = given(config), config.invocation_params.dir
        try:
            of = partial(setting, options=options, environment=os.environ, directory=directory)
            self.directory, self._chosen = _bundle(options, directory, Path(of("reports")))
            self.trust_file = _trust_file(of("signing.trust"), directory)
            self._expected = expectations.read(options)
            decision = bool(options.get("require_record_manual_decision"))
            self._now = instant(datetime.now(UTC))
            if imported.is_folder_of_receipts(self.directory):
                self._folder = imported.Folder(self.directory, self._expected, decision=decision)
                # The name of the execution is a criterion of its import; the import itself is of no drill.
                self._expected = replace(self._expected, drill="")
                self.directory = self._folder.bundle
            trust = keys.read_trust(self.trust_file) if self.trust_file is not None else Trust()
            self.found = verify(
                self.directory,
                catalog.types(),
                trust=trust,
                expect=self._expected,
                now=self._now,
                judge=self._judge,
            )
        except (ValueError, DrproofError, OSError) as exc:
            raise pytest.UsageError(printable(str(exc), lines=True)) from exc
        inspection = self.found.inspection
        if inspection is None or inspection.plan is None:
            said = "; ".join(f"{problem.code}: {problem.message}" for problem in self.found.problems)
            msg = (
                f"{self.directory} is no readable bundle: {said}\n  next: name the folder of a drill with --bundle-dir"
            )
            raise pytest.UsageError(printable(msg, lines=True))
        self.plan: PlanDocument = inspection.plan
        self.inspection: Inspection = inspection
        self._decision = decision and self._folder is None
        if decision and self.plan.plan != catalog.EXECUTION:
            msg = "--require-record-manual-decision is about an imported execution\n  next: leave it out"
            raise pytest.UsageError(msg)
        self._sealed = {(verdict.contract, verdict.subject): verdict for verdict in inspection.verdicts}
        # What is not as it was sealed is judged all the same: each item says what it found.
        self._judged = self._judged or catalog.judge_again(inspection)
        config.pluginmanager.register(self._fixtures(), "drproof-bundle")

    def _judge(self, inspection: Inspection) -> Mapping[tuple[str, str], Verdict]:
        self._judged = catalog.judge_again(inspection)
        return self._judged

    @property
    def demands(self) -> tuple[str, ...]:
        """Every item, integrity first."""
        named = (
            f"{row.name}:{subject}" if subject else row.name
            for row in self.plan.contracts
            for subject in row.subjects or self._found(row)
        )
        if self._folder is not None:
            # Nothing sealed it: there is no seal to check, and every claim is an item of its own.
            return (EXPECTED, *named)
        demanded = (imported.DECISION,) if self._decision and imported.DECISION not in self._names else ()
        return (INTEGRITY, AUTHENTICITY, COMPLETE, PROVEN, EXPECTED, LIVE, *demanded, *named)

    @property
    def _names(self) -> frozenset[str]:
        return frozenset(row.name for row in self.plan.contracts)

    def _found(self, row: ExpectedContract) -> tuple[str, ...]:
        """Return the subjects of a contract that names none beforehand: those that were sealed, and those of today."""
        known = (*self._sealed, *self._judged)
        return tuple(dict.fromkeys(subject for name, subject in known if name == row.name)) or ("",)

    def parametrize(self, metafunc: pytest.Metafunc) -> None:
        """Make an item of each demand."""
        if getattr(metafunc.module, "DRPROOF_CHECKS", "") == self.checks:
            metafunc.parametrize("bundle_check", self.demands, ids=self.demands, indirect=True)

    def arrange(self, items: list[pytest.Item]) -> None:
        """Keep what is about this bundle, whole."""
        ours = [item for item in items if _checks(item) == self.checks]
        others = [item for item in items if _checks(item) not in {"", self.checks}]
        selected = {str(_params(item).get("bundle_check", "")) for item in ours}
        refuse_a_part(self.mark, set(self.demands), selected)
        items[:] = [item for item in items if item not in others]
        if others:
            self.config.hook.pytest_deselected(items=others)

    def header(self) -> list[str]:
        """Say which bundle is checked, and by whose trust file."""
        plan = self.plan
        window = "full" if plan.window.full else "PARTIAL, no whole proof"
        receipts = f"{len(self.inspection.outcomes)} receipts"
        trust = self.trust_file or "none, so nobody's signature counts; name one with --trust"
        if self._folder is not None:
            return [
                printable(f"drproof: a folder of receipts, {self._folder.source} ({self._chosen}); it is not sealed")
            ]
        lines = (
            f"drproof: bundle {self.directory} ({self._chosen})",
            f"drproof: trust file {trust}",
            f"drproof: drill {plan.drill_id}, plan {plan.plan} ({window}), mode {plan.mode.upper()}, {receipts}",
        )
        return [printable(line) for line in lines]

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
        if self.plan.plan in COLLECTED:
            for line in score_lines(self._judged.values(), self.plan.plan):
                reporter.write_line(printable(line))
        if self._folder is not None:
            for lack in self._folder.shortfalls:
                reporter.write_line(printable(f"FAIL: {lack}"))
            reporter.write_line(imported.NOTHING_SEALED)
            return
        for problem in self.found.problems:
            reporter.write_line(printable(f"{problem.code}: {problem.message}"))
        for key in self.found.signers:
            reporter.write_line(f"signed by {key.role} {key.keyid} ({key.custody.replace('_', '-')})")
        reporter.write_line(f"level of assurance: L{self.found.level}")
        for what in self.found.not_shown:
            reporter.write_line(printable(f"not shown: {what}"))
        reporter.write_line(f"drproof verify would exit with {self.found.status}")

    def end(self) -> None:
        """Remove what was made of a plain folder; nothing else is held."""
        if self._folder is not None:
            self._folder.close()

    def clean(self, text: str) -> str:
        """Return text as it may be shown: a bundle is somebody else's."""
        return inert(Redactor().mask(text))

    def _failure(self, demand: str) -> str:
        """Return why a demand is not met, or ""."""
        if demand in {INTEGRITY, AUTHENTICITY, COMPLETE, PROVEN, EXPECTED, LIVE}:
            own = [problem for problem in self.found.problems if _demand_of(problem.code) == demand]
            told = [f"{problem.code}: {problem.message}" for problem in own]
            if demand == EXPECTED and self.plan.plan in COLLECTED:
                told += filter(None, [imported.too_old(self.inspection, self._expected.max_age_ms, self._now)])
            return printable("; ".join(told))
        if demand == imported.DECISION and self._decision:
            return printable(imported.decision_failure(self.inspection))
        contract, _, subject = demand.partition(":")
        verdict = self._judged.get((contract, subject))
        if verdict is None:
            return f"{contract} could not be judged: it is not installed, or its evidence is gone"
        sealed = self._sealed.get((contract, subject))
        if sealed is None or sealed.status is not verdict.status:
            before = sealed.status if sealed else "nothing"
            return printable(f"sealed as {before}, judged again as {verdict.status}: {verdict.reason}")
        return "" if verdict.status is Status.PROVEN else printable(f"{verdict.status}: {verdict.reason}")

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


def _bundle(options: Mapping[str, Any], directory: Path, reports: Path) -> tuple[Path, str]:
    """Return the bundle to check, and why it is this one.

    Raises:
        ValueError: there is none.
    """
    for named, source in ((options.get("bundle_dir"), "--bundle-dir"), (os.environ.get(VARIABLE), VARIABLE)):
        if named:
            return (directory / named).resolve(), f"named by {source}"
    folder = (directory / reports).resolve()
    found = [path for path in folder.iterdir() if _is_bundle(path)] if folder.is_dir() else []
    if not found:
        msg = f"no bundle is named, and {folder} holds none\n  next: pytest -m bundle-check --bundle-dir <folder>"
        raise ValueError(msg)
    return max(found, key=_made), f"the newest below {folder}"


VARIABLE = "DRPROOF_BUNDLE_DIR"


def _is_bundle(path: Path) -> bool:
    return path.is_dir() and not path.is_symlink() and (path / OPENING).is_file()


def _made(path: Path) -> float:
    last = path / CLOSING
    return (last if last.is_file() else path / OPENING).stat().st_mtime


def _trust_file(named: str, directory: Path) -> Path | None:
    """Return the trust file that was named, else the project's own; None when there is neither."""
    if named:
        return (directory / Path(named).expanduser()).resolve()
    own = directory / keys.FOLDER / keys.TRUST
    return own if own.is_file() else None
