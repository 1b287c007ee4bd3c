"""The files of one run that a comparison reads: three documents, and the ranked outputs that the summary names."""

import csv
import hashlib
import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from drproof.formats.strict_json import parse as parse_json
from drproof.formats.strict_json import shape_of
from drproof.model.errors import FormatError

SUMMARY = "run_summary.v1.json"
HEALTH = "run_health.v1.json"
AVAILABILITY = "artifacts/provider_availability_v1.json"
REQUIRED = (SUMMARY, HEALTH, AVAILABILITY)
RANKED_JSON, RANKED_CSV, FAMILIES, SHORTLIST = KINDS = (
    "ranked_json",
    "ranked_csv",
    "ranked_families_json",
    "shortlist_md",
)
ROWS = ("jobs", "ranked_jobs", "items", "results")
"""Where rows may lie when a ranked document is no list itself."""

VERSIONS = {
    SUMMARY: "run_summary_schema_version",
    HEALTH: "run_health_schema_version",
    AVAILABILITY: "provider_availability_schema_version",
}
MEMBERS: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    SUMMARY: {
        "candidate_id": (),
        "status": (),
        "git_sha": (),
        "created_at_utc": (),
        "run_health": ("path", "sha256", "status"),
        "run_report": (),
        "ranked_outputs": KINDS,
        "primary_artifacts": (),
        "costs": (),
        "scoring_config": ("source", "config_sha256", "path", "provider", "profile"),
        "snapshot_manifest": ("applicable", "path", "sha256"),
        "quicklinks": (),
    },
    HEALTH: {"status": (), "phases": ("snapshot_fetch", "normalize", "score", "publish", "ai_sidecar")},
    AVAILABILITY: {"provider_registry_sha256": ()},
}
"""What each document must have in version 1; what it has besides is compared like everything else."""

STATUSES = ("success", "partial", "failed")


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """A ranked output as a summary names it; the digest is empty where it names none."""

    kind: str
    path: str
    sha256: str

    @property
    def key(self) -> str:
        """What it is called in every run: paths differ from machine to machine, file names do not."""
        return f"{self.kind}:{PurePosixPath(self.path).name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class RankedFile:
    """A ranked output: a JSON value, the rows of a table, or the lines of a text; without a name it is not there."""

    named: Named
    name: str = ""
    sha256: str = ""
    content: Any = None
    columns: tuple[str, ...] = ()

    @property
    def is_there(self) -> bool:
        """Whether the run has the file that its summary names."""
        return bool(self.name)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFiles:
    """One run, parsed; `others` are the files that nothing names."""

    where: str
    documents: Mapping[str, Mapping[str, Any]]
    ranked: Mapping[str, RankedFile]
    others: tuple[str, ...]

    @property
    def run_id(self) -> str:
        """The id in the summary."""
        return str(self.documents[SUMMARY].get("run_id", ""))


def parse_document(name: str, data: bytes) -> Mapping[str, Any]:
    """Return one of the required documents.

    Raises:
        FormatError: it is no JSON object.
    """
    try:
        document = parse_json(data, fractions=True)
    except FormatError as exc:
        raise FormatError(exc.code, f"{name}: {exc}") from exc
    if not isinstance(document, dict):
        raise FormatError("run-files", f"{name}: expected an object, got {shape_of(document)}")
    return document


def problems_of(name: str, document: Mapping[str, Any]) -> Iterator[str]:
    """Yield everything that version 1 of a document demands and this one has not."""
    version = document.get(VERSIONS[name])
    if type(version) is not int or version != 1:
        yield f"{VERSIONS[name]} is {version!r}, expected 1"
    if not isinstance(document.get("run_id"), str):
        yield f"run_id is {document.get('run_id')!r}, expected text"
    for member, inner in MEMBERS[name].items():
        value = document.get(member)
        if member not in document:
            yield f"{member} is missing"
        elif inner and not isinstance(value, dict):
            yield f"{member} is no object"
        elif inner and isinstance(value, dict):
            yield from (f"{member}.{one} is missing" for one in inner if one not in value)
    if name == HEALTH and document.get("status") not in STATUSES:
        yield f"status is {document.get('status')!r}, expected one of {', '.join(STATUSES)}"


def ranked_outputs(summary: Mapping[str, Any]) -> tuple[Named, ...]:
    """Return every ranked output that a summary names.

    Raises:
        FormatError: it names none, so that there is nothing to compare, or two that only their folders tell apart.
    """
    outputs = summary.get("ranked_outputs")
    found: dict[str, Named] = {}
    by_kind = outputs if isinstance(outputs, dict) else {}
    for kind in KINDS:
        for row in _files(by_kind.get(kind)):
            named = Named(kind=kind, **row)
            if found.setdefault(named.key, named) != named:
                raise FormatError("run-files", f"{SUMMARY}: ranked_outputs names two files {named.key}")
    if not found:
        raise FormatError("run-files", f"{SUMMARY}: ranked_outputs names no file: there is nothing to compare")
    return tuple(found[key] for key in sorted(found))


def parse_ranked(named: Named, name: str, data: bytes) -> RankedFile:
    """Return a ranked output.

    Raises:
        FormatError: it is not what its kind says.
    """
    sha256 = hashlib.sha256(data).hexdigest()
    try:
        if named.kind == RANKED_CSV:
            columns, rows = _table(data)
            return RankedFile(named=named, name=name, sha256=sha256, content=rows, columns=columns)
        content = _lines(data) if named.kind == SHORTLIST else parse_json(data, fractions=True)
    except FormatError as exc:
        raise FormatError(exc.code, f"{name}: {exc}") from exc
    return RankedFile(named=named, name=name, sha256=sha256, content=content)


def rows_of(content: Any) -> tuple[list[Any] | None, Mapping[str, Any]]:  # noqa: ANN401 — any JSON value
    """Return the rows of a ranked document, and what stands around them; None where there are none."""
    if isinstance(content, list):
        return content, {}
    if isinstance(content, dict):
        for name in ROWS:
            if isinstance(content.get(name), list):
                return content[name], {key: value for key, value in content.items() if key != name}
    return None, {}


def _files(value: object) -> Iterator[dict[str, str]]:
    """Yield every path with its digest, however deep a summary keeps them."""
    if isinstance(value, dict) and isinstance(value.get("path"), str) and value["path"]:
        sha256 = value.get("sha256")
        yield {"path": value["path"], "sha256": sha256 if isinstance(sha256, str) else ""}
    elif isinstance(value, dict):
        for one in value.values():
            yield from _files(one)
    elif isinstance(value, list):
        for one in value:
            yield from _files(one)


def _table(data: bytes) -> tuple[tuple[str, ...], list[dict[str, str]]]:
    try:
        lines = list(csv.reader(io.StringIO(_text(data), newline=""), strict=True))
    except csv.Error as exc:
        raise FormatError("csv", f"no table: {exc}") from exc
    if not lines:
        raise FormatError("csv", "expected a header, got nothing")
    header = tuple(lines[0])
    if len(set(header)) != len(header):
        raise FormatError("csv", "a column comes twice")
    for number, line in enumerate(lines[1:], start=2):
        if len(line) != len(header):
            raise FormatError("csv", f"row {number} has {len(line)} cells, expected {len(header)}")
    return header, [dict(zip(header, line, strict=True)) for line in lines[1:]]


def _lines(data: bytes) -> list[str]:
    return _text(data).split("\n")


def _text(data: bytes) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        raise FormatError("text", "not UTF-8") from None
