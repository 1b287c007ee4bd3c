"""Where the comparisons turn that speak of a failback that was handed in as files."""

from dataclasses import replace
from typing import Any

from drproof.phases.failback.observed import Compared, Differing, FailbackFile, Named, PlannedPointer, PointerListed
from tests.contracts.boundary import PROVEN, REFUTED, UNPROVEN, boundary, expect
from tests.contracts.checks import House
from tests.contracts.evidence import PASSING, Evidence
from tests.contracts.observed_execution import ASKED_FOR
from tests.contracts.observed_failback import FAILED_BACK, KEYS, ORIGINAL, PATH, RECOVERED, md5

LABEL = "provider"


def _facts(**changes: Any) -> Evidence:
    return PASSING.facts("read_failback", **changes)


def _acted(**changes: Any) -> Evidence:
    return _facts(acted=replace(FAILED_BACK.acted, **changes))


def _compared(**changes: Any) -> Evidence:
    assert FAILED_BACK.compared is not None
    return _facts(compared=replace(FAILED_BACK.compared, **changes))


def _again(**changes: Any) -> Evidence:
    assert FAILED_BACK.again is not None
    return _facts(again=replace(FAILED_BACK.again, **changes))


def _named(*rows: Named) -> Evidence:
    return _facts(named=rows, planned=(), kept=())


def _silent(member: str) -> tuple[Named, ...]:
    return tuple(replace(row, **{member: ""}) for row in FAILED_BACK.named)


def _kept(side: str, **changes: Any) -> Evidence:
    return _facts(
        kept=tuple(
            replace(row, **changes) if (row.side, row.pointer) == (side, LABEL) else row for row in FAILED_BACK.kept
        )
    )


def _without(side: str) -> Evidence:
    return _facts(kept=tuple(row for row in FAILED_BACK.kept if (row.side, row.pointer) != (side, LABEL)))


def _planned(**changes: Any) -> tuple[PlannedPointer, ...]:
    return tuple(replace(row, **changes) if row.pointer == LABEL else row for row in FAILED_BACK.planned)


def _meaning(**changes: Any) -> Evidence:
    return PASSING.asking(execution=replace(ASKED_FOR, **changes))


@boundary
def a_file_of_a_failback_with_any_problem_is_refuted_and_named(house: House) -> None:
    log = FailbackFile(name="a.json", kind="receipt", size=1, sha256="0" * 64, problem="timestamp")
    spoiled = _facts(files=(*FAILED_BACK.files, log))
    expect(house, "every_file_of_the_failback_is_known_and_read", (spoiled, REFUTED), (_facts(files=()), UNPROVEN))
    assert (
        house.verdict("every_file_of_the_failback_is_known_and_read", _facts(files=())).reason
        == "no file was handed in"
    )
    assert "a.json: timestamp" in house.verdict("every_file_of_the_failback_is_known_and_read", spoiled).reason


@boundary
def a_failback_that_names_no_run_on_a_side_is_unproven(house: House) -> None:
    name = "failback_is_between_two_runs"
    expect(
        house,
        name,
        (_named(), UNPROVEN),
        (_named(Named(source="plan", to_run=ORIGINAL)), UNPROVEN),
        (_named(Named(source="plan", from_run=RECOVERED)), UNPROVEN),
        (_named(Named(source="plan", from_run=RECOVERED, to_run=ORIGINAL)), PROVEN),
    )
    assert "the run to which" in house.verdict(name, _named(Named(source="plan", from_run=RECOVERED))).reason


@boundary
def a_failback_from_a_run_to_itself_is_told_from_one_that_disagrees(house: House) -> None:
    name = "failback_is_between_two_runs"
    itself = _named(Named(source="plan", from_run=RECOVERED, to_run=RECOVERED))
    disagrees = _named(
        Named(source="plan", from_run=RECOVERED, to_run=ORIGINAL), Named(source="apply", to_run=RECOVERED)
    )
    two_sources = _named(
        Named(source="plan", from_run=RECOVERED, to_run=ORIGINAL), Named(source="inputs", from_run="third")
    )
    swapped = _named(
        Named(source="plan", from_run=RECOVERED, to_run=ORIGINAL),
        Named(source="inputs", from_run=ORIGINAL, to_run=RECOVERED),
    )
    expect(house, name, (itself, REFUTED), (disagrees, REFUTED), (two_sources, REFUTED), (swapped, REFUTED))
    assert "to itself" in house.verdict(name, itself).reason
    assert "do not name the same runs" in house.verdict(name, disagrees).reason


