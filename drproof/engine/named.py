"""What a check is handed by name besides: folders of Terraform's sources, and the drills that triggers may follow."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from drproof import catalog
from drproof.engine.clock import instant
from drproof.engine.handed import read_file
from drproof.engine.keys import FOLDER, TRUST, read_trust
from drproof.engine.refusal import refuse
from drproof.evidence.expectations import Expectations
from drproof.evidence.trust import Trust
from drproof.evidence.verification import UNREADABLE, verify
from drproof.model.collection import DrillSeen, ModuleHanded
from drproof.model.criteria import ByItself, Site

SOURCES, DRILLS = "terraform_dir", "verified_drill"
"""The options that name them; each may be given more than once."""
ENDINGS = (".tf", ".tf.json", ".tofu", ".tofu.json", ".auto.tfvars", ".auto.tfvars.json")
EXACTLY = frozenset({"terraform.tfvars", "terraform.tfvars.json", ".terraform.lock.hcl"})
"""What Terraform takes of a folder by itself."""
MOST = 500
"""Files of one module; what has more is no module that people read."""
EXECUTION_PARTS = 8


def refuse_elsewhere(plan: str, options: Mapping[str, Any]) -> None:
    """Refuse options that another plan has no use for.

    Raises:
        Refusal: sources or drills are named where nothing judges them.
    """
    if options.get(SOURCES):
        raise refuse(
            f"plan {plan} reads no sources of Terraform",
            expected="--terraform-dir with -m orchestrator-check",
            got=f"--terraform-dir with plan {plan}",
            next_step="pytest -m orchestrator-check --terraform-dir <folder>",
        )
    if options.get(DRILLS) and plan != catalog.PREFLIGHT:
        raise refuse(
            f"plan {plan} judges no trigger",
            expected="--verified-drill with -m preflight or -m orchestrator-check",
            got=f"--verified-drill with plan {plan}",
            next_step="pytest -m preflight --verified-drill <bundle>",
        )


def folders(options: Mapping[str, Any], name: str, start: Path) -> tuple[Path, ...]:
    """Return the folders that an option names, once or more often, from `start` on."""
    said = options.get(name) or ()
    return tuple((start / Path(one).expanduser()).resolve() for one in ((said,) if isinstance(said, str) else said))


def modules_in(places: Sequence[Path]) -> tuple[ModuleHanded, ...]:
    """Return the sources of each folder; folders inside are modules of their own.

    Raises:
        Refusal: a folder is none, is named twice, or holds more than a module does.
    """
    for place in places:
        if not place.is_dir():
            raise refuse(
                f"--terraform-dir {place} is no folder",
                expected="a folder with the sources of a Terraform module",
                next_step="pytest -m orchestrator-check --terraform-dir <folder>",
            )
        if places.count(place) > 1:
            raise refuse(f"--terraform-dir {place} is named twice", next_step="name each folder once")
    return tuple(
        ModuleHanded(name=name, place=place.as_posix(), files=tuple(_files(place)))
        for name, place in zip(_names(places), places, strict=True)
    )


def _files(place: Path) -> Iterable[Any]:
    # Terraform leaves hidden files out, and what stands in one would be believed of a module that lacks it.
    found = sorted(
        path
        for path in place.iterdir()
        if path.name in EXACTLY or (path.name.endswith(ENDINGS) and not path.name.startswith("."))
    )
    if len(found) > MOST:
        raise refuse(
            f"--terraform-dir {place} is no folder of one module", expected=f"at most {MOST} files", got=str(len(found))
        )
    return (read_file(path, path.name, "folder") for path in found)


def _names(places: Sequence[Path]) -> list[str]:
    """Return a name for each folder, as short as tells them apart; none says where it lies on this machine."""
    longest = max((len(place.parts) for place in places), default=0)
    names = ["/".join(place.parts[-1:]) for place in places]
    for length in range(2, longest + 1):
        if len(set(names)) == len(names):
            break
        names = [
            "/".join(place.parts[-length:]) if names.count(name) > 1 else name
            for place, name in zip(places, names, strict=True)
        ]
    return names


def drills_in(places: Sequence[Path], trust_file: Path | None, now: str) -> tuple[DrillSeen, ...]:
    """Return what a verifier finds about each bundle at the instant `now`, by the reader's own trust file.

    Raises:
        Refusal: the trust file cannot be read.
    """
    trust = read_trust(trust_file) if trust_file is not None else Trust()
    return tuple(_seen(place, trust, now, trusted=trust_file is not None) for place in places)


def _seen(place: Path, trust: Trust, now: str, *, trusted: bool) -> DrillSeen:
    try:
        found = verify(
            place,
            catalog.types(),
            trust=trust,
            # Which mode counts, and how old it may be, is the contract's to say: its bar was fixed beforehand.
            expect=Expectations(full=True, accept_rehearsal=True),
            now=now,
            judge=catalog.judge_again,
        )
    except OSError as exc:
        return DrillSeen(name=place.name, status=UNREADABLE, codes=(f"unreadable: {exc.strerror}",), trusted=trusted)
    codes = tuple(dict.fromkeys(problem.code for problem in found.problems))
    inspection = found.inspection
    opening, closing = (inspection.opening, inspection.closing) if inspection is not None else (None, None)
    plan = inspection.plan if inspection is not None else None
    if inspection is None or opening is None or closing is None or plan is None:
        return DrillSeen(name=place.name, status=found.status or UNREADABLE, codes=codes, trusted=trusted)
    site = opening.sites.recovery
    return DrillSeen(
        name=place.name,
        status=found.status,
        codes=codes,
        trusted=trusted,
        drill_id=opening.drill_id,
        mode=opening.mode,
        plan=opening.plan,
        outcome=closing.outcome,
        level=found.level,
        closed_at=closing.closed_at,
        account_id=site.account_id,
        region=site.region,
        machine=machine_of(plan.criteria.approval.execution_arn),
        closing=inspection.digest("closing.dsse.json"),
        signers=tuple(key.keyid for key in found.signers),
    )


def machine_of(execution: str) -> str:
    """Return the ARN of the state machine that an execution is of; empty where it is the ARN of none."""
    parts = execution.split(":")
    if len(parts) != EXECUTION_PARTS or parts[5] != "execution":
        return ""
    return ":".join((*parts[:5], "stateMachine", parts[6]))


def trust_in(named: str, start: Path) -> Path | None:
    """Return the trust file that was named, else the project's own; None when there is neither."""
    if named:
        return (start / Path(named).expanduser()).resolve()
    own = start / FOLDER / TRUST
    return own if own.is_file() else None


def bar_of(site: Site, *, machine: str, max_age_ms: int, embedded: bool) -> ByItself:
    """Return what a drill must be that triggers may follow."""
    return ByItself(
        drill_max_age_ms=max_age_ms,
        account_id=site.account_id,
        region=site.region,
        machine=machine,
        rehearsal=embedded,
    )


def now() -> str:
    """Return the instant at which drills are verified."""
    return instant(datetime.now(UTC))
