"""`drproof redaction`: which original a redacted text was, told by the salt of the drill's private folder."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from drproof.cli.errors import clear, echo

NOT_FOUND = 1


def redaction(
    directory: Annotated[Path, typer.Argument(help="The folder of a drill, such as reports/<drill-id>.")],
    original: Annotated[Path, typer.Argument(help="The original text, byte for byte; - reads standard input.")],
    salt: Annotated[
        Path | None, typer.Option("--salt", help="The drill's salt; by default in <drill>.private.")
    ] = None,
) -> None:
    """Say which redacted text of a bundle this original was; nothing is sent or written."""
    from drproof.engine.private import SALT, Private
    from drproof.evidence.redaction import REDACTIONS, digest_of
    from drproof.formats.strict_json import parse

    with clear():
        key = bytes.fromhex((salt or Private.of(directory.resolve()).path / SALT).read_text(encoding="ascii").strip())
        data = sys.stdin.buffer.read() if str(original) == "-" else original.read_bytes()
        wanted = digest_of(data.decode("utf-8", errors="surrogateescape"), key)
        places = sorted((directory / "evidence").glob(f"*.{REDACTIONS}.json"))
        rows = [(place, row) for place in places for row in _rows(parse(place.read_bytes()))]
    found = [place for place, row in rows if row["original"] == wanted]
    for place in found:
        echo(f"{place.relative_to(directory)}: this is the original ({wanted})")
    if not found:
        echo(f"none of {len(rows)} redacted texts has this original ({wanted})")
        raise typer.Exit(NOT_FOUND)


def _rows(document: object) -> list[dict[str, str]]:
    return [row for row in document if isinstance(row, dict)] if isinstance(document, list) else []
