"""What a drill came to, in lines for a terminal."""

import shlex
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from drproof import catalog
from drproof.evidence.bundle import Bundle
from drproof.formats.durations import show
from drproof.model.receipt import Outcome
from drproof.model.verdict import Status, Verdict
from drproof.phases.recovery.teardown import LOOK, UNTAGGED
from drproof.report import facts
from drproof.report.visible import printable

PAGE = "proof.html"
REPEATED = frozenset({"bringup", "restore", "validate", "promote"})
"""The windows of which one can be run alone."""
LONGEST = 300
"""Characters of a value; the whole of it is in the bundle."""


def lines(  # noqa: PLR0913 — what a bundle cannot say of itself
    bundle: Bundle,
    *,
    outcome: str,
    exit_status: int,
    still_up: bool,
    directory: Path,
    unstored: str = "",
    unsealed: str = "",
) -> list[str]:
    """Return what a run came to, one fact a line; nothing hidden reaches the terminal.

    `unstored` says why the closing is not in the receipt store, "" when it is or nobody asked; `unsealed` why there is
    no closing, "" when there is one.
    """
    everything = (
        *_labels(bundle, outcome, exit_status),
        *_phases(bundle),
        *_verdicts(bundle),
        *_by_hand(bundle),
        *_own_tests(bundle),
        *_objectives(bundle),
        *_stored(bundle, unstored, directory),
        *(_unsealed(unsealed, directory) if unsealed else _sealed(bundle, directory)),
        *_still_up(bundle, still_up=still_up, directory=directory, unsealed=bool(unsealed)),
        *(() if unsealed else _again(bundle, still_up=still_up, directory=directory)),
    )
    return [printable(line) for line in everything]


def _sealed(bundle: Bundle, directory: Path) -> Iterator[str]:
    yield f"proof: {directory / PAGE}"
    yield from _signature(bundle, directory)


def _signature(bundle: Bundle, directory: Path) -> Iterator[str]:
    """Say which key signed, and the command that checks it; the summary itself confirms nothing."""
    if not bundle.signers:
        yield "NOT SIGNED: nothing shows who made this bundle"
    for keyid in bundle.signers:
        yield f"signed with the key {keyid}"
    rehearsal = " --accept-rehearsal" if bundle.plan.mode == "rehearsal" else ""
    yield f"verify: drproof verify {shlex.quote(str(directory))} --trust <your trust file>{rehearsal}"


def _labels(bundle: Bundle, outcome: str, exit_status: int) -> Iterator[str]:
    plan = bundle.plan
    yield f"mode: REHEARSAL. {facts.REHEARSAL}." if plan.mode == "rehearsal" else "mode: LIVE"
    extent = "the whole plan" if plan.window.full else "PARTIAL, no whole proof"
    yield f"outcome: {outcome.upper()} ({extent}), exit status {exit_status}"
    if not plan.window.full:
        yield (
            f"partial: window {plan.window.start_at} to {plan.window.stop_after}, "
            f"left out {', '.join(plan.window.left_out) or 'nothing'}"
        )


def _phases(bundle: Bundle) -> Iterator[str]:
    receipts = facts.by_phase(bundle)
    names = tuple(dict.fromkeys((*receipts, *bundle.plan.phases)))
    width = max((len(name) for name in names), default=0)
    yield "phases:"
    for name in names:
        receipt = receipts.get(name)
        if receipt is None:
            yield f"  {'no receipt':<12} {name}"
            continue
        told = f"  {receipt.outcome.value.replace('_', ' '):<12} {name:<{width}}  {show(receipt.duration_ms)}"
        if receipt.inherited_from is not None:
            told += "  (inherited from an earlier run)"
        if receipt.manual is not None:
            told += "  (by hand)"
        yield told
        if receipt.outcome is not Outcome.PASSED:
            yield from _said("reason", receipt.reason)


