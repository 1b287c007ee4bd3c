"""What a bundle does not show: the part of a proof that is left out everywhere else."""

from collections.abc import Iterator
from dataclasses import dataclass

from drproof.evidence.bundle import Bundle
from drproof.evidence.statements import COLLECTED
from drproof.evidence.withheld import withheld_in
from drproof.model.receipt import Outcome
from drproof.model.verdict import Status
from drproof.phases.recovery.marks import GIVEN
from drproof.report import facts, restore_points


@dataclass(frozen=True, slots=True)
class Gap:
    """One thing that is not shown, and why; `details` when it is many."""

    what: str
    why: str
    details: tuple[str, ...] = ()


ENDINGS = {
    Outcome.FAILED: "failed",
    Outcome.INTERRUPTED: "was interrupted",
    Outcome.BLOCKED: "was blocked",
    Outcome.UNOBSERVED: "was done by hand, and nobody could look at what came of it",
    Outcome.NOT_RUN: "was not run",
}
"""The words for phases whose end state was not reached, the gravest first."""


def gaps(bundle: Bundle) -> tuple[Gap, ...]:
    """Return everything that is not shown, the gravest first."""
    return (
        *_of_the_mode(bundle),
        *_of_the_collection(bundle),
        *_of_the_fleet(bundle),
        *_of_the_verdicts(bundle),
        *_of_the_phases(bundle),
        *_of_the_acts_by_hand(bundle),
        *_of_the_own_tests(bundle),
        *_of_the_withheld(bundle),
        *_of_the_window(bundle),
        *_of_the_objectives(bundle),
        *_of_the_world(bundle),
        *(Gap(*row) for row in restore_points.missing(bundle)),
        *_of_the_cluster(bundle),
        *_of_the_preflight(bundle),
        *_of_the_store(bundle),
        Gap(facts.NOT_SIGNED, facts.signature(bundle)),
        *_of_the_controls(bundle),
    )


def _of_the_mode(bundle: Bundle) -> Iterator[Gap]:
    if bundle.plan.mode == "rehearsal":
        yield Gap("Anyone's recovery.", "This was a rehearsal: both sites were generated for it.")


def _of_the_collection(bundle: Bundle) -> Iterator[Gap]:
    if bundle.plan.plan in COLLECTED:
        why = "They are not signed. A signature of this bundle covers what was collected, not who wrote it."
        yield Gap("Who wrote the receipts.", why)


def _of_the_fleet(bundle: Bundle) -> Iterator[Gap]:
    receipt = facts.by_phase(bundle).get("read_restore_points")
    source = facts.text(facts.observed(receipt), "source")
    if source:
        why = f"Their readings were taken from {source}. A seal says what lay there, not who wrote it."
        yield Gap("Who read the restore points.", why)


def _of_the_verdicts(bundle: Bundle) -> Iterator[Gap]:
    for status, what in ((Status.REFUTED, "shown to be false"), (Status.UNPROVEN, "not decided")):
        found = [verdict for verdict in bundle.verdicts if verdict.status is status]
        if found:
            claims = "1 claim is" if len(found) == 1 else f"{len(found)} claims are"
            details = tuple(f"{verdict.name}: {verdict.reason or 'no reason given'}" for verdict in found)
            yield Gap(f"{claims} {what}.", f"Contracts that are {status}:", details)
    missing = facts.unjudged(bundle)
    if missing:
        yield Gap(f"{len(missing)} demands of the plan were never judged.", "There is no verdict on:", missing)


OWN_ENDINGS = {
    "failed": ("failed", "failed"),
    "lost": ("never ended", "never ended"),
    "skipped": ("was skipped", "were skipped"),
}


