"""Booleans as operators type them."""

from drproof.model.errors import FormatError

TRUE = frozenset({"1", "true", "yes", "y"})
FALSE = frozenset({"0", "false", "no", "n"})


def parse(text: str) -> bool:
    """Return a boolean; anything but the eight known words is an error, the empty text included."""
    word = text.strip().lower()
    if word in TRUE:
        return True
    if word in FALSE:
        return False
    raise FormatError("boolean", f"expected true or false, got {text!r}")
