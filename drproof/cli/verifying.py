"""What `drproof verify` decides and says; apart from the command, because it costs a quarter of a second to import."""

import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from drproof import catalog
from drproof.cli.errors import clear
from drproof.cli.recording import Recording
from drproof.cli.verify_steps import next_of
from drproof.evidence import expectations
from drproof.evidence import trust as trusting
from drproof.evidence.files import Problem
from drproof.evidence.integrity import Inspection
from drproof.evidence.verification import (
    INCOMPLETE,
    INVALID,
    NOT_MET,
    REFUTED,
    SIGNATURES,
    UNREADABLE,
    Verification,
    class_of,
)
from drproof.evidence.verification import verify as decide
from drproof.model.errors import EvidenceError
from drproof.report.visible import printable

if TYPE_CHECKING:
    from drproof.engine.corroborate import Asked
    from drproof.evidence.statements import AskedAgain

LAST = 4
"""The level of a bundle that the platform confirms: as the one before it, and asked again."""
MEANINGS = {
    0: "authentic and proven",
    1: "the evidence is invalid",
    2: "unreadable, or misused",
    3: "authentic and refuted",
    4: "authentic and incomplete",
    5: "freshness, level, rehearsal or trust are not as demanded",
}
MOST = 20
"""Findings of one code that are printed; all of them are in --json."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asking:
    """As whom and where the platform is asked again."""

    execution_arn: str
    profile: str
    world: str


def decided(  # noqa: PLR0913 — what a reader brings along
    bundle: Path,
    trust: Path | None,
    options: dict[str, Any],
    *,
    asking: Asking | None,
    recording: Recording | None = None,
    as_json: bool,
) -> tuple[str, int]:
    """Return what is said about a bundle, and the exit status.

    The options are those of `expectations.read`; the level may be the last one where the platform is asked.
    """
    demanded = asking is not None and options["require_level"].upper() == "L4"
    believed = trusting.Trust()
    try:
        believed = trusting.read(_read(trust)) if trust is not None else believed
        found = decide(
            bundle,
            catalog.types(),
            trust=believed,
            # The last level is reached by asking; until then a bundle is at most of the one before.
            expect=expectations.read({**options, "require_level": "L3"} if demanded else options),
            now=datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z"),
            judge=catalog.judge_again,
        )
    except EvidenceError as exc:
        found = Verification(status=UNREADABLE, level=0, problems=(Problem(exc.code, "", str(exc)),), not_shown=())
    asked: tuple[Asked | AskedAgain, ...] = ()
    heard, inspection = "", found.inspection
    if asking is not None and inspection is not None:
        asked = _ask(inspection, asking)
        found = _with(found, asked, demanded=demanded)
        heard = recording.write(inspection, asked, asking.execution_arn) if recording is not None else ""
    elif recording is not None and inspection is not None:
        heard, asked = recording.read(inspection, believed)
    if as_json:
        rows = [{"what": one.what, "status": one.status, "reason": one.reason} for one in asked]
        told = document(found) | ({"corroboration": rows} if asking is not None or recording is not None else {})
        return json.dumps(told | ({"record": heard} if heard else {}), indent=2), found.status
    said = [f"{one.status}: {one.what}{f': {one.reason}' if one.reason else ''}" for one in asked]
    step = next_of(found, bundle, trust)
    more = map(printable, (*said, *filter(None, [heard]), *([f"next: {step}"] if step else [])))
    return "\n".join([*lines(found, bundle, trust), *more]), found.status


def _ask(inspection: Inspection, asking: Asking) -> tuple["Asked", ...]:
    """Ask the platform again; only this loads an SDK."""
    import tempfile

    from drproof.engine.corroborate import Auditor
    from drproof.engine.corroborate import corroborate as ask

    auditor = Auditor(profile=asking.profile, endpoint=asking.world, execution_arn=asking.execution_arn)
    with tempfile.TemporaryDirectory(prefix="drproof-verify-") as private, clear():
        return ask(inspection, auditor, Path(private))


def _with(found: Verification, asked: tuple["Asked | AskedAgain", ...], *, demanded: bool) -> Verification:
    """Return what was found with what the platform said: the exit status is the first of 2, 1, 4, 3, 5."""
    said = {one.status for one in asked}
    confirmed = said == {"confirmed"}
    level = 0 if "differs" in said else LAST if confirmed and found.level == LAST - 1 else found.level
    statuses = {found.status} | ({INVALID} if "differs" in said else set() if confirmed else {NOT_MET})
    if demanded and level < LAST:
        statuses.add(NOT_MET)
    status = next((one for one in (UNREADABLE, INVALID, INCOMPLETE, REFUTED, NOT_MET) if one in statuses), 0)
    return replace(found, status=status, level=level)


def meaning(found: Verification) -> str:
    """Return what the exit status means; what no trusted key signed is never called authentic."""
    said = MEANINGS[found.status]
    if SIGNATURES & {problem.code for problem in found.problems}:
        return said.replace("authentic and ", "not authentic, and ")
    return said


def document(found: Verification) -> dict[str, Any]:
    """Return what was found as plain JSON."""
    inspection = found.inspection
    opening, closing = (inspection.opening, inspection.closing) if inspection is not None else (None, None)
    return {
        "exit": found.status,
        "meaning": meaning(found),
        "level": f"L{found.level}",
        "drill": opening.drill_id if opening is not None else None,
        "mode": opening.mode if opening is not None else None,
        "outcome": closing.outcome if closing is not None else None,
        "full": closing.window.full if closing is not None else None,
        "dated": (found.trusted_time.at_latest or None) if found.trusted_time is not None else None,
        "signers": [{"keyid": key.keyid, "role": key.role.value} for key in found.signers],
        "findings": [
            {"code": problem.code, "path": problem.path, "message": problem.message, "class": class_of(problem.code)}
            for problem in found.problems
        ],
        "not_shown": list(found.not_shown),
    }


def lines(found: Verification, bundle: Path, trust: Path | None) -> list[str]:
    """Return what was found for people; nothing of the bundle reaches the terminal unescaped."""
    inspection = found.inspection
    told = [f"{bundle.resolve().name}: {meaning(found).upper()} (exit {found.status}, level L{found.level})"]
    told.append(f"trust file: {trust}" if trust is not None else "trust file: none, so nobody's signature counts")
    if inspection is not None and inspection.opening is not None:
        opening, closing = inspection.opening, inspection.closing
        told.append(f"drill {opening.drill_id}, plan {opening.plan}, mode {opening.mode}, opened {opening.opened_at}")
        if closing is not None:
            extent = "the whole plan" if closing.window.full else "PARTIAL, no whole proof"
            told.append(f"sealed as {closing.outcome} ({extent}), closed {closing.closed_at}")
    told += [f"signed by {key.role} {key.keyid} ({key.custody.replace('_', '-')})" for key in found.signers]
    if dated := found.trusted_time:
        told.append(f"dated: existed at {dated.at_latest}, says {dated.authority}" if dated.at_latest else "not dated")
    told += _found(found.problems)
    told += [f"not shown: {what}" for what in found.not_shown]
    return [printable(line) for line in told]


def _found(problems: Iterable[Problem]) -> list[str]:
    """Return a line for each finding; of one key that signed many files one, and how many."""
    told: list[str] = []
    shown: dict[str, int] = {}
    alike: dict[str, int] = {}
    for problem in problems:
        code, message = problem.code, problem.message
        said = f"{code}: {message.replace(problem.path, '') if problem.path else message}"
        alike[said] = alike.get(said, 0) + 1
        if code in SIGNATURES and alike[said] > 1:
            continue
        shown[code] = shown.get(code, 0) + 1
        if shown[code] <= MOST:
            told.append(f"{code}: {message}")
    for said, count in alike.items():
        code = said.partition(":")[0]
        if code in SIGNATURES and count > 1:
            told.append(f"{code}: the same of {count - 1} other files; --json has all")
    return told + [f"{code}: {count - MOST} more; --json has all" for code, count in shown.items() if count > MOST]


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as exc:
        raise EvidenceError("trust-file", f"the trust file {path} cannot be read: {exc.strerror}") from exc
