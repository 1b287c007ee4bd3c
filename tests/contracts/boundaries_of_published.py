"""Where the comparisons turn that speak of a published run, its pointers and its latest copies."""

from dataclasses import replace
from typing import Any

from tests.contracts.boundary import PROVEN, REFUTED, UNPROVEN, boundary, expect
from tests.contracts.checks import House
from tests.contracts.evidence import PASSING, Evidence
from tests.contracts.observed_published import PUBLISHED, PUBLISHED_RUN, RUN, RUN_PATH

OTHER = "ab" * 32
READ = "read_published_run"
FIRST, SECOND = PUBLISHED_RUN.objects[:2]


def _facts(**changes: Any) -> Evidence:
    return PASSING.facts("read_published_run", **changes)


def _pointer(**changes: Any) -> Evidence:
    first, *rest = PUBLISHED_RUN.pointers
    return _facts(pointers=(replace(first, **changes), *rest))


def _object(number: int = 0, **changes: Any) -> Evidence:
    objects = list(PUBLISHED_RUN.objects)
    objects[number] = replace(objects[number], **changes)
    return _facts(objects=tuple(objects))


def _copy(number: int = 0, **changes: Any) -> Evidence:
    latest = list(PUBLISHED_RUN.latest)
    latest[number] = replace(latest[number], **changes)
    return _facts(latest=tuple(latest))


@boundary
def a_pointer_is_complete_when_it_was_read_with_every_field(house: House) -> None:
    contract = "pointers_are_complete"
    expect(
        house,
        contract,
        (_pointer(status="not_found"), REFUTED),
        (_pointer(status="json-syntax"), REFUTED),
        (_pointer(status="access_denied"), UNPROVEN),
        (_pointer(lacks=("profiles",)), REFUTED),
        (_facts(pointers=PUBLISHED_RUN.pointers[1:]), UNPROVEN),
        (_facts(pointers=(*PUBLISHED_RUN.pointers, PUBLISHED_RUN.pointers[0])), UNPROVEN),
        (_copy(status="not_found"), PROVEN),
        subject="global",
    )


@boundary
def latest_is_complete_when_every_output_was_found_there(house: House) -> None:
    expect(
        house,
        "pointers_are_complete",
        (_copy(status="not_found"), REFUTED),
        (_copy(status="access_denied"), UNPROVEN),
        (_facts(latest=()), REFUTED),
        (_facts(latest=(*PUBLISHED_RUN.latest, replace(PUBLISHED_RUN.latest[0], name="marker"))), PROVEN),
        (_pointer(status="not_found"), PROVEN),
        subject="latest",
    )


@boundary
def a_pointer_names_a_run_of_at_least_one_object(house: House) -> None:
    expect(
        house,
        "pointer_names_an_existing_run",
        (_pointer(objects=1), PROVEN),
        (_pointer(objects=0), REFUTED),
        # What lies elsewhere is none of that run.
        (_pointer(run_path="atlas"), UNPROVEN),
        (_pointer(run_path=f"{RUN_PATH}/"), UNPROVEN),
        (_pointer(run_path="atlas/runs", objects=0), REFUTED),
        (_pointer(status="not_found"), UNPROVEN),
        (_facts(pointers=()), UNPROVEN),
        (_facts(pointers=(*PUBLISHED_RUN.pointers, PUBLISHED_RUN.pointers[0])), UNPROVEN),
        subject="global",
    )


@boundary
def a_pointer_agrees_with_its_run_in_every_field(house: House) -> None:
    report = PUBLISHED_RUN.report
    ended = "2026-01-31T11:00:00.500Z"
    now = PASSING.receipts["read_published_run"].ended_at

    def at(instant: str, other: Any = None) -> Evidence:
        first, *rest = PUBLISHED_RUN.pointers
        same = replace(report, ended_at=instant)
        return _facts(pointers=(replace(first, ended_at=instant), *rest), report=same if other is None else other)

    expect(
        house,
        "pointer_agrees_with_its_run",
        (_pointer(run_path=f"atlas/runs/{RUN}/"), REFUTED),
        (_pointer(run_path="atlas/runs/another"), REFUTED),
        (_pointer(run_id="another"), REFUTED),
        (_pointer(provider_profiles={}), REFUTED),
        (_pointer(provider_profiles={"openai:cs": "another"}), REFUTED),
        (_pointer(providers=("other",)), REFUTED),
        (_pointer(profiles=("other",)), REFUTED),
        (_pointer(ended_at=""), UNPROVEN),
        (_pointer(ended_at="yesterday"), REFUTED),
        (_pointer(status="not_found"), UNPROVEN),
        (at(now), PROVEN),
        (at(now.replace(".000Z", ".001Z")), REFUTED),
        (at(ended, report), REFUTED),
        (at(ended), PROVEN),
        # What no report says, a pointer alone does not show.
        (at(ended, replace(report, ended_at="")), UNPROVEN),
        (at(ended, replace(report, status="json-syntax")), UNPROVEN),
        (at(ended, replace(report, run_id="another")), UNPROVEN),
        (
            _facts(pointers=_pointer(providers=()).receipts[READ].facts.pointers, report=replace(report, status="x")),
            REFUTED,
        ),
        (at(ended, replace(report, ended_at="yesterday")), REFUTED),
        (PASSING.asking(published=replace(PUBLISHED, prefix="")), REFUTED),
        subject="global",
    )


