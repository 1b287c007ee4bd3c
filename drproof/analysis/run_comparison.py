"""Whether two runs of the same input came to the same: every difference is counted, the first of them are kept."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, islice, zip_longest
from typing import Any

from drproof.analysis.volatile import EVERYWHERE, OF_THE_HEALTH, OF_THE_SUMMARY, RULES_VERSION, without
from drproof.analysis.volatile import RUN_ID as RUN_IDS
from drproof.formats.run_files import (
    AVAILABILITY,
    FAMILIES,
    HEALTH,
    REQUIRED,
    SHORTLIST,
    SUMMARY,
    RankedFile,
    RunFiles,
    problems_of,
    rows_of,
)
from drproof.model.receipt import Count

KEPT = 200
"""Differences that are kept of a comparison; all are counted."""

SHOWN = 200
"""Characters that are shown of a value; all are compared."""

IDENTITY = ("job_id", "id", "apply_url", "detail_url", "url")
"""The first of these that a row has says which row it is."""

SCORES = frozenset({"score", "total_score", "blended_score", "semantic_score"})
CONTRACT = frozenset(
    {
        (SUMMARY, "candidate_id"),
        (SUMMARY, "run_id"),
        (SUMMARY, "snapshot_manifest"),
        (SUMMARY, "scoring_config"),
        (AVAILABILITY, "provider_registry_sha256"),
    }
)
"""What says that two runs had the same input; all else says that they came to the same."""

NOTHING = object()
RUN_ID = "<run_id>"


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One thing in which two runs differ, or that one of them lacks."""

    file: str
    place: str
    kind: str
    left: str
    right: str

    def __str__(self) -> str:
        """Return it in one line."""
        return f"{self.file}: {self.place}: {self.kind}: left {self.left}, right {self.right}"


@dataclass(frozen=True, slots=True, kw_only=True)
class RunComparison:
    """What comparing two runs came to."""

    rules_version: Count
    left_run_id: str
    right_run_id: str
    allow_run_id_drift: bool
    compared: tuple[str, ...]
    not_compared: tuple[str, ...]
    """Files of either side that no summary names: nothing is said of them."""
    count: Count
    differences: tuple[Difference, ...]

    @property
    def matched(self) -> bool:
        """Whether the runs came to the same in everything that was compared."""
        return not self.count


def compare_runs(left: RunFiles, right: RunFiles, *, allow_run_id_drift: bool = False) -> RunComparison:
    """Return how two runs differ, by the rules of `drproof.analysis.volatile`."""
    drift = RUN_IDS if allow_run_id_drift else frozenset[str]()
    keys = sorted(left.ranked.keys() | right.ranked.keys())
    found = chain(
        _lacks(left, right),
        _of_several_runs(left, "left"),
        _of_several_runs(right, "right"),
        *(_documents(name, left, right, drift) for name in REQUIRED),
        *(_ranked(key, left, right, allow_run_id_drift) for key in keys),
    )
    kept = tuple(islice(found, KEPT))
    return RunComparison(
        rules_version=RULES_VERSION,
        left_run_id=left.run_id,
        right_run_id=right.run_id,
        allow_run_id_drift=allow_run_id_drift,
        compared=(*REQUIRED, *keys),
        not_compared=tuple(sorted({*left.others, *right.others})),
        count=len(kept) + sum(1 for _ in found),
        differences=kept,
    )


def _lacks(left: RunFiles, right: RunFiles) -> Iterator[Difference]:
    for name in REQUIRED:
        sides = [tuple(problems_of(name, side.documents[name])) for side in (left, right)]
        for problem in dict.fromkeys((*sides[0], *sides[1])):
            words = [problem if problem in side else "sound" for side in sides]
            yield Difference(file=name, place="schema", kind="schema", left=words[0], right=words[1])


def _of_several_runs(side: RunFiles, name: str) -> Iterator[Difference]:
    for file in (HEALTH, AVAILABILITY):
        own = side.documents[file].get("run_id")
        if own != side.documents[SUMMARY].get("run_id"):
            words = {"left": "as in its summary", "right": "as in its summary", name: f"{_shown(own)}, of another run"}
            yield Difference(file=file, place="run_id", kind="contract", left=words["left"], right=words["right"])


def _documents(name: str, left: RunFiles, right: RunFiles, drift: frozenset[str]) -> Iterator[Difference]:
    names = {
        SUMMARY: EVERYWHERE | OF_THE_SUMMARY | drift,
        HEALTH: EVERYWHERE | OF_THE_HEALTH | drift,
        AVAILABILITY: EVERYWHERE | drift,
    }[name]
    ours, theirs = (_normal(side.documents[name], names) for side in (left, right))
    for member in sorted(ours.keys() | theirs.keys()):
        kind = "contract" if (name, member) in CONTRACT else "value"
        yield from _leaves(name, member, ours.get(member, NOTHING), theirs.get(member, NOTHING), kind)


