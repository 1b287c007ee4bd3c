"""What operators do with executions of the orchestrator: see one, start one, have its machine taken away."""

import os
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from drproof.cli.buckets import World
from drproof.cli.errors import clear, echo, echo_line
from drproof.cli.which import (
    MACHINE,
    Account,
    MachineArn,
    Profile,
    Region,
    is_said,
    machine_of,
    operator_at,
    place_of,
    refuse_unless_one,
)

if TYPE_CHECKING:
    from drproof.engine.execution_seen import Seen
    from drproof.formats.release_metadata import Release
    from drproof.targets.operators import Operator

Arn = Annotated[str, typer.Option("--execution-arn", metavar="ARN", help="The execution.")]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask whether that is meant.")]
Dry = Annotated[bool, typer.Option("--dry-run", help="Show what would be done; do nothing.")]
SUCCEEDED, RUNNING = "SUCCEEDED", "RUNNING"
OF_SETTINGS = {
    "BACKUP_BUCKET": "drill.backup_uri",
    "DR_SUBNET_ID": "recovery.provisioner.subnet_id",
    "DR_VPC_ID": "recovery.provisioner.vpc_id",
    "NOTIFICATION_TOPIC_ARN": "recovery.topic_arn",
    "PREFIX": "primary.prefix",
    "PUBLISH_BUCKET": "primary.bucket",
    "RECEIPT_BUCKET": "receipts.uri",
}
"""What the reference's script takes from the environment, and the setting of the function that says it."""


def status(  # noqa: PLR0913 — which drill or execution, and where
    context: typer.Context,
    directory: Annotated[Path | None, typer.Argument(help="The folder of a drill, such as reports/<drill-id>.")] = None,
    execution_arn: Arn = "",
    state_machine_arn: MachineArn = "",
    region: Region = "",
    profile: Profile = "",
    expected_account_id: Account = "",
    world: World = "",
) -> None:
    """Say how far a drill or an execution came, what it came to, and why it failed if it did.

    Exit status: 0 sealed as it was, or running, or succeeded; 1 not; 2 misused.
    """
    from drproof.engine.refusal import refuse

    with clear():
        besides = directory is not None or bool(execution_arn)
        state_machine_arn = machine_of(context, state_machine_arn, besides=besides)
        if sum((directory is not None, bool(execution_arn), bool(state_machine_arn))) != 1:
            raise refuse(
                f"one of a folder, --execution-arn and --state-machine-arn ({MACHINE}) is needed",
                next_step="drproof status reports/<drill-id>, or drproof status --execution-arn ARN",
            )
        if directory is not None:
            from drproof.cli.looking import status_lines

            _refuse_beside_a_folder(context)
            lines, sound = status_lines(directory)
        else:
            from drproof.engine import execution_seen

            place = place_of(execution_arn, state_machine_arn)
            operator = operator_at(place, region, profile, expected_account_id, world)
            arn = execution_arn or execution_seen.newest(operator.workflows, state_machine_arn)
            seen = execution_seen.look(operator, arn)
            lines = execution_seen.lines(operator, seen, released())
            sound = seen.info.status in {SUCCEEDED, RUNNING}
    for line in lines:
        echo(line)
    raise typer.Exit(0 if sound else 1)


def released() -> "tuple[str, Release] | None":
    """Return the release whose metadata the settings here name, with the file's name; None where they name none."""
    from drproof.engine.release_behind import named

    return named(os.environ, Path.cwd())


def _refuse_beside_a_folder(context: typer.Context) -> None:
    from drproof.engine.refusal import refuse

    told = {"region": "--region", "profile": "--profile", "expected_account_id": "--expected-account-id"}
    given = [option for name, option in (told | {"world": "--embedded"}).items() if is_said(context, name)]
    if given:
        raise refuse(
            f"a folder is read where it lies: {', '.join(given)} is about executions",
            expected="a folder alone",
            got=", ".join(given),
            next_step=f"leave {' and '.join(given)} out",
        )


