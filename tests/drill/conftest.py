"""Drills as users run them: a process of their own in a folder of their own."""

import base64
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from drproof import catalog
from drproof.embedded import scenarios
from drproof.evidence import trust as trusting
from drproof.evidence.expectations import Expectations
from drproof.evidence.verification import Verification, verify
from tests import interpreter
from tests.patience import until

SECONDS = 600
"""How long a process of a drill may take, on however busy a machine: a bound for what hangs."""
OF_MACHINES = ("codebuild-", "terraform-", "two-runners", "teardown-", "state-missing")
"""Scenarios that are about how a machine comes and goes; the others are run without Terraform, a tenth faster."""
DROPPED = {"USER", "ALLOW_FULL_DRILL", "PYTHONDONTWRITEBYTECODE"}
"""With the last, every process would compile the whole of drproof again."""


@dataclass(frozen=True)
class Drill:
    """What one pytest process left behind."""

    status: int
    output: str
    directory: Path | None

    @property
    def bundle(self) -> Path:
        assert self.directory is not None, self.output
        return self.directory

    def read(self, name: str) -> Any:
        return json.loads((self.bundle / name).read_bytes())

    @property
    def closing(self) -> dict[str, Any]:
        """What the closing says."""
        return self.statement("closing.dsse.json")["predicate"]

    def verified(self, **expect: Any) -> Verification:
        """Return what an auditor finds who trusts the key of this project, rehearsals accepted."""
        trust = trusting.read((self.bundle.parent.parent / ".drproof/trust.json").read_bytes())
        demands = Expectations(accept_rehearsal=True, **expect)
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.999Z")
        types, judge = catalog.types(), catalog.judge_again
        return verify(self.bundle, types, trust=trust, expect=demands, now=now, judge=judge)

    def statement(self, name: str) -> dict[str, Any]:
        return json.loads(base64.b64decode(self.read(name)["payload"]))

    @property
    def receipts(self) -> dict[str, dict[str, Any]]:
        files = sorted((self.bundle / "receipts").glob("*.json"))
        return {receipt["phase"]: receipt for receipt in map(_load, files)}

    @property
    def outcomes(self) -> dict[str, str]:
        return {phase: receipt["outcome"] for phase, receipt in self.receipts.items()}

    @property
    def verdicts(self) -> dict[str, dict[str, Any]]:
        found = self.read("verdicts.json")["verdicts"]
        return {f"{v['contract']}[{v['subject']}]" if v["subject"] else v["contract"]: v for v in found}

    def named(self, status: str) -> set[str]:
        return {name for name, verdict in self.verdicts.items() if verdict["status"] == status}

    @property
    def calls(self) -> list[dict[str, Any]]:
        return self.read("evidence/world.calls.json")

    def called(self, action: str) -> list[dict[str, Any]]:
        return [call for call in self.calls if call["action"] == action]

    @property
    def inventory(self) -> dict[str, Any]:
        return self.read("evidence/world.inventory.json")


def _load(path: Path) -> dict[str, Any]:
    return json.loads(path.read_bytes())


