"""What a plan cannot run with: other processes, repetitions, another order, a part of itself."""

from collections.abc import Iterator

import pytest

from drproof.engine.fleet import asks_for_many
from drproof.plugin import PLANS
from drproof.plugin.activation import asked_for
from drproof.plugin.options import given


def serialize(config: pytest.Config) -> None:
    """Run a read-only plan in this process: only one process may sequence receipts."""
    mark = asked_for(config.option.markexpr or "")
    if mark and mark != "drill" and not is_of_a_fleet(config, mark) and getattr(config.option, "numprocesses", None):
        config.option.numprocesses = 0
        config.option.dist = "no"
        config.option.tx = []


def is_of_a_fleet(config: pytest.Config, mark: str) -> bool:
    """Return whether the command line asks for the check of many restore points, which other processes may read."""
    return mark == "backup-check" and asks_for_many(given(config))


def refuse_conflicts_of_readers(config: pytest.Config, mark: str) -> None:
    """Refuse options under which a restore point would be read twice, or not at all.

    Raises:
        pytest.UsageError: exit status 4, with the reason.
    """
    said = config.option
    found = [(option, reason) for option, reason in _conflicts(config) if option in WHICH_READ_AGAIN]
    if getattr(said, "dist", "no") == "each":
        found.append(("--dist each", "every process would read every restore point"))
    if said.keyword or getattr(said, "deselect", None):
        found.append(("-k and --deselect", "a fleet is checked whole; name the restore points with --backup-uri"))
    for option, reason in found:
        msg = f"pytest -m {mark} refuses {option}: {reason}\n  next: pytest -m {mark} without {option}"
        raise pytest.UsageError(msg)


WHICH_READ_AGAIN = frozenset({"-f", "--reruns", "--count", "--lf", "--ff", "--nf", "--sw"})
"""What a fleet cannot run with, of what a plan that changes the world refuses; its order and its processes are free."""


def refuse_conflicts(config: pytest.Config, mark: str) -> None:
    """Refuse options under which a plan that changes the world could run twice, in parts, or in another order.

    Raises:
        pytest.UsageError: exit status 4, with the reason.
    """
    for option, reason in _conflicts(config):
        way_out = WAYS_OUT.get(option, f"without {option}")
        msg = f"pytest -m {mark} refuses {option}: {reason}\n  next: pytest -m {mark} {way_out}"
        raise pytest.UsageError(msg)


WAYS_OUT = {
    "-n": "-n 0",
    "--reruns": "--reruns 0",
    "-p randomly": "-p no:randomly",
    "--random-order": "-p no:random_order",
}
"""What switches an option off that a configuration file may have switched on."""


def _conflicts(config: pytest.Config) -> Iterator[tuple[str, str]]:
    said = config.option
    if getattr(said, "numprocesses", None) or getattr(said, "tx", None) or getattr(said, "dist", "no") != "no":
        yield "-n", "each worker would bring the site up once more"
    if getattr(said, "looponfail", False):
        yield "-f", "the drill would be started again and again"
    if getattr(said, "reruns", None) or getattr(said, "only_rerun", None):
        yield "--reruns", "an effect would be done twice; the engine's own attempts are evidence"
    if getattr(said, "count", 1) not in {None, 1}:
        yield "--count", "a drill runs once"
    for name, word in (("lf", "--lf"), ("failedfirst", "--ff"), ("newfirst", "--nf"), ("stepwise", "--sw")):
        if getattr(said, name, False):
            yield word, "it cuts or reorders the plan; windows (--start-at, --stop-after) are the way to run a part"
    if config.pluginmanager.has_plugin("randomly") and getattr(said, "randomly_reorganize", False):
        yield "-p randomly", "the order of a plan comes from its graph and must not be shuffled"
    if getattr(said, "random_order_bucket", None) or getattr(said, "random_order", None):
        yield "--random-order", "the order of a plan comes from its graph"


def refuse_a_part(mark: str, expected: set[str], selected: set[str]) -> None:
    """Refuse a selection that leaves items of the plan out while others stay.

    Raises:
        pytest.UsageError: exit status 4, naming one that is missing.
    """
    missing = sorted(expected - selected)
    if selected and missing:
        msg = (
            f"the selection leaves out {len(missing)} of the plan's {len(expected)} items, {missing[0]} among them; "
            f"expected all of plan {PLANS[mark]}\n"
            f"  next: pytest -m {mark} without -k, --deselect or single items; windows (--start-at, --stop-after) "
            f"are the way to run a part"
        )
        raise pytest.UsageError(msg)