def _verdicts(bundle: Bundle) -> Iterator[str]:
    counted = facts.counts(bundle.verdicts)
    yield "verdicts: " + ", ".join(f"{number} {status}" for status, number in counted.items())
    for status in (Status.REFUTED, Status.UNPROVEN):
        for verdict in bundle.verdicts:
            if verdict.status is status:
                yield from _doubt(verdict)
    for name in facts.unjudged(bundle):
        yield f"  NOT JUDGED {name}"


def _by_hand(bundle: Bundle) -> Iterator[str]:
    """Say what a person did, and how many verdicts rest on it; nothing where every phase acted by itself."""
    for receipt in facts.by_hand(bundle):
        resting = sum(receipt.phase in verdict.by_hand for verdict in bundle.verdicts)
        yield f"by hand: {receipt.phase}, {facts.act(receipt)}"
        yield f"  {resting} of {len(bundle.verdicts)} verdicts rest on it"


def _own_tests(bundle: Bundle) -> Iterator[str]:
    """Say what the operator's own tests came to; nothing where there were none."""
    if bundle.own_tests is None:
        return
    counted = Counter(test.outcome for test in bundle.own_tests.tests)
    yield "own tests: " + ", ".join(f"{number} {outcome.replace('_', ' ')}" for outcome, number in counted.items())
    for test in bundle.own_tests.doubtful:
        yield f"  {test.outcome.upper()} {test.test}"
        yield from _said("reason", test.reason)


def _doubt(verdict: Verdict) -> Iterator[str]:
    yield f"  {verdict.status.value.upper()} {verdict.name}"
    yield f"      claim: {verdict.claim}"
    yield from _said("reason", verdict.reason)
    yield from _said("observed", _value(verdict.observed))
    yield from _said("expected", _value(verdict.expected))


def _said(label: str, text: str) -> Iterator[str]:
    """Print a text that may have many lines, so that none of them can be taken for one of ours."""
    # Only line feeds part lines: whatever else might is hidden, and has to be seen.
    first, *rest = (text.rstrip("\n") or "none given").split("\n")
    yield f"      {label}: {first}"
    yield from (f"        {line}" for line in rest)


def _value(value: object) -> str:
    text = "none" if value is None else facts.spelt(value)
    if len(text) <= LONGEST:
        return text
    return f"{text[:LONGEST]}… ({len(text)} characters, all of them in verdicts.json)"


def _objectives(bundle: Bundle) -> Iterator[str]:
    for objective in facts.objectives(bundle):
        state = "" if objective.measured_ms is None else f": {objective.state}"
        yield f"measured {objective.name}: {objective.measured}, objective {objective.limit}{state}"


def _stored(bundle: Bundle, closing: str, directory: Path) -> Iterator[str]:
    """Say where the receipts lie besides, or why they do not."""
    storing, stored = bundle.plan.criteria.storing, bundle.stored
    if storing is None:
        return
    if bundle.unstored:
        yield f"RECEIPTS NOT STORED as asked in {storing.uri}: they are kept in {directory / 'receipts'}"
        yield from _said("reason", bundle.unstored[0])
        if more := len(bundle.unstored) - 1:
            yield f"      and {more} more, all of them in receipts-store.json"
    elif stored is not None:
        yield f"receipts: stored in {stored.place}, {facts.kept_how(stored)}"
    if closing:
        yield f"CLOSING NOT STORED in {storing.uri}: it is kept in {directory}"
        yield from _said("reason", closing)
    if closing or bundle.unstored:
        rehearsal = " --target embedded" if bundle.plan.mode == "rehearsal" else ""
        yield f"  next: pytest -m preflight{rehearsal} --receipt-uri {shlex.quote(storing.uri)} says what is missing"


def _unsealed(reason: str, directory: Path) -> Iterator[str]:
    """Say why there is no proof, and the command that makes one of what is there."""
    yield f"NOT SEALED: {reason}"
    yield f"  next: free space on the disk, then: drproof resume {shlex.quote(str(directory))}"


