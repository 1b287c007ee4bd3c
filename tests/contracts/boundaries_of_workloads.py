"""Where the comparisons turn that speak of the validation Job: how it ended, what ran in it, and what it read."""

import json
from dataclasses import replace
from typing import Any

from drproof.model.criteria import Grade
from drproof.phases.recovery.job import REPORT, WORKLOAD
from tests.contracts.boundary import PROVEN, REFUTED, UNPROVEN, boundary, expect
from tests.contracts.checks import House
from tests.contracts.evidence import PASSING, Evidence
from tests.contracts.observed import CANARY, CRITERIA, MEMBERS, POINT, READ_BACK, VALIDATED, sha256

STATE = "state.tar.zst"
GRADED = "recovery_is_shown_as_strongly_as_demanded"


def _asking(**changes: Any) -> Evidence:
    return PASSING.asking(workload=replace(CRITERIA.workload, **changes))


def _container(which: str, **changes: Any) -> Evidence:
    seen = tuple(replace(one, **changes) if one.name == which else one for one in VALIDATED.containers)
    return PASSING.facts("validate", containers=seen)


@boundary
def a_container_succeeded_when_it_exited_with_0_in_a_job_that_is_complete(house: House) -> None:
    report, workload = VALIDATED.containers
    failed = replace(workload, exit_code=1)
    for which, other in ((REPORT, WORKLOAD), (WORKLOAD, REPORT)):
        expect(
            house,
            "validation_container_succeeded",
            (_container(which, exit_code=-1), REFUTED),
            (_container(which, exit_code=137, reason="OOMKilled"), REFUTED),
            (_container(other, exit_code=1), PROVEN),
            (_container(which, name="another"), UNPROVEN),
            (PASSING.facts("validate", containers=()), UNPROVEN),
            (PASSING.facts("validate", condition=""), REFUTED),
            (PASSING.facts("validate", condition="Failed:BackoffLimitExceeded"), REFUTED),
            subject=which,
        )
    for doubled in ((report, workload, failed), (report, failed, workload), (report, workload, workload)):
        evidence = PASSING.facts("validate", containers=doubled)
        expect(house, "validation_container_succeeded", (evidence, UNPROVEN), subject=WORKLOAD)


@boundary
def the_image_that_ran_is_told_by_its_digest_and_not_by_its_name(house: House) -> None:
    for which, other in ((REPORT, WORKLOAD), (WORKLOAD, REPORT)):
        expect(
            house,
            "validation_ran_the_pinned_image",
            (_container(which, image="elsewhere.example/atlas:latest"), PROVEN),
            (_container(which, digest="sha256:" + "cd" * 32), REFUTED),
            (_container(which, digest="ab" * 32), REFUTED),
            (_container(which, digest=""), UNPROVEN),
            (_container(which, name="another"), UNPROVEN),
            (_container(other, digest=""), PROVEN),
            (PASSING.asking(image_ref="atlas:latest"), UNPROVEN),
            (PASSING.asking(image_ref=""), UNPROVEN),
            subject=which,
        )


@boundary
def every_container_is_pulled_from_the_registry_and_had_to_be(house: House) -> None:
    side = replace(VALIDATED.containers[0], name="side")

    def beside(**changes: Any) -> Evidence:
        return PASSING.facts("validate", containers=(*VALIDATED.containers, replace(side, **changes)))

    expect(
        house,
        "validation_image_was_pulled_anew",
        (beside(), PROVEN),
        (beside(pulled="cache"), REFUTED),
        (beside(policy="IfNotPresent"), REFUTED),
        (beside(policy=""), REFUTED),
        (_container(REPORT, pulled=""), REFUTED),
        (PASSING.facts("validate", containers=()), REFUTED),
        (PASSING.facts("validate", containers=(side,)), UNPROVEN),
    )
    cached = house.verdict("validation_image_was_pulled_anew", beside(pulled="cache"))
    assert cached.observed == {"policies": ["Always"], "not_from_the_registry": ["side"]}


