"""Each known defect of the reference system is noticed: by a contract that is seen to fail, or by a refusal."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from drproof import catalog
from drproof.cli.app import app
from drproof.engine.imports import collect
from drproof.engine.preparation import DrillRequest, prepare
from drproof.engine.refusal import Refusal
from drproof.engine.settings import resolve, scenarios
from drproof.formats import backup_metadata
from drproof.model.errors import FormatError
from drproof.model.verdict import Status
from tests.contracts.checks import variants
from tests.contracts.known_defects import OWN, Defect
from tests.contracts.known_defects_handed import HANDED, HandedDefect
from tests.imports.cases import CASES, lay_out

CONTRACTS = {contract.name: contract for contract in catalog.contracts()}
PAGE = (Path(__file__).parents[2] / "docs" / "known-defects.md").read_text(encoding="utf-8")
ITEMS = tuple(str(number) for number in (*range(1, 13), 18, 19, 20, 21))
ROWS: tuple[Defect | HandedDefect, ...] = (*OWN, *HANDED)
ROWS_OF_THE_PAGE = tuple(
    tuple(line.split("|")[:5]) for line in PAGE.splitlines() if line.startswith("| ") and line[2].isdigit()
)
NAMED = {row.contract for row in ROWS}


@pytest.mark.parametrize("defect", OWN, ids=lambda defect: defect.name)
def test_a_defect_in_our_receipts_is_noticed_by_its_contract(defect: Defect):
    contract = CONTRACTS[defect.contract]

    found = {verdict.subject: verdict for verdict in defect.plant().verdicts(contract)}

    verdict = found[defect.subject] if defect.subject else next(iter(found.values()))
    assert verdict.status is defect.status, f"{verdict.observed}: {verdict.reason}"
    assert verdict.reason


@pytest.mark.parametrize("name", sorted(NAMED))
def test_a_contract_against_a_known_defect_passes_without_it_and_shows_that_it_can_fail(name: str):
    contract = CONTRACTS[name]

    verdicts = [verdict for _, evidence in variants(contract) for verdict in evidence.verdicts(contract)]

    assert contract.sabotages
    assert verdicts
    assert {verdict.status for verdict in verdicts} == {Status.PROVEN}


@pytest.fixture(scope="module")
def honest(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Status]:
    found: dict[str, Status] = {}
    for base in sorted({defect.base for defect in HANDED}):
        folder = tmp_path_factory.mktemp(base)
        imported = collect(lay_out(base, folder).handed, folder / "bundle")
        found |= {verdict.name: verdict.status for verdict in imported.conclusion.verdicts}
    return found


@pytest.mark.parametrize("defect", HANDED, ids=lambda defect: defect.name)
def test_a_defect_in_the_references_receipts_is_noticed_by_its_contract(
    defect: HandedDefect, tmp_path: Path, honest: dict[str, Status]
):
    case = lay_out(defect.base, tmp_path / "case")
    defect.plant(case.folder)

    imported = collect(case.handed, tmp_path / "bundle")

    found = {verdict.name: verdict for verdict in imported.conclusion.verdicts}
    verdict = found[defect.verdict]
    assert honest[defect.verdict] is Status.PROVEN
    assert verdict.status is defect.status, f"{verdict.observed}: {verdict.reason}"
    assert imported.conclusion.exit_status != 0


def _settings(name: str) -> Callable[[Path], Any]:
    return lambda _: resolve({"target": "aws"}, {}, None, needed=("target", name))


def _prepared(**options: str) -> Callable[[Path], Any]:
    def prepared(folder: Path) -> Any:
        given = {"target": "embedded", **options}
        return prepare(DrillRequest(plan="recovery", options=given, environment={}, directory=folder))

    return prepared


REFUSED: dict[str, tuple[Callable[[Path], Any], type[Exception], str]] = {
    "6: no recovery time objective": (_settings("criteria.rto"), Refusal, "criteria.rto is not set"),
    "6: no recovery point objective": (_settings("criteria.rpo"), Refusal, "criteria.rpo is not set"),
    "6: no limit of freshness of one's own": (
        _settings("primary.freshness_limit"),
        Refusal,
        "primary.freshness_limit is not set",
    ),
    "9: a word that only looks like a boolean": (
        _prepared(auto_promote="approved"),
        Refusal,
        "expected true or false",
    ),
    "21: a drill of a backup that nothing here restores": (_prepared(backup_layout="onprem"), Refusal, "onprem"),
    "21: the metadata of the other layout": (
        lambda _: backup_metadata.parse(
            json.dumps({"schema_version": 1, "db_mode": "pg_dump", "checksums": {}}).encode()
        ),
        FormatError,
        "encrypted",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_defect_that_can_be_seen_beforehand_is_refused(name: str, tmp_path: Path):
    attempt, error, said = REFUSED[name]

    with pytest.raises(error, match=said):
        attempt(tmp_path)


@pytest.mark.parametrize(
    "words",
    [
        ["compare", "{run}", "{run}"],
        ["compare-prefixes", "s3://atlas-primary/atlas/", "s3://atlas-primary/atlas/"],
    ],
    ids=lambda words: f"5: {words[0]} of one with itself",
)
def test_what_is_compared_with_itself_is_refused(words: list[str], tmp_path: Path):
    said = CliRunner().invoke(app, [word.format(run=tmp_path) for word in words])

    assert said.exit_code == 2
    assert "same run as" in said.output or "both sides are" in said.output


def test_every_item_is_planted_or_refused():
    planted = {row.item for row in ROWS} | {name.partition(":")[0] for name in REFUSED}

    assert planted == set(ITEMS)


def test_the_page_names_every_contract_that_is_asked_and_no_other():
    noticing = {word for _, _, _, by, _ in ROWS_OF_THE_PAGE for word in by.split("`")[1::2]}
    names = {word for word in noticing if word.isidentifier() and "_" in word}

    assert [row[1].strip() for row in ROWS_OF_THE_PAGE] == list(ITEMS)
    assert names == NAMED


def test_the_page_names_scenarios_and_cases_that_there_are():
    known = {*scenarios(), *CASES}
    for _, item, _, _, seen in ROWS_OF_THE_PAGE:
        words = seen.split("`")[1::2]

        assert set(words) <= known
        assert words, item