def _normal(document: Mapping[str, Any], names: frozenset[str]) -> dict[str, Any]:
    normal: dict[str, Any] = without(document, names)
    snapshot = document.get("snapshot_manifest")
    if isinstance(snapshot, Mapping):
        # The digest of the input is no digest of an output: it says that both runs had the same input.
        normal["snapshot_manifest"] = without(snapshot, names - {"sha256"})
    return normal


def _ranked(key: str, left: RunFiles, right: RunFiles, drift: bool) -> Iterator[Difference]:  # noqa: FBT001 — the caller's own flag
    ours, theirs = left.ranked.get(key), right.ranked.get(key)
    states = [_state(one) for one in (ours, theirs)]
    if states != ["sound", "sound"]:
        yield Difference(file=key, place="file", kind="file", left=states[0], right=states[1])
    if ours is None or theirs is None or not (ours.is_there and theirs.is_there):
        return
    kind = ours.named.kind
    if kind == SHORTLIST:
        lines = [
            [line.replace(side.run_id, RUN_ID) if drift else line for line in one.content]
            for side, one in ((left, ours), (right, theirs))
        ]
        yield from _leaves(key, "line", lines[0], lines[1], "text")
    elif kind == FAMILIES:
        yield from _leaves(key, "$", _row(ours.content), _row(theirs.content), "value")
    else:
        yield from _tables(key, ours, theirs)


def _state(file: RankedFile | None) -> str:
    if file is None:
        return "not named"
    if not file.is_there:
        return "named and not there"
    if file.named.sha256 not in {"", file.sha256}:
        return f"another file than its summary names: {file.sha256}, named {file.named.sha256}"
    return "sound"


def _tables(key: str, left: RankedFile, right: RankedFile) -> Iterator[Difference]:
    yield from _leaves(key, "columns", list(left.columns), list(right.columns), "columns")
    (ours, around), (theirs, about) = rows_of(left.content), rows_of(right.content)
    yield from _leaves(key, "$", _row(around), _row(about), "value")
    if ours is None or theirs is None:
        yield Difference(file=key, place="rows", kind="rows", left=_has_rows(ours), right=_has_rows(theirs))
        return
    mine, yours = _numbered(ours), _numbered(theirs)
    for name in sorted(mine.keys() ^ yours.keys()):
        words = [_shown(side[name]) if name in side else "no such row" for side in (mine, yours)]
        yield Difference(file=key, place=_cut(name), kind="row", left=words[0], right=words[1])
    common = [[name for name in side if name in other] for side, other in ((mine, yours), (yours, mine))]
    yield from _leaves(key, "order", common[0], common[1], "order")
    for name in common[0]:
        yield from _rows(key, name, mine[name], yours[name])


def _has_rows(rows: list[Any] | None) -> str:
    return "none" if rows is None else f"{len(rows)} rows"


def _rows(key: str, name: str, left: Mapping[str, Any], right: Mapping[str, Any]) -> Iterator[Difference]:
    for member in sorted(left.keys() | right.keys()):
        kind = "score" if member in SCORES else "value"
        place = f"{_cut(name)}.{member}"
        yield from _leaves(key, place, left.get(member, NOTHING), right.get(member, NOTHING), kind)


def _numbered(rows: Sequence[Any]) -> dict[str, Mapping[str, Any]]:
    """Return rows in their order, each under its identity; one that comes again has its number besides."""
    found: dict[str, Mapping[str, Any]] = {}
    times: dict[str, int] = {}
    for row in rows:
        normal = _row(row)
        name = _identity(normal)
        times[name] = times.get(name, 0) + 1
        found[f"{name} #{times[name]}"] = normal if isinstance(normal, Mapping) else {"value": normal}
    return found


def _identity(row: Any) -> str:  # noqa: ANN401 — any JSON value
    if isinstance(row, Mapping):
        for name in IDENTITY:
            if row.get(name):
                return f"{name}={_text(row[name])}"
    return _text(row)


def _row(row: Any) -> Any:  # noqa: ANN401 — any JSON value
    return without(row, EVERYWHERE | RUN_IDS)


def _leaves(file: str, place: str, left: Any, right: Any, kind: str) -> Iterator[Difference]:  # noqa: ANN401
    """Yield every leaf in which two JSON values differ; True is not 1, and 1 is not 1.0."""
    if isinstance(left, Mapping) and isinstance(right, Mapping):
        for name in sorted(left.keys() | right.keys()):
            yield from _leaves(file, f"{place}.{name}", left.get(name, NOTHING), right.get(name, NOTHING), kind)
    elif isinstance(left, list) and isinstance(right, list):
        for number, (ours, theirs) in enumerate(zip_longest(left, right, fillvalue=NOTHING)):
            yield from _leaves(file, f"{place}[{number}]", ours, theirs, kind)
    elif _text(left) != _text(right):
        yield Difference(file=file, place=place, kind=kind, left=_shown(left), right=_shown(right))


def _text(value: Any) -> str:  # noqa: ANN401 — any JSON value
    if value is NOTHING:
        return "nothing"
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def _shown(value: Any) -> str:  # noqa: ANN401 — any JSON value
    return _cut(_text(value))


def _cut(text: str) -> str:
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}…"
