"""The cause that Step Functions hands on with a failure: often a JSON text in which the reason lies deep.

Sources: the answers of Lambda (`errorMessage`), of CodeBuild (`Build.Phases[].Contexts[]`), or plain text.
"""

from collections.abc import Iterator
from typing import Any

from drproof.formats import strict_json
from drproof.model.errors import FormatError

LONGEST = 600
MOST_BYTES = 262_144
"""No cause is longer: it is what Step Functions hands on at most."""


def deepest(cause: str) -> str:
    """Return what a cause says in the end, in one line of at most 600 characters; never empty."""
    said = cause
    for _ in range(5):
        found = next(_said(said), "")
        if not found:
            break
        said = found
    line = next((line.strip() for line in said.splitlines() if line.strip()), "")
    return (line or "no cause was given")[:LONGEST]


def build_of(cause: str) -> str:
    """Return the identity of the build that a cause is of; "" where it is of none.

    Step Functions hands on the build alone, where an answer has it below `Build`.
    """
    document = _document(cause)
    build = document.get("Build", document if "BuildStatus" in document else None)
    identity = build.get("Id") if isinstance(build, dict) else None
    return identity if isinstance(identity, str) else ""


def _document(text: str) -> dict[str, Any]:
    """Return a cause that is a JSON object; an empty one for any other."""
    if not text.lstrip().startswith("{") or len(text) > MOST_BYTES:
        return {}
    try:
        document = strict_json.parse(text.encode(), fractions=True)
    except FormatError:
        return {}
    return document if isinstance(document, dict) else {}


def _said(text: str) -> Iterator[str]:
    """Yield what lies inside a cause that is JSON, the deepest first."""
    document = _document(text)
    build = document.get("Build", document)
    yield from _of_build(build if isinstance(build, dict) else {})
    for name in ("errorMessage", "Cause", "cause", "message"):
        if isinstance(document.get(name), str) and document[name]:
            yield document[name]


def _of_build(build: dict[str, Any]) -> Iterator[str]:
    """Yield the first phase of a build that did not succeed, with what it says."""
    for phase in build.get("Phases") or build.get("phases") or ():
        if not isinstance(phase, dict):
            continue
        status = phase.get("PhaseStatus") or phase.get("phaseStatus") or "SUCCEEDED"
        kind = phase.get("PhaseType") or phase.get("phaseType") or ""
        if status == "SUCCEEDED":
            continue
        contexts = phase.get("Contexts") or phase.get("contexts") or ()
        said = [str(one.get("Message") or one.get("message") or "") for one in contexts if isinstance(one, dict)]
        identity = build.get("Id") or build.get("id") or "the build"
        yield f"{identity}: {kind} {status}: {next(filter(None, reversed(said)), 'no cause given')}"
