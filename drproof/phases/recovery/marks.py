"""How a drill marks what it makes in a cluster, and how it tells its own from what is somebody else's."""

import hashlib
from collections.abc import Mapping
from typing import Any

from drproof.model.cluster import DRILL_ANNOTATION, DRILL_LABEL, EXPIRES_ANNOTATION, Manifest
from drproof.model.context import EXPIRES_TAG, Context

LABEL_DIGITS = 16
GIVEN = "arg_kubeconfig"
"""Where a kubeconfig came from that no machine of the drill has written."""


def label_of(ctx: Context) -> str:
    """Return the label's value for a drill and all its windows.

    The name of a drill is chosen by people, who choose the same one twice: its challenge is new every time. A digest,
    because a label holds 63 characters and few kinds of them.
    """
    text = f"{ctx.origin}\0{ctx.plan.criteria.workload.challenge}"
    return hashlib.sha256(text.encode()).hexdigest()[:LABEL_DIGITS]


def marked(ctx: Context, manifest: Manifest) -> dict[str, Any]:
    """Return an object with the drill's label and annotation."""
    metadata: Mapping[str, Any] = manifest["metadata"]
    return {
        **manifest,
        "metadata": {
            **metadata,
            "labels": {**(metadata.get("labels") or {}), DRILL_LABEL: label_of(ctx)},
            "annotations": {
                **(metadata.get("annotations") or {}),
                DRILL_ANNOTATION: ctx.origin,
                EXPIRES_ANNOTATION: ctx.tags[EXPIRES_TAG],
            },
        },
    }


def as_it_expires(manifest: Manifest, live: Manifest) -> dict[str, Any]:
    """Return an object with the expiry that it has already: a later window sets no later one."""
    metadata: Mapping[str, Any] = manifest["metadata"]
    there = (live["metadata"].get("annotations") or {}).get(EXPIRES_ANNOTATION)
    kept = {EXPIRES_ANNOTATION: there} if there else {}
    return {**manifest, "metadata": {**metadata, "annotations": {**metadata["annotations"], **kept}}}


def is_ours(ctx: Context, live: Manifest) -> bool:
    """Return whether an object carries this drill's label."""
    return bool((live["metadata"].get("labels") or {}).get(DRILL_LABEL) == label_of(ctx))


def effect_details(ctx: Context, manifest: Manifest) -> dict[str, Any]:
    """Return what the journal keeps of an object beside its name: a cluster that was given outlives the drill."""
    return {"api_version": manifest["apiVersion"], "given": ctx.target.recovery.clusters.source == GIVEN}
