"""What holds where nobody says anything: options of commands and of pytest, Terraform's variables, and told numbers.

Each lies in a table beside this file. What is not in its table fails, and so does a row that nothing answers to; the
defaults of settings have a table of their own in tests/engine.
"""

import enum
import importlib
import itertools
import json
import re
import tomllib
from collections.abc import Iterator, Mapping
from functools import cache
from operator import attrgetter
from pathlib import Path
from typing import Any

import pytest
from _pytest.config.argparsing import Parser
from typer.main import get_command
from typer.testing import CliRunner

from drproof.cli.app import app
from drproof.engine.leaves import LEAVES
from drproof.engine.window import WindowRequest
from drproof.evidence.expectations import Expectations, read
from drproof.formats.hcl import parse
from drproof.formats.release_metadata import write
from drproof.plugin.options import OWN, PREFIX, add_options
from tests.formats.test_release_metadata import RELEASE
from tests.prefixes import inventories

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
TERRAFORM = ROOT / "deploy" / "terraform"
REQUIRED, NOTHING = "required", "nothing"
"""What stands for a default where there is none: it must be given, or its absence means something else."""


def table(name: str) -> dict[str, Any]:
    return tomllib.loads((HERE / f"{name}.toml").read_text(encoding="utf-8"))


def promised(row: object) -> tuple[object, str]:
    """Return the default of a row, and the variable that is read in its place."""
    if not isinstance(row, Mapping) or not row:
        return row, ""
    if row.get("required"):
        return REQUIRED, row.get("env", "")
    return row.get("default", NOTHING), row.get("env", "")


def leaves(command: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, Any]]:
    """Yield each command that does something, by the words that one types."""
    below = getattr(command, "commands", None)
    if below is None:
        yield " ".join(path), command
        return
    for name, one in below.items():
        yield from leaves(one, (*path, name))


def spelled(parameter: Any) -> str:
    return "/".join([*parameter.opts, *parameter.secondary_opts])


def plain(value: object) -> object:
    """Return a value as TOML has it."""
    if isinstance(value, enum.Enum):
        return value.value
    if isinstance(value, Path):
        return str(value)
    return [plain(one) for one in value] if isinstance(value, list | tuple) else value


LEFT = dict(leaves(get_command(app)))
COMMANDS = table("commands")
ROWS = [(command, spelling) for command, rows in COMMANDS.items() for spelling in rows]
MODULES = table("variables")
CONSTANTS = table("constants")["constant"]


def parsed(command: str) -> dict[str, object]:
    """Return what a command would be called with, of a line that says nothing, by the spelling of each parameter."""
    found = LEFT[command]
    given = found.make_context(command, [], resilient_parsing=True).params
    return {spelled(one): given.get(one.name) for one in found.params}