@boundary
def bounds_are_compared_by_their_value_and_a_job_without_bounds_proves_nothing(house: House) -> None:
    limits, requests = CRITERIA.workload.limits, CRITERIA.workload.requests
    expect(
        house,
        "validation_job_was_bounded",
        (PASSING.facts("validate", limits={"cpu": "1000m", "memory": "2048Mi"}), PROVEN),
        (_asking(requests={"cpu": "0.25", "memory": "512Mi"}), PROVEN),
        (PASSING.facts("validate", limits={**limits, "cpu": "1001m"}), REFUTED),
        (PASSING.facts("validate", limits={"memory": "2Gi"}), REFUTED),
        (PASSING.facts("validate", limits={**limits, "ephemeral-storage": "1Gi"}), REFUTED),
        (PASSING.facts("validate", limits={}), REFUTED),
        (PASSING.facts("validate", requests={}), REFUTED),
        (PASSING.facts("validate", requests={**requests, "cpu": "much"}), REFUTED),
        (PASSING.facts("validate", requests={**requests, "cpu": "251m"}), REFUTED),
        (PASSING.facts("validate", deadline_seconds=2701), REFUTED),
        (PASSING.facts("validate", deadline_seconds=2699), REFUTED),
        (_asking(deadline_seconds=0).facts("validate", deadline_seconds=0), UNPROVEN),
        (_asking(limits={}).facts("validate", limits={}), UNPROVEN),
    )


@boundary
def a_run_is_named_by_any_text_but_an_empty_one(house: House) -> None:
    expect(
        house,
        "validation_run_has_a_name",
        (PASSING.facts("validate", run_id="r"), PROVEN),
        (PASSING.facts("validate", run_id=""), REFUTED),
    )
    assert house.verdict("validation_run_has_a_name", PASSING).observed == VALIDATED.run_id


@boundary
def the_state_was_read_whole_and_each_archive_once(house: House) -> None:
    contract = "restored_state_is_what_was_backed_up"
    first, second = VALIDATED.reports

    def reports(*seen: Any) -> Evidence:
        return PASSING.facts("validate", reports=seen)

    def rows(*kept: Any) -> Evidence:
        return PASSING.file("members", {**MEMBERS, STATE: list(kept)})

    folder, *files = MEMBERS[STATE]
    expect(
        house,
        contract,
        (reports(second, first), PROVEN),
        (reports(first), PROVEN),
        (reports(second), UNPROVEN),
        (reports(), UNPROVEN),
        (reports(first, first), UNPROVEN),
        (reports(replace(first, sha256=sha256("x")), first), UNPROVEN),
        (reports(replace(first, files=first.files + 1), second), REFUTED),
        (reports(replace(first, files=0, size=0), second), REFUTED),
        (reports(replace(first, size=first.size + 1), second), REFUTED),
        (reports(replace(second, archive=STATE)), REFUTED),
        (PASSING.asking(workload=replace(CRITERIA.workload, challenge=sha256("another drill"))), REFUTED),
        (PASSING.asking(workload=replace(CRITERIA.workload, challenge="")), UNPROVEN),
        (rows(*files), PROVEN),
        (rows(*reversed(files), folder), PROVEN),
        (rows(folder, *files[1:]), REFUTED),
        (rows(folder, *files, {**files[0], "path": "more"}), REFUTED),
        (rows(folder), UNPROVEN),
        (rows(), UNPROVEN),
        (PASSING.file("members", {}), UNPROVEN),
        subject=STATE,
    )


@boundary
def each_way_to_spoil_a_report_is_done_to_the_archive_that_is_spoken_of(house: House) -> None:
    contract = "restored_state_is_what_was_backed_up"
    empty = {**MEMBERS, STATE: [{"path": "empty", "kind": "file", "size": 0, "sha256": sha256("")}]}
    digests = house.modules["state_report"].digest_of(empty[STATE], nonce=CRITERIA.workload.challenge)
    seen = replace(VALIDATED.reports[0], files=1, size=0, sha256=digests.sha256)
    nothing_in_it = PASSING.file("members", empty).facts("validate", reports=(VALIDATED.reports[1], seen))
    for archive, evidence in ((STATE, PASSING), ("manifests.tar.zst", PASSING), (STATE, nothing_in_it)):
        verdict = house.verdict(contract, evidence, archive)
        results = [one.result.value for one in verdict.controls if one.kind == "sabotage"]
        assert (verdict.status, results) == (PROVEN, ["refuted"] * 4)
    for archive, other in ((STATE, "manifests.tar.zst"), ("manifests.tar.zst", STATE)):
        (files,) = [s for s in house.contracts[contract].sabotages if s.name == "the workload read an empty state"]
        spoiled = files.spoil(validate=PASSING.receipts["validate"], subject=archive).facts.reports
        assert [one.archive for one in spoiled if one.files == 0] == [archive]
        assert other in {one.archive for one in spoiled if one.files}


