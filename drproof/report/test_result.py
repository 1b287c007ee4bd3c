"""A drill as an in-toto test result, for policy engines that know nothing of drills.

The file is listed by the closing like every other. Source: in-toto attestation predicate `test-result/v0.1`.
"""

from typing import Any

from drproof.evidence.bundle import Bundle
from drproof.evidence.canonical import canonical
from drproof.evidence.integrity import OPENING, PLAN
from drproof.evidence.statements import STATEMENT
from drproof.formats.image_ref import PINNED
from drproof.model.receipt import Outcome
from drproof.model.verdict import Status

PATH = "test-result.json"
PREDICATE = "https://in-toto.io/attestation/test-result/v0.1"
RESULTS = {"proven": "PASSED", "refuted": "FAILED", "incomplete": "FAILED"}


def render(bundle: Bundle, *, outcome: str, plan_digest: str) -> bytes:
    """Return the test result of a bundle: what was tested is the image, and the plan under which it was."""
    named = {status: [verdict.name for verdict in bundle.verdicts if verdict.status is status] for status in Status}
    phases = {file.receipt.phase: file.receipt.outcome for file in bundle.files}
    passed = [name for name, ended in phases.items() if ended is Outcome.PASSED]
    warned = [name for name, ended in phases.items() if ended is Outcome.NOT_RUN]
    failed = [name for name in bundle.plan.phases if name not in (*passed, *warned)]
    return canonical(
        {
            "_type": STATEMENT,
            "predicateType": PREDICATE,
            "subject": [*_image(bundle), {"name": OPENING, "digest": {"sha256": bundle.opening_digest}}],
            "predicate": {
                "result": RESULTS[outcome],
                "configuration": [{"name": PLAN, "digest": {"sha256": plan_digest}}],
                "passedTests": [*passed, *named[Status.PROVEN]],
                "warnedTests": warned,
                "failedTests": [*failed, *named[Status.REFUTED], *named[Status.UNPROVEN]],
            },
        }
    )


def _image(bundle: Bundle) -> list[dict[str, Any]]:
    match = PINNED.fullmatch(bundle.plan.criteria.image_ref)
    if match is None:
        return []
    name, _, sha256 = bundle.plan.criteria.image_ref.partition("@sha256:")
    return [{"name": name, "digest": {"sha256": sha256}}]
