"""A hostile string in any field of a bundle is inert on the page, in a terminal and in a CI log."""

from pathlib import Path
from typing import Any
from xml.parsers import expat
from xml.sax.saxutils import escape

import html5lib
import pytest
from typer.testing import CliRunner

from drproof import catalog
from drproof.cli.app import app
from drproof.cli.verifying import lines
from drproof.evidence.bundle import Bundle
from drproof.evidence.trust import Trust
from drproof.evidence.verification import verify
from drproof.report import html, summary
from drproof.report.visible import inert, printable
from tests.plugin.test_hostile import COMMAND, CONTROL
from tests.report.hostile import AT, BENIGN, NAUGHTY, STRINGS, rotating, write

ELEMENTS = (
    "html head meta title style body a aside span header p strong nav ul li h1 h2 h3 main div section dl dt dd code "
    "time table caption colgroup col thead tbody tr th td details summary pre br ol footer svg desc line text rect"
)
ATTRIBUTES = (
    "lang charset http-equiv content name class href id aria-label aria-labelledby datetime scope role data-label "
    "colspan title tabindex open viewBox x y x1 y1 x2 y2 width height rx text-anchor"
)
SAMPLE = range(0, len(STRINGS), 20)
"""Rotations that CI looks at: in each, every string stands in some fields."""


def _shifts() -> list[Any]:
    return [
        pytest.param(shift, id=str(shift), marks=() if shift in SAMPLE else pytest.mark.exhaustive)
        for shift in range(len(STRINGS))
    ]


def _bundles(directory: Path, shift: int, *, passed: bool) -> tuple[Bundle, Bundle, list[str]]:
    said: list[str] = []
    hostile = write(directory / "hostile", rotating(shift, said), passed=passed)
    plain = write(directory / "plain", rotating(shift, [], BENIGN.__getitem__), passed=passed)
    return hostile, plain, said


def _shape(page: bytes) -> list[tuple[str, ...]]:
    """Return each element with its attributes' names, depth first; only what a page of ours may hold."""
    found = []
    for element in html5lib.HTMLParser(strict=True).parse(page.decode()).iter():
        assert isinstance(element.tag, str), "a comment"
        tag = element.tag.rpartition("}")[2]
        assert tag in ELEMENTS.split()
        assert set(element.attrib) <= set(ATTRIBUTES.split())
        assert element.attrib.get("href", "#").startswith(("#", "./"))
        found.append((tag, str(len(element)), *sorted(element.attrib)))
    return found


@pytest.mark.parametrize("text", NAUGHTY, ids=range(len(NAUGHTY)))
def test_what_was_made_printable_is_inert_in_a_terminal_a_log_and_xml(text: str) -> None:
    for shown in (printable(text), printable(text, lines=True), inert(text)):
        _inert(shown.split("\n"))
        expat.ParserCreate().Parse(f"<x>{escape(shown)}</x>".encode(), True)


@pytest.mark.parametrize("passed", [True, False], ids=["passed", "failed"])
@pytest.mark.parametrize("shift", _shifts())
def test_no_text_in_any_field_changes_the_page_or_adds_a_line(tmp_path: Path, shift: int, passed: bool) -> None:
    hostile, plain, said = _bundles(tmp_path, shift, passed=passed)

    assert len(said) > 500
    assert set(said) == set(STRINGS)
    page = html.render(hostile, outcome="incomplete")
    assert not CONTROL.search(page.decode())
    assert _shape(page) == _shape(html.render(plain, outcome="incomplete"))
    for told in (_summary, _status):
        assert len(_inert(told(hostile))) == len(told(plain)), told
    # Names that no file may have are findings of their own, so there may be more of these.
    assert len(_inert(_verified(hostile))) >= len(_verified(plain))


def _summary(bundle: Bundle) -> list[str]:
    return summary.lines(
        bundle, outcome="incomplete", exit_status=1, still_up=True, directory=Path("reports/x"), unstored="x\ny"
    )


def _verified(bundle: Bundle) -> list[str]:
    found = verify(bundle.directory, catalog.types(), trust=Trust(), now=AT)
    assert found.problems
    assert found.inspection is not None
    return lines(found, Path("reports/x"), None)


def _status(bundle: Bundle) -> list[str]:
    for stranger in bundle.directory.glob("receipts/*-stranger.json"):
        stranger.unlink()
    told = CliRunner().invoke(app, ["status", str(bundle.directory)])
    assert told.exit_code == 1, told.output
    shown = _inert(told.output.split("\n"))
    # What follows is found on the files themselves, of which some have names that none may have.
    return shown[: next(n for n, line in enumerate(shown) if line.startswith("closed: "))]


def _inert(shown: list[str]) -> list[str]:
    """Return lines that hold nothing which a terminal or a CI obeys."""
    for line in shown:
        assert "\n" not in line
        assert not CONTROL.search(line)
        assert not COMMAND.search(line)
    return shown
