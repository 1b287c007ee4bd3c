"""`drproof verify`: decides about a bundle from its folder and the reader's own trust file, and nothing else."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from drproof.cli.buckets import World
from drproof.cli.errors import clear
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


def verify(  # noqa: PLR0913 — what a reader can demand
    bundle: Annotated[Path, typer.Argument(help="The folder of a bundle.")],
    trust: Annotated[Path | None, typer.Option(help="Your own trust file: whose signatures count.")] = None,
    expect_drill: Annotated[str | None, typer.Option(help="The drill that it has to be of.")] = None,
    expect_nonce: Annotated[str | None, typer.Option(help="The nonce of its opening.")] = None,
    expect_account: Annotated[str | None, typer.Option(help="The account of its recovery site.")] = None,
    expect_region: Annotated[str | None, typer.Option(help="The region of its recovery site.")] = None,
    prev: Annotated[str | None, typer.Option(help="The digest of the bundle before it.")] = None,
    max_age: Annotated[str | None, typer.Option(help="How old it may be, such as 30d.")] = None,
    require_level: Annotated[str, typer.Option(help="The least level of assurance, L0 to L4.")] = "L0",
    require_full: Annotated[bool, typer.Option("--require-full", help="Refuse a part of a plan.")] = False,
    accept_rehearsal: Annotated[bool, typer.Option("--accept-rehearsal", help="Take a rehearsal for one.")] = False,
    corroborate: Annotated[
        bool, typer.Option("--corroborate", help="Ask the platform again, by your own identity; level L4.")
    ] = False,
    execution_arn: Annotated[str, typer.Option(help="The execution that the bundle tells of, to corroborate it.")] = "",
    profile: Annotated[str, typer.Option(help="The AWS profile to corroborate with.")] = "",
    signer: Annotated[
        str, typer.Option(help="Your own key, that of a collector: with --corroborate it signs what the platform said.")
    ] = "",
    record: Annotated[
        Path | None, typer.Option(help="The signed record of what the platform said: written with --signer, else read.")
    ] = None,
    world: World = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print what was found as JSON.")] = False,
) -> None:
    """Decide about a bundle, offline unless --corroborate: nothing is extracted, executed or rendered.

    Exit status: 0 authentic and proven, 1 invalid, 2 unreadable or misused, 3 refuted, 4 incomplete, 5 freshness,
    level, rehearsal or trust not met. What the platform contradicts is invalid; what it did not answer is not met.
    """
    from drproof import catalog
    from drproof.evidence import expectations
    from drproof.evidence import trust as trusting
    from drproof.evidence.verification import verify as decide

    with clear():
        _refuse_a_record(record, signer=signer, corroborate=corroborate)
    options: dict[str, Any] = {
        "expect_drill": expect_drill,
        "expect_nonce": expect_nonce,
        "expect_account": expect_account,
        "expect_region": expect_region,
        "prev": prev,
        "max_age": max_age,
        # The last level is reached by asking; until then a bundle is at most of the one before.
        "require_level": "L3" if corroborate and require_level.upper() == "L4" else require_level,
        "require_full": require_full,
        "accept_rehearsal": accept_rehearsal,
    }
    try:
        found = decide(
            bundle,
            catalog.types(),
            trust=trusting.read(_read(trust)) if trust is not None else trusting.Trust(),
            expect=expectations.read(options),
            now=datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z"),
            judge=catalog.judge_again,
        )
    except EvidenceError as exc:
        found = Verification(status=UNREADABLE, level=0, problems=(Problem(exc.code, "", str(exc)),), not_shown=())
    asked: tuple[Asked | AskedAgain, ...] = ()
    heard = ""
    inspection = found.inspection
    if corroborate and inspection is not None:
        asked = _ask(inspection, execution_arn=execution_arn, profile=profile, world=world)
        found = _with(found, asked, demanded=require_level.upper() == "L4")
        if record is not None:
            heard = _write_record(record, inspection, asked, signer=signer, profile=profile, arn=execution_arn)
    elif record is not None and inspection is not None:
        heard, asked = _read_record(record, inspection, trust)
    if as_json:
        rows = [{"what": one.what, "status": one.status, "reason": one.reason} for one in asked]
        shown = document(found) | ({"corroboration": rows} if asked else {}) | ({"record": heard} if heard else {})
        typer.echo(json.dumps(shown, indent=2))
    else:
        told = [f"{one.status}: {one.what}{f': {one.reason}' if one.reason else ''}" for one in asked]
        typer.echo("\n".join([*lines(found, bundle, trust), *map(printable, (*told, *filter(None, [heard])))]))
    raise typer.Exit(found.status)


def _refuse_a_record(record: Path | None, *, signer: str, corroborate: bool) -> None:
    """Refuse a record that nobody would sign, and a signature on nothing."""
    from drproof.engine.refusal import refuse

    if signer and not (corroborate and record is not None):
        raise refuse(
            "--signer signs what the platform said, and nothing else of a verification",
            expected="--corroborate and --record FILE beside it",
            next_step="drproof verify <bundle> --corroborate --signer file2:<key> --record <file>",
        )
    if corroborate and record is not None and (not signer or record.exists()):
        raise refuse(
            "--record would be a record that nobody signs" if not signer else f"{record} is there already",
            expected="--signer with your own key, and a file that is not there yet",
            next_step="drproof keys init <folder> --role collector",
        )


def _write_record(  # noqa: PLR0913 — what a record says
    record: Path,
    inspection: Inspection,
    asked: tuple["Asked | AskedAgain", ...],
    *,
    signer: str,
    profile: str,
    arn: str,
) -> str:
    """Write what the platform said, signed by the auditor's own key; a line for people comes back."""
    from drproof.evidence import corroboration
    from drproof.evidence.bundle import write_atomic
    from drproof.evidence.integrity import CLOSING
    from drproof.evidence.statements import AskedAgain, Corroboration
    from drproof.targets import open_key

    opening = inspection.opening
    with clear():
        if opening is None or CLOSING not in inspection.folder.paths:
            msg = "the bundle is not closed: no record is about it\n  next: drproof status <bundle>"
            raise ValueError(msg)
        said = Corroboration(
            drill_id=opening.drill_id,
            asked_at=datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z"),
            execution=arn,
            asked=tuple(AskedAgain(what=one.what, status=one.status, reason=one.reason) for one in asked),
        )
        key = open_key(signer, region=opening.sites.recovery.region, profile=profile)
        write_atomic(record, corroboration.write(said, inspection.digest(CLOSING), [key]))
    return f"record: {record}, signed by {key.keyid}"


