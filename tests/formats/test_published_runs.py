"""Reports, plans and whole pointers of published runs, and the files that a comparison reads."""

import json
from typing import Any

import pytest

from drproof.formats import pointers, run_files
from drproof.formats.published_runs import (
    Promise,
    found_among,
    latest_path,
    parse_plan,
    parse_report,
    plan_of,
    run_path,
)
from drproof.formats.run_files import RANKED_CSV, SUMMARY, Named, parse_ranked, problems_of, ranked_outputs
from drproof.model.errors import FormatError
from tests.contracts.reasoning_of_runs import DOCUMENTS

RUN = "2026-01-31T10:49:00.000000+00:00"
ZEROS = "0" * 64
ARTIFACT = {"path": "state/out/top.cs.md", "sha256": ZEROS, "bytes": 3}


def report(**changes):
    return json.dumps({"run_id": RUN, "verifiable_artifacts": {"openai:cs:top_md": ARTIFACT}, **changes}).encode()


def test_a_report_promises_size_and_digest_of_each_artifact():
    parsed = parse_report(report())

    assert parsed.run_id == RUN
    assert parsed.promises == (
        Promise(logical_key="openai:cs:top_md", path="state/out/top.cs.md", size=3, sha256=ZEROS),
    )
    assert parsed.promises[0].output == "top_md"
    assert parsed.promises[0].key("p/runs/r") == "p/runs/r/openai/cs/top.cs.md"


@pytest.mark.parametrize(
    ("changes", "size", "sha256"),
    [
        ({"bytes": True}, None, ZEROS),
        ({"bytes": -1}, None, ZEROS),
        ({"bytes": "3"}, None, ZEROS),
        ({"sha256": "0" * 63}, 3, ""),
        ({"sha256": ZEROS.replace("0", "A")}, 3, ""),
        ({"sha256": None}, 3, ""),
    ],
)
def test_what_is_no_size_and_no_digest_promises_none(changes, size, sha256):
    (promise,) = parse_report(report(verifiable_artifacts={"a": {**ARTIFACT, **changes}})).promises

    assert (promise.size, promise.sha256) == (size, sha256)
    with pytest.raises(FormatError, match="without its size or its SHA-256"):
        plan_of(parse_report(report(verifiable_artifacts={"a": {**ARTIFACT, **changes}})), prefix="p", run_path="r")


@pytest.mark.parametrize(
    ("changes", "ended_at"),
    [
        ({"timestamps": {"ended_at": "a"}, "ended_at": "b", "finished_at": "c"}, "a"),
        ({"timestamps": {}, "ended_at": "b", "finished_at": "c"}, "b"),
        ({"timestamps": "x", "finished_at": "c"}, "c"),
        ({"ended_at": None, "finished_at": 3}, ""),
    ],
)
def test_a_report_ends_when_the_first_of_three_says_so(changes, ended_at):
    assert parse_report(report(**changes)).ended_at == ended_at


@pytest.mark.parametrize(
    "changes",
    [
        {"run_id": ""},
        {"run_id": None},
        {"verifiable_artifacts": []},
        {"verifiable_artifacts": {"a": "text"}},
        {"verifiable_artifacts": {"a": {**ARTIFACT, "path": ""}}},
        {"verifiable_artifacts": {"a": {**ARTIFACT, "path": "out/.."}}},
    ],
)
def test_a_report_of_another_shape_is_refused(changes):
    with pytest.raises(FormatError):
        parse_report(report(**changes))


def test_a_plan_holds_the_run_and_then_the_latest_copies_of_its_outputs():
    artifacts = {
        "openai:cs:top_md": ARTIFACT,
        "openai:cs:ranked_json": {**ARTIFACT, "path": "z.json"},
        "openai:cs:costs": {**ARTIFACT, "path": "costs.bin"},
        "summary": {**ARTIFACT, "path": "deep/run_summary.v1.json"},
        "top_md": {**ARTIFACT, "path": "alone.md"},
    }

    plan = plan_of(parse_report(report(verifiable_artifacts=artifacts)), prefix="p", run_path=run_path("p", RUN))

    assert [(entry.kind, entry.s3_key.replace(RUN, "R"), entry.content_type) for entry in plan] == [
        ("runs", "p/runs/R/alone.md", "text/markdown"),
        ("runs", "p/runs/R/openai/cs/costs.bin", "application/octet-stream"),
        ("runs", "p/runs/R/openai/cs/top.cs.md", "text/markdown"),
        ("runs", "p/runs/R/openai/cs/z.json", "application/json"),
        ("runs", "p/runs/R/run_summary.v1.json", "application/json"),
        ("latest", "p/latest/openai/cs/top.cs.md", "text/markdown"),
        ("latest", "p/latest/openai/cs/z.json", "application/json"),
    ]
    assert (
        parse_plan(json.dumps([{name: getattr(one, name) for name in one.__slots__} for one in plan]).encode()) == plan
    )
    assert (run_path("", "r"), latest_path(""), latest_path("p")) == ("runs/r", "latest", "p/latest")


