"""The options by which commands reach buckets, alike in all of them, and how they say what those came to."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from drproof.cli.errors import MISUSED, complain

if TYPE_CHECKING:
    from drproof.model.capabilities import ObjectStore

UNANSWERED = 3
"""The world did not answer, or refused: nothing is known about what it was asked for."""

Region = Annotated[str, typer.Option("--region", envvar="AWS_REGION", help="The region of the bucket.")]
Profile = Annotated[str, typer.Option("--profile", envvar="AWS_PROFILE", help="A profile of the AWS configuration.")]
Owner = Annotated[
    str, typer.Option("--bucket-owner", help="The account that owns the bucket; by default the caller's own.")
]
World = Annotated[
    str, typer.Option("--embedded", metavar="URL", help="An embedded world of this machine, instead of AWS.")
]
Endpoint = Annotated[
    str,
    typer.Option("--endpoint", metavar="URL", help="Another store that speaks S3, with your own credentials for it."),
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object instead of lines.")]


def buckets(*, region: str, profile: str, owner: str, world: str) -> "ObjectStore":
    """Return the buckets that the options name; only this loads an SDK."""
    from drproof.engine.reaching import Way

    return Way(region=region, profile=profile, owner=owner, world=world).objects()


def files_below(folder: Path) -> tuple[str, ...]:
    """Return the files of a folder by their paths below it.

    Raises:
        ValueError: it is no folder.
    """
    if not folder.is_dir():
        msg = f"{folder} is no folder"
        raise ValueError(msg)
    return tuple(sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()))


@contextmanager
def told(unanswered: int = UNANSWERED) -> Iterator[None]:
    """Print what is wrong; end with 2 for wrong input or no such bucket, with `unanswered` where nobody answered."""
    from drproof.model.errors import DrproofError, EvidenceError, NotFoundError

    try:
        yield
    except (ValueError, EvidenceError, NotFoundError, OSError) as exc:
        complain(exc)
        raise typer.Exit(MISUSED) from exc
    except DrproofError as exc:
        complain(exc)
        raise typer.Exit(unanswered) from exc
