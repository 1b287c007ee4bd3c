"""A trigger that is on follows a verified drill, or the check is red: real bundles, and the reader's own trust file."""

import json
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from drproof import catalog
from drproof.engine.named import drills_in, machine_of
from drproof.engine.orchestrated import Asked, check
from drproof.engine.preparation import DrillRequest, prepare
from drproof.engine.refusal import Refusal
from drproof.model.criteria import Approval
from tests.attacks.bundles import UNSTORED, Drill, build, sign_off
from tests.attacks.keys import APPROVER, RUNNER, SECOND, trust, trusted
from tests.contracts.observed import at
from tests.orchestrator.cases import lay_out

CONTRACT = "executions_start_by_themselves_only_after_a_verified_drill"
RULE, ALARM = (
    f"{CONTRACT}[{name}]" for name in ("rule atlas-dr-orchestrator-schedule", "alarm atlas-dr-orchestrator-start")
)
MACHINE = "arn:aws:states:us-west-2:444455556666:stateMachine:atlas-dr"
EXECUTION = "arn:aws:states:us-west-2:444455556666:execution:atlas-dr:before"
OF_THE_MACHINE = UNSTORED.asking(approval=Approval(execution_arn=EXECUTION))
WHOLE = Drill(plan="recovery", phases=("check_health", "capture_alarms", "notify"), evidence=OF_THE_MACHINE)
"""A drill of the machine that the exported execution is of, live, proven and whole."""
TRUST = trust(trusted(RUNNER))
OLD_ENOUGH = "100000d"


@dataclass(frozen=True)
class World:
    """A folder with an exported execution whose rule is on, and with bundles beside it."""

    folder: Path
    execution: Path
    drills: list[Path] = field(default_factory=list)

    def bundle(self, drill: Drill, name: str = "drill", **more: bytes) -> "World":
        place = self.folder / name
        for path, data in {**build(drill), **more}.items():
            (place / path).parent.mkdir(parents=True, exist_ok=True)
            (place / path).write_bytes(data)
        return replace(self, drills=[*self.drills, place])

    def judge(self) -> tuple[dict[str, str], dict[str, str]]:
        """Return the status and the reason of each claim that is not proven."""
        place = self.folder / f"bundle-{len(list(self.folder.glob('bundle-*')))}"
        asked = Asked(folder=self.execution, drills=tuple(self.drills))
        judged = check(asked, {}, self.folder, place)
        doubtful = [one for one in judged.conclusion.verdicts if not one.proven]
        return {one.name: one.status.value for one in doubtful}, {one.name: one.reason for one in doubtful}


def _settings(folder: Path, *, age: str = OLD_ENOUGH, machine: str = MACHINE, trust_file: str = "trust.json") -> None:
    (folder / "drproof.toml").write_text(
        f'[orchestrator]\nmachine = "{machine}"\n[triggers]\nrules = ["atlas-dr-orchestrator-schedule"]\n'
        f'alarms = ["atlas-dr-orchestrator-start"]\ndrill_max_age = "{age}"\n[signing]\ntrust = "{trust_file}"\n'
    )


@pytest.fixture
def world(tmp_path: Path) -> World:
    case = lay_out("wired_ok", tmp_path)
    triggers = case.execution / "triggers.json"
    document = json.loads(triggers.read_bytes())
    for row in document["triggers"]:
        row["state"] = "ENABLED"
    triggers.write_text(json.dumps(document))
    export = case.execution / "export.json"
    export.write_text(json.dumps(json.loads(export.read_bytes()) | {"mode": "live"}))
    (tmp_path / "trust.json").write_bytes(TRUST)
    _settings(tmp_path)
    return World(tmp_path, case.execution)


def test_triggers_that_are_on_are_proven_by_a_verified_drill_of_that_machine(world):
    assert world.bundle(WHOLE).judge()[0] == {}


def test_without_a_drill_they_are_refuted_with_the_command_that_names_one(world):
    statuses, reasons = world.judge()

    assert statuses == {RULE: "refuted", ALARM: "refuted"}
    assert "no verified drill is named" in reasons[RULE]
    assert "next: run a drill, verify it, and name it: --verified-drill" in reasons[RULE]


ELSEWHERE = OF_THE_MACHINE.asking(
    sites=replace(
        UNSTORED.criteria.sites, recovery=replace(UNSTORED.criteria.sites.recovery, account_id="999900001111")
    )
)
STALE = OF_THE_MACHINE.facts("check_health", age_ms=50 * 3_600_000).asking(force_recovery=False)
AGAINST = {
    "rehearsal": (replace(WHOLE, mode="rehearsal"), "it is a rehearsal, which shows nobody's recovery"),
    "partial": (replace(WHOLE, full=False), "it is not verified: partial"),
    "unsigned": (replace(WHOLE, keys=()), "it is not verified: unsigned"),
    "unknown key": (replace(WHOLE, keys=(SECOND,)), "it is not verified: key-unknown"),
    "not closed": (replace(WHOLE, closed=False), "it is not verified: not-closed"),
    "another plan": (Drill(), "its plan is health, expected recovery"),
    "by pytest": (replace(WHOLE, evidence=UNSTORED), f"its state machine is none, expected {MACHINE}"),
    "another machine": (
        replace(
            WHOLE, evidence=UNSTORED.asking(approval=Approval(execution_arn=EXECUTION.replace("atlas-dr", "another")))
        ),
        "its state machine is arn:aws:states:us-west-2:444455556666:stateMachine:another, expected",
    ),
}


