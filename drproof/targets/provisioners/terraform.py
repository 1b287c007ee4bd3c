"""The Terraform provisioner: the real binary, its state and lock at the recovery site."""

import json
import os
import pwd
import shutil
import socket
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from drproof.analysis.ownership import refuse_too_many
from drproof.formats import timestamps
from drproof.formats.strict_json import parse
from drproof.model.capabilities import Intent, RunnerSpec
from drproof.model.changes import Change, Say, unsaid
from drproof.model.errors import FormatError, TargetError
from drproof.model.ownership import Bounds
from drproof.targets import environment
from drproof.targets.aws import errors
from drproof.targets.aws.sessions import Session
from drproof.targets.provisioners import module
from drproof.targets.provisioners.command import Said, run
from drproof.targets.provisioners.machines import MOST, end_all, marked, outputs, own_machines, plain, sought
from drproof.targets.provisioners.place import Place
from drproof.targets.provisioners.workshop import Workshop

OLDEST = (1, 10)
"""The first version that locks by an object beside the state."""

INIT_SECONDS = 120
APPLY_SECONDS = 900
QUIET = {"CHECKPOINT_DISABLE": "1", "TF_IN_AUTOMATION": "1", "TF_INPUT": "0", "TF_CLI_CONFIG_FILE": os.devnull}
NO_LOCK = "Error acquiring the state lock"
CHANGING = ("-input=false", "-auto-approve", "-json", "-no-color", "-lock-timeout=0s")


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
            timeout=INIT_SECONDS,
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
class _Use:
    """One use of Terraform: an initialised workshop."""

    workshop: Workshop
    alive: int
    environment: dict[str, str]


