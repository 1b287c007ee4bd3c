"""The one escape for everything that is printed: what cannot be seen, or changes what is seen, is spelt out."""

import re

HIDDEN = (
    (0x00, 0x1F),  # C0 controls: terminals obey them
    (0x7F, 0x9F),  # DEL and C1 controls
    (0xAD, 0xAD),  # soft hyphen
    (0x34F, 0x34F),  # combining grapheme joiner
    (0x61C, 0x61C),  # Arabic letter mark
    (0x115F, 0x1160),  # Hangul fillers
    (0x17B4, 0x17B5),  # Khmer inherent vowels
    (0x180B, 0x180F),  # Mongolian selectors
    (0x200B, 0x200F),  # zero-width characters and direction marks
    (0x2028, 0x202E),  # line and paragraph separators, direction embeddings and overrides
    (0x2060, 0x206F),  # word joiner, direction isolates, invisible operators
    (0x3164, 0x3164),  # Hangul filler
    (0xD800, 0xDFFF),  # lone surrogates: no encoding has them
    (0xFDD0, 0xFDEF),  # noncharacters
    (0xFE00, 0xFE0F),  # variation selectors
    (0xFEFF, 0xFEFF),  # byte order mark
    (0xFFA0, 0xFFA0),  # halfwidth Hangul filler
    (0xFFF0, 0xFFFB),  # interlinear annotation
    (0xFFFE, 0xFFFF),  # noncharacters
    (0x1BCA0, 0x1BCA3),  # shorthand controls
    (0x1D173, 0x1D17A),  # musical controls
    (0xE0000, 0xE0FFF),  # tags and further selectors
    *((plane << 16 | 0xFFFE, plane << 16 | 0xFFFF) for plane in range(1, 17)),
)
"""Ranges by number, not by Unicode category: categories change with the interpreter, and pages must not."""

# A text that already holds our notation must not be taken for an escaped one.
_PATTERN = re.compile(r"\\(?=u\{)|[" + "".join(f"{re.escape(chr(a))}-{re.escape(chr(b))}" for a, b in HIDDEN) + "]")
_PATTERN_IN_LINES = re.compile(r"(?![\n\t])(?:" + _PATTERN.pattern + ")")


def visible(text: str, *, lines: bool = False) -> str:
    r"""Return the text with every hidden character as `\u{..}`; `lines` keeps line feeds and tabs."""
    pattern = _PATTERN_IN_LINES if lines else _PATTERN
    return pattern.sub(lambda match: f"\\u{{{ord(match[0]):x}}}", text)


# GitHub takes `::word` at the start of a line and `##[word]` anywhere in it for a command; Azure and TeamCity likewise.
_COMMAND = re.compile(r"(?m)^(\s*):(?=:[A-Za-z])|#(?=#(?:\[|vso\[|teamcity\[))")
_HIDDEN_IN_LINES = re.compile(
    r"(?![\n\t])[" + "".join(f"{re.escape(chr(a))}-{re.escape(chr(b))}" for a, b in HIDDEN) + "]"
)


def printable(text: str, *, lines: bool = False) -> str:
    r"""Return `visible` text that also no CI system takes for a command: `\u{3a}:set-env` and the like."""
    return _defused(visible(text, lines=lines))


def inert(text: str) -> str:
    """Return lines that may have been made printable already; twice is as once."""
    return _defused(_HIDDEN_IN_LINES.sub(lambda match: f"\\u{{{ord(match[0]):x}}}", text))


def _defused(text: str) -> str:
    return _COMMAND.sub(lambda match: f"{match[1]}\\u{{3a}}" if match[1] is not None else "\\u{23}", text)
