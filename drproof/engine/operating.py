"""What an operator does to executions: start one, end one, and have what one brought up taken away by a build.

The platform's own history has each of these acts and who did it before anything comes of it: it is the intent.
"""

import json
import secrets
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from drproof.engine.execution_seen import Seen, newest
from drproof.engine.preparation import DRILL_ID
from drproof.engine.refusal import refuse
from drproof.evidence import tripwire
from drproof.evidence.canonical import canonical, digest
from drproof.formats import image_ref, s3_uri
from drproof.model.capabilities import Intent
from drproof.model.context import DRILL_TAG
from drproof.model.errors import FormatError, HeldError, TargetError
from drproof.model.ownership import Bounds
from drproof.model.workflows import Workflows
from drproof.phases.recovery.by_hand import of_a_lock
from drproof.targets.aws.codebuild import AwsBuilds, BuildSeen
from drproof.targets.aws.ec2 import AwsFleet
from drproof.targets.provisioners import build_failures
from drproof.targets.provisioners.machines import plain
from drproof.targets.provisioners.place import Lock, held_at

QUEUED_MS, BUILD_MS = 3_600_000, 1_800_000
"""How long a teardown's build may wait for its turn, and how long it may take, as the reference system has them."""
SUCCEEDED, FAILED = "SUCCEEDED", "FAILED"
STATE, TABLE = ("TF_STATE_BUCKET", "TF_STATE_KEY"), "TF_STATE_DYNAMODB_TABLE"
"""The variables of a build that say where its state lies, and the table that locks it, where there is one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """An execution that is to be started."""

    machine: str
    name: str
    given: Mapping[str, Any]

    @property
    def text(self) -> str:
        """Its input."""
        return canonical(dict(self.given)).decode()


def order_of(  # noqa: PLR0913 — what an execution is told
    machine: str,
    *,
    name: str,
    caller: str,
    backup_uri: str,
    image: str,
    force_run: bool,
    reason: str,
    now: datetime,
) -> Order:
    """Return the order of an execution; what is not said of it are settings of the machine.

    Raises:
        Refusal: the name is no id of a drill, or a place is none.
    """
    name = name or f"recovery-{now:%Y%m%dT%H%M%SZ}-{secrets.token_hex(3)}"
    if DRILL_ID.fullmatch(name) is None:
        raise refuse(
            "--name is no id of a drill", expected=DRILL_ID.pattern, got=name, next_step="choose another --name"
        )
    try:
        if backup_uri:
            s3_uri.parse(backup_uri)
        if image:
            image_ref.parse_pinned(image)
    except FormatError as exc:
        raise refuse(
            str(exc),
            expected="--backup-uri s3://bucket/prefix/backups/id, and --image-ref pinned by digest",
            next_step="mend it, or leave it out: the settings of the machine have both",
        ) from exc
    if tripwire.spans(reason):
        raise refuse("--reason holds what is like a secret", expected="words that everybody may read")
    given = {"backup_uri": backup_uri, "image_ref": image, "requested_by": caller, "reason": reason}
    said = {key: value for key, value in given.items() if value}
    return Order(machine=machine, name=name, given={**said, "force_run": force_run})


def refuse_a_second(workflows: Workflows, machine: str) -> None:
    """Refuse to start beside an execution that runs: both would recover the same site.

    Raises:
        Refusal: one runs.
    """
    for found in workflows.executions(machine, status="RUNNING"):
        raise refuse(
            f"{found.name} runs since {found.started_at}: one execution at a time",
            expected="a machine without an execution that is RUNNING",
            got=found.arn,
            next_step=f"drproof status --execution-arn {found.arn}",
        )


def start(workflows: Workflows, order: Order) -> str:
    """Start an execution and return its ARN.

    Raises:
        AlreadyExistsError: there was one of that name, with another input.
    """
    token = digest(f"{order.machine} {order.name}".encode())[:32]
    intent = Intent(number=1, verb="workflows.start", resource=f"{order.machine}/{order.name}", token=token)
    return workflows.start(intent, order.machine, order.name, order.text)


def stop(workflows: Workflows, seen: Seen, caller: str) -> None:
    """End an execution that runs."""
    intent = Intent(number=1, verb="workflows.stop", resource=seen.info.arn, token=digest(seen.info.arn.encode())[:32])
    workflows.stop(intent, seen.info.arn, error="StoppedForTeardown", cause=f"ended by {caller} to be torn down")


def refuse_while_it_runs(seen: Seen) -> None:
    """Refuse to take away what an execution works on.

    Raises:
        Refusal: it runs.
    """
    if seen.info.status == "RUNNING":
        raise refuse(
            f"{seen.info.name} is RUNNING, at {seen.phase}: a teardown would take away what it works on",
            expected="an execution that has ended",
            next_step=f"drproof teardown --execution-arn {seen.info.arn} --stop, which ends it first",
        )


def brought_up_by(builds: AwsBuilds, build_id: str, drill_id: str) -> BuildSeen:
    """Return the build that brought an execution's machine up.

    Raises:
        Refusal: it is another one's.
    """
    found = builds.get(build_id)
    said = (found.variables.get("ACTION"), found.variables.get("EXECUTION_ID"))
    if said != ("bringup", drill_id):
        raise refuse(
            f"build {build_id} did not bring up the machine of {drill_id}",
            expected=f"ACTION bringup, EXECUTION_ID {drill_id}",
            got=f"{said[0]}, {said[1]}",
            next_step=f"drproof gc --drill {drill_id} --yes, once it has expired",
        )
    return found


def refuse_what_another_holds(builds: AwsBuilds, up: BuildSeen) -> None:
    """Refuse a teardown over a state that a later execution brought a machine up with: the build would end that one.

    The builds that the platform still lists are asked. One that FAILED does not count: a bring-up that finds the state
    held ends so. What a drill without builds put there is not seen.

    Raises:
        Refusal: a later build brought one up or may have, and none has taken it away since.
    """
    drill_id = up.variables["EXECUTION_ID"]
    where = [up.variables.get(name) for name in STATE]
    gone = {drill_id}
    for one in builds.newest():
        if one.build_id == up.build_id:
            return
        act, whose = one.variables.get("ACTION"), one.variables.get("EXECUTION_ID", "")
        if [one.variables.get(name) for name in STATE] != where:
            continue
        if act == "teardown" and one.status == SUCCEEDED:
            gone.add(whose)
        elif act == "bringup" and one.status != FAILED and whose not in gone:
            raise refuse(
                f"build {one.build_id} ({one.status}) has since brought up the machine of {whose} with the same"
                f" state, and a teardown of {drill_id} would end that one",
                expected=f"a state that holds what {drill_id} made",
                next_step=f"drproof teardown --execution-arn …:{whose}, then the same command again",
            )


def take_away(builds: AwsBuilds, up: BuildSeen, since: str, say: Callable[[str], None]) -> BuildSeen:
    """Run the same build with `ACTION=teardown`, over the same module and the same state, and wait for its end.

    `since` is when the execution began: what is older than that is somebody else's.

    Raises:
        HeldError: somebody else holds the lock of the state; nothing was taken away.
        TargetError: it did not succeed.
    """
    variables = {**up.variables, "ACTION": "teardown", **_bounds(up.variables, since)}
    drill_id = up.variables["EXECUTION_ID"]
    intent = Intent(number=1, verb="runner.down", resource=drill_id, token=digest(f"teardown {drill_id}".encode())[:32])
    newest = builds.newest()
    under_way = next((one for one in newest if _takes_away(one, drill_id) and not one.is_over), None)
    # Of one that ended badly another is made: a token lives five minutes, and a person asks again sooner.
    ended = [one.build_id for one in newest if one.is_over and one.variables.get("ACTION") == "teardown"]
    token = digest(f"{intent.token} {ended[0] if ended else ''}".encode())[:32]
    # One that somebody stopped waiting for goes on: a second one would find the lock of the state held.
    seen = under_way or builds.start(intent, token, variables, queued_ms=QUEUED_MS, build_ms=BUILD_MS)
    say(f"build {seen.build_id} {'is under way' if under_way else 'started'}")
    try:
        seen = _ended(builds, seen, say)
    except KeyboardInterrupt as exc:
        exc.add_note(f"build {seen.build_id} goes on\n  next: the same command again, which waits for it")
        raise
    if seen.status != SUCCEEDED:
        tail: tuple[str, ...] = ()
        with suppress(TargetError):
            # Who may run a build need not be allowed to read what it prints.
            tail = builds.tail(seen)
        if build_failures.found_the_lock_held(None, tail):
            raise _held(seen, build_failures.lock_in(tail), beside=build_failures.is_beside(None, tail) is not False)
        why = f"{seen.failed_phase or 'no phase'}: {seen.cause or 'no cause given'}"
        next_step = f"the same command again, or, once it has expired, drproof gc --drill {drill_id} --yes"
        msg = f"build {seen.build_id}: {seen.status}: {why}\n  next: {next_step}"
        raise TargetError(msg, code="BuildFailed", call="codebuild:BatchGetBuilds")
    return seen


def _held(build: BuildSeen, lock: Lock | None, *, beside: bool) -> HeldError:
    bucket, key = (build.variables.get(name, "") for name in STATE)
    region, table = build.variables.get("AWS_REGION", ""), build.variables.get(TABLE, "")
    unlock = of_a_lock(lock.id, bucket=bucket, key=key, region=region, table=table, beside=beside) if lock else ""
    where = f"s3://{bucket}/{key}" if beside else f"{table} {bucket}/{key}"
    return held_at(f"build {build.build_id}: {where}", lock, unlock)


def _ended(builds: AwsBuilds, seen: BuildSeen, say: Callable[[str], None]) -> BuildSeen:
    """Return a build as it ended, or as it was seen last."""
    phase = ""
    for now in builds.looks(seen.build_id, QUEUED_MS + BUILD_MS):
        if now.phase != phase:
            phase = now.phase
            say(f"build {now.build_id}: {phase}")
        seen = now
        if seen.is_over:
            break
    return seen


def _takes_away(build: BuildSeen, drill_id: str) -> bool:
    return (build.variables.get("ACTION"), build.variables.get("EXECUTION_ID")) == ("teardown", drill_id)


def taken_away_by(builds: AwsBuilds, drill_id: str) -> BuildSeen | None:
    """Return the newest teardown of an execution if it succeeded; None where there is none, or it did not."""
    last = next((one for one in builds.newest() if _takes_away(one, drill_id)), None)
    return last if last is not None and last.status == SUCCEEDED else None


def _bounds(variables: Mapping[str, str], since: str) -> dict[str, str]:
    """Return what the embedded world's own module has to be told besides: which machines it may end."""
    if "DRPROOF_INTENT" not in variables:
        return {}
    bounds = Bounds(
        account_id=variables["EXPECTED_ACCOUNT_ID"],
        network=variables["TF_VAR_vpc_id"],
        tokens=(str(json.loads(variables["DRPROOF_INTENT"])["token"]),),
        since=since,
        most=1,
    )
    return {"DRPROOF_BOUNDS": json.dumps(plain(bounds), sort_keys=True)}


def left_of(fleet: AwsFleet, drill_id: str) -> tuple[str, ...]:
    """Return what still carries a drill's tag, asked of the platform and not of the build."""
    return tuple(f"{one.kind} {one.identity}" for one in fleet.tagged({DRILL_TAG: drill_id}))


def the_one_to_take_away(workflows: Workflows, fleet: AwsFleet, machine: str) -> str:
    """Return the ARN of the execution of a state machine that is to be taken away: the newest that something is up of.

    Looks of a schedule are newer, and bring nothing up. Where nothing is up, it is the one that runs, else the newest.

    Raises:
        NotFoundError: it has none.
    """
    up = {one.tags[DRILL_TAG] for one in fleet.carrying(DRILL_TAG)}
    running = ""
    for found in workflows.executions(machine):
        if found.name in up:
            return found.arn
        running = running or (found.arn if found.status == "RUNNING" else "")
    return running or newest(workflows, machine)
