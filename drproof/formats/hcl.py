"""HCL, the language that Terraform's sources are written in: bytes to blocks, attributes and expressions.

The grammar is python-hcl2's. What it hands over as text is told apart here: a literal, an expression, or a text with
expressions in it. Nothing is evaluated.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from drproof.model.errors import FormatError

MARK = "__is_block__"
INTERPOLATED = re.compile(r"(?<!\$)\$\{|(?<!%)%\{")
HEREDOC = re.compile(r"<<-?[^\n]*\n(.*)\n[^\n]*", re.DOTALL)
ESCAPE = re.compile(r'\\(?:u(?P<four>[0-9a-fA-F]{4})|U(?P<eight>[0-9a-fA-F]{8})|(?P<one>["\\nrt]))')
LAST_CHARACTER = 0x10FFFF
ESCAPED = {'"': '"', "\\": "\\", "n": "\n", "r": "\r", "t": "\t"}


@dataclass(frozen=True, slots=True)
class Expression:
    """What is known only once it is evaluated, as it is written: `var.on ? 1 : 0`, or a text with `${…}` in it."""

    text: str


Value: TypeAlias = "str | int | float | bool | Expression | list[Any] | dict[str, Any] | None"


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """One block: `resource "aws_instance" "runner" { … }` has the kind `resource` and two labels."""

    kind: str
    labels: tuple[str, ...] = ()
    attributes: Mapping[str, Any] = field(default_factory=dict)
    """Each attribute's `Value`."""
    blocks: tuple["Block", ...] = ()

    def all_blocks(self) -> Iterator["Block"]:
        """Yield this block and those inside it."""
        yield self
        for block in self.blocks:
            yield from block.all_blocks()

    def inside(self, kind: str) -> Iterator["Block"]:
        """Yield the blocks of a kind directly inside."""
        return (block for block in self.blocks if block.kind == kind)


def parse(data: bytes) -> Block:
    """Return a file as a block without a kind, which holds what stands in it.

    Raises:
        FormatError: it is no UTF-8, or no HCL.
    """
    import hcl2
    from lark.exceptions import LarkError

    try:
        # Terraform skips the mark of byte order that some editors write.
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as exc:
        raise FormatError("hcl", f"expected UTF-8, got {exc.reason} at byte {exc.start}") from exc
    try:
        # An empty file is one without blocks; the grammar wants a line's end at the last line.
        document = hcl2.loads(text, serialization_options=hcl2.SerializationOptions(with_comments=False))
    except (LarkError, ValueError, RecursionError) as exc:
        line = getattr(exc, "line", None)
        at = f" at line {line}" if isinstance(line, int) and line > 0 else ""
        raise FormatError("hcl", f"expected HCL, got something else{at}") from exc
    return _block("", (), document)


def texts(value: object) -> Iterator[str]:
    """Yield every text in a value, a list or an object, expressions as they are written."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Expression):
        yield value.text
    elif isinstance(value, list):
        for one in value:
            yield from texts(one)
    elif isinstance(value, dict):
        for key, one in value.items():
            yield key
            yield from texts(one)


def _block(kind: str, labels: tuple[str, ...], body: Mapping[str, Any]) -> Block:
    attributes: dict[str, Any] = {}
    blocks: list[Block] = []
    for name, value in body.items():
        if name == MARK:
            continue
        if isinstance(value, list) and value and all(_is_block(one) for one in value):
            blocks += [_labelled(name, (), one) for one in value]
        else:
            attributes[name] = _value(value)
    return Block(kind=kind, labels=labels, attributes=attributes, blocks=tuple(blocks))


def _is_block(value: object) -> bool:
    """Return whether it is a block's body, or the labels around one."""
    if not isinstance(value, dict):
        return False
    return MARK in value or (len(value) == 1 and _is_block(next(iter(value.values()))))


def _labelled(kind: str, labels: tuple[str, ...], body: Mapping[str, Any]) -> Block:
    if MARK in body:
        return _block(kind, labels, body)
    ((label, inner),) = body.items()
    return _labelled(kind, (*labels, _bare(label)), inner)


def _bare(name: str) -> str:
    return _unescaped(name[1:-1]) if len(name) > 1 and name[0] == name[-1] == '"' else name


def _unescaped(text: str) -> str:
    """Return what stands for itself in a text; a code that is no character stays as it is written."""

    def character(found: re.Match[str]) -> str:
        code = found["four"] or found["eight"]
        if not code:
            return ESCAPED[found["one"]]
        return chr(int(code, 16)) if int(code, 16) <= LAST_CHARACTER else found[0]

    return ESCAPE.sub(character, text)


def _value(value: object) -> Any:  # noqa: ANN401 — a `Value`, which holds others
    if isinstance(value, list):
        return [_value(one) for one in value]
    if isinstance(value, dict):
        return {_bare(key): _value(one) for key, one in value.items() if key != MARK}
    if not isinstance(value, str):
        return value
    return _text(value)


def _text(written: str) -> str | Expression | None:
    """Return a text: in quotation marks it is literal, unless something is to be put into it."""
    if len(written) > 1 and written[0] == written[-1] == '"':
        inner = written[1:-1]
        if (match := HEREDOC.fullmatch(inner)) is not None:
            return Expression(match[1]) if INTERPOLATED.search(match[1]) else match[1]
        if INTERPOLATED.search(inner):
            return Expression(written)
        return _unescaped(inner).replace("$${", "${").replace("%%{", "%{")
    if written.startswith("${") and written.endswith("}"):
        written = written[2:-1]
    return None if written == "null" else Expression(written)
