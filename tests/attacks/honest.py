"""Cases in which nothing was done to the bundle: what is proven, and what is authentic and less than that."""

from collections.abc import Mapping
from dataclasses import replace

from drproof.model.receipt import Cause, Outcome
from tests.attacks.bundles import CLOSING, OPENING, UNSTORED, Drill, build, sign_off
from tests.attacks.case import Case, without
from tests.attacks.keys import ANOTHER, APPROVER, COLLECTOR, CURVE, RUNNER, SECOND
from tests.contracts.observed import DRILL, at, sha256

HEALTH = Drill()
CHAIN = Drill(plan="recovery", phases=("check_health", "capture_alarms", "notify"), full=False)
COLLECTION = Drill(plan="execution", phases=("read_execution",), keys=(COLLECTOR,))
STALE = UNSTORED.facts(
    "check_health", marker=replace(UNSTORED.receipts["check_health"].facts.marker, status="not_found")
)
FAILED = UNSTORED.receipt(
    "check_health", outcome=Outcome.FAILED, observed=None, reason="the store said 500", cause=Cause.WORLD
)
PREVIOUS = sha256("the closing of the drill before")
LAST = "03-notify"
EXPECTED = (
    *("--expect-drill", DRILL, "--expect-nonce", sha256("nonce"), "--expect-account", "444455556666"),
    *(
        "--expect-region",
        "us-west-2",
        "--prev",
        PREVIOUS,
        "--max-age",
        "10m",
        "--require-level",
        "L1",
        "--require-full",
    ),
)
NAMES = {
    "evidence/Überfall Straße.txt": b"1",
    "evidence/日本語/結果.txt": b"2",
    "evidence/a b/(c) [d] 'e'.txt": b"3",
    "evidence/\U0001f600.txt": b"4",
    "evidence/\uff5e.txt": b"5",
    "evidence/" + "x" * 200: b"",
    ".hidden": b"listed, so it is no stranger",
}
"""Names in several scripts; the last but two sort differently as UTF-16."""


def approved(drill: Drill = HEALTH) -> dict[str, bytes]:
    """Return a bundle with an approver's sign-off."""
    files = build(drill)
    return {**files, "after/approval.dsse.json": sign_off(files, APPROVER)}


def cases() -> Mapping[str, Case]:
    """Return each honest case by its name."""
    health, chain = build(HEALTH), build(CHAIN)
    resumed = dict.fromkeys((CLOSING, f"checkpoints/{LAST}.dsse.json"), (SECOND,))
    late = sign_off(health, APPROVER, signed_at=at(57))
    return {
        "proven": Case(files=health, exit=0, level="L1"),
        "proven_at_the_last_moment": Case(files=health, exit=0, level="L1", trust="just-in-time"),
        "proven_in_part": Case(files=chain, exit=0, level="L1"),
        "proven_and_expected": Case(
            files=build(replace(HEALTH, previous=PREVIOUS)), exit=0, level="L1", options=EXPECTED
        ),
        "approved": Case(files=approved(), exit=0, level="L2", trust="held", options=("--require-level", "L2")),
        "approved_late_by_two": Case(
            files={
                **approved(),
                "after/late.dsse.json": late,
                "after/both.dsse.json": sign_off(health, APPROVER, ANOTHER),
            },
            exit=0,
            level="L2",
            trust="held",
        ),
        "approved_with_an_exportable_key": Case(files=approved(), exit=0, level="L1"),
        "rejected": Case(
            files={**approved(), "after/no.dsse.json": sign_off(health, ANOTHER, decision="rejected")},
            exit=0,
            level="L1",
            trust="held",
        ),
        "rehearsal_accepted": Case(
            files=build(replace(HEALTH, mode="rehearsal")), exit=0, level="L1", options=("--accept-rehearsal",)
        ),
        "finished_by_another": Case(files=build(replace(CHAIN, by=resumed)), exit=0, level="L1"),
        "signed_by_two": Case(files=build(replace(HEALTH, keys=(RUNNER, SECOND))), exit=0, level="L1"),
        "signed_on_p256": Case(files=build(replace(HEALTH, keys=(CURVE,))), exit=0, level="L1"),
        "collection": Case(files=build(COLLECTION), exit=0, level="L1"),
        "inherited": Case(files=build(replace(CHAIN, inherited=("check_health",))), exit=0, level="L1"),
        "names_in_many_scripts": Case(files=build(replace(HEALTH, more=NAMES)), exit=0, level="L1"),
        "refuted": Case(files=build(replace(HEALTH, evidence=STALE)), exit=3, codes=["refuted"], level="L1"),
        "failed": Case(files=build(replace(HEALTH, evidence=FAILED)), exit=3, codes=["refuted"], level="L1"),
        "incomplete": Case(files=build(replace(CHAIN, missing=("notify",))), exit=4, codes=["incomplete"], level="L1"),
        "withheld": Case(
            files=build(replace(HEALTH, withheld=[{"path": "logs/a.txt", "where": "line 3", "rule": "private key"}])),
            exit=4,
            codes=["incomplete"],
            level="L1",
        ),
        "killed": Case(files=build(replace(CHAIN, closed=False)), exit=4, codes=["not-closed"], level="L1"),
        "killed_before_the_last_checkpoint": Case(
            files={
                **without(build(replace(CHAIN, closed=False)), f"checkpoints/{LAST}.dsse.json"),
                "journal.reserve": bytes(64),
            },
            exit=4,
            codes=["not-closed"],
            level="L1",
        ),
        "killed_right_after_the_closing": Case(files={**health, "journal.reserve": bytes(4096)}, exit=0, level="L1"),
        "killed_at_once": Case(
            files=build(replace(HEALTH, missing=("check_health",), closed=False)),
            exit=4,
            codes=["not-closed"],
            level="L1",
        ),
        "unsigned": Case(files=build(replace(HEALTH, keys=())), exit=5, codes=["unsigned"]),
        "killed_and_unsigned": Case(
            files=build(replace(CHAIN, closed=False, keys=())), exit=4, codes=["not-closed", "unsigned"]
        ),
        "opening_only_signed": Case(
            files=build(replace(HEALTH, keys=(), by={OPENING: (RUNNER,)})), exit=5, codes=["unsigned"]
        ),
    }
