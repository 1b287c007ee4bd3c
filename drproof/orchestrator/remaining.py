"""How much time a function has left, as the platform says it."""

from collections.abc import Callable


def remaining(context: object) -> Callable[[], int | None]:
    """Return what says how many milliseconds the function has left; None where nobody says."""
    ask = getattr(context, "get_remaining_time_in_millis", None)

    def left() -> int | None:
        return int(ask()) if callable(ask) else None

    return left
