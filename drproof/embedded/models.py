"""The SDK's models, read once in a world: the emulator has EC2's read for each partition while it is imported."""

from typing import Any, ClassVar

from botocore.loaders import JSONFileLoader, Loader


class _ReadOnce(JSONFileLoader):
    """Reads each file once, whoever asks: nobody changes what was read."""

    _read: ClassVar[dict[str, Any]] = {}

    def load_file(self, file_path: str) -> Any:  # noqa: ANN401 — a document
        if file_path not in self._read:
            self._read[file_path] = super().load_file(file_path)
        return self._read[file_path]


def share() -> None:
    """Have every session of this process read by one loader."""
    Loader.FILE_LOADER_CLASS = _ReadOnce
