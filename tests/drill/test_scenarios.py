"""Each injected failure ends as its row in the table says: exit status, phases, contracts, effects."""

import tomllib
from collections.abc import Callable
from importlib.resources import files
from typing import Any

import pytest

from drproof.cli.looking import scenario_page

TABLE: dict[str, dict[str, Any]] = tomllib.loads((files("drproof") / "embedded" / "scenarios.toml").read_text())
CREATING = ("RunInstances", "CreateVolume", "CreateSecurityGroup")


def sampled(names: list[str], end: Callable[[dict[str, Any]], object]) -> list[Any]:
    """Return the scenarios as parameters: CI runs the first of each kind of end, `make sweep` all."""
    seen: set[object] = set()
    found = []
    for name in names:
        kind = repr(end(TABLE[name]))
        found.append(pytest.param(name, id=name, marks=(pytest.mark.exhaustive,) if kind in seen else ()))
        seen.add(kind)
    return found


def of_a_drill(row: dict[str, Any]) -> object:
    """How it ends, which phases that brings into which outcome, and whether one of them was tried again."""
    return row["outcome"], row["phases"], bool(row.get("attempts") or row.get("retried"))


def of_a_look(row: dict[str, Any]) -> object:
    """The plan, how it ends, and the phase that sees it: what each contract refutes is shown beside the contract."""
    return row["mark"], row["outcome"], row["phases"]


@pytest.mark.parametrize("name", sampled([name for name, row in TABLE.items() if "mark" not in row], of_a_drill))
def test_a_drill_ends_as_the_table_says(injected, name):
    row = TABLE[name]

    drill = injected(name)

    assert drill.status == row["exit"], drill.output
    if row["outcome"] == "refused":
        assert drill.directory is None, "a refused drill leaves nothing"
        return
    assert drill.closing["outcome"] == row["outcome"]
    found = drill.verified()
    honest = {"proven": set(), "refuted": {"refuted"}, "incomplete": {"incomplete"}}[row["outcome"]]
    assert ({problem.code for problem in found.problems}, found.level) == (honest, 1), found.problems
    assert found.status == {"proven": 0, "refuted": 3, "incomplete": 4}[row["outcome"]]
    assert {phase: drill.outcomes[phase] for phase in row["phases"]} == row["phases"]
    refuted = drill.named("refuted")
    assert refuted >= set(row["refuted"]) if row.get("others_refuted") else refuted == set(row["refuted"])
    tries = {phase: receipt["attempts"] for phase, receipt in drill.receipts.items()}
    assert {phase: len(tries[phase]) for phase in row.get("attempts", {})} == row.get("attempts", {})
    assert all(len(tries[phase]) > 1 for phase in row.get("retried", ()))
    for phase, reason in row.get("reasons", {}).items():
        assert any(reason in said for one in tries[phase] for said in (one["error"], *one["error_tail"])), tries[phase]
    created = [call for call in drill.calls if call["action"] in CREATING and call["status"] == 200]
    assert bool(created) is row["creates"]
    if "stored" in row:
        assert all(not file["problem"] for file in drill.read("receipts-store.json")["files"]) is row["stored"]
    if "need_for_recovery" in row:
        reasons = drill.receipts["check_health"]["observed"]["reasons"]
        assert any(reason.startswith(row["need_for_recovery"]) for reason in reasons), reasons
    if "blocked_from" in row:
        phases = list(drill.receipts)
        after = phases[phases.index(row["blocked_from"]) :]
        others = {phase for phase in after if drill.outcomes[phase] != "blocked"}
        assert others <= {"notify", "teardown"}


@pytest.mark.parametrize("name", sampled([name for name, row in TABLE.items() if "mark" in row], of_a_look))
def test_a_plan_that_only_looks_ends_as_the_table_says(operator, name):
    row = TABLE[name]

    ran = operator.run("-m", row["mark"], "--target", "embedded", "--scenario", name)

    assert ran.status == row["exit"], ran.output
    assert ran.closing["outcome"] == row["outcome"]
    refuted = ran.named("refuted")
    assert refuted >= set(row["refuted"]) if row.get("others_refuted") else refuted == set(row["refuted"]), ran.output
    assert {phase: ran.outcomes[phase] for phase in row["phases"]} == row["phases"]


@pytest.mark.parametrize(
    "name", sampled([name for name, row in TABLE.items() if row.get("health_refuted")], lambda row: row["health_exit"])
)
def test_the_health_check_refutes_the_same_world_by_name(operator, name):
    row = TABLE[name]

    health = operator.run("-m", "health-check", "--target", "embedded", "--scenario", name)

    assert health.status == row["health_exit"], health.output
    assert set(row["health_refuted"]) <= health.named("refuted")


def test_two_runners_leaves_the_stranger_and_lists_it(injected):
    drill = injected("two-runners")

    foreign = drill.receipts["teardown"]["observed"]["foreign"]
    (stranger,) = [item for item in foreign if item["kind"] == "instance"]
    left = [instance["id"] for instance in drill.inventory["instances"]]
    assert left == [stranger["identity"]]
    assert "2 machines carry the tags" in drill.receipts["resolve_runner"]["reason"]


def test_residue_is_named_with_the_command_that_removes_it(injected):
    drill = injected("teardown-leaves-residue")

    (left,) = drill.receipts["teardown"]["observed"]["residue"]
    assert left["kind"] == "volume"
    assert left["remove_command"] in drill.output
    assert left["identity"] in left["remove_command"]


@pytest.mark.parametrize("name", ["terraform-apply-unheard", "terraform-state-torn"])
def test_whatever_the_tool_or_its_state_says_no_machine_is_left(injected, name):
    drill = injected(name)

    assert len({call["named"][0] for call in drill.called("TerminateInstances") if call["status"] == 200}) == 1
    assert drill.inventory["instances"] == []
    assert drill.inventory["volumes"] == []


def test_a_machine_that_nobody_may_end_is_named_with_the_command_that_undoes_the_drill(injected):
    drill = injected("terraform-destroy-fails")

    (left,) = drill.inventory["instances"]
    assert "STILL UP" in drill.output
    assert (
        f"reports/{drill.bundle.name}" in drill.output.partition("pytest -m drill --start-at teardown --receipt-dir")[2]
    )
    assert left["tags"]["drproof:drill"] == drill.bundle.name


def test_the_table_and_its_documentation_are_one(pytestconfig):
    page = (pytestconfig.rootpath / "docs" / "scenarios.md").read_text()

    assert page == scenario_page(), "next: drproof scenarios --markdown > docs/scenarios.md"
