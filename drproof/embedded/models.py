"""The SDK's models, read once in a process: the emulator has EC2's read for each partition while it is imported."""

import importlib
from typing import Any, ClassVar

from botocore.loaders import JSONFileLoader, Loader

_SERVED = (
    "cloudwatch", "codebuild", "ec2", "ecr", "events", "iam", "kms", "lambda", "s3", "service-quotas", "sns", "ssm",
    "stepfunctions", "sts",
)  # fmt: skip
"""The services that a drill calls."""

_found: dict[tuple[object, ...], dict[Any, Any]] = {}


class _ReadOnce(JSONFileLoader):
    """Reads each file once, whoever asks: nobody changes what was read."""

    _read: ClassVar[dict[str, Any]] = {}

    def load_file(self, file_path: str) -> Any:  # noqa: ANN401 — a document
        if file_path not in self._read:
            self._read[file_path] = super().load_file(file_path)
        return self._read[file_path]


def share() -> None:
    """Have every session of this process read by one loader of each kind: one looks for services in 400 folders."""
    if Loader.FILE_LOADER_CLASS is _ReadOnce:
        return
    Loader.FILE_LOADER_CLASS = _ReadOnce
    begin = Loader.__init__

    def begin_with_what_was_found(self: Any, *arguments: Any, **named: Any) -> None:  # noqa: ANN401 — botocore's own
        begin(self, *arguments, **named)
        if type(self.file_loader) is _ReadOnce:
            kind = (type(self), *self.search_paths, *self.extras_types)
            self._cache = _found.setdefault(kind, {})

    Loader.__init__ = begin_with_what_was_found  # type: ignore[method-assign]


def read_ahead(loader: Loader) -> None:
    """Have `loader` read what a drill calls, so that what is forked from this process has it."""
    for service in _SERVED:
        loader.load_service_model(service, "service-2")
        for kind in ("paginators-1", "waiters-2", "endpoint-rule-set-1"):
            if service in loader.list_available_services(kind):
                loader.load_service_model(service, kind)
    for name in ("_retry", "endpoints", "partitions", "sdk-default-configuration"):
        loader.load_data(name)


def read_ahead_by_the_emulator() -> None:
    """Have the emulator read what a world answers for."""
    served = importlib.import_module("moto.core.utils")
    regions = importlib.import_module("moto.core.base_backend").AccountSpecificBackend.get_session()
    for service in _SERVED:
        served.get_service_model(service)
        for partition in regions.get_available_partitions():
            regions.get_available_regions(service, partition_name=partition)
