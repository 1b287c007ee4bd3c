"""What `drproof.analysis` must say of published objects and of two runs, on both sides of where it turns."""

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from drproof.formats.published_runs import PlanEntry
from drproof.formats.run_files import (
    AVAILABILITY,
    HEALTH,
    KINDS,
    SUMMARY,
    Named,
    RunFiles,
    parse_ranked,
)
from tests.contracts.checks import House
from tests.contracts.observed import sha256
from tests.contracts.reasoning import reasoning

ONE = PlanEntry(
    logical_key="openai:cs:top_md",
    local_path="out/top.md",
    sha256=sha256("one"),
    bytes=3,
    content_type="text/markdown",
    s3_key="p/runs/r/openai/cs/top.md",
    kind="runs",
)
COPY = replace(ONE, s3_key="p/latest/openai/cs/top.md", kind="latest")


def _seen(house: House, text: str = "one", **changes: Any) -> Any:
    return house.modules["published"].Seen(**{"size": len(text), "sha256": sha256(text), **changes})


def _verified(house: House, *entries: PlanEntry, seen: Mapping[str, Any], **how: Any) -> Any:
    return house.modules["published"].verify_published(entries, seen, **how)


@reasoning
def an_object_is_missing_only_when_the_answer_was_that_it_is_not_there(house: House) -> None:
    unanswered = house.modules["published"].Unanswered("AccessDenied")

    gone = _verified(house, ONE, seen={})
    denied = _verified(house, ONE, seen={ONE.s3_key: unanswered})
    there = _verified(house, ONE, seen={ONE.s3_key: _seen(house)})

    assert (gone.ok, gone.missing, gone.mismatched, gone.unanswered) == (False, (ONE.s3_key,), (), ())
    assert (denied.ok, denied.missing, denied.mismatched) == (False, (), ())
    assert denied.unanswered == (f"{ONE.s3_key}: AccessDenied",)
    assert (there.ok, there.missing, there.mismatched, there.unanswered) == (True, (), (), ())
    assert there.checked == (ONE,)
    assert _verified(house, ONE, seen={ONE.local_path: _seen(house)}, by="local_path").ok


@reasoning
def each_way_in_which_an_object_is_not_as_promised_is_named(house: House) -> None:
    def said(seen: Any) -> list[str]:
        found = _verified(house, ONE, seen={ONE.s3_key: seen})
        assert found.ok is not bool(found.mismatched)
        return [text.removeprefix(f"{ONE.s3_key}: ").partition(" ")[0] for text in found.mismatched]

    assert said(_seen(house, size=4)) == ["bytes_mismatch"]
    assert said(_seen(house, sha256=sha256("two"))) == ["sha256_mismatch"]
    assert said(_seen(house, checksum=sha256("two"))) == ["checksum_mismatch"]
    assert said(_seen(house, checksum=sha256("one"))) == []
    assert said(_seen(house, "another")) == ["bytes_mismatch", "sha256_mismatch"]


@reasoning
def latest_copies_are_compared_with_the_run_as_planned_and_as_read(house: House) -> None:
    def said(*entries: PlanEntry, **seen: Any) -> list[str]:
        both = {ONE.s3_key: _seen(house), COPY.s3_key: _seen(house), **seen}
        return [text.partition(": ")[2].partition(" ")[0] for text in _verified(house, *entries, seen=both).mismatched]

    unanswered = house.modules["published"].Unanswered("SlowDown")
    assert said(ONE, COPY) == []
    assert said(COPY) == ["latest_missing_runs"]
    assert said(ONE, replace(COPY, logical_key="openai:cs:other")) == ["latest_missing_runs"]
    assert said(ONE, replace(COPY, bytes=4)) == ["bytes_mismatch", "latest_bytes_mismatch"]
    assert said(ONE, replace(COPY, sha256=sha256("two"))) == ["sha256_mismatch", "latest_sha_mismatch"]
    stale = _seen(house, "two")
    assert said(ONE, COPY, **{COPY.s3_key: stale}) == ["sha256_mismatch", "latest_differs_from_its_run"]
    assert said(ONE, replace(COPY, sha256=stale.sha256), **{COPY.s3_key: stale}) == [
        "latest_sha_mismatch",
        "latest_differs_from_its_run",
    ]
    assert said(ONE, COPY, **{ONE.s3_key: unanswered}) == []
    assert said(ONE, COPY, **{COPY.s3_key: unanswered}) == []


