"""What drproof costs a pytest run: one that is none of its own, and one with ten thousand tests of the operator's own.

python -m benchmarks pytest_overhead [--quick] [--json]
"""

import sys
import tempfile
from pathlib import Path

from benchmarks.harness import Gate, Options, compared, crowd, interleave, interleave_calls, least, null
from drproof.engine.own_tests import OwnTestLog, gather
from drproof.evidence.redaction import Redactor
from drproof.plugin.own_tests import Proof

STARTUP, EACH, RECORD_US = 1.1, 1.15, 20
PLAIN = "def test_nothing():\n    pass\n"
MANY = """
import pytest

@getattr(pytest.mark, "health-check")
@pytest.mark.parametrize("number", range({count}))
def test_number(number):
    assert number >= 0
"""
# What else is installed here is no property of drproof.
# A conftest of another folder, such as that of this checkout, has pytest ask for its hooks anew at each test.
QUIET = ("--noconftest", "-p", "no:cacheprovider", "-p", "no:allure_pytest", "-p", "no:randomly", "-p", "no:xdist")
BARE = ("-p", "no:drproof.plugin")
"""By the name of its entry point: by any other name, nothing is switched off and nothing is said."""
OF_THE_MARK = ("-m", "health-check")
IN_A_RUN = (*OF_THE_MARK, "--target", "embedded")


def run(options: Options) -> list[Gate]:
    """Return the gates of start-up, of each test, and of each thing that a test says."""
    count, rounds = (2_000, 2) if options.quick else (10_000, 5)
    files = {
        "plain": PLAIN,
        "many": MANY.format(count=count),
        "one": MANY.format(count=1),
    }
    paths = {name: _written(options.scratch, name, text) for name, text in files.items()}
    start = interleave({"with drproof": _pytest(paths["plain"]), "without": _pytest(paths["plain"], *BARE)}, 2 * rounds)
    costs = interleave(
        {
            "bare many": _pytest(paths["many"], *OF_THE_MARK, *BARE),
            "bare one": _pytest(paths["one"], *OF_THE_MARK, *BARE),
            "many": _pytest(paths["many"], *IN_A_RUN),
            "one": _pytest(paths["one"], *IN_A_RUN),
        },
        rounds,
    )
    cpu = {name: least(costs, [name], "cpu") for name in costs}
    ours, bare = cpu["many"] - cpu["one"], cpu["bare many"] - cpu["bare one"]
    return [
        compared("start-up of a foreign run", start, "with drproof", ["without"], limit=STARTUP),
        Gate(
            name=f"{count} tests, each recorded, cpu",
            ratio=ours / bare,
            limit=EACH,
            null=max(null(costs, [name], "cpu") for name in ("many", "bare many")),
            load=crowd(costs, ["many", "bare many"]),
            detail=f"{ours:.2f} s beside {bare:.2f} s of bare pytest, start-up taken off both",
        ),
        _records(options.scratch, count, rounds),
    ]


def _records(scratch: Path, count: int, rounds: int) -> Gate:
    """Return the gate of one record, from the call in the test to the document that is sealed."""

    def say() -> None:
        private, bundle = (Path(tempfile.mkdtemp(dir=scratch)) for _ in range(2))
        log = OwnTestLog(private, ["test"])
        proof = Proof(log, "test")
        for number in range(count):
            proof.check("a claim", observed=number, expected=number)
        log.ended("test", "passed", duration_ms=0, reason="")
        log.close()
        gather(private, bundle, Redactor(["a value that is known to be secret"]))

    costs = interleave_calls({"records": say}, 2 * rounds)
    each = least(costs, ["records"], "cpu") / count * 1e6
    return Gate(
        name="one record inside a test, cpu",
        ratio=each / RECORD_US,
        limit=1,
        null=null(costs, ["records"], "cpu"),
        load=crowd(costs, ["records"]),
        detail=f"{each:.1f} µs of {RECORD_US}, masking and the sealed document included",
    )


def _written(scratch: Path, name: str, text: str) -> Path:
    folder = scratch / name
    folder.mkdir()
    path = folder / f"test_{name}.py"
    path.write_text(text, encoding="utf-8")
    return path


def _pytest(path: Path, *words: str) -> list[str]:
    reports = ("--reports-dir", str(path.parent / "reports")) if "--target" in words else ()
    return [sys.executable, "-m", "pytest", "-q", *QUIET, f"--rootdir={path.parent}", *words, *reports, str(path)]
