"""Runs that die: one process is killed at a point, the next one at another, and a third goes on.

The engine, its journal, lease, receipts, signatures and seal are the real ones, and so are the phases that touch
machines, buckets and topics; the world is `fake_world`. A point is an instant before or after a change of the world,
and before, amid or after each write, flush, renaming and removal of a file. A process that dies there is really gone.
For each first point some second points are drawn, from those that the resuming process has; a third process goes on.
The world's own log then says what was left, and what was done twice.

    python -m tests.engine.crashes FOLDER PART/PARTS SECONDS
    python -m tests.engine.crashes FOLDER "after ec2.launch" SECONDS

takes every so many of the first points, or one by its name, each with so many second ones, and prints one JSON object:
how many points a run has, how many pairs were tried, how many there would be if no wait were shorter, and what was wrong,
by pair. With SHARED_NAMESPACE in the
environment the drill works in a namespace of others, with CLOCK_JUMP each process after the first finds the wall's clock
set by so many hours; with NEW_TOKENS the engine forgets its tokens, as one that must be found out.
"""

import gc
import io
import json
import os
import random
import secrets
import shutil
import sys
import tarfile
import traceback
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import zstandard

from drproof import catalog
from drproof.engine import conclusion as concluding
from drproof.engine import effects, opening
from drproof.engine import world as worlds
from drproof.engine.clock import SystemClock
from drproof.engine.conclusion import Conclusion
from drproof.engine.guardian import Guardian
from drproof.engine.preparation import DrillRequest, prepare
from drproof.engine.private import Private
from drproof.engine.resume import FINISH, UNDO, resume
from drproof.engine.run import Run
from drproof.evidence.bundle import Bundle
from drproof.evidence.canonical import digest
from drproof.model.context import Context
from drproof.model.errors import EvidenceError
from drproof.model.phase import Phase
from drproof.model.plan import Plan, build
from drproof.phases.backup.observed import RestorePointObserved
from tests.contracts.observed import POINT, VALIDATED
from tests.engine.fake_cluster import GUEST, SHARED, wanted
from tests.engine.fake_world import FakeEmbedded, FakeTarget, FakeWorld, Stored, process_is_gone

DRILL = "crash"
PHASES = (
    "read_restore_point",
    "bringup",
    "resolve_runner",
    "reach_cluster",
    "restore_state",
    "restore",
    "validate",
    "notify",
    "request_manual_approval",
    "teardown",
)
CONTRACTS = ("no_residue_is_left", "only_own_resources_were_removed")
KILLED, ENDED = 9, 0
PAIR = " then at "
MEMBERS = 3
JUMP = timedelta(hours=float(os.environ.get("CLOCK_JUMP", "0")))
PURPOSES = (UNDO,) if timedelta() < JUMP else (UNDO, FINISH)
"""By a clock that is ahead nothing more is made."""
LIMITS = '[limits]\nbackoff = "1ms"\nrecount = "600ms"\n'
BUCKET = "backups"


@dataclass
class Points:
    """How many points this process has passed, and at which one it dies; 0 for none."""

    die_at: int
    die: Callable[[], None]
    passed: int = 0
    names: dict[str, int] = field(default_factory=dict)
    """Each instant that has a name, with the point at which it was first passed."""

    def __call__(self, name: str = "") -> None:
        self.passed += 1
        self.names.setdefault(name, self.passed)
        if self.passed == self.die_at:
            self.die()


