"""`drproof collect`: an execution of another orchestrator, or a failback, from its files to a bundle of ours."""

from pathlib import Path
from typing import Annotated

import typer

Files = list[Path]


def collect(  # noqa: PLR0913 — what can be handed in
    source_dir: Annotated[Path, typer.Option(help="The folder of the receipts: of an execution, or of a failback.")],
    output_dir: Annotated[Path, typer.Option(help="The folder of the bundle; it must be new or empty.")],
    alarm_history_json: Annotated[
        Files, typer.Option(help="An answer of DescribeAlarmHistory; may be given often.")
    ] = [],  # noqa: B006 — typer reads it, nobody changes it
    alarm_evidence_json: Annotated[
        Path | None, typer.Option(help="An alarm evidence file of the reference's collector.")
    ] = None,
    execution_history: Annotated[
        Files, typer.Option(help="Pages of GetExecutionHistory, and the answer of DescribeExecution.")
    ] = [],  # noqa: B006
    s3_listing: Annotated[
        Path | None,
        typer.Option(help="An answer of ListObjectsV2: over the receipts, or, of a failback, over the pointers."),
    ] = None,
    expected_execution: Annotated[
        str, typer.Option(help="The execution that is meant; of a failback, the run that it comes from.")
    ] = "",
    expected_account_id: Annotated[str, typer.Option(help="The account it must have run in.")] = "",
    expected_region: Annotated[str, typer.Option(help="The region it must have run in.")] = "",
    alarm_lead: Annotated[str, typer.Option(help="How long before it an alarm may have called for it.")] = "1h",
    require_record_manual_decision: Annotated[
        bool, typer.Option("--require-record-manual-decision", help="Demand the receipt of a decision.")
    ] = False,
    signer: Annotated[
        str, typer.Option(help="The collector's key, file2:<path> or awskms:<key>; unsigned without one.")
    ] = "",
    region: Annotated[str, typer.Option(envvar="AWS_REGION", help="The region of a key of AWS KMS.")] = "",
    profile: Annotated[str, typer.Option(envvar="AWS_PROFILE", help="The AWS profile that may use it.")] = "",
) -> None:
    """Read an execution's receipts, judge them, and write a bundle; only a key of AWS KMS is asked for anything.

    Exit status: 0 collected whole (which says nothing about what was recovered), 1 incomplete, 2 misused.
    """
    from drproof.cli.errors import clear
    from drproof.engine.handed import Handed
    from drproof.engine.imports import collect as gather
    from drproof.engine.imports import shortfalls
    from drproof.formats import durations
    from drproof.report.scores import score_lines
    from drproof.report.visible import printable
    from drproof.targets import open_key

    with clear():
        handed = Handed(
            folder=source_dir,
            alarms=(*alarm_history_json, *((alarm_evidence_json,) if alarm_evidence_json else ())),
            histories=tuple(execution_history),
            listing=(s3_listing,) if s3_listing else (),
            execution_id=expected_execution,
            account_id=expected_account_id,
            region=expected_region,
            alarm_lead_ms=durations.parse(alarm_lead),
            decision=require_record_manual_decision,
        )
        key = open_key(signer, region=region, profile=profile) if signer else None
        imported = gather(handed, output_dir, key)
    lacking = shortfalls(imported)
    lines = [f"FAIL: {lack}" for lack in lacking]
    lines.append(f"collected: {output_dir.resolve()}, {imported.conclusion.title}")
    lines += score_lines(imported.conclusion.verdicts, imported.plan)
    if signer:
        lines.append(f"signed as its collector by {signer}: that says who collected, not who wrote the receipts")
    else:
        lines.append("not signed: nothing shows who collected it; name a key with --signer")
    lines.append(f"next: pytest -m bundle-check --bundle-dir {output_dir}")
    for line in lines:
        typer.echo(printable(line))
    raise typer.Exit(1 if lacking else 0)
