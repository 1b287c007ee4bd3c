"""Files that only this user may read."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from drproof.model.errors import GuardError

OTHERS = 0o077


def write(path: Path, data: bytes) -> None:
    """Write a file whole or not at all; nobody else can read it at any instant."""
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def read(path: Path) -> bytes:
    """Return a file's bytes.

    Raises:
        GuardError: others can read it, it is somebody else's, or it is a link.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError as exc:
        msg = f"{path} cannot be read: {exc.strerror}; expected a file of this user alone"
        raise GuardError(msg) from exc
    with os.fdopen(descriptor, "rb") as file:
        found = os.fstat(file.fileno())
        mode = found.st_mode & 0o777
        if mode & OTHERS or found.st_uid != os.geteuid():
            msg = (
                f"{path} is not private: expected mode 600 and owner {os.geteuid()}, got mode {mode:o} and owner"
                f" {found.st_uid}; who read it can act as its user\n  next: give a fresh kubeconfig"
            )
            raise GuardError(msg)
        return file.read()


@contextmanager
def lent(directory: Path, data: bytes) -> Iterator[Path]:
    """Lend bytes as a file, for what takes only files; it is gone afterwards."""
    descriptor, name = tempfile.mkstemp(prefix=".lent.", dir=directory)
    path = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
        yield path
    finally:
        path.unlink(missing_ok=True)
