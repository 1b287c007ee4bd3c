"""Receipts of the commands: files under the reference's names, made once and never written over."""

import os
import shlex
from collections.abc import Mapping
from pathlib import Path

from drproof.engine.refusal import refuse


class Receipts:
    """A folder for receipts, or none at all."""

    def __init__(self, directory: Path | None) -> None:
        """Take a folder that is not there yet, or is empty.

        Raises:
            Refusal: something is in it.
        """
        self.directory = directory
        self._written: list[Path] = []
        if directory is None:
            return
        directory.mkdir(parents=True, exist_ok=True)
        if held := sorted(path.name for path in directory.iterdir()):
            raise refuse(
                f"--receipt-dir {directory} holds {held[0]} already",
                expected="a folder that is empty or not there: receipts are not written over",
                got=f"{len(held)} entries",
                next_step="name another folder",
            )

    def write(self, name: str, data: bytes) -> str:
        """Write a receipt, and return where it is; "" when none are kept."""
        if self.directory is None:
            return ""
        path = self.directory / name
        with path.open("xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        self._written.append(path)
        return str(path)

    def take_back(self) -> None:
        """Remove what was written, so that the same command can be run again once what was wrong is mended."""
        while self._written:
            self._written.pop().unlink(missing_ok=True)


def env(values: Mapping[str, str]) -> bytes:
    """Return values as lines that a shell can read."""
    return "".join(f"{name}={shlex.quote(value) if value else ''}\n" for name, value in values.items()).encode()
