"""What a person did stands beside all that rests on it: on the page, in the summary, and for policy engines."""

from drproof.evidence.integrity import OPENING
from drproof.formats.strict_json import parse
from drproof.model.receipt import ManualAct, Outcome
from drproof.report import test_result as results
from tests.report import drills
from tests.report.conftest import Make
from tests.report.drills import Drill, Step, passed
from tests.report.observed import SHA
from tests.report.test_html import page_of, text_of
from tests.report.test_summary import told

AT = "2026-11-01T08:00:03.000Z"
RUN = ManualAct(
    kind="command", said="kubectl apply -f cronjob.yaml", person="ada", ticket="CHG-7", acted_at=AT, duration_ms=4_200,
    exit_status=0, output=SHA, output_bytes=17,
)  # fmt: skip
SEEN = ManualAct(kind="witness", said="the on-call applied it from the console", person="ben", acted_at=AT)


def drill(act: ManualAct = RUN) -> Drill:
    return Drill(
        steps=[passed("bringup"), passed("restore", manual=act)],
        verdicts=[drills.verdict("by_machine"), drills.verdict("by_person", "a", by_hand=("restore",))],
    )


def test_a_verdict_that_rests_on_a_person_says_so_and_any_other_does_not(make: Make) -> None:
    page = text_of(page_of(make(drill())))
    assert page.count("done by hand: restore") == 1
    assert "The phase restore was done by hand. All of it happened in the embedded world." in page
    assert "passed, done by hand" in page
    assert "ada, ticket CHG-7; the command that drproof ran for them: kubectl apply -f cronjob.yaml" in page
    assert "exit status 0 after 4.2 s; 17 bytes printed" in page
    said = "That restore works without a person. It was done by hand, by ada, ticket CHG-7, exit status 0:"
    assert f"{said} kubectl apply -f cronjob.yaml. These verdicts rest on it:by_person[a]" in page
    assert "done by hand" not in text_of(page_of(make(name="b"))).lower()


def test_a_statement_is_told_as_one(make: Make) -> None:
    bundle = make(drill(SEEN))
    page = text_of(page_of(bundle))
    assert "ben; what they state was done: the on-call applied it from the console" in page
    assert "bytes printed" not in page
    assert "by hand: restore, by ben, as they state: the on-call applied it from the console" in told(bundle)


def test_the_summary_counts_what_rests_on_it(make: Make) -> None:
    lines = told(make(drill()))
    assert "by hand: restore, by ada, ticket CHG-7, exit status 0: kubectl apply -f cronjob.yaml" in lines
    assert "  1 of 2 verdicts rest on it" in lines
    assert any(line.split()[:2] == ["passed", "restore"] and line.endswith("(by hand)") for line in lines)


def test_an_act_that_nobody_could_look_at_is_neither_passed_nor_failed(make: Make) -> None:
    step = Step(phase="notify", outcome=Outcome.UNOBSERVED, manual=SEEN, reason="drproof cannot see what came of it")
    bundle = make(Drill(steps=[passed("bringup"), step], outcome="incomplete"))
    page = text_of(page_of(bundle, "incomplete"))
    assert "? unobserved, done by hand" in page
    said = "The phase notify was done by hand, and nobody could look at what came of it."
    assert f"{said} Reason: drproof cannot see what came of it" in page
    found = parse(results.render(bundle, outcome="incomplete", plan_digest=SHA))
    assert found["predicate"]["failedTests"][0] == "notify"


def test_a_policy_engine_is_warned_of_a_proof_by_hand(make: Make) -> None:
    found = parse(results.render(make(drill()), outcome="proven", plan_digest=SHA))
    assert found["predicate"]["result"] == "WARNED"
    assert found["predicate"]["warnedTests"] == ["restore"]
    assert found["predicate"]["passedTests"] == ["bringup", "by_machine", "by_person[a]"]
    plain = parse(results.render(make(name="b"), outcome="proven", plan_digest=SHA))
    assert plain["predicate"]["result"] == "PASSED"
    assert OPENING in str(plain["subject"])
