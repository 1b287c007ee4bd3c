"""The names that a drill's files have in a receipt store: one folder an execution, one object a receipt."""

import re

UNKNOWN = "unknown_execution"
RECEIPT = re.compile(r"receipts/\d+-([^/.]+)\.json")
JOURNAL = re.compile(r"journal/\d+\.json")
"""The records of a journal that announce an effect, each an object of its own."""

CARRIED = re.compile(r"run/[^/]+")
"""What another machine needs to go on with a drill: by its digest, and statements of how far the drill is."""

BUNDLE = "bundle"
"""Where the files lie that are no receipts: a phase's name holds no slash, so none can be taken for one."""


def execution_id(drill_id: str) -> str:
    """Return a drill's id as it stands in keys."""
    return re.sub(r"[^A-Za-z0-9._-]+", "_", drill_id).strip("_") or UNKNOWN


def name_of(path: str, number: int = 1) -> str:
    """Return the name of a bundle's file below its execution's folder; from 2 on, that of one that came again."""
    match = RECEIPT.fullmatch(path)
    whole = (
        f"{match[1]}.json"
        if match
        else path
        if JOURNAL.fullmatch(path) or CARRIED.fullmatch(path)
        else f"{BUNDLE}/{path}"
    )
    folder, _, file = whole.rpartition("/")
    stem, dot, ending = file.partition(".")
    numbered = f"{stem}.{number}" if number > 1 else stem
    return f"{folder}/{numbered}{dot}{ending}" if folder else f"{numbered}{dot}{ending}"
