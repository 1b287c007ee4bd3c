"""python -m benchmarks [--quick] [--json] [NAME…]: all benchmarks, or some; exits 1 when a gate is broken."""

import argparse
import importlib
import pkgutil
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

import benchmarks
from benchmarks.harness import Gate, Options

Run = Callable[[Options], list[Gate]]


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
    broken = False
    for name in options.names or runs:
        with tempfile.TemporaryDirectory(prefix="drproof-benchmark-") as scratch:
            for gate in runs[name](Options(quick=options.quick, scratch=Path(scratch))):
                print(gate.row() if options.json else gate.line(), flush=True)
                broken = broken or gate.verdict == "broken"
    return int(broken)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
