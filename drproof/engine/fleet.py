"""A fleet: which restore points it is of, and how one of them is read, in this process or in another.

A reader is made of a ticket, plain JSON that the run hands out. It reads and returns; it writes no receipt, signs
nothing and judges only to tell people early: the run alone sequences, judges and seals.
"""

import secrets
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

from drproof import catalog
from drproof.engine.attempts import attempt
from drproof.engine.clock import SystemClock
from drproof.engine.context import PhaseContext
from drproof.engine.neighbours import remembering
from drproof.engine.refusal import refuse
from drproof.engine.settings import EMBEDDED
from drproof.evidence.canonical import canonical, digest
from drproof.evidence.redaction import Redactor
from drproof.evidence.schemas import problem_of_receipt
from drproof.formats import s3_uri
from drproof.model.capabilities import Target
from drproof.model.codec import decode, encode
from drproof.model.context import Effects
from drproof.model.criteria import Fleet, PlanDocument
from drproof.model.errors import FormatError, GuardError
from drproof.model.judging import judge
from drproof.model.receipt import EvidenceRef, Outcome, Receipt
from drproof.model.settings import Settings
from drproof.model.verdict import Verdict
from drproof.phases.backup.read_restore_point import read_restore_point
from drproof.phases.fleet.observed import PointKept, PointReading, RestorePointsRead
from drproof.phases.fleet.read_restore_points import bar_of, read_restore_points, row_of
from drproof.targets import open_target
from drproof.targets.embedded import World


@dataclass(frozen=True, slots=True, kw_only=True)
class Ticket:
    """All that a reader needs; it goes to other processes as plain JSON and holds no credentials."""

    plan: PlanDocument
    settings: Settings
    endpoint: str = ""
    """Where the embedded world answers; empty for AWS."""

    @classmethod
    def of(cls, plan: PlanDocument, settings: Settings, world: World | None) -> "Ticket":
        """Return the ticket of a run that is open."""
        return cls(plan=plan, settings=settings, endpoint=world.endpoint if world is not None else "")


def asks_for_many(options: Mapping[str, Any]) -> bool:
    """Return whether the command line asks for a fleet: more than one restore point, or a folder of them."""
    return bool(options.get("backups_under")) or isinstance(options.get("backup_uri"), tuple)


def asked(plan: str, options: Mapping[str, Any]) -> tuple[Mapping[str, Any], Fleet | None]:
    """Return the options without those of a fleet, and the fleet; None for a plan of one restore point.

    Raises:
        Refusal: a plan of one is asked for many, or a fleet both ways, one point twice, or for what no URI can be.
    """
    if plan != catalog.FLEET:
        if asks_for_many(options):
            raise refuse(
                f"plan {plan} is about one restore point",
                expected="--backup-uri once, and no --backups-under",
                got="a fleet of them",
                next_step="pytest -m backup-check checks a fleet; name one restore point here",
            )
        return options, None
    under = options.get("backups_under") or ""
    named = options.get("backup_uri") or ()
    fleet = _fleet((named,) if isinstance(named, str) else named, under)
    return {**options, "backup_uri": None, "backups_under": fleet.under or None}, fleet


def _fleet(named: tuple[str, ...], under: str) -> Fleet:
    if under and named:
        raise refuse(
            "--backups-under and --backup-uri exclude each other",
            next_step=f"pytest -m backup-check --backups-under {under}",
        )
    if under:
        return Fleet(under=_parsed("--backups-under", under))
    if not named:
        raise refuse(
            "the fleet names no restore point", next_step="pytest -m backup-check --backups-under s3://…/backups"
        )
    parsed = tuple(_parsed("--backup-uri", uri) for uri in named)
    twice = sorted({uri for uri in parsed if parsed.count(uri) > 1})
    if twice:
        raise refuse(f"--backup-uri {twice[0]} is named twice", next_step="name each restore point once")
    return Fleet(uris=parsed)


def _parsed(option: str, uri: str) -> str:
    try:
        return str(s3_uri.parse(uri))
    except FormatError as exc:
        raise refuse(f"{option} {uri}: {exc}", next_step=f"{option} s3://bucket/prefix/backups/…") from exc


class _Nothing:
    """What stands for the journal: who only reads has no effect to announce."""

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 — it returns nothing
        msg = f"a reader of restore points only reads, and was asked for {name}"
        raise GuardError(msg)


class _PointContext(PhaseContext):
    """The context of the phase that reads one restore point, wherever that is: what it keeps stays in memory."""

    def __init__(self, **given: Any) -> None:  # noqa: ANN401 — what its base takes
        """Make the context of one reading."""
        super().__init__(**given)
        self.contents: dict[str, Any] = {}

    def evidence(self, name: str, content: object) -> EvidenceRef:
        """Keep plain JSON for the reading."""
        self.contents[name] = encode(content)
        return EvidenceRef(name=name, path="", sha256="0" * 64, size=0)


