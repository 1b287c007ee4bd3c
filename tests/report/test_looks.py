import re
import shutil
import subprocess
from importlib.resources import files
from pathlib import Path

import pytest

from drproof.report import html
from drproof.report.timeline import timeline
from tests.patience import PATIENCE
from tests.report import drills, observed
from tests.report.conftest import Make
from tests.report.drills import Drill, Step, passed

STYLE = files("drproof.report").joinpath("templates", "proof.css").read_text(encoding="utf-8")
READ = 4.5
PAIRS = [
    *((ink, paper) for ink in ("text", "quiet", "link") for paper in ("page", "panel")),
    *((ink, "page") for ink in ("good", "bad", "doubt")),
    *((ink, f"{tone}-panel") for tone in ("good", "bad", "doubt") for ink in (tone, "text", "quiet", "link")),
    ("banner-text", "banner"),
]


def palettes() -> dict[str, dict[str, str]]:
    """Return the colours of each scheme; dark changes some of the light ones."""
    light, dark, paper = (
        dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6})", block))
        for block in re.findall(r":root \{(.*?)\}", STYLE, re.DOTALL)
    )
    return {"light": light, "dark": {**light, **dark}, "print": {**light, **paper}}


def luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("scheme", ["light", "dark", "print"])
@pytest.mark.parametrize(("ink", "paper"), PAIRS)
def test_every_text_can_be_read_on_its_ground(scheme: str, ink: str, paper: str) -> None:
    colours = palettes()[scheme]
    low, high = sorted((luminance(colours[ink]), luminance(colours[paper])))
    assert (high + 0.05) / (low + 0.05) >= READ


def test_bars_lie_on_one_axis_and_stay_inside_the_drawing(make: Make) -> None:
    steps = [passed("check_health", took_ms=1_000), passed("restore", took_ms=8_950), passed("teardown", took_ms=0)]
    drawing = timeline(make(Drill(steps=steps)))
    assert drawing is not None
    first, second, last = drawing.bars
    assert first.x < second.x < last.x
    assert second.width > 7 * first.width
    assert last.width > 0
    assert last.x + last.width <= drawing.width - 160
    assert [tick.label for tick in drawing.ticks] == ["0", "2 s", "4 s", "6 s", "8 s", "10 s"]
    assert "check_health passed, 1.0 s" in drawing.summary


@pytest.mark.parametrize("took_ms", [0, 1, 7, 999, 61_000, 3_600_000, 86_400_000 * 400])
def test_the_axis_has_few_round_marks_however_long_it_is(took_ms: int, make: Make) -> None:
    drawing = timeline(make(Drill(steps=[passed("restore", took_ms=took_ms)])))
    assert drawing is not None
    assert 1 <= len(drawing.ticks) <= 8


def test_a_drawing_says_in_words_what_it_shows(make: Make) -> None:
    page = html.render(make(Drill(steps=drills.failed_at("bringup"))), outcome="refuted").decode()
    (drawing,) = re.findall(r"<svg.*?</svg>", page, re.DOTALL)
    assert '<title id="drawing-title">' in drawing
    assert "bringup failed, 4.2 s; resolve_runner blocked, 0 ms" in drawing
    assert "✗ failed, 4.2 s" in drawing


def test_nothing_is_drawn_when_nothing_ran(make: Make) -> None:
    assert timeline(make(Drill(steps=[Step(phase="bringup", observed=observed.Bringup(), inherited=True)]))) is None


def test_a_browser_finds_nothing_that_the_policy_forbids(make: Make, tmp_path: Path) -> None:
    browser = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if browser is None:
        pytest.skip("no Chromium is installed: that the policy admits the style is not seen in a browser")
    page = tmp_path / "proof.html"
    page.write_bytes(html.render(make(), outcome="proven"))
    seen = subprocess.run(
        [
            browser,
            *("--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path / 'profile'}"),
            *("--enable-logging=stderr", "--v=0", "--no-pdf-header-footer", f"--print-to-pdf={tmp_path / 'proof.pdf'}"),
            page.as_uri(),
        ],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert "Content Security Policy" not in seen.stderr
    assert (tmp_path / "proof.pdf").read_bytes().startswith(b"%PDF")
