"""Notes of a release: a template with the facts filled in, and what is left blank in notes that are to be published."""

import re
from collections.abc import Iterator, Mapping

from drproof.formats.image_ref import PINNED
from drproof.formats.release_metadata import Release

IMAGE, CI_EVIDENCE = "Image", "CI evidence"
_PRODUCT = (
    "Summary",
    "What changed",
    IMAGE,
    "Architectures",
    "Source",
    CI_EVIDENCE,
    "Recovery drill",
    "Not shown",
    "How to verify",
)
HEADINGS: Mapping[str, tuple[str, ...]] = {
    "product": _PRODUCT,
    "major": (*_PRODUCT, "Breaking changes", "Migration", "Way back", "Restore points of earlier versions"),
    "milestone": ("Summary", "What was shown", "What was not shown", IMAGE, "Recovery drill", CI_EVIDENCE, "Next"),
}
"""The sections of each kind of notes, in their order."""

BLANK = re.compile(r"\b(?:TODO|TBD|TBA|FIXME|XXX)\b|\bfill(?:ed)?[ -]in\b|\?\?\?", re.IGNORECASE)
HEADING = re.compile(r"##[ \t]+(?P<title>.+?)[ \t#]*")
COMMENT = re.compile(r"<!--.*?(?:-->|\Z)", re.DOTALL)
FENCE = re.compile(r"[ ]{0,3}(?P<mark>`{3,}|~{3,})")
LINK = re.compile(r"https://[A-Za-z0-9.-]+/\S+")
TEXT = re.compile(r"\w")


def template(release: Release, kind: str) -> str:
    """Return notes of a kind with every fact that the metadata have; what only people know is a `TODO`."""
    verify = f"drproof release verify --metadata release-{release.image_tag}.json --registry"
    facts = {
        IMAGE: f"`{release.image_ref_digest}`, tagged `{release.image_tag}` when it was released.",
        "Architectures": "\n".join(f"- {name}: `{digest}`" for name, digest in sorted(release.arch_digests.items())),
        "Source": f"Commit `{release.git_sha}`, released {release.build_timestamp}.",
        "How to verify": f"```\n{verify}\n```",
    }
    if release.ci_run_url:
        run = " ".join(part for part in (release.ci_workflow, release.ci_run_id) if part)
        facts[CI_EVIDENCE] = f"{run or 'Run'}: {release.ci_run_url}"
    sections = [f"## {title}\n\n{facts.get(title, f'TODO: {title.lower()}')}\n" for title in HEADINGS[kind]]
    return "\n".join([f"# {release.image_tag}\n", *sections])


def problems(text: str, kind: str, release: Release | None) -> tuple[tuple[int, str], ...]:
    """Return what keeps notes from being published, each with its line; `release` is what they must speak of."""
    # A comment is seen by nobody: its lines stay, so that numbers stay true, and what it says counts for nothing.
    shown = COMMENT.sub(lambda match: "\n" * match[0].count("\n"), text)
    lines = shown.splitlines()
    return tuple(sorted({*_blanks(lines), *_of_sections(lines, kind), *_of_facts(lines, release)}))


def _blanks(lines: list[str]) -> Iterator[tuple[int, str]]:
    for number, line in enumerate(lines, 1):
        if found := BLANK.search(line):
            yield number, f"still to be written: {found[0]!r}"


def _of_sections(lines: list[str], kind: str) -> Iterator[tuple[int, str]]:
    found = _sections(lines)
    titles = [title for _, title, _ in found]
    for title in HEADINGS[kind]:
        if title not in titles:
            yield len(lines) or 1, f"there is no section {title!r}"
    for position, (number, title, body) in enumerate(found):
        if title not in HEADINGS[kind]:
            yield number, f"notes of kind {kind} have no section {title!r}"
        elif title in titles[:position]:
            yield number, f"the section {title!r} comes twice"
        if not any(TEXT.search(line) for line in body):
            yield number, f"the section {title!r} is empty"
    known = [title for title in dict.fromkeys(titles) if title in HEADINGS[kind]]
    ordered = [title for title in HEADINGS[kind] if title in known]
    for title, wanted in zip(known, ordered, strict=True):
        if title != wanted:
            yield found[titles.index(title)][0], f"the section {title!r} stands where {wanted!r} should"
            break


def _of_facts(lines: list[str], release: Release | None) -> Iterator[tuple[int, str]]:
    for number, title, body in _sections(lines):
        said = "\n".join(body)
        if title == IMAGE:
            images = [match[0] for match in PINNED.finditer(said)]
            if not images:
                yield number, "the image is not named by its digest, …@sha256:…"
            elif release is not None and set(images) != {release.image_ref_digest}:
                yield number, f"the image is not that of the metadata: expected {release.image_ref_digest}"
        if title == CI_EVIDENCE:
            links = LINK.findall(said)
            if not links:
                yield number, "no run of CI is named, https://…"
            elif release is not None and release.ci_run_url and release.ci_run_url not in links:
                yield number, f"the run of CI is not that of the metadata: expected {release.ci_run_url}"


def _sections(lines: list[str]) -> list[tuple[int, str, list[str]]]:
    """Return each section of the second level: its line, its title, and the lines below it; code has no headings."""
    found: list[tuple[int, str, list[str]]] = []
    fence = ""
    for number, line in enumerate(lines, 1):
        mark = FENCE.match(line)
        if mark and (not fence or (mark["mark"].startswith(fence) and not line.strip().strip(fence[0]))):
            fence = "" if fence else mark["mark"]
        heading = None if fence or mark else HEADING.fullmatch(line)
        if heading:
            found.append((number, heading["title"], []))
        elif found:
            found[-1][2].append(line)
    return found
