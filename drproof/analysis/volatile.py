"""What two runs of the same input may differ in: the one list of it, with the version of its rules."""

from collections.abc import Collection, Mapping
from typing import Any

RULES_VERSION = 1
"""Raised whenever a name below comes or goes, so that a comparison says by which rules it was made."""

EVERYWHERE = frozenset(
    {
        "captured_at_utc",
        "created_at",
        "created_at_utc",
        "decision_timestamp",
        "duration_sec",
        "ended_at",
        "fetched_at",
        "generated_at",
        "generated_at_utc",
        "run_started_at",
        "scored_at",
        "scraped_at",
        "started_at",
        "timestamp",
        "timestamp_utc",
        "updated_at",
    }
)
"""Dropped at any depth of any document, and as columns of tables."""

OF_THE_SUMMARY = frozenset({"git_sha", "quicklinks", "path", "sha256", "bytes"})
"""The last three name the files of one run; their contents are compared themselves, and their digests checked."""

OF_THE_HEALTH = frozenset({"timestamps", "durations", "logs", "proof_bundle_path"})
RUN_ID = frozenset({"run_id"})
"""Dropped from ranked rows always, from everything else when the runs may have different ids."""


def without(document: Any, names: Collection[str]) -> Any:  # noqa: ANN401 — any JSON value
    """Return a document without the members of these names, at any depth."""
    if isinstance(document, Mapping):
        return {name: without(value, names) for name, value in document.items() if name not in names}
    if isinstance(document, list | tuple):
        return [without(value, names) for value in document]
    return document
