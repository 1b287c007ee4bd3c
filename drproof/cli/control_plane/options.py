"""Options that commands of the control plane have in common, and what settings they take from `drproof.toml`."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

Account = Annotated[
    str,
    typer.Option(
        "--expected-account-id", envvar="EXPECTED_ACCOUNT_ID", help="The account that the credentials must be of."
    ),
]
BundleFolder = Annotated[
    Path, typer.Option("--bundle-dir", help="The folder that fetch wrote, or the control-plane folder in it.")
]
ReceiptFolder = Annotated[Path | None, typer.Option("--receipt-dir", help="Where receipts are written; a new folder.")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """What `drproof.toml` says of the control plane; the reference's names where it says nothing."""

    sections: tuple[str, ...]
    config_map: str
    """The name of a section's ConfigMap, with `{namespace}` and `{section}` in it."""
    publishing: str
    """The ConfigMap that switches publishing, which nothing here may touch; "" where nobody named it."""


def names() -> Names:
    """Return the names that hold in this folder.

    Raises:
        Refusal: `drproof.toml` cannot be read.
    """
    from drproof.engine.settings import setting

    here = Path.cwd()
    return Names(
        sections=tuple(setting("control_plane.sections", {}, {}, here)),
        config_map=str(setting("cluster.control_plane_name", {}, {}, here)),
        publishing=str(setting("cluster.publishing.config_map", {}, {}, here) or ""),
    )
