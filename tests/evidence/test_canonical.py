"""Canonical bytes are those of RFC 8785, and what has none is refused."""

import hashlib
import json

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from drproof.evidence.canonical import canonical, digest
from drproof.model.codec import MAX_INTEGER
from drproof.model.errors import EvidenceError

TEXT = st.text(st.characters(exclude_categories=["Cs"]))
PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers(-MAX_INTEGER, MAX_INTEGER) | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=20,
)


def test_keys_are_sorted_as_the_rfc_sorts_them():
    # RFC 8785, section 3.2.3: by UTF-16 code units, not by code points.
    keys = ["€", "\r", "\ufb33", "1", "😀", "\x80", "ö"]

    assert list(json.loads(canonical(dict.fromkeys(keys, 1)))) == ["\r", "1", "\x80", "ö", "€", "😀", "\ufb33"]


def test_texts_are_escaped_as_the_rfc_escapes_them():
    # RFC 8785, section 3.2.2.2.
    assert canonical('€$\x0f\nA\'B"\\\\"/') == '"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"'.encode()
    assert canonical("\b\t\f\r\x7f\u2028") == b'"\\b\\t\\f\\r\x7f\xe2\x80\xa8"'


def test_literals_and_whitespace_have_one_form():
    assert canonical({"b": [None, True, False, -0, 10], "a": {}}) == b'{"a":{},"b":[null,true,false,0,10]}'


@given(PLAIN)
def test_canonical_bytes_are_those_of_the_reference_and_read_back_equal(value):
    data = canonical(value)

    assert data == rfc8785.dumps(value)
    assert json.loads(data) == value
    assert canonical(json.loads(data)) == data


@pytest.mark.parametrize(
    "value",
    [0.5, 1.0, float("nan"), float("inf"), [1, [2.0]], {"a": {"b": 0.1}}, ({"a": (1.5,)},)]
    + [MAX_INTEGER + 1, -MAX_INTEGER - 1, "\ud800", {"\udfff": 1}, {1: "a"}, {"a": b"bytes"}, {"a": {1, 2}}],
    ids=repr,
)
def test_what_has_no_one_byte_sequence_is_refused(value):
    with pytest.raises(EvidenceError) as caught:
        canonical(value)
    assert caught.value.code == "not-canonical"


def test_a_float_is_refused_by_its_place():
    with pytest.raises(EvidenceError, match=r"\$\.rows\[1\]\.share is the float 0\.5"):
        canonical({"rows": [1, {"share": 0.5}]})


def test_a_digest_is_a_sha256():
    assert digest(b"abc") == hashlib.sha256(b"abc").hexdigest()
