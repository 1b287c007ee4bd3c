"""The command that shows what a cluster would be given."""

from pathlib import Path
from typing import Annotated

import typer

from drproof.cli.control_plane.options import BundleFolder, ReceiptFolder
from drproof.cli.errors import clear, echo


def render(
    bundle_dir: BundleFolder,
    namespace: Annotated[str, typer.Option("--namespace", help="The namespace of the workload.")],
    output_yaml: Annotated[Path, typer.Option("--output-yaml", help="The file to write; one that is not there.")],
    receipt_dir: ReceiptFolder = None,
) -> None:
    """Write the ConfigMaps of a fetched bundle as YAML, byte for byte; no cluster is asked.

    Exit status: 0 done, 2 refused.
    """
    from drproof.cli.control_plane import options
    from drproof.cli.control_plane.receipts import Receipts
    from drproof.cli.control_plane.rendering import SUMMARY, rendered
    from drproof.engine.refusal import refuse
    from drproof.model.cluster import named

    with clear():
        found = rendered(bundle_dir, namespace=namespace, names=options.names())
        if output_yaml.exists():
            raise refuse(
                f"--output-yaml {output_yaml} is there already",
                expected="a file that is not: what somebody may have applied is not written over",
                next_step="name another file",
            )
        receipts = Receipts(receipt_dir)
        with output_yaml.open("xb") as file:
            file.write(found.yaml)
        summary = found.summary(
            namespace=namespace, generated=str(output_yaml), receipts=str(receipt_dir or ""), applied=False
        )
        receipts.write(SUMMARY, summary)
        for one in found.objects:
            echo(f"rendered: {named(one)}")
        echo(f"written: {output_yaml}")
