"""Terraform's sources are judged by what stands in them, whoever wrote them, and by nothing that was not read."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from drproof.engine.imports import Imported
from drproof.engine.orchestrated import Asked, check
from drproof.engine.refusal import Refusal
from tests.guardrails.cases import CASES, lay_out

ROOT = Path(__file__).parents[2]
OURS = ("orchestrator", "reaper", "recovery")
ACCEPTED = """[guardrails]
always_on = [
    "orchestrator/aws_cloudwatch_event_rule.watcher",
    "orchestrator/aws_cloudwatch_metric_alarm.watcher",
    "reaper/aws_cloudwatch_event_rule.schedule",
]
"""


def _judge(folder: Path, *modules: Path) -> Imported:
    return check(Asked(modules=modules), {}, folder, folder / "bundle")


def _doubtful(judged: Imported) -> dict[str, str]:
    return {one.name: one.status.value for one in judged.conclusion.verdicts if not one.proven}


@pytest.mark.parametrize("name", CASES)
def test_a_module_is_judged_by_what_stands_in_it(name, tmp_path):
    case = lay_out(name, tmp_path)

    judged = _judge(tmp_path, *case.modules)

    told = json.dumps({one.name: one.reason for one in judged.conclusion.verdicts if not one.proven}, indent=1)
    assert _doubtful(judged) == case.expected["not_proven"], told
    for reason in case.expected.get("reasons", ()):
        assert reason in json.loads(told).__str__(), told
    assert (judged.conclusion.outcome == "proven") is name.endswith("_ok"), told


def test_every_finding_says_how_much_was_read(tmp_path):
    judged = _judge(tmp_path, *lay_out("small_ok", tmp_path).modules)

    assert len(judged.conclusion.verdicts) == 8
    for verdict in judged.conclusion.verdicts:
        assert verdict.observed["read"] == "2 of 2 files, 468 bytes, 5 blocks", verdict.name


def test_our_own_modules_pass_the_guardrails_that_we_ship(tmp_path):
    (tmp_path / "drproof.toml").write_text(ACCEPTED)

    judged = _judge(tmp_path, *(ROOT / "deploy" / "terraform" / name for name in OURS))

    reasons = {one.name: one.reason for one in judged.conclusion.verdicts if not one.proven}
    assert reasons == {}
    assert judged.conclusion.outcome == "proven"
    assert len(judged.conclusion.verdicts) == 8 * len(OURS)
    switched = next(
        one for one in judged.conclusion.verdicts if one.name == "triggers_are_off_by_default[orchestrator]"
    )
    assert len(switched.observed["seen"]["switches"]) > 3, "what is off is seen, not absent"


def test_what_is_always_on_is_refuted_where_nobody_accepted_it(tmp_path):
    judged = _judge(tmp_path, ROOT / "deploy" / "terraform" / "orchestrator")

    assert _doubtful(judged) == {"triggers_are_off_by_default[orchestrator]": "refuted"}


def test_sources_alone_are_a_part_of_the_plan_and_say_so(tmp_path):
    judged = _judge(tmp_path, *lay_out("small_ok", tmp_path).modules)

    plan = json.loads((tmp_path / "bundle" / "plan.json").read_bytes())
    assert not judged.conclusion.full
    assert "read_execution" in plan["window"]["left_out"]
    assert plan["phases"] == ["read_terraform"]


def test_folders_of_one_name_are_told_apart_without_saying_where_they_lie(tmp_path):
    for side in ("a", "b"):
        lay_out("small_ok", tmp_path / side)
    (tmp_path / "drproof.toml").write_text("")

    judged = _judge(tmp_path, *(tmp_path / side / "sources" / "module" for side in ("a", "b")))

    subjects = {one.subject for one in judged.conclusion.verdicts}
    assert subjects == {"a/sources/module", "b/sources/module"}
    assert str(tmp_path) not in "".join(path.read_text() for path in (tmp_path / "bundle").rglob("*.json"))


@pytest.mark.parametrize(
    ("places", "message"),
    [
        (("not-there",), "is no folder"),
        (("module", "module"), "is named twice"),
        ((), "no execution is named"),
    ],
)
def test_what_cannot_be_read_at_all_is_refused_with_the_next_command(places, message, tmp_path):
    (tmp_path / "module").mkdir()

    with pytest.raises(Refusal, match=message) as refused:
        _judge(tmp_path, *(tmp_path / place for place in places))

    assert "next: " in str(refused.value)
    assert not (tmp_path / "bundle").exists()


def test_a_link_among_the_sources_is_not_followed(tmp_path):
    case = lay_out("small_ok", tmp_path)
    (tmp_path / "elsewhere.tf").write_text("locals {}\n")
    (case.modules[0] / "linked.tf").symlink_to(tmp_path / "elsewhere.tf")

    judged = _judge(tmp_path, *case.modules)

    assert set(_doubtful(judged).values()) == {"unproven"}
    assert "linked.tf: a link, not a file" in judged.conclusion.verdicts[0].reason


def test_pytest_judges_sources_without_a_target_or_an_account(tmp_path):
    case = lay_out("trigger_on_by_a_literal_fail", tmp_path)
    words = [sys.executable, "-m", "pytest", "-m", "orchestrator-check", "-p", "no:cacheprovider"]
    bare = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "DRPROOF_"))}

    found = subprocess.run(
        [*words, "--terraform-dir", str(case.modules[0])],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
        env=bare,
    )

    assert found.returncode == 1, found.stdout
    assert "refuted triggers_are_off_by_default[module]" in found.stdout
    assert "7 of 8 claims are proven" in found.stdout
