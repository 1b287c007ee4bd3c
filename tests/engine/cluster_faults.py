"""Runs of which one call to the cluster fails: each call in turn, by each kind of failure, in the world in memory.

    python -m tests.engine.cluster_faults FOLDER PART/PARTS
    python -m tests.engine.cluster_faults FOLDER cluster.create

takes every so many of the calls that an honest run makes to its cluster, or the first one of a name, and prints one JSON
object: how many calls there are, how many runs were tried, and what was wrong, by call. The engine tries again as it always does; a run that leaves
something must say so, and the teardown that it names must remove it. With SHARED_NAMESPACE in the environment the drill
works in a namespace of others; with FORGETFUL what nobody answered is not looked for, as that must be found out.
"""

import json
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

from drproof.model.errors import TargetError, ThrottledError, UnansweredError
from drproof.phases.recovery import cluster_residue
from tests.engine.crashes import DRILL, STAGE, begin, fresh, process, run, told

CHANGING = frozenset({"cluster.create", "cluster.apply", "cluster.replace", "cluster.delete"})
KINDS = ("throttled", "unavailable", "refused", "expired", "silent", "answer-lost")


def failure(kind: str, call: str) -> TargetError:
    """Return what the adapter raises: whether a change was made, nobody knows of one that was not answered."""
    unheard = UnansweredError if call in CHANGING else TargetError
    match kind:
        case "throttled":
            return ThrottledError(f"{call}: TooManyRequests", code="TooManyRequests", call=call)
        case "refused":
            return TargetError(f"{call}: Forbidden", code="Forbidden", call=call)
        case "expired":
            return TargetError(f"{call}: Unauthorized", code="Unauthorized", call=call)
        case "unavailable":
            return unheard(f"{call}: ServiceUnavailable", code="ServiceUnavailable", call=call)
    return unheard(f"{call}: Unanswered", code="Unanswered", call=call)


class Striking:
    """Lets the call of one number fail; with `answer-lost` it is done first."""

    def __init__(self, number: int = 0, kind: str = "") -> None:
        self.calls: list[str] = []
        self._number = number
        self._kind = kind

    @contextmanager
    def __call__(self, call: str) -> Iterator[None]:
        self.calls.append(call)
        strikes = len(self.calls) == self._number
        if strikes and self._kind != "answer-lost":
            raise failure(self._kind, call)
        yield
        if strikes:
            raise failure(self._kind, call)


def drill(folder: Path) -> Callable[[], None]:
    """Return what drills, and then does what a run that left something says is to be done."""

    def act() -> None:
        run(folder, max_attempts="3")()
        if not STAGE.world.left(DRILL):
            return
        said = STAGE.concluded
        if said is None or said.exit_status == 0 or not said.still_up:
            msg = f"something is left, and the run does not say so: {said}"
            raise AssertionError(msg)
        (torn,) = (folder / "reports" / DRILL / "receipts").glob("*-teardown.json")
        receipt = json.loads(torn.read_bytes())
        if receipt["outcome"] == "passed" and not receipt["observed"]["refused"]:
            msg = f"something is left, and the receipt does not say what was refused: {receipt}"
            raise AssertionError(msg)
        STAGE.world.asked = lambda _: nullcontext()
        earlier = str(folder / "reports" / DRILL)
        run(folder, max_attempts="3", run_id="again", start_at="teardown", receipt_dir=earlier)()

    return act


def forget_what_was_not_answered() -> None:
    """Take an effect whose outcome nobody knows for one that has not happened."""
    residue: Any = cluster_residue
    known = residue._known

    def forgetful(ctx: Any) -> Any:
        made = ctx.effects.made
        ctx.effects.made = lambda *verbs: tuple(one for one in made(*verbs) if one.outcome == "done")
        try:
            return known(ctx)
        finally:
            ctx.effects.made = made

    residue._known = forgetful


def main(words: list[str]) -> int:
    """Let one part of all calls fail."""
    folder, part = Path(words[0]), words[1]
    counted = STAGE.asked = Striking()
    begin(folder)
    calls = counted.calls[:]
    if os.environ.get("FORGETFUL"):
        forget_what_was_not_answered()
    if part in calls:
        chosen = [calls.index(part)]
    else:
        number, parts = map(int, part.split("/"))
        chosen = list(range(number, len(calls), parts))
    done, wrong = 0, {}
    for nth in (1 + place for place in chosen):
        for kind in KINDS:
            STAGE.asked = Striking(nth, kind)
            ended = process(fresh(folder), drill(folder))
            done += 1
            if found := told(ended, folder):
                wrong[f"{kind} of {nth}, {calls[nth - 1]}"] = found
    sys.stdout.write(json.dumps({"calls": len(calls), "runs": done, "wrong": wrong}))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
