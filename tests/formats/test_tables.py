"""Untrusted bytes have one verdict each, under every supported Python: hostile archives, JSON, YAML and instants."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.formats import hostile_archives, pythons, tables

KINDS = len(hostile_archives.TARS) + len(hostile_archives.ZSTDS) + len(hostile_archives.GZIPS)
CVES = ("2007-4559", "2024-12718", "2025-4138", "2025-4330", "2025-4435", "2025-4517", "2025-8194", "2025-62518")


@pytest.fixture(scope="module")
def here():
    return pythons.tables(Path(sys.executable))


def test_every_hostile_archive_has_its_verdict_plain_and_compressed(here):
    expected = {name: verdict for name, _, verdict in tables.archive_cases()}

    assert here["verdicts"]["archive"] == expected
    assert KINDS >= 120
    assert sum(verdict != "sound" for verdict in expected.values()) >= 300
    assert [cve for cve in CVES if not any(name.startswith(f"cve-{cve}") for name in hostile_archives.TARS)] == []


def test_no_hostile_archive_takes_two_seconds_or_256_mebibytes_or_touches_a_disk(here):
    assert here["slowest"][1] < 2, here["slowest"]
    assert here["peak_bytes"] <= 256 << 20
    assert here["touched"] == []


def test_the_watch_over_the_disk_sees_what_is_written(tmp_path):
    code = (
        "import json, pathlib, sys\n"
        "from tests.formats import hostile_archives, tables\n"
        f"write = lambda: [pathlib.Path({str(tmp_path / 'escaped')!r}).write_bytes(b'')] and []\n"
        "hostile_archives.GZIPS['writes'] = (write, 'archive-truncated')\n"
        "json.dump(tables.measured()['touched'], sys.stdout)"
    )
    done = subprocess.run(
        [sys.executable, "-B", "-c", code], cwd=pythons.ROOT, capture_output=True, text=True, check=True, timeout=120
    )

    assert [line.partition(" ")[0] for line in json.loads(done.stdout)] == ["open"]


def test_every_case_of_json_test_suite_has_its_verdict(here):
    pinned = json.loads((tables.SUITE / "verdicts.json").read_bytes())
    said = here["verdicts"]

    names = {"strict": "json", "with fractions": "json with fractions", "canonical": "canonical json"}
    assert {case: {kind: said[table][case] for kind, table in names.items()} for case in said["json"]} == pinned


def test_nothing_that_is_no_json_is_read_and_all_that_is_json_is_but_duplicates(here):
    said = here["verdicts"]
    broken = {case: verdict for case, verdict in said["json with fractions"].items() if case.startswith("n_")}
    sound = {case: verdict for case, verdict in said["json with fractions"].items() if case.startswith("y_")}

    assert (len(broken), len(sound)) == (188, 95)
    assert [case for case in broken if "read" in (broken[case], said["json"][case], said["canonical json"][case])] == []
    assert {case: verdict for case, verdict in sound.items() if verdict != "read"} == {
        "y_object_duplicated_key.json": "json-duplicate-key",
        "y_object_duplicated_key_and_value.json": "json-duplicate-key",
    }


def test_every_document_of_yaml_has_the_verdict_of_its_folder_by_either_parser(here):
    for table in ("yaml by libyaml", "yaml by python"):
        said = here["verdicts"][table]
        assert len(said) >= 85
        assert {case: verdict for case, verdict in said.items() if verdict != case.partition("/")[0]} == {}


def test_every_instant_has_its_verdict_and_evidence_has_one_form(here):
    rows = json.loads(tables.CASES_OF_TIME.read_bytes())

    assert here["verdicts"]["instants of others"] == {name: row["foreign"] for name, row in rows.items()}
    assert here["verdicts"]["instants of evidence"] == {name: row["evidence"] for name, row in rows.items()}
    assert len(rows) >= 60
    forms = {row["text"] for row in rows.values() if row["evidence"] != "timestamp"}
    assert {len(text) for text in forms} == {len("2026-01-31T12:00:00.000Z")}


@pytest.mark.costly("other releases of Python")
@pytest.mark.parametrize(
    "release", [name for name in pythons.SUPPORTED if name != ".".join(map(str, sys.version_info[:2]))]
)
def test_every_supported_python_gives_the_same_verdicts(release, here):
    python = pythons.find(release)
    if python is None:
        pytest.skip(f"Python {release} is not on this machine: its verdicts are not compared")
    try:
        prepared = pythons.prepared(release, python)
    except subprocess.SubprocessError as exc:
        pytest.skip(f"Python {release} cannot be prepared, so its verdicts are not compared: {exc}")
    there = pythons.tables(prepared)

    assert there["python"].startswith(f"{release}.")
    assert pythons.differences(here["verdicts"], there["verdicts"]) == []
    assert there["slowest"][1] < 2, there["slowest"]
    assert (there["peak_bytes"] <= 256 << 20, there["touched"]) == (True, [])


def test_a_difference_between_two_pythons_is_named():
    one, other = {"json": {"a": "read", "b": "read"}}, {"json": {"a": "json-depth", "b": "read"}}

    assert pythons.differences(one, other) == ["json: a: read and json-depth"]
    assert pythons.differences(one, {}) != []
