"""A session that checks an execution of a state machine: read once, live or from its export, every claim an item."""

import os
import secrets
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from drproof import catalog
from drproof.engine.clock import instant
from drproof.engine.named import DRILLS, SOURCES, folders
from drproof.engine.orchestrated import Asked, check
from drproof.engine.settings import setting
from drproof.evidence import expectations
from drproof.evidence.trust import Trust
from drproof.evidence.verification import verify
from drproof.model.errors import DrproofError
from drproof.model.verdict import Status
from drproof.plugin import imported
from drproof.plugin.bundle_session import EXPECTED, BundleSession
from drproof.plugin.options import given
from drproof.report.visible import printable


class OrchestratorSession(BundleSession):
    """One execution, judged; its bundle stays where the proof of this project lies."""

    checks = catalog.ORCHESTRATOR

    def __init__(self, config: pytest.Config, mark: str) -> None:
        """Read the execution and judge it.

        Raises:
            pytest.UsageError: no execution is named, or what is named is none; or the platform did not answer.
        """
        self.config = config
        self.mark = mark
        self._judged = {}
        self._folder = None
        self._decision = False
        options, start = given(config), config.invocation_params.dir
        try:
            reports = (start / setting("reports", options, os.environ, start)).resolve()
            self.directory = reports / f"orchestrator-{datetime.now(UTC):%Y%m%dT%H%M%SZ}-{secrets.token_hex(3)}"
            self._expected = expectations.read(options)
            self._now = instant(datetime.now(UTC))
            asked = _asked(options, start)
            self._chosen = (
                f"execution {asked.arn or asked.folder}"
                if asked.arn or asked.folder
                else f"sources in {', '.join(str(place) for place in asked.modules)}"
            )
            check(asked, options, start, self.directory)
            self.trust_file = None
            self.found = verify(
                self.directory,
                catalog.types(),
                trust=Trust(),
                expect=self._expected,
                now=self._now,
                judge=self._judge,
            )
        except (ValueError, DrproofError, OSError) as exc:
            raise pytest.UsageError(printable(str(exc), lines=True)) from exc
        inspection = self.found.inspection
        if inspection is None or inspection.plan is None:
            said = "; ".join(f"{problem.code}: {problem.message}" for problem in self.found.problems)
            raise pytest.UsageError(printable(f"the bundle that was just written cannot be read: {said}"))
        self.plan, self.inspection = inspection.plan, inspection
        self._sealed = {(verdict.contract, verdict.subject): verdict for verdict in inspection.verdicts}
        self._judged = self._judged or catalog.judge_again(inspection)
        config.pluginmanager.register(self._fixtures(), "drproof-bundle")

    @property
    def demands(self) -> tuple[str, ...]:
        """Every claim; whoever reads the execution is whoever seals it, so that no seal is an item."""
        named = (
            f"{row.name}:{subject}" if subject else row.name
            for row in self.plan.contracts
            for subject in row.subjects or self._found(row)
        )
        return (EXPECTED, *named)

    def header(self) -> list[str]:
        """Say which execution is checked, and whether it is of a rehearsal."""
        return [printable(f"drproof: {self._chosen}, mode {self.plan.mode.upper()}")]

    def summarize(self, reporter: pytest.TerminalReporter) -> None:
        """Print what the check came to."""
        reporter.section("drproof: execution", bold=True)
        doubtful = [verdict for verdict in self._judged.values() if not verdict.proven]
        for verdict in sorted(doubtful, key=lambda one: one.status is not Status.REFUTED):
            reporter.write_line(printable(f"{verdict.status.value} {verdict.name}: {verdict.reason}"))
        reporter.write_line(f"{len(self._judged) - len(doubtful)} of {len(self._judged)} claims are proven")
        reporter.write_line(printable(f"bundle: {self.directory}"))

    def _failure(self, demand: str) -> str:
        told = super()._failure(demand)
        if demand != EXPECTED:
            return told
        old = imported.too_old(self.inspection, self._expected.max_age_ms, self._now)
        return "; ".join(filter(None, (told, printable(old))))


def _asked(options: Mapping[str, Any], start: Path) -> Asked:
    folder = options.get("execution_dir")
    return Asked(
        arn=options.get("execution_arn") or "",
        folder=(start / folder).resolve() if folder else None,
        endpoint=os.environ.get("DRPROOF_ENDPOINT", ""),
        modules=folders(options, SOURCES, start),
        drills=folders(options, DRILLS, start),
    )
