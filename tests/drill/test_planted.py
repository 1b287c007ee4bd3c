"""Secrets of 40 kinds, planted wherever a drill meets words of others, appear in nothing that it leaves or prints."""

import json
import os
from pathlib import Path

import jsonschema_rs
import pytest

from drproof.cli.looking import compare_page
from drproof.cli.schemas import documents, schema_for
from drproof.evidence.redaction import MASK
from tests.drill.conftest import Drill, Operator
from tests.drill.plants import Plant, forms, grow

SEED = 20261126
TESTS = str(Path(__file__).parents[2])

SETTINGS = """
target = "embedded"

[job]
show_log = true

[[validation.commands]]
name = "says_them"
run = "cat {folder}/raw.txt"

[[validation.commands]]
name = "says_them_in_json"
run = "cat {folder}/json.txt >&2"

[[validation.commands]]
name = "says_them_over_two_lines"
run = "cat {folder}/split.txt"
"""

USERS_TEST = """
import os

import pytest

from tests.drill.plants import grow

PLANTS = grow(int(os.environ["PLANTS_SEED"]))

@pytest.mark.drill
@pytest.mark.parametrize("number", range(len(PLANTS)))
def test_mine(check_health, number, record_property):
    token = PLANTS[number].shown
    print(f"I was given {token}")
    record_property("given", token)
    held = {"value": token}
    raise RuntimeError(f"refused: {token}")
"""


class Planter(Operator):
    """An operator whose drills meet secrets; allure-pytest is on, and pytest shows all that it can."""

    seed = SEED

    def command(self, *words: str) -> list[str]:
        return [word.replace("no:allure_pytest", "no:randomly") for word in super().command(*words)]

    def plant(self, *places: str, words: tuple[str, ...] = ()) -> tuple[Drill, list[Plant]]:
        plants = list(grow(self.seed))
        secret = self.folder.with_name(f"{self.folder.name}-secret")
        secret.mkdir()
        texts = [plant.shown for plant in plants]
        (secret / "raw.txt").write_text("\n".join(texts))
        (secret / "json.txt").write_text(
            "\n".join(json.dumps({"output": json.dumps({"line": text})}) for text in texts)
        )
        (secret / "split.txt").write_text("\n".join(f"{t[: len(t) // 2]}\n{t[len(t) // 2 :]}" for t in texts))
        (self.folder / "drproof.toml").write_text(SETTINGS.replace("{folder}", str(secret)))
        (self.folder / "tmp").mkdir()
        drill = self.run(
            *("-p", "tests.drill.planting", "-m", "drill", "--run-id", "d", "--junitxml", "junit.xml"),
            *("-v", "-ra", "--showlocals", "--tb=long", *words),
            PYTHONPATH=os.pathsep.join((TESTS, str(self.folder))),
            PYTHONDONTWRITEBYTECODE="1",
            TMPDIR=str(self.folder / "tmp"),
            PLANTS_SEED=str(self.seed),
            PLANTS_PLACES=",".join(places),
            COLUMNS="200",
        )
        (self.folder / "shown.txt").write_text(drill.output)
        return drill, plants


def leaked(folder: Path, plants: list[Plant]) -> list[str]:
    """Return each place at which something of a plant can be found again."""
    found = []
    files = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    assert len(files) > 20
    for plant in plants:
        for form in forms(plant):
            found += [
                f"{plant.kind} in {path.relative_to(folder)}" for path, data in files.items() if form.encode() in data
            ]
    return sorted(set(found))


@pytest.fixture
def planter(tmp_path: Path) -> Planter:
    folder = tmp_path / "folder"
    folder.mkdir()
    return Planter(folder)


def test_what_commands_logs_and_journal_say_is_kept_without_secrets(planter: Planter):
    drill, plants = planter.plant("tell_the_log_and_the_journal")

    assert drill.receipts["inspect_runner"]["outcome"] == "passed", drill.output
    assert leaked(planter.folder, plants) == []
    said = json.dumps(drill.receipts["inspect_runner"]["observed"], ensure_ascii=False)
    assert said.count(MASK) >= 3 * 15
    assert (drill.bundle / "logs/check_health.log").read_text().count(MASK) >= len(plants)


