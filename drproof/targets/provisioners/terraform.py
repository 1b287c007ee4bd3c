"""The Terraform provisioner: the real binary, its state and lock at the recovery site."""

import json
import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from drproof.analysis.ownership import refuse_too_many
from drproof.formats.strict_json import parse
from drproof.model.capabilities import Intent, RunnerSpec
from drproof.model.changes import Change, Planned, Say, unsaid
from drproof.model.errors import FormatError, TargetError
from drproof.model.ownership import Bounds
from drproof.targets import environment
from drproof.targets.aws import errors
from drproof.targets.aws.lookouts import AwsLockTables
from drproof.targets.aws.sessions import Session
from drproof.targets.provisioners import module
from drproof.targets.provisioners.command import Said, met_a_lock, refusal, run
from drproof.targets.provisioners.machines import MOST, end_all, marked, outputs, own_machines, plain, sought
from drproof.targets.provisioners.modules import Module
from drproof.targets.provisioners.place import Lock, Place, lock_of
from drproof.targets.provisioners.workshop import BENCHES, LONGEST_SECONDS, Workshop

SHOWN = 10
"""How many addresses a message names."""
OLDEST = (1, 10)
"""The first version that locks by an object beside the state."""
LOOK_SECONDS = 120
"""What neither fetches nor changes anything: version, validate, output, and a lock that is given back."""
APPLY_SECONDS = LONGEST_SECONDS
QUIET = {"CHECKPOINT_DISABLE": "1", "TF_IN_AUTOMATION": "1", "TF_INPUT": "0", "TF_CLI_CONFIG_FILE": os.devnull}
NO_LOCK = "Error acquiring the state lock"
KEPT, STALE = "LockKept", "StalePlan"
PROBLEMS = {
    "Error releasing the state lock": KEPT,
    "Saved plan is stale": STALE,
    "Saved plan does not match the given state": STALE,
}
"""What Terraform says of a lock that it could not give back, and of a plan whose state moved on or was replaced."""
NOT_LOCKED = ("recorded in the dependency lock file", "Provider dependency changes detected")
"""What Terraform says of a plugin that the lock file of its module does not allow."""
PLAN_FILE = "drproof.tfplan"
NEXT = {
    KEPT: "the same command again, which gives the lock back first",
    STALE: "find out who else writes this state; nothing was applied, and the next attempt plans anew",
    "PlanDestroys": "pytest -m drill --start-at teardown --receipt-dir <the folder of the drill>, then start anew",
    "PluginDiffers": "find out why the plugin is another one; if it may be run: terraform providers lock "
    "-platform=<os>_<arch> in the folder of the module",
    "": "read the lines above; what was created is removed by the teardown",
}
CHANGING = ("-input=false", "-json", "-no-color", "-lock-timeout=0s")


def version_of(binary: str | None) -> str:
    """Return the version of a Terraform binary.

    Raises:
        TargetError: there is none, it does not run, or it is too old to lock by an object.
    """
    if binary is None:
        raise _useless("it is not on this machine's PATH")
    try:
        answer = subprocess.run(  # noqa: S603 — the binary that the caller found
            [binary, "version", "-json"],
            capture_output=True,
            timeout=LOOK_SECONDS,
            check=True,
            stdin=subprocess.DEVNULL,
            env=environment.child(QUIET),
        )
        version = str(parse(answer.stdout)["terraform_version"])
        numbers = tuple(int(part) for part in version.split(".")[:2])
    except (OSError, subprocess.SubprocessError, FormatError, KeyError, TypeError, ValueError) as exc:
        why = f"{binary} does not work: {exc}"
        raise _useless(why) from exc
    if numbers < OLDEST:
        why = f"{binary} is {version}, expected at least {OLDEST[0]}.{OLDEST[1]}"
        raise _useless(why)
    return version


@dataclass(frozen=True, slots=True, kw_only=True)
class _Done:
    """What one use changed, what it was going to change, and what the module says of itself."""

    planned: Planned
    created: int
    changed: int
    destroyed: int
    created_ids: tuple[str, ...]
    outputs: Mapping[str, str]
    providers: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Use:
    """One use of Terraform: an initialised workshop."""

    workshop: Workshop
    alive: int
    environment: dict[str, str]


