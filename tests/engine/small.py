"""A whole run of the engine in milliseconds: few phases, a world of names, and everything on a real disk."""

from dataclasses import dataclass, field, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

from drproof import catalog
from drproof.engine import opening
from drproof.engine.keys import Sealer
from drproof.engine.opening import Opened, write_plan
from drproof.engine.preparation import Prepared
from drproof.engine.private import Handover, Private
from drproof.engine.run import Run
from drproof.engine.window import Coverage
from drproof.evidence.journal import Journal
from drproof.evidence.journal import read as read_journal
from drproof.evidence.redaction import Redactor
from drproof.model.capabilities import Intent
from drproof.model.context import Context
from drproof.model.criteria import Site, Storing, Window
from drproof.model.errors import JournalError
from drproof.model.phase import Phase, phase
from drproof.model.plan import Plan
from drproof.model.receipt import Caller
from tests.report.drills import SITES, settings
from tests.report.drills import Drill as Document
from tests.report.observed import DONE, TYPES, Left, Torn


@dataclass
class World:
    """Things that exist or not; none comes or goes without a record that is on the disk already."""

    journal: Path
    things: set[str] = field(default_factory=set)
    undeclared: list[str] = field(default_factory=list)

    def change(self, intent: Intent, *, add: bool) -> None:
        numbers = {record["number"] for record in read_journal(self.journal) if record["kind"] == "intent"}
        if intent.number not in numbers:
            self.undeclared.append(intent.resource)
        (self.things.add if add else self.things.discard)(intent.resource)


STORING = Storing(uri="s3://keeps/dr/receipts", owner="444455556666")

MAKING = ("bringup", "restore_state", "restore")


def plan_of(world: World) -> Plan:
    """Return a plan whose phases make things in the world, and whose teardown removes them."""
    return Plan("recovery", tuple(_phase(world, name) for name in TYPES), ())


def _phase(world: World, name: str) -> Phase[Any]:
    before = list(TYPES)[: list(TYPES).index(name)]

    def act(ctx: Context) -> Any:
        """Its end state is reached."""
        if name in MAKING:
            with ctx.effects.intend("make", name) as pending:
                world.change(pending.intent, add=True)
        if name != "teardown":
            return DONE[name]
        made = ctx.effects.made("make")
        for effect in made:
            with ctx.effects.intend("remove", effect.intent.resource) as pending:
                world.change(pending.intent, add=False)
        left = tuple(Left(kind="thing", identity=thing) for thing in sorted(world.things))
        return Torn(destroyed=len(made), before=(), residue=left)

    act.__name__, act.__annotations__["return"] = name, TYPES[name]
    made: Phase[Any] = phase(
        plans={"recovery"},
        after=before[-1:] if name != "teardown" else (),
        window="teardown" if name == "teardown" else "bringup",
        mutates=name in MAKING or name == "teardown",
        always=name == "teardown",
    )(act)
    return made


@dataclass
class Small:
    """One run and its world."""

    run: Run
    world: World
    directory: Path

    def to_the_end(self) -> Any:
        """Advance as a driver does, whatever each phase raises, then close."""
        for one in self.run.prepared.coverage.run:
            if one.always:
                continue
            try:
                self.run.advance(one.name)
            except (OSError, JournalError):
                continue
        return self.run.close()


def begin(folder: Path, *, store: Any = None, signer: Any = None, execution: str = "", **changes: Any) -> Small:
    """Open a run in a folder, an execution's where that is named; with a receipt store, it can be gone on with there."""
    directory = folder / "drill-1"
    folder.mkdir(parents=True, exist_ok=True)
    directory.mkdir()
    for name in ("receipts", "checkpoints", "evidence", "logs"):
        (directory / name).mkdir()
    private = Private.of(directory)
    private.create()
    world = World(directory / "journal.log")
    plan = plan_of(world)
    document = Document().document()
    approval = replace(document.criteria.approval, execution_arn=execution)
    document = replace(document, criteria=replace(document.criteria, approval=approval))
    chosen = settings()
    chosen = replace(chosen, limits=replace(chosen.limits, backoff_ms=1, **changes))
    if store is not None:
        chosen = replace(chosen, storing=STORING)
        document = replace(document, criteria=replace(document.criteria, storing=STORING))
    prepared = Prepared(
        drill_id="drill-1",
        mode="rehearsal",
        plan=plan,
        coverage=Coverage(
            run=plan.phases, inherited=(), window=Window(full=True, start_at="bringup", stop_after="promote")
        ),
        criteria=document.criteria,
        settings=chosen,
        contracts=(),
        inputs=(),
        reports=folder,
        scenario=None,
        prior=None,
        values={},
        notes=(),
    )
    handover = Handover(
        settings=chosen,
        reports=str(folder),
        values={},
        origin="drill-1",
        journals=(),
        world="",
        expires_at="2026-11-02T00:00:00.000Z",
        key="00" * 32,
    )
    private.hand_over(handover)
    record = write_plan(prepared, directory, Redactor(), Sealer((signer,) if signer is not None else ()))
    opened = Opened(
        directory=directory,
        record=record,
        journal=Journal(directory / "journal.log"),
        masker=Redactor(),
        target=cast("Any", _target(store)),
        handover=handover,
        private=private,
        lease=None,
        guardian=None,
        world=None,
        inherited=(),
    )
    return Small(Run(prepared, opened), world, directory)


def _target(store: Any = None) -> Any:
    sites = {
        side: SimpleNamespace(identity=_Identity(getattr(SITES, side)), clusters=SimpleNamespace(secrets=tuple))
        for side in ("primary", "recovery")
    }
    return SimpleNamespace(**sites, receipts=store, secrets=())


@dataclass(frozen=True)
class _Identity:
    site: Site

    def caller(self) -> Caller:
        return Caller(arn="arn:x", account_id=self.site.account_id, region=self.site.region)


def again(run: Small, monkeypatch: Any, store: Any = None) -> World:
    """Let another process find the target of a run that was left, and return its world."""
    plan = run.run.prepared.plan
    monkeypatch.setattr(catalog, "phases", lambda: plan.phases)
    monkeypatch.setattr(catalog, "plan", lambda _: plan)
    monkeypatch.setattr(opening, "open_target", lambda *_, **__: _target(store))
    monkeypatch.setattr(opening, "_take_lease", lambda *_, **__: None)
    return run.world