def _still_up(bundle: Bundle, *, still_up: bool, directory: Path, unsealed: bool) -> Iterator[str]:
    """Say what may be left, and the one command that removes it."""
    if not still_up:
        return
    rehearsal = bundle.plan.mode == "rehearsal"
    left = facts.residue(bundle)
    if left:
        yield f"STILL UP: the recount found {len(left)} left of this drill"
        for item in left:
            yield f"  {facts.text(item, 'kind')} {facts.text(item, 'identity')}"
            command = facts.text(item, "remove_command")
            # The same words typed at a real account would name somebody else's resource.
            where = "in the embedded world, which ends by itself" if rehearsal else "remove it"
            yield f"      {where}: {command}"
        if any(not facts.text(item, "remove_command").startswith((STRANGE, UNTAGGED)) for item in left):
            yield f"  next: {_teardown_again(directory, rehearsal=rehearsal)}"
    if unknown := facts.open_ends(bundle):
        yield f"MAY BE UP: of {len(unknown)} of this drill nobody knows whether they are gone; look for them by name"
        yield from (f"  {one}" for one in unknown)
    if left or unknown:
        return
    if unsealed:
        yield "STILL UP: what the drill created may still exist"
        yield f"  remove it: drproof resume {shlex.quote(str(directory))}"
        return
    if bundle.plan.criteria.approval.execution_arn:
        what = "what the execution brought up, whose plan has no teardown"
    elif "teardown" in bundle.plan.window.left_out:
        what = "kept, as --teardown false asked"
    else:
        what = "what the drill created may still exist"
    yield f"STILL UP: {what}"
    yield f"  remove it: {_teardown_again(directory, rehearsal=rehearsal)}"


STRANGE = LOOK.partition(",")[0]
"""How the command begins for what no journal of the drill made: no teardown removes that, nor what lost the tag."""


def _teardown_again(directory: Path, *, rehearsal: bool) -> str:
    command = f"pytest -m drill --start-at teardown --receipt-dir {shlex.quote(str(directory))}"
    return f"{command}{' --target embedded' if rehearsal else ''}"


STOPPED = frozenset({Outcome.FAILED, Outcome.INTERRUPTED})
FLAGS = frozenset({"--no-retry", "--allow-full-drill", "--allow-tag"})
"""Options without a value."""
WINDOW = frozenset({"--start-at", "--stop-after", "--teardown", "--receipt-dir", "--run-id", "--validate-only"})
"""Options that say which part of a plan is run: the command has its own."""


def _again(bundle: Bundle, *, still_up: bool, directory: Path) -> Iterator[str]:
    """Say how the phase that failed is run again, and nothing else where what it builds on is still up."""
    receipts = facts.by_phase(bundle)
    plan = catalog.plan(catalog.RECOVERY)
    # An execution is started anew by its machine, not by the options that its function has.
    if bundle.plan.plan != plan.name or bundle.plan.criteria.approval.execution_arn:
        return
    windows = {phase.name: phase.window for phase in plan.phases}
    failed = [name for name in bundle.plan.phases if name in receipts and receipts[name].outcome in STOPPED]
    name = next((name for name in failed if windows.get(name) in REPEATED), "")
    if not name:
        return
    if still_up and "teardown" in bundle.plan.window.left_out:
        words = ("--start-at", windows[name], "--stop-after", windows[name], "--teardown", "false")
        rehearsal = ("--target", "embedded") if bundle.plan.mode == "rehearsal" else ()
        command = shlex.join(("pytest", "-m", "drill", *words, "--receipt-dir", str(directory), *rehearsal))
        yield f"to run {name} again, on what is up: {command}"
        return
    command = shlex.join(("pytest", "-m", "drill", "--stop-after", windows[name], *_options(bundle)))
    yield f"to run {name} again, and what it builds on, which is gone: {command}"


def _options(bundle: Bundle) -> Iterator[str]:
    """Yield the options of a run as they were typed, those that say which part of the plan it was left out."""
    for given in bundle.plan.inputs:
        option = given.source.removeprefix("option ")
        if option != given.source and option not in WINDOW:
            yield option
            if option not in FLAGS:
                yield given.value
