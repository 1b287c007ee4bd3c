"""What is refused ends with exit status 4, a sentence and the next command, and leaves nothing behind."""

import re

import pytest

from tests.plugin.conftest import live_settings

DRILL = ("-m", "drill", "--target", "embedded")
LIVE = ("-m", "drill", "--target", "aws")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("-n", "2"), "refuses -n: each worker would bring the site up once more"),
        (("--reruns", "1"), "refuses --reruns: an effect would be done twice"),
        (("-k", "restore"), r"the selection leaves out [1-9][0-9]+ of the plan's [1-9][0-9]+ items"),
    ],
)
def test_a_plan_that_changes_the_world_runs_once_whole_and_in_one_process(desk, words, said):
    assert re.search(said, desk.refused(*DRILL, *words))


def test_a_plan_that_lost_an_item_is_refused(desk):
    collected = desk.run("-p", "no:cacheprovider", *DRILL, "--collect-only", "-q")
    last = next(line for line in reversed(collected.output.splitlines()) if "::" in line)

    assert "the selection leaves out 1 of" in desk.refused(*DRILL, "--deselect", last)


def test_a_single_item_of_a_plan_is_refused(desk):
    item = "drproof.checks.test_recovery::test_phase[restore]"

    assert "the selection leaves out" in desk.refused(*DRILL, "--pyargs", item)


@pytest.mark.parametrize(("option", "named"), [("--lf", "--lf"), ("--ff", "--ff"), ("--nf", "--nf"), ("--sw", "--sw")])
def test_an_order_that_comes_from_the_last_run_is_refused(desk, option, named):
    drill = desk.run(*DRILL, option)

    assert drill.status == 4, drill.output
    assert f"refuses {named}: it cuts or reorders the plan" in drill.output
    assert drill.directory is None


def test_a_shuffled_order_is_refused(desk):
    desk.shuffled = True

    output = desk.refused(*DRILL)

    assert "refuses -p randomly" in output
    assert "pytest -m drill -p no:randomly" in output


def test_without_a_target_nothing_is_rehearsed(desk):
    for mark in ("drill", "preflight", "health-check"):
        said = desk.refused("-m", mark)
        assert "no target is set: a drill is never rehearsed by accident" in said
        # Who asked for a look is not sent into a drill.
        assert "next: the same command with --target embedded" in said


@pytest.mark.parametrize(
    ("mark", "target", "words", "step"),
    [
        ("preflight", "embedded", ("--receipt-uri", "s3://no-prefix"), "--receipt-uri s3://atlas-receipts/receipts"),
        ("preflight", "embedded", ("--receipt-uri", "s3://atlas-receipts"), "--receipt-uri s3://bucket/dr/receipts"),
        ("backup-check", "embedded", ("--backup-uri", "s3://acme/backups/one"), "--target aws --backup-uri s3://acme"),
        ("backup-check", "aws", ("--scenario", "stale-pipeline"), "--target embedded --scenario stale-pipeline"),
    ],
)
def test_a_check_of_what_is_not_there_is_not_sent_into_a_drill(mark, target, words, step, desk):
    said = desk.refused("-m", mark, "--target", target, *words)

    assert f"next: the same command with {step}" in said


@pytest.mark.parametrize("words", [("-n", "4"), ("-n4",), ("--numprocesses=4",)])
def test_other_processes_without_the_plugin_that_starts_them_are_named_with_its_extra(words, desk):
    said = desk.refused("-p", "no:xdist", "-m", "backup-check", "--backups-under", "s3://b/backups/", *words)

    assert f"{words[0]} needs pytest-xdist, which is not here" in said
    assert "next: pip install 'drproof[xdist]'" in said


def test_an_empty_variable_of_a_ci_system_is_a_mistake_and_no_choice(desk):
    desk.write("drproof.toml", 'target = "embedded"\n')

    assert "environment DRPROOF_TARGET is empty" in desk.refused("-m", "drill", DRPROOF_TARGET="")


@pytest.mark.parametrize(
    "window", [(), ("--stop-after", "promote"), ("--start-at", "bringup", "--stop-after", "promote")]
)
def test_a_full_live_drill_needs_its_allowance_however_the_whole_is_spelt(live, window):
    output = live.refused("-m", "drill", *window)

    assert "expected --allow-full-drill or ALLOW_FULL_DRILL=1" in output


