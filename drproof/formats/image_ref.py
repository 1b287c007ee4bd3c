"""References to container images."""

import re
from dataclasses import dataclass

from drproof.model.errors import FormatError

# The grammar of references is that of the OCI distribution specification and of its reference implementation.
LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?"
HOST = rf"{LABEL}(?:\.{LABEL})*(?::\d{{1,5}})?"
COMPONENT = r"[a-z0-9]+(?:(?:\.|__?|-+)[a-z0-9]+)*"
REPOSITORY = rf"(?:{HOST}/)?{COMPONENT}(?:/{COMPONENT})*"
TAG = r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}"
DIGEST = r"sha256:[0-9a-f]{64}"
TAGGED = re.compile(rf"(?P<repository>{REPOSITORY}):(?P<tag>{TAG})(?:@(?P<digest>{DIGEST}))?", re.ASCII)
PINNED = re.compile(rf"(?P<repository>{REPOSITORY})(?::(?P<tag>{TAG}))?@(?P<digest>{DIGEST})", re.ASCII)
ECR = re.compile(
    r"(?P<account>\d{12})\.dkr\.ecr\.(?P<region>[a-z0-9-]+)\.amazonaws\.com(?:\.cn)?/(?P<name>.+)", re.ASCII
)


@dataclass(frozen=True, slots=True)
class ImageRef:
    """An image that nobody can replace behind our back; a tag beside the digest says nothing."""

    repository: str
    digest: str
    tag: str = ""

    @property
    def registry(self) -> tuple[str, str, str]:
        """The ECR account, its region and the name there; empty texts for another registry."""
        match = ECR.fullmatch(self.repository)
        return (match["account"], match["region"], match["name"]) if match else ("", "", "")


def registry_of(reference: str) -> str:
    """Return the registry of ECR that an image comes from, by its host; empty for any other."""
    repository = reference.partition("@")[0]
    return repository.partition("/")[0] if ECR.fullmatch(repository) else ""


def parse_pinned(reference: str) -> ImageRef:
    """Return repository and digest of a reference that is pinned by digest.

    Raises:
        FormatError: `image-not-pinned`.
    """
    match = PINNED.fullmatch(reference)
    if match is None:
        raise FormatError("image-not-pinned", f"the image is not pinned by digest: {reference!r}")
    return ImageRef(match["repository"], match["digest"], match["tag"] or "")


def parse_tagged(reference: str) -> ImageRef:
    """Return repository, tag and, where it has one, digest of a reference with a tag.

    Raises:
        FormatError: `image-not-tagged`.
    """
    match = TAGGED.fullmatch(reference)
    if match is None:
        raise FormatError("image-not-tagged", f"expected an image with its tag, repository:tag, got {reference!r}")
    return ImageRef(match["repository"], match["digest"] or "", match["tag"])
