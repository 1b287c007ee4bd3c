"""Preparation: which value wins, and what a window covers, decided before anything is touched."""

from pathlib import Path
from typing import Any

import pytest

from drproof.engine.preparation import DrillRequest, Prepared, prepare
from drproof.engine.refusal import Refusal

REHEARSAL = {"target": "embedded"}


def _prepared(folder: Path, options: dict[str, Any], *, plan: str = "recovery", **environment: str) -> Prepared:
    return prepare(DrillRequest(plan=plan, options=options, environment=environment, directory=folder))


def _source(prepared: Prepared, name: str) -> str:
    return next((row.source for row in prepared.inputs if row.name == name), "")


def test_an_option_wins_over_the_environment_and_that_over_the_file(tmp_path):
    (tmp_path / "drproof.toml").write_text('target = "embedded"\n[limits]\nmax_attempts = 7\n')

    from_file = _prepared(tmp_path, {})
    from_environment = _prepared(tmp_path, {}, DR_MAX_PHASE_ATTEMPTS="6")
    from_option = _prepared(tmp_path, {"max_attempts": "5"}, DR_MAX_PHASE_ATTEMPTS="6")

    found = [
        (p.settings.limits.max_attempts, _source(p, "limits.max_attempts"))
        for p in (from_file, from_environment, from_option)
    ]
    assert found == [
        (7, "drproof.toml limits.max_attempts"),
        (6, "environment DR_MAX_PHASE_ATTEMPTS"),
        (5, "option --max-attempts"),
    ]


def test_a_file_is_found_from_a_folder_below_it(tmp_path):
    (tmp_path / "drproof.toml").write_text('target = "embedded"\n')
    below = tmp_path / "a" / "b"
    below.mkdir(parents=True)

    assert _source(_prepared(below, {}), "target") == "drproof.toml target"


def test_against_the_embedded_world_the_environment_does_not_speak_of_places(tmp_path):
    prepared = _prepared(
        tmp_path,
        REHEARSAL,
        AWS_REGION="eu-central-1",
        BACKUP_URI="s3://real/prefix/backups/one",
        EXPECTED_ACCOUNT_ID="999900001111",
    )

    assert prepared.settings.sites.recovery.region == "us-west-2"
    assert prepared.settings.sites.recovery.account_id == "444455556666"
    assert prepared.mode == "rehearsal"


def test_without_retries_every_phase_has_one_attempt(tmp_path):
    limits = _prepared(tmp_path, {**REHEARSAL, "no_retry": True, "max_attempts": "9"}).settings.limits

    assert (limits.max_attempts, limits.validate_max_retries) == (1, 0)


@pytest.mark.parametrize("word", ["1", "true", "YES", "y"])
@pytest.mark.parametrize("no", ["0", "false", "No", "n"])
def test_booleans_are_the_known_words_and_nothing_else(tmp_path, word, no):
    assert _prepared(tmp_path, {**REHEARSAL, "auto_promote": word}).settings.promotion.auto_promote is True
    assert _prepared(tmp_path, {**REHEARSAL, "teardown": no}).teardown_is_armed is False


@pytest.mark.parametrize("value", ["", "maybe", "2", "on"])
def test_any_other_word_is_refused(tmp_path, value):
    with pytest.raises(Refusal, match="expected true or false|is empty"):
        _prepared(tmp_path, {**REHEARSAL, "auto_promote": value})


def test_a_tag_is_allowed_only_where_development_says_so(tmp_path):
    tagged = {**REHEARSAL, "image_ref": "atlas:latest"}

    with pytest.raises(Refusal, match="not pinned by digest"):
        _prepared(tmp_path, tagged)
    assert _prepared(tmp_path, {**tagged, "allow_tag": True}).settings.image_ref == "atlas:latest"
    assert _prepared(tmp_path, tagged, DEV_MODE="1").settings.image_ref == "atlas:latest"


def test_the_whole_plan_is_full_however_its_ends_are_named(tmp_path):
    for options in ({}, {"stop_after": "promote"}, {"start_at": "bringup", "stop_after": "promote"}):
        coverage = _prepared(tmp_path, {**REHEARSAL, **options}).coverage
        assert coverage.window.full
        assert coverage.window.left_out == ()


