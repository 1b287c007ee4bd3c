"""What stands behind a key that ends in `.$`: a path, or an intrinsic function over paths."""

import re
from dataclasses import dataclass
from typing import NoReturn

from drproof.model.errors import FormatError

STEP = re.compile(r"\.(?P<name>[\w-]+)|\['(?P<quoted>(?:[^'\\]|\\.)*)'\]|\[(?P<index>[0-9]{1,9})\]")
"""A step that leads to at most one value."""
NUMBER = re.compile(r"-?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?", re.ASCII)
WORDS = {"null": None, "true": True, "false": False}
FUNCTION = re.compile(r"States\.[A-Za-z0-9]+")
DEEPEST = 10
"""How many functions may stand inside each other."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Path:
    """A way into the input, or into the context object where `in_context`.

    `many` is true where what follows the steps may choose any number of values: a filter, a wildcard, a slice.
    """

    steps: tuple[str | int, ...]
    in_context: bool = False
    many: bool = False
    text: str

    def __str__(self) -> str:
        """Return it as the document has it."""
        return self.text


@dataclass(frozen=True, slots=True, kw_only=True)
class Literal:
    """A value that is written out."""

    value: str | float | bool | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """An intrinsic function with its arguments."""

    name: str
    arguments: tuple["Expression", ...]


Expression = Path | Literal | Call


def is_expression(text: str) -> bool:
    """Return whether a text means to be a path or an intrinsic function."""
    return text.startswith("$") or FUNCTION.match(text) is not None


def path_of(text: str) -> Path:
    """Return the path that a text is.

    Raises:
        FormatError: `asl-path`.
    """
    if not text.startswith("$"):
        raise FormatError("asl-path", "a path begins with $")
    in_context = text.startswith("$$")
    position, steps = 2 if in_context else 1, []
    while position < len(text) and (found := STEP.match(text, position)):
        steps.append(_step(found))
        position = found.end()
    rest = text[position:]
    if rest and rest[0] not in ".[":
        raise FormatError("asl-path", f"a path goes on with . or [ at character {position + 1}")
    if rest and (rest.count("[") != rest.count("]") or rest == "."):
        raise FormatError("asl-path", f"a path ends in the middle of a step at character {position + 1}")
    return Path(steps=tuple(steps), in_context=in_context, many=bool(rest), text=text)


def expression_of(text: str) -> Path | Call:
    """Return what a text behind `.$` says.

    Raises:
        FormatError: `asl-path`, `asl-function`.
    """
    if text.startswith("$"):
        return path_of(text)
    reader = _Reader(text)
    call = reader.call(0)
    if reader.position != len(text):
        reader.refuse("nothing follows its last parenthesis")
    return call


def paths_in(expression: Expression) -> tuple[Path, ...]:
    """Return every path that must be there for an expression to have a value."""
    if isinstance(expression, Path):
        return (expression,)
    if isinstance(expression, Call):
        return tuple(path for argument in expression.arguments for path in paths_in(argument))
    return ()


class _Reader:
    """Reads one intrinsic function from the left to the right."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.position = 0

    def call(self, depth: int) -> Call:
        """Read a function, and the functions inside it."""
        name = FUNCTION.match(self.text, self.position)
        if name is None or depth > DEEPEST:
            self.refuse("expected a function such as States.Format(…)")
        self.position = name.end()
        self._expect("(")
        arguments: list[Expression] = []
        self._blanks()
        while not self._is_next(")"):
            if arguments:
                self._expect(",")
            self._blanks()
            arguments.append(self._argument(depth))
            self._blanks()
        self._expect(")")
        return Call(name=name[0], arguments=tuple(arguments))

    def refuse(self, why: str) -> NoReturn:
        """Say where and why the text is no function."""
        raise FormatError("asl-function", f"{why}, at character {self.position + 1}")

    def _argument(self, depth: int) -> Expression:
        rest = self.text[self.position :]
        if rest.startswith("'"):
            return Literal(value=self._quoted())
        if rest.startswith("$"):
            # A path ends where the next argument begins; commas inside brackets are its own.
            end = self._end_of_path()
            path = path_of(self.text[self.position : end].rstrip())
            self.position = end
            return path
        if rest.startswith("States."):
            return self.call(depth + 1)
        for word, value in WORDS.items():
            if rest.startswith(word):
                self.position += len(word)
                return Literal(value=value)
        number = NUMBER.match(self.text, self.position)
        if number is None:
            self.refuse("expected a path, a text in single quotes, a number, or a function")
        self.position = number.end()
        return Literal(value=float(number[0]) if set(number[0]) & set(".eE") else int(number[0]))

    def _end_of_path(self) -> int:
        open_brackets = 0
        for position in range(self.position, len(self.text)):
            sign = self.text[position]
            if sign in "[(":
                open_brackets += 1
            elif open_brackets and sign in "])":
                open_brackets -= 1
            elif sign in ",)" and not open_brackets:
                return position
        return self.refuse("a function ends with )")

    def _quoted(self) -> str:
        signs, position = [], self.position + 1
        while position < len(self.text):
            sign = self.text[position]
            if sign == "\\" and position + 1 < len(self.text):
                # `\{` stays as it is: to States.Format it is a brace and no place for an argument.
                after = self.text[position + 1]
                signs.append(f"\\{after}" if after in "{}" else after)
                position += 2
                continue
            if sign == "'":
                self.position = position + 1
                return "".join(signs)
            signs.append(sign)
            position += 1
        return self.refuse("a text in single quotes does not end")

    def _is_next(self, sign: str) -> bool:
        return self.text.startswith(sign, self.position)

    def _expect(self, sign: str) -> None:
        if not self._is_next(sign):
            self.refuse(f"expected {sign}")
        self.position += len(sign)

    def _blanks(self) -> None:
        while self._is_next(" "):
            self.position += 1


def _step(found: re.Match[str]) -> str | int:
    if found["index"] is not None:
        return int(found["index"])
    if found["quoted"] is not None:
        return re.sub(r"\\(.)", r"\1", found["quoted"])
    return found["name"]
