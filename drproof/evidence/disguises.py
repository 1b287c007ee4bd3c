"""What a text holds once more inside: JSON in JSON, percent signs, HTML, base64 and hex, each taken off again.

Bounded on purpose: so many layers, so many bytes. Whatever is deeper was hidden by somebody, not printed by a tool.
"""

import base64
import binascii
import html
import re
from collections.abc import Callable, Iterator
from typing import NamedTuple
from urllib.parse import unquote_plus

LAYERS = 4
LARGEST = 1 << 20
"""Characters of one wrapped text that are looked into."""

_PERCENT = re.compile(r"[^\s\"'<>]*%[0-9A-Fa-f]{2}[^\s\"'<>]*")
_BASE64 = re.compile(r"[A-Za-z0-9+/_-]{12,}={0,2}")
_HEX = re.compile(r"(?<![0-9A-Fa-f])(?:[0-9A-Fa-f]{2}){6,}(?![0-9A-Fa-f])")
_ESCAPE = re.compile(r'\\(u[0-9A-Fa-f]{4}|["\\/bfnrt])')
_ENTITY = re.compile(r"&(?:#[0-9]+|#x[0-9A-Fa-f]+|[a-z]+);")
_PLAIN = {'"': '"', "\\": "\\", "/": "/", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}
_TEXT = re.compile(rb"[\t\n\r\x20-\x7e\x80-\xff]+")


class Unwrapped(NamedTuple):
    """A text found inside another, and where the other has it; `whole` when all of the other was taken apart."""

    text: str
    start: int
    end: int
    whole: bool
    data: bytes = b""
    """What base64 came to when that is no text."""


def unwrapped(text: str) -> Iterator[Unwrapped]:
    """Yield what one layer of each encoding hides in a text."""
    if len(text) > LARGEST:
        return
    if "\\" in text and _ESCAPE.search(text):
        yield Unwrapped(_ESCAPE.sub(_unescaped, text), 0, len(text), whole=True)
    if "&" in text and _ENTITY.search(text):
        yield Unwrapped(html.unescape(text), 0, len(text), whole=True)
    if "%" in text:
        for match in _PERCENT.finditer(text):
            yield Unwrapped(unquote_plus(match[0], errors="replace"), match.start(), match.end(), whole=False)
    runs = list(_BASE64.finditer(text))
    for run in runs:
        # Every digit of hex is one of base64, too.
        for match in _HEX.finditer(text, *run.span()):
            yield from _bytes(bytes.fromhex(match[0]), match)
    for match in runs:
        data = _decoded(match[0])
        if data is not None:
            yield from _bytes(data, match)


def hides_nothing(text: str, is_secret: Callable[[bytes], bool]) -> bool:
    """Return whether nothing that a text hides is a text again, and none of its bytes a secret; False says nothing.

    Many texts may be looked at as one, with a character between them that no encoding has: `unwrapped` finds in each
    what it finds in all.
    """
    if "\\" in text or "&" in text or "%" in text:
        return False
    return not any(is_secret(data) or _is_text(data) for run in set(_BASE64.findall(text)) for data in _data_of(run))


def _data_of(run: str) -> Iterator[bytes]:
    """Yield what a run of the digits of base64 comes to, as hex and as base64."""
    yield from map(bytes.fromhex, _HEX.findall(run))
    if (data := _decoded(run)) is not None:
        yield data


def _is_text(data: bytes) -> bool:
    if not _TEXT.fullmatch(data):
        return False
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


def _bytes(data: bytes, match: re.Match[str]) -> Iterator[Unwrapped]:
    if _TEXT.fullmatch(data):
        try:
            yield Unwrapped(data.decode(), match.start(), match.end(), whole=False)
        except UnicodeDecodeError:
            pass
        else:
            return
    yield Unwrapped("", match.start(), match.end(), whole=False, data=data)


def _decoded(text: str) -> bytes | None:
    core = text.rstrip("=").replace("-", "+").replace("_", "/")
    if len(core) % 4 == 1:
        # One character too many: a neighbour that the alphabet also has.
        core = core[:-1]
    try:
        return base64.b64decode(core + "=" * (-len(core) % 4))
    except binascii.Error:
        return None


def _unescaped(match: re.Match[str]) -> str:
    said = match[1]
    return chr(int(said[1:], 16)) if said[0] == "u" else _PLAIN[said]