def test_a_window_expects_what_its_phases_can_decide_and_nothing_else(tmp_path):
    part = _prepared(tmp_path, {**REHEARSAL, "stop_after": "bringup"})

    expected = {row.name for row in part.contracts}
    assert not part.coverage.window.full
    assert "restore" in part.coverage.window.left_out
    assert "restored_state_is_what_was_backed_up" not in expected
    assert {"backup_object_matches_its_metadata", "no_residue_is_left"} <= expected


def test_kept_up_there_is_no_teardown_to_judge(tmp_path):
    kept = _prepared(tmp_path, {**REHEARSAL, "stop_after": "bringup", "teardown": "false"})

    assert not kept.teardown_is_armed
    assert "teardown" in kept.coverage.window.left_out
    assert "no_residue_is_left" not in {row.name for row in kept.contracts}


@pytest.mark.parametrize(
    ("lines", "asked"),
    [
        ("", True),
        ('[recovery.provisioner.codebuild]\ntool = "direct"\n', False),
        ('[recovery.provisioner.codebuild]\nterraform_version = "1.11.4"\n', True),
    ],
)
def test_a_state_is_asked_about_where_one_is_kept(tmp_path, lines, asked):
    (tmp_path / "drproof.toml").write_text(f'target = "embedded"\n{lines}', encoding="utf-8")
    kind = "codebuild" if lines else "direct"
    prepared = _prepared(tmp_path, {"provisioner": kind})

    assert prepared.criteria.state_expected is asked
    assert ("state_held_what_was_created" in {one.name for one in prepared.contracts}) is asked


def test_subjects_are_expected_before_anything_is_read(tmp_path):
    rows = {row.name: row.subjects for row in _prepared(tmp_path, REHEARSAL).contracts}

    assert set(rows["backup_object_matches_its_metadata"]) == {"metadata.json", "state.tar.zst", "manifests.tar.zst"}
    assert set(rows["control_plane_section_is_complete"]) == {"alerts", "candidates", "providers", "scoring"}


def test_a_topic_that_is_no_topic_is_refused(tmp_path):
    (tmp_path / "drproof.toml").write_text('target = "embedded"\n[recovery]\ntopic_arn = "alarms"\n')

    with pytest.raises(Refusal, match="got no ARN of a topic"):
        _prepared(tmp_path, {})


def test_two_preparations_have_names_of_their_own(tmp_path):
    assert _prepared(tmp_path, REHEARSAL).drill_id != _prepared(tmp_path, REHEARSAL).drill_id


def test_preparing_touches_nothing(tmp_path):
    _prepared(tmp_path, REHEARSAL)

    assert list(tmp_path.iterdir()) == []


def test_a_schedule_becomes_the_longest_time_between_two_runs(tmp_path):
    (tmp_path / "drproof.toml").write_text('target = "embedded"\n[primary]\nschedule = "0 9 * * 1-5"\n')

    cadence = _prepared(tmp_path, {}, plan="health").criteria.cadence

    assert (cadence.schedule, cadence.longest_gap_ms) == ("0 9 * * 1-5", 72 * 3_600_000)
    assert (cadence.metrics_every_ms, cadence.age_metric) == (60_000, "PipelineFreshnessHours")


def test_a_schedule_that_is_none_is_refused_where_it_stands(tmp_path):
    (tmp_path / "drproof.toml").write_text('target = "embedded"\n[primary]\nschedule = "@daily"\n')

    with pytest.raises(Refusal, match=r"primary.schedule \(drproof.toml primary.schedule\).*five fields.*'@daily'"):
        _prepared(tmp_path, {}, plan="health")


def test_the_value_of_a_fault_is_a_number_or_refused(tmp_path):
    assert _prepared(tmp_path, REHEARSAL, plan="health").criteria.cadence.fault_values == {"PublishCorrectness": "1"}
    (tmp_path / "drproof.toml").write_text('target = "embedded"\n[primary]\nfault_values = { Broken = "yes" }\n')

    with pytest.raises(Refusal, match=r"primary.fault_values \(drproof.toml .*\): Broken is 'yes'.*expected a number"):
        _prepared(tmp_path, {}, plan="health")
