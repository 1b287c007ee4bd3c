"""What a validation Job reports of the restored state, and what it must report."""

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from drproof.formats.strict_json import parse
from drproof.model.errors import FormatError

STATE_PREFIX = "{state_prefix}"
"""What stands in a variable for the place of the restored state."""

FAILURE = re.compile(r"^drproof-failure (\{.*\})\s*$", re.MULTILINE)
WORD = re.compile(r"[A-Za-z][A-Za-z0-9_.]{0,99}")
"""What a class of errors, or a code of a service, looks like; nothing else of a failure is repeated."""

LINE = re.compile(r"^drproof-(state|canary) (\{.*\})\s*$", re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """One archive as the Job read it: its files, their bytes, and one digest over all of them and the nonce."""

    archive: str
    files: int
    size: int
    sha256: str


def filled(environment: Mapping[str, str], *, bucket: str, prefix: str, owner: str) -> dict[str, str]:
    """Return variables with what stands in braces filled in: where the state was restored, and whose bucket that is."""
    places = {"{state_bucket}": bucket, STATE_PREFIX: prefix, "{state_owner}": owner}
    pattern = re.compile("|".join(map(re.escape, places)))
    return {name: pattern.sub(lambda found: places[found[0]], value) for name, value in environment.items()}


def parse_log(log: str, *, nonce: str) -> tuple[tuple[Report, ...], str]:
    """Return the reports in a log, and the text of the canary.

    Raises:
        FormatError: a report or a canary is malformed, comes twice, or was made for another drill.
    """
    reports: dict[str, Report] = {}
    canaries: list[str] = []
    for match in LINE.finditer(log):
        content = parse(match[2].encode())
        if not isinstance(content, dict):
            raise FormatError("state-report", f"expected an object, got {match[2][:80]}")
        if match[1] == "canary":
            canaries.append(_canary(content))
            continue
        report = _report(content, nonce)
        if report.archive in reports:
            raise FormatError("state-report", f"{report.archive} was reported twice")
        reports[report.archive] = report
    if len(canaries) > 1:
        raise FormatError("state-report", "the canary was reported twice")
    return tuple(reports.values()), "".join(canaries)


def failure_in(log: str, archives: Iterable[str]) -> str:
    """Return why the Job could not read the state, as it said itself; "" where it did not say.

    A log is anybody's text: the error and its code are repeated where they are words, the place if it is of `archives`.
    """
    found = FAILURE.search(log)
    try:
        content = parse(found[1].encode()) if found else None
    except FormatError:
        content = None
    if not isinstance(content, dict):
        return ""
    words = [str(content.get(name, "")) for name in ("error", "code")]
    told = " ".join(word for word in words if WORD.fullmatch(word))
    known = next((name for name in archives if name == content.get("reading")), "the state")
    return f"it could not read {known}: {told}" if told else ""


def digest_of(rows: Iterable[Mapping[str, Any]], *, nonce: str) -> Report:
    """Return what must be reported of files with `path`, `size` and `sha256`; the archive's name is left empty."""
    files = sorted(rows, key=lambda row: str(row["path"]).encode())
    whole = hashlib.sha256(f"{nonce}\n".encode())
    for row in files:
        whole.update(f"{row['sha256']} {row['size']} {row['path']}\n".encode())
    return Report(archive="", files=len(files), size=sum(row["size"] for row in files), sha256=whole.hexdigest())


def _canary(content: Mapping[str, Any]) -> str:
    text = content.get("text")
    if not isinstance(text, str):
        raise FormatError("state-report", "the canary is no text")
    return text


def _report(content: Mapping[str, Any], nonce: str) -> Report:
    files, size = content.get("files"), content.get("size")
    archive, sha256 = content.get("archive"), content.get("sha256")
    if content.get("nonce") != nonce:
        raise FormatError("state-report", f"the report of {archive} was made for another drill")
    if (
        # To isinstance, True is a number.
        type(files) is not int
        or type(size) is not int
        or not isinstance(archive, str)
        or not isinstance(sha256, str)
        or min(files, size) < 0
        or re.fullmatch("[0-9a-f]{64}", sha256) is None
    ):
        raise FormatError("state-report", f"expected archive, files, size and sha256, got {sorted(content)}")
    return Report(archive=archive, files=files, size=size, sha256=sha256)
