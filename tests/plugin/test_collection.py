"""What pytest only shows, or was not asked to run, touches nothing."""

import re

import pytest

from tests.plugin.conftest import live_settings

ORDER = (
    "check_health", "read_restore_point", "bringup", "resolve_runner", "reach_cluster", "restore_state", "restore",
    "inspect_cluster", "inspect_runner", "validate", "notify",
    "capture_alarms", "request_manual_approval", "promote", "teardown",
)  # fmt: skip
THEIRS = "def test_theirs():\n    pass\n"
HEAVY = (
    "drproof.engine",
    "drproof.catalog",
    "drproof.report",
    "boto3",
    "botocore",
    "kubernetes",
    "msgspec",
    "jinja2",
    "typer",
)
CENSUS = f"""
import sys

def pytest_unconfigure(config):
    found = [name for name in {HEAVY!r} if name in sys.modules]
    print("LOADED", found, "OPTION", hasattr(config.option, "drproof_target"))
"""


def test_the_watch_of_these_tests_sees_processes_and_sockets(watched):
    watched.write(
        "test_noisy.py",
        "import socket, subprocess, sys\ndef test_noisy():\n"
        "    socket.socket().connect_ex(('127.0.0.1', 9))\n    subprocess.run([sys.executable, '-c', ''])\n",
    )

    seen = watched.run("test_noisy.py").output

    assert "TOUCHED socket.connect" in seen
    assert "TOUCHED subprocess.Popen" in seen


@pytest.mark.parametrize("words", [("--collect-only", "-q"), ("--setup-plan",)])
def test_a_plan_that_is_only_shown_touches_nothing(watched, words):
    before = watched.names()

    shown = watched.run("-p", "no:cacheprovider", "-m", "drill", "--target", "embedded", *words)

    assert shown.status == 0, shown.output
    assert "test_phase[teardown]" in shown.output
    assert "TOUCHED" not in shown.output
    assert watched.names() == before


def test_a_live_plan_that_is_only_shown_touches_nothing(watched):
    watched.write("drproof.toml", live_settings())

    shown = watched.run("-m", "drill", "--allow-full-drill", "--signer", "file2:nowhere", "--collect-only", "-q")

    assert shown.status == 0, shown.output
    assert "TOUCHED" not in shown.output
    assert shown.directory is None


def test_the_setup_plan_shows_each_phase_once_in_the_order_of_the_plan(desk):
    shown = desk.run("-m", "drill", "--target", "embedded", "--setup-plan")

    setups = re.findall(r"SETUP    S (\w+)", shown.output)
    assert tuple(name for name in setups if name in ORDER) == ORDER


def test_each_item_sets_up_its_own_phase_and_no_later_one(desk):
    lines = desk.run("-m", "drill", "--target", "embedded", "--setup-plan").output.splitlines()

    first_item = next(n for n, line in enumerate(lines) if "::test_phase[check_health]" in line)
    begun = {found[1] for line in lines[:first_item] if (found := re.search(r"SETUP    S (\w+)", line))}
    assert begun & set(ORDER) == {"check_health"}
    for phase in ORDER:
        item = next(line for line in lines if f"::test_phase[{phase}]" in line)
        assert set(re.findall(r"\w+", item.partition("fixtures used:")[2])) & set(ORDER) == {phase}


def test_items_stand_after_the_phase_that_they_are_about(desk):
    shown = desk.run("-m", "drill", "--target", "embedded", "--collect-only", "-q").output
    items = [line for line in shown.splitlines() if "::test_" in line]

    phases = [line.partition("[")[2].rstrip("]") for line in items if "test_phase" in line]
    assert tuple(phases) == ORDER
    for subject in ("metadata.json", "state.tar.zst", "manifests.tar.zst"):
        judged = next(n for n, line in enumerate(items) if f"backup_object_matches_its_metadata:{subject}" in line)
        read = next(n for n, line in enumerate(items) if "test_phase[read_restore_point]" in line)
        assert read < judged
    residue = next(n for n, line in enumerate(items) if "no_residue_is_left" in line)
    assert residue > next(n for n, line in enumerate(items) if "test_phase[teardown]" in line)


@pytest.mark.parametrize(
    "words",
    [("-m", "not slow"), ("-m", "not drill"), ("-m", "drill or not slow"), ("-k", "drill"), ()],
    ids=["not slow", "not drill", "drill or not slow", "k drill", "plain"],
)
def test_a_run_that_names_no_plan_positively_runs_none_of_our_items(watched, words):
    watched.write("drproof.toml", 'target = "embedded"\n')
    watched.write("test_drill.py", THEIRS)

    ran = watched.run(*words, "--pyargs", "drproof.checks", "test_drill.py")

    assert ran.status == 0, ran.output
    assert "1 passed" in ran.output
    assert "TOUCHED" not in ran.output
    assert ran.directory is None


def test_an_unrelated_run_imports_nothing_heavy_and_has_no_option_of_ours(desk):
    desk.write("census.py", CENSUS)
    desk.write("test_theirs.py", THEIRS)

    ran = desk.run("-p", "census")

    assert ran.status == 0, ran.output
    assert "LOADED [] OPTION False" in ran.output
    assert "--backup-uri" not in desk.run("--help").output
    assert desk.run("--backup-uri", "s3://bucket/key").status == pytest.ExitCode.USAGE_ERROR


@pytest.mark.parametrize(
    "words",
    [
        ("-m", "drill"),
        ("-mdrill",),
        ("-m=drill",),
        ("-qmdrill",),
        ("-qm", "drill"),
        ("-m", "drill and not slow"),
        ("-m", "(drill)"),
    ],
    ids=" ".join,
)
def test_a_plan_is_named_in_every_way_that_pytest_accepts(desk, words):
    shown = desk.run(*words, "--target", "embedded", "--collect-only")

    assert shown.status == 0, shown.output
    assert "test_phase" in shown.output


def test_a_plan_may_be_named_in_a_configuration_file(desk):
    desk.write("pytest.ini", "[pytest]\naddopts = -m drill --target embedded\n")

    assert "test_phase" in desk.run("--collect-only").output


def test_help_for_a_plan_lists_our_options(desk):
    text = desk.run("-m", "drill", "--help", DRPROOF_TARGET="embedded").output

    assert "--backup-uri" in text
    assert "--dr-backup-uri" in text
