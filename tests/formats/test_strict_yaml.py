"""YAML with one reading, and nothing else."""

import json
import os
import shutil
import subprocess
import time
import traceback

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from drproof.formats import strict_yaml
from drproof.formats.strict_yaml import MAX_DEPTH, parse, parse_all
from drproof.model.codec import MAX_INTEGER
from drproof.model.errors import FormatError
from tests.patience import PATIENCE

TEXT = st.text(st.characters(exclude_categories=["Cs"]))
PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers(-MAX_INTEGER, MAX_INTEGER) | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=20,
)


@pytest.fixture(params=[yaml.SafeLoader, getattr(yaml, "CSafeLoader", None)], ids=["python", "libyaml"])
def loader(request, monkeypatch):
    if request.param is None:
        pytest.skip("PyYAML is built without libyaml")
    monkeypatch.setattr(strict_yaml, "LOADER", request.param)


def refused(data, **options):
    with pytest.raises(FormatError) as caught:
        parse(data, **options)
    return caught.value


@given(PLAIN)
def test_json_that_a_yaml_writer_quotes_is_read_as_it_was(value):
    assert parse(yaml.safe_dump(value, default_style='"')) == value


@pytest.mark.usefixtures("loader")
def test_scalars_are_what_every_reader_takes_them_for():
    text = """
    text: plain
    date: 2001-01-01
    moment: 2001-01-01T00:00:00Z
    clock: 1:30
    address: 10.0.0.1
    quoted: "yes"
    single: '0644'
    tagged: !!str no
    integer: -17
    fraction: 1.5
    small: 1.5e-3
    also: !!float 2
    yes-no: true
    nothing: ~
    empty:
    block: |
      line
    list: [1, "1", Null, FALSE]
    "<<": kept
    """
    assert parse(text) == {
        "text": "plain",
        "date": "2001-01-01",
        "moment": "2001-01-01T00:00:00Z",
        "clock": "1:30",
        "address": "10.0.0.1",
        "quoted": "yes",
        "single": "0644",
        "tagged": "no",
        "integer": -17,
        "fraction": 1.5,
        "small": 0.0015,
        "also": 2,
        "yes-no": True,
        "nothing": None,
        "empty": None,
        "block": "line\n",
        "list": [1, "1", None, False],
        "<<": "kept",
    }


@pytest.mark.parametrize(
    ("data", "code"),
    [
        *((f"a: {word}", "yaml-ambiguous") for word in ("yes", "No", "ON", "off", "y", "N")),
        *((f"a: {word}", "yaml-ambiguous") for word in ("0644", "048622080012", "0x1F", "0o17", "0b1", "+1")),
        *((f"a: {word}", "yaml-ambiguous") for word in ("1_000", "1e3", "12e4567", ".5", "1.", "1.5e3")),
        ("on: 1", "yaml-ambiguous"),
        ("a: .inf", "yaml-number"),
        ("a: -.INF", "yaml-number"),
        ("a: .NaN", "yaml-number"),
        ("a: 1.0e+999", "yaml-number"),
        ("a: 9007199254740992", "yaml-number"),
        ("a: " + "1" * 5000, "yaml-number"),
        ("a: 1\na: 2", "yaml-duplicate-key"),
        ('a: 1\n"\\u0061": 2', "yaml-duplicate-key"),
        ("1: a", "yaml-key"),
        ("true: a", "yaml-key"),
        ("? [a]\n: b", "yaml-key"),
        ("a: &x 1", "yaml-alias"),
        ("a: &x {}", "yaml-alias"),
        ("a: *x", "yaml-alias"),
        ("<<: {a: 1}", "yaml-alias"),
        ("a: !!binary aGk=", "yaml-tag"),
        ("a: !!timestamp 2001-01-01", "yaml-tag"),
        ("a: !!set {b}", "yaml-tag"),
        ("a: !own b", "yaml-tag"),
        ("a: !!python/object/apply:os.getpid []", "yaml-tag"),
        ("a: !!int x", "yaml-tag"),
        ("a: [", "yaml-syntax"),
        ("a: b: c", "yaml-syntax"),
        ("\ta: 1", "yaml-syntax"),
        ("a: \x00", "yaml-syntax"),
        ("%YAML 3.0\n---\na", "yaml-syntax"),
        (b"a: \xff", "yaml-utf8"),
        ("a: 1".encode("utf-16"), "yaml-utf8"),
        (b"\xef\xbb\xbfa: 1", "yaml-utf8"),
        ("a: \ud800", "yaml-utf8"),
        ("", "yaml-documents"),
        ("a: 1\n---\na: 2", "yaml-documents"),
        ("a: 'b\u2028c'", "yaml-ambiguous"),
        ("a: b\x85", "yaml-ambiguous"),
        ("[" * 1_000, "yaml-depth"),
        ("[" * (MAX_DEPTH + 1) + "1" + "]" * (MAX_DEPTH + 1), "yaml-depth"),
        ("[" * (MAX_DEPTH + 2) + "]" * (MAX_DEPTH + 2), "yaml-depth"),
    ],
    ids=lambda value: repr(value)[:24],
)
@pytest.mark.usefixtures("loader")
def test_what_two_readers_would_read_differently_is_refused_by_its_name(data, code):
    assert refused(data).code == code


@pytest.mark.usefixtures("loader")
def test_an_escaped_lone_surrogate_is_refused_by_either_parser():
    assert refused('"\\ud800"').code in ("yaml-utf8", "yaml-syntax")


def test_nesting_as_deep_as_is_read_is_read():
    assert parse("[" * MAX_DEPTH + "1" + "]" * MAX_DEPTH)


