"""What was released: the metadata file beside an image, which says from which source and for which machines it is."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field

from drproof.formats import timestamps
from drproof.formats.image_ref import DIGEST, TAG, parse_pinned
from drproof.formats.strict_json import parse as parse_json
from drproof.model.errors import FormatError

CODE = "release-metadata"
LARGEST = 1 << 20
SHA = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
RUN_URL = re.compile(r"https://[A-Za-z0-9.-]+(?::\d+)?/\S+")
CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]")
"""What steers a terminal, or begins a line of notes that nobody wrote there."""

CI = ("ci_run_url", "ci_run_id", "ci_workflow")
"""Present where a CI system built the image; absent, not empty, where none did."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """One release; the names are those of the file."""

    git_sha: str
    image_repo: str
    image_tag: str
    image_digest: str
    image_ref_digest: str
    build_timestamp: str
    supported_architectures: tuple[str, ...]
    arch_digests: Mapping[str, str] = field(default_factory=dict)
    aws_region: str
    aws_account_id: str
    schema_version: int = 1
    ci_run_url: str = ""
    ci_run_id: str = ""
    ci_workflow: str = ""


TEXTS = tuple(name for name, kind in Release.__annotations__.items() if kind is str and name not in CI)
REQUIRED = frozenset({*TEXTS, "schema_version", "supported_architectures", "arch_digests"})


def write(release: Release) -> bytes:
    """Return the file of a release: indented, keys sorted, a newline at its end."""
    document = {name: value for name, value in asdict(release).items() if name not in CI or value}
    return (json.dumps(document, indent=2, sort_keys=True) + "\n").encode()


def parse(data: bytes) -> Release:
    """Return a release.

    Raises:
        FormatError: `release-metadata`, with everything that is wrong with the file.
    """
    if len(data) > LARGEST:
        raise FormatError(CODE, f"the release metadata are too large: expected at most {LARGEST} bytes")
    try:
        document = parse_json(data)
    except FormatError as exc:
        raise FormatError(CODE, f"the release metadata are no JSON: {exc}") from exc
    if not isinstance(document, dict):
        raise FormatError(CODE, "the release metadata are no JSON object")
    problems = tuple(_problems(document))
    if problems:
        raise FormatError(CODE, "the release metadata are not sound:\n  " + "\n  ".join(problems))
    document["supported_architectures"] = tuple(document["supported_architectures"])
    return Release(**document)


def without_ci(release: Release) -> str:
    """Return what is missing of the evidence that a CI system built it, or ""."""
    missing = [name for name in CI if not getattr(release, name)]
    return f"nobody says which run of CI built the image: {', '.join(missing)} missing" if missing else ""


def _problems(document: Mapping[str, object]) -> Iterator[str]:
    if missing := sorted(REQUIRED - document.keys()):
        yield f"missing: {', '.join(missing)}"
    if unknown := sorted(document.keys() - REQUIRED - {*CI}):
        yield f"unknown: {', '.join(unknown)}"
    texts = [name for name in (*TEXTS, *CI) if name in document]
    if wrong := [name for name in texts if not isinstance(document[name], str) or not document[name]]:
        yield f"no text: {', '.join(wrong)}"
    if missing or wrong:
        return
    said = {name: str(document[name]) for name in texts}
    if document["schema_version"] != 1 or isinstance(document["schema_version"], bool):
        yield f"schema_version: expected 1, got {document['schema_version']!r}"
    if not SHA.fullmatch(said["git_sha"]):
        yield f"git_sha: expected a whole commit id, got {said['git_sha']!r}"
    if not re.fullmatch(TAG, said["image_tag"], re.ASCII):
        yield f"image_tag: expected a tag, got {said['image_tag']!r}"
    yield from _text_problems(said)
    try:
        timestamps.parse(said["build_timestamp"])
    except FormatError as exc:
        yield f"build_timestamp: {exc}"
    yield from _image_problems(said)
    yield from _architecture_problems(document["supported_architectures"], document["arch_digests"])


def _text_problems(said: Mapping[str, str]) -> Iterator[str]:
    if steering := [name for name, text in said.items() if CONTROL.search(text)]:
        yield f"control characters: {', '.join(steering)}"
    if "ci_run_url" in said and not RUN_URL.fullmatch(said["ci_run_url"]):
        yield f"ci_run_url: expected https://…, got {said['ci_run_url']!r}"


def _image_problems(said: Mapping[str, str]) -> Iterator[str]:
    try:
        image = parse_pinned(said["image_ref_digest"])
    except FormatError as exc:
        yield f"image_ref_digest: {exc}"
        return
    if (image.repository, image.digest, image.tag) != (said["image_repo"], said["image_digest"], ""):
        yield (
            f"image_ref_digest: expected {said['image_repo']}@{said['image_digest']}, got {said['image_ref_digest']}: "
            "the parts and the whole name different images"
        )
    account, region, _ = image.registry
    if not account:
        yield f"image_ref_digest: expected an image of ECR, got {said['image_ref_digest']}"
    elif (account, region) != (said["aws_account_id"], said["aws_region"]):
        yield (
            f"aws_account_id, aws_region: expected those of the registry, {account} and {region}, got "
            f"{said['aws_account_id']} and {said['aws_region']}"
        )


def _architecture_problems(supported: object, digests: object) -> Iterator[str]:
    if not isinstance(supported, list) or not supported or not all(map(_is_name, supported)):
        yield f"supported_architectures: expected a list of names that is not empty, got {supported!r}"
        return
    if supported != sorted(set(supported)):
        yield f"supported_architectures: expected each once, sorted, got {', '.join(supported)}"
    if not isinstance(digests, dict) or sorted(digests) != sorted(set(supported)):
        yield f"arch_digests: expected one digest for each of {', '.join(supported)}, got {digests!r}"
        return
    for name, digest in sorted(digests.items()):
        if not isinstance(digest, str) or not re.fullmatch(DIGEST, digest):
            yield f"arch_digests.{name}: expected sha256:…, got {digest!r}"


def _is_name(value: object) -> bool:
    return isinstance(value, str) and bool(value) and not CONTROL.search(value)
