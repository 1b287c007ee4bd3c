"""Why a recovery is needed, from what was seen of the original site."""

from collections.abc import Mapping

from drproof.formats.durations import show

STALE, FUTURE, UNREADABLE, MISMATCH, MARKER, UNKNOWN = (
    "stale_pipeline",
    "future_timestamp",
    "last_success_unreadable",
    "pointer_run_id_mismatch",
    "missing_expected_marker",
    "freshness_reference_missing",
)


def reasons(
    *, pointers: Mapping[str, tuple[str, str]], marker_size: int, age_ms: int | None, limit_ms: int
) -> tuple[str, ...]:
    """Return every reason for a recovery; empty when the original site is well.

    `pointers` maps each label to (status, run id). `age_ms` is negative for a run that ended in the future, None
    when nobody can tell.
    """
    found = [f"{UNREADABLE}: {label} is {status}" for label, (status, _) in pointers.items() if status != "ok"]
    runs = {run for status, run in pointers.values() if status == "ok"}
    if len(runs) > 1:
        found.append(f"{MISMATCH}: the pointers name {len(runs)} runs: {', '.join(sorted(runs))}")
    if marker_size <= 0:
        found.append(f"{MARKER}: the published run has no marker, or an empty one")
    if age_ms is None:
        found.append(f"{UNKNOWN}: no pointer says when the last good run ended")
    elif age_ms < 0:
        found.append(f"{FUTURE}: the last good run ends {show(-age_ms)} in the future")
    elif age_ms > limit_ms:
        found.append(f"{STALE}: the last good run is {show(age_ms)} old, the limit is {show(limit_ms)}")
    return tuple(found)