@pytest.mark.exhaustive
def test_what_a_users_test_shows_of_its_variables_is_shown_without_secrets(planter: Planter):
    (planter.folder / "test_mine.py").write_text(USERS_TEST)

    drill, plants = planter.plant("let_the_job_print_them", words=("test_mine.py", "--stop-after", "bringup"))

    (planter.folder / "test_mine.py").unlink()
    assert drill.status == 1
    assert leaked(planter.folder, plants) == []
    assert (planter.folder / "junit.xml").read_text().count(MASK) >= 2 * len(plants)
    assert "test_mine" in drill.output


def test_a_receipt_that_would_hold_secrets_is_written_masked_and_the_bundle_is_incomplete(planter: Planter):
    drill, plants = planter.plant("observe_them")

    assert leaked(planter.folder, plants) == []
    receipt = drill.receipts["notify"]
    assert receipt["outcome"] == "passed"
    assert MASK in receipt["observed"]["message"]
    assert drill.closing["outcome"] == "incomplete"
    assert drill.status == 1
    (listed,) = (drill.bundle / "evidence/withheld").glob("receipts.*-notify.json")
    entries = json.loads(listed.read_bytes())["withheld"]
    assert {entry["where"] for entry in entries} == {"/observed/message", "/observed/subject"}
    assert "aws-access-key-id" in {entry["rule"] for entry in entries}
    assert all(entry in drill.closing["withheld"] for entry in entries)
    assert {entry["path"] for entry in entries} == {f"receipts/{receipt['sequence']:02}-notify.json"}
    assert "was not kept as it was" in drill.read("derived/drill.summary.json")["stop_reason"]


def test_a_page_says_what_was_withheld_after_all_was_judged_and_renders_to_its_own_bytes(planter: Planter):
    drill, plants = planter.plant("write_them_into_what_is_derived", words=("--stop-after", "bringup"))

    assert leaked(planter.folder, plants) == []
    assert not (drill.bundle / "derived/notes.txt").exists()
    assert {entry["path"] for entry in drill.closing["withheld"]} == {"derived/notes.txt"}
    assert drill.closing["outcome"] == "incomplete"
    page = (drill.bundle / "proof.html").read_text()
    assert "<title>Incomplete" in page
    assert "Files that were withheld." in page
    assert compare_page(drill.bundle) == ""
    for path in (drill.bundle / "evidence/withheld").iterdir():
        name = schema_for(path.relative_to(drill.bundle).as_posix())
        assert name == "withheld.v1.json"
        jsonschema_rs.Draft202012Validator(json.loads(documents()[name])).validate(json.loads(path.read_bytes()))


@pytest.mark.exhaustive
def test_what_a_job_prints_at_its_end_is_kept_without_secrets(planter: Planter):
    words = ("--scenario", "validation-job-fails", "--no-retry")
    drill, plants = planter.plant("let_the_job_print_them", words=words)

    assert drill.receipts["validate"]["outcome"] == "failed", drill.output
    assert MASK in json.dumps(drill.receipts["validate"]["attempts"], ensure_ascii=False)
    assert leaked(planter.folder, plants) == []


@pytest.mark.parametrize(
    ("place", "phase"),
    [
        ("let_the_target_refuse_with_them", "check_health"),
        ("fail_as_a_defect_with_them", "read_restore_point"),
        ("store_them_in_the_restore_point", "read_restore_point"),
    ],
)
def test_errors_and_contents_of_the_target_are_kept_without_secrets(planter: Planter, place: str, phase: str):
    drill, plants = planter.plant(place, words=("--stop-after", "bringup"))

    assert drill.status == 1
    assert MASK in (drill.bundle / next(p for p in _receipts(drill) if phase in p)).read_text()
    assert leaked(planter.folder, plants) == []


def _receipts(drill: Drill) -> list[str]:
    return [f"receipts/{path.name}" for path in (drill.bundle / "receipts").iterdir()]


def test_an_honest_drill_masks_nothing_and_withholds_nothing(planter: Planter):
    drill = planter.drill("--run-id", "honest", "--junitxml", "junit.xml", "-v")

    assert drill.status == 0, drill.output
    assert not (drill.bundle / "evidence/withheld").exists()
    assert not list((drill.bundle / "evidence").glob("*.redactions.json"))
    assert [path for path in planter.folder.rglob("*") if path.is_file() and MASK.encode() in path.read_bytes()] == []
    assert not drill.bundle.with_name("honest.private").exists()