class TerraformProvisioner:
    """Brings the machine up and takes it away by plans of Terraform that are saved, looked at, and then applied."""

    kind: Literal["terraform"] = "terraform"

    def __init__(  # noqa: PLR0913 — what Terraform must be told
        self,
        place: Place,
        session: Session,
        *,
        version: str,
        account: str,
        lock_table: str,
        directory: Path,
        module: Module,
    ) -> None:
        """Work at `place` as the caller of `session`; copies of the module and its traces go into `directory`."""
        self._place = place
        self._session = session
        self._version = version
        self._account = account
        self._lock_table = lock_table
        self._directory = directory / BENCHES
        self._module = module

    @property
    def version(self) -> str:
        """The version of Terraform, and the module where it is not the built-in one."""
        return f"{self._version}, module {self._module.name}" if self._module.speaks_for_itself else self._version

    @property
    def state(self) -> str:
        """Where the remote state lies."""
        return self._place.uri

    def up(self, intent: Intent, spec: RunnerSpec, *, say: Say = unsaid) -> Change:
        """Apply the module: create the machine, or observe that the state holds it already."""
        place = self._place
        spec = marked(spec, place.origin)
        self._settle(intent, spec)
        for held in (place.direct(), place.terraform()):
            if held.identities and held.origin != place.origin:
                raise place.foreign(held)
        if (elsewhere := place.direct()).identities:
            raise place.foreign(elsewhere)
        before = {runner.instance_id for runner in place.fleet.runners(sought(spec))}
        say(f"terraform apply, state {place.uri}")
        done = self._change("apply", intent, spec)
        runners = place.fleet.runners(sought(spec))
        new = tuple(runner.instance_id for runner in runners if runner.instance_id not in before)
        self._compared(done, {runner.instance_id for runner in runners})
        return Change(
            created=done.created,
            changed=done.changed,
            destroyed=done.destroyed,
            outputs={**done.outputs, **outputs(spec, runners)},
            created_ids=done.created_ids or (new if done.created else ()),
            planned=done.planned,
            providers=done.providers,
        )

    def down(self, intent: Intent, spec: RunnerSpec, bounds: Bounds, *, say: Say = unsaid) -> Change:
        """Destroy what the state holds of this drill, then end what a killed apply created beside it."""
        place = self._place
        spec = marked(spec, place.origin)
        destroyed, providers = 0, dict[str, str]()
        # Ahead of Terraform too: it is told to end them, and must not begin where the bounds forbid it.
        refuse_too_many("machines", own_machines(place.fleet, spec, bounds), bounds.most, MOST)
        try:
            self._settle(intent, spec)
            held = place.terraform()
            if held.identities and held.origin == place.origin:
                say(f"terraform destroy, state {place.uri}")
                done = self._change("destroy", intent, spec, bounds)
                destroyed, providers = done.destroyed, dict(done.providers)
                if destroyed != done.planned.destroy:
                    raise self._went_otherwise(done)
        finally:
            # Also when somebody else holds the lock: a machine that is ours costs money, whatever the state says.
            ended = end_all(place.fleet, intent, spec, bounds, timeout_ms=place.ending_ms)
        return Change(created=0, changed=0, destroyed=destroyed + len(ended), providers=providers)

    def holds(self) -> tuple[str, ...]:
        """Return the identities in the remote state."""
        return self._place.terraform().identities

    def _change(
        self, verb: Literal["apply", "destroy"], intent: Intent, spec: RunnerSpec, bounds: Bounds | None = None
    ) -> _Done:
        """Plan, look at the plan, and apply that very plan, in a workshop of its own."""
        workshop = Workshop.next_in(self._directory)
        with workshop.in_use() as alive:
            use = self._initialised(workshop, alive, intent, spec, bounds)
            self._must(use, "validate", ["validate", "-no-color"], LOOK_SECONDS)
            kind = ("-destroy",) if verb == "destroy" else ()
            planned = self._must(use, "plan", ["plan", *kind, *CHANGING, f"-out={PLAN_FILE}"], APPLY_SECONDS)
            if verb == "apply" and planned.taken_away:
                workshop.close()
                raise self._would_take_away(planned.taken_away)
            said = self._must(use, verb, ["apply", *CHANGING, PLAN_FILE], APPLY_SECONDS)
            providers = self._providers(use) if self._module.speaks_for_itself else {}
            told = self._outputs(use) if self._module.speaks_for_itself and verb == "apply" else {}
            workshop.close()
        # What an apply left half made is taken away to be made whole: that takes nothing from anybody.
        anew = max(0, planned.planned.get("remove", 0) - len(planned.taken_away)) if verb == "apply" else 0
        return _Done(
            planned=Planned(
                create=planned.planned.get("add", 0),
                change=planned.planned.get("change", 0),
                destroy=planned.planned.get("remove", 0) - anew,
            ),
            created=said.summary.get("add", 0),
            changed=said.summary.get("change", 0),
            destroyed=max(0, said.summary.get("remove", 0) - anew),
            created_ids=tuple(said.created),
            outputs=told,
            providers=providers,
        )

    def _providers(self, use: _Use) -> dict[str, str]:
        """Return the plugins, each with its version."""
        versions = self._document(self._must(use, "version", ["version", "-json"], LOOK_SECONDS))
        return {str(name): str(version) for name, version in versions.get("provider_selections", {}).items()}

    def _outputs(self, use: _Use) -> dict[str, str]:
        """Return the outputs that are no secrets."""
        told = self._document(self._must(use, "output", ["output", "-json", "-no-color"], LOOK_SECONDS))
        return {
            name: str(found.get("value"))
            for name, found in told.items()
            if isinstance(found, dict) and found.get("sensitive") is False and isinstance(found.get("value"), str)
        }

    def _document(self, said: Said) -> dict[str, Any]:
        with suppress(FormatError):
            document = parse("\n".join(said.lines), fractions=True)
            return document if isinstance(document, dict) else {}
        return {}

    def _compared(self, done: _Done, there: set[str]) -> None:
        """Compare the machine that the module names with those that carry the drill's mark.

        Raises:
            TargetError: `OutputDiffers`; a machine without the mark could never be taken away.
        """
        if (named := done.outputs.get("instance_id")) in there or not self._module.speaks_for_itself:
            return
        msg = (
            f"terraform output {self._place.uri}: OutputDiffers: expected instance_id to be a machine that carries the "
            f"drill's tags, got {named or 'none'} beside {', '.join(sorted(there)) or 'none'}\n"
            f"  next: have the module tag its machine with var.tags and name it in the output instance_id"
        )
        raise TargetError(msg, code="OutputDiffers", call="terraform:output")

    def _went_otherwise(self, done: _Done) -> TargetError:
        msg = (
            f"terraform destroy {self._place.uri}: DestroyDiffers: expected {done.planned.destroy} to go, as its plan "
            f"counted, got {done.destroyed}\n  next: look at what the state still holds; terraform state list"
        )
        return TargetError(msg, code="DestroyDiffers", call="terraform:apply")

    def _would_take_away(self, addresses: Sequence[str]) -> TargetError:
        msg = (
            f"terraform plan {self._place.uri}: PlanDestroys: expected a bring-up that only adds, got a plan that "
            f"takes away {', '.join(addresses[:SHOWN])}; nothing was applied\n  next: {NEXT['PlanDestroys']}"
        )
        return TargetError(msg, code="PlanDestroys", call="terraform:plan")

    def _must(self, use: _Use, verb: str, arguments: Sequence[str], timeout: float) -> Said:
        """Run one command; where it fails by itself, nothing of the workshop is left to be ended."""
        status, said = self._run(use, arguments, timeout)
        if status == 0:
            return said
        lock = (self._place.lock() or self._in_the_table()) if said.problem == NO_LOCK else None
        if lock is not None and use.workshop.took(lock):
            # Terraform asked again, and met the lock that it had taken: the next attempt gives it back.
            raise self._place.unanswered(lock)
        if status > 0 and not self._may_hold(use):
            use.workshop.close()
        raise self._failed(verb, status, said)

    def _may_hold(self, use: _Use) -> bool:
        """Return whether a lock of this use may lie there still: Terraform asks only once to give one back."""
        try:
            locks = (self._place.lock(), self._in_the_table())
        except TargetError:
            return True
        return any(lock is not None and use.workshop.took(lock) for lock in locks)

    def _initialised(  # noqa: PLR0913 — what a use is for
        self,
        workshop: Workshop,
        alive: int,
        intent: Intent,
        spec: RunnerSpec,
        bounds: Bounds | None = None,
        *,
        beside: bool | None = None,
    ) -> _Use:
        """Return a use that locks in both ways, or by the object `beside` the state alone, or in the table alone."""
        self._module.write(
            workshop.folder,
            spec,
            effect=intent.token,
            region=self._session.region,
            account=self._account,
            endpoint=self._session.endpoint or "",
        )
        configuration = self._module.configuration(workshop.folder)
        module.write_backend(
            workshop.folder,
            self._place,
            region=self._session.region,
            endpoint=self._session.endpoint,
            account=self._account,
            lock_table="" if beside is True else self._lock_table,
            beside=beside is not False,
        )
        told = {
            **self._session.environment(),
            **QUIET,
            "DRPROOF_INTENT": json.dumps(plain(intent)),
            "DRPROOF_ENDING_MS": str(self._place.ending_ms),
            **({"DRPROOF_BOUNDS": json.dumps(plain(bounds))} if bounds is not None else {}),
        }
        if configuration is not None:
            told["TF_CLI_CONFIG_FILE"] = str(configuration)
        use = _Use(workshop=workshop, alive=alive, environment=told)
        arguments = ["init", "-input=false", "-no-color", f"-backend-config={module.BACKEND_FILE}"]
        if self._module.is_locked:
            # Terraform would add what the lock lacks to a copy that nobody keeps, and run it.
            arguments.append("-lockfile=readonly")
        # It fetches the provider, which no network does in the time of a look.
        self._must(use, "init", arguments, APPLY_SECONDS)
        return use

    def _run(self, use: _Use, arguments: Sequence[str], timeout: float) -> tuple[int, Said]:
        if (binary := shutil.which("terraform")) is None:
            raise _useless("it is not on this machine's PATH any more")
        return run(use.workshop, use.alive, binary, arguments, environment=use.environment, timeout=timeout)

    def _failed(self, verb: str, status: int, said: Said) -> TargetError:
        if said.problem == NO_LOCK:
            beside = self._place.lock()
            lock = beside or self._in_the_table()
            if lock is not None or met_a_lock(said.tail):
                return self._place.held(lock, "" if beside else self._lock_table)
        code = said.code or PROBLEMS.get(said.problem) or refusal(said.answers) or "TerraformFailed"
        if verb == "init" and any(one in " ".join(said.tail) for one in NOT_LOCKED):
            code = "PluginDiffers"
        why = said.error or said.problem or f"it ended with status {status}"
        tail, step = "".join(f"\n    {line}" for line in said.tail), errors.NEXT.get(code) or NEXT.get(code, NEXT[""])
        told = f"terraform {verb} {self._place.uri}: {why}{tail}\n  next: {step}"
        return errors.family(code)(told, code=code, call=f"terraform:{verb}")

    def _settle(self, intent: Intent, spec: RunnerSpec) -> None:
        """End what killed processes of this drill left running here, and give back the lock that they held."""
        self._place.drop_own_lock(intent)
        for left in Workshop.left_in(self._directory):
            left.end_orphans()
            for lock, beside in ((self._place.lock(), True), (self._in_the_table(), False)):
                if lock is not None and left.took(lock):
                    self._unlock(lock.id, intent, spec, beside=beside)
            left.close()

    def _in_the_table(self) -> Lock | None:
        """Return who holds the lock in the table; None when nobody does, or no table is named."""
        if not self._lock_table:
            return None
        table = AwsLockTables(self._session.client("dynamodb"))
        note = table.note(self._lock_table, f"{self._place.bucket}/{self._place.key}")
        return lock_of(note) if note else None

    def _unlock(self, lock_id: str, intent: Intent, spec: RunnerSpec, *, beside: bool) -> None:
        """Give back the lock `beside` the state, or that in the table: Terraform fails at one that is not there."""
        workshop = Workshop.next_in(self._directory)
        with workshop.in_use() as alive:
            use = self._initialised(workshop, alive, intent, spec, beside=beside)
            self._must(use, "force-unlock", ["force-unlock", "-force", lock_id], LOOK_SECONDS)
            workshop.close()


def _useless(why: str) -> TargetError:
    oldest = ".".join(map(str, OLDEST))
    msg = (
        f"terraform cannot be used: {why}\n"
        f"  next: install terraform {oldest} or later, or let builds run it: --provisioner codebuild, docs/codebuild.md"
        f"; a rehearsal does without, and what direct brought up it takes away: --provisioner direct"
    )
    return TargetError(msg, code="NoTerraform", call="terraform:version")