def test_an_allowance_that_is_no_boolean_allows_nothing(live):
    output = live.refused("-m", "drill", ALLOW_FULL_DRILL="maybe")

    assert "environment ALLOW_FULL_DRILL: expected true or false, got 'maybe'" in output


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--teardown", "perhaps"), "--teardown: expected true or false, got 'perhaps'"),
        (("--auto-promote", "maybe"), "expected true or false, got 'maybe'"),
        (("--rto", "soon"), "expected a duration such as 90s, 30m or 1h30m, got 'soon'"),
        (("--max-attempts", "three"), "expected a whole number, got 'three'"),
        (("--max-attempts", "0"), "expected a whole number of at least 1; got 0"),
        (("--target", "azure"), "expected one of embedded, aws, got 'azure'"),
        (("--image-ref", "atlas:latest"), "the image is not pinned by digest: 'atlas:latest'"),
        (("--image-ref", ""), "option --image-ref is empty"),
        (("--backup-uri", "s3://somebody-elses/atlas/backups/one"), "the embedded world has no s3://somebody-elses"),
        (("--scenario", "stale-pipelin"), "did you mean 'stale-pipeline'?"),
        (("--start-at", "lunch"), "--start-at names no window; expected bringup, restore, validate, promote, teardown"),
        (("--stop-after", "teardown"), "--stop-after names no window"),
        (("--start-at", "validate", "--stop-after", "bringup"), "the window ends before it starts"),
        (("--validate-only", "--diagnostics-only"), "exclude each other"),
        (("--validate-only", "--stop-after", "promote"), "windows of their own"),
        (("--start-at", "teardown", "--teardown", "false"), "leaves nothing to run"),
        (("--start-at", "teardown", "--stop-after", "restore"), "runs teardown alone"),
        (("--start-at", "restore"), "builds on phase bringup, which this run leaves out"),
        (("--validate-only", "--receipt-dir", "reports/none"), "is no bundle"),
        (("--run-id", "a/b"), "the run id is no folder name"),
        (("--run-id", ".."), "the run id is no folder name"),
    ],
)
def test_a_malformed_request_is_refused_with_what_was_expected(desk, words, said):
    assert said in desk.refused(*DRILL, *words)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--backup-uri", "https://bucket/key"), "expected a URI that starts with s3://, got 'https://bucket/key'"),
        (("--backup-uri", "s3://atlas-backups"), "expected a key prefix after the bucket"),
        (("--expected-account-id", "12345"), "expected an account number of 12 digits, got '12345'"),
        (("--scenario", "stale-pipeline"), "injects a failure into the embedded world; expected --target embedded"),
    ],
)
def test_a_malformed_place_of_a_live_target_is_refused(live, words, said):
    assert said in live.refused(*LIVE, "--allow-full-drill", *words)


def test_a_live_target_without_its_expected_account_is_refused(live):
    live.write("drproof.toml", live_settings().replace('account_id = "444455556666"\n', ""))

    output = live.refused(*LIVE, "--allow-full-drill")

    assert "sites.recovery.account_id is not set" in output
    assert "--expected-account-id" in output


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('target = "embedded"\n[criteria]\nrtoo = "30m"\n', "did you mean 'criteria.rto'?"),
        ('targt = "embedded"\n', "did you mean 'target'?"),
        ("target = embedded\n", "drproof.toml cannot be read"),
        ('target = "embedded"\n[limits]\nbackoff = 15\n', "expected a duration with its unit, such as '15s', got 15"),
        ('target = "embedded"\n[promotion]\nauto_promote = "perhaps"\n', "expected true or false, got 'perhaps'"),
        ('target = "embedded"\n[primary.alarms]\nnames = []\n', "has nothing to judge"),
    ],
)
def test_settings_that_are_not_understood_are_refused(desk, text, said):
    desk.write("drproof.toml", text)

    assert said in desk.refused("-m", "drill")


def test_two_plans_in_one_expression_are_refused(desk):
    output = desk.refused("-m", "drill or health-check", "--target", "embedded")

    assert "names 2 plans (drill, health-check)" in output


def test_a_read_only_plan_has_no_windows(desk):
    assert "plan health has no windows" in desk.refused(
        "-m", "health-check", "--target", "embedded", "--stop-after", "restore"
    )


def test_a_read_only_plan_builds_on_no_earlier_run(desk):
    assert "builds on no earlier run" in desk.refused(
        "-m", "health-check", "--target", "embedded", "--receipt-dir", "reports/up"
    )


def test_a_check_of_no_bundle_is_refused(desk):
    assert "no bundle is named" in desk.refused("-m", "bundle-check")
    assert "is no readable bundle" in desk.refused("-m", "bundle-check", "--bundle-dir", "reports/none")


@pytest.mark.parametrize("side", ["primary", "recovery"])
def test_a_site_that_is_another_account_is_refused_before_anything_is_created(desk, side):
    # Its topic lies there too: one of a stranger's account is refused before any site is asked.
    topic = "arn:aws:sns:us-west-2:999900001111:atlas-dr-notifications"
    theirs = f'[recovery]\ntopic_arn = "{topic}"\n' if side == "recovery" else ""
    site = f'[sites.{side}]\naccount_id = "999900001111"\nowner = "999900001111"\n'
    desk.write("drproof.toml", f'target = "embedded"\n{site}{theirs}')

    output = desk.refused("-m", "drill", "--run-id", "wrong")

    assert f"the {side} site answers from account" in output
    assert "expected account 999900001111" in output


def test_a_site_in_another_region_than_its_topic_is_refused(desk):
    desk.write("drproof.toml", 'target = "embedded"\n[sites.recovery]\nregion = "eu-west-1"\n')

    assert "expected arn:aws:sns:eu-west-1:444455556666:<name>; got us-west-2" in desk.refused("-m", "drill")


def test_a_run_id_that_is_taken_is_refused_and_its_folder_is_left_as_it_is(desk):
    note = desk.write("reports/taken/note.txt", "somebody's")

    output = desk.refused(*DRILL, "--run-id", "taken")

    assert "taken exists already" in output
    assert note.read_text() == "somebody's"


def test_a_place_for_reports_that_cannot_be_written_is_refused(desk):
    desk.write("reports", "a file where the folder should be")

    output = desk.refused(*DRILL)

    assert "cannot be written" in output
    assert "next: the same command with --reports-dir <another folder>" in output


FULL = """
import resource
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
"""
"""A plugin that lets no file of this process and its children grow beyond 100 kB."""


def test_a_full_disk_is_refused_and_nothing_is_lost(desk):
    keep = desk.write("reports/earlier/note.txt", "somebody's")
    desk.write("full.py", FULL)

    output = desk.refused("-p", "full", *DRILL)

    assert "cannot be written" in output
    assert "nothing was changed" in output
    assert keep.read_text() == "somebody's"
