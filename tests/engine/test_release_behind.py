"""An operator is told of the release behind an image, and where the metadata are those of another image."""

from dataclasses import replace
from pathlib import Path

import pytest

from drproof.engine import release_behind
from drproof.engine.refusal import Refusal
from drproof.formats import release_metadata
from drproof.formats.release_metadata import Release

ONE, OTHER = f"sha256:{'a' * 64}", f"sha256:{'b' * 64}"
REPO = "444455556666.dkr.ecr.us-west-2.amazonaws.com/atlas"
RELEASE = Release(
    git_sha="1" * 40,
    image_repo=REPO,
    image_tag="r-7",
    image_digest=ONE,
    image_ref_digest=f"{REPO}@{ONE}",
    build_timestamp="2026-01-01T00:00:00Z",
    supported_architectures=("amd64", "arm64"),
    arch_digests={"amd64": OTHER, "arm64": OTHER},
    aws_region="us-west-2",
    aws_account_id="444455556666",
)
SAID = "tag r-7, commit 111111111111, amd64+arm64, built 2026-01-01T00:00:00Z"


def test_the_settings_name_the_release_and_the_summary_says_whose_image_it_is(tmp_path: Path) -> None:
    (tmp_path / "release.json").write_bytes(release_metadata.write(RELEASE))

    found = release_behind.named({"RELEASE_METADATA": "release.json"}, tmp_path)

    assert found == ("release.json", replace(RELEASE))
    assert release_behind.told(found, ONE) == f"release.json: {SAID}"
    assert release_behind.told(found, OTHER) == f"release.json is of ANOTHER image, {ONE}: {SAID}"
    assert release_behind.told(found, "unknown") == f"release.json: {SAID}; no image is validated yet"
    (tmp_path / "drproof.toml").write_text('[drill]\nrelease_metadata = "release.json"\n', encoding="utf-8")
    assert release_behind.named({}, tmp_path) == found


def test_nobody_names_a_release_or_one_that_cannot_be_read(tmp_path: Path) -> None:
    assert release_behind.named({}, tmp_path) is None
    assert release_behind.told(None, ONE).startswith("unknown: no file of metadata is named by RELEASE_METADATA")
    with pytest.raises(Refusal, match=r"gone\.json"):
        release_behind.named({"RELEASE_METADATA": "gone.json"}, tmp_path)
