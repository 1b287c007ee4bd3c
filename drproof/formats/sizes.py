"""Sizes for people."""

UNITS = ("B", "kB", "MB", "GB", "TB", "PB")
STEP = 1000


def show(size: int) -> str:
    """Return bytes in the unit in which they have one to three digits before the point, rounded down."""
    whole, tenths, unit = size, 0, 0
    while whole >= STEP and unit < len(UNITS) - 1:
        whole, tenths, unit = whole // STEP, whole % STEP * 10 // STEP, unit + 1
    return f"{whole}.{tenths} {UNITS[unit]}" if unit and whole < 100 else f"{whole} {UNITS[unit]}"  # noqa: PLR2004 — three digits
