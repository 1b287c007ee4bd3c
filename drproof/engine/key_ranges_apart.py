"""Ranges of keys compared apart from each other: by threads of this process, or of processes of their own.

Rows are made by an interpreter, and one interpreter uses one processor. Each range says what it finds through a pipe,
whoever compares it; a range that is ahead of those before it waits when its pipe is full, so that nothing piles up.
"""

import gc
import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, TypeAlias

from drproof.analysis.comparing_prefixes import compare
from drproof.model.comparison import Difference, Tally
from drproof.model.errors import DrproofError
from drproof.targets.aws.s3_ranges import ListedPrefix

if TYPE_CHECKING:
    from multiprocessing.context import ForkProcess

Span: TypeAlias = tuple[bytes, bytes | None]
"""The keys above the first and up to the second; None for no end."""

BATCH = 200
RANGE = "drproof range"
"""How the threads of ranges are named."""

MOST_PROCESSES = 4
"""How many are used without being asked for: each answers for a quarter million keys a second."""

PATIENCE = 5
"""Seconds until a process that was asked to end is killed."""

_Said: TypeAlias = "list[Difference] | Tally | BaseException"
"""What comes out of a range: differences, then what it saw in all, or what ended it."""


def processes_here() -> int:
    """Return how many processes a comparison is worth: as many as processors, and one where forking is not safe."""
    if sys.platform != "linux":
        return 1
    return min(len(os.sched_getaffinity(0)), MOST_PROCESSES)


@dataclass(frozen=True, slots=True)
class _Asked:
    """One range, and where what it finds goes."""

    span: Span
    outlet: Connection


class RangesApart:
    """All ranges of one comparison under way, from entering it until it is left."""

    def __init__(
        self,
        sides: tuple[ListedPrefix, ListedPrefix],
        spans: Sequence[Span],
        *,
        trust_etags: bool,
        processes: int = 1,
    ) -> None:
        """Compare `spans`, in the order of their keys, in at most `processes` processes; one is this one.

        More than one is for a caller that has no other thread: they are forked.
        """
        self._sides = sides
        self._spans = spans
        self._trust_etags = trust_etags
        self._processes = min(processes, len(spans))
        self._inlets: list[Connection] = []
        self._outlets: list[Connection] = []
        self._counts: list[Connection] = []
        self._children: list[ForkProcess] = []
        self._ahead: ThreadPoolExecutor | None = None

    def __enter__(self) -> Self:
        """Start, and return what is under way."""
        for _ in self._spans:
            inlet, outlet = multiprocessing.Pipe(duplex=False)
            self._inlets.append(inlet)
            self._outlets.append(outlet)
        asked = [_Asked(*one) for one in zip(self._spans, self._outlets, strict=True)]
        if self._processes > 1:
            self._fork([asked[first :: self._processes] for first in range(self._processes)])
        else:
            self._ahead = ThreadPoolExecutor(2 * len(asked))
            _start(self._sides, asked, self._ahead, trust_etags=self._trust_etags)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """End what is still under way: its pipe breaks, and nobody waits for another attempt any more."""
        for side in self._sides:
            side.bucket.ended.set()
        for inlet in (*self._inlets, *self._counts):
            inlet.close()
        if self._ahead is not None:
            self._ahead.shutdown(wait=False, cancel_futures=True)
        for child in self._children:
            child.terminate()
        for child in self._children:
            child.join(PATIENCE)
            child.kill()
            child.join()

    def batches(self) -> Iterator[list[Difference] | Tally]:
        """Yield the differences of all ranges in the order of keys, and after those of each range what it saw.

        Raises:
            DrproofError: what ended a range, or its process.
        """
        for inlet, span in zip(self._inlets, self._spans, strict=True):
            said: _Said | None = None
            while not isinstance(said, Tally):
                said = _received(inlet, f"the keys above {span[0]!r}")
                if isinstance(said, BaseException):
                    raise said
                yield said
        for counts in self._counts:
            for side, sent in zip(self._sides, _received(counts, "the last of its keys"), strict=True):
                side.bucket.sent.join(sent)

    def _fork(self, shares: Sequence[Sequence[_Asked]]) -> None:
        # What is raised while hooks of a fork run is printed and gone: an interruption waits until all are started. No
        # mask does that: what this thread holds back the system gives to another one that has not quite ended.
        if threading.current_thread() is not threading.main_thread():
            self._start_all(shares)
            return
        came: list[int] = []
        before = signal.signal(signal.SIGINT, lambda number, _: came.append(number))
        try:
            self._start_all(shares)
        finally:
            signal.signal(signal.SIGINT, before)
        if came:
            signal.raise_signal(signal.SIGINT)

    def _start_all(self, shares: Sequence[Sequence[_Asked]]) -> None:
        context = multiprocessing.get_context("fork")
        pipes = [context.Pipe(duplex=False) for _ in shares]
        self._counts = [counts for counts, _ in pipes]
        for share, (_, told) in zip(shares, pipes, strict=True):
            theirs = {told, *(one.outlet for one in share)}
            # An end that a stranger holds open would hide from its other end that its own process is gone.
            foreign = [one for one in (*self._inlets, *self._counts, *self._outlets) if one not in theirs]
            foreign += [other for _, other in pipes if other is not told]
            child = context.Process(
                target=_answer_for, args=(self._sides, share, told, foreign, self._trust_etags), daemon=True
            )
            child.start()
            self._children.append(child)
        for outlet in (*self._outlets, *(told for _, told in pipes)):
            outlet.close()