@boundary
def a_canary_is_the_record_of_the_backup_and_not_younger_than_it(house: House) -> None:
    contract = "canary_was_read_in_the_cluster"

    def canary(text: str) -> Evidence:
        rows = [{**row, "sha256": sha256(text)} if "canary" in row["path"] else row for row in MEMBERS[STATE]]
        return PASSING.facts("validate", canary=text).file("members", {**MEMBERS, STATE: rows})

    def written(at: Any) -> Evidence:
        return canary(json.dumps({"written_at": at}))

    applies = house.contracts[contract].applies
    assert applies is not None
    assert applies(CRITERIA)
    assert not applies(replace(CRITERIA, workload=replace(CRITERIA.workload, canary="")))
    expect(
        house,
        contract,
        (written(POINT.created_at), PROVEN),
        (written("2026-01-31T10:59:59.999Z"), PROVEN),
        (written("2026-01-31T11:00:00.001Z"), REFUTED),
        (written("2026-01-31T12:00:00+01:00"), PROVEN),
        (written("yesterday"), UNPROVEN),
        (written(None), UNPROVEN),
        (canary("[]"), UNPROVEN),
        (canary("no JSON"), UNPROVEN),
        (canary('{"written_at": "2026-01-31T10:00:00Z", "written_at": "2026-01-31T10:00:00Z"}'), UNPROVEN),
        (PASSING.facts("read_restore_point", created_at=""), UNPROVEN),
        (PASSING.facts("validate", canary=""), REFUTED),
        (PASSING.facts("validate", canary=CANARY + "\n"), REFUTED),
        (_asking(canary="state.tar.zst/other.json"), UNPROVEN),
        (_asking(canary="manifests.tar.zst/canary.json"), UNPROVEN),
        (_asking(canary="state.tar.zst"), UNPROVEN),
        (_asking(canary="other.tar.zst/canary.json"), UNPROVEN),
        (_asking(canary="state.tar.zst/runs/"), REFUTED),
        (_asking(canary="state.tar.zst/runs/").facts("validate", canary=""), REFUTED),
    )
    expect(house, contract, (canary("").file("members", MEMBERS), REFUTED))


@boundary
def a_recovery_is_shown_as_strongly_as_the_lowest_rung_that_breaks(house: House) -> None:
    first, *others = POINT.objects

    def objects(**changes: Any) -> Evidence:
        return PASSING.facts("read_restore_point", objects=(replace(first, **changes), *others))

    lost = PASSING.file("read_back", {**READ_BACK, STATE: []})
    broken: list[tuple[Evidence, Grade | None]] = [
        (PASSING, Grade.APPLICATION_VERIFIED),
        (PASSING.facts("validate", condition="Failed:"), Grade.MATERIALISED),
        (PASSING.facts("validate", reports=VALIDATED.reports[:1]), Grade.MATERIALISED),
        (_container(REPORT, exit_code=1), Grade.MATERIALISED),
        (_container(WORKLOAD, exit_code=1), Grade.MATERIALISED),
        (_container(REPORT, digest="sha256:" + "cd" * 32), Grade.MATERIALISED),
        (_container(WORKLOAD, digest=""), Grade.MATERIALISED),
        (lost, Grade.INTEGRITY),
        (lost.facts("validate", condition="Failed:"), Grade.INTEGRITY),
        (objects(sha256=""), Grade.EXISTENCE),
        (objects(size=1), Grade.APPLICATION_VERIFIED),
        (objects(size=0), None),
        (objects(status="not_found"), None),
        (objects(name="another"), None),
    ]
    for evidence, shown in broken:
        for demanded in Grade:
            reached = shown is not None and list(Grade).index(shown) >= list(Grade).index(demanded)
            expect(house, GRADED, (evidence.asking(grade=demanded), PROVEN if reached else REFUTED))
        observed = house.verdict(GRADED, evidence).observed
        assert observed == (shown.value if shown else "nothing")
    assert house.verdict(GRADED, lost).expected == "application_verified"


@boundary
def only_what_is_demanded_is_spoiled_and_nothing_to_grade_is_no_grade(house: House) -> None:
    def results(demanded: Grade) -> list[str]:
        controls = house.verdict(GRADED, PASSING.asking(grade=demanded)).controls
        return [one.result.value for one in controls if one.kind == "sabotage"]

    assert [results(grade).count("refuted") for grade in Grade] == [1, 2, 3, 4]
    assert [results(grade).count("not_applicable") for grade in Grade] == [3, 2, 1, 0]
    missing: tuple[dict[str, Any], ...] = ({"objects": ()}, {"archives": ()}, {"objects": (), "archives": ()})
    for nothing in missing:
        for demanded in Grade:
            evidence = PASSING.asking(backup=replace(CRITERIA.backup, **nothing), grade=demanded)
            expect(house, GRADED, (evidence, UNPROVEN))
            assert "nothing to grade" in house.verdict(GRADED, evidence).reason
