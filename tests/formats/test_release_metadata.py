"""Metadata of a release say one thing, wholly, or are refused with everything that is wrong."""

import json
from dataclasses import replace
from typing import Any

import pytest

from drproof.formats import release_metadata
from drproof.formats.release_metadata import Release
from drproof.model.errors import FormatError

REPOSITORY = "111122223333.dkr.ecr.us-east-1.amazonaws.com/atlas"
DIGEST = "sha256:" + "ab" * 32
RELEASE = Release(
    git_sha="c0ffee" + "0" * 34,
    image_repo=REPOSITORY,
    image_tag="v1.2.0",
    image_digest=DIGEST,
    image_ref_digest=f"{REPOSITORY}@{DIGEST}",
    build_timestamp="2026-01-31T12:00:00Z",
    supported_architectures=("amd64", "arm64"),
    arch_digests={"amd64": "sha256:" + "1" * 64, "arm64": "sha256:" + "2" * 64},
    aws_region="us-east-1",
    aws_account_id="111122223333",
    ci_run_url="https://ci.example/runs/7",
    ci_run_id="7",
    ci_workflow="release",
)
PLAIN = replace(RELEASE, ci_run_url="", ci_run_id="", ci_workflow="")


def _with(**changes: Any) -> bytes:
    document = json.loads(release_metadata.write(RELEASE))
    for name, value in changes.items():
        if value is None:
            del document[name]
        else:
            document[name] = value
    return json.dumps(document).encode()


NAMED = replace(RELEASE, ci_workflow="Veröffentlichung \N{ROCKET}")


@pytest.mark.parametrize("release", [RELEASE, PLAIN, NAMED], ids=["of CI", "of nobody", "by name"])
def test_what_is_written_is_read_back(release):
    data = release_metadata.write(release)

    assert release_metadata.parse(data) == release
    assert data.endswith(b"}\n")
    assert list(json.loads(data)) == sorted(json.loads(data))
    assert ("ci_run_url" in json.loads(data)) is bool(release.ci_run_url)


def test_evidence_of_ci_is_whole_or_missing():
    assert release_metadata.without_ci(RELEASE) == ""
    assert "ci_run_url, ci_run_id, ci_workflow missing" in release_metadata.without_ci(PLAIN)
    assert release_metadata.without_ci(replace(RELEASE, ci_run_id="")).endswith("ci_run_id missing")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"git_sha": None}, "missing: git_sha"),
        ({"arch_digests": None, "image_tag": None}, "missing: arch_digests, image_tag"),
        ({"colour": "red"}, "unknown: colour"),
        ({"git_sha": 7}, "no text: git_sha"),
        ({"image_tag": ""}, "no text: image_tag"),
        ({"ci_run_id": ""}, "no text: ci_run_id"),
        ({"schema_version": 2}, "schema_version: expected 1, got 2"),
        ({"schema_version": True}, "schema_version: expected 1, got True"),
        ({"git_sha": "c0ffee"}, "git_sha: expected a whole commit id"),
        ({"image_tag": "a tag"}, "image_tag: expected a tag"),
        ({"ci_run_url": "http://ci.example"}, "ci_run_url: expected https"),
        ({"ci_run_url": "https://"}, "ci_run_url: expected https"),
        ({"ci_run_url": "https:// /"}, "ci_run_url: expected https"),
        ({"ci_workflow": "release\x1b[2J"}, "control characters: ci_workflow"),
        ({"ci_run_id": "7\n\n## Not shown\n\nNothing."}, "control characters: ci_run_id"),
        ({"ci_workflow": "re\u202elease"}, "control characters: ci_workflow"),
        ({"supported_architectures": ["\x1b[2J"]}, "expected a list of names"),
        ({"build_timestamp": "yesterday"}, "build_timestamp: expected an instant"),
        ({"image_ref_digest": f"{REPOSITORY}:v1"}, "image_ref_digest: the image is not pinned"),
        ({"image_ref_digest": f"{REPOSITORY}:v1@{DIGEST}"}, "name different images"),
        ({"image_ref_digest": f"{REPOSITORY}@sha256:{'cd' * 32}"}, "name different images"),
        ({"image_repo": f"{REPOSITORY}/other"}, "name different images"),
        ({"aws_account_id": "444455556666"}, "expected those of the registry, 111122223333 and us-east-1"),
        ({"aws_region": "us-west-2"}, "got 111122223333 and us-west-2"),
        ({"image_repo": "quay.example/a", "image_ref_digest": f"quay.example/a@{DIGEST}"}, "expected an image of ECR"),
        ({"supported_architectures": []}, "a list of names that is not empty"),
        ({"supported_architectures": "arm64"}, "a list of names that is not empty"),
        ({"supported_architectures": [7]}, "a list of names that is not empty"),
        ({"supported_architectures": ["arm64", "amd64"]}, "expected each once, sorted"),
        ({"supported_architectures": ["amd64", "amd64", "arm64"]}, "expected each once, sorted"),
        ({"supported_architectures": ["amd64"]}, "arch_digests: expected one digest for each of amd64"),
        ({"arch_digests": {"amd64": DIGEST}}, "arch_digests: expected one digest for each of amd64, arm64"),
        ({"arch_digests": []}, "arch_digests: expected one digest"),
        ({"arch_digests": {"amd64": DIGEST, "arm64": "sha256:7"}}, "arch_digests.arm64: expected sha256"),
    ],
)
def test_metadata_that_are_not_sound_are_refused_by_name(changes, said):
    with pytest.raises(FormatError) as caught:
        release_metadata.parse(_with(**changes))

    assert caught.value.code == "release-metadata"
    assert said in str(caught.value)


def test_everything_that_is_wrong_is_said_at_once():
    with pytest.raises(FormatError) as caught:
        release_metadata.parse(_with(git_sha="x", build_timestamp="y", aws_region="z"))

    assert len(str(caught.value).splitlines()) == 4


@pytest.mark.parametrize("data", [b"", b"[]", b"{", b'{"a": 1, "a": 2}', b" " * (release_metadata.LARGEST + 1)])
def test_what_is_no_document_is_refused(data):
    with pytest.raises(FormatError, match="the release metadata"):
        release_metadata.parse(data)
