"""The house stays livable: what is installed, what imports what, how long a file may be."""

import json
import re
import subprocess
import sys
import tomllib
from datetime import UTC, datetime
from pathlib import Path

import pytest

from drproof import catalog
from drproof.evidence import trust as trusting
from drproof.evidence.expectations import Expectations
from drproof.evidence.verification import verify

ROOT = Path(__file__).resolve().parent.parent
SOURCES = sorted((ROOT / "drproof").rglob("*.py"))
LONGEST = 400
HEAVY = ("boto3", "botocore", "kubernetes", "moto")


def test_the_wheel_lists_every_package_of_the_tree():
    listed = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["packages"]

    tree = {".".join(path.parent.relative_to(ROOT).parts) for path in SOURCES if path.name == "__init__.py"}
    assert set(listed) == tree | {"drproof.checks", "drproof.deploy", "drproof.schemas"}
    assert all((path.parent / "__init__.py").exists() for path in SOURCES), "no folder without its package"


def test_every_kind_of_data_file_is_packaged():
    setup = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]
    places = {name: ROOT / setup["package-dir"].get(name, name.replace(".", "/")) for name in setup["package-data"]}

    folders = [ROOT / "drproof", ROOT / "checks", ROOT / "deploy", ROOT / "schemas"]
    data = {
        path
        for folder in folders
        for path in folder.rglob("*")
        if path.is_file() and path.suffix not in {".py", ".pyc"}
    }
    packaged = {
        path
        for name, patterns in setup["package-data"].items()
        for pattern in patterns
        for path in places[name].glob(pattern)
    }
    assert data
    assert data - packaged == set()


def test_no_file_grows_past_what_a_reader_holds():
    long = {path.name: lines for path in SOURCES if (lines := len(path.read_text().splitlines())) > LONGEST}

    assert long == {}


def test_no_room_for_odds_and_ends():
    names = {path.stem for path in SOURCES} | {path.parent.name for path in SOURCES}

    assert names.isdisjoint({"utils", "util", "helpers", "helper", "manager", "common", "misc", "stub"})


@pytest.mark.parametrize(
    "module",
    [
        "drproof.catalog",
        "drproof.evidence.bundle",
        "drproof.report.html",
        "drproof.cli.looking",
        "drproof.plugin.bundle_session",
    ],
)
def test_the_offline_path_reaches_no_cloud_not_even_through_others(module):
    code = (
        f"import sys, {module}; from drproof import catalog; catalog.contracts(); catalog.phases(); print(*sys.modules)"
    )

    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()

    assert [name for name in loaded if name.partition(".")[0] in HEAVY] == []


def test_the_import_rules_hold():
    rules = Path(sys.executable).with_name("lint-imports")

    done = subprocess.run([rules, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stdout


def test_the_published_schemas_are_those_of_the_types():
    from drproof.cli.schemas import differences

    assert differences() == []


def test_every_command_that_a_message_names_exists():
    from typer.main import get_command

    from drproof.cli.app import app

    known = set(get_command(app).commands)  # type: ignore[attr-defined] # a group has commands
    named = {
        match[1]
        for path in (*SOURCES, ROOT / "README.md", *(ROOT / "docs").glob("*.md"))
        for match in re.finditer(
            r"\bdrproof (resume|status|report|plans|scenarios|schemas|gc|verify|approve|trigger)\b", path.read_text()
        )
    }

    assert named <= known


def test_the_sample_bundle_is_as_it_was_sealed_and_renders_to_its_own_page():
    from drproof.cli.looking import compare_page

    sample = ROOT / "reports" / "sample"

    trust = trusting.read((ROOT / "reports" / "sample.trust.json").read_bytes())
    found = verify(
        sample,
        catalog.types(),
        trust=trust,
        expect=Expectations(accept_rehearsal=True, full=True, level=1),
        now=datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z"),
        judge=catalog.judge_again,
    )
    assert (found.status, found.problems) == (0, ())
    assert compare_page(sample) == ""


def test_the_terraform_lane_is_said_loudly_where_it_is_absent():
    script = (ROOT / ".ci" / "run").read_text()

    assert "ABSENT" in script


def test_every_published_schema_is_a_schema():
    import jsonschema
    import jsonschema_rs

    from drproof.cli.schemas import documents

    for data in documents().values():
        schema = json.loads(data)
        jsonschema.Draft202012Validator.check_schema(schema)
        jsonschema_rs.Draft202012Validator(schema, validate_formats=True)