class TerraformProvisioner:
    """Brings the machine up by `terraform apply` and takes it away by `terraform destroy`."""

    kind: Literal["terraform"] = "terraform"

    def __init__(  # noqa: PLR0913 — what Terraform must be told
        self, place: Place, session: Session, *, version: str, account: str, lock_table: str, directory: Path
    ) -> None:
        """Work at `place` as the caller of `session`; the module and its traces go into `directory`."""
        self._place = place
        self._session = session
        self._version = version
        self._account = account
        self._lock_table = lock_table
        self._directory = directory / "terraform"

    @property
    def version(self) -> str:
        """The version of Terraform."""
        return self._version

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
        say(f"terraform apply, state {place.uri}")
        said = self._change("apply", intent, spec)
        return Change(
            created=said.summary.get("add", 0),
            changed=said.summary.get("change", 0),
            destroyed=said.summary.get("remove", 0),
            outputs=outputs(spec, place.fleet.runners(sought(spec))),
            created_ids=tuple(said.created),
        )

    def down(self, intent: Intent, spec: RunnerSpec, bounds: Bounds, *, say: Say = unsaid) -> Change:
        """Destroy what the state holds of this drill, then end what a killed apply created beside it."""
        place = self._place
        spec = marked(spec, place.origin)
        destroyed = 0
        # Ahead of Terraform too: it is told to end them, and must not begin where the bounds forbid it.
        refuse_too_many("machines", own_machines(place.fleet, spec, bounds), bounds.most, MOST)
        try:
            self._settle(intent, spec)
            held = place.terraform()
            if held.identities and held.origin == place.origin:
                say(f"terraform destroy, state {place.uri}")
                destroyed = self._change("destroy", intent, spec, bounds).summary.get("remove", 0)
        finally:
            # Also when somebody else holds the lock: a machine that is ours costs money, whatever the state says.
            ended = end_all(place.fleet, intent, spec, bounds, timeout_ms=place.ending_ms)
        return Change(created=0, changed=0, destroyed=destroyed + len(ended))

    def holds(self) -> tuple[str, ...]:
        """Return the identities in the remote state."""
        return self._place.terraform().identities

    def _change(self, verb: str, intent: Intent, spec: RunnerSpec, bounds: Bounds | None = None) -> Said:
        """Apply or destroy in a workshop of its own."""
        workshop = Workshop.next_in(self._directory)
        with workshop.in_use() as alive:
            use = self._initialised(workshop, alive, intent, spec, bounds)
            status, said = self._run(use, [verb, *CHANGING], APPLY_SECONDS)
            if status >= 0:
                workshop.close()
        if status != 0:
            raise self._failed(verb, status, said)
        return said

    def _initialised(
        self, workshop: Workshop, alive: int, intent: Intent, spec: RunnerSpec, bounds: Bounds | None = None
    ) -> _Use:
        module.write(workshop.folder, spec)
        module.write_backend(
            workshop.folder,
            self._place,
            region=self._session.region,
            endpoint=self._session.endpoint,
            account=self._account,
            lock_table=self._lock_table,
        )
        told = {
            **self._session.environment(),
            **QUIET,
            "DRPROOF_INTENT": json.dumps(plain(intent)),
            "DRPROOF_ENDING_MS": str(self._place.ending_ms),
            **({"DRPROOF_BOUNDS": json.dumps(plain(bounds))} if bounds is not None else {}),
        }
        use = _Use(workshop=workshop, alive=alive, environment=told)
        arguments = ["init", "-input=false", "-no-color", f"-backend-config={module.BACKEND_FILE}"]
        status, said = self._run(use, arguments, INIT_SECONDS)
        if status != 0:
            if status > 0:
                workshop.close()
            raise self._failed("init", status, said)
        return use

    def _run(self, use: _Use, arguments: Sequence[str], timeout: float) -> tuple[int, Said]:
        binary = shutil.which("terraform")
        if binary is None:
            raise _useless("it is not on this machine's PATH any more")
        return run(use.workshop, use.alive, binary, arguments, environment=use.environment, timeout=timeout)

    def _failed(self, verb: str, status: int, said: Said) -> TargetError:
        if said.problem == NO_LOCK:
            return self._place.held(self._place.lock())
        code = said.code or "TerraformFailed"
        why = said.error or said.problem or f"it ended with status {status}"
        tail = "".join(f"\n    {line}" for line in said.tail)
        next_step = errors.NEXT.get(code, "read the lines above; what was created is removed by the teardown")
        msg = f"terraform {verb} {self._place.uri}: {why}{tail}\n  next: {next_step}"
        return errors.family(code)(msg, code=code, call=f"terraform:{verb}")

    def _settle(self, intent: Intent, spec: RunnerSpec) -> None:
        """End what killed processes of this drill left running here, and give back the lock that they held."""
        self._place.drop_own_lock(intent)
        for left in Workshop.left_in(self._directory):
            left.end_orphans()
            lock = self._place.lock()
            if lock is not None and lock.who == _who() and _is_between(lock.created, left.started()):
                self._unlock(lock.id, intent, spec)
            left.close()

    def _unlock(self, lock_id: str, intent: Intent, spec: RunnerSpec) -> None:
        workshop = Workshop.next_in(self._directory)
        with workshop.in_use() as alive:
            use = self._initialised(workshop, alive, intent, spec)
            status, said = self._run(use, ["force-unlock", "-force", lock_id], INIT_SECONDS)
            workshop.close()
        if status != 0:
            raise self._failed("force-unlock", status, said)


def _who() -> str:
    """Return how Terraform names the holder of a lock that this user takes on this machine."""
    try:
        name = pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        name = os.environ.get("USER", "")
    return f"{name}@{socket.gethostname()}"


def _is_between(created: str, started: datetime) -> bool:
    try:
        return started <= timestamps.parse(created) <= datetime.now(UTC)
    except FormatError:
        # Terraform writes an instant; what has none was written by somebody else.
        return False


def _useless(why: str) -> TargetError:
    oldest = ".".join(map(str, OLDEST))
    msg = (
        f"terraform cannot be used: {why}\n"
        f"  next: install terraform {oldest} or later, or pytest -m drill --provisioner direct"
    )
    return TargetError(msg, code="NoTerraform", call="terraform:version")