@pytest.mark.parametrize("name", AGAINST)
def test_what_speaks_against_a_drill_refutes_the_trigger(name, world):
    drill, reason = AGAINST[name]

    statuses, reasons = world.bundle(drill).judge()

    assert statuses == {RULE: "refuted", ALARM: "refuted"}, reasons
    assert reason in reasons[RULE]


def test_a_drill_whose_bytes_were_changed_is_refuted_and_one_that_cannot_be_read_is_open(world):
    changed = world.bundle(WHOLE)
    path = changed.drills[0] / "receipts" / "01-check_health.json"
    path.write_bytes(path.read_bytes().replace(b"check_health", b"check_wealth", 1))
    assert changed.judge()[0] == {RULE: "refuted", ALARM: "refuted"}

    empty = replace(world, drills=[world.folder / "nothing"])
    (world.folder / "nothing").mkdir()
    statuses, reasons = empty.judge()
    assert statuses == {RULE: "unproven", ALARM: "unproven"}
    assert "it cannot be read" in reasons[RULE]
    gone = replace(world, drills=[world.folder / "not-there"])
    assert gone.judge()[0] == {RULE: "unproven", ALARM: "unproven"}


def test_an_old_drill_is_refuted_by_the_bound_in_the_criteria(world):
    _settings(world.folder, age="1d")

    statuses, reasons = world.bundle(WHOLE).judge()

    assert statuses == {RULE: "refuted", ALARM: "refuted"}
    assert f"it was closed at {at(50)}, longer ago than 1 days" in reasons[RULE]


def test_without_a_trust_file_nobody_can_tell_and_the_claim_is_open(world):
    (world.folder / "drproof.toml").write_text((world.folder / "drproof.toml").read_text().partition("[signing]")[0])

    statuses, reasons = world.bundle(WHOLE).judge()

    assert statuses == {RULE: "unproven", ALARM: "unproven"}
    assert "no trust file says whose signature counts" in reasons[RULE]


def test_one_of_several_drills_is_enough(world):
    bad = replace(WHOLE, mode="rehearsal")

    assert world.bundle(bad, "bad").bundle(WHOLE, "good").judge()[0] == {}


def test_the_machine_is_the_executions_own_where_the_settings_name_none(world):
    _settings(world.folder, machine="")

    assert world.bundle(WHOLE).judge()[0] == {}
    other = UNSTORED.asking(approval=Approval(execution_arn=EXECUTION.replace("atlas-dr", "another")))
    assert world.bundle(replace(WHOLE, evidence=other), "other").judge()[0] == {RULE: "refuted", ALARM: "refuted"}


def test_a_rehearsal_counts_where_the_execution_was_one(world):
    export = world.execution / "export.json"
    export.write_text(json.dumps(json.loads(export.read_bytes()) | {"mode": "rehearsal"}))

    assert world.bundle(replace(WHOLE, mode="rehearsal")).judge()[0] == {}


def test_what_was_found_about_the_drill_is_on_record(world):
    signed = build(WHOLE)
    world.bundle(WHOLE, **{"after/approval.dsse.json": sign_off(signed, APPROVER)})

    (seen,) = drills_in([world.folder / "drill"], world.folder / "trust.json", at(60))

    assert (seen.name, seen.status, seen.trusted, seen.machine) == ("drill", 5, True, MACHINE)
    assert seen.codes == ("key-unknown",)
    assert (seen.mode, seen.plan, seen.outcome, seen.closed_at) == ("live", "recovery", "proven", at(50))
    assert (seen.account_id, seen.region) == ("444455556666", "us-west-2")
    assert len(seen.closing) == 64


@pytest.mark.parametrize(
    ("execution", "machine"),
    [
        (EXECUTION, MACHINE),
        ("", ""),
        (MACHINE, ""),
        (EXECUTION.replace(":execution:", ":express:"), ""),
        (f"{EXECUTION}:more", ""),
    ],
)
def test_the_machine_of_an_execution_is_told_by_its_arn(execution, machine):
    assert machine_of(execution) == machine


@pytest.mark.parametrize("plan", [catalog.RECOVERY, catalog.HEALTH, catalog.BACKUP])
@pytest.mark.parametrize(
    ("option", "message"), [("terraform_dir", "reads no sources"), ("verified_drill", "judges no trigger")]
)
def test_plans_that_judge_neither_refuse_both_options(plan, option, message, tmp_path):
    options: dict[str, Any] = {"target": "embedded", option: "folder"}

    with pytest.raises(Refusal, match=message) as refused:
        prepare(DrillRequest(plan=plan, options=options, environment={}, directory=tmp_path))

    assert "next: pytest -m " in str(refused.value)


def test_a_preflight_is_prepared_with_what_was_found_and_with_its_bar(tmp_path):
    (tmp_path / "drproof.toml").write_text('target = "embedded"\n[triggers]\nrules = ["a"]\ndrill_max_age = "7d"\n')
    (tmp_path / "empty").mkdir()

    request = DrillRequest(
        plan=catalog.PREFLIGHT, options={"verified_drill": ("empty",)}, environment={}, directory=tmp_path
    )
    prepared = prepare(request)

    (seen,) = prepared.collection.drills
    assert (seen.name, seen.status) == ("empty", 2)
    bar = prepared.criteria.by_itself
    assert (bar.drill_max_age_ms, bar.rehearsal) == (7 * 86_400_000, True)
    assert (bar.account_id, bar.region) == (prepared.settings.sites.recovery.account_id, "us-west-2")
