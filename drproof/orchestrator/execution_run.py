"""A run of the recovery plan that lives in its receipt store: each act takes it up, and leaves it there.

A function has no disk that lasts, and no memory: what one act knows of another, a trusted key signed in the store. The
lease is the execution's, for as long as that is RUNNING; between two acts it is parked.
"""

import contextlib
import os
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from drproof import catalog
from drproof.engine.clock import SystemClock, instant
from drproof.engine.effects import token_of
from drproof.engine.fetching import Fetched, fetch
from drproof.engine.keys import read_trust, rehearsal_signer
from drproof.engine.lease import AtWorkError, Lease
from drproof.engine.opening import assert_sites, open_run, reopen
from drproof.engine.patience import PASSING, Patience
from drproof.engine.preparation import LONGEST_LIFE, DrillRequest, Prepared, prepare
from drproof.engine.refusal import refuse
from drproof.engine.resume import prepared_again
from drproof.engine.run import Run
from drproof.engine.settings import EMBEDDED, find_file
from drproof.engine.stored_run import StoredRun
from drproof.engine.taking import lease_on
from drproof.engine.world import ENDPOINT
from drproof.evidence.integrity import CLOSING
from drproof.evidence.stored import place_of
from drproof.evidence.trust import Trust, of_signer
from drproof.model.capabilities import Intent
from drproof.model.criteria import Input
from drproof.model.errors import DrproofError, LeaseError, ThrottledError
from drproof.model.settings import Settings
from drproof.orchestrator.asked import Asked
from drproof.orchestrator.demands import options_of, refuse_what_is_missing
from drproof.targets import open_target
from drproof.targets.provisioners.codebuild import CodeBuildProvisioner
from drproof.targets.signers import FILE
from drproof.targets.sites import AwsTarget

AT_WORK_MORE_MS = 5_000


@dataclass(slots=True)
class ExecutionRun:
    """The run of one execution, in the hands of one act."""

    asked: Asked
    prepared: Prepared
    target: AwsTarget
    run: Run | None
    """None once the bundle is sealed."""
    stored: StoredRun
    refusal: str = ""
    """Why another holds the target; empty where this execution does."""

    @property
    def codebuild(self) -> CodeBuildProvisioner:
        """What takes the build that the machine runs."""
        target: Any = self.open.opened.target
        provisioner: CodeBuildProvisioner = target.recovery.provisioner
        return provisioner

    @property
    def open(self) -> Run:
        """The run, which is not sealed yet."""
        if self.run is None:
            raise refuse(
                f"{self.asked.execution.name} is sealed: no further act belongs to it",
                expected="an act before the seal",
                got=self.asked.act,
                next_step=f"drproof verify, on a copy of {self.stored.uri}",
            )
        return self.run


def prepared_for(asked: Asked, reports: Path) -> Prepared:
    """Return the run of an execution by the settings beside the function, and its environment.

    Raises:
        Refusal: they do not say what an execution needs.
    """
    folder = Path(os.environ.get("LAMBDA_TASK_ROOT") or ".")
    given = asked.input
    options = {"run_id": asked.execution.name, **options_of(find_file(folder), os.environ, folder)}
    options |= {name: value for name in ("backup_uri", "image_ref") if (value := getattr(given, name))}
    prepared = prepare(DrillRequest(plan=catalog.RECOVERY, options=options, directory=folder))
    refuse_what_is_missing(prepared.settings)
    told = {"execution.arn": asked.execution.arn, "execution.machine": asked.execution.machine}
    told |= {"execution.requested_by": given.requested_by, "execution.reason": given.reason}
    inputs = (Input(name=name, value=value, source="the execution") for name, value in told.items() if value)
    return replace(
        prepared,
        reports=reports,
        criteria=replace(
            prepared.criteria,
            force_recovery=given.force_run,
            approval=replace(
                prepared.criteria.approval,
                execution_arn=asked.execution.arn,
                # Whoever started it is not the one to approve it, if it says who that was.
                requested_by=tuple(name for name in (given.requested_by,) if name.startswith("arn:")),
            ),
        ),
        inputs=(*prepared.inputs, *inputs),
        previous=None,
    )


