"""What fields an object may have, of which type, and how their lists merge: the one source of every rule about fields.

A message is `Name: field field ...`; a name that ends in `~` is replaced as a whole. A field is `name:type=number`, its
type a scalar, a message, `[T]` or `{T}` (a map with string keys), followed by marks:
`@a,b` a list keyed by these; `~set` a set; `~atomic` replaced as a whole; `/key` merged by a strategic patch (no key:
merged as a set); `^` the patch names the keys to retain; `!` required; `*` an explicit zero is kept; `+` a zero is
always present; `<` its fields stand in the place of the field.
"""

import re
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from drproof.embedded.kubernetes import fields_core, fields_groups

Json = dict[str, Any]
SCALARS = frozenset({"str", "i32", "i64", "f64", "bool", "bytes", "Quantity", "IntOrString", "Time", "MicroTime", "any"})
_FIELD = re.compile(
    r"(?P<name>\w+):(?P<open>[\[{]?)(?P<type>\w+)[\]}]?=(?P<number>\d+)(?P<keys>@[\w,]+)?(?P<set>~set)?"
    r"(?P<merge>/\w*)?(?P<retain>\^)?(?P<atomic>~atomic)?(?P<inline><)?(?P<pointer>\*)?(?P<always>\+)?(?P<required>!)?"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One field of a message."""

    name: str
    shape: str
    """`one`, `list` or `map`."""
    type: str
    number: int
    keys: tuple[str, ...] = ()
    unique: bool = False
    merge_key: str | None = None
    retain: bool = False
    atomic: bool = False
    inline: bool = False
    pointer: bool = False
    always: bool = False
    required: bool = False

    @property
    def message(self) -> "Message | None":
        """The message that a value, item or map value is; nothing for a scalar."""
        return None if self.type in SCALARS else message(self.type)


@dataclass(frozen=True, slots=True)
class Message:
    """One object type: its fields by name, as JSON has them, and by number, as protobuf has them."""

    name: str
    atomic: bool
    fields: dict[str, Field] = field(default_factory=dict)
    numbers: dict[int, Field] = field(default_factory=dict)


@cache
def message(name: str) -> Message:
    """Return a message by its name."""
    atomic, body = _texts()[name]
    found = Message(name, atomic)
    for word in body.split():
        match = _FIELD.fullmatch(word)
        if match is None:
            msg = f"message {name} has the field {word!r}; expected name:type=number and marks"
            raise ValueError(msg)
        one = _field(match)
        found.numbers[one.number] = one
        if one.inline and one.message is not None:
            found.fields.update(one.message.fields)
        else:
            found.fields[one.name] = one
    return found


def _field(match: re.Match[str]) -> Field:
    merge = match["merge"]
    return Field(
        name=match["name"],
        shape={"": "one", "[": "list", "{": "map"}[match["open"]],
        type=match["type"],
        number=int(match["number"]),
        keys=tuple((match["keys"] or "@")[1:].split(",")) if match["keys"] else (),
        unique=bool(match["set"]),
        merge_key=None if merge is None else merge[1:],
        retain=bool(match["retain"]),
        atomic=bool(match["atomic"]),
        inline=bool(match["inline"]),
        pointer=bool(match["pointer"]),
        always=bool(match["always"]),
        required=bool(match["required"]),
    )


@cache
def _texts() -> dict[str, tuple[bool, str]]:
    """Return the text of each message by its name."""
    found: dict[str, tuple[bool, str]] = {}
    for text in (fields_core.TEXT, fields_groups.TEXT):
        for paragraph in re.split(r"\n(?=\w)", text.strip()):
            head, _, body = paragraph.partition(":")
            found[head.rstrip("~")] = (head.endswith("~"), body)
    return found


def names() -> list[str]:
    """Return the names of all messages."""
    return list(_texts())


def at(root: str, path: tuple[str, ...]) -> Field | None:
    """Return the field at a path of names below a message, or nothing where the path leaves what is described."""
    here: Message | None = message(root)
    found: Field | None = None
    for name in path:
        found = here.fields.get(name) if here is not None else None
        here = found.message if found is not None else None
    return found