def _of_the_own_tests(bundle: Bundle) -> Iterator[Gap]:
    for outcome, (one, many) in OWN_ENDINGS.items():
        found = [test for test in bundle.own_tests.tests if test.outcome == outcome] if bundle.own_tests else []
        if found:
            tests = (
                f"1 of the operator's own tests {one}"
                if len(found) == 1
                else f"{len(found)} of the operator's own tests {many}"
            )
            details = tuple(f"{test.test}: {test.reason or 'no reason given'}" for test in found)
            yield Gap(f"{tests}.", "Tests of one's own, beside the plan:", details)


def _of_the_phases(bundle: Bundle) -> Iterator[Gap]:
    receipts = facts.by_phase(bundle)
    for outcome, what in ENDINGS.items():
        found = [receipt for receipt in receipts.values() if receipt.outcome is outcome]
        if len(found) == 1:
            yield Gap(f"The phase {found[0].phase} {what}.", f"Reason: {found[0].reason or 'none given'}")
        elif found:
            details = tuple(f"{receipt.phase}: {receipt.reason or 'no reason given'}" for receipt in found)
            yield Gap(f"{len(found)} phases: each {what}.", "Reasons:", details)
    absent = tuple(name for name in bundle.plan.phases if name not in receipts)
    if absent:
        yield Gap("Some phases have no receipt.", "The run ended before:", absent)


def _of_the_withheld(bundle: Bundle) -> Iterator[Gap]:
    if withheld := withheld_in(bundle.directory):
        why = "What seemed to hold a secret was not kept as it was; each place, and the rule that says so:"
        details = tuple(f"{one.path}: {one.where} ({one.rule})" for one in withheld)
        yield Gap("Files that were withheld.", why, details)


def _of_the_window(bundle: Bundle) -> Iterator[Gap]:
    window = bundle.plan.window
    if not window.full:
        span = f"{window.start_at} to {window.stop_after}" if window.stop_after != window.start_at else window.start_at
        why = f"This is a partial drill, window {span}. Left out:"
        yield Gap("The whole plan.", why, window.left_out or ("not named",))
    inherited = tuple(
        f"{receipt.phase}: receipt {receipt.inherited_from}" for receipt in bundle.receipts if receipt.inherited_from
    )
    if inherited:
        yield Gap("That this run did everything itself.", "These receipts come from an earlier bundle:", inherited)


def _of_the_objectives(bundle: Bundle) -> Iterator[Gap]:
    for objective in facts.objectives(bundle):
        if objective.measured_ms is None:
            yield Gap(f"The measured {objective.name}.", "The phases that it is measured between did not all pass.")


def _of_the_world(bundle: Bundle) -> Iterator[Gap]:
    receipts = facts.by_phase(bundle)
    if facts.observed(receipts.get("check_health")).get("forced") is True:
        yield Gap("A recovery under need.", "The original site was well; the recovery was forced, as drills are.")
    start = facts.text(facts.observed(receipts.get("bringup")), "start")
    if start in {"warm", "no-op"}:
        yield Gap("A bring-up from nothing.", f"The machine was there before: the start was {start}.")
    known = {*bundle.plan.phases, *bundle.plan.window.left_out}
    if "promote" in known and not facts.decision(bundle):
        yield Gap("A decision to promote.", f"{facts.NO_DECISION} A request for one is no decision.")
    if facts.TEARDOWN in known:
        yield from _of_the_teardown(bundle)


def _of_the_acts_by_hand(bundle: Bundle) -> Iterator[Gap]:
    for receipt in facts.by_hand(bundle):
        resting = tuple(verdict.name for verdict in bundle.verdicts if receipt.phase in verdict.by_hand)
        why = f"It was done by hand, {facts.act(receipt)}. These verdicts rest on it:"
        yield Gap(f"That {receipt.phase} works without a person.", why, resting)