@boundary
def each_kept_pointer_speaks_for_its_own_side(house: House) -> None:
    alone = (row for row in FAILED_BACK.kept if row.side == "before")
    expect(
        house,
        "failback_is_between_two_runs",
        (_kept("before", run_id=ORIGINAL), REFUTED),
        (_kept("after", run_id=RECOVERED), REFUTED),
        (_kept("after", run_id=""), PROVEN),
        (_facts(named=(Named(source="plan", to_run=ORIGINAL),), kept=tuple(alone)), PROVEN),
    )


@boundary
def a_comparison_counts_only_when_it_was_made_of_the_two_runs_and_matched(house: House) -> None:
    name = "runs_were_compared_and_match"
    expect(
        house,
        name,
        (_facts(compared=None), UNPROVEN),
        (_compared(outcome="unclear"), UNPROVEN),
        (_compared(outcome="skipped"), REFUTED),
        (_compared(outcome="different"), REFUTED),
        (_compared(recovered=""), UNPROVEN),
        (_compared(original=""), UNPROVEN),
        (_compared(recovered=ORIGINAL), REFUTED),
        (_compared(recovered=ORIGINAL, original=RECOVERED), REFUTED),
        (_compared(recovered="third"), REFUTED),
        (_compared(original="third"), REFUTED),
    )
    assert "with itself" in house.verdict(name, _compared(recovered=ORIGINAL)).reason
    assert "skipped" in house.verdict(name, _compared(outcome="skipped")).reason
    assert "differences" in house.verdict(name, _compared(outcome="different")).reason


@boundary
def a_comparison_of_runs_that_nobody_names_is_unproven(house: House) -> None:
    third = Named(source="apply", to_run="third")
    fourth = Named(source="apply", from_run="fourth")
    expect(
        house,
        "runs_were_compared_and_match",
        (_named(), UNPROVEN),
        (_named(Named(source="plan", from_run=RECOVERED)), UNPROVEN),
        (_named(Named(source="plan", to_run=ORIGINAL)), UNPROVEN),
        (_facts(named=(*FAILED_BACK.named, third)), UNPROVEN),
        (_facts(named=(*FAILED_BACK.named, fourth)), UNPROVEN),
        (_named(Named(source="plan", from_run=RECOVERED, to_run=ORIGINAL)), PROVEN),
    )
    itself = replace(_named(), criteria=PASSING.criteria).facts(
        "read_failback", compared=Compared(outcome="matched", recovered="a", original="a")
    )
    expect(house, "runs_were_compared_and_match", (itself, REFUTED))


@boundary
def copies_speak_for_themselves_and_only_for_the_two_runs_of_the_failback(house: House) -> None:
    name = "copies_of_the_runs_come_to_the_same"
    itself = Named(source="plan", from_run=RECOVERED, to_run=RECOVERED)
    expect(
        house,
        name,
        (_facts(again=None), UNPROVEN),
        (_again(problem="the copy of the original run has no run_health.v1.json"), UNPROVEN),
        (_again(count=1), REFUTED),
        (_again(compared=0), REFUTED),
        (_again(recovered="third"), REFUTED),
        (_again(original="third"), REFUTED),
        (_again(recovered=ORIGINAL, original=RECOVERED), REFUTED),
        (_named(), UNPROVEN),
        (_named(Named(source="plan", from_run=RECOVERED)), UNPROVEN),
        (_named(Named(source="plan", to_run=ORIGINAL)), UNPROVEN),
        (_facts(named=(*FAILED_BACK.named, Named(source="apply", to_run="third"))), UNPROVEN),
        (_facts(named=(*FAILED_BACK.named, Named(source="apply", from_run="third"))), UNPROVEN),
        (_named(Named(source="plan", from_run=RECOVERED, to_run=ORIGINAL)), PROVEN),
        (_again(original=RECOVERED).facts("read_failback", named=(itself,)), REFUTED),
        # Who says what of the comparison is for the contract beside it.
        (_facts(compared=None), PROVEN),
    )
    assert (
        "both copies are of"
        in house.verdict(name, _again(original=RECOVERED).facts("read_failback", named=(itself,))).reason
    )
    assert house.verdict(name, _again(problem="a")).reason == "the comparison cannot be made again: a"
    assert house.verdict(name, _again(compared=0)).reason == "nothing was compared"