def archive(name: str) -> bytes:
    """Return a small archive, the same in every process."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as made:
        for number in range(MEMBERS):
            body = f"{name} {number}".encode()
            member = tarfile.TarInfo(f"{number}.txt")
            member.size = len(body)
            made.addfile(member, io.BytesIO(body))
    return zstandard.ZstdCompressor().compress(buffer.getvalue())


def small_plan() -> Plan:
    """Return the recovery plan without what only looks; each phase acts as it always does, in the same order."""
    phases: list[Phase[Any]] = []
    names = set(PHASES)
    for phase in catalog.phases():
        if phase.name not in names or "recovery" not in phase.plans:
            continue
        before = tuple({"inspect_cluster": "restore"}.get(name, name) for name in phase.after)
        before = tuple(name for name in before if name in names)
        phases.append(replace(phase, after=before, requires=(), mend=phase.mend))
    reading = next(phase for phase in phases if phase.name == "read_restore_point")
    phases[phases.index(reading)] = replace(reading, act=_read, keeps={})
    return build("recovery", phases, [one for one in catalog.contracts() if one.name in CONTRACTS])


def _read(ctx: Context) -> RestorePointObserved:
    names = ctx.plan.criteria.backup.archives
    known = {seen.name: seen for seen in POINT.objects}
    seen = tuple(replace(known[name], key=name, version="", sha256=digest(archive(name))) for name in names)
    return replace(POINT, bucket=BUCKET, objects=seen)


class Stage:
    """This process: the world that its engine acts on, and the points that it passes."""

    def __init__(self) -> None:
        self.points = Points(0, process_is_gone)
        self.asked: Callable[[str], AbstractContextManager[None]] = lambda _: nullcontext()
        """Stands around each call to the cluster."""
        self.concluded: Conclusion | None = None
        """What the last run of this process came to."""

    def enter(self, folder: Path, die_at: int) -> None:
        """Take up the world in `folder`; this process dies at the given point."""
        self.world = FakeWorld(folder / "world", point=self.point, asked=self.asked)
        self.points = Points(die_at, self._die)

    def point(self, name: str = "") -> None:
        """Pass a point."""
        self.points(name)

    def _die(self) -> None:
        self.world.keep()
        process_is_gone()

    def set(self) -> None:
        """Give the engine the fake world, and a disk whose every change is a point; it stays so."""
        plan, real = small_plan(), catalog.plan
        engine: Any = opening
        conclusion: Any = concluding
        places: Any = worlds
        guardian: Any = Guardian
        catalog_: Any = catalog
        catalog_.plan = lambda name: plan if name == "recovery" else real(name)
        places.begin = lambda directory, _: directory.mkdir(parents=True) or FakeEmbedded()
        places.again = lambda _: FakeEmbedded()
        places.given = lambda _: ""
        engine.open_target = self._opened
        # The next process is the one that this sweep starts, at the instant that it wants.
        guardian.start = lambda *_: None
        # Both are pure: a process that dies while it renders is one that dies before it writes.
        conclusion.html.render = lambda *_, **__: b"<!doctype html>"
        conclusion.derived.files = lambda *_, **__: {"drill.summary.json": b"{}"}
        # What is restored is read from archives, and what a Job has shown from its log: neither changes anything.
        restoring: Any = sys.modules["drproof.phases.recovery.restore"]
        validating: Any = sys.modules["drproof.phases.recovery.validate"]
        restoring.sources = lambda _: wanted()
        validating._observed = lambda *_: VALIDATED
        self._watch_the_disk()

    def _opened(self, settings: Any, endpoint: Any, *, directory: Path, origin: str) -> Any:
        for seen in POINT.objects:
            body = archive(seen.name)
            self.world.memory.objects.setdefault((BUCKET, seen.name), Stored(body, digest(body)[:16], {}))
        return FakeTarget(self.world, settings, origin)

    def _watch_the_disk(self) -> None:
        """Make each change of a file two points, each write three; nothing is flushed: a kill takes no page away."""
        system: Any = os
        write = os.write

        def torn(descriptor: int, data: bytes) -> int:
            self.point()
            if self.points.die_at == self.points.passed + 1 and len(data) > 1:
                write(descriptor, data[: random.Random(self.points.die_at).randrange(1, len(data))])
            self.point()
            done = write(descriptor, data)
            self.point()
            return done

        system.write = torn
        system.fsync = lambda _: self.point("flush")
        for name in ("replace", "rename", "unlink", "mkdir", "rmdir"):
            setattr(os, name, self._twice(getattr(os, name)))

    def _twice(self, do: Callable[..., Any]) -> Callable[..., Any]:
        def done(*words: Any, **options: Any) -> Any:
            self.point()
            answer = do(*words, **options)
            self.point()
            return answer

        return done


STAGE = Stage()


@dataclass(frozen=True)
class Process:
    """How a process ended: its status, how many points it passed, and why it refused or broke, or ""."""

    status: int
    passed: int = 0
    said: str = ""

    @property
    def broke(self) -> list[str]:
        """What no process may end with; a refusal is an answer."""
        return [self.said] if self.said.startswith("broke") else []


def process(folder: Path, act: Callable[[], None], die_at: int = 0) -> Process:
    """Run `act` in a process of its own, and return how that ended."""
    ours, theirs = os.pipe()
    child = os.fork()
    if child:
        os.close(theirs)
        with os.fdopen(ours, "rb") as told:
            data = told.read()
        _, status = os.waitpid(child, 0)
        return Process(os.waitstatus_to_exitcode(status), *(json.loads(data) if data else ()))
    os.close(ours)
    STAGE.enter(folder, die_at)
    said = _said(act)
    STAGE.points.die_at = 0
    STAGE.world.keep()
    with os.fdopen(theirs, "wb") as told:
        told.write(json.dumps([STAGE.points.passed, said]).encode())
    os._exit(ENDED)


def _said(act: Callable[[], None]) -> str:
    try:
        act()
    except ValueError as exc:
        return f"refused: {exc}"
    except BaseException as exc:  # noqa: BLE001 — told to the parent, which judges
        return f"broke: {type(exc).__name__}: {exc} {traceback.format_exc()[-900:]}"
    return ""


def run(folder: Path, **options: str) -> Callable[[], None]:
    """Return what drills in a folder, each phase once unless the options say otherwise."""
    said = {"target": "embedded", "provisioner": "direct", "run_id": DRILL, "max_attempts": "1", **options}

    def act() -> None:
        prepared = prepare(DrillRequest(plan="recovery", options=said, environment={}, directory=folder))
        opened = Run.open(prepared)
        opened.advance(prepared.coverage.run[-1].name)
        STAGE.concluded = opened.close()

    return act


def _resume(folder: Path, purpose: str) -> Callable[[], None]:
    def act() -> None:
        clock: Any = SystemClock
        clock.wall = lambda _: datetime.now(UTC) + JUMP
        resume(folder / "reports" / DRILL, purpose)

    return act


def judged(folder: Path) -> Iterator[str]:
    """Yield what is wrong with the world and with the folder after the last process."""
    world = FakeWorld(folder / "world")
    yield from (f"left: {what}" for what in world.left(DRILL))
    yield from (f"twice: {what}" for what in world.doubles())
    directory = folder / "reports" / DRILL
    if not (directory / "opening.dsse.json").exists():
        return
    try:
        bundle = Bundle.open(directory, catalog.types())
        problems = [problem.message for problem in bundle.problems()]
    except EvidenceError as exc:
        problems = [str(exc)]
    yield from (f"bundle: {problem}" for problem in problems)
    if not Private.of(directory).has_ended:
        yield "the private folder is still there: the run was not let go"


def told(last: Process, folder: Path) -> list[str]:
    """Return what is wrong after the last process, with what that said."""
    found = [*last.broke, *judged(folder)]
    return [*found, last.said] if found and last.said and not last.broke else found


def fresh(folder: Path) -> Path:
    """Return a folder in which nothing was drilled yet, with the settings of whoever drills there."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    account = f'\n[cluster]\nservice_account = "{GUEST}"\n' if os.environ.get(SHARED) else ""
    (folder / "drproof.toml").write_text(f'target = "embedded"\n{LIMITS}{account}')
    return folder


