"""JSON with one reading, and nothing else."""

import json
import time
import traceback

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drproof.formats.strict_json import MAX_DEPTH, parse, shape_of
from drproof.model.codec import MAX_INTEGER
from drproof.model.errors import FormatError

PLAIN = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-MAX_INTEGER, MAX_INTEGER)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), inner, max_size=4)
    ),
    max_leaves=20,
)


def code_of(data, **options):
    with pytest.raises(FormatError) as caught:
        parse(data, **options)
    return caught.value.code


@given(PLAIN)
def test_plain_json_is_read_as_everybody_reads_it(value):
    assert parse(json.dumps(value)) == value
    assert parse(json.dumps(value, ensure_ascii=False).encode()) == value


@pytest.mark.parametrize(
    ("data", "code"),
    [
        ('{"a":1,"a":1}', "json-duplicate-key"),
        ('{"a":{"b":1,"\\u0062":2}}', "json-duplicate-key"),
        ("NaN", "json-number"),
        ("[Infinity]", "json-number"),
        ("[-Infinity]", "json-number"),
        ("1.0", "json-number"),
        ("1e2", "json-number"),
        ("9007199254740992", "json-number"),
        ("-9007199254740992", "json-number"),
        ("1" * 5000, "json-number"),
        (b"\xff", "json-utf8"),
        (b'"\xed\xa0\x80"', "json-utf8"),
        ('"\\ud800"', "json-utf8"),
        ('{"\\udc00":1}', "json-utf8"),
        ("", "json-syntax"),
        (b"\xef\xbb\xbf{}", "json-syntax"),
        ("{} {}", "json-syntax"),
        ("[1,]", "json-syntax"),
        ("{'a':1}", "json-syntax"),
        ('"\n"', "json-syntax"),
        ("// no\n1", "json-syntax"),
        ("[" * 100_000, "json-depth"),
        ("[" * (MAX_DEPTH + 1) + "]" * (MAX_DEPTH + 1), None),
        ("[" * (MAX_DEPTH + 1) + "1" + "]" * (MAX_DEPTH + 1), "json-depth"),
    ],
    ids=range(24),
)
def test_what_two_readers_would_read_differently_is_refused_by_its_name(data, code):
    if code is None:
        parse(data)
    else:
        assert code_of(data) == code


ODD = st.one_of(
    PLAIN.map(json.dumps),
    st.text(st.sampled_from('[]{}",:\\ud80 1aé')),
    st.tuples(
        st.integers(MAX_DEPTH - 2, MAX_DEPTH + 3), st.sampled_from(["", "1", '"]"', '"\\ud800"', '{"[": 1}'])
    ).map(lambda made: "[" * made[0] + made[1] + "]" * made[0]),
)


@given(ODD)
def test_bytes_are_read_as_their_text_is(text):
    def read(data):
        try:
            return parse(data)
        except FormatError as exc:
            return exc.code

    assert read(text.encode()) == read(text)


@pytest.mark.parametrize(
    "data",
    [
        '{"hunter2": 1, "hunter2": 2}',
        '{"a": 12345678901234567890}',
        '{"a": 0.12345678901234567890}',
        '{"a": hunter2}',
        '{"a": "hunter2\\q"}',
        '{"a": "hunter2\n"}',
        '{"a": "hunter2',
        '{"a": "hunter2\\ud800"}',
        b'{"a": "hunter2\xff"}',
        "{} hunter2",
    ],
)
def test_no_refusal_repeats_what_it_refuses(data):
    for options in ({}, {"fractions": True}):
        try:
            parse(data, **options)
        except FormatError as exc:
            told = "".join(traceback.format_exception(exc))
            assert [word for word in ("hunter2", "1234567890") if word in told] == []
        else:
            assert options, "nothing was refused"


@given(PLAIN)
def test_what_a_value_is_is_told_in_the_words_of_json(value):
    assert shape_of(value) in {"nothing", "true or false", "a number", "a text", "a list", "an object"}
    spelt = json.loads('[null, true, 1, 1.5, "", [], {}]')
    assert [shape_of(one) for one in spelt] == [
        "nothing", "true or false", "a number", "a number", "a text", "a list", "an object",
    ]  # fmt: skip


def test_the_largest_safe_integers_are_kept():
    assert parse(f"[{MAX_INTEGER},{-MAX_INTEGER}]") == [MAX_INTEGER, -MAX_INTEGER]


def test_documents_of_others_may_hold_fractions_but_no_infinity():
    assert parse("[0.5,1e3]", fractions=True) == [0.5, 1000.0]
    assert code_of("1e999", fractions=True) == "json-number"
    assert code_of("-1e999", fractions=True) == "json-number"
    assert code_of("NaN", fractions=True) == "json-number"
    assert code_of("9007199254740992", fractions=True) == "json-number"


def test_a_late_duplicate_among_many_keys_is_found_at_once():
    document = "{" + ",".join(f'"{number}":0' for number in range(100_000)) + ',"99999":1}'
    began = time.process_time()

    assert code_of(document) == "json-duplicate-key"
    assert time.process_time() - began < 5
