"""Releases: the image that metadata name, and metadata made from a commit and a registry."""

import os
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

from drproof.engine.refusal import refuse
from drproof.formats import release_metadata
from drproof.formats.image_ref import parse_tagged
from drproof.formats.release_metadata import Release
from drproof.model.capabilities import Images
from drproof.model.errors import FormatError, NotFoundError, TargetError

GIT_SECONDS = 10
STEERED = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY", "GIT_NAMESPACE")
"""Variables that would lead git to another repository than the one of the folder that it is asked about."""


def read(path: Path) -> Release:
    """Return the release whose metadata lie in a file.

    Raises:
        Refusal: they cannot be read, or are not sound.
    """
    try:
        with path.open("rb") as file:
            return release_metadata.parse(file.read(release_metadata.LARGEST + 1))
    except (OSError, FormatError) as exc:
        raise refuse(f"release metadata {path}: {exc}", next_step=f"drproof release verify --metadata {path}") from exc


def image_of(directory: Path, name: str, source: str) -> tuple[str, str]:
    """Return the image that the metadata of a release name, and what is recorded as where it came from.

    Raises:
        Refusal: they cannot be read, or are not sound.
    """
    return read(directory / name).image_ref_digest, f"release metadata {name} ({source})"


def made(images: Images, reference: str, *, git_sha: str, now: str, ci: Mapping[str, str]) -> Release:
    """Return the metadata of the image that a tag names now; where the reference has a digest, the tag must name it.

    Raises:
        FormatError: the reference has no tag.
        TargetError: the registry has no such image, or the tag names another one.
    """
    wanted = parse_tagged(reference)
    digest = images.digest_of(wanted.repository, wanted.tag)
    if wanted.digest and digest != wanted.digest:
        msg = (
            f"{wanted.repository}:{wanted.tag}: expected {wanted.digest}, got {digest}: the tag names another image\n"
            "  next: name the tag and the digest of one image"
        )
        raise TargetError(msg, code="TagMoved", call="release:write")
    pinned = f"{wanted.repository}@{digest}"
    digests = images.look(pinned).digests
    account, region, _ = wanted.registry
    return Release(
        git_sha=git_sha,
        image_repo=wanted.repository,
        image_tag=wanted.tag,
        image_digest=digest,
        image_ref_digest=pinned,
        build_timestamp=now,
        supported_architectures=tuple(sorted(digests)),
        arch_digests=dict(digests),
        aws_region=region,
        aws_account_id=account,
        ci_run_url=ci.get("ci_run_url", ""),
        ci_run_id=ci.get("ci_run_id", ""),
        ci_workflow=ci.get("ci_workflow", ""),
    )


def differences(images: Images, release: Release) -> Iterator[str]:
    """Yield what the registry says otherwise than the metadata; that a tag has moved since is none of it."""
    try:
        found = images.look(release.image_ref_digest).digests
    except NotFoundError:
        yield f"the registry has no image {release.image_ref_digest}"
        return
    for name in sorted({*found, *release.arch_digests}):
        said, has = release.arch_digests.get(name, "nothing"), found.get(name, "nothing")
        if said != has:
            yield f"{name}: the metadata say {said}, the registry has {has}"


def commit(directory: Path) -> str:
    """Return the commit that a working tree is, exactly.

    Raises:
        ValueError: it is none, or something in it was changed.
    """
    sha = _git(directory, "rev-parse", "--verify", "HEAD^{commit}")
    if changed := _git(directory, "status", "--porcelain", "--untracked-files=no"):
        msg = (
            f"the working tree {directory} is not commit {sha}: {len(changed.splitlines())} files were changed\n"
            "  next: git status, then commit or restore what was changed"
        )
        raise ValueError(msg)
    return sha


def ci_of(environment: Mapping[str, str]) -> dict[str, str]:
    """Return what GitHub Actions tells its jobs of the run that they are; nothing elsewhere."""
    if environment.get("GITHUB_ACTIONS") != "true":
        return {}
    server, repository = environment.get("GITHUB_SERVER_URL", ""), environment.get("GITHUB_REPOSITORY", "")
    run = environment.get("GITHUB_RUN_ID", "")
    return {
        "ci_run_url": f"{server}/{repository}/actions/runs/{run}",
        "ci_run_id": run,
        "ci_workflow": environment.get("GITHUB_WORKFLOW", ""),
    }


def _git(directory: Path, *words: str) -> str:
    try:
        answer = subprocess.run(  # noqa: S603 — fixed words
            ["git", "-C", str(directory), *words],  # noqa: S607 — the operator's git
            capture_output=True,
            text=True,
            errors="replace",
            timeout=GIT_SECONDS,
            check=False,
            env={name: value for name, value in os.environ.items() if name not in STEERED},
        )
    except subprocess.TimeoutExpired as exc:
        msg = f"git {words[0]} in {directory} did not answer in {GIT_SECONDS} s\n  next: run it there and see why"
        raise ValueError(msg) from exc
    if answer.returncode:
        msg = f"git {words[0]} in {directory}: {answer.stderr.strip()}\n  next: run it in a checkout of the release"
        raise ValueError(msg)
    return answer.stdout.strip()
