"""What operators do with executions of the orchestrator: see one, start one, have its machine taken away."""

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from drproof.cli.buckets import World
from drproof.cli.errors import clear, echo, echo_line

if TYPE_CHECKING:
    from drproof.engine.execution_seen import Place, Seen
    from drproof.targets.operators import Operator

Arn = Annotated[str, typer.Option("--execution-arn", metavar="ARN", help="The execution.")]
MachineArn = Annotated[
    str, typer.Option("--state-machine-arn", envvar="STATE_MACHINE_ARN", metavar="ARN", help="The state machine.")
]
Region = Annotated[str, typer.Option(envvar="AWS_REGION", help="The region that the ARN must be of.")]
Profile = Annotated[str, typer.Option(envvar="AWS_PROFILE", help="Your own AWS profile.")]
Account = Annotated[str, typer.Option(envvar="EXPECTED_ACCOUNT_ID", help="The account that ARN and you must be of.")]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask whether that is meant.")]
Dry = Annotated[bool, typer.Option("--dry-run", help="Show what would be done; do nothing.")]
SUCCEEDED, RUNNING = "SUCCEEDED", "RUNNING"


def status(  # noqa: PLR0913 — which drill or execution, and where
    directory: Annotated[Path | None, typer.Argument(help="The folder of a drill, such as reports/<drill-id>.")] = None,
    execution_arn: Arn = "",
    state_machine_arn: Annotated[
        str, typer.Option("--state-machine-arn", metavar="ARN", help="Or its newest execution.")
    ] = "",
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
        if sum((directory is not None, bool(execution_arn), bool(state_machine_arn))) != 1:
            raise refuse(
                "one of a folder, --execution-arn and --state-machine-arn is needed",
                next_step="drproof status reports/<drill-id>, or drproof status --execution-arn ARN",
            )
        if directory is not None:
            from drproof.cli.looking import status_lines

            lines, sound = status_lines(directory)
        else:
            from drproof.engine import execution_seen

            place = _place(execution_arn, state_machine_arn)
            operator = _operator(place, region, profile, expected_account_id, world)
            arn = execution_arn or execution_seen.newest(operator.workflows, state_machine_arn)
            seen = execution_seen.look(operator, arn)
            lines = execution_seen.lines(operator, seen)
            sound = seen.info.status in {SUCCEEDED, RUNNING}
    for line in lines:
        echo(line)
    raise typer.Exit(0 if sound else 1)


def trigger(  # noqa: PLR0913 — what an execution is told
    state_machine_arn: MachineArn,
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
        place = _place("", state_machine_arn)
        operator = _operator(place, region, profile, expected_account_id, world)
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
    execution_arn: Annotated[str, typer.Option("--execution-arn", metavar="ARN", help="The execution.")],
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

    Exit status: 0 nothing is left, 1 something is, 2 misused or not done.
    """
    from drproof.engine import execution_seen, operating

    with clear():
        place = _place(execution_arn, "")
        operator = _operator(place, region, profile, expected_account_id, world)
        seen = execution_seen.look(operator, execution_arn)
        for line in execution_seen.lines(operator, seen):
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


def _place(execution: str, machine: str) -> "Place":
    from drproof.engine.execution_seen import place_of_execution, place_of_machine

    return place_of_execution(execution) if execution else place_of_machine(machine)


def _operator(place: "Place", region: str, profile: str, account: str, world: str) -> "Operator":
    """Return what somebody reaches as themselves, where the ARN says.

    Raises:
        Refusal: ARN, options and caller are not of one account and region.
    """
    from drproof.engine.refusal import refuse
    from drproof.targets import open_operator

    operator = open_operator(region=place.region, profile=profile, owner=place.account_id, endpoint=world)
    caller = operator.identity.caller()
    expected = (account or place.account_id, region or place.region)
    for got in ((place.account_id, place.region), (caller.account_id, place.region)):
        if got != expected:
            raise refuse(
                "ARN, options and your sign-on are not of one place",
                expected=f"account {expected[0]} in {expected[1]}",
                got=f"account {got[0]} in {got[1]}, as {caller.arn}",
                next_step="mend --expected-account-id, --region or the ARN, or sign on with --profile",
            )
    return operator


def _confirm(what: str, *, yes: bool) -> None:
    from drproof.engine.refusal import refuse

    if yes:
        return
    if not sys.stdin.isatty():
        raise refuse(f"nobody is there to ask whether to {what}", next_step="the same command with --yes")
    if not typer.confirm(f"{what}?"):
        raise refuse(f"nobody meant to {what}", next_step="the same command when you mean it")
