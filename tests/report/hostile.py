"""Hostile strings, and bundles that hold one in every field whose type takes any text."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from string import ascii_letters
from typing import Any, TypeAlias

from msgspec import inspect

from drproof import catalog
from drproof.evidence.bundle import Bundle, sealed_closing, sealed_opening
from drproof.evidence.canonical import canonical, digest
from drproof.evidence.documents import StoredReceipts, Verdicts
from drproof.evidence.redaction import Redacted
from drproof.evidence.withheld import WithheldFile
from drproof.model.codec import decode, encode
from drproof.model.criteria import PlanDocument
from drproof.model.receipt import receipt_type
from tests.plugin.test_hostile import HOSTILE

NAUGHTY = (
    # What programs take for a value of theirs.
    "undefined",
    "null",
    "None",
    "NaN",
    "-Infinity",
    "true",
    "0x0",
    "1e999",
    "-0",
    "00123",
    "1,000.00",
    "१२३",
    "9007199254740993",
    "2026-02-30T25:61:61Z",
    # What ends a string, a comment or a template.
    "'",
    '"',
    "`",
    "\\",
    "\\\\\"'",
    "*/ alert(1) /*",
    "--><script>alert(2)</script><!--",
    "{{ 7 * 7 }}",
    "{% raw %}{% endraw %}",
    "${7*7}",
    "#{7*7}",
    "<%= 7 %>",
    "%s %n %x {0}",
    "$HOME `id` $(id)",
    "; rm -rf / #",
    "| tee /etc/motd",
    "&& shutdown",
    # Markup, whole and torn.
    "<b>bold</b>",
    "<a href=data:text/html,x>y</a>",
    "<iframe srcdoc=x>",
    "<math><mtext></mtext></math>",
    "</title><script>x()</script>",
    "</style><style>*{display:none}</style>",
    "</td></tr></table><h1>Proven</h1>",
    "</details><details open ontoggle=x()>",
    "<template><slot>",
    "<base href=//evil.example/>",
    "<meta http-equiv=refresh content=0>",
    "<form action=//evil.example><input>",
    "<plaintext>",
    "<!doctype html><html><body>",
    "<?xml version='1.0'?><!DOCTYPE x [<!ENTITY y 'z'>]>&y;",
    "' onmouseover='x()",
    '" autofocus onfocus="x()',
    "` onerror=`x()",
    "<scr\tipt>x()</scr\tipt>",
    "<img/src=x/onerror=x()//",
    "<svg/onload=x()",
    "&#x3c;script&#x3e;",
    "&lt",
    "\u00bcscript\u00bealert(1)\u00bc/script\u00be",
    "\uff1cscript\uff1e",
    # What is seen as something else.
    "\u0410\u0440\u0440\u0456\u0435",
    "a\u0301\u0323\u0489",
    "Z\u0351\u036b\u0343\u036aA\u0317\u0333L\u0349G\u0300O",
    "\u202bmirror\u202c",
    "\u061c\u200f\u200ertl",
    "\u115f\u3164\uffa0",
    "\u00ad\u2060\ufe0f",
    "👩\u200d👩\u200d👧",
    "\U0001f3f4\U000e0067\U000e007f",
    "ﷺ ㍿ ﬁ",
    "\u0131 \u0130 \xdf \u017f \u212a",
    "   ",
    "\t\t",
    "\u00a0\u2003\u3000",
    "\x85next",
    "\x0bvertical\x0cform",
    "\x7f\x7f",
    # What terminals and logs obey.
    "\x1b]0;title\x07",
    "\x1b[2K\x1b[1Aproven",
    "\x1b[?1049h",
    "\x1bP+q544e\x1b\\",
    "\x1b_Gf=100;AAAA\x1b\\",
    "\x9d0;title\x9c",
    "\x0e\x0f",
    "\x05",
    "%1B[31m",
    "\r\n::error file=a::b",
    "\n\n::group::x",
    "x\n    ::save-state name=a::b",
    "##[command]x",
    "x ##vso[build.addbuildtag]y",
    "\n##teamcity[buildStop]",
    "section_start:0:x\r\x1b[0K",
    "+++ opened",
    "outcome: PROVEN (the whole plan), exit status 0",
    "x\nclosed: proven",
    "x\nverify: drproof verify elsewhere",
    # Files and addresses.
    "CON",
    "a/../../b",
    "file:///etc/passwd",
    "//evil.example/x",
    "\\\\evil.example\\share",
    "%2e%2e%2f%00",
    "vbscript:x",
    "data:text/html;base64,PHg+",
    "@SUM(1+1)*cmd|' /C calc'!A0",
    "+1",
    "[x](javascript:x)",
    "![x](//evil.example/x.png)",
)
STRINGS = tuple(text for text in (*HOSTILE, *NAUGHTY) if not any("\ud800" <= char <= "\udfff" for char in text))
"""All of them but lone surrogates, which are in no JSON that is read."""
SHA, AT = "ab" * 32, "2026-11-01T08:00:00.250Z"
SAMPLES = (SHA, AT, "444455556666", "sabotage")
"""Texts of the types that take no other."""

Next: TypeAlias = Callable[[], str]


@dataclass(frozen=True)
class Fields:
    """Makes values of types: one element in each container, and the next text wherever any text may stand."""

    text: Next
    turn: bool
    """What every flag says; of two words, which."""

    def whole(self, kind: Any, **said: Any) -> Any:
        """Return plain JSON that is exactly of `kind`, with these members as they are said."""
        document = {**self.of(inspect.type_info(kind)), **said}
        assert encode(decode(kind, document)) == document
        return document

    def of(self, kind: inspect.Type) -> Any:  # noqa: C901 — one branch a kind of type
        """Return plain JSON of a type; what a type forbids is not tried."""
        match kind:
            case inspect.Metadata():
                return self.of(kind.type)
            case inspect.StrType(pattern=None, min_length=None, max_length=None):
                return self.text()
            case inspect.StrType():
                return next(made for made in SAMPLES if re.match(kind.pattern or "", made))
            case inspect.BoolType():
                return self.turn
            case inspect.IntType():
                return kind.ge if kind.ge is not None else 1
            case inspect.NoneType():
                return None
            case inspect.LiteralType():
                return kind.values[-1 if self.turn else 0]
            case inspect.EnumType():
                return next(iter(kind.cls)).value
            case inspect.AnyType():
                return {self.text(): [self.text(), {self.text(): self.text()}]}
            case inspect.UnionType():
                return self.of(next(one for one in kind.types if not isinstance(one, inspect.NoneType)))
            case inspect.VarTupleType() | inspect.ListType():
                return [self.of(kind.item_type)]
            case inspect.TupleType():
                return [self.of(one) for one in kind.item_types]
            case inspect.DictType():
                return {self.of(kind.key_type): self.of(kind.value_type)}
            case inspect.DataclassType():
                return {field.encode_name: self.of(field.type) for field in kind.fields}
        msg = f"no value is known for {kind}; say here how one is made"
        raise AssertionError(msg)


def rotating(shift: int, said: list[str], shown: Callable[[str], str] = str) -> Next:
    """Return a source of the strings, one after the other, that notes what it gave."""

    def following() -> Iterator[str]:
        while True:
            said.append(STRINGS[(shift + len(said)) % len(STRINGS)])
            yield shown(said[-1])

    return following().__next__


def _benign() -> dict[str, str]:
    """Return for each string one of the same length and lines that nobody would mind; no two are one."""
    found: dict[str, str] = {}
    for number, text in enumerate(STRINGS):
        letters = (ascii_letters[(number + turn) % 52] for turn in range(10**6))
        while (made := "".join("\n" if char == "\n" else next(letters) for char in text)) in found.values():
            pass
        found[text] = made
    return found


BENIGN = _benign()


def write(directory: Path, text: Next, *, passed: bool) -> Bundle:
    """Write a closed bundle, all phases of all plans in it, whose every free field is the next text."""

    def put(path: str, content: bytes) -> str:
        (directory / path).parent.mkdir(parents=True, exist_ok=True)
        (directory / path).write_bytes(content)
        return digest(content)

    fields = Fields(text, turn=not passed)
    types: dict[str, type] = dict(catalog.types())
    plan = fields.whole(PlanDocument, previous_bundle=SHA)
    plan["phases"] += types
    document = decode(PlanDocument, plan)
    data = canonical(plan)
    opening = put("opening.dsse.json", sealed_opening(document, plan_digest=put("plan.json", data)))
    digests = []
    stranger = text()
    for number, (phase, observes) in enumerate([*types.items(), (stranger, Any)], start=1):
        receipt = fields.whole(
            receipt_type(observes),
            phase=phase,
            sequence=number,
            outcome="passed" if passed else ("failed", "interrupted", "blocked", "not_run")[number % 4],
        )
        digests.append(put(f"receipts/{number:02}-{phase if phase in types else 'stranger'}.json", canonical(receipt)))
    types[stranger] = Any
    verdicts = fields.whole(Verdicts)
    for status in ("proven", "refuted", "unproven"):
        for result in ("refuted", "not_applicable"):
            one = fields.whole(Verdicts)["verdicts"][0]
            controls = [{**control, "result": result} for control in one["controls"]]
            verdicts["verdicts"].append({**one, "status": status, "controls": controls, "receipts": digests[:1]})
    put("verdicts.json", canonical(verdicts))
    put("receipts-store.json", canonical(fields.whole(StoredReceipts)))
    put("evidence/withheld/one.json", canonical(fields.whole(WithheldFile)))
    rows = [fields.whole(Redacted), fields.whole(Redacted)]
    put("evidence/restore.redactions.json", canonical(rows))
    for n in range(6):
        # A file's name is one part of a path: what no file system takes is no name.
        name = text().replace("/", "_").replace("\0", "_")[:40]
        put(f"evidence/{n}{name}", b"")
    files = {"plan.json": digest(data)}
    closing = sealed_closing(
        document, opening=opening, outcome="incomplete", files=files, head=digests[-1], receipts=1, closed_at=AT
    )
    bundle = Bundle.open(directory, types)
    put("closing.dsse.json", closing)
    return bundle