@boundary
def an_output_is_published_when_it_is_what_was_promised_to_the_last_byte(house: House) -> None:
    expect(
        house,
        "published_run_matches_its_plan",
        (_object(size=FIRST.size + 1), REFUTED),
        (_object(sha256=OTHER), REFUTED),
        (_object(kept_sha256=OTHER), REFUTED),
        (_object(kept_sha256=""), PROVEN),
        (_object(status="not_found"), REFUTED),
        (_object(status="access_denied"), UNPROVEN),
        (_object(promised_sha256=""), UNPROVEN),
        (_object(promised_size=None), UNPROVEN),
        (_object(promised_sha256=OTHER), REFUTED),
        (_object(size=0, promised_size=0), PROVEN),
        (_object(promised=False), UNPROVEN),
        (_object(1, sha256=OTHER), PROVEN),
        (_facts(objects=(FIRST, FIRST)), UNPROVEN),
        (_facts(objects=()), UNPROVEN),
        subject="ranked_json",
    )


@boundary
def a_run_is_what_its_plan_names_and_nothing_besides(house: House) -> None:
    nobody: dict[str, Any] = {"promised": False, "promised_size": None, "promised_sha256": ""}
    unpromised = tuple(replace(one, **nobody) for one in PUBLISHED_RUN.objects)
    report = PUBLISHED_RUN.report
    expect(
        house,
        "published_run_is_what_its_plan_names",
        (_object(2, sha256=OTHER), REFUTED),
        (_object(2, status="not_found"), REFUTED),
        (_object(2, status="access_denied"), UNPROVEN),
        (_object(2, promised_sha256=""), UNPROVEN),
        (_object(2, **nobody), REFUTED),
        (_facts(objects=unpromised), UNPROVEN),
        (_facts(objects=()), UNPROVEN),
        (_facts(objects=(FIRST,)), PROVEN),
        # Two promises of one object: one of them is not kept, whichever comes last.
        (_facts(objects=(FIRST, replace(FIRST, name="openai:cs:other", promised_sha256=OTHER))), REFUTED),
        (_facts(objects=(replace(FIRST, name="openai:cs:other", promised_sha256=OTHER), FIRST)), REFUTED),
        (_facts(objects=(replace(FIRST, name="openai:cs:other", promised_sha256=""), FIRST)), UNPROVEN),
        (_facts(report=replace(report, run_id="another")), REFUTED),
        (_facts(objects=(replace(FIRST, status="access_denied"), replace(SECOND, sha256=OTHER))), REFUTED),
    )
    verdict = house.verdict("published_run_is_what_its_plan_names", _object(1, sha256=OTHER))
    assert verdict.observed == {"report_of": RUN, "not_as_promised": [SECOND.key], "not_promised": []}


@boundary
def a_latest_copy_is_compared_with_what_was_read_of_the_run(house: House) -> None:
    expect(
        house,
        "latest_equals_the_run",
        (_copy(sha256=OTHER), REFUTED),
        (_copy(size=0), REFUTED),
        (_copy(status="not_found"), REFUTED),
        (_copy(status="access_denied"), UNPROVEN),
        (_copy(1, sha256=OTHER), PROVEN),
        (_object(sha256=OTHER), REFUTED),
        (_object(status="not_found"), UNPROVEN),
        (_object(status="access_denied"), UNPROVEN),
        (_facts(objects=()), UNPROVEN),
        (_facts(latest=()), UNPROVEN),
        (_facts(latest=(*PUBLISHED_RUN.latest, PUBLISHED_RUN.latest[0])), UNPROVEN),
        subject="ranked_json",
    )


@boundary
def a_marker_is_in_the_run_and_among_the_latest_copies(house: House) -> None:
    contract = "published_run_has_its_marker"
    expect(
        house,
        contract,
        (_object(1, size=1), PROVEN),
        (_object(1, size=0), REFUTED),
        (_object(1, status="not_found"), REFUTED),
        (_object(1, status="access_denied"), UNPROVEN),
        (_object(0, status="access_denied"), PROVEN),
        (_facts(objects=(FIRST,)), REFUTED),
        # One object that was promised twice is one marker; what was read of it in two ways is none.
        (_facts(objects=(SECOND, replace(SECOND, name="openai:cs:other"))), PROVEN),
        (_facts(objects=(SECOND, replace(SECOND, size=0))), REFUTED),
        (_object(1, key=f"{RUN_PATH}/earlier/openai/cs/top.cs.md"), REFUTED),
        (_facts(objects=(*PUBLISHED_RUN.objects, replace(SECOND, key=f"{RUN_PATH}/old/openai/cs/top.cs.md"))), PROVEN),
        (_facts(run_path=""), UNPROVEN),
        (_copy(1, size=0), PROVEN),
        subject="run",
    )
    expect(
        house,
        contract,
        (_copy(1, size=1), PROVEN),
        (_copy(1, size=0), REFUTED),
        (_copy(1, status="not_found"), REFUTED),
        (_copy(1, status="access_denied"), UNPROVEN),
        (_copy(1, key="atlas/earlier/openai/cs/top.cs.md"), REFUTED),
        (_object(1, size=0), PROVEN),
        subject="latest",
    )
