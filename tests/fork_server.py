"""Where the processes of a run of the tests are forked from: one that starts when somebody first asks it."""

import os
import select
import socket
import subprocess
import sys
import tempfile
import threading
from pathlib import Path


class ForkServer:
    """A socket that is there at once, and a process that takes it over when somebody calls.

    The process is `python -m MODULE FD`; `variable` tells all processes of the run where the socket is.
    """

    def __init__(self, module: str, variable: str) -> None:
        self._module, self._variable = module, variable
        self._folder = tempfile.TemporaryDirectory(prefix="forks-")
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        path = str(Path(self._folder.name) / "socket")
        self._listener.bind(path)
        self._listener.listen(64)
        # While it is open at this end the process lives: it ends with this run, however that ends.
        self._until, self._held = os.pipe()
        self._process: subprocess.Popen[bytes] | None = None
        self._thread = threading.Thread(target=self._wait_for_a_call, daemon=True)
        self._thread.start()
        os.environ[variable] = path

    def _wait_for_a_call(self) -> None:
        ready, _, _ = select.select([self._listener.fileno(), self._until], [], [])
        if self._until in ready:
            return
        self._process = subprocess.Popen(
            [sys.executable, "-m", self._module, str(self._listener.fileno())],
            stdin=self._until,
            pass_fds=[self._listener.fileno()],
            cwd=Path(__file__).resolve().parents[1],
            start_new_session=True,
        )

    def close(self) -> None:
        """End the process; what it forked lives on."""
        os.environ.pop(self._variable, None)
        os.close(self._held)
        self._thread.join()
        if self._process is not None:
            self._process.wait()
        os.close(self._until)
        self._listener.close()
        self._folder.cleanup()
