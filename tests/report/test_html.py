import base64
import hashlib
import json
import re
import subprocess
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import html5lib
import jsonschema_rs
import pytest

from drproof.cli.schemas import documents, schema_for
from drproof.evidence.bundle import Bundle, write_atomic
from drproof.evidence.canonical import canonical
from drproof.evidence.redaction import Redactor
from drproof.evidence.withheld import keep, withheld_in
from drproof.model.criteria import ExpectedContract, Input, Window, Workload
from drproof.model.receipt import Caller, Cause, Outcome
from drproof.model.verdict import Control, ControlResult, Status
from drproof.report import facts, html
from drproof.report.cluster import GRADED
from drproof.report.hand import steps
from tests.evidence.keys import RUNNER, STRANGER
from tests.report import drills, observed
from tests.report.conftest import Make
from tests.report.drills import Drill, Step, passed

HOSTILE = "<script>alert(1)</script>\"'><img src=http://evil.example/x onerror=x>&amp;\u202e\0\x1b[2J\u200b]]>"
XHTML = "{http://www.w3.org/1999/xhtml}"
PARTIAL = Window(full=False, start_at="bringup", stop_after="bringup", left_out=("restore", "validate", "teardown"))


def page_of(bundle: Bundle, outcome: str = "proven") -> str:
    return html.render(bundle, outcome=outcome).decode()


def tree_of(page: str) -> Any:
    return html5lib.HTMLParser(strict=True).parse(page)


def text_of(page: str) -> str:
    tree = tree_of(page)
    for style in tree.iter(f"{XHTML}style"):
        style.text = ""
    return re.sub(r"\s+", " ", "".join(tree.itertext()))


def hostile() -> Drill:
    """A drill whose every free text is an attack."""
    unwell = replace(observed.Health(), reasons=(HOSTILE,))
    failed = Step(
        phase="bringup",
        outcome=Outcome.FAILED,
        reason=HOSTILE,
        cause=Cause.WORLD,
        errors=(HOSTILE,),
        repair=HOSTILE,
        evidence={"odd": HOSTILE},
    )
    stranger = Step(phase=f"x{HOSTILE}", observed=observed.Health(reasons=(HOSTILE,)))
    left = observed.Left(kind=HOSTILE, identity=HOSTILE, remove_command=HOSTILE)
    controls = (Control(name=HOSTILE, kind="sabotage", result=ControlResult.NOT_APPLICABLE, reason=HOSTILE),)
    doubt = drills.verdict(
        HOSTILE,
        HOSTILE,
        Status.REFUTED,
        claim=HOSTILE,
        observed={HOSTILE: HOSTILE},
        expected=HOSTILE * 9,
        reason=HOSTILE,
        controls_of=(HOSTILE,),
        controls=controls,
    )
    reached = observed.Reached(uid=HOSTILE, source=HOSTILE, server=HOSTILE, version=HOSTILE)
    restored = observed.Restored(
        objects=(observed.Object(name=f"Secret/{HOSTILE}", origin=HOSTILE),), left_out=(HOSTILE,), overrides=(HOSTILE,)
    )
    ran = observed.Validated(
        job=HOSTILE,
        source=HOSTILE,
        node=HOSTILE,
        containers=(observed.Ran(name=HOSTILE, digest=HOSTILE, pulled=HOSTILE),),
        run_id=HOSTILE,
    )
    graded = drills.verdict(GRADED, "", Status.REFUTED, observed=HOSTILE)
    decision = observed.Decision(
        mode=HOSTILE, approver=HOSTILE, ticket=HOSTILE, reason=HOSTILE, decided_at=HOSTILE, promotion_status=HOSTILE
    )
    return Drill(
        steps=[
            passed("check_health", observed=unwell),
            failed,
            stranger,
            passed("reach_cluster", observed=reached),
            passed("restore", observed=restored),
            passed("validate", observed=ran),
            Step(phase="request_manual_approval", observed=observed.Requested(topic_arn=HOSTILE, message_id=HOSTILE)),
            passed("promote", observed=decision),
            passed("teardown", observed=observed.Torn(before=(left,), residue=(left,), foreign=(left,))),
        ],
        verdicts=[doubt, graded],
        window=Window(full=False, start_at=HOSTILE, stop_after=HOSTILE, left_out=(HOSTILE,)),
        inputs=(Input(name=HOSTILE, value=HOSTILE, source=HOSTILE),),
        plan={"drill_id": HOSTILE, "scenario": HOSTILE, "plan": HOSTILE},
        criteria={
            "image_ref": HOSTILE,
            "alarms": (HOSTILE,),
            "pointers": (HOSTILE,),
            "workload": Workload(namespace=HOSTILE),
        },
        caller=Caller(arn=HOSTILE, account_id=HOSTILE, region=HOSTILE),
        unjudged=(ExpectedContract(name=HOSTILE, version=1, subjects=(HOSTILE, "x")),),
    )