@pytest.fixture
def nothing_set(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Of all variables that a row names, none is set."""
    for name in {promised(said)[1] for rows in COMMANDS.values() for said in rows.values()} - {""}:
        monkeypatch.delenv(name, raising=False)
    return monkeypatch


def test_every_option_of_every_command_is_in_the_table() -> None:
    found = {command: {spelled(one) for one in left.params} for command, left in LEFT.items()}

    assert {command: set(rows) for command, rows in COMMANDS.items()} == found


@pytest.mark.parametrize(("command", "spelling"), ROWS)
@pytest.mark.usefixtures("nothing_set")
def test_a_command_is_called_with_the_promised_default(command: str, spelling: str) -> None:
    (option,) = (one for one in LEFT[command].params if spelled(one) == spelling)
    default, variable = promised(COMMANDS[command][spelling])
    value = plain(parsed(command)[spelling])

    assert option.required == (default == REQUIRED)
    assert (option.envvar or "") == variable
    if default in (REQUIRED, NOTHING):
        assert value is None
    else:
        assert (value, type(value)) == (default, type(default))


@pytest.mark.parametrize(
    ("command", "spelling"), [(command, name) for command, name in ROWS if promised(COMMANDS[command][name])[1]]
)
def test_the_variable_of_an_option_is_read_in_its_place(
    command: str, spelling: str, nothing_set: pytest.MonkeyPatch
) -> None:
    _, variable = promised(COMMANDS[command][spelling])

    nothing_set.setenv(variable, "what-it-says")

    assert plain(parsed(command)[spelling]) == "what-it-says"


@pytest.mark.parametrize(
    ("place", "row"),
    [
        (f"{section} {name}", row)
        for section, rows in itertools.chain(COMMANDS.items(), MODULES.items())
        for name, row in rows.items()
        if isinstance(row, Mapping) and row
    ],
)
def test_a_row_says_one_thing_and_why_it_is_not_the_reference_s(place: str, row: Mapping[str, Any]) -> None:
    assert len(row.keys() & {"default", "without", "required"}) == 1, place
    assert row.keys() <= {"default", "without", "required", "env", "reference", "because"}, place
    assert row.get("required", True) is True
    assert row.get("without", "so")
    assert row.get("because", "so")
    assert ("reference" in row) == ("because" in row), place
    assert row.get("reference", REQUIRED + ".") != promised(row)[0], place


IN_EFFECT = {
    "policy --plan": (["policy", "--target", "embedded"], ["--plan", "recovery"], ["--plan", "health"]),
    "policy --site": (["policy", "--target", "embedded"], ["--site", "recovery"], ["--site", "primary"]),
    "plans": (["plans"], [""], ["health"]),
    "compare-inventories --memory": (
        ["compare-inventories", "{left}", "{right}"],
        ["--memory", "512MB"],
        ["--memory", "1KB"],
    ),
    "compare-inventories --max-differences": (
        ["compare-inventories", "{left}", "{right}"],
        ["--max-differences", "20"],
        ["--max-differences", "21"],
    ),
    "release notes --kind": (
        ["release", "notes", "--metadata", "{metadata}"],
        ["--kind", "product"],
        ["--kind", "milestone"],
    ),
}
"""A line that leaves an option out, the option as it is promised, and another value: the first two do the same."""


@pytest.mark.parametrize("name", IN_EFFECT)
@pytest.mark.usefixtures("nothing_set")
def test_what_is_left_out_does_what_the_promised_value_does_and_another_does_not(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    words, said, otherwise = IN_EFFECT[name]
    places = _files(tmp_path)
    monkeypatch.chdir(tmp_path)

    left_out, as_promised, other = (
        CliRunner().invoke(app, [word.format(**places) for word in [*words, *more]]) for more in ([], said, otherwise)
    )

    assert left_out.output == as_promised.output
    assert left_out.exit_code == as_promised.exit_code
    assert left_out.output != other.output


def test_a_key_that_nobody_gives_a_role_signs_drills(tmp_path: Path) -> None:
    assert CliRunner().invoke(app, ["keys", "init", str(tmp_path)]).exit_code == 0

    (trusted,) = json.loads((tmp_path / "trust.json").read_bytes())["keys"]
    assert trusted["role"] == "runner"


def _files(folder: Path) -> dict[str, str]:
    """Write what the lines of `IN_EFFECT` read; two inventories differ in 30 keys."""
    rows = [inventories.row(f"x/{number:03}", number, inventories.md5(b"%d" % number)) for number in range(40)]
    metadata = folder / "release.json"
    metadata.write_bytes(write(RELEASE))
    return {
        "left": str(inventories.written(folder / "left", "CSV", rows)),
        "right": str(inventories.written(folder / "right", "CSV", rows[:10])),
        "metadata": str(metadata),
    }


OURS = {option.name.replace("_", "-") for option in OWN}
SETTINGS = {leaf.option.replace("_", "-") for leaf in LEAVES if leaf.option}


def _registered() -> dict[str, Any]:
    """Return what pytest's own parser makes of a line without an option, by our names."""
    parser = Parser(_ispytest=True)
    add_options(parser)
    said = vars(parser.parse_known_args([]))
    return {name.removeprefix(PREFIX).replace("_", "-"): value for name, value in said.items() if PREFIX in name}


def test_every_option_of_pytest_is_a_setting_s_or_in_the_table() -> None:
    found = _registered().keys()

    assert found == OURS | SETTINGS
    assert table("pytest_options").keys() == OURS - SETTINGS
    assert all(table("pytest_options").values())


@pytest.mark.parametrize("name", sorted(OURS | SETTINGS))
def test_an_option_of_pytest_says_nothing_by_itself(name: str) -> None:
    assert _registered()[name] is None, "else the file, the environment and the run that is built on would say nothing"


def test_a_bundle_is_expected_to_be_what_the_table_says() -> None:
    said = table("pytest_options")
    expected = read({name.replace("-", "_"): None for name in said})

    assert expected == Expectations()
    assert (f"L{expected.level}", expected.full, expected.accept_rehearsal) == (said["require-level"], False, False)
    assert expected.max_age_ms is None
    assert not any((expected.drill, expected.nonce, expected.account, expected.region, expected.previous))


def test_a_window_is_what_the_table_says() -> None:
    said, window = table("pytest_options"), WindowRequest()

    assert (window.first, window.last) == (said["start-at"], said["stop-after"])
    assert window.teardown is (said["teardown"] == "true")


@cache
def _variables(module: str) -> dict[str, object]:
    files = [parse(path.read_bytes()) for path in sorted((TERRAFORM / module).glob("*.tf"))]
    return {
        block.labels[0]: block.attributes.get("default", REQUIRED)
        for file in files
        for block in file.inside("variable")
    }


def test_every_variable_of_every_shipped_module_is_in_the_table() -> None:
    found = {path.name: _variables(path.name).keys() for path in TERRAFORM.iterdir() if path.is_dir()}

    assert {module: rows.keys() for module, rows in MODULES.items()} == found


@pytest.mark.parametrize(("module", "name"), [(module, name) for module, rows in MODULES.items() for name in rows])
def test_a_variable_that_nobody_sets_has_the_promised_value(module: str, name: str) -> None:
    value = _variables(module)[name]

    assert (value, type(value)) == (promised(MODULES[module][name])[0], type(promised(MODULES[module][name])[0]))


@pytest.mark.parametrize("row", CONSTANTS, ids=[row["name"] for row in CONSTANTS])
def test_a_number_that_a_page_tells_is_the_code_s(row: Mapping[str, Any]) -> None:
    module, _, name = row["name"].partition(":")
    page = re.sub(r"\s+", " ", (ROOT / row["page"]).read_text(encoding="utf-8"))

    value = attrgetter(name)(importlib.import_module(module))

    assert (value, type(value)) == (row["value"], type(row["value"]))
    assert row["says"] in page


def test_the_state_machines_carry_the_numbers_that_the_pages_tell() -> None:
    numbers = {row["name"]: row["value"] for row in CONSTANTS}
    fleet = json.loads((ROOT / "deploy" / "fleet.asl.json").read_bytes())["States"]["ReadRestorePoints"]
    whole = json.dumps(json.loads((ROOT / "deploy" / "orchestrator.asl.json").read_bytes()))

    assert fleet["MaxConcurrency"] == numbers["drproof.orchestrator.fleet_definition:CONCURRENT"]
    assert f'"TimeoutSeconds": {numbers["drproof.orchestrator.definition:APPROVAL_SECONDS"]}' in whole