def _received(inlet: Connection, compared: str) -> Any:  # noqa: ANN401 — what our own processes send
    try:
        return inlet.recv()
    except (EOFError, OSError) as exc:
        # A message that was cut is the end of whoever wrote it, as none at all is.
        msg = (
            f"the process that compared {compared} ended before it was through"
            "\n  next: drproof compare-prefixes … --processes 1"
        )
        raise DrproofError(msg) from exc


def _answer_for(
    sides: tuple[ListedPrefix, ListedPrefix],
    share: Sequence[_Asked],
    told: Connection,
    foreign: Sequence[Connection],
    trust_etags: bool,  # noqa: FBT001 — a process takes its arguments by position
) -> None:
    """Compare a share of the ranges in a process of its own, then tell how much was asked of each side."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    for one in foreign:
        one.close()
    threading.Thread(target=_end_with_parent, daemon=True).start()
    # What the parent made stays its own pages, and a million rows without a cycle are not looked through for one.
    gc.freeze()
    gc.set_threshold(100_000)
    left, right = (side.reopened() for side in sides)
    with ThreadPoolExecutor(2 * len(share)) as ahead:
        for thread in _start((left, right), share, ahead, trust_etags=trust_etags):
            thread.join()
    told.send((left.bucket.sent, right.bucket.sent))


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)


def _start(
    sides: tuple[ListedPrefix, ListedPrefix], share: Sequence[_Asked], ahead: Executor, *, trust_etags: bool
) -> list[threading.Thread]:
    threads = [
        threading.Thread(target=_compare, args=(sides, one, ahead, trust_etags), name=f"{RANGE} {number}", daemon=True)
        for number, one in enumerate(share, 1)
    ]
    for thread in threads:
        thread.start()
    return threads


def _compare(
    sides: tuple[ListedPrefix, ListedPrefix],
    asked: _Asked,
    ahead: Executor,
    trust_etags: bool,  # noqa: FBT001 — a thread takes its arguments by position
) -> None:
    """Compare one range; whatever ends it, its outlet says so."""
    with asked.outlet, suppress(OSError):
        # An outlet that cannot be written to is one that nobody listens to any more.
        for said in _told(_found(sides, asked.span, ahead, trust_etags=trust_etags)):
            asked.outlet.send(said)


def _told(found: "Iterator[_Said]") -> "Iterator[_Said]":
    try:
        yield from found
    except GeneratorExit:
        raise
    except BaseException as exc:  # noqa: BLE001 — raised again where the differences are consumed
        yield exc


def _found(
    sides: tuple[ListedPrefix, ListedPrefix], span: Span, ahead: Executor, *, trust_etags: bool
) -> "Iterator[_Said]":
    tally, batch = Tally(), list[Difference]()
    left, right = (side.pages(*span, ahead) for side in sides)
    for found in compare(left, right, tally, trust_etags=trust_etags):
        batch.append(found)
        if len(batch) == BATCH:
            yield batch
            batch = []
    yield batch
    yield tally
