"""Redaction: known values in every encoding, then whatever is like a secret, then whatever is not proven harmless.

`Masker` knows values and nothing else. A `Redactor` also knows what secrets look like, and how to keep the words of
somebody else: what remains of them, and a keyed digest by which the original can be told later.
"""

import base64
import hashlib
import hmac
import html
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import quote, quote_plus

from drproof.evidence import tripwire
from drproof.evidence.proven_words import is_proven, unproven
from drproof.evidence.signatures import Span
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

    @property
    def longest(self) -> int:
        """How many bytes the longest form of a known value has."""
        return max((len(form.encode("utf-8", "surrogatepass")) for form in self._forms), default=0)

    def finds(self, data: bytes) -> bool:
        """Return whether bytes hold a known value."""
        return any(form.encode("utf-8", "surrogatepass") in data for form in self._forms)

    def known(self, text: str) -> list[tuple[int, int]]:
        """Return where a text holds known values, those included that a line break cuts in two."""
        joined, back = tripwire.lines_joined(text)
        found = []
        for form in self._forms:
            at = joined.find(form)
            while at >= 0:
                found.append((back(at), back(at + len(form) - 1) + 1))
                at = joined.find(form, at + len(form))
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Redacted:
    """What was left of somebody's words, and by what the original can be told."""

    text: str
    original: str
    """`hmac-sha256:` and the HMAC of the original text in UTF-8, under the salt of this drill's private folder."""


class Redactor(Masker):
    """All layers that text passes before it is kept; one for a run."""

    def __init__(self, values: Iterable[str] = (), *, salt: bytes = b"") -> None:
        """Know these values; digest originals with `salt`."""
        super().__init__(values)
        self._salt = salt
        self._taken: dict[Redacted, None] = {}

    def mask(self, text: str) -> str:
        """Return text of ours without known values, and without what is like a secret."""
        text = super().mask(text)
        return tripwire.cover(text, tripwire.spans(text), MASK)

    def masked(self, value: JSON) -> JSON:
        """Return plain JSON without known values, and without what is like a secret."""
        masked: JSON = tripwire.masked(super().masked(value), MASK)
        return masked

    def scan(self, data: bytes, *, journal: bool = False) -> tuple[tripwire.Hit, ...]:
        """Return every place in a file that holds a known value or seems to hold a secret."""
        hits = tripwire.scan(data, journal=journal)
        if hits or not self.finds(data):
            return hits
        return (tripwire.Hit(where="somewhere in the file", rule=KNOWN_VALUE),)

    def redact(self, text: str, *, lines: int | None = None, record: bool = True) -> str:
        """Return somebody else's words with every word masked that is not proven to be harmless.

        Of long texts the last `lines` are kept. Where anything was masked, a digest of the whole original is noted
        for the bundle.
        """
        spans = [Span(start, end, "") for start, end in (*self.known(text), *unproven(text))]
        found = tripwire.merged([*spans, *tripwire.spans(text)])
        redacted = tripwire.cover(text, found, MASK)
        if lines is not None:
            redacted = "\n".join(redacted.splitlines()[-lines:])
        if found and record and MASK in redacted:
            self._taken[Redacted(text=redacted, original=self.digest(text))] = None
        return redacted

    def digest(self, text: str) -> str:
        """Return by what an original can be told: a bare digest of a short text could be guessed."""
        return digest_of(text, self._salt)

    def taken(self) -> tuple[Redacted, ...]:
        """Return what was redacted since this was asked last."""
        taken, self._taken = tuple(self._taken), {}
        return taken


REDACTIONS = "redactions"
"""How the evidence of a phase is called that redacted somebody else's words."""
KNOWN_VALUE = "known-value"
"""The rule of a value that the run itself knows to be secret."""


def digest_of(original: str, salt: bytes) -> str:
    """Return the keyed digest of an original text."""
    data = original.encode("utf-8", "surrogatepass")
    return f"hmac-sha256:{hmac.new(salt, data, hashlib.sha256).hexdigest()}"


def _encodings(value: str) -> set[str]:
    raw = value.encode("utf-8", "surrogatepass")
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
    return {form for form in forms | _halves(forms) if len(form) >= SHORTEST}


def _halves(forms: Iterable[str]) -> set[str]:
    """Return both halves of each form, as far as they are no words that occur by themselves."""
    halves = {half for form in forms for half in (form[: len(form) // 2], form[len(form) // 2 :])}
    return {half for half in halves if len(half) > SHORTEST and not is_proven(half)}