def begin(folder: Path) -> tuple[int, dict[str, int]]:
    """Set the stage, run once without a crash, and return how many points that has, and those with a name."""
    STAGE.set()
    # Here, so that no other process has to import and compile again what this one has.
    STAGE.enter(fresh(folder), 0)
    run(folder)()
    names = STAGE.points.names
    # A process lives for a tenth of a second: collecting would only copy what it shares with this one.
    gc.collect()
    gc.freeze()
    gc.disable()
    whole = process(fresh(folder), run(folder))
    if wrong := [*whole.broke, *judged(folder)]:
        sys.exit(f"a run without a crash must end well and leave nothing: {wrong}")
    return whole.passed, names


def pairs(folder: Path, first: int, seconds: int) -> Iterator[tuple[str, int, list[str]]]:
    """Kill a run at `first`, and its successor at `seconds` points of its own; yield each history with what was wrong.

    With the history of a successor that nobody killed comes at how many points others are killed, else 0. Half of the successors undo, half finish; a successor that is not killed is a history as well.
    """
    draw = random.Random(first)
    died_at = process(fresh(folder), run(folder), first)
    if died_at.status != KILLED:
        yield f"{first}", 0, [f"the run did not die: {died_at}"]
        return
    died = folder.with_name(f"{folder.name}.died")
    shutil.rmtree(died, ignore_errors=True)
    folder.rename(died)
    for purpose in PURPOSES:
        shutil.copytree(died, folder)
        alone = process(folder, _resume(folder, purpose))
        drawn = draw.sample(range(1, alone.passed + 1), min(seconds // 2, alone.passed))
        yield f"{first}, {purpose}", len(drawn), told(alone, folder)
        for second in drawn:
            shutil.rmtree(folder)
            shutil.copytree(died, folder)
            resumed = process(folder, _resume(folder, purpose), second)
            then = draw.choice(PURPOSES)
            name = f"{first}, {purpose}{PAIR}{second}, {then}"
            if resumed.status != KILLED:
                # It had fewer points this time: a wait was shorter. No pair, and judged all the same.
                name = f"{first}, {purpose} past {second}, {then}"
            last = process(folder, _resume(folder, then))
            yield name, 0, told(last, folder)
        shutil.rmtree(folder)


def main(words: list[str]) -> int:
    """Sweep one part of all first points, or the one that is named."""
    folder, part, seconds = Path(words[0]), words[1], int(words[2])
    if os.environ.get("NEW_TOKENS"):
        forgetful: Any = effects
        forgetful.token_of = lambda *_: secrets.token_hex(16)
    points, names = begin(folder)
    if part in names:
        firsts = [names[part]]
    else:
        number, parts = map(int, part.split("/"))
        firsts = list(range(1, points + 1))
        random.Random(parts).shuffle(firsts)
        firsts = firsts[number::parts]
    done, drawn, wrong = 0, 0, {}
    for first in firsts:
        for name, more, found in pairs(folder, first, seconds):
            done += PAIR in name
            drawn += more
            if found:
                wrong[name] = found
    sys.stdout.write(json.dumps({"points": points, "pairs": done, "drawn": drawn, "wrong": wrong}))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
