"""Only one site works while a failback switches: two that publish at once are what it is feared for."""

from dataclasses import replace

from drproof.contracts.failback.changed import Reading, changed
from drproof.model.contract import NotApplicableError, contract, expected
from drproof.model.verdict import Finding, hold, undecided

CONTROLS = ["NIST CP-10", "NIST CP-10(2)", "SOC 2 A1.3"]
FILES = {"recovery": "dr.cronjobs.after.json", "original": "primary.cronjobs.after.json"}


@contract(
    needs=["read_failback"],
    subjects=expected("site", lambda criteria: ("recovery", "original") if criteria.pointers else ()),
    topic="failback",
    controls=CONTROLS,
)
def schedules_were_frozen(read_failback: Reading, subject: str) -> Finding:
    """Each schedule of the site was suspended when the pointers were switched: only one site could publish."""
    found = [row for row in read_failback.facts.schedules if row.site == subject]
    if not found:
        return undecided(
            f"nobody kept what the schedules of the {subject} site did\n"
            f"  next: before the switch, kubectl get cronjobs -A -o json > {FILES[subject]}"
        )
    suspended, running = sum(row.suspended for row in found), [name for row in found for name in row.running]
    if not suspended and not running:
        return undecided(f"{FILES[subject]} lists no schedule: that shows nothing of those that there are")
    if not running:
        # A list that is handed in for the wrong site says nothing of the right one.
        mine = {uid for row in found for uid in row.uids}
        others = {uid for row in read_failback.facts.schedules if row.site != subject for uid in row.uids}
        if len(mine) != suspended:
            return undecided(
                f"{FILES[subject]} names {len(mine)} uids of {suspended} schedules: it may be of any cluster"
            )
        if mine & others:
            return undecided(f"the lists of both sites are of one cluster: {', '.join(sorted(mine & others))}")
    return hold(
        not running,
        observed={"suspended": suspended, "running": running},
        expected="every schedule suspended",
        reason=f"schedules of the {subject} site could start: {', '.join(running)}",
    )


@schedules_were_frozen.sabotage("one schedule could start")
def one_runs(read_failback: Reading, subject: str) -> Reading:
    """Let one run."""
    rows = read_failback.facts.schedules
    if not any(row.site == subject for row in rows):
        msg = f"the evidence has no schedules of the {subject} site"
        raise NotApplicableError(msg)
    return changed(
        read_failback,
        schedules=tuple(
            replace(row, running=(*row.running, "atlas/daily")) if row.site == subject else row for row in rows
        ),
    )
