"""Bundles of drills in which a person did a phase: what they have to say of it, and how it can be hidden."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from rfc8785 import dumps

from drproof.model.receipt import ManualAct, Outcome
from tests.attacks.bundles import CLOSING, PLAN, UNSTORED, VERDICTS, Drill, Edit, build, digest
from tests.attacks.case import Case, having, saying, verdicts
from tests.contracts.observed import at, sha256

PRINTED: dict[str, Any] = {"schema_version": 1, "lines": ["message sent"], "printed": 13}
RUN = ManualAct(
    kind="command",
    said="sendmail -t",
    person="Ada",
    ticket="DR-7",
    acted_at=at(20),
    duration_ms=900,
    exit_status=0,
    output=digest(dumps(PRINTED)),
    output_bytes=13,
)
SEEN = ManualAct(kind="witness", said="read out on the telephone", person="Ada", acted_at=at(20))
NOTIFY = "receipts/03-notify.json"
ALONE = Drill(plan="recovery", phases=("check_health", "validate", "notify"), full=False)


def _drill(act: ManualAct = RUN, **changes: Any) -> Drill:
    """Return a drill whose notification a person sent."""
    evidence = UNSTORED.receipt("notify", **{"manual": act, "by_hand": ("notify",), **changes})
    files = {**evidence.files, "evidence/notify/manual.json": PRINTED}
    return replace(ALONE, evidence=replace(evidence, files=files), manual_phase="notify")


BY_HAND = _drill()
UNSEEN = _drill(SEEN, outcome=Outcome.UNOBSERVED, observed=None, reason="drproof cannot see what came of it")


def honest() -> Mapping[str, Case]:
    """Return each honest case by its name."""
    failed = _drill(replace(RUN, exit_status=3), outcome=Outcome.FAILED, observed=None, reason="exit status 3")
    inherited = replace(BY_HAND, manual_phase="", inherited=("notify",))
    return {
        "done_by_hand": Case(files=build(BY_HAND), exit=0, level="L1"),
        "done_by_hand_and_witnessed": Case(files=build(_drill(SEEN)), exit=0, level="L1"),
        "done_by_hand_and_failed": Case(files=build(failed), exit=3, codes=["refuted"], level="L1"),
        "done_by_hand_and_unobserved": Case(files=build(UNSEEN), exit=4, codes=["incomplete"], level="L1"),
        "done_by_hand_in_the_window_before": Case(files=build(inherited), exit=0, level="L1"),
    }


def cases() -> Mapping[str, Case]:
    """Return each attack by its name."""

    def lie(path: str, edit: Edit, *codes: str, drill: Drill = BY_HAND) -> Case:
        return Case(files=build(replace(drill, edits={**drill.edits, path: edit})), codes=codes or ["by-hand"])

    def act(**changes: Any) -> Edit:
        return lambda content: {**content, "manual": {**content["manual"], **changes}}

    def resting(*names: str) -> Edit:
        return verdicts(lambda rows: ({**row, "by_hand": list(names)} for row in rows))

    return {
        "by_hand_hidden_in_the_verdicts": lie(VERDICTS, resting()),
        "by_hand_invented_in_the_verdicts": lie(VERDICTS, resting("notify"), drill=ALONE),
        "by_hand_hidden_in_the_receipt": lie(NOTIFY, having(by_hand=[])),
        "by_hand_named_twice": lie(NOTIFY, having(by_hand=["notify", "notify"])),
        "by_hand_of_a_phase_that_acted": lie(NOTIFY, having(by_hand=["check_health", "notify"])),
        "by_hand_of_another_phase_than_planned": lie(PLAN, _planning("validate")),
        "by_hand_without_a_plan": lie(PLAN, _planning("")),
        "by_hand_planned_and_the_act_dropped": lie(NOTIFY, having(manual=None, by_hand=[])),
        "by_hand_passed_over_a_failed_command": lie(NOTIFY, act(exit_status=3)),
        "by_hand_passed_over_a_command_without_end": lie(NOTIFY, act(exit_status=None)),
        "by_hand_with_the_output_of_another": lie(NOTIFY, act(output=sha256("another output"))),
        "by_hand_in_a_splendid_way": lie(NOTIFY, act(kind="splendid"), "shape"),
        "unobserved_and_nobody_did_it": lie(NOTIFY, having(manual=None, by_hand=[]), drill=UNSEEN),
        "unobserved_beside_proven": lie(CLOSING, saying(outcome="proven"), "outcome", drill=UNSEEN),
    }


def _planning(phase: str) -> Edit:
    return having(manual_phase=phase)
