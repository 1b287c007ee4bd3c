"""Whom the platform takes a drill for, asked again for each receipt."""

from collections.abc import Callable
from dataclasses import dataclass

from drproof.engine.patience import Patience
from drproof.model.errors import TargetError
from drproof.model.receipt import Caller, Outcome


@dataclass(frozen=True, slots=True, kw_only=True)
class Author:
    """Who acted in a phase, as the platform names them."""

    caller: Caller | None = None
    """None where nobody could say."""
    unsaid: str = ""
    """Why nobody could."""

    def told_with(self, outcome: Outcome) -> str:
        """Return what the receipt says of an author whom nobody knows; a phase that did not pass has its own reason."""
        return self.unsaid if outcome is Outcome.PASSED else ""


def author(ask: Callable[[], Caller], patience: Patience) -> Author:
    """Return who acted.

    An expired identity must not cost the receipt of what was done, nor a moment's silence its author. Contracts miss
    the caller, and the receipt says why.
    """
    try:
        return Author(caller=patience.ask(ask))
    except TargetError as exc:
        return Author(unsaid=f"nobody could say who acted: {str(exc).partition(chr(10))[0]}")