@contextlib.contextmanager
def taken_up(asked: Asked, *, alone: bool = True) -> Iterator[ExecutionRun]:
    """Take up the run of an execution, or begin it, and leave it in its store afterwards.

    Where another holds the target, the run has no lease: an act that changes anything must not go on.

    Raises:
        Refusal: the settings or the store do not fit; nothing was changed.
        ThrottledError: another act of this execution is at work; Step Functions calls again.
        TargetError: a site or the store does not answer.
    """
    with tempfile.TemporaryDirectory(prefix="drproof-act-") as place, contextlib.ExitStack() as ending:
        prepared = prepared_for(asked, Path(place) / "reports")
        settings = prepared.settings
        endpoint = os.environ.get(ENDPOINT, "") if settings.target == EMBEDDED else ""
        target = open_target(settings, endpoint or None, directory=Path(place), origin=prepared.drill_id)
        patience = Patience(settings.limits, SystemClock())
        patience.ask(lambda: assert_sites(target, settings.sites))
        stored = _looked(prepared, target)
        if stored.is_closed:
            yield ExecutionRun(asked, prepared, target, None, stored)
            return
        lease, refusal = _leased(asked, prepared, target, patience)
        if lease is not None:
            ending.callback(_park, lease)
        # Looked at again under the lease: the act before may have stored something until then.
        stored = _looked(prepared, target)
        run = _run(stored, prepared, target, lease)
        if run.mirror is not None:
            run.mirror.alone = alone
            run.mirror.sync()
        ending.callback(_leave, run)
        if asked.token:
            run.redactor.learn([asked.token])
        yield ExecutionRun(asked, run.prepared, target, run, stored, refusal)


def _looked(prepared: Prepared, target: AwsTarget) -> StoredRun:
    storing = prepared.settings.storing
    if storing is None:
        raise AssertionError  # pragma: no cover — refused before
    return StoredRun.at(place_of(storing, prepared.drill_id), target.receipts, _trust(prepared.settings, target))


def _trust(settings: Settings, target: AwsTarget) -> Trust:
    """Return whose signatures count: those of the function's own key, and those of its trust file if it has one."""
    signing = settings.signing
    if signing.own:
        rehearsal_signer(Path(signing.signer.removeprefix(FILE)).parent)
    own = of_signer(target.recovery.signer(signing.signer))
    said = read_trust(Path(signing.trust)) if signing.trust else Trust()
    others = tuple(key for key in said.keys if (key.keyid, key.role) != (own.keyid, own.role))
    return replace(said, keys=(own, *others))


def _leased(asked: Asked, prepared: Prepared, target: AwsTarget, patience: Patience) -> tuple[Lease | None, str]:
    """Return the lease of the execution, or why another holds it."""
    drill_id = prepared.drill_id
    lease = lease_on(
        prepared.settings,
        target,
        drill_id,
        origin=drill_id,
        expires_at=instant(datetime.now(UTC) + LONGEST_LIFE),
        execution=asked.execution.arn,
    )
    # The history of the execution names this act before the function is called: it has the intent.
    token = token_of(drill_id, "", "lease.take", lease.uri)
    intent = Intent(number=0, verb="lease.take", resource=lease.uri, token=token)
    deadline = time.monotonic() + (prepared.settings.limits.lease_ms + AT_WORK_MORE_MS) / 1000
    while True:
        try:
            patience.ask(lambda: lease.take(intent))
        except AtWorkError as exc:
            if exc.other:
                return None, str(exc).partition("\n")[0]
            # An act that died cannot say so: its lease runs out.
            if time.monotonic() >= deadline:
                raise ThrottledError(str(exc), code="AtWork", call="lease.take") from exc
            time.sleep(prepared.settings.limits.poll_ms / 1000)
        except LeaseError as exc:
            return None, str(exc).partition("\n")[0]
        else:
            return lease, ""


def _run(stored: StoredRun, prepared: Prepared, target: AwsTarget, lease: Lease | None) -> Run:
    if not stored.has_begun:
        prepared.reports.mkdir(parents=True, exist_ok=True)
        return Run(prepared, open_run(prepared, held=lease, leased=False))
    fetched = fetch(stored, prepared.directory, target)
    return _reopened(fetched, lease)


def _reopened(fetched: Fetched, lease: Lease | None) -> Run:
    bundle, private = fetched.bundle, fetched.private
    private.lock()
    again = prepared_again(bundle, bundle.directory, private)
    opened = reopen(bundle.directory, private, bundle, again.settings, mutates=True, held=lease, leased=False)
    run = Run(again, opened)
    if run.mirror is not None:
        run.mirror.know(fetched.files, fetched.intents, fetched.progress, fetched.size)
    return run


def _park(lease: Lease) -> None:
    """Keep the lease for the execution; one that cannot be parked runs out, and the next act waits for that."""
    if lease.is_given_back:
        return
    token = token_of("", "", "lease.park", lease.uri)
    with contextlib.suppress(DrproofError, *PASSING):
        lease.park(Intent(number=0, verb="lease.park", resource=lease.uri, token=token))


def _leave(run: Run) -> None:
    with contextlib.suppress(DrproofError, OSError):
        run.leave()


def is_sealed(run: Run) -> bool:
    """Return whether a run came to its closing."""
    return (run.directory / CLOSING).exists()