@boundary
def copies_that_differ_are_told_by_file_and_beside_what_the_log_says(house: House) -> None:
    name = "copies_of_the_runs_come_to_the_same"
    rows = (Differing(file="ranked_json:a.json", kind="score"), Differing(file="run_summary.v1.json", kind="contract"))
    unlogged = _again(count=3, differing=rows).facts("read_failback", compared=None)
    skipped = _again(count=3, differing=rows).facts("read_failback", compared=Compared(outcome="skipped"))

    shown = "ranked_json:a.json (score), run_summary.v1.json (contract)"
    said = house.verdict(name, _again(count=3, differing=rows))
    assert said.reason == f"the copies differ in 3 places though the log says that they match: {shown}"
    for evidence in (unlogged, skipped):
        assert house.verdict(name, evidence).reason == f"the copies differ in 3 places: {shown}"


@boundary
def every_word_of_a_failback_has_to_say_that_it_was_applied(house: House) -> None:
    name = "failback_was_applied"
    for member, wrong in {
        "asked": "no",
        "dry": "yes",
        "applied": "no",
        "ended_as": "failed",
        "ended_dry": "yes",
    }.items():
        for word in (wrong, "unclear"):
            spoiled = _acted(**{member: word})
            expect(house, name, (spoiled, REFUTED))
            assert f"{member} is {word}" in house.verdict(name, spoiled).reason
    for member in ("asked", "dry", "applied"):
        expect(house, name, (_acted(**{member: ""}), UNPROVEN))
    # The longer script's summary need not be there; its apply has to.
    expect(house, name, (_acted(ended_as="", ended_dry=""), PROVEN), (_acted(applied="", dry="yes"), REFUTED))


@boundary
def what_was_written_is_what_was_planned_all_of_it_and_nothing_else(house: House) -> None:
    updated = FAILED_BACK.acted.updated
    expect(
        house,
        "failback_was_applied",
        (_acted(updated=updated[::-1]), PROVEN),
        (_acted(updated=updated[1:]), REFUTED),
        (_acted(updated=(*updated, "atlas/else.json")), REFUTED),
        (_facts(planned=()), UNPROVEN),
    )


@boundary
def a_pointer_goes_back_only_from_the_one_run_to_the_other_in_its_shape(house: House) -> None:
    name = "pointer_was_switched_back"
    cases = (
        (_facts(planned=()), UNPROVEN),
        (_facts(planned=tuple(row for row in FAILED_BACK.planned if row.pointer != LABEL)), REFUTED),
        (_facts(planned=_planned(run_id="third")), REFUTED),
        (_facts(planned=_planned(run_path=f"{PATH}/")), REFUTED),
        (_without("before"), UNPROVEN),
        (_without("after"), UNPROVEN),
        (_kept("before", run_id=ORIGINAL), REFUTED),
        (_kept("before", run_path="elsewhere"), PROVEN),
        (_kept("after", run_id=RECOVERED), REFUTED),
        (_kept("after", run_path=f"runs/{ORIGINAL}/"), REFUTED),
        (_facts(named=_silent("from_run")), UNPROVEN),
        (_facts(named=_silent("to_run")), UNPROVEN),
        (_facts(named=_silent("prefix")), UNPROVEN),
        (_facts(named=(*FAILED_BACK.named, Named(source="apply", from_run="third"))), UNPROVEN),
        (_facts(named=(*FAILED_BACK.named, Named(source="apply", prefix="elsewhere"))), UNPROVEN),
    )
    expect(house, name, *cases, subject=LABEL)
    expect(house, name, (_kept("after", run_id=RECOVERED), PROVEN), subject="global")
    assert "nobody kept what the pointer provider named after" in house.verdict(name, _without("after"), LABEL).reason
    assert "named before" in house.verdict(name, _without("before"), LABEL).reason


@boundary
def a_pointer_that_was_never_moved_did_not_go_back(house: House) -> None:
    there = Named(source="plan", from_run=ORIGINAL, to_run=ORIGINAL, prefix="atlas")
    kept = tuple(replace(row, run_id=ORIGINAL, run_path=PATH) for row in FAILED_BACK.kept)
    spoiled = _facts(named=(there,), kept=kept)
    expect(house, "pointer_was_switched_back", (spoiled, REFUTED), subject=LABEL)
    assert "to itself" in house.verdict("pointer_was_switched_back", spoiled, LABEL).reason


