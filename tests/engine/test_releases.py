"""The image of a run is that of the release whose metadata are named, where nobody names another."""

import json
from pathlib import Path
from typing import Any

import pytest

from drproof.engine.preparation import DrillRequest, Prepared, prepare
from drproof.engine.refusal import Refusal
from drproof.formats import release_metadata
from tests.formats.test_release_metadata import RELEASE

IMAGE = RELEASE.image_ref_digest
PLACE = "ops/release-v1.2.0.json"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "ops").mkdir()
    (tmp_path / PLACE).write_bytes(release_metadata.write(RELEASE))
    return tmp_path


def _prepared(folder: Path, plan: str = "preflight", toml: str = "", **options: Any) -> Prepared:
    (folder / "drproof.toml").write_text(f'target = "embedded"\n{toml}')
    return prepare(DrillRequest(plan=plan, options=options, environment={}, directory=folder))


def _source(prepared: Prepared) -> tuple[str, str]:
    return next((row.value, row.source) for row in prepared.inputs if row.name == "drill.image_ref")


def test_the_release_names_the_image_and_is_recorded_as_its_source(project):
    prepared = _prepared(project, release_metadata=PLACE)

    assert prepared.criteria.image_ref == IMAGE
    assert _source(prepared) == (IMAGE, f"release metadata {PLACE} (option --release-metadata)")
    assert {row.name: row.value for row in prepared.inputs}["drill.release_metadata"] == PLACE


def test_the_file_of_settings_can_name_the_release(project):
    prepared = _prepared(project, toml=f'[drill]\nrelease_metadata = "{PLACE}"\n')

    assert _source(prepared) == (IMAGE, f"release metadata {PLACE} (drproof.toml drill.release_metadata)")


def test_whoever_names_the_same_image_is_the_source_and_another_is_refused(project):
    assert _source(_prepared(project, release_metadata=PLACE, image_ref=IMAGE)) == (IMAGE, "option --image-ref")
    other = IMAGE.replace("ab", "cd")

    with pytest.raises(Refusal, match=r"two images are named, by option --image-ref and by release metadata ops/"):
        _prepared(project, release_metadata=PLACE, image_ref=other)
    with pytest.raises(Refusal, match="by drproof.toml drill.image_ref"):
        _prepared(project, toml=f'[drill]\nimage_ref = "{other}"\n', release_metadata=PLACE)


def test_metadata_that_are_not_sound_or_not_there_are_refused_with_the_next_command(project):
    document = json.loads((project / PLACE).read_bytes())
    (project / "bad.json").write_text(json.dumps({**document, "git_sha": "main"}))

    for place, said in (("bad.json", "expected a whole commit id"), ("absent.json", "No such file")):
        with pytest.raises(Refusal, match=said) as caught:
            _prepared(project, release_metadata=place)
        assert "next: drproof release verify --metadata" in str(caught.value)


def test_a_plan_that_needs_no_image_reads_no_release(project):
    assert _prepared(project, plan="health", release_metadata="absent.json").plan.name == "health"


def test_on_a_live_target_the_environment_names_the_release(project):
    toml = """target = "aws"
[primary]
bucket = "b"
"""
    (project / "drproof.toml").write_text(toml)
    request = DrillRequest(
        plan="preflight",
        environment={"RELEASE_METADATA": PLACE, "IMAGE_REF": "other", "BACKUP_URI": "s3://b/backups/1"},
        directory=project,
    )

    with pytest.raises(Refusal, match=r"two images are named, by environment IMAGE_REF and by .* RELEASE_METADATA"):
        prepare(request)


def test_in_a_rehearsal_the_environment_speaks_of_no_release(project):
    (project / "drproof.toml").write_text('target = "embedded"\n')
    request = DrillRequest(plan="preflight", environment={"RELEASE_METADATA": "absent.json"}, directory=project)

    assert _source(prepare(request))[1] == "the embedded world"
