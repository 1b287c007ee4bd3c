"""A pytest session that runs one plan: items from the plan, receipts from the engine, its verdict as exit status."""

import gc
from collections.abc import Iterator, Mapping
from typing import Any, Protocol

import pytest

from drproof.catalog import FLEET, ORCHESTRATOR
from drproof.engine.conclusion import Conclusion
from drproof.engine.preparation import DrillRequest, Prepared, prepare
from drproof.engine.private import Private
from drproof.engine.refusal import Refusal
from drproof.engine.run import Run
from drproof.engine.signals import Signals
from drproof.evidence.redaction import Redactor
from drproof.model.criteria import ExpectedContract
from drproof.model.errors import DrproofError, Interruption
from drproof.model.receipt import Outcome, Receipt
from drproof.model.verdict import Verdict
from drproof.plugin import KEY, PLANS, board
from drproof.plugin.activation import asked_for
from drproof.plugin.fixtures import ContractCheck, PhaseCheck, fixtures_of
from drproof.plugin.guards import is_of_a_fleet, refuse_a_part, refuse_conflicts
from drproof.plugin.options import given
from drproof.plugin.outlet import Items
from drproof.plugin.own_tests import OwnTestsOfRun, Proof, Uncollected
from drproof.plugin.places import checks_of, point_at
from drproof.plugin.progress import Progress
from drproof.report import summary
from drproof.report.visible import inert, printable


class Session(Protocol):
    """What pytest's hooks ask of a session of ours."""

    def parametrize(self, metafunc: pytest.Metafunc) -> None: ...  # noqa: D102
    def arrange(self, items: list[pytest.Item]) -> None: ...  # noqa: D102
    def header(self) -> list[str]: ...  # noqa: D102
    def start(self, session: pytest.Session) -> None: ...  # noqa: D102
    def before_call(self, item: pytest.Item) -> None: ...  # noqa: D102
    def finish(self, session: pytest.Session) -> None: ...  # noqa: D102
    def settle(self, session: pytest.Session) -> None: ...  # noqa: D102
    def summarize(self, reporter: pytest.TerminalReporter) -> None: ...  # noqa: D102
    def end(self) -> None: ...  # noqa: D102
    def clean(self, text: str) -> str: ...  # noqa: D102


ASKING = ("help", "version", "markers", "showfixtures")
"""Options of pytest that ask something and run nothing."""


def begin(config: pytest.Config) -> None:
    """Prepare the plan that `-m` names; nothing is touched yet.

    Raises:
        pytest.UsageError: the request is wrong.
    """
    _prepare(config)
    session = config.stash.get(KEY, None)
    if session is not None:
        config.pluginmanager.register(Items(session), "drproof-items")


def _prepare(config: pytest.Config) -> None:
    mark = asked_for(config.option.markexpr or "")
    if hasattr(config, "workerinput"):
        from drproof.plugin.fleet_worker import begin_reading

        begin_reading(config)
        return
    if not mark or any(getattr(config.option, name, False) for name in ASKING):
        return
    if is_of_a_fleet(config, mark):
        from drproof.plugin.fleet_session import FleetSession

        point_at(config, checks_of(FLEET))
        config.stash[KEY] = FleetSession(config, mark)
        return
    point_at(config, checks_of(PLANS[mark]))
    if PLANS[mark] == "bundle":
        from drproof.plugin.bundle_session import BundleSession

        config.stash[KEY] = BundleSession(config, mark)
        return
    if PLANS[mark] == ORCHESTRATOR:
        from drproof.plugin.orchestrator_session import OrchestratorSession

        config.stash[KEY] = OrchestratorSession(config, mark)
        return
    session = DrillSession(config, mark)
    config.stash[KEY] = session
    config.pluginmanager.register(fixtures_of(session), "drproof-phases")
    config.pluginmanager.register(session.uncollected, "drproof-uncollected")


