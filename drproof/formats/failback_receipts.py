"""What the reference's two failback scripts leave: receipts by name, and the log of a comparison.

A receipt is read as what it says; whether that is good is not decided here. The plan's own `dry_run` is not read: it is
true in every plan, also in one that was applied.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from drproof.formats.aws_instants import instant
from drproof.formats.strict_json import parse as parse_json
from drproof.model.errors import FormatError

SUMMARY = "failback.summary.json"
STEM = "drill.failback"
RECEIPTS: Mapping[str, str] = {
    SUMMARY: "summary",
    **{
        f"{STEM}.{kind}.json": kind
        for kind in ("inputs", "verify_before", "plan", "apply", "verify_after", "phase_timestamps")
    },
}
"""Each receipt's file, and which one it is."""

COMPARISON = "compare_run_artifacts.log"
MATCHED, DIFFERENT, SKIPPED, UNCLEAR = "matched", "different", "skipped", "unclear"

LEGACY = {"global.json": "global-legacy", "provider.json": "provider-legacy"}
"""The scripts' names for the two pointers that they know: those that only older readers use."""

FIELDS: Mapping[str, tuple[str, ...]] = {
    "summary": ("schema_version", "status", "dr_run_id", "primary_run_id", "dry_run"),
    "inputs": ("schema_version", "bucket", "prefix", "primary_run_id", "dr_run_id", "apply_mode", "dry_run"),
    "verify_before": ("schema_version", "expected_dr_run_id"),
    "plan": ("schema_version", "from_run_id", "to_run_id", "pointer_updates"),
    "apply": ("schema_version", "applied", "canonical_run_id", "updated_keys"),
    "verify_after": ("schema_version", "expected_primary_run_id"),
    "phase_timestamps": ("schema_version", "phases"),
}
FROM, TO = (
    ("from_run_id", "dr_run_id", "expected_dr_run_id"),
    (
        "to_run_id",
        "primary_run_id",
        "expected_primary_run_id",
        "canonical_run_id",
    ),
)
"""What the receipts call the run that a failback comes from, and the one that it goes to."""
POINTED = ("global_pointer_run_id", "provider_pointer_run_id")
OUTCOMES = re.compile(r"^(PASS|FAIL): ", re.MULTILINE)
EXITS = re.compile(r"^compare_exit=(\S*)$", re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Update:
    """A pointer that the plan would write."""

    key: str
    run_id: str
    run_path: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FailbackReceipt:
    """What one receipt says; texts are empty where it does not say."""

    kind: str
    texts: Mapping[str, str]
    from_run: str = ""
    to_run: str = ""
    pointed: tuple[str, ...] = ()
    """The runs that the pointers named, as a verification found them."""
    answers: Mapping[str, str] = field(default_factory=dict)
    """`yes`, `no`, or `unclear` for what is no boolean: of `apply_mode`, `dry_run` and `applied`."""
    updates: tuple[Update, ...] = ()
    updated: tuple[str, ...] = ()
    times: tuple[str, ...] = ()


def parse(data: bytes, kind: str) -> FailbackReceipt:
    """Return the receipt of a kind, one of the values of `RECEIPTS`.

    Raises:
        FormatError: `receipt-field` when one is missing or not of its kind, `receipt-version`, `timestamp`, and those
            of strict JSON.
    """
    document = parse_json(data, fractions=True)
    if not isinstance(document, dict):
        raise FormatError("receipt-field", f"{kind}: the receipt is no JSON object")
    for name in FIELDS[kind]:
        if name not in document:
            raise FormatError("receipt-field", f"{kind}:missing_field:{name}")
    if type(document["schema_version"]) is not int or document["schema_version"] != 1:
        raise FormatError("receipt-version", f"{kind}: the schema_version is not 1")
    return FailbackReceipt(
        kind=kind,
        texts={name: value for name, value in document.items() if isinstance(value, str)},
        from_run=_first(document, FROM),
        to_run=_first(document, TO),
        pointed=tuple(_word(document[name]) for name in POINTED if _word(document.get(name))),
        answers={
            # The plan's own word is always the same; the text "false" is true to a careless reader.
            name: {True: "yes", False: "no"}[document[name]] if isinstance(document[name], bool) else "unclear"
            for name in ("apply_mode", "dry_run", "applied")
            if name in document and kind != "plan"
        },
        updates=tuple(_update(row) for row in _list(document, "pointer_updates", kind)),
        updated=tuple(_word(key) for key in _list(document, "updated_keys", kind)),
        times=_times(document, kind),
    )


def parse_comparison(data: bytes) -> str:
    """Return what a comparison's log tells: `matched`, `different`, `skipped`, or `unclear`.

    A log without an exit status is that of a script that would have ended at a difference; an exit of 0 alone does not
    say that anything was compared.
    """
    text = data.decode("utf-8", "replace").replace("\r\n", "\n")
    if re.search(r"^skipped:", text, re.MULTILINE):
        return SKIPPED
    said, exits = set(OUTCOMES.findall(text)), set(EXITS.findall(text))
    if "FAIL" in said or exits - {"0"}:
        return DIFFERENT
    return MATCHED if said == {"PASS"} else UNCLEAR


def run_id_of(data: bytes) -> str:
    """Return the run that a copied summary is of; empty where it names none.

    Raises:
        FormatError: it is no JSON object.
    """
    document = parse_json(data, fractions=True)
    if not isinstance(document, dict):
        raise FormatError("run-files", "the summary of a run is no JSON object")
    return _word(document.get("run_id"))


def _update(row: object) -> Update:
    payload = row.get("payload") if isinstance(row, dict) else None
    if not isinstance(row, dict) or not isinstance(payload, dict) or not _word(row.get("key")):
        raise FormatError("receipt-field", "plan: an update has no key, or no payload")
    return Update(key=row["key"], run_id=_word(payload.get("run_id")), run_path=_word(payload.get("run_path")))


def _times(document: Mapping[str, Any], kind: str) -> tuple[str, ...]:
    """Return every instant that a receipt holds, brought to one form."""
    if kind == "phase_timestamps":
        phases = document["phases"]
        if not isinstance(phases, dict):
            raise FormatError("receipt-field", f"{kind}: phases is no JSON object")
        return tuple(instant(value) for value in phases.values() if value)
    names = ("start_timestamp_utc", "end_timestamp_utc")
    return tuple(instant(document[name]) for name in names if document.get(name))


def _list(document: Mapping[str, Any], name: str, kind: str) -> list[Any]:
    value = document.get(name, [])
    if not isinstance(value, list):
        raise FormatError("receipt-field", f"{kind}: {name} is no list")
    return value


def _first(document: Mapping[str, Any], names: tuple[str, ...]) -> str:
    return next((_word(document[name]) for name in names if _word(document.get(name))), "")


def _word(value: object) -> str:
    return value if isinstance(value, str) else ""