class Operator:
    """Somebody at a terminal, in an empty folder; `anew` starts each interpreter, where a fork of one would do."""

    def __init__(self, folder: Path, *, anew: bool = False) -> None:
        self.folder = folder
        self.anew = anew

    def command(self, *words: str) -> list[str]:
        # The last one would import all of itself at the end of each run, for a second.
        off = ("randomly", "cacheprovider", "allure_pytest", "timeout", "hypothesispytest")
        plain = [word for name in off for word in ("-p", f"no:{name}")]
        return [sys.executable, "-m", "pytest", *plain, *words]

    def environment(self, **changes: str) -> dict[str, str]:
        kept = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("AWS_", "PYTEST_", "COV_")) and name not in DROPPED
        }
        # Whoever has no credentials must not look for them outside this machine.
        return {**kept, "EMBEDDED_WORLD_MEMBERS": "60", "AWS_EC2_METADATA_DISABLED": "true", **changes}

    def run(self, *words: str, **environment: str) -> Drill:
        before = self._bundles()
        done = self._done(self.command(*words), self.environment(**environment))
        new = sorted(self._bundles() - before)
        return Drill(done.returncode, done.stdout + done.stderr, new[-1] if new else None)

    def drill(self, *words: str, **environment: str) -> Drill:
        """Rehearse, without Terraform unless the words say by what: it takes a fifth of a drill."""
        by = () if "--provisioner" in words else ("--provisioner", "direct")
        return self.run("-m", "drill", "--target", "embedded", *by, *words, **environment)

    def cli(self, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-c", "from drproof.cli import main; main()", *words]
        return self._done(command, self.environment(**environment))

    def _done(self, command: list[str], environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
        if not self.anew and interpreter.may_be_forked(environment):
            process = interpreter.Forked(command[1:], self.folder, environment, apart=True)
            try:
                output, errors = process.communicate(SECONDS)
            except BaseException:
                process.kill()
                raise
            return subprocess.CompletedProcess(command, process.wait(), output, errors)
        return subprocess.run(
            command,
            cwd=self.folder,
            env=environment,
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
            stdin=subprocess.DEVNULL,
        )

    def start(self, *words: str, **environment: str) -> "subprocess.Popen[str] | interpreter.Forked":
        told = self.environment(**environment)
        if interpreter.may_be_forked(told):
            return interpreter.Forked(self.command(*words)[1:], self.folder, told, apart=False)
        return subprocess.Popen(
            self.command(*words),
            cwd=self.folder,
            env=told,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            text=True,
        )

    @contextmanager
    def held(self, *words: str, at: int, root: Path) -> "Iterator[subprocess.Popen[str] | interpreter.Forked]":
        """Start a run and hold it at a record of its journal for as long as is needed; `root` is where the tests lie."""
        mark = self.folder / "held"
        run = self.start("-p", "tests.drill.hold_at", *words, HOLD_AT=str(at), HELD=str(mark), PYTHONPATH=str(root))
        try:
            until(lambda: mark.exists() or run.poll() is not None, SECONDS)
            assert mark.exists(), run.communicate()[0]
            yield run
        finally:
            mark.unlink(missing_ok=True)

    def closed(self, run_id: str, seconds: float = SECONDS) -> Drill:
        """Wait until somebody has sealed a run and let go of it."""
        directory = self.folder / "reports" / run_id
        private = directory.with_name(run_id + ".private")
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if (directory / "closing.dsse.json").exists() and not private.exists():
                return Drill(0, "", directory)
            time.sleep(0.1)
        log = private / "guardian.log"
        raise AssertionError(f"{run_id} was not sealed in time: {log.read_text() if log.exists() else 'no log'}")

    def _bundles(self) -> set[Path]:
        reports = self.folder / "reports"
        return {path.parent for path in reports.glob("*/plan.json")} if reports.is_dir() else set()


@pytest.fixture
def operator(tmp_path: Path) -> Operator:
    return Operator(tmp_path)


@pytest.fixture(scope="session")
def green(shelf) -> Drill:
    """One whole drill that ended well; tests only look at it."""
    return shelf.drill("green", green_in)


def green_in(folder: Path) -> Drill:
    """Drill as the README says it, by whatever provisioner the machine has."""
    return Operator(folder, anew=True).run("-m", "drill", "--target", "embedded", "--run-id", "green")


@pytest.fixture(scope="session")
def injected(shelf):
    """The drill of one scenario, run when it is first asked for; tests only look at it."""
    rows = scenarios.table()

    def run(name: str, folder: Path) -> Drill:
        mark = rows[name].get("mark", "drill")
        words = () if name.startswith(OF_MACHINES) or mark != "drill" else ("--provisioner", "direct")
        ran = Operator(folder).run("-m", mark, "--target", "embedded", "--scenario", name, *words)
        if "sealed_by" in rows[name]:
            assert ran.directory is not None, ran.output
            Operator(folder).closed(ran.directory.name)
        return ran

    return lambda name: shelf.drill(name, lambda folder: run(name, folder))


@pytest.fixture
def given(tmp_path):
    """A cluster of the operator's, in which the workload really runs."""
    # Here, because it builds on what stands above.
    from tests.drill.given import Given

    found = Given(tmp_path)
    yield found
    found.cluster.stop()
    assert found.broken == [], "what a test does beside a drill went wrong itself"