class DrillSession:
    """One plan, run once, in this process."""

    def __init__(self, config: pytest.Config, mark: str, plan: str = "") -> None:
        """Prepare the run, of the plan that the mark names where no other is given.

        Raises:
            pytest.UsageError: the request is wrong; nothing was changed.
        """
        self.config = config
        self.mark = mark
        try:
            self.prepared: Prepared = prepare(
                DrillRequest(plan=plan or PLANS[mark], options=given(config), directory=config.invocation_params.dir)
            )
        except (Refusal, DrproofError) as exc:
            raise pytest.UsageError(printable(str(exc), lines=True)) from exc
        if self.prepared.plan.mutates:
            refuse_conflicts(config, mark)
        self.run: Run | None = None
        self.conclusion: Conclusion | None = None
        self._summarized = False
        self._progress: Progress | None = None
        self.uncollected = Uncollected()
        self._own: OwnTestsOfRun | None = None
        self._signals = Signals(_stop_pytest)
        self._made = board.point_at(config, self.prepared.directory.with_name(f"{self.prepared.drill_id}.allure"))

    @property
    def phases(self) -> tuple[str, ...]:
        """Every phase of this run, in the plan's order."""
        covered = set(self.prepared.coverage.names)
        return tuple(name for name in self.prepared.plan.names if name in covered)

    @property
    def judgements(self) -> tuple[tuple[str, str], ...]:
        """Every contract with each of its expected subjects."""
        return tuple((row.name, subject) for row in self.prepared.contracts for subject in row.subjects or ("",))

    def parametrize(self, metafunc: pytest.Metafunc) -> None:
        """Make an item of each phase, and of each contract with each subject."""
        if getattr(metafunc.module, "DRPROOF_CHECKS", "") != self.prepared.plan.name:
            return
        if "phase_check" in metafunc.fixturenames:
            metafunc.parametrize("phase_check", self.phases, ids=self.phases, indirect=True, scope="session")
        if "contract_check" in metafunc.fixturenames:
            ids = [named(*judgement) for judgement in self.judgements]
            metafunc.parametrize("contract_check", self.judgements, ids=ids, indirect=True)

    def arrange(self, items: list[pytest.Item]) -> None:
        """Order the items by the plan; users' own come before the teardown, because they look at what is up."""
        ours = {key: item for item in items if (key := self._key(item)) is not None}
        strangers = [item for item in items if checks_of_item(item) and self._key(item) is None]
        users = [item for item in items if not checks_of_item(item)]
        refuse_a_part(self.mark, self._expected(), {named(*key) if key[0] else key[1] for key in ours})
        ordered = sorted(ours, key=self._position)
        before = [ours[key] for key in ordered if not self._after_teardown(key)]
        after = [ours[key] for key in ordered if self._after_teardown(key)]
        for key, item in ours.items():
            self._request_phase(item, self.phases[self._position(key)[0]])
        items[:] = [*before, *users, *after]
        if strangers:
            self.config.hook.pytest_deselected(items=strangers)

    def header(self) -> list[str]:
        """Say what is about to run, in which mode, and what it may cost."""
        prepared = self.prepared
        window = "full" if prepared.coverage.window.full else "partial"
        return [
            f"drproof: plan {prepared.plan.name} ({window}), mode {prepared.mode.upper()}, drill {prepared.drill_id}",
            *(f"drproof: {note}" for note in prepared.notes),
        ]

    def start(self, session: pytest.Session) -> None:
        """Open the run, once everything that was expected is collected.

        Raises:
            pytest.UsageError: the target is not what the settings say, or somebody holds it; nothing was changed.
        """
        if dry(self.config) or not any(self._key(item) for item in session.items):
            return
        if session.testsfailed and not self.config.option.continue_on_collection_errors:
            # pytest ends here itself: nothing may be opened for what will not run.
            return
        self.open()
        self.expect([item for item in session.items if not checks_of_item(item)])

    def open(self) -> None:
        """Write the plan down and take the target.

        Raises:
            pytest.UsageError: the target is not what the settings say, or somebody holds it; nothing was changed.
        """
        self._signals.install()
        try:
            self.run = Run.open(self.prepared, signals=self._signals)
        except (Refusal, DrproofError) as exc:
            raise pytest.UsageError(printable(str(exc), lines=True)) from exc
        self._progress = Progress(self.config, self.prepared.coverage.run)
        if self.run.provisioner:
            self._progress.note(self.run.provisioner)
        self.run.listeners.append(self._progress.tell)
        self.run.watchers.append(self._progress.moved)
        self.run.gate.listeners.append(self._progress.waits)

    def expect(self, own: list[pytest.Item]) -> None:
        """Write down which tests of the operator's own are to run, if any."""
        if own or self.uncollected.found:
            self._own = OwnTestsOfRun(Private.of(self.prepared.directory).path, own, self.uncollected, self.clean)
            self.config.pluginmanager.register(self._own, "drproof-own-tests")
            # What is there by now stays to the end: the collector need not walk through items and SDK again and again.
            gc.freeze()

    def advance(self, name: str) -> Receipt[Any]:
        """Run the plan up to a phase and return its receipt."""
        if self.run is None:
            pytest.fail(f"phase {name} cannot run: the drill was never opened", pytrace=False)
        try:
            receipt = self.run.receipts.get(name) or self.run.advance(name)
        except Interruption as exc:
            pytest.exit(f"{exc.reason}: tearing down", returncode=exc.exit_status)
        return receipt

    def judge(self, contract: str, subject: str) -> tuple[Verdict, ...]:
        """Return the verdict of a contract on one subject, or on every subject that a phase has found."""
        if self.run is None:
            pytest.fail(f"contract {contract} cannot be judged: the drill was never opened", pytrace=False)
        judged = self.run.judge(contract)
        if any(row.name == contract and row.discovers for row in self.prepared.contracts):
            return judged
        verdicts = {verdict.subject: verdict for verdict in judged}
        if subject not in verdicts:
            pytest.fail(f"contract {named(contract, subject)} was not judged", pytrace=False)
        return (verdicts[subject],)

    def before_call(self, item: pytest.Item) -> None:
        """Describe our own items on the board; fail a user's own test when a phase that it requests did not pass."""
        funcargs: Mapping[str, Any] = getattr(item, "funcargs", None) or {}
        for name, value in funcargs.items():
            if isinstance(value, PhaseCheck | ContractCheck):
                # Not while the fixtures are set up: allure-pytest writes its own title over ours at the end of that.
                self._describe(funcargs.get("phase_check"), funcargs.get("contract_check"))
                return
            if isinstance(value, Receipt) and value.outcome is not Outcome.PASSED and not checks_of_item(item):
                pytest.fail(f"phase {name} is {value.outcome}: {value.reason}", pytrace=False)

    def proof(self, item: pytest.Item) -> Iterator[Proof]:
        """Yield what a test of the operator's own speaks through, and fail a test that went on after a false claim."""
        if self._own is None:
            pytest.fail("nothing can be proven: the drill was never opened", pytrace=False)
        yield from self._own.proof(item)

    def _describe(self, phase: PhaseCheck | None, contract: ContractCheck | None) -> None:
        if phase is not None and self.run is not None:
            board.describe(self.config, phase.end_state, controls=())
            board.attach_receipt(self.config, self.run.directory, phase.receipt)
        if contract is not None:
            board.describe(self.config, contract.verdict.claim, controls=contract.verdict.controls_of)

    def finish(self, session: pytest.Session) -> None:
        """Close the run whatever happened."""
        del session
        if self.run is None:
            return
        if self._signals.received is not None and not self.run.interrupted:
            self.run.abandon(self._signals.received)
        if self._own is not None:
            self._own.log.close()
        self.conclusion = self.run.close()
        if self._progress is not None:
            self._progress.close()

    def settle(self, session: pytest.Session) -> None:
        """Make the engine's verdict the exit status; pytest's own can only make it worse."""
        if self.conclusion is not None:
            if self.conclusion.exit_status:
                session.exitstatus = self.conclusion.exit_status
            reporter = self.config.pluginmanager.get_plugin("terminalreporter")
            if reporter is not None and not self._summarized:
                # pytest prints no summary for an exit status that is not its own, such as a signal's.
                self.summarize(reporter)
        elif not dry(self.config) and session.exitstatus in {0, pytest.ExitCode.NO_TESTS_COLLECTED}:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def summarize(self, reporter: pytest.TerminalReporter) -> None:
        """Print what the run came to."""
        self._summarized = True
        if self.run is None or self.conclusion is None:
            if self.run is not None:
                left = f"drproof: the drill in {self.run.directory} was not ended: what it created may still exist"
                reporter.write_line(printable(left), red=True)
                reporter.write_line(printable(f"  next: drproof resume {self.run.directory}"), red=True)
            elif not dry(self.config):
                reporter.write_line("drproof: nothing ran, so nothing is proven", red=True)
            return
        reporter.section(f"drproof: {self.conclusion.title}", bold=True)
        from drproof.evidence.bundle import Bundle

        types = {phase.name: phase.observes for phase in self.prepared.plan.phases}
        try:
            bundle = Bundle.open(self.run.directory, types)
        except DrproofError as exc:
            reporter.write_line(printable(f"{self.conclusion.stop_reason}\n{exc}", lines=True), red=True)
            return
        for line in summary.lines(
            bundle,
            outcome=self.conclusion.outcome,
            exit_status=self.conclusion.exit_status,
            still_up=self.conclusion.still_up,
            directory=self.run.directory,
            unstored=self.conclusion.unstored,
            unsealed=self.conclusion.unsealed,
        ):
            reporter.write_line(line)
        for said in filter(None, (self.run.undated, self.run.not_put_away)):
            reporter.write_line(printable(said, lines=True), yellow=True)

    def end(self) -> None:
        """Give the signals back; a run that was refused leaves nothing."""
        self._signals.restore()
        gc.unfreeze()
        if self.run is None:
            board.leave(self._made)

    def clean(self, text: str) -> str:
        """Return text as it may be shown: without secrets, and without what a terminal or a CI system obeys."""
        return inert(self.run.redactor.mask(text) if self.run is not None else Redactor().mask(text))

    def _expected(self) -> set[str]:
        return {*self.phases, *(named(*judgement) for judgement in self.judgements)}

    def _key(self, item: pytest.Item) -> tuple[str, str] | None:
        """Return (contract, subject), or ("", phase), of an item of this plan."""
        if checks_of_item(item) != self.prepared.plan.name:
            return None
        params: Mapping[str, Any] = getattr(getattr(item, "callspec", None), "params", {})
        if "phase_check" in params:
            return ("", params["phase_check"])
        judgement: tuple[str, str] | None = params.get("contract_check")
        return judgement

    def _position(self, key: tuple[str, str]) -> tuple[int, int, int]:
        """Return where an item stands: a phase at its place, a contract after the last phase it needs."""
        name, subject = key
        if not name:
            return (self.phases.index(subject), 0, 0)
        needs = next(contract.needs for contract in self.prepared.plan.contracts if contract.name == name)
        return (max(self.phases.index(need) for need in needs), 1, self.judgements.index(key))

    def _after_teardown(self, key: tuple[str, str]) -> bool:
        phase = self.prepared.plan.phase(self.phases[self._position(key)[0]])
        return phase.window == "teardown"

    @staticmethod
    def _request_phase(item: pytest.Item, phase: str) -> None:
        """Have an item set its phase up, so that `--setup-plan` shows the order."""
        if isinstance(item, pytest.Function) and phase not in item.fixturenames:
            # A list of its own: the items of one function share theirs, and one would run every phase.
            item.fixturenames = [phase, *item.fixturenames]


def named(contract: str, subject: str) -> str:
    """Return how an item is called on the command line."""
    return f"{contract}:{subject}" if subject and contract else contract or subject


def expected_of(rows: tuple[ExpectedContract, ...]) -> tuple[tuple[str, str], ...]:
    """Return every contract with each of its expected subjects."""
    return tuple((row.name, subject) for row in rows for subject in row.subjects or ("",))


def checks_of_item(item: pytest.Item) -> str:
    """Return the plan whose checks an item is one of; empty for everybody else's."""
    return str(getattr(getattr(item, "module", None), "DRPROOF_CHECKS", ""))


def dry(config: pytest.Config) -> bool:
    """Return whether pytest only shows what it would do."""
    return bool(config.option.collectonly or getattr(config.option, "setupplan", False))


def _stop_pytest(interruption: Interruption) -> None:
    raise KeyboardInterrupt(interruption.reason)