def _of_the_cluster(bundle: Bundle) -> Iterator[Gap]:
    receipts = facts.by_phase(bundle)
    source = facts.text(facts.observed(receipts.get("reach_cluster")), "source")
    if source == GIVEN and not bundle.plan.criteria.workload.cluster_uid:
        why = "The operator gave a kubeconfig and named no UID: whichever cluster answered was taken."
        yield Gap("That the cluster is the one that was meant.", why)
    restored = facts.observed(receipts.get("restore"))
    if left_out := facts.names(restored, "left_out"):
        yield Gap("The whole content of the cluster.", "Objects of the backup that were left out:", left_out)
    if overrides := facts.names(restored, "overrides"):
        why = "So that the recovered workload keeps still, this was set otherwise:"
        yield Gap("That the workload publishes and starts by itself.", why, overrides)
    names = (facts.text(row, "name") for row in facts.rows(restored, "objects"))
    if secrets := tuple(name for name in names if name.startswith("Secret/")):
        why = "A proof holds no value: they were compared by digests, under a key that goes with the drill. Restored:"
        yield Gap("What Secrets hold.", why, secrets)
    containers = facts.rows(facts.observed(receipts.get("validate")), "containers")
    if kept := tuple(facts.text(row, "name") for row in containers if row.get("pulled") != "registry"):
        why = "No event says that these containers of the validation Job had it from the registry:"
        yield Gap("That the image can be pulled.", why, kept)


def _of_the_preflight(bundle: Bundle) -> Iterator[Gap]:
    demanded, receipts = bundle.plan.criteria.preflight, facts.by_phase(bundle)
    if "read_domains" in receipts and demanded.accepted_overlaps:
        why = "The operator accepts in preflight.accept_overlaps that recovery may share these with it; nobody judged:"
        yield Gap("That recovery outlives the original site.", why, demanded.accepted_overlaps)
    if "read_triggers" in receipts and not demanded.triggers:
        why = "No rule and no alarm is named in triggers.rules or triggers.alarms, so none was asked."
        yield Gap("That nothing starts an orchestrator by itself.", why)
    if "try_pull_secret" in receipts and demanded.login_expected and not demanded.cluster_expected:
        why = "There is no cluster to ask before the drill makes one; cluster.kubeconfig names none."
        yield Gap("That the cluster takes the pull secret.", why)


def _of_the_store(bundle: Bundle) -> Iterator[Gap]:
    stored = bundle.stored
    if bundle.unstored:
        what = "That the receipts lie in the receipt store."
        yield Gap(what, "They were asked to; the local ones are all there is:", bundle.unstored)
    elif stored is not None and any(file.version is None or file.retention_mode is None for file in stored.files):
        yield Gap("That the stored receipts cannot be removed or replaced.", f"They are {facts.kept_how(stored)}.")


def _of_the_teardown(bundle: Bundle) -> Iterator[Gap]:
    receipt = facts.by_phase(bundle).get(facts.TEARDOWN)
    if not bundle.plan.criteria.state_expected:
        yield Gap("That a state held what was created.", "The machine was made by builds that keep no state.")
    if receipt is None:
        why = "The drill was told not to tear down." if not bundle.plan.criteria.teardown else "No teardown has run."
        yield Gap("That nothing is left of the drill.", why)
    elif not receipt.passed:
        yield Gap("That nothing is left of the drill.", f"The teardown is {receipt.outcome}: nobody counted.")
    elif left := facts.residue(bundle):
        yield Gap(
            "That nothing is left of the drill.",
            "The recount found:",
            tuple(f"{facts.text(item, 'kind')} {facts.text(item, 'identity')}" for item in left),
        )


def _of_the_controls(bundle: Bundle) -> Iterator[Gap]:
    details = tuple(
        f"{verdict.name}: {control.name}" + (f" ({control.reason})" if control.reason else "")
        for verdict in bundle.verdicts
        for control in verdict.controls
        if control.result.value == "not_applicable"
    )
    if details:
        what = "Some sabotages could not be applied." if len(details) > 1 else "One sabotage could not be applied."
        yield Gap(what, "This evidence does not allow:", details)