def test_a_refusal_names_the_line():
    assert "line 2: not YAML: mapping values are not allowed" in str(refused("a: 1\nb: c: d\n"))
    assert str(refused("a: 1\nb:\n  - yes\n")).startswith("line 3: ")
    assert str(refused("a: 1\nb: [\n")).startswith("line 3: ")


@pytest.mark.parametrize(
    "data",
    [
        *(f"a: 1\nb: {text}\n" for text in ("0755123456", "12345678901234567890", "1_234_567_890", "1.0e+999")),
        *(f"a: 1\nb: {text}\n" for text in ("off", "-.inf", "&hunter2 x", "*hunter2", "!hunter2", "!!int hunter2")),
        *(
            f"a: 1\nb: {text}\n"
            for text in ("!hunter2!x y", "'hunter2\x00'", '"hunter2\\q"', "hunter2: hunter2", "%hunter2")
        ),
        *(f"a: 1\n{key}: 1\n{key}: 2\n" for key in ("hunter2", "'hunter2'")),
        "a: 1\n{hunter2: 1",
        'a: 1\nb: "hunter2\\ud800"\n',
        'a: 1\nb: "hunter2\\U0fffffff"\n',
        "a: 1\nb: 'hunter2\u2028'\n",
        "a: 1\nb: hunter2\ud800\n",
        b"a: 1\nb: hunter2\xff\n",
        "hunter2\n---\nhunter2\n",
    ],
)
@pytest.mark.usefixtures("loader")
def test_no_refusal_repeats_what_it_refuses(data):
    words = ("0755123456", "1234567890", "1_234", "1.0e+999", "off", "-.inf", "hunter2")
    told = "".join(traceback.format_exception(refused(data)))
    assert [word for word in words if word in told] == []


def test_a_billion_laughs_are_refused_before_they_are_built():
    bomb = "a: &a [x,x]\n" + "".join(
        f"{chr(98 + n)}: &{chr(98 + n)} [{','.join([f'*{chr(97 + n)}'] * 9)}]\n" for n in range(20)
    )
    start = time.process_time()
    assert refused(bomb).code == "yaml-alias"
    assert time.process_time() - start < 5


@pytest.mark.usefixtures("loader")
def test_a_tower_of_brackets_is_refused_by_either_parser_at_once():
    for brackets in ("[" * 5_000, "{" * 5_000, "[" * 100_000):
        began = time.process_time()
        assert refused(brackets).code == "yaml-depth"
        assert time.process_time() - began < (1 if strict_yaml.LOADER is not yaml.SafeLoader else 10)


def test_more_than_the_limit_is_not_looked_at():
    assert parse("a: 1", limit=4) == {"a": 1}
    assert refused("a: 10", limit=4).code == "yaml-limit"


def test_documents_that_hold_nothing_are_left_out():
    assert parse_all("---\n---\n# only a comment\n---\na: 1\n---\nnull\n---\n''\n...\n") == [{"a": 1}, None, ""]
    assert parse_all("") == []
    assert parse("---\n---\na: 1\n") == {"a": 1}


@given(st.text(st.sampled_from("ab:-[]{},&*!|>'\"?%@#~<=.0123456789_e+xo \n\t\\")))
def test_any_text_is_read_or_refused_by_name(text):
    try:
        documents = parse_all(text)
    except FormatError as exc:
        documents = []
        code = exc.code
    else:
        code = "yaml-"
    assert code.startswith("yaml-")
    assert json.loads(json.dumps(documents, allow_nan=False)) == documents


class _WithoutInstants(yaml.SafeLoader):
    """Another reader, which takes a date for text as kubectl does: YAML 1.2 knows none."""


_WithoutInstants.yaml_implicit_resolvers = {
    first: [row for row in rows if row[0] != "tag:yaml.org,2002:timestamp"]
    for first, rows in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


@example("0000-00-00")
@example("2001-01-01")
@given(st.text(st.sampled_from("yesnofYN0123456789_e+-.xob")))
def test_a_scalar_that_is_read_as_text_is_text_to_another_yaml_reader_too(word):
    try:
        value = parse(f"- {word}")
    except FormatError:
        return
    assert value == yaml.load(f"- {word}", Loader=_WithoutInstants)


NUMBERS = ("0o17", "1_000", "0644", "0x1F", "0b1", "+1", ".5", "1.", "1e3", "1.5e3", "048622080012", "_1", "12e4567")
TRUTHS = ("y", "N", "yes", "No", "ON", "oFF", "true", "null", "~")
TEXTS = ("1:30", "2001-01-01", "10.0.0.1", "=", "0o8", "0x", "1.5e+3", "-0", "1.50", "-17", "1-2", "v1", "0b2", "_")


@pytest.mark.skipif(shutil.which("kubectl") is None, reason="kubectl is not installed: its reading is not compared")
def test_what_is_read_kubectl_reads_the_same(tmp_path):
    words = (*NUMBERS, *TRUTHS, *TEXTS)
    head = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata:\n"
    (tmp_path / "a.yaml").write_text(head + "".join(f"  k{place}: {word}\n" for place, word in enumerate(words)))
    done = subprocess.run(
        ["kubectl", "annotate", "--local", "-f", "a.yaml", "-o", "json", "a=b"],
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"], "HOME": str(tmp_path)},
        capture_output=True,
        timeout=PATIENCE,
        check=True,
    )
    theirs = json.loads(done.stdout)["data"]
    ambiguous = set()
    for place, word in enumerate(words):
        try:
            assert parse(word) == theirs.get(f"k{place}"), word
        except FormatError:
            ambiguous.add(word)
    assert ambiguous == {word for word in (*NUMBERS, *TRUTHS) if word not in ("_1", "oFF", "true", "null", "~")}
