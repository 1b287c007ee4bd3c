"""Whether objects are those that a publication's plan promises, and whether the latest copies are the run's."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from drproof.formats.published_runs import LATEST, RUNS, PlanEntry


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """One object as it was read; `checksum` is the SHA-256 that the store itself keeps, where it keeps one."""

    size: int
    sha256: str
    checksum: str = ""
    etag: str = ""


@dataclass(frozen=True, slots=True)
class Unanswered:
    """One object about which nobody could say anything."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    """What a plan's entries came to; each finding begins with the key that it is about."""

    missing: tuple[str, ...]
    mismatched: tuple[str, ...]
    unanswered: tuple[str, ...]
    checked: tuple[PlanEntry, ...]

    @property
    def ok(self) -> bool:
        """Whether everything was there, and was what it must be."""
        return not (self.missing or self.mismatched or self.unanswered)


def entries_to_check(plan: Iterable[PlanEntry], *, latest: bool) -> tuple[PlanEntry, ...]:
    """Return the entries that are to be looked at; latest copies only when they are asked for.

    A later run replaces them, so that an earlier run is none the worse for what lies there.

    Raises:
        ValueError: there is none, or none of the latest copies that were asked for.
    """
    entries = tuple(plan)
    kinds = (RUNS, LATEST) if latest else (RUNS,)
    for kind in kinds:
        if kind not in {entry.kind for entry in entries}:
            msg = f"the plan names no object of the kind {kind!r}: there is nothing to check"
            raise ValueError(msg)
    return tuple(entry for entry in entries if entry.kind in kinds)


def verify_published(
    entries: Iterable[PlanEntry],
    seen: Mapping[str, Seen | Unanswered],
    *,
    by: Literal["s3_key", "local_path"] = "s3_key",
) -> Verification:
    """Return what the entries came to; what `seen` does not hold is missing.

    `seen` maps each key (offline: each local path) that was answered for.
    """
    checked = tuple(entries)
    places = {entry: getattr(entry, by) for entry in checked}
    found = {entry: seen[place] for entry, place in places.items() if place in seen}
    of_the_run: dict[str, list[PlanEntry]] = {}
    for entry in checked:
        if entry.kind == RUNS:
            of_the_run.setdefault(entry.logical_key, []).append(entry)
    return Verification(
        missing=tuple(places[entry] for entry in checked if entry not in found),
        mismatched=tuple(
            f"{places[entry]}: {what}"
            for entry in checked
            for what in (*_unlike_its_promise(entry, found.get(entry)), *_unlike_its_run(entry, found, of_the_run))
        ),
        unanswered=tuple(
            f"{places[entry]}: {one.reason}" for entry, one in found.items() if isinstance(one, Unanswered)
        ),
        checked=checked,
    )


def _unlike_its_promise(entry: PlanEntry, seen: Seen | Unanswered | None) -> Iterator[str]:
    if isinstance(seen, Seen):
        if seen.size != entry.bytes:
            yield f"bytes_mismatch expected={entry.bytes} actual={seen.size}"
        if seen.sha256 != entry.sha256:
            yield f"sha256_mismatch expected={entry.sha256} actual={seen.sha256}"
        if seen.checksum not in {"", entry.sha256}:
            yield f"checksum_mismatch expected={entry.sha256} actual={seen.checksum}"


def _unlike_its_run(
    entry: PlanEntry, found: Mapping[PlanEntry, Seen | Unanswered], of_the_run: Mapping[str, list[PlanEntry]]
) -> Iterator[str]:
    """Compare a latest copy with the run's own object: as they are planned, and as they were read."""
    if entry.kind == RUNS:
        return
    if entry.logical_key not in of_the_run:
        yield f"latest_missing_runs no object of the run is {entry.logical_key}"
    for run in of_the_run.get(entry.logical_key, ()):
        if run.sha256 != entry.sha256:
            yield f"latest_sha_mismatch expected={run.sha256} actual={entry.sha256}"
        if run.bytes != entry.bytes:
            yield f"latest_bytes_mismatch expected={run.bytes} actual={entry.bytes}"
        ours, theirs = found.get(entry), found.get(run)
        if isinstance(ours, Seen) and isinstance(theirs, Seen) and ours.sha256 != theirs.sha256:
            yield f"latest_differs_from_its_run expected={theirs.sha256} actual={ours.sha256}"