class PointReader:
    """Reads restore points of one fleet, one after another."""

    def __init__(self, ticket: Ticket, target: Target | None = None) -> None:
        """Open the site that the ticket names; `target` is given by who has it open already.

        Raises:
            TargetError: the embedded world does not answer, or the named profile does not exist.
        """
        self._ticket = ticket
        self._clock = SystemClock()
        self._folder = Path(tempfile.gettempdir())
        self._target = target or open_target(
            ticket.settings, ticket.endpoint or None, directory=self._folder, origin=ticket.plan.drill_id
        )
        self._beside: Target = remembering(self._target)
        self._run = ""
        self.redactor = Redactor(self._target.secrets)

    def read(self, uri: str, *, of: str = "") -> PointReading:
        """Return what reading a restore point came to; a world that refuses is a reading that says so.

        What lies beside restore points is looked at once for all that are read in one run, which `of` names.

        Raises:
            Interruption: a signal ended it; nothing is returned then.
        """
        if of != self._run:
            self._run, self._beside = of, remembering(self._target)
        plan = replace(self._ticket.plan, criteria=bar_of(self._ticket.plan.criteria, uri))

        def context() -> _PointContext:
            return _PointContext(
                phase=read_restore_point,
                origin=plan.drill_id,
                plan=plan,
                settings=self._ticket.settings,
                target=self._beside,
                effects=cast("Effects", _Nothing()),
                clock=self._clock,
                receipts={},
                directory=self._folder,
                expires_at="",
                key=secrets.token_hex(32),
                masker=self.redactor,
                say=lambda _: None,
            )

        ending, used = attempt(
            read_restore_point,
            context,
            self._ticket.settings.limits,
            self._clock,
            self.redactor,
            lambda _: None,
            begin=lambda _: None,
        )
        # They stand in the receipt of a phase, and this is none: what is left of the words is in the reading.
        self.redactor.taken()
        if ending.interruption is not None:
            raise ending.interruption
        kept = decode(PointKept, used.contents) if isinstance(used, _PointContext) and used.contents else None
        return PointReading(
            subject=uri,
            outcome=ending.outcome,
            reason=ending.reason,
            cause=ending.cause,
            started_at=ending.started_at,
            ended_at=ending.ended_at,
            duration_ms=ending.duration_ms,
            attempts=ending.attempts,
            observed=ending.observed,
            kept=kept if ending.outcome is Outcome.PASSED else None,
        )


def judged(plan: PlanDocument, reading: PointReading) -> tuple[Verdict, ...]:
    """Return what the fleet's contracts say of one restore point, before the run judges them all."""
    name = "reading.0001"
    content = encode(reading)
    data = canonical(content)
    path = f"evidence/{read_restore_points.name}.{name}.json"
    receipt: Receipt[RestorePointsRead] = Receipt(
        drill_id=plan.drill_id,
        mode=plan.mode,
        plan=plan.plan,
        phase=read_restore_points.name,
        sequence=1,
        previous=plan.nonce,
        opening=plan.nonce,
        outcome=Outcome.PASSED,
        started_at=reading.started_at,
        ended_at=reading.ended_at,
        duration_ms=reading.duration_ms,
        observed=RestorePointsRead(rows=(row_of(reading, name),)),
        tool=plan.tool,
        evidence=(EvidenceRef(name=name, path=path, sha256=digest(data), size=len(data)),),
    )
    wanted = {row.name for row in plan.contracts}
    return tuple(
        verdict
        for contract in catalog.plan(catalog.FLEET).contracts
        if contract.parts is not None and contract.name in wanted
        for verdict in judge(
            contract,
            {receipt.phase: receipt},
            plan.criteria,
            digests={},
            read=lambda _: content,
            check=problem_of_receipt,
        )
    )


def settings_for(fleet: Fleet | None, settings: Settings) -> Settings:
    """Return the settings of a run: the check of a fleet names no restore point of its own.

    Raises:
        Refusal: a rehearsal is asked about restore points that the embedded world cannot have.
    """
    if fleet is None:
        return settings
    bucket = settings.backup_uri.split("/")[2] if settings.target == EMBEDDED else ""
    for place in (*fleet.uris, *filter(None, [fleet.under])):
        if bucket and not place.startswith(f"s3://{bucket}/"):
            raise refuse(
                f"the target is embedded, and the embedded world has no {place}",
                expected=f"restore points under s3://{bucket}/, or --target aws",
                got=place,
                next_step="pytest -m backup-check --target aws, with the same restore points",
            )
    return replace(settings, backup_uri="")