@reasoning
def nothing_to_check_is_an_error_and_latest_copies_are_checked_when_asked_for(house: House) -> None:
    chosen = house.modules["published"].entries_to_check

    assert chosen((ONE, COPY), latest=False) == (ONE,)
    assert chosen((ONE, COPY), latest=True) == (ONE, COPY)
    for entries, latest in (((), False), ((COPY,), False), ((COPY,), True), ((ONE,), True)):
        with pytest.raises(ValueError, match="nothing to check"):
            chosen(entries, latest=latest)


RUN = "2026-01-31T11:00:00+00:00"
ROWS: list[dict[str, Any]] = [
    {"job_id": "a", "score": 3, "title": "A", "scraped_at": "x", "run_id": RUN},
    {"job_id": "", "id": "b", "score": 2.5, "title": "B", "tags": ["x", {"y": True}]},
    {"title": "nobody"},
]
CONTENTS: dict[str, Any] = {
    "ranked_json": ROWS,
    "ranked_csv": "job_id,score,title,scraped_at\na,3,A,x\nb,2.5,B,y\n",
    "ranked_families_json": {"families": [{"name": "f", "members": ["a", "b"]}], "generated_at": "x"},
    "shortlist_md": f"# Shortlist of {RUN}\n\n- A (3)\n",
}
DOCUMENTS: dict[str, dict[str, Any]] = {
    SUMMARY: {
        "run_summary_schema_version": 1,
        "run_id": RUN,
        "candidate_id": "local",
        "status": "success",
        "git_sha": "abc",
        "created_at_utc": "x",
        "run_health": {"path": "x", "sha256": "x", "status": "success"},
        "run_report": {"path": "x", "sha256": "x"},
        "ranked_outputs": {kind: [] for kind in KINDS},
        "primary_artifacts": [],
        "costs": {"calls": 3},
        "scoring_config": {
            "source": "file",
            "config_sha256": "c",
            "path": "x",
            "provider": "openai",
            "profile": "cs",
        },
        "snapshot_manifest": {"applicable": True, "path": "x", "sha256": "s"},
        "quicklinks": {},
    },
    HEALTH: {
        "run_health_schema_version": 1,
        "run_id": RUN,
        "status": "success",
        "phases": {
            name: {"status": "ok"} for name in ("snapshot_fetch", "normalize", "score", "publish", "ai_sidecar")
        },
        "timestamps": {"a": "x"},
    },
    AVAILABILITY: {
        "provider_availability_schema_version": 1,
        "run_id": RUN,
        "provider_registry_sha256": "r",
        "generated_at_utc": "x",
        "providers": [{"name": "openai", "available": True}],
    },
}


def run_files(documents: Mapping[str, Any] | None = None, contents: Mapping[str, Any] | None = None) -> RunFiles:
    """Return a run of these documents and ranked outputs."""
    ranked = {}
    for kind, content in (CONTENTS if contents is None else contents).items():
        data = content.encode() if isinstance(content, str) else json.dumps(content).encode()
        named = Named(kind=kind, path=f"out/{kind}", sha256="")
        ranked[named.key] = parse_ranked(named, f"openai/cs/{kind}", data)
    return RunFiles(where="here", documents={**DOCUMENTS, **(documents or {})}, ranked=ranked, others=())


def _document(name: str, **changes: Any) -> RunFiles:
    return run_files({name: {**DOCUMENTS[name], **changes}})