@boundary
def a_pointer_is_that_of_the_store_byte_for_byte(house: House) -> None:
    assert FAILED_BACK.listed is not None
    rest = tuple(row for row in FAILED_BACK.listed if row.key != KEYS[LABEL])
    mine = next(row for row in FAILED_BACK.listed if row.key == KEYS[LABEL])
    expect(
        house,
        "pointer_read_back_is_the_stored_one",
        (_facts(listed=None), UNPROVEN),
        (_facts(listed=()), UNPROVEN),
        (_facts(listed=rest), UNPROVEN),
        (_facts(listed=(*rest, replace(mine, md5=""))), UNPROVEN),
        (_facts(listed=(*rest, replace(mine, md5=md5("other")))), REFUTED),
        (_facts(listed=(*rest, replace(mine, size=mine.size + 1))), REFUTED),
        (_facts(listed=(*rest, mine, PointerListed(key="atlas/else", size=1, md5=""))), PROVEN),
        (_facts(planned=tuple(row for row in FAILED_BACK.planned if row.pointer != LABEL)), UNPROVEN),
        (_without("after"), UNPROVEN),
        (_without("before"), PROVEN),
        subject=LABEL,
    )


@boundary
def a_pointer_that_was_replaced_is_the_one_that_was_read_and_is_kept(house: House) -> None:
    assert FAILED_BACK.listed is not None
    rest = tuple(row for row in FAILED_BACK.listed if row.key != KEYS[LABEL])
    mine = next(row for row in FAILED_BACK.listed if row.key == KEYS[LABEL])
    name = "pointer_replaced_what_was_read"
    untold = _facts(listed=(*rest, replace(mine, earlier_md5=None)))
    expect(
        house,
        name,
        (_facts(listed=None), UNPROVEN),
        (_facts(listed=rest), UNPROVEN),
        (_facts(listed=(*rest, mine, mine)), UNPROVEN),
        (untold, UNPROVEN),
        (_facts(listed=(*rest, replace(mine, earlier_md5=""))), UNPROVEN),
        (_facts(listed=(*rest, replace(mine, earlier_md5=md5("another's")))), REFUTED),
        (_kept("before", md5=md5("another's")), REFUTED),
        (_without("before"), UNPROVEN),
        (_without("after"), PROVEN),
        (_facts(planned=tuple(row for row in FAILED_BACK.planned if row.pointer != LABEL)), UNPROVEN),
        subject=LABEL,
    )
    assert "list-object-versions" in house.verdict(name, untold, LABEL).reason


@boundary
def a_schedule_that_could_start_is_named_and_a_list_of_none_shows_nothing(house: House) -> None:
    name = "schedules_were_frozen"
    other = tuple(row for row in FAILED_BACK.schedules if row.site != "original")
    (mine,) = (row for row in FAILED_BACK.schedules if row.site == "original")
    runs = _facts(schedules=(*other, replace(mine, running=("atlas/daily",))))
    expect(
        house,
        name,
        (_facts(schedules=()), UNPROVEN),
        (_facts(schedules=other), UNPROVEN),
        (_facts(schedules=(*other, replace(mine, suspended=0))), UNPROVEN),
        (_facts(schedules=(*other, replace(mine, uids=()))), UNPROVEN),
        (_facts(schedules=(*other, replace(mine, suspended=2))), UNPROVEN),
        (_facts(schedules=(*other, replace(mine, uids=other[0].uids))), UNPROVEN),
        (runs, REFUTED),
        (_facts(schedules=(*other, replace(mine, suspended=0, running=("atlas/daily",)))), REFUTED),
        subject="original",
    )
    expect(house, name, (runs, PROVEN), (_facts(schedules=other), PROVEN), subject="recovery")
    assert house.verdict(name, runs, "original").reason.endswith("could start: atlas/daily")
    assert "primary.cronjobs.after.json" in house.verdict(name, _facts(schedules=other), "original").reason


@boundary
def the_receipts_of_a_failback_are_of_one_place_and_of_the_one_that_is_meant(house: House) -> None:
    name = "receipts_are_of_one_failback"
    for member, other in {"bucket": "b", "prefix": "p", "account_id": "444455556666", "region": "us-west-2"}.items():
        added = Named(source="apply", **{member: other})
        expect(
            house,
            name,
            (_facts(named=_silent(member)), UNPROVEN),
            (_facts(named=(*FAILED_BACK.named, added)), REFUTED),
        )
        assert house.verdict(name, _facts(named=_silent(member))).reason == f"no receipt names its {member}"
        assert house.verdict(name, _facts(named=(*FAILED_BACK.named, added))).reason.endswith(f": {member}")
    expect(
        house,
        name,
        (_meaning(account_id="444455556666"), REFUTED),
        (_meaning(region="us-west-2"), REFUTED),
        (_meaning(execution_id="third"), REFUTED),
        (_meaning(execution_id="", account_id="", region=""), PROVEN),
    )
    expect(house, name, (_facts(named=_silent("from_run")), UNPROVEN))