DRILLS = {
    "whole": Drill(),
    "live": Drill(mode="live"),
    "failed": Drill(steps=drills.failed_at("bringup"), outcome="refuted"),
    "partial": Drill(steps=[passed("check_health"), passed("bringup")], window=PARTIAL),
    "nothing ran": Drill(steps=[], verdicts=[], outcome="incomplete"),
    "hostile": hostile(),
}


@pytest.mark.parametrize("name", DRILLS)
def test_the_page_is_valid_html(name: str, make: Make) -> None:
    tree_of(page_of(make(DRILLS[name]), DRILLS[name].outcome))


@pytest.mark.parametrize("name", DRILLS)
def test_the_same_bundle_gives_the_same_bytes(name: str, make: Make) -> None:
    drill = DRILLS[name]
    first = html.render(make(drill, name="one"), outcome=drill.outcome)
    assert html.render(make(drill, name="two"), outcome=drill.outcome) == first


def test_the_page_can_be_made_again_after_the_sealing_and_after_a_sign_off(make: Make, tmp_path: Path) -> None:
    drill = Drill()
    bundle = make(drill)
    page = html.render(bundle, outcome="proven")
    write_atomic(bundle.directory / "proof.html", page)
    drills.seal(bundle.directory, drill, head=facts.chain_head(bundle))
    write_atomic(bundle.directory / "after" / "sign-off.json", b"{}")
    assert html.render(drills.opened(tmp_path / "drill"), outcome="proven") == page


@pytest.mark.parametrize("name", ["whole", "hostile"])
def test_nothing_is_fetched_and_nothing_runs(name: str, make: Make) -> None:
    tree = tree_of(page_of(make(DRILLS[name])))
    for element in tree.iter():
        tag = str(element.tag).removeprefix(XHTML)
        assert tag not in {
            "script",
            "img",
            "iframe",
            "object",
            "embed",
            "link",
            "base",
            "form",
            "audio",
            "video",
            "use",
        }
        for attribute, value in element.attrib.items():
            plain = str(attribute).rpartition("}")[2].casefold()
            assert not plain.startswith("on")
            assert plain not in {"src", "srcset", "style", "action", "formaction", "background", "poster", "data"}
            if plain == "href":
                assert value.startswith(("#", "./"))


