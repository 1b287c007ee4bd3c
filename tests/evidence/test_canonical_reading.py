"""The quick reader of canonical bytes says yes only where the strict one does, and never says no by itself."""

import json
from datetime import date
from decimal import Decimal
from itertools import product
from pathlib import Path

import pytest
import rfc8785
from hypothesis import example, given, settings
from hypothesis import strategies as st

from drproof.evidence import canonical as module
from drproof.evidence.canonical import canonical, canonical_value
from drproof.formats.strict_json import parse
from drproof.model.codec import MAX_INTEGER
from drproof.model.errors import EvidenceError

SAMPLE = sorted((Path(__file__).parents[2] / "reports" / "sample").rglob("*.json"))
TEXT = st.text(max_size=12) | st.text(st.sampled_from('"\\/\x00\x1f\x7f\u2028\ufb33\ue000\U0001f600[]{},:09-e.'))
NUMBERS = st.integers() | st.integers(-MAX_INTEGER - 2, MAX_INTEGER + 2) | st.floats()
ANYTHING = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=20,
)
CHARACTERS = st.text(st.sampled_from('{}[]:,"\\u0d8fntrulesa19.eE+- \t\n\x00é€😀'), max_size=40)


def strictly(value):
    """Write canonically with the strict writer alone."""
    module._refuse_floats(value, "$")
    try:
        return rfc8785.dumps(value)
    except (rfc8785.CanonicalizationError, UnicodeEncodeError) as exc:
        raise EvidenceError("not-canonical", str(exc)) from exc


def slowly(data):
    """Return what `canonical_value` is a quick form of: the strict reader, and the bytes of what it read."""
    value = parse(data)
    if strictly(value) != data:
        raise EvidenceError("not-canonical", "other bytes")
    return value


def verdict(read, data):
    try:
        value = read(data)
    except EvidenceError as exc:
        return (type(exc), exc.code)
    return (repr(value),)


def same(data):
    assert verdict(canonical_value, data) == verdict(slowly, data)


@settings(max_examples=400, deadline=None)
@given(ANYTHING)
def test_any_json_in_any_spelling_has_the_verdict_of_the_strict_reader(value):
    for ascii_only, sort, separators in product((True, False), (True, False), ((",", ":"), (", ", ": "))):
        text = json.dumps(value, separators=separators, sort_keys=sort, ensure_ascii=ascii_only)
        same(text.encode("utf-8", "surrogatepass"))


@settings(max_examples=400, deadline=None)
@given(ANYTHING, st.data())
def test_a_changed_byte_of_canonical_bytes_has_the_verdict_of_the_strict_reader(value, data):
    try:
        written = canonical(value)
    except EvidenceError:
        written = json.dumps(value).encode()
    same(written)
    place = data.draw(st.integers(0, len(written)))
    piece = data.draw(st.binary(max_size=3) | st.sampled_from([b'"', b"\\", b",", b".0", b"e1", b" ", b"-", b"\xf0"]))
    width = data.draw(st.integers(0, 2))
    same(written[:place] + piece + written[place + width :])


@settings(max_examples=400, deadline=None)
@given(st.binary(max_size=30) | CHARACTERS.map(str.encode))
@example(b'{"\xf0\x9f\x98\x80":1,"\xee\x80\x80":2}')
@example(b'{"\xee\x80\x80":2,"\xf0\x9f\x98\x80":1}')
@example(b"[9007199254740991,-9007199254740991]")
@example(b"[9007199254740992]")
@example(b"18446744073709551616")
@example(b'{"a":"1234567890123456"}')
@example(b'{"a":"[1234567890123456"}')
@example(b"-0")
@example(b"1.0")
@example(b'{"a":1,"a":1}')
@example(b'"\\ud83d\\ude00"')
@example(b'"\\ud800"')
@example(b'"\xed\xa0\x80"')
@example(b"\xef\xbb\xbf1")
def test_any_bytes_have_the_verdict_of_the_strict_reader(data):
    same(data)


@pytest.mark.parametrize("path", SAMPLE, ids=lambda path: path.name)
def test_every_flipped_bit_of_a_real_document_has_the_verdict_of_the_strict_reader(path):
    data = path.read_bytes()[:2500]
    step = max(1, len(data) // 100)
    for place in range(0, len(data), step):
        for bit in range(8):
            same(data[:place] + bytes([data[place] ^ 1 << bit]) + data[place + 1 :])
    same(data)


def test_every_character_is_written_by_both_writers_alike():
    for start in range(0, 0x110000, 0x800):
        if 0xD800 <= start < 0xE000:
            continue
        text = "".join(map(chr, range(start, start + 0x800)))
        assert module.SORTED.encode([text]) == canonical([text]), hex(start)
        same(canonical({text: text}))


@pytest.mark.parametrize("depth", [63, 64, 65, 66, 200, 100_000])
def test_depth_has_the_verdict_of_the_strict_reader_brackets_inside_texts_not_counted(depth):
    for data in (
        b"[" * depth + b"]" * depth,
        b"[" * depth + b"1" + b"]" * depth,
        b"[" * depth,
        b'["' + b"[" * depth + b'"]',
    ):
        same(data)
    same(b'["' + b"]" * depth + b'",' + b"[" * depth + b"]" * depth + b"]")


def test_what_is_written_canonically_never_needs_the_strict_reader(monkeypatch):
    documents = [data for path in SAMPLE if parse(data := path.read_bytes()) and canonical(parse(data)) == data]
    monkeypatch.setattr(module, "parse", None)

    assert len(documents) > 10
    for data in documents:
        assert canonical_value(data) == json.loads(data)


def test_a_refusal_names_the_document():
    with pytest.raises(EvidenceError, match=r"^receipts/01-a\.json is not written canonically$") as caught:
        canonical_value(b'{"a": 1}', "receipts/01-a.json")
    assert caught.value.code == "not-canonical"


NO_JSON = [
    (1, 2),
    {1: "a"},
    {True: 1},
    {"a": b"x"},
    {"a": {"b"}},
    {"a": date(2026, 1, 1)},
    [Decimal(1)],
    [float("nan")],
]


@settings(max_examples=800, deadline=None)
@given(ANYTHING | st.sampled_from(NO_JSON))
@example({"\U0001f600": 1, "\ue000": 2})
@example([MAX_INTEGER, MAX_INTEGER + 1])
@example([1.0])
@example(["\x08\t\n\x0c\r\x1f\x7f\u2028\ud800"])
def test_any_value_is_written_as_the_strict_writer_writes_it(value):
    def written(write):
        try:
            return write(value)
        except (EvidenceError, TypeError) as exc:
            return type(exc)

    assert written(canonical) == written(strictly)


def test_what_a_drill_writes_needs_the_strict_writer_never(monkeypatch):
    values = [json.loads(path.read_bytes()) for path in SAMPLE]
    monkeypatch.setattr(rfc8785, "dumps", None)
    assert [canonical(value) for value in values if _is_plain_json(value)]


def _is_plain_json(value):
    return b"1234567890123456" not in json.dumps(value).encode()
