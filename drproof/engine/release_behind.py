"""The release behind the image of an execution, as whoever asks knows it from their own settings."""

from collections.abc import Mapping
from pathlib import Path

from drproof.engine.releases import read
from drproof.engine.settings import RELEASE, setting
from drproof.formats.release_metadata import Release

UNKNOWN = "unknown"


def named(environment: Mapping[str, str], directory: Path) -> tuple[str, Release] | None:
    """Return the release whose metadata the settings name, with the name of their file; None where they name none.

    Raises:
        Refusal: they cannot be read, or are not sound.
    """
    name = str(setting(RELEASE, {}, environment, directory))
    return (name, read(directory / name)) if name else None


def told(release: tuple[str, Release] | None, image_digest: str) -> str:
    """Return what an operator is told of the release behind an image that was validated."""
    if release is None:
        return f"{UNKNOWN}: no file of metadata is named by RELEASE_METADATA or drill.release_metadata"
    name, of = release
    architectures = "+".join(of.supported_architectures)
    said = f"tag {of.image_tag}, commit {of.git_sha[:12]}, {architectures}, built {of.build_timestamp}"
    if image_digest == UNKNOWN:
        return f"{name}: {said}; no image is validated yet"
    if image_digest != of.image_digest:
        return f"{name} is of ANOTHER image, {of.image_digest}: {said}"
    return f"{name}: {said}"
