"""Notes of a release are ready when nothing is blank, and speak of the release that they are of."""

from dataclasses import replace

import pytest

from drproof.formats.release_notes import HEADINGS, problems, template
from tests.formats.test_release_metadata import PLAIN, RELEASE

KINDS = pytest.mark.parametrize("kind", HEADINGS)


def written(kind: str = "product") -> str:
    """Return a template with its blanks filled."""
    return "\n".join("Said." if line.startswith("TODO") else line for line in template(RELEASE, kind).splitlines())


def _said(text: str, kind: str = "product", release=RELEASE) -> list[str]:
    return [f"{number}: {said}" for number, said in problems(text, kind, release)]


@KINDS
def test_a_template_is_ready_but_for_what_only_people_know(kind):
    lines = template(RELEASE, kind).splitlines()
    blanks = [number for number, line in enumerate(lines, 1) if line.startswith("TODO")]

    assert [line[3:] for line in lines if line.startswith("## ")] == list(HEADINGS[kind])
    assert blanks
    assert problems(template(RELEASE, kind), kind, RELEASE) == tuple(
        (number, "still to be written: 'TODO'") for number in blanks
    )
    assert _said(written(kind), kind) == []


def test_kinds_have_the_numbers_of_sections_that_their_readers_know():
    assert {kind: len(titles) for kind, titles in HEADINGS.items()} == {"product": 9, "major": 13, "milestone": 7}


def test_a_template_has_the_facts_of_the_metadata():
    text = template(RELEASE, "product")

    for fact in (RELEASE.image_ref_digest, RELEASE.git_sha, *RELEASE.arch_digests.values(), RELEASE.ci_run_url):
        assert fact in text
    assert "TODO: ci evidence" in template(PLAIN, "product")


@pytest.mark.parametrize(
    "blank", ["TODO", "todo: write", "TBD", "Tba.", "FIXME", "to fill in", "fill-in", "Filled in later", "XXX", "???"]
)
def test_a_blank_is_told_with_its_line(blank):
    lines = written().splitlines()
    number = lines.index("Said.") + 1
    lines[number - 1] = f"It {blank}"

    (said,) = _said("\n".join(lines))

    assert said.startswith(f"{number}: still to be written")


@pytest.mark.parametrize("word", ["mastodon", "methodotodox", "fulfilling", "a full inn"])
def test_words_that_only_look_like_blanks_are_none(word):
    assert _said(written().replace("Said.", word)) == []


@pytest.mark.parametrize("body", ["", "   ", "---", "<!-- Said. -->", "<!--\nSaid.\n-->", "- \n- "])
def test_a_section_that_says_nothing_is_empty(body):
    text = written().replace("## What changed\n\nSaid.", f"## What changed\n\n{body}")

    (said,) = _said(text)

    assert "the section 'What changed' is empty" in said
    assert text.splitlines()[int(said.partition(":")[0]) - 1] == "## What changed"


def test_what_a_comment_without_an_end_hides_is_not_there():
    text = written().replace("## Image", "<!--\n## Image")

    assert any("there is no section 'Image'" in one for one in _said(text))
    assert any("there is no section 'How to verify'" in one for one in _said(text))


def test_lines_are_counted_past_what_a_comment_hides():
    text = "<!-- one\ntwo\nthree -->\n" + written().replace("Said.", "TBD", 1)

    ((number, _),) = problems(text, "product", RELEASE)

    assert text.splitlines()[number - 1] == "TBD"


def test_sections_are_all_there_once_in_order_and_no_others():
    text = written()

    assert any("there is no section 'Not shown'" in one for one in _said(text.replace("## Not shown", "### Not shown")))
    assert any("no section 'Thanks'" in one for one in _said(f"{text}\n## Thanks\n\nSaid.\n"))
    assert any("'Summary' comes twice" in one for one in _said(f"{text}\n## Summary\n\nSaid.\n"))
    swapped = (
        text.replace("## Summary", "## X").replace("## What changed", "## Summary").replace("## X", "## What changed")
    )
    assert _said(swapped) == ["3: the section 'What changed' stands where 'Summary' should"]
    assert len(_said("")) == 9
    assert len(_said(text, "major")) == 4


@pytest.mark.parametrize("fence", ["```", "~~~~", "````text"])
def test_code_has_no_sections(fence):
    close = fence.removesuffix("text")
    text = written().replace("Said.", f"{fence}\n## Thanks\n{close}", 1)

    assert _said(text) == []


def test_the_image_is_named_by_the_digest_of_the_metadata():
    text, other = written(), replace(RELEASE, image_ref_digest=RELEASE.image_ref_digest.replace("ab", "cd"))

    tagged = text.replace(RELEASE.image_ref_digest, RELEASE.image_ref_digest.partition("@")[0])
    assert any("not named by its digest" in one for one in _said(tagged))
    assert any("not named by its digest" in one for one in _said(tagged, release=None))
    assert [one.partition(": ")[2] for one in _said(text, release=other)] == [
        f"the image is not that of the metadata: expected {other.image_ref_digest}"
    ]
    assert _said(text, release=None) == []


def test_the_run_of_ci_is_named_and_is_that_of_the_metadata():
    text = written()

    assert any("no run of CI is named" in one for one in _said(text.replace("https://ci.example", "ci.example")))
    assert any("expected https://ci.example/runs/7" in one for one in _said(text.replace("/runs/7", "/runs/8")))
    assert _said(text.replace("/runs/7", "/runs/8"), release=PLAIN) == []
