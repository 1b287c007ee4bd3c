"""Hostile strings in what a drill meets are inert in JUnit, Allure, terminal and CI log."""

import json
import re
from pathlib import Path
from xml.parsers import expat

import pytest

from drproof.report.visible import inert, printable
from tests.drill.conftest import Operator

HOSTILE = (
    "<script>alert(1)</script>",
    "</pre></section><img src=x onerror=alert(1)>",
    '"><svg onload=alert(1)>',
    "javascript:alert(1)",
    "]]><!-- --><![CDATA[",
    "&lt;b&gt; &#0; &unknown;",
    "\x1b[31mred\x1b[0m",
    "\x1b]8;;http://evil.example\x07click\x1b]8;;\x07",
    "\x1b]52;c;ZXZpbA==\x07",
    "\x9b2J\x90x\x9c",
    "over\rwritten",
    "back\b\b\bspace",
    "nul\x00byte",
    "bell\x07",
    "user\u202egnp.exe",
    "\u2066hidden\u2069",
    "zero\u200bwidth",
    "line\u2028separator\u2029",
    "lone \ud800 surrogate",
    "\ufeffmark",
    "\ufffe\uffff",
    "tags \U000e0041\U000e0042",
    "first\n::set-env name=PATH::/evil",
    "first\n  ::stop-commands::token",
    "first\n##vso[task.setvariable variable=x]y",
    "said ##[error] here",
    "##teamcity[testFailed name='x']",
    "::add-mask::everything",
    "| a | b |\n|---|---|",
    "=cmd|' /C calc'!A0",
    "```\n# heading\n```",
    "%0A::error::x",
    "$(reboot) `reboot` ; reboot",
    "'; DROP TABLE drills; --",
    "../../../etc/passwd",
    "Ω≈ç√∫µ 東京 🚒",
)
CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
COMMAND = re.compile(r"(?m)^\s*::(?!test_)[A-Za-z]|##\[|##vso\[|##teamcity\[")

TESTS = """
import json
from pathlib import Path

import pytest

HOSTILE = json.loads(Path("hostile.json").read_text())

@pytest.mark.drill
@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_mine(check_health, text, record_property):
    print(text.encode("utf-8", "replace").decode())
    record_property("said", text)
    pytest.fail(text, pytrace=False)
"""

SAY = """
import json
from pathlib import Path

from drproof.model.errors import TargetError
from drproof.phases.recovery.bringup import bringup

def act(ctx):
    raise TargetError("first\\n" + "\\n".join(json.loads(Path("hostile.json").read_text())), code="Unknown", call="x")

bringup.act = act
"""


@pytest.mark.parametrize("text", HOSTILE)
def test_printed_text_is_inert_and_twice_is_as_once(text: str) -> None:
    for shown in (printable(text), printable(text, lines=True), inert(text)):
        assert not CONTROL.search(shown)
        assert not COMMAND.search(shown)
        assert inert(shown) == shown
        assert shown.encode()


def test_a_drill_that_meets_hostile_text_prints_and_reports_it_inert(tmp_path: Path) -> None:
    (tmp_path / "hostile.json").write_text(json.dumps(HOSTILE))
    (tmp_path / "test_mine.py").write_text(TESTS)
    (tmp_path / "say.py").write_text(SAY)

    class Colleague(Operator):
        def command(self, *words: str) -> list[str]:
            return [word.replace("no:allure_pytest", "no:randomly") for word in super().command(*words)]

    drill = Colleague(tmp_path).drill(
        *("-p", "say", "-v", "-ra", "--no-retry", "--junitxml", "junit.xml", "--run-id", "h", "test_mine.py"),
        PYTHONPATH=str(tmp_path),
        PYTHONDONTWRITEBYTECODE="1",
    )

    assert drill.status == 1, drill.output
    assert drill.outcomes["bringup"] == "failed"
    assert not CONTROL.search(drill.output)
    assert not COMMAND.search(drill.output)
    xml = (tmp_path / "junit.xml").read_bytes()
    expat.ParserCreate().Parse(xml, True)
    assert not CONTROL.search(xml.decode())
    assert not COMMAND.search(xml.decode())
    assert xml.count(b"<failure") >= len(HOSTILE)
    results = [json.loads(path.read_bytes()) for path in (tmp_path / "reports/h.allure").glob("*-result.json")]
    assert results
    said = [
        text for result in results for text in (result.get("statusDetails") or {}).values() if isinstance(text, str)
    ]
    assert said
    assert [text for text in said if CONTROL.search(text) or COMMAND.search(text)] == []
