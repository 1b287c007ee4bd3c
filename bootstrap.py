"""Everything that a checkout needs, with nothing but Python: an environment in .venv, then the drill or the tests.

python3 bootstrap.py drill   rehearses against the embedded world and leaves reports/<drill-id>/proof.html
python3 bootstrap.py test    runs the tests
"""

import hashlib
import os
import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent
ENVIRONMENT = ROOT / ".venv"
PYTHON = ENVIRONMENT / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
COMMANDS = {
    "drill": ("-m", "pytest", "-m", "drill"),
    # One more than the two cores that this is measured on: a drill waits for other processes half of its time.
    "test": ("-m", "pytest", "-n", "3", "--dist", "worksteal"),
    "python": (),
}
OLDEST = (3, 11)


def main(arguments: list[str]) -> int:
    """Prepare the environment where it is not as `pyproject.toml` says, and run a command in it."""
    if sys.version_info < OLDEST:
        print(f"drproof needs Python 3.11 or newer; this is {sys.version.split()[0]}", file=sys.stderr)
        return 2
    if not arguments or arguments[0] not in COMMANDS:
        print(__doc__, file=sys.stderr)
        return 2
    prepare()
    return subprocess.call([str(PYTHON), *COMMANDS[arguments[0]], *arguments[1:]], cwd=ROOT)


def prepare() -> None:
    """Make the environment, once for each state of `pyproject.toml`."""
    stamp = ENVIRONMENT / "prepared"
    wanted = hashlib.sha256((ROOT / "pyproject.toml").read_bytes() + sys.version.encode()).hexdigest()
    if stamp.exists() and stamp.read_text() == wanted:
        return
    print("drproof: preparing .venv, once; this takes a minute", flush=True)
    venv.create(ENVIRONMENT, with_pip=True, clear=ENVIRONMENT.exists())
    for words in (("-U", "pip"), ("-e", ".[all]", "--group", "dev")):
        subprocess.check_call([str(PYTHON), "-m", "pip", "install", "-qq", *words], cwd=ROOT)
    stamp.write_text(wanted)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
