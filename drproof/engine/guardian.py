"""The guardian: a process that outlives the run and undoes it when the run dies in any way.

It holds the reading end of a pipe. A run that ends well says so; an end without that word means that the process
was killed, and the guardian resumes its teardown. It imports nothing of drproof until then.
"""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

DISMISSED = b"dismissed"
TRIES, PAUSE_SECONDS = 3, 2.0


class Guardian:
    """The guardian as the run sees it."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        """Hold the pipe of a started guardian."""
        self._process = process

    @classmethod
    def start(cls, directory: Path, private: Path) -> "Guardian":
        """Start a guardian over the run in `directory` and return once it watches."""
        log = os.open(private / "guardian.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        try:
            process = subprocess.Popen(  # noqa: S603 — our own interpreter and module
                [sys.executable, "-m", "drproof.engine.guardian", str(directory)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                start_new_session=True,
                cwd=private,
            )
        finally:
            os.close(log)
        if process.stdout is None or process.stdout.read(6) != b"ready\n":
            process.kill()
            msg = f"the guardian did not start; see {private / 'guardian.log'}; nothing was changed"
            raise OSError(msg)
        process.stdout.close()
        return cls(process)

    @property
    def pid(self) -> int:
        """The guardian's process."""
        return self._process.pid

    def dismiss(self) -> None:
        """Tell the guardian that there is nothing left to guard."""
        if self._process.stdin is not None:
            try:
                self._process.stdin.write(DISMISSED)
                self._process.stdin.close()
            except BrokenPipeError:
                # It is gone already: nothing guards, and nothing needs to.
                return
        self._process.wait(timeout=120)


def main(arguments: list[str]) -> int:
    """Watch the run in the folder given, and resume it if it dies."""
    (directory,) = arguments
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    os.write(1, b"ready\n")
    os.close(1)
    os.open(os.devnull, os.O_WRONLY)
    word = b""
    while chunk := os.read(0, 64):
        word += chunk
    if word == DISMISSED:
        return 0
    from drproof.engine.resume import UNDO, resume
    from drproof.model.errors import DrproofError

    for left in range(TRIES - 1, -1, -1):
        try:
            return resume(Path(directory), UNDO, reason="the run died; its guardian tears down", wait=True).exit_status
        except (DrproofError, OSError, ValueError):
            # A disk or a site that failed for a moment must not cost the only one who undoes.
            if not left:
                raise
            time.sleep(PAUSE_SECONDS)
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