def _read_record(
    record: Path, inspection: Inspection, trust: Path | None
) -> tuple[str, tuple["Asked | AskedAgain", ...]]:
    """Return what an auditor heard, for people; it raises no level: whoever reads it did not ask."""
    from drproof.evidence import corroboration
    from drproof.evidence import trust as trusting
    from drproof.evidence.integrity import CLOSING

    with clear():
        believed = trusting.read(_read(trust)) if trust is not None else trusting.Trust()
        data = record.read_bytes()
        if CLOSING not in inspection.folder.paths:
            msg = "the bundle is not closed: no record is about it\n  next: drproof status <bundle>"
            raise ValueError(msg)
        said, keys = corroboration.read(data, inspection.digest(CLOSING), believed)
    heard = f"record: {', '.join(keys)} asked the platform at {said.asked_at}; the level is that of whoever asks"
    return heard, said.asked


def _ask(inspection: Inspection, *, execution_arn: str, profile: str, world: str) -> tuple["Asked", ...]:
    """Ask the platform again; only this loads an SDK."""
    import tempfile

    from drproof.engine.corroborate import Auditor
    from drproof.engine.corroborate import corroborate as ask

    auditor = Auditor(profile=profile, endpoint=world, execution_arn=execution_arn)
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
    told = [f"{bundle.name}: {meaning(found).upper()} (exit {found.status}, level L{found.level})"]
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
    shown: dict[str, int] = {}
    for problem in found.problems:
        shown[problem.code] = shown.get(problem.code, 0) + 1
        if shown[problem.code] <= MOST:
            told.append(f"{problem.code}: {problem.message}")
    told += [f"{code}: {count - MOST} more; --json has all" for code, count in shown.items() if count > MOST]
    told += [f"not shown: {what}" for what in found.not_shown]
    if trust is None:
        told.append("next: obtain the runner's public key on another way, and name your trust file with --trust")
    return [printable(line) for line in told]


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as exc:
        raise EvidenceError("trust-file", f"the trust file {path} cannot be read: {exc.strerror}") from exc
