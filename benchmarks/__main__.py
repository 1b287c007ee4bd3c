"""python -m benchmarks [--quick] [--json] [NAME…]: all benchmarks, or some.

Exit status: 0 no gate is broken, 1 one is, 2 something could not be run (an opponent is missing, a command failed) and
nothing is broken: what comes after it is run all the same.
"""

import argparse
import importlib
import pkgutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import benchmarks
from benchmarks.harness import Found, Gate, NotRun, Options

Run = Callable[[Options], Found]
BROKEN, NOT_RUN = 1, 2


def declared() -> dict[str, Run]:
    """Return what each module here declares as its `run`."""
    names = [module.name for module in pkgutil.iter_modules(benchmarks.__path__) if module.name != "__main__"]
    modules = {name: importlib.import_module(f"benchmarks.{name}") for name in sorted(names)}
    return {name: module.run for name, module in modules.items() if hasattr(module, "run")}


def main(words: Sequence[str]) -> int:
    """Run, print each gate as it is known, and return the exit status."""
    runs = declared()
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="less data, fewer rounds")
    parser.add_argument("--json", action="store_true", help="one line of JSON a gate")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(runs)}; all when none is given")
    options = parser.parse_args(words)
    if unknown := sorted(set(options.names) - set(runs)):
        parser.error(f"no benchmark is called {', '.join(unknown)}: expected {', '.join(runs)}")
    broken, missing = False, list[NotRun]()
    for name in options.names or runs:
        for gate in _found(name, runs[name], quick=options.quick):
            print(gate.row() if options.json else gate.line(), flush=True)
            broken = broken or gate.verdict == "broken"
            missing += [gate] if isinstance(gate, NotRun) else []
    for one in missing:
        # Once more at the end, where nobody overlooks it.
        print(one.line(), file=sys.stderr)
    return BROKEN if broken else NOT_RUN if missing else 0


def _found(name: str, run: Run, *, quick: bool) -> Iterator[Gate | NotRun]:
    with tempfile.TemporaryDirectory(prefix="drproof-benchmark-") as scratch:
        try:
            yield from run(Options(quick=quick, scratch=Path(scratch)))
        except (RuntimeError, OSError, subprocess.SubprocessError) as exc:
            yield NotRun(name=name, why=str(exc))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