def test_a_report_that_promises_nothing_leads_to_no_plan():
    with pytest.raises(FormatError, match="promises no artifact"):
        plan_of(parse_report(report(verifiable_artifacts={})), prefix="p", run_path="r")


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/elsewhere/runs/r/openai/cs/a.json", "openai/cs/a.json"),
        ("a.json", None),
        ("other/a.json", None),
        ("b.json", "openai/b.json"),
        ("c.json", None),
        ("openai/cs/xa.json", None),
        ("", None),
    ],
)
def test_a_path_of_another_machine_means_the_one_file_that_is_likest(path, name):
    assert found_among(path, ("openai/cs/a.json", "deep/cs/a.json", "openai/b.json")) == name


POINTER = {
    "schema_version": 1,
    "run_id": RUN,
    "run_path": f"p/runs/{RUN}",
    "ended_at": None,
    "providers": ["openai"],
    "profiles": ["cs"],
    "provider_profiles": {"openai:cs": RUN},
}


@pytest.mark.parametrize(
    ("changes", "lacks"),
    [
        ({}, ()),
        ({"schema_version": True}, ("schema_version",)),
        ({"schema_version": 2}, ("schema_version",)),
        ({"providers": []}, ("providers",)),
        ({"providers": "openai"}, ("providers",)),
        ({"profiles": [""]}, ("profiles",)),
        ({"profiles": [1]}, ("profiles",)),
        ({"provider_profiles": {}}, ("provider_profiles",)),
        ({"provider_profiles": {"openai:cs": 1}}, ("provider_profiles",)),
        ({"provider_profiles": [], "providers": None}, ("provider_profiles", "providers")),
    ],
)
def test_a_whole_pointer_says_what_it_lacks(changes, lacks):
    whole = pointers.parse_whole(json.dumps({**POINTER, **changes}).encode())

    assert whole.lacks == lacks
    assert whole.pointer.run_id == RUN
    assert bool(whole.provider_profiles) is ("provider_profiles" not in lacks)


@pytest.mark.parametrize(
    ("name", "changes", "problem"),
    [
        (SUMMARY, {"run_summary_schema_version": True}, "run_summary_schema_version is True, expected 1"),
        (SUMMARY, {"run_summary_schema_version": 2}, "run_summary_schema_version is 2, expected 1"),
        (SUMMARY, {"run_id": 3}, "run_id is 3, expected text"),
        (SUMMARY, {"scoring_config": None}, "scoring_config is no object"),
        (SUMMARY, {"snapshot_manifest": {"applicable": True, "path": "x"}}, "snapshot_manifest.sha256 is missing"),
        (run_files.HEALTH, {"status": "SUCCESS"}, "status is 'SUCCESS', expected one of success, partial, failed"),
    ],
)
def test_every_problem_of_a_document_is_named(name, changes, problem):
    assert list(problems_of(name, {**DOCUMENTS[name], **changes})) == [problem]


def test_a_document_that_lacks_two_things_lacks_both():
    summary = {key: value for key, value in DOCUMENTS[SUMMARY].items() if key not in {"costs", "git_sha"}}

    assert list(problems_of(SUMMARY, summary)) == ["git_sha is missing", "costs is missing"]


def test_ranked_outputs_are_found_however_deep_a_summary_keeps_them():
    outputs = {
        "ranked_json": [{"path": "a/x.json", "sha256": ZEROS}, {"path": "b/y.json"}],
        "ranked_csv": {"openai": {"cs": {"path": "z.csv", "sha256": 3}}},
        "unknown": {"path": "w"},
        "shortlist_md": None,
    }

    assert ranked_outputs({"ranked_outputs": outputs}) == (
        Named(kind="ranked_csv", path="z.csv", sha256=""),
        Named(kind="ranked_json", path="a/x.json", sha256=ZEROS),
        Named(kind="ranked_json", path="b/y.json", sha256=""),
    )
    nothings: list[dict[str, Any]] = [{}, {"ranked_outputs": []}, {"ranked_outputs": {"ranked_json": [{"path": ""}]}}]
    for nothing in nothings:
        with pytest.raises(FormatError, match="nothing to compare"):
            ranked_outputs(nothing)


def test_two_outputs_that_only_their_folders_tell_apart_are_refused():
    rows = [{"path": "openai/x.json"}, {"path": "other/x.json"}]

    with pytest.raises(FormatError, match="names two files ranked_json:x.json"):
        ranked_outputs({"ranked_outputs": {"ranked_json": rows}})
    assert len(ranked_outputs({"ranked_outputs": {"ranked_json": [rows[0], rows[0]]}})) == 1


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "expected a header"),
        (b"a,a\n1,2\n", "a column comes twice"),
        (b"a,b\n1,2,3\n", "row 2 has 3 cells, expected 2"),
        (b'a\n"1\n', "no table"),
        (b"a\n\xff\n", "not UTF-8"),
    ],
)
def test_a_table_that_has_no_one_reading_is_refused(data, reason):
    with pytest.raises(FormatError, match=reason):
        parse_ranked(Named(kind=RANKED_CSV, path="x.csv", sha256=""), "x.csv", data)
