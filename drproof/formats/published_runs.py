"""Published runs: what a run's report promises, the plan of a publication, and the keys of both."""

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from drproof.formats.strict_json import parse as parse_json
from drproof.formats.strict_json import shape_of
from drproof.model.errors import FormatError

REPORT = "run_report.json"
RUNS, LATEST = "runs", "latest"
LOCAL = "local"
"""The candidate whose runs have no folder of its name."""

OUTPUTS: Mapping[str, str] = {
    "ranked_json": "{provider}_ranked_jobs.{profile}.json",
    "ranked_csv": "{provider}_ranked_jobs.{profile}.csv",
    "ranked_families_json": "{provider}_ranked_families.{profile}.json",
    "shortlist_md": "{provider}_shortlist.{profile}.md",
    "top_md": "{provider}_top.{profile}.md",
}
"""The outputs of a run, all of which have a latest copy, with the names of their files."""

SHA256 = re.compile(r"[0-9a-f]{64}")
LOGICAL = 3
"""The parts of a logical key that says where its file lies: provider, profile, output."""

CONTENT_TYPES = {
    ".json": "application/json",
    ".csv": "text/csv",
    ".md": "text/markdown",
    ".html": "text/html",
    ".txt": "text/plain",
}
MEMBERS = ("plan", "checked")
"""Where a plan may lie inside an object: as it is written, or in an earlier result."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Promise:
    """One artifact as a report promises it; an empty digest and no size where it promises none."""

    logical_key: str
    path: str
    size: int | None
    sha256: str

    @property
    def output(self) -> str:
        """The last part of the logical key."""
        return self.logical_key.rpartition(":")[2]

    def key(self, run_path: str) -> str:
        """Return where the artifact is published below a run; one of no provider lies beside the report."""
        parts = self.logical_key.split(":")
        folder = parts[:2] if len(parts) == LOGICAL else []
        return "/".join((run_path, *folder, PurePosixPath(self.path).name))


@dataclass(frozen=True, slots=True, kw_only=True)
class RunReport:
    """What a run says of itself."""

    run_id: str
    ended_at: str
    """When the run ended, as it says it; empty when it does not."""
    promises: tuple[Promise, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanEntry:
    """One object of a publication: what lies where, and what it must be."""

    logical_key: str
    local_path: str
    sha256: str
    bytes: int
    content_type: str
    s3_key: str
    kind: str


def parse_report(data: bytes) -> RunReport:
    """Return a run's report.

    Raises:
        FormatError: it is no JSON object, names no run, or its artifacts have no paths.
    """
    document = _object(parse_json(data, fractions=True), "a run's report")
    artifacts = _object(document.get("verifiable_artifacts", {}), "verifiable_artifacts")
    return RunReport(
        run_id=_text(document, "run_id", "a run's report"),
        ended_at=_ended_at(document),
        promises=tuple(_promise(name, artifacts[name]) for name in sorted(artifacts)),
    )


def parse_plan(data: bytes) -> tuple[PlanEntry, ...]:
    """Return a publication's plan: a list of entries, alone or as `plan` (or `checked`) of an object.

    Raises:
        FormatError: it is of another shape, or promises an object without size or digest.
    """
    document = parse_json(data, fractions=True)
    if isinstance(document, dict):
        document = next((document[name] for name in MEMBERS if name in document), None)
    if not isinstance(document, list) or not document:
        raise FormatError("publish-plan", "expected a list of entries, alone or as `plan` of an object; got none")
    return tuple(_entry(row, number) for number, row in enumerate(document))


def plan_of(
    report: RunReport, *, prefix: str, run_path: str, outputs: Collection[str] = tuple(OUTPUTS)
) -> tuple[PlanEntry, ...]:
    """Return the plan that a report leads to: its artifacts below the run, then the latest copies of the outputs.

    Raises:
        FormatError: it promises nothing, or an artifact without size or digest.
    """
    if not report.promises:
        raise FormatError("publish-plan", f"the report of run {report.run_id} promises no artifact")
    runs = sorted((_planned(one, RUNS, one.key(run_path)) for one in report.promises), key=lambda one: one.s3_key)
    copied = [one for one in report.promises if one.output in outputs and one.logical_key.count(":") == LOGICAL - 1]
    latest = [_planned(one, LATEST, one.key(latest_path(prefix))) for one in copied]
    return (*runs, *sorted(latest, key=lambda one: one.s3_key))


def run_path(prefix: str, run_id: str, candidate: str = LOCAL) -> str:
    """Return where a run is published; its id stands there as it is, colons and plus included."""
    below = "" if candidate == LOCAL else f"candidates/{candidate}/"
    return _below(prefix, f"{below}{RUNS}/{run_id}")


def latest_path(prefix: str) -> str:
    """Return where the latest copies lie."""
    return _below(prefix, LATEST)


def found_among(path: str, names: Iterable[str]) -> str | None:
    """Return the one name that a path of another machine means: of those with its file name, the likest.

    None when there is none, or when two are alike.
    """
    wanted = PurePosixPath(path).parts
    alike: dict[int, list[str]] = {}
    for name in names:
        common = 0
        for ours, theirs in zip(reversed(PurePosixPath(name).parts), reversed(wanted), strict=False):
            if ours != theirs:
                break
            common += 1
        alike.setdefault(common, []).append(name)
    best = max(alike, default=0)
    return alike[best][0] if best and len(alike[best]) == 1 else None


def _below(prefix: str, path: str) -> str:
    return f"{prefix}/{path}" if prefix else path


def _planned(promise: Promise, kind: str, key: str) -> PlanEntry:
    if promise.size is None or not promise.sha256:
        raise FormatError("publish-plan", f"{promise.logical_key} is promised without its size or its SHA-256")
    return PlanEntry(
        logical_key=promise.logical_key,
        local_path=promise.path,
        sha256=promise.sha256,
        bytes=promise.size,
        content_type=CONTENT_TYPES.get(PurePosixPath(promise.path).suffix, "application/octet-stream"),
        s3_key=key,
        kind=kind,
    )


def _promise(name: str, row: object) -> Promise:
    artifact = _object(row, f"artifact {name!r}")
    path = _text(artifact, "path", f"artifact {name!r}")
    if PurePosixPath(path).name in {"", ".."}:
        raise FormatError("run-report", f"artifact {name!r} has the path {path!r}, expected that of a file")
    size, sha256 = artifact.get("bytes"), artifact.get("sha256")
    return Promise(
        logical_key=name,
        path=path,
        # To isinstance, True is a number.
        size=size if type(size) is int and size >= 0 else None,
        sha256=sha256 if isinstance(sha256, str) and SHA256.fullmatch(sha256) else "",
    )


def _entry(row: object, number: int) -> PlanEntry:
    where = f"entry {number} of the plan"
    content = _object(row, where)
    names = ("logical_key", "local_path", "sha256", "content_type", "s3_key", "kind")
    texts = {name: _text(content, name, where) for name in names}
    size = content.get("bytes")
    if type(size) is not int or size < 0:
        raise FormatError("publish-plan", f"{where} has the bytes {size!r}, expected a whole number")
    if not SHA256.fullmatch(texts["sha256"]):
        raise FormatError("publish-plan", f"{where} has the sha256 {texts['sha256']!r}, expected 64 hex digits")
    if texts["kind"] not in {RUNS, LATEST}:
        raise FormatError("publish-plan", f"{where} has the kind {texts['kind']!r}, expected {RUNS} or {LATEST}")
    return PlanEntry(bytes=size, **texts)


def _ended_at(document: Mapping[str, Any]) -> str:
    """Return the first instant of those that reports are known to name."""
    timestamps = document.get("timestamps")
    inner = timestamps.get("ended_at") if isinstance(timestamps, dict) else None
    named = (inner, document.get("ended_at"), document.get("finished_at"))
    return next((one for one in named if isinstance(one, str) and one), "")


def _object(value: object, what: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise FormatError("run-report", f"expected {what} to be an object, got {shape_of(value)}")
    return value


def _text(content: Mapping[str, Any], name: str, what: str) -> str:
    value = content.get(name)
    if not isinstance(value, str) or not value:
        raise FormatError("run-report", f"{what} has the {name} {value!r}, expected text")
    return value
