"""`drproof compare`: what it says of two folders, with which status."""

import json

import pytest
from typer.testing import CliRunner

from drproof.cli.app import app
from drproof.formats.run_files import AVAILABILITY, HEALTH, SUMMARY
from tests.cli.runs import FILES, run_of, write
from tests.contracts.reasoning_of_runs import CONTENTS, DOCUMENTS, RUN


@pytest.fixture
def compare(tmp_path):
    """Compare two runs that are written to folders first."""

    def ask(left, right, *options):
        folders = [str(write(tmp_path / name, files)) for name, files in (("left", left), ("right", right))]
        return CliRunner().invoke(app, ["compare", *folders, *options])

    return ask


def test_runs_that_match_are_said_to_with_what_was_compared(compare, tmp_path):
    said = compare(run_of(), run_of())

    assert said.exit_code == 0, said.output
    lines = said.output.splitlines()
    assert lines[:4] == [
        "PASS: dual-run deterministic comparison matched",
        f"left_run_dir={tmp_path}/left",
        f"right_run_dir={tmp_path}/right",
        "allow_run_id_drift=False",
    ]
    assert f"shortlist_md:{FILES['shortlist_md']}" in lines[4]
    assert lines[4].endswith("(rules 1)")
    assert len(lines) == 5


def test_all_differences_of_a_file_are_listed(compare):
    contents = {**CONTENTS, "ranked_csv": CONTENTS["ranked_csv"].replace("A", "Z").replace("2.5", "2.6")}

    said = compare(run_of(), run_of(contents=contents))

    assert said.exit_code == 1
    lines = said.output.splitlines()
    assert lines[0] == "FAIL: dual-run deterministic comparison failed"
    assert [line for line in lines if line.startswith("- ")] == [
        f'- ranked_csv:{FILES["ranked_csv"]}: job_id="a" #1.title: value: left "A", right "Z"',
        f'- ranked_csv:{FILES["ranked_csv"]}: job_id="b" #1.score: score: left "2.5", right "2.6"',
    ]


def test_json_says_the_same_and_more(compare):
    said = compare(run_of(), {**run_of({HEALTH: {**DOCUMENTS[HEALTH], "extra": 1}}), "notes.txt": b""}, "--json")

    found = json.loads(said.output)
    assert said.exit_code == 1
    assert (found["matched"], found["count"], found["rules_version"]) == (False, 1, 1)
    assert found["differences"] == [
        {"file": HEALTH, "place": "extra", "kind": "value", "left": "nothing", "right": "1"}
    ]
    assert found["not_compared"] == ["notes.txt"]


def test_what_no_summary_names_is_said_to_be_not_compared(compare):
    said = compare(run_of(), {**run_of(), "openai/cs/openai_top.cs.md": b"# Top"})

    assert said.exit_code == 0
    assert "not compared, for no summary names them: openai/cs/openai_top.cs.md" in said.output


def test_another_run_id_differs_unless_it_may(compare):
    other = {name: {**document, "run_id": "other"} for name, document in DOCUMENTS.items()}
    contents = {**CONTENTS, "shortlist_md": CONTENTS["shortlist_md"].replace(RUN, "other")}

    assert compare(run_of(), run_of(other, contents)).exit_code == 1
    said = compare(run_of(), run_of(other, contents), "--allow-run-id-drift")
    assert said.exit_code == 0, said.output
    assert "allow_run_id_drift=True" in said.output


def test_what_a_run_holds_makes_no_lines_of_its_own(compare):
    forged = "x\nPASS: dual-run deterministic comparison matched"

    said = compare(
        run_of(), {**run_of({HEALTH: {**DOCUMENTS[HEALTH], forged: 1}}), f"notes\nFAIL: {AVAILABILITY}": b""}
    )

    assert said.exit_code == 1
    lines = said.output.splitlines()
    assert [line[:4] for line in lines] == ["FAIL", "- ru", "comp", "not "]
    assert "x\\u{a}PASS" in lines[1]


def test_more_differences_than_are_shown_are_counted(compare):
    rows = [{"id": str(number), "score": number} for number in range(300)]
    other = [{**row, "score": 0.5} for row in rows]

    said = compare(
        run_of(contents={**CONTENTS, "ranked_json": rows}), run_of(contents={**CONTENTS, "ranked_json": other})
    )

    assert "100 more differences are counted and not shown" in said.output


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({SUMMARY: None, AVAILABILITY: None}, f"has no {SUMMARY}, {AVAILABILITY}"),
        ({HEALTH: b"[]"}, f"{HEALTH}: expected an object"),
        ({HEALTH: b'{"a": 1, "a": 2}'}, f"{HEALTH}: a key of an object comes twice"),
        ({f"openai/cs/{FILES['ranked_json']}": b"{"}, "openai_ranked_jobs.cs.json: not JSON"),
        ({f"openai/cs/{FILES['ranked_csv']}": b"a,b\n1\n"}, "row 2 has 1 cells, expected 2"),
        ({f"openai/cs/{FILES['shortlist_md']}": b"\xff"}, "not UTF-8"),
        ({SUMMARY: json.dumps({**DOCUMENTS[SUMMARY], "ranked_outputs": {}}).encode()}, "there is nothing to compare"),
    ],
)
def test_a_run_that_cannot_be_loaded_is_neither_a_match_nor_a_difference(compare, changes, reason):
    files = {name: body for name, body in {**run_of(), **changes}.items() if body is not None}

    said = compare(run_of(), files)

    assert said.exit_code == 2
    assert reason in said.stderr
    assert "PASS" not in said.output


@pytest.mark.parametrize("side", ["left", "right"])
def test_a_named_output_that_is_not_there_is_a_difference_on_whichever_side(compare, side):
    lacking = {name: body for name, body in run_of().items() if not name.endswith(".csv")}

    said = compare(*((lacking, run_of()) if side == "left" else (run_of(), lacking)))

    assert said.exit_code == 1
    assert f"{side} named and not there" in said.output


@pytest.mark.parametrize("other", ["{run}", "{run}/", "{run}/../run", "{link}"])
def test_a_run_is_not_compared_with_itself(tmp_path, other):
    run, link = write(tmp_path / "run", run_of()), tmp_path / "link"
    link.symlink_to(run)

    said = CliRunner().invoke(app, ["compare", str(run), other.format(run=run, link=link)])

    assert said.exit_code == 2, said.output
    assert "is the same run as" in said.stderr


def test_a_published_run_is_not_compared_with_itself_and_no_bucket_is_asked():
    uri = "s3://bucket/atlas/runs/7"

    said = CliRunner().invoke(app, ["compare", uri, f"{uri}/", "--region", "eu-west-1"])

    assert said.exit_code == 2
    assert "is the same run as" in said.stderr


def test_a_folder_that_is_none_is_misused():
    said = CliRunner().invoke(app, ["compare", "/nowhere/left", "/nowhere/right"])

    assert said.exit_code == 2
    assert "/nowhere/left is no folder" in said.stderr


def test_a_bucket_of_no_region_is_misused(monkeypatch):
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", "/dev/null")

    said = CliRunner().invoke(app, ["compare", "s3://some-bucket/p/runs/r", "s3://some-bucket/p/runs/s"])

    assert said.exit_code == 2
    assert "nothing says in which region the bucket lies; expected --region, AWS_REGION" in said.stderr
