"""Worlds from one interpreter that has imported everything: a suite that rehearses a hundred times imports once.

`python -m drproof.embedded.fork_server FD` listens on the Unix socket that it inherits as FD, and ends with its
standard input. Where `EMBEDDED_WORLD_FORK_SERVER` names that socket, `python -m drproof.embedded` hands itself over:
arguments, environment, folder and standard streams. Each world is a process of its own, forked from one that keeps
nothing.
"""

import contextlib
import gc
import json
import os
import select
import signal
import socket
import sys
import time
import traceback
from pathlib import Path
from typing import NoReturn

VARIABLE = "EMBEDDED_WORLD_FORK_SERVER"
STREAMS = 3
_PID = 4
_PAUSE_SECONDS = 0.005
LOST = 1
"""The exit status of a world that ended without saying one."""


def hand_over(path: str, arguments: list[str]) -> int:
    """Have the server at `path` fork a world that is told what this process was told, and return its exit status."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        try:
            connection.connect(path)
        except OSError as exc:
            sys.stderr.write(f"{VARIABLE}={path}: nobody listens there: {exc}\n  next: unset {VARIABLE}\n")
            return LOST
        socket.send_fds(connection, [b"\0"], list(range(STREAMS)))
        said = {"arguments": arguments, "environment": dict(os.environ), "folder": str(Path.cwd())}
        connection.sendall(json.dumps(said).encode())
        connection.shutdown(socket.SHUT_WR)
        # Whoever reads its ready line waits for the end of the stream, which this process must not hold open.
        for number in range(STREAMS):
            os.close(number)
        pid = int.from_bytes(connection.recv(_PID, socket.MSG_WAITALL))
        status = connection.recv(1)
    while pid and _runs(pid):
        time.sleep(_PAUSE_SECONDS)
    return status[0] if status else LOST


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def serve(listener: socket.socket, until: int) -> None:
    """Fork a world for each connection until the descriptor `until` is closed at its other end."""
    # A world that has ended is nobody's to wait for.
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    while True:
        ready, _, _ = select.select([listener.fileno(), until], [], [])
        if until in ready:
            return
        connection, _ = listener.accept()
        with connection:
            if os.fork() == 0:
                listener.close()
                _live(connection)


def _live(connection: socket.socket) -> NoReturn:
    """Be the world that somebody asked for, and end with it."""
    status = LOST
    try:
        connection.sendall(os.getpid().to_bytes(_PID))
        status = _world(connection)
    except SystemExit as exc:
        status = exc.code if isinstance(exc.code, int) else LOST
    except BaseException:  # noqa: BLE001 — the process ends here, with its cause on the stream of whoever asked
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        # Whoever asked may be gone.
        with contextlib.suppress(OSError):
            connection.sendall(bytes([status]))
        os._exit(status)


def _world(connection: socket.socket) -> int:
    from moto.moto_api._internal import mock_random

    from drproof.embedded import __main__ as world

    _, streams, _, _ = socket.recv_fds(connection, 1, STREAMS)
    said = json.loads(b"".join(iter(lambda: connection.recv(1 << 16), b"")))
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.chdir(said["folder"])
    os.environ.clear()
    os.environ.update(said["environment"])
    world.steer()
    # Forked worlds would draw the same names from it; Python's own source of chance is sown anew by itself.
    mock_random.seed()
    return world.main(said["arguments"])


def _import_everything() -> None:
    """Import what a world imports, at its start and at the first object of each kind in its clusters."""
    import moto.autoscaling.models  # noqa: F401 — the emulator imports it at the first machine

    from drproof.embedded import __main__, models  # noqa: F401 — as above
    from drproof.embedded.kubernetes import resources, schema
    from drproof.embedded.shims import iam_policies

    for resource in resources.ALL:
        schema.of(resource)
    models.read_ahead_by_the_emulator()
    iam_policies.known()
    # What is shared with the worlds stays shared: a collection would touch, and so copy, each page.
    gc.collect()
    gc.freeze()


def main() -> int:
    """Serve until standard input ends."""
    with socket.socket(fileno=int(sys.argv[1])) as listener:
        _import_everything()
        serve(listener, sys.stdin.fileno())
    return 0


if __name__ == "__main__":
    sys.exit(main())
