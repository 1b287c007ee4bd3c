"""A known value is masked in every encoding that a tool is likely to print it in, wherever it stands."""

import base64
import json
from urllib.parse import quote, quote_plus

import pytest

from drproof.evidence.redaction import MASK, SHORTEST, Masker, Redactor
from drproof.evidence.withheld import keep, withheld_in

SECRET = 'p+ss/w0rd "q"\\é~key='
ENCODINGS = {
    "as it is": SECRET,
    "percent": quote(SECRET, safe=""),
    "form": quote_plus(SECRET),
    "JSON": json.dumps(SECRET)[1:-1],
    "hex": SECRET.encode().hex(),
    "upper hex": SECRET.encode().hex().upper(),
}


@pytest.mark.parametrize("form", ENCODINGS.values(), ids=ENCODINGS)
def test_a_value_is_masked_in_each_encoding(form):
    masker = Masker([SECRET])

    assert masker.mask(f"before {form} after {form}") == f"before {MASK} after {MASK}"
    assert masker.finds(f"before {form} after".encode())


@pytest.mark.parametrize("encode", [base64.b64encode, base64.urlsafe_b64encode], ids=["standard", "urlsafe"])
@pytest.mark.parametrize("after", range(3))
@pytest.mark.parametrize("before", range(4))
def test_a_value_inside_base64_is_masked_wherever_it_starts_and_ends(encode, before, after):
    text = encode(b"u" * before + SECRET.encode() + b":" * after).decode()
    masker = Masker([SECRET])

    assert masker.finds(text.encode())
    masked = masker.mask(text)
    assert MASK in masked
    assert len(masked.replace(MASK, "")) <= 4 + 4 + 4, "no more than the edges is left"


def test_the_shortest_value_that_is_known_is_masked_and_a_shorter_one_is_not():
    assert Masker(["a" * SHORTEST]).mask("a" * SHORTEST) == MASK
    short = "b" * (SHORTEST - 1)
    assert Masker([short]).mask(short) == short
    assert Masker(["", short]).finds(short.encode()) is False


def test_a_value_that_holds_another_is_masked_whole():
    assert Masker(["password-one", "password-one-and-more"]).mask("x password-one-and-more y") == f"x {MASK} y"


def test_values_may_be_learned_later_and_earlier_ones_are_kept():
    masker = Masker(["first-value"])
    masker.learn(["second-value"])

    assert masker.mask("first-value second-value") == f"{MASK} {MASK}"


def test_honest_text_is_left_as_it_is():
    text = "nothing to see here, p+ss/w was never said whole, nor half"

    assert Masker([SECRET]).mask(text) == text
    assert Masker([SECRET]).finds(text.encode()) is False
    assert Masker().mask(text) == text


@pytest.mark.parametrize(
    ("secret", "said"),
    [
        ('quo"ted-secret', 'quo\\"ted-secret'),
        ("geheim-müller-1", "geheim-müller-1"),
        ("a<b>&secret-1", "a&lt;b&gt;&amp;secret-1"),
        ("p+ss/word-1", "p%2bss%2fword-1"),
    ],
)
def test_a_value_is_masked_as_json_html_and_urls_spell_it(secret, said):
    assert Masker([secret]).mask(f"x {said} y") == f"x {MASK} y"


def test_a_file_that_is_withheld_leaves_nothing_of_an_earlier_one_in_its_place(tmp_path):
    redactor = Redactor(["a-very-secret-value"])
    assert keep(tmp_path, "proof.html", b"proven", redactor)
    assert not keep(tmp_path, "proof.html", b"a-very-secret-value", redactor)

    assert not (tmp_path / "proof.html").exists()
    assert [one.path for one in withheld_in(tmp_path)] == ["proof.html"]
