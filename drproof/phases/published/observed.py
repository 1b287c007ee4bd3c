"""What reading a published run observed: the types of its receipt."""

from collections.abc import Mapping
from dataclasses import dataclass

from drproof.model.receipt import Count

OK, NOT_FOUND, DENIED = "ok", "not_found", "access_denied"


@dataclass(frozen=True, slots=True, kw_only=True)
class PointerRead:
    """One pointer, whole; `status` is `ok` or says why it was not read."""

    label: str
    key: str
    status: str
    run_id: str = ""
    run_path: str = ""
    ended_at: str = ""
    providers: tuple[str, ...] = ()
    profiles: tuple[str, ...] = ()
    provider_profiles: Mapping[str, str]
    lacks: tuple[str, ...] = ()
    """The fields that are absent or of another shape."""
    objects: Count = 0
    """How many objects lie under its run_path, a thousand at most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportRead:
    """The run's own report, which promises what was published; `status` is `ok` or says why it was not read."""

    key: str
    status: str
    run_id: str = ""
    ended_at: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectRead:
    """One object, read whole and hashed, beside what the report promises of it."""

    name: str
    """Its logical key where it is promised, else its key below the run."""
    key: str
    status: str
    size: Count = 0
    sha256: str = ""
    kept_sha256: str = ""
    """The SHA-256 that the store itself keeps; empty where it keeps none."""
    etag: str = ""
    version: str = ""
    promised: bool = False
    promised_size: int | None = None
    promised_sha256: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishedRunObserved:
    """The run that the pointers name, as it is published; whether that is as it must be is for contracts."""

    bucket: str
    run_id: str
    run_path: str
    pointers: tuple[PointerRead, ...]
    report: ReportRead
    objects: tuple[ObjectRead, ...]
    latest: tuple[ObjectRead, ...]
    """The latest copy of each output, named by it, and that of the marker."""