def test_the_policy_allows_this_style_and_nothing_else(make: Make) -> None:
    page = page_of(make())
    (policy,) = re.findall(r'http-equiv="Content-Security-Policy" content="([^"]*)"', page)
    (style,) = re.findall(r"<style>(.*?)</style>", page, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert policy.startswith(f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:")
    assert page.index("Content-Security-Policy") < page.index("<style>")
    assert "unsafe" not in policy
    assert "url(" not in style
    assert "@import" not in style


def test_hostile_text_is_shown_and_never_obeyed(make: Make) -> None:
    page = page_of(make(hostile()))
    assert "<script" not in page
    assert "<img" not in page
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b\u202e]", page)
    assert "\\u{202e}\\u{0}\\u{1b}[2J\\u{200b}" in text_of(page)


def test_a_rehearsal_cannot_be_taken_for_a_drill(make: Make) -> None:
    rehearsal, live = text_of(page_of(make(name="a"))), text_of(page_of(make(Drill(mode="live"), name="b")))
    assert rehearsal.count("Rehearsal against the embedded world: this proves drproof, never anyone's recovery") == 1
    assert "Anyone's recovery." in rehearsal
    # One criterion is named so: whether triggers may follow a rehearsal.
    assert "ehearsal" not in live.replace("by_itself.rehearsal", "")


def test_a_part_is_never_called_the_whole(make: Make) -> None:
    whole = text_of(page_of(make(name="a")))
    part = text_of(page_of(make(Drill(steps=[passed("bringup")], window=PARTIAL), name="b")))
    assert "Every claim of the whole plan" in whole
    assert "PARTIAL" not in whole
    assert "PARTIAL" in part
    assert "It is no proof of a whole recovery: 3 of its phases were left out." in part
    assert "This is a partial drill, window bringup. Left out:restorevalidateteardown" in part
    assert "Every claim of the whole plan" not in part


def test_times_are_compared_with_the_objectives(make: Make) -> None:
    met = text_of(page_of(make(name="a")))
    assert "RTO 42.4 s ✓ met: the objective is 30 min" in met
    assert "RPO 5 h 45 min ✓ met: the objective is 1 d 12 h" in met
    missed = text_of(page_of(make(Drill(criteria={"rto_ms": 42_449, "rpo_ms": 1}), name="b")))
    assert "RTO 42.4 s ✗ missed" in missed
    assert "RPO 5 h 45 min ✗ missed" in missed
    absent = text_of(page_of(make(Drill(steps=drills.failed_at("bringup")), name="c"), "refuted"))
    assert "RTO not measured ? not measured: the objective is 30 min" in absent
    assert "The measured RTO." in absent


def test_a_drill_does_not_speak_of_what_handed_executions_are_judged_by(make: Make) -> None:
    page = text_of(page_of(make(Drill())))

    assert "runner_limit" in page
    assert "execution.phases" not in page


def test_what_is_not_shown_is_said(make: Make) -> None:
    drill = Drill(
        steps=[*drills.failed_at("validate")[:-1]],
        verdicts=[
            *drills.verdicts(),
            drills.verdict("archive_is_sound", "a", Status.REFUTED, reason="it is torn"),
            drills.verdict("validation_command_succeeded", "", Status.UNPROVEN, reason="validate is failed"),
        ],
        unjudged=(
            ExpectedContract(name="lost", version=1, subjects=("s",)),
            ExpectedContract(name="gone", version=1, subjects=()),
        ),
        plan={"phases": (*observed.DONE,)},
    )
    told = text_of(page_of(make(drill), "refuted"))
    for sentence in (
        "1 claim is shown to be false. Contracts that are refuted:archive_is_sound[a]: it is torn",
        "1 claim is not decided. Contracts that are unproven:validation_command_succeeded: validate is failed",
        "2 demands of the plan were never judged. There is no verdict on:lost[s]gone",
        "The phase validate failed. Reason: terraform apply ended with exit status 1",
        "2 phases: each was blocked. Reasons:request_manual_approval: phase validate is failed",
        "Some phases have no receipt. The run ended before:teardown",
        "A recovery under need. The original site was well",
        "A decision to promote. No decision was recorded.",
        "That nothing is left of the drill. No teardown has run.",
        "Who made this bundle. It is sealed with digests only: nothing in it shows who sealed it, or when.",
        "Some sabotages could not be applied. This evidence does not allow:",
        "too old (no age is promised)",
    ):
        assert sentence in told
    shown = text_of(page_of(make(name="b")))
    assert "The phase promote was not run. Reason: auto promote disabled" in shown
    assert "claim is" not in shown
    assert "That nothing is left" not in shown


def test_builds_that_keep_no_state_leave_its_content_unshown(make: Make) -> None:
    said = "That a state held what was created. The machine was made by builds that keep no state."
    assert said in text_of(page_of(make(Drill(criteria={"state_expected": False}))))
    assert said not in text_of(page_of(make(name="b")))


def test_a_warm_start_and_inherited_receipts_are_not_passed_off_as_done_here(make: Make) -> None:
    steps_ = [passed("bringup", observed=observed.Bringup(start="warm"), inherited=True), passed("restore")]
    page = page_of(make(Drill(steps=steps_)))
    told = text_of(page)
    assert "A bring-up from nothing. The machine was there before: the start was warm." in told
    assert f"bringup: receipt {observed.SHA}" in told
    assert "passed, inherited" in told
    (drawing,) = re.findall(r"<svg.*?</svg>", page, re.DOTALL)
    assert "restore" in drawing
    assert "bringup" not in drawing


def test_each_contract_stands_with_its_claim_sabotages_and_receipts(make: Make) -> None:
    bundle = make()
    page = page_of(bundle)
    told = text_of(page)
    assert told.count("What backup object matches its metadata says holds.") == 1
    assert "backup_object_matches_its_metadata version 1 · supports NIST CP-9(1), ISO 27001 A.8.13" in told
    assert told.count("refuted 2 of 2 sabotages; 1 not applicable") == 3
    assert "✓ sabotage “one byte differs”: refuted; the digests differ" in told
    assert "– sabotage “too old”: not applicable; no age is promised" in told  # noqa: RUF001
    assert "✓ removal “receipt absent”: unproven; no receipt" in told
    assert 'Rests on <a href="#receipt-1">check_health</a>' in page
    assert 'id="receipt-1"' in page


def test_every_anchor_leads_somewhere_and_every_file_exists(make: Make) -> None:
    bundle = make()
    tree = tree_of(page_of(bundle))
    names = [element.attrib["id"] for element in tree.iter() if "id" in element.attrib]
    assert len(names) == len(set(names))
    for element in tree.iter(f"{XHTML}a"):
        href = element.attrib["href"]
        assert href[1:] in names if href.startswith("#") else (bundle.directory / href).is_file()
    for element in tree.iter():
        for name in str(element.attrib.get("aria-labelledby", "")).split():
            assert name in names


def test_what_is_in_doubt_comes_first(make: Make) -> None:
    doubt = drills.verdict("zz_last", "", Status.UNPROVEN, reason="?")
    worst = drills.verdict("zzz_very_last", "", Status.REFUTED, reason="!")
    page = page_of(make(Drill(verdicts=[*drills.verdicts(), doubt, worst])), "refuted")
    table = page[page.index('<table class="contracts') :]
    assert table.index("zzz_very_last") < table.index("zz_last") < table.index("backup_object_matches")


def test_what_was_withheld_or_redacted_is_said_and_leads_to_how_an_original_is_told(make: Make) -> None:
    bundle = make()
    assert "edactions" not in text_of(page_of(bundle))
    redactor = Redactor(salt=b"s" * 32)
    redactor.redact("the token was ghp_aB3dE6gH9aB3dE6gH9aB3dE6gH9")
    rows = [{"text": row.text, "original": row.original} for row in redactor.taken()]
    write_atomic(bundle.directory / "evidence/restore.redactions.json", canonical(rows))
    write_atomic(bundle.directory / "evidence/validate.redactions.json", b"[7]")
    assert not keep(bundle.directory, "logs/boot.txt", b"x\nghp_aB3dE6gH9aB3dE6gH9aB3dE6gH9aB3dE6gH9\n", redactor)
    (withheld,) = withheld_in(bundle.directory)
    assert schema_for("evidence/restore.redactions.json") == "redactions.v1.json"
    jsonschema_rs.Draft202012Validator(json.loads(documents()["redactions.v1.json"])).validate(rows)

    page = page_of(bundle)
    told = text_of(page)
    assert "Files that were withheld. What seemed to hold a secret was not kept as it was" in told
    assert f"logs/boot.txt: {withheld.where} ({withheld.rule})" in told
    assert '<a href="#redactions">Redactions</a>' in page
    assert "Redactions In the words of others every word is masked" in told
    assert "restore1evidence/restore.redactions.json" in told.replace(" ", "")
    assert "validatenotknownevidence/validate.redactions.json" in told.replace(" ", "")
    assert "drproof redaction" in told
    assert page_of(drills.opened(bundle.directory)) == page


def test_people_are_named_and_a_request_is_no_decision(make: Make) -> None:
    without = text_of(page_of(make(name="a")))
    assert drills.CALLER.arn in without
    assert f"No decision was recorded. {drills.MANUAL}" in without
    assert "To ask is not to decide." in without
    decided = text_of(page_of(make(Drill(steps=[passed(name) for name in observed.DONE]), name="b")))
    assert "Byada TicketDR-7 Reasonthe drill went well" in decided
    assert "No decision was recorded." not in decided


def test_residue_stands_with_the_command_that_removes_it(make: Make) -> None:
    clean = text_of(page_of(make(name="a")))
    assert "A second look after the teardown found nothing of this drill." in clean
    left = observed.Left(kind="volume", identity="vol-1", remove_command="aws ec2 delete-volume --volume-id vol-1")
    stranger = observed.Left(kind="instance", identity="i-stranger")
    steps_ = [passed("teardown", observed=observed.Torn(residue=(left,), foreign=(stranger,)))]
    dirty = text_of(page_of(make(Drill(steps=steps_, mode="live"), name="b"), "refuted"))
    assert "1 left behind." in dirty
    assert "Remove it: aws ec2 delete-volume --volume-id vol-1" in dirty
    assert "Not of this drill, listed and left: instance i-stranger" in dirty
    rehearsed = text_of(page_of(make(Drill(steps=steps_), name="c"), "refuted"))
    assert "Remove it (in the embedded world only):" in rehearsed


def test_opening_chain_head_and_every_file_are_cited(make: Make) -> None:
    bundle = make()
    page = page_of(bundle)
    assert page.count(bundle.opening_digest) >= 2
    assert page.count(bundle.files[-1].digest) >= 2
    for path in bundle.directory.rglob("*"):
        if path.is_file():
            assert hashlib.sha256(path.read_bytes()).hexdigest() in page
            assert path.relative_to(bundle.directory).as_posix() in page
    assert str(bundle.directory) not in page


def test_the_lines_to_verify_by_hand_hold_on_a_sealed_bundle_and_notice_each_change(make: Make) -> None:
    bundle = make(Drill(signers=(RUNNER,)), close=True)
    signature, files, count, plan, chain, opening = steps(bundle)
    assert steps(make(name="unsigned", close=True)) == steps(make(name="unsigned too", close=True))
    assert len(steps(make(name="nobody", close=True))) == 5, "nobody signed it"
    (bundle.directory.parent / "key.pem").write_text(RUNNER.public_key)
    (bundle.directory.parent / "other.pem").write_text(STRANGER.public_key)

    def run(line: str) -> str:
        done = subprocess.run(["bash", "-c", line], cwd=bundle.directory, capture_output=True, text=True, check=False)
        return done.stdout

    verified = signature.line.replace("key.pem", "../key.pem")
    assert run(verified).strip() == signature.expect
    assert signature.expect not in run(verified.replace("../key.pem", "../other.pem"))
    assert run(files.line).strip() == files.expect
    found, sealed = run(count.line).split()
    assert sealed == f'"file_count":{found}'
    assert len(set(re.findall(r"[0-9a-f]{64}", run(plan.line)))) == 1
    assert run(chain.line).strip() == chain.expect == bundle.closing.chain_head
    assert run(opening.line).split()[0] == opening.expect
    receipt = bundle.directory / bundle.files[2].path
    receipt.write_bytes(receipt.read_bytes().replace(b"cold", b"warm"))
    (bundle.directory / "extra.txt").write_text("x")
    assert files.expect not in run(files.line).splitlines()
    assert "breaks the chain" in run(chain.line)
    assert run(count.line).split()[0] != found


def test_a_third_partys_phase_may_observe_anything(make: Make) -> None:
    odd = [Step(phase=phase, observed=["a", {"b": 1}]) for phase in ("teardown", "read_restore_point", "bringup")]
    other = [Step(phase=phase, observed="text") for phase in ("promote", "check_health", "request_manual_approval")]
    foreign = Step(phase="resolve_runner", observed={"instance_id": 7, "residue": "none"})
    tree_of(page_of(make(Drill(steps=[*odd, *other, foreign]))))


def test_a_very_long_observation_is_cut_off_and_says_so(make: Make) -> None:
    many = observed.Inspected(commands=tuple(f"command-{n}" for n in range(4_000)))
    page = page_of(make(Drill(steps=[passed("inspect_runner", observed=many)])))
    assert "characters more in the receipt" in page
    assert len(page) < 100_000


@pytest.mark.parametrize("name", ["whole", "failed", "nothing ran"])
def test_headings_descend_one_level_at_a_time_and_tables_name_their_headers(name: str, make: Make) -> None:
    tree = tree_of(page_of(make(DRILLS[name])))
    levels = [int(str(e.tag)[-1]) for e in tree.iter() if re.fullmatch(re.escape(XHTML) + "h[1-6]", str(e.tag))]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))
    assert all("scope" in header.attrib for header in tree.iter(f"{XHTML}th"))
    assert next(tree.iter(f"{XHTML}html" if tree.tag != f"{XHTML}html" else tree.tag)).attrib["lang"] == "en"
    assert len(list(tree.iter(f"{XHTML}main"))) == 1
