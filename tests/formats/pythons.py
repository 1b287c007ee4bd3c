"""The supported Pythons that are on this machine, each with what the readers need, and the tables under each.

An environment a Python is kept in `.venv/pythons/`, made once for each set of versions.
"""

import hashlib
import json
import os
import shutil
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
SUPPORTED = ("3.11", "3.12", "3.13", "3.14")
NEEDED = ("msgspec", "PyYAML", "rfc8785", "zstandard")
BOUND = 240


def find(release: str) -> Path | None:
    """Return an interpreter of a release, or None."""
    if release == f"{sys.version_info.major}.{sys.version_info.minor}":
        return Path(sys.executable)
    kept = Path.home() / ".pyenv" / "versions"
    found = shutil.which(f"python{release}")
    for path in (*sorted(kept.glob(f"{release}.*/bin/python")), *([Path(found)] if found else [])):
        asked = [str(path), "-c", "import sys, venv; print(*sys.version_info[:2], sep='.')"]
        done = subprocess.run(asked, capture_output=True, text=True, check=False, timeout=BOUND)
        if done.returncode == 0 and done.stdout.strip() == release:
            return path
    return None


def prepared(release: str, python: Path) -> Path:
    """Return an interpreter that can import what the readers need, in the versions that are tested here."""
    if python == Path(sys.executable):
        return python
    folder = ROOT / ".venv" / "pythons" / release
    wanted = [f"{name}=={version(name)}" for name in NEEDED]
    stamp, state = folder / "prepared", hashlib.sha256(f"{python} {wanted}".encode()).hexdigest()
    if not stamp.exists() or stamp.read_text() != state:
        subprocess.run([python, "-m", "venv", "--clear", folder], check=True, capture_output=True, timeout=BOUND)
        subprocess.run(
            [folder / "bin" / "python", "-m", "pip", "install", "-q", "--only-binary", ":all:", *wanted],
            check=True,
            capture_output=True,
            timeout=BOUND,
        )
        stamp.write_text(state)
    return folder / "bin" / "python"


def tables(python: Path) -> dict[str, Any]:
    """Return what `tests.formats.tables` measures under a Python, in a process of its own."""
    done = subprocess.run(
        [python, "-B", "-m", "tests.formats.tables"],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
        timeout=BOUND,
    )
    if done.returncode:
        raise AssertionError(done.stderr)
    result: dict[str, Any] = json.loads(done.stdout)
    return result


def differences(one: dict[str, dict[str, str]], other: dict[str, dict[str, str]]) -> list[str]:
    """Return each case whose verdict differs."""
    return [
        f"{table}: {case}: {rows.get(case)} and {other.get(table, {}).get(case)}"
        for table, rows in one.items()
        for case in rows.keys() | other.get(table, {}).keys()
        if rows.get(case) != other.get(table, {}).get(case)
    ]


def main() -> int:
    """Print a line for each supported Python, absent ones too; 1 when one disagrees with this one."""
    here = tables(Path(sys.executable))
    status = 0
    for release in SUPPORTED:
        python = find(release)
        if python is None:
            print(f"Python {release}: ABSENT from this machine: its verdicts are not compared")
            continue
        found = tables(prepared(release, python))
        different = differences(here["verdicts"], found["verdicts"])
        status = status or bool(different)
        count = sum(map(len, found["verdicts"].values()))
        print(f"Python {found['python']}: {count} verdicts, {len(different)} differ from Python {here['python']}")
        for line in different:
            print(f"  {line}")
    return status