def trigger(  # noqa: PLR0913 — what an execution is told
    state_machine_arn: Annotated[
        str, typer.Option("--state-machine-arn", envvar=MACHINE, metavar="ARN", help="The state machine.")
    ],
    backup_uri: Annotated[str, typer.Option(envvar="BACKUP_URI", help="Instead of the settings' restore point.")] = "",
    image_ref: Annotated[str, typer.Option(envvar="IMAGE_REF", help="Instead of the settings' image.")] = "",
    name: Annotated[str, typer.Option(help="Its name, which is the drill's id.")] = "",
    reason: Annotated[str, typer.Option(help="Why.")] = "",
    region: Region = "",
    profile: Profile = "",
    expected_account_id: Account = "",
    *,
    force_run: Annotated[bool, typer.Option("--force-run", help="Recover although the site may be well.")] = False,
    yes: Yes = False,
    dry_run: Dry = False,
    world: World = "",
) -> None:
    """Start an execution, one at a time; without --force-run it recovers only if the original site is not well."""
    from drproof.engine import operating

    with clear():
        place = place_of("", state_machine_arn)
        operator = operator_at(place, region, profile, expected_account_id, world)
        order = operating.order_of(
            state_machine_arn,
            name=name,
            caller=operator.identity.caller().arn,
            backup_uri=backup_uri,
            image=image_ref,
            force_run=force_run,
            reason=reason,
            now=datetime.now(UTC),
        )
        operating.refuse_a_second(operator.workflows, state_machine_arn)
        for variable in sorted(OF_SETTINGS.keys() & os.environ.keys()):
            echo_line(f"not taken: {variable}: the machine's function has {OF_SETTINGS[variable]} in its own settings")
        echo_line(f"state_machine_arn: {order.machine}")
        echo_line(f"name: {order.name}")
        echo_line(f"input: {order.text}")
        if dry_run:
            echo_line("dry run: nothing was started")
            return
        _confirm("start it", yes=yes)
        arn = operating.start(operator.workflows, order)
    echo_line(f"execution_arn: {arn}")
    echo_line(f"next: drproof status --execution-arn {arn}")


def teardown(  # noqa: PLR0913 — of what, and how
    context: typer.Context,
    execution_arn: Arn = "",
    state_machine_arn: MachineArn = "",
    region: Region = "",
    profile: Profile = "",
    expected_account_id: Account = "",
    *,
    stop: Annotated[bool, typer.Option("--stop", help="End the execution first, if it runs.")] = False,
    yes: Yes = False,
    dry_run: Dry = False,
    world: World = "",
) -> None:
    """Have a build take away what an execution brought up, then look for what is left, restored objects included.

    Of a state machine the newest execution is meant that something is up of.

    Exit status: 0 nothing is left, 1 something is, 2 misused or not done.
    """
    from drproof.engine import execution_seen, operating

    with clear():
        state_machine_arn = machine_of(context, state_machine_arn, besides=bool(execution_arn))
        refuse_unless_one(execution_arn, state_machine_arn, command="teardown")
        place = place_of(execution_arn, state_machine_arn)
        operator = operator_at(place, region, profile, expected_account_id, world)
        arn = execution_arn or operating.the_one_to_take_away(operator.workflows, operator.fleet, state_machine_arn)
        seen = execution_seen.look(operator, arn)
        for line in execution_seen.lines(operator, seen, released()):
            echo(line)
        if not stop:
            operating.refuse_while_it_runs(seen)
        up = None
        if seen.build_id:
            builds = operator.builds(seen.build_id.partition(":")[0])
            up = operating.brought_up_by(builds, seen.build_id, seen.info.name)
        left = operating.left_of(operator.fleet, seen.info.name)
        for one in left:
            echo_line(f"up: {one}")
        done = operating.taken_away_by(builds, seen.info.name) if up is not None and not left else None
        if done is not None and seen.info.status != RUNNING:
            # Asked for again: what is gone is looked for, and nothing is built.
            echo_line(f"build {done.build_id} has taken it away")
            raise typer.Exit(_told(operator, seen, ()))
        if up is not None:
            operating.refuse_what_another_holds(builds, up)
        if dry_run:
            echo_line("dry run: nothing was ended, and nothing taken away")
            return
        _confirm("take it away", yes=yes)
        if seen.info.status == RUNNING:
            operating.stop(operator.workflows, seen, operator.identity.caller().arn)
            echo_line("the execution is ended")
        if up is None:
            echo_line("no build brought a machine up")
        else:
            operating.take_away(builds, up, seen.info.started_at, echo_line)
        left = operating.left_of(operator.fleet, seen.info.name)
    raise typer.Exit(_told(operator, seen, left))


def _told(operator: "Operator", seen: "Seen", machines: tuple[str, ...]) -> int:
    """Say what is left of an execution and what removes it, and return the exit status."""
    from drproof.engine.objects_left import objects_left, remedy
    from drproof.model.errors import DrproofError

    for one in machines:
        echo_line(f"STILL UP: {one}")
    steps = []
    try:
        if machines:
            steps.append(remedy(operator.receipts, seen))
        restored = objects_left(operator.receipts, seen)
    except DrproofError as exc:
        echo(f"NOT LOOKED AT: what was restored into buckets: {exc}")
        for step in steps:
            echo_line(f"next: {step}")
        return 1
    for place in restored:
        echo_line(f"STILL UP: {place.count} objects below {place.place}")
    for step in dict.fromkeys([*steps, *(place.remedy for place in restored)]):
        echo_line(f"next: {step}")
    if machines or restored:
        return 1
    echo_line("nothing of it is left")
    return 0


def _confirm(what: str, *, yes: bool) -> None:
    from drproof.engine.refusal import refuse

    if yes:
        return
    if not sys.stdin.isatty():
        raise refuse(f"nobody is there to ask whether to {what}", next_step="the same command with --yes")
    if not typer.confirm(f"{what}?"):
        raise refuse(f"nobody meant to {what}", next_step="the same command when you mean it")