def _content(kind: str, content: Any) -> RunFiles:
    return run_files(contents={**CONTENTS, kind: content})


def _said(house: House, left: RunFiles, right: RunFiles, **how: Any) -> list[tuple[str, str, str]]:
    found = house.modules["run_comparison"].compare_runs(left, right, **how)
    assert found.matched is not bool(found.differences)
    assert found.count == len(found.differences)
    return [(one.file.partition(":")[0], one.place, one.kind) for one in found.differences]


@reasoning
def equal_runs_match_whatever_their_volatile_fields_say(house: House) -> None:
    volatile = house.modules["volatile"]
    noisy = dict.fromkeys(volatile.EVERYWHERE, "other")
    runs = [
        run_files(),
        _document(SUMMARY, **noisy, git_sha="other", quicklinks={"a": "other"}, run_report={"path": "y", "bytes": 9}),
        _document(HEALTH, **noisy, timestamps={}, durations={"a": 1}, logs=["x"], proof_bundle_path="x"),
        _document(AVAILABILITY, providers=[{**DOCUMENTS[AVAILABILITY]["providers"][0], **noisy}]),
        _content("ranked_json", [{**ROWS[0], **noisy, "run_id": "other"}, *ROWS[1:]]),
        _content("ranked_csv", "job_id,score,title,scraped_at\na,3,A,other\nb,2.5,B,\n"),
        _content("ranked_families_json", {**CONTENTS["ranked_families_json"], "generated_at": "other"}),
    ]

    for run in runs:
        assert _said(house, run_files(), run) == []
        assert _said(house, run, run_files(), allow_run_id_drift=True) == []
    found = house.modules["run_comparison"].compare_runs(run_files(), run_files())
    assert found.matched is True
    assert (found.rules_version, found.left_run_id, found.right_run_id, found.allow_run_id_drift) == (
        1,
        RUN,
        RUN,
        False,
    )
    assert found.compared == (SUMMARY, HEALTH, AVAILABILITY, *(f"{kind}:{kind}" for kind in sorted(KINDS)))


@reasoning
def what_says_that_the_input_was_another_is_told_from_what_came_of_it(house: House) -> None:
    scoring, snapshot = DOCUMENTS[SUMMARY]["scoring_config"], DOCUMENTS[SUMMARY]["snapshot_manifest"]
    for changes, place, kind in (
        ({"candidate_id": "other"}, "candidate_id", "contract"),
        ({"scoring_config": {**scoring, "config_sha256": "d"}}, "scoring_config.config_sha256", "contract"),
        ({"snapshot_manifest": {**snapshot, "sha256": "t"}}, "snapshot_manifest.sha256", "contract"),
        ({"snapshot_manifest": {**snapshot, "applicable": 1}}, "snapshot_manifest.applicable", "contract"),
        ({"snapshot_manifest": {**snapshot, "path": "y"}}, "", ""),
        ({"costs": {"calls": 4}}, "costs.calls", "value"),
        ({"costs": {"calls": 3.0}}, "costs.calls", "value"),
        ({"costs": {}}, "costs.calls", "value"),
        ({"more": None}, "more", "value"),
    ):
        wanted = [(SUMMARY, place, kind)] if place else []
        assert _said(house, run_files(), _document(SUMMARY, **changes)) == wanted
        assert _said(house, _document(SUMMARY, **changes), run_files()) == wanted
    assert _said(house, run_files(), _document(AVAILABILITY, provider_registry_sha256="s")) == [
        (AVAILABILITY, "provider_registry_sha256", "contract")
    ]
    health = {**DOCUMENTS[HEALTH], "snapshot_manifest": {"sha256": "s"}}
    assert _said(house, run_files({HEALTH: health}), run_files({HEALTH: {**health, "snapshot_manifest": {}}})) == [
        (HEALTH, "snapshot_manifest.sha256", "value")
    ]


