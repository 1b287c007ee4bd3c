"""What `drproof export` writes beside the history and the receipts of an execution, read back by name."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from drproof.formats.aws_instants import instant
from drproof.formats.receipts_v1 import word
from drproof.model.errors import FormatError

KINDS = frozenset({"definition", "builds", "logs", "triggers", "export"})
EXPORT = "drproof_export"


@dataclass(frozen=True, slots=True, kw_only=True)
class Build:
    """A build."""

    build_id: str
    action: str
    status: str
    execution: str
    started_at: str
    ended_at: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MaskedAt:
    """Where in a file something like a secret was masked, and what it was like."""

    file: str
    kind: str
    where: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Companions:
    """Everything beside history and receipts."""

    machine: str = ""
    role: str = ""
    definition: str = ""
    builds: tuple[Build, ...] = ()
    triggers: tuple[tuple[str, str], ...] = ()
    masked: tuple[MaskedAt, ...] = ()
    mode: str = ""
    """`rehearsal` for an execution of the embedded world."""


def kind_of(document: object) -> str:
    """Return which of the files a document means to be, or ""."""
    if not isinstance(document, dict):
        return ""
    if document.get("kind") == EXPORT:
        return "export"
    if {"stateMachineArn", "definition"} <= document.keys():
        return "definition"
    return next((kind for kind in ("builds", "logs", "triggers") if document.keys() == {kind}), "")


def take(before: Companions, kind: str, document: Any) -> Companions:  # noqa: ANN401 — plain JSON
    """Return what is known with one more file.

    Raises:
        FormatError: `export`, `timestamp`.
    """
    try:
        if kind == "definition":
            machine, role, text = (word(document[name]) for name in ("stateMachineArn", "roleArn", "definition"))
            return replace(before, machine=machine, role=role, definition=text)
        if kind == "builds":
            return replace(before, builds=tuple(_build(row) for row in document["builds"]))
        if kind == "triggers":
            return replace(
                before, triggers=tuple((word(row["name"]), word(row["state"])) for row in document["triggers"])
            )
        if kind == "export":
            rows = [{name: word(row[name]) for name in ("file", "kind", "where")} for row in document["masked"]]
            return replace(before, mode=word(document["mode"]), masked=tuple(MaskedAt(**row) for row in rows))
    except (KeyError, TypeError, AttributeError) as exc:
        raise FormatError("export", f"the {kind} of an export cannot be read: {type(exc).__name__}") from exc
    return before


def _build(row: Mapping[str, Any]) -> Build:
    return Build(
        build_id=word(row["id"]),
        action=word(row["action"]),
        status=word(row["status"]),
        execution=word(row["execution"]),
        started_at=instant(row["started_at"]),
        ended_at=instant(row["ended_at"]) if row["ended_at"] else "",
    )
