"""The manifest of a collection, as the reference's collector writes it, so that its readers go on working."""

import json
from typing import Any

from drproof import catalog
from drproof.evidence.bundle import Bundle
from drproof.report import facts

MANIFEST = "bundle-manifest.json"
OPTIONAL = ("record_manual_decision",)


def files(bundle: Bundle) -> dict[str, bytes]:
    """Return every derived file of a collection by its path below `derived/`.

    The digests are those of the files as they were handed in; no copy of them is in the bundle.
    """
    if bundle.plan.plan != catalog.EXECUTION:
        # The reference's collector knows no failback: none of its readers misses a manifest of one.
        return {}
    observed = facts.observed(facts.by_phase(bundle).get("read_execution"))
    document: dict[str, Any] = {
        "schema_version": 1,
        "required_receipts": list(bundle.plan.criteria.execution.phases),
        "optional_receipts": list(OPTIONAL),
        "files": [
            {"path": row["name"], "sha256": row["sha256"], "size_bytes": row["size"]}
            for row in facts.rows(observed, "files")
        ],
    }
    return {MANIFEST: (json.dumps(document, indent=2, sort_keys=True) + "\n").encode()}