@reasoning
def run_ids_differ_unless_they_may_and_agree_within_a_run_always(house: House) -> None:
    other = run_files(
        {name: {**document, "run_id": "other"} for name, document in DOCUMENTS.items()},
        {**CONTENTS, "shortlist_md": "# Shortlist of other\n\n- A (3)\n"},
    )
    torn = _document(AVAILABILITY, run_id="other")

    assert _said(house, run_files(), other, allow_run_id_drift=True) == []
    assert _said(house, run_files(), other) == [
        (SUMMARY, "run_id", "contract"),
        (HEALTH, "run_id", "value"),
        (AVAILABILITY, "run_id", "value"),
        ("shortlist_md", "line[0]", "text"),
    ]
    for left, right in ((run_files(), torn), (torn, run_files())):
        assert _said(house, left, right, allow_run_id_drift=True) == [(AVAILABILITY, "run_id", "contract")]
    (found,) = house.modules["run_comparison"].compare_runs(torn, run_files(), allow_run_id_drift=True).differences
    assert (found.left, found.right) == ('"other", of another run', "as in its summary")


@reasoning
def a_document_that_lacks_something_differs_from_one_that_has_it_and_from_one_that_has_not(house: House) -> None:
    status = _document(HEALTH, status="splendid")

    assert _said(house, status, status) == [(HEALTH, "schema", "schema")]
    (found,) = house.modules["run_comparison"].compare_runs(status, status).differences
    assert found.left == found.right == "status is 'splendid', expected one of success, partial, failed"
    first = house.modules["run_comparison"].compare_runs(run_files(), status).differences[0]
    assert (first.left, first.right) == ("sound", found.right)


@reasoning
def ranked_rows_are_compared_by_who_they_are_in_order_and_value_by_value(house: House) -> None:
    one, two, three = ROWS
    file = "ranked_json"
    for rows, wanted in (
        ([two, one, three], [("order[0]", "order"), ("order[1]", "order")]),
        ([one, two], [('{"title":"nobody"} #1', "row")]),
        ([one, two, three, three], [('{"title":"nobody"} #2', "row")]),
        ([{**one, "score": 4}, two, three], [('job_id="a" #1.score', "score")]),
        ([{**one, "title": "Z"}, two, three], [('job_id="a" #1.title', "value")]),
        ([one, {**two, "tags": ["x", {"y": False}]}, three], [('id="b" #1.tags[1].y', "value")]),
        ([one, {**two, "tags": "x"}, three], [('id="b" #1.tags', "value")]),
        ([one, {**two, "tags": ["x"]}, three], [('id="b" #1.tags[1]', "value")]),
        ([one, two, three, "text"], [('"text" #1', "row")]),
        ({"jobs": ROWS}, []),
        ({"jobs": ROWS, "total": 3}, [("$.total", "value")]),
        ({"jobs": ROWS, "created_at": "x"}, []),
    ):
        assert _said(house, run_files(), _content(file, rows)) == [(file, *one) for one in wanted]
    nothing = _content(file, {"rows": ROWS})
    assert _said(house, nothing, nothing) == [(file, "rows", "rows")]
    words = house.modules["run_comparison"].compare_runs(run_files(), nothing).differences[-1]
    assert (words.left, words.right) == ("3 rows", "none")
    assert _said(house, nothing, run_files())[-1] == (file, "rows", "rows")
    turned = [_content(file, [dict(pairs)]) for pairs in ([("a", 1), ("b", 2)], [("b", 2), ("a", 1)])]
    assert _said(house, *turned) == []
    listed, plain = (_content("ranked_families_json", {"a": value}) for value in (["ü"], "ü"))
    for left, right in ((listed, plain), (plain, listed)):
        assert _said(house, left, right) == [("ranked_families_json", "$.a", "value")]
    shown = house.modules["run_comparison"].compare_runs(listed, plain).differences[0]
    assert (shown.left, shown.right) == ('["ü"]', '"ü"')
    texts = _content(file, ["a", "b"])
    assert _said(house, texts, texts) == []


