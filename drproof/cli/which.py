"""Which execution a command is about, and whether ARN, options and sign-on are of one place."""

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from drproof.engine.execution_seen import Place
    from drproof.targets.operators import Operator, Side

MACHINE = "STATE_MACHINE_ARN"
ENVIRONMENT, COMMANDLINE = "ENVIRONMENT", "COMMANDLINE"

MachineArn = Annotated[
    str,
    typer.Option("--state-machine-arn", envvar=MACHINE, metavar="ARN", help="Or an execution of this state machine."),
]
Region = Annotated[str, typer.Option(envvar="AWS_REGION", help="The region that the ARN must be of.")]
Profile = Annotated[str, typer.Option(envvar="AWS_PROFILE", help="Your own AWS profile.")]
Account = Annotated[str, typer.Option(envvar="EXPECTED_ACCOUNT_ID", help="The account that ARN and you must be of.")]


def is_said(context: typer.Context, option: str) -> bool:
    """Return whether an option stands in the command, and not only in the environment."""
    source = context.get_parameter_source(option)
    return source is not None and source.name == COMMANDLINE


def machine_of(context: typer.Context, machine: str, *, besides: bool) -> str:
    """Return the machine that is meant; one that only the environment names gives way to what the command names."""
    return "" if besides and not is_said(context, "state_machine_arn") else machine


def refuse_unless_one(*given: object, command: str, more: str = "") -> None:
    """Refuse a command that is about nothing, or about two things.

    Raises:
        Refusal: not exactly one of them is given.
    """
    from drproof.engine.refusal import refuse

    if sum(bool(one) for one in given) != 1:
        raise refuse(
            f"one of {more}--execution-arn and --state-machine-arn ({MACHINE}) is needed",
            next_step=f"drproof {command} --execution-arn ARN",
        )


def place_of(execution: str, machine: str) -> "Place":
    """Return where an execution is, or the machine of one.

    Raises:
        Refusal: the ARN is none.
    """
    from drproof.engine.execution_seen import place_of_execution, place_of_machine

    return place_of_execution(execution) if execution else place_of_machine(machine)


def operator_at(  # noqa: PLR0913 — who asks, and where
    place: "Place", region: str, profile: str, account: str, world: str, side: "Side" = "recovery"
) -> "Operator":
    """Return what somebody reaches as themselves, where the ARN says.

    Raises:
        Refusal: ARN, options and caller are not of one account and region.
    """
    from drproof.engine.refusal import refuse
    from drproof.targets import open_operator

    operator = open_operator(region=place.region, profile=profile, owner=place.account_id, endpoint=world, side=side)
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
