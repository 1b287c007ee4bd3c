"""Masking of known values: the layer that is there from the first day.

Values that a run knows to be secret are masked in every encoding that a tool is likely to print them in.
"""

import base64
import html
import json
import re
from collections.abc import Iterable
from urllib.parse import quote, quote_plus

from drproof.model.codec import JSON

MASK = "«masked»"
SHORTEST = 8
"""A shorter value occurs by chance; masking it would spoil honest text and hide nothing."""


class Masker:
    """Replaces known secret values in text."""

    def __init__(self, values: Iterable[str] = ()) -> None:
        """Know these values from now on."""
        self._forms: tuple[str, ...] = ()
        self.learn(values)

    def learn(self, values: Iterable[str]) -> None:
        """Know more values."""
        forms = set(self._forms)
        for value in values:
            if len(value) >= SHORTEST:
                forms |= _encodings(value)
        # The longest first: a form may contain another.
        self._forms = tuple(sorted(forms, key=lambda form: (-len(form), form)))

    def mask(self, text: str) -> str:
        """Return the text without the known values."""
        for form in self._forms:
            if form in text:
                text = text.replace(form, MASK)
        return text

    def masked(self, value: JSON) -> JSON:
        """Return plain JSON without the known values, in keys and in texts."""
        if isinstance(value, str):
            return self.mask(value)
        if isinstance(value, list):
            return [self.masked(item) for item in value]
        if isinstance(value, dict):
            return {self.mask(key): self.masked(item) for key, item in value.items()}
        return value

    def finds(self, data: bytes) -> bool:
        """Return whether bytes hold a known value."""
        return any(form.encode() in data for form in self._forms)


def _encodings(value: str) -> set[str]:
    raw = value.encode()
    quoted = quote(value, safe="")
    forms = {
        value,
        quoted,
        quote_plus(value),
        re.sub("%[0-9A-F]{2}", lambda match: match[0].lower(), quoted),
        json.dumps(value)[1:-1],
        json.dumps(value, ensure_ascii=False)[1:-1],
        html.escape(value),
        html.escape(value, quote=False),
        raw.hex(),
        raw.hex().upper(),
    }
    # Base64 of a value inside a longer text depends on where it starts: the three alignments, their edges cut off.
    for shift in range(3):
        padded = base64.b64encode(b"\0" * shift + raw).decode().rstrip("=")
        core = padded[(0, 2, 3)[shift] : len(padded) - 1]
        if len(core) >= SHORTEST:
            forms |= {core, core.replace("+", "-").replace("/", "_")}
    return {form for form in forms if len(form) >= SHORTEST}
