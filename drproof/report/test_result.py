"""A drill as an in-toto test result, for policy engines that know nothing of drills.

The file is listed by the closing like every other. Source: in-toto attestation predicate `test-result/v0.1`.
"""

from collections.abc import Iterable, Mapping
from typing import Final, Literal

from msgspec import Struct, field

from drproof.evidence.bundle import Bundle
from drproof.evidence.canonical import canonical
from drproof.evidence.integrity import OPENING, PLAN
from drproof.evidence.own_tests import OwnTest
from drproof.evidence.statements import STATEMENT
from drproof.formats.image_ref import PINNED
from drproof.model.codec import encode
from drproof.model.receipt import Digest, Outcome
from drproof.model.verdict import Status
from drproof.report import facts

PATH = "test-result.json"
PREDICATE: Final = "https://in-toto.io/attestation/test-result/v0.1"


class Sum(Struct, frozen=True, kw_only=True):
    """A digest, as in-toto writes it."""

    sha256: Digest


class Resource(Struct, frozen=True, kw_only=True):
    """Something by its name and digest."""

    name: str
    digest: Sum


class Predicate(Struct, frozen=True, kw_only=True):
    """What the tests came to; the names are the standard's."""

    result: Literal["PASSED", "WARNED", "FAILED"]
    configuration: tuple[Resource, ...]
    passedTests: tuple[str, ...]  # noqa: N815 — the standard's name
    warnedTests: tuple[str, ...]  # noqa: N815 — as above
    failedTests: tuple[str, ...]  # noqa: N815 — as above


class TestResult(Struct, frozen=True, kw_only=True):
    """`test-result.json`."""

    type: Literal["https://in-toto.io/Statement/v1"] = field(name="_type", default=STATEMENT)
    predicateType: Literal["https://in-toto.io/attestation/test-result/v0.1"] = PREDICATE  # noqa: N815 — as above
    subject: tuple[Resource, ...]
    predicate: Predicate


RESULTS: Mapping[str, Literal["PASSED", "FAILED"]] = {"proven": "PASSED", "refuted": "FAILED", "incomplete": "FAILED"}


def render(bundle: Bundle, *, outcome: str, plan_digest: str) -> bytes:
    """Return the test result of a bundle: what was tested is the image, and the plan under which it was."""
    named = {status: [verdict.name for verdict in bundle.verdicts if verdict.status is status] for status in Status}
    phases = {file.receipt.phase: file.receipt.outcome for file in bundle.files}
    by_hand = {receipt.phase for receipt in facts.by_hand(bundle) if receipt.passed}
    passed = [name for name, ended in phases.items() if ended is Outcome.PASSED and name not in by_hand]
    warned = [name for name, ended in phases.items() if ended is Outcome.NOT_RUN or name in by_hand]
    failed = [name for name in bundle.plan.phases if name not in (*passed, *warned)]
    own = bundle.own_tests.tests if bundle.own_tests else ()
    said = Predicate(
        # What a person did is no failure, and nothing that a machine could do again.
        result="WARNED" if outcome == "proven" and by_hand else RESULTS[outcome],
        configuration=(Resource(name=PLAN, digest=Sum(sha256=plan_digest)),),
        passedTests=(*passed, *named[Status.PROVEN], *_named(own, "passed")),
        warnedTests=(*warned, *_named(own, "skipped", "expected_failure")),
        failedTests=(*failed, *named[Status.REFUTED], *named[Status.UNPROVEN], *_named(own, "failed", "lost")),
    )
    subject = (*_image(bundle), Resource(name=OPENING, digest=Sum(sha256=bundle.opening_digest)))
    return canonical(encode(TestResult(subject=subject, predicate=said)))


def _named(own: Iterable[OwnTest], *outcomes: str) -> tuple[str, ...]:
    return tuple(test.test for test in own if test.outcome in outcomes)


def _image(bundle: Bundle) -> tuple[Resource, ...]:
    if PINNED.fullmatch(bundle.plan.criteria.image_ref) is None:
        return ()
    name, _, sha256 = bundle.plan.criteria.image_ref.partition("@sha256:")
    return (Resource(name=name, digest=Sum(sha256=sha256)),)