@reasoning
def tables_families_and_texts_are_compared_too(house: House) -> None:
    csv = "job_id,score,title,scraped_at\na,3,A,x\nb,2.5,B,y\n"
    for kind, content, wanted in (
        ("ranked_csv", csv.replace("2.5", "2.6"), [('job_id="b" #1.score', "score")]),
        ("ranked_csv", csv.replace(",B,", ",C,"), [('job_id="b" #1.title', "value")]),
        ("ranked_csv", csv.replace("scraped_at", "timestamp"), [("columns[3]", "columns")]),
        ("ranked_families_json", {"families": []}, [("$.families[0]", "value")]),
        ("shortlist_md", f"# Shortlist of {RUN}\n\n- A (4)\n", [("line[2]", "text")]),
        ("shortlist_md", f"# Shortlist of {RUN}\n\n- A (3)", [("line[3]", "text")]),
    ):
        assert _said(house, run_files(), _content(kind, content)) == [(kind, *one) for one in wanted]


@reasoning
def a_file_that_one_run_has_and_the_other_has_not_is_a_difference_and_so_is_one_that_neither_has(house: House) -> None:
    fewer = run_files(contents={kind: text for kind, text in CONTENTS.items() if kind != "ranked_csv"})
    key = "ranked_csv:ranked_csv"

    def changed(run: RunFiles, **changes: Any) -> RunFiles:
        return replace(run, ranked={**run.ranked, key: replace(run.ranked[key], **changes)})

    whole = run_files()
    absent = changed(whole, name="", content=None)
    other = changed(whole, named=replace(whole.ranked[key].named, sha256=sha256("other")))
    right = changed(whole, named=replace(whole.ranked[key].named, sha256=whole.ranked[key].sha256))
    cases = ((fewer, "not named"), (absent, "named and not there"), (other, "another file than its summary names"))
    for run, word in cases:
        for left, right_side in ((whole, run), (run, whole), (run, run)):
            found = house.modules["run_comparison"].compare_runs(left, right_side).differences
            if run is fewer and left is right_side:
                assert found == ()
                continue
            assert [(one.file, one.place, one.kind) for one in found] == [(key, "file", "file")]
            assert word in (found[0].left if left is run else found[0].right)
    assert _said(house, right, whole) == []
    null = _content("ranked_families_json", None)
    assert _said(house, null, null) == []


@reasoning
def all_differences_are_counted_the_first_are_kept_and_long_values_are_cut(house: House) -> None:
    module = house.modules["run_comparison"]
    many = [{"id": str(number), "title": "x" * 300} for number in range(module.KEPT + 5)]
    left, right = (_content("ranked_json", [{**row, "title": row["title"] + end} for row in many]) for end in "ab")

    found = module.compare_runs(left, right)

    assert (found.count, len(found.differences)) == (module.KEPT + 5, module.KEPT)
    assert found.matched is False
    assert len(found.differences[0].left) == module.SHOWN + 1
    assert found.differences[0].left == found.differences[0].right, "what is shown is cut, what is compared is not"
    edge = _content("ranked_families_json", ["x" * (module.SHOWN - 2)])
    shown = module.compare_runs(edge, _content("ranked_families_json", ["y"])).differences[0]
    assert (shown.left.endswith('x"'), shown.right) == (True, '"y"')
    assert str(shown).startswith("ranked_families_json:ranked_families_json: $[0]: value: left ")


@reasoning
def what_nobody_names_is_listed_as_not_compared(house: House) -> None:
    left, right = replace(run_files(), others=("b", "a")), replace(run_files(), others=("c", "a"))

    found = house.modules["run_comparison"].compare_runs(left, right)

    assert found.not_compared == ("a", "b", "c")
    assert found.matched
