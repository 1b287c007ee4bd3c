"""The phases of a run on one axis of time, as the geometry of a drawing."""

from dataclasses import dataclass

from drproof.evidence.bundle import Bundle
from drproof.formats.durations import show
from drproof.formats.timestamps import milliseconds
from drproof.report import facts

LABELS, BARS, END = 190, 470, 160
"""Columns of the drawing: names, bars, and what came of each."""

ROW, TOP, SMALLEST = 26, 34, 3
MOST_TICKS = 6
SECOND, MINUTE, HOUR, DAY = 1_000, 60_000, 3_600_000, 86_400_000
STEPS = (
    *(1, 2, 5, 10, 20, 50, 100, 200, 500),
    *(SECOND * n for n in (1, 2, 5, 10, 15, 30)),
    *(MINUTE * n for n in (1, 2, 5, 10, 15, 30)),
    *(HOUR * n for n in (1, 2, 3, 6, 12)),
    *(DAY * n for n in (1, 2, 7, 30)),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """One phase: where its bar is, and the words beside it."""

    phase: str
    outcome: str
    symbol: str
    duration: str
    x: int
    y: int
    width: int


@dataclass(frozen=True, slots=True)
class Tick:
    """One mark of the axis."""

    x: int
    label: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeline:
    """The whole drawing."""

    width: int
    height: int
    row: int
    bottom: int
    bars: tuple[Bar, ...]
    ticks: tuple[Tick, ...]
    summary: str


SYMBOLS = {"passed": "✓", "failed": "✗", "blocked": "■", "not_run": "–", "interrupted": "!", "unobserved": "?"}  # noqa: RUF001
"""A mark beside each outcome's word, so that nobody needs the colour."""


def timeline(bundle: Bundle) -> Timeline | None:
    """Return the drawing of the phases that this run came to; None when there is none."""
    receipts = facts.own(bundle)
    if not receipts:
        return None
    start = min(milliseconds(receipt.started_at) for receipt in receipts)
    span = max(1, max(milliseconds(receipt.ended_at) for receipt in receipts) - start)
    bars = []
    for number, receipt in enumerate(receipts):
        began, ended = milliseconds(receipt.started_at) - start, milliseconds(receipt.ended_at) - start
        x = min(BARS * began // span, BARS - SMALLEST)
        width = min(max(SMALLEST, BARS * (ended - began) // span), BARS - x)
        bars.append(
            Bar(
                phase=receipt.phase,
                outcome=receipt.outcome.value,
                symbol=SYMBOLS[receipt.outcome.value],
                duration=show(receipt.duration_ms),
                x=LABELS + x,
                y=TOP + number * ROW,
                width=width,
            )
        )
    bottom = TOP + len(receipts) * ROW
    told = (f"{bar.phase} {bar.outcome.replace('_', ' ')}, {bar.duration}" for bar in bars)
    return Timeline(
        width=LABELS + BARS + END,
        height=bottom + 4,
        row=ROW,
        bottom=bottom,
        bars=tuple(bars),
        ticks=_ticks(span),
        summary=f"{len(bars)} phases in {show(span)}: {'; '.join(told)}.",
    )


def _ticks(span: int) -> tuple[Tick, ...]:
    """Return round marks, few enough to be read."""
    step = next((step for step in STEPS if span // step <= MOST_TICKS), span)
    return tuple(Tick(LABELS + BARS * at // span, _short(at)) for at in range(0, span + 1, step))


def _short(at: int) -> str:
    """Return a round instant of the axis: `5 s`, not `5.0 s`."""
    return show(at).replace(".0 s", " s") if at else "0"
