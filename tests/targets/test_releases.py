"""Metadata of a release are what the registry and the working tree have, and nothing else."""

import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from drproof.cli import release as cli
from drproof.engine import releases
from drproof.formats import release_metadata
from drproof.formats.release_metadata import Release
from drproof.model.errors import FormatError, NotFoundError, TargetError
from drproof.targets import embedded
from drproof.targets.sites import AwsTarget
from tests.targets.conftest import NAMES

PINNED = NAMES["drill"]["image_ref"]
REPOSITORY, _, DIGEST = PINNED.partition("@")
SHA = "c0ffee" + "0" * 34
NOW = "2026-01-31T12:00:00.000Z"


def _made(target: AwsTarget, reference: str = f"{REPOSITORY}:v1") -> Release:
    return releases.made(target.primary.images, reference, git_sha=SHA, now=NOW, ci={})


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A working tree that is its commit."""
    folder = tmp_path / "tree"
    folder.mkdir()
    (folder / "file").write_text("as it was")
    words = ("-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false")
    for command in (("init", "-q"), ("add", "file"), (*words, "commit", "-qm", "one")):
        subprocess.run(["git", "-C", str(folder), *command], check=True)
    return folder


@pytest.mark.parametrize("reference", [f"{REPOSITORY}:v1", f"{REPOSITORY}:v1@{DIGEST}"])
def test_metadata_say_what_the_registry_has(target: AwsTarget, reference: str) -> None:
    release = _made(target, reference)

    assert release_metadata.parse(release_metadata.write(release)) == release
    assert (release.image_ref_digest, release.image_tag) == (PINNED, "v1")
    assert release.supported_architectures == ("amd64", "arm64")
    assert (release.aws_account_id, release.aws_region) == ("111122223333", "us-east-1")
    assert list(releases.differences(target.primary.images, release)) == []


def test_a_tag_that_names_another_image_is_refused(target: AwsTarget) -> None:
    with pytest.raises(TargetError, match="the tag names another image"):
        _made(target, f"{REPOSITORY}:v1@sha256:{'0' * 64}")
    with pytest.raises(NotFoundError):
        _made(target, f"{REPOSITORY}:v0")
    with pytest.raises(FormatError, match="expected an image with its tag"):
        _made(target, PINNED)


def test_what_the_registry_has_otherwise_is_told_by_architecture(target: AwsTarget) -> None:
    release = _made(target)
    other = {"amd64": release.arch_digests["arm64"], "s390x": DIGEST}

    found = list(releases.differences(target.primary.images, replace(release, arch_digests=other)))

    assert [line.partition(":")[0] for line in found] == ["amd64", "arm64", "s390x"]
    assert "the metadata say nothing" in found[1]
    assert "the registry has nothing" in found[2]


def test_a_working_tree_is_a_commit_until_something_in_it_was_changed(tree: Path) -> None:
    (tree / "beside").write_text("not of the commit")
    assert len(releases.commit(tree)) == 40

    (tree / "file").write_text("otherwise")
    with pytest.raises(ValueError, match=r"1 files were changed[^$]*next: git status"):
        releases.commit(tree)
    with pytest.raises(ValueError, match="run it in a checkout"):
        releases.commit(tree.parent)


def test_a_working_tree_is_its_own_commit_whatever_the_environment_says_of_git(
    tree: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sha, other = releases.commit(tree), tmp_path / "other"
    subprocess.run(["git", "clone", "-q", str(tree), str(other)], check=True)
    words = ("-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false")
    subprocess.run(["git", "-C", str(other), *words, "commit", "-qm", "two", "--allow-empty"], check=True)

    monkeypatch.setenv("GIT_DIR", str(other / ".git"))
    monkeypatch.setenv("GIT_WORK_TREE", str(other))

    assert releases.commit(tree) == sha


def test_a_git_that_does_not_answer_in_time_is_said(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(releases, "GIT_SECONDS", -1)
    words = ["write", "--image", f"{REPOSITORY}:v1", "--source", str(tree)]

    refused = CliRunner().invoke(cli.app, words)

    assert (refused.exit_code, "did not answer" in refused.output) == (2, True), refused.output


def test_a_run_of_github_actions_says_itself_which_it_is() -> None:
    told = {
        "GITHUB_ACTIONS": "true",
        "GITHUB_SERVER_URL": "https://github.com",
        "GITHUB_REPOSITORY": "a/b",
        "GITHUB_RUN_ID": "7",
        "GITHUB_WORKFLOW": "release",
    }

    assert releases.ci_of(told)["ci_run_url"] == "https://github.com/a/b/actions/runs/7"
    assert releases.ci_of({**told, "GITHUB_ACTIONS": ""}) == {}


def test_from_the_command_line_a_release_is_written_verified_and_told(
    world: embedded.World, tree: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("GITHUB_ACTIONS", raising=False)
    run, place = CliRunner(), str(tmp_path / "release.json")
    words = ["write", "--image", f"{REPOSITORY}:v1", "--out", place, "--source", str(tree)]
    words += ["--embedded", world.endpoint]

    done = run.invoke(cli.app, words)
    assert (done.exit_code, done.output.splitlines()[-1]) == (0, PINNED), done.output
    assert done.output.startswith("rehearsal:")
    again = run.invoke(cli.app, words)
    assert (again.exit_code, "File exists" in again.output) == (2, True), again.output

    asked = ["verify", "--metadata", place, "--embedded", world.endpoint]
    sound = run.invoke(cli.app, [*asked, "--registry", "--architecture", "arm64"])
    assert (sound.exit_code, sound.output.splitlines()[-1]) == (0, PINNED), sound.output
    for more, said in (("--require-ci-evidence", "which run of CI"), ("--architecture=s390x", "no image for s390x")):
        lacking = run.invoke(cli.app, ["verify", "--metadata", place, more])
        assert (lacking.exit_code, said in lacking.output) == (1, True), lacking.output

    other = tmp_path / "other.json"
    other.write_text(Path(place).read_text().replace(DIGEST, f"sha256:{'0' * 64}"))
    unknown = run.invoke(cli.app, ["verify", "--metadata", str(other), "--registry", "--embedded", world.endpoint])
    assert (unknown.exit_code, "the registry has no image" in unknown.output) == (1, True), unknown.output

    template = run.invoke(cli.app, ["notes"], env={"RELEASE_METADATA": place})
    assert template.exit_code == 0
    notes = tmp_path / "notes.md"
    notes.write_text(template.output)
    checked = run.invoke(cli.app, ["notes", "--metadata", place, "--check", str(notes)])
    assert checked.exit_code == 1
    assert f"{notes}:5: still to be written: 'TODO'" in checked.output
    notes.write_text(
        "\n".join("Run: https://ci.example/7" if "TODO" in one else one for one in template.output.splitlines())
    )
    ready = run.invoke(cli.app, ["notes", "--metadata", place, "--check", str(notes)])
    assert (ready.exit_code, "ready" in ready.output) == (0, True), ready.output


def test_metadata_that_are_not_sound_are_told_from_those_that_are_not_there(tmp_path: Path) -> None:
    (tmp_path / "broken.json").write_text("{")
    (tmp_path / "part.json").write_text('{"schema_version": 1}')

    for name, status, said in (
        ("absent.json", 2, "No such file"),
        ("broken.json", 1, "no JSON"),
        ("part.json", 1, "missing: arch_digests"),
    ):
        refused = CliRunner().invoke(cli.app, ["verify", "--metadata", str(tmp_path / name)])
        assert (refused.exit_code, said in refused.output) == (status, True), refused.output


def test_what_cannot_be_done_is_misuse(tmp_path: Path) -> None:
    refused = CliRunner().invoke(cli.app, ["notes"], env={"RELEASE_METADATA": ""})
    assert (refused.exit_code, "notes are written from metadata" in refused.output) == (2, True)
    refused = CliRunner().invoke(cli.app, ["write", "--image", "quay.example/a:v1", "--source", str(tmp_path)])
    assert refused.exit_code == 2
