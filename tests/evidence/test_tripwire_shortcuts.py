"""The tripwire's short-cuts change no verdict: the same spans come out where every rule is tried on every text."""

import random
import re
import string
from typing import Any

import pytest

from drproof.evidence import tripwire
from drproof.evidence.canonical import canonical
from drproof.evidence.secret_rules import SIGNATURES, SIGNS
from drproof.evidence.signatures import Span
from drproof.evidence.tripwire import scan, scan_json, spans
from tests.drill.plants import grow
from tests.evidence.test_tripwire import DISGUISES, SAMPLE

PADDINGS = ("", " " * 200, "." * 1_000)
"""What brings a text below, about and above the length up to which all signs are looked for at once."""

PLANTED = [disguise(plant.shown) for seed in (1, 5) for plant in grow(seed) for disguise in DISGUISES.values()]
HONEST = [
    line
    for path in sorted(SAMPLE.rglob("*.json"))
    for text in [path.read_text(encoding="utf-8")]
    for line in (text[at : at + 300] for at in range(0, min(len(text), 9_000), 300))
]


def _every_rule(text: str, _among: object = None) -> list[Span]:
    """Return what the rules find when nothing is left out beforehand."""
    found = [(rule, match) for rule, pattern in SIGNATURES.items() for match in re.finditer(pattern, text)]
    return [Span(match.start(), match.end(), rule) for rule, match in found]


def _fragments() -> list[str]:
    """Return texts of pieces of signs and of what surrounds them, as long as the border between both ways of looking."""
    chance = random.Random(7)
    signs = [sign for rule in SIGNS.values() for sign in rule]
    found = []
    for _ in range(1_500):
        pieces = [
            chance.choice((str.upper, str.lower, str.title))(chance.choice(signs))
            if chance.random() < 0.6
            else "".join(chance.choices(string.ascii_letters + string.digits + "=:/-_ \"'\u0130\u1e9e", k=30))
            for _ in range(chance.randint(1, 9))
        ]
        found.append("".join(pieces)[: chance.choice((40, 255, 256, 257, 400))])
    return found


def test_there_is_something_to_find_and_something_to_leave():
    assert len(PLANTED) > 500
    assert len(HONEST) > 100
    assert any(spans(text) for text in _fragments())


@pytest.mark.parametrize("padding", PADDINGS, ids=["short", "at the border", "long"])
def test_no_text_is_judged_otherwise_because_it_is_short(padding: str, monkeypatch: pytest.MonkeyPatch):
    texts = [text + padding for text in (*PLANTED, *HONEST, *_fragments())]
    quick = [spans(text) for text in texts]

    monkeypatch.setattr(tripwire, "direct", _every_rule)

    assert [text for text, found in zip(texts, quick, strict=True) if spans(text) != found] == []


def test_a_name_that_was_seen_before_is_judged_as_it_was(monkeypatch: pytest.MonkeyPatch):
    documents = [{"rows": [{text: 1}, {text: {"value": text}}]} for text in (*PLANTED, *HONEST)]
    first = [scan_json(document) for document in documents]
    again = [scan_json(document) for document in documents]

    monkeypatch.setattr(tripwire, "_shows", tripwire._shows.__wrapped__)

    assert again == first
    assert [scan_json(document) for document in documents] == first


def _documents() -> list[object]:
    """Return documents of many harmless texts, each with a few others in it, at every place of a group."""
    chance = random.Random(11)
    others = [*PLANTED, *HONEST, *_fragments()]
    found: list[object] = []
    for number in range(0, len(others), 3):
        some = others[number : number + 3]
        texts = [f"tests/{chance.choice('abf')}/test_orders.py::test_it_came_back[{one}]" for one in range(20)]
        for text in some:
            texts.insert(chance.randrange(len(texts)), text)
        found.append({"tests": [{"test": text, "reason": "", "checks": []} for text in texts], "list": texts[:4]})
    return found


def test_texts_that_are_looked_at_together_are_judged_as_each_alone(monkeypatch: pytest.MonkeyPatch):
    documents = _documents()
    monkeypatch.setattr(tripwire, "_TOGETHER", 8)
    together = [scan_json(document) for document in documents]

    monkeypatch.setattr(tripwire, "_show_nothing", lambda texts: False)
    monkeypatch.setattr(tripwire, "_shows_by_its_form", lambda value, name, texts: True)

    assert [scan_json(document) for document in documents] == together
    assert sum(map(bool, together)) > 100
    assert not all(together)


@pytest.mark.parametrize("planted", range(0, len(PLANTED), 25))
def test_every_secret_is_seen_among_harmless_texts(planted: int):
    text = PLANTED[planted]
    alone = bool(scan_json([text]))
    assert bool(scan_json({"a": [{"b": f"name {number}"} for number in range(300)], "z": {"y": text}})) is alone


def test_harmless_texts_are_not_looked_at_one_by_one(monkeypatch: pytest.MonkeyPatch):
    names = [f"tests/test_orders.py::test_the_order_came_back[{number}]" for number in range(2_000)]
    document = canonical({"tests": [{"test": name, "outcome": "passed", "checks": []} for name in names]})
    assert scan(document) == ()
    looked: list[str] = []
    one_by_one = tripwire._spans

    def noted(text: str, *more: Any) -> list[Span]:
        looked.append(text)
        return one_by_one(text, *more)

    monkeypatch.setattr(tripwire, "_spans", noted)

    assert scan(document) == ()
    assert looked == []


def test_a_capital_that_has_two_small_letters_moves_no_place():
    text = "\u0130" * 40 + " password=hunter2 and 4 more"
    (found,) = spans(text)
    assert text[found.start : found.end] == "hunter2"
