"""The known defects of the reference system, as its drills would have left them in the receipts of ours.

A row is not one of the contract's sabotages: it is what that system does, said in the facts of our phases. `item` is
the number in its list of weaknesses.
"""

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from drproof.analysis.state_report import digest_of
from drproof.analysis.terraform.facts import Provider
from drproof.model.receipt import Outcome
from drproof.model.verdict import Status
from tests.contracts.evidence import OURS, PASSING, PROMOTED, TURNED_DOWN, Evidence
from tests.contracts.observed import (
    ALARMS,
    CHALLENGE,
    CRITERIA,
    HOUR,
    LIVE,
    MACHINE,
    POINT,
    READ_BACK,
    RULES,
    TOPIC,
    at,
    change,
    sha256,
)
from tests.contracts.observed_preflight import DOMAINS
from tests.contracts.observed_published import PUBLISHED_RUN, RUN
from tests.contracts.observed_terraform import RUNNER, SITE

MINUTE = 60_000
NOTHING = hashlib.sha256(b"").hexdigest()
OTHER_MACHINE = "i-0fedcba9876543210"


@dataclass(frozen=True)
class Defect:
    """One defect in our receipts, the contract that must notice it, and of which subject."""

    item: str
    says: str
    contract: str
    plant: Callable[[], Evidence]
    subject: str = ""
    status: Status = Status.REFUTED

    @property
    def name(self) -> str:
        return f"{self.item}: {self.says}"


def _rules(name: str, **changes: Any) -> Evidence:
    rules = tuple(replace(rule, **changes) if rule.name == name else rule for rule in RULES.alarms)
    return PASSING.facts("read_alarms", alarms=rules)


def _object(name: str, **changes: Any) -> Evidence:
    seen = tuple(replace(one, **changes) if one.name == name else one for one in POINT.objects)
    return PASSING.facts("read_restore_point", objects=seen)


def _bucket(**changes: Any) -> tuple[Any, ...]:
    backup, published = POINT.buckets
    return replace(backup, **changes), published


def _read_empty_state() -> Evidence:
    wanted = digest_of([], nonce=CHALLENGE)
    reports = PASSING.receipts["validate"].facts.reports
    empty = tuple(replace(one, files=wanted.files, size=wanted.size, sha256=wanted.sha256) for one in reports)
    return PASSING.facts("validate", reports=empty, canary="")


def _restored_nothing() -> Evidence:
    facts = PASSING.receipts["restore_state"].facts
    sources = tuple(replace(one, files=0, size=0) for one in facts.sources)
    return PASSING.facts("restore_state", sources=sources, files=0, size=0, read_back=0).file(
        "read_back", {name: [] for name in READ_BACK}
    )


def _created_while_it_looked() -> Evidence:
    before = PASSING.receipts["inspect_runner"].facts.after
    after = replace(before, entries=before.entries + 1, sha256=sha256("with the namespace that was looked for"))
    return PASSING.facts("inspect_runner", after=after, changed=("/srv/state/namespaces/atlas",))


def _alarm_on_missing_data() -> Evidence:
    """Return the history that CloudWatch writes of an alarm that breaches because nothing was emitted."""
    silent = [
        change(at(5), "OK", "ALARM", threshold=26, points={}),
        change(at(20), "ALARM", "OK", threshold=26, points={"2026-01-31T12:19:00.000+0000": 0.25}),
    ]
    return PASSING.file("history", {"freshness": silent, "correctness": silent})


def _container(**changes: Any) -> Evidence:
    containers = PASSING.receipts["validate"].facts.containers
    return PASSING.facts("validate", containers=(replace(containers[0], **changes), *containers[1:]))


def _cluster_without_what_was_applied() -> Evidence:
    """Return a cluster that refused an apply whose exit status nobody looked at."""
    return PASSING.file("live", {name: one for name, one in LIVE.items() if name != "CronJob/atlas-daily"})


def _lossy_apply() -> Evidence:
    """Return a ConfigMap whose text lost what a block scalar without its last line loses."""
    name = "ConfigMap/atlas-control-plane-alerts"
    live = json.loads(json.dumps(LIVE))
    key = min(live[name]["data"])
    live[name]["data"][key] = live[name]["data"][key][:-1]
    return PASSING.file("live", live)


def _switched_back(**changes: Any) -> Evidence:
    """Return pointers of which only the global one was written, and not as the publisher writes it."""
    first, *others = PUBLISHED_RUN.pointers
    return PASSING.facts("read_published_run", pointers=(replace(first, **changes), *others))


def _latest_of_the_recovery() -> Evidence:
    first, *others = PUBLISHED_RUN.latest
    return PASSING.facts("read_published_run", latest=(replace(first, sha256=sha256("of the recovery run")), *others))


def _half_switched() -> Evidence:
    first, *others = PASSING.receipts["check_health"].facts.pointers
    return PASSING.facts("check_health", pointers=(replace(first, run_id="run-of-the-recovery"), *others))


def _published(**changes: Any) -> Evidence:
    first, *others = PUBLISHED_RUN.objects
    return PASSING.facts("read_published_run", objects=(replace(first, **changes), *others))


def _aged() -> Evidence:
    """Return a restore point that was made 142 hours and 51 minutes before it was read."""
    assert PASSING.receipts["read_restore_point"].started_at == at(9)
    return PASSING.facts("read_restore_point", created_at="2026-01-25T13:18:00Z")


def _tiny() -> Evidence:
    """Return the sizes that were seen of the published success."""
    state, manifests = POINT.archives
    assert POINT.published is not None
    return PASSING.facts(
        "read_restore_point",
        archives=(replace(state, size=1_481), manifests),
        published=replace(POINT.published, size=3_391_594),
    )


def _ran(evidence: Evidence, **changes: Any) -> Evidence:
    """Return an execution of ours with another history."""
    run = evidence.receipts["read_execution"].facts.run
    return evidence.facts("read_execution", run=replace(run, **changes))


def _torn_down(**changes: Any) -> Evidence:
    builds = OURS.receipts["read_execution"].facts.builds
    return OURS.facts("read_execution", builds=tuple(replace(build, **changes) for build in builds))


OWN: tuple[Defect, ...] = (
    Defect("1", "restore was HEAD requests alone", "materialised_state_is_what_was_backed_up", _restored_nothing),
    Defect(
        "1",
        "the recovery is shown as an existence of objects",
        "recovery_is_shown_as_strongly_as_demanded",
        _restored_nothing,
    ),
    Defect(
        "1",
        "an empty object passes",
        "backup_object_matches_its_metadata",
        lambda: _object("state.tar.zst", size=0, sha256=NOTHING),
        "state.tar.zst",
    ),
    Defect(
        "1",
        "validation ran on an empty directory",
        "restored_state_is_what_was_backed_up",
        _read_empty_state,
        "state.tar.zst",
    ),
    Defect("1", "nobody looked for the canary", "canary_was_read_in_the_cluster", _read_empty_state),
    Defect("2", "validation created what it looked for", "validation_observed_only", _created_while_it_looked),
    Defect(
        "2",
        "the namespace that was found was made for it",
        "recovery_namespace_is_the_restored_one",
        lambda: PASSING.facts("inspect_cluster", namespace_uid="uid of a namespace that validation made"),
    ),
    Defect(
        "3",
        "the alarm fired on missing data",
        "alarm_detected_the_outage",
        _alarm_on_missing_data,
        "freshness",
    ),
    Defect(
        "3",
        "the drill was forced and does not say so",
        "need_for_recovery_has_a_reason",
        lambda: PASSING.facts("check_health", forced=False),
    ),
    Defect(
        "3",
        "the alarm's actions are disabled",
        "alarm_tells_somebody",
        lambda: _rules("freshness", actions_enabled=False),
        "freshness",
    ),
    Defect(
        "3",
        "periods of 5 min, data every 15",
        "alarm_is_quiet_on_a_healthy_day",
        lambda: _rules("correctness", period_ms=5 * MINUTE, actions=(TOPIC,)),
        "correctness",
    ),
    Defect(
        "3",
        "a threshold that nothing reaches",
        "alarm_goes_off_at_a_fault",
        lambda: _rules("correctness", threshold="5.0"),
        "correctness",
    ),
    Defect(
        "3",
        "the alarm was quiet all through the drill",
        "alarm_detected_the_outage",
        lambda: PASSING.file("history", {"freshness": [], "correctness": []}).facts(
            "capture_alarms", alarms=tuple(replace(one, transitions=0) for one in ALARMS.alarms)
        ),
        "correctness",
    ),
    Defect(
        "4",
        "bring-up changed nothing and counts as recovery",
        "runner_was_started_by_this_drill",
        lambda: PASSING.facts("bringup", start="no-op", created=0, instance_ids=(), present_before=(MACHINE,)),
    ),
    Defect(
        "4",
        "the machine was warm",
        "runner_was_started_by_this_drill",
        lambda: PASSING.facts("bringup", start="warm", created=0, changed=1, present_before=(MACHINE,)),
    ),
    Defect("6", "a backup 142.85 hours old is accepted", "restore_point_is_within_rpo", _aged),
    Defect("6", "nobody thinks about the size of a backup", "restore_point_is_plausible", _tiny),
    Defect(
        "6",
        "a limit of 6 hours, and one run a day",
        "freshness_limit_suits_the_schedule",
        lambda: PASSING.facts(
            "read_alarms", freshness_limit_ms=6 * HOUR, schedule="0 13 * * *", schedule_gap_ms=24 * HOUR
        ).asking(
            freshness_limit_ms=6 * HOUR,
            cadence=replace(CRITERIA.cadence, schedule="0 13 * * *", longest_gap_ms=24 * HOUR, slack_ms=0),
        ),
    ),
    Defect(
        "6",
        "nobody reckons how long it took",
        "recovery_was_within_rto",
        lambda: PASSING.receipt("validate", ended_at="2026-01-31T15:12:00.000Z"),
    ),
    Defect(
        "7",
        "nobody says who acted",
        "one_account_and_region_throughout",
        lambda: PASSING.receipt("restore", caller=None),
        status=Status.UNPROVEN,
    ),
    Defect(
        "7",
        "the notice of a failure stands for that of the validation",
        "people_were_notified",
        lambda: PASSING.facts("notify", status="dr_orchestrator_phase_failed"),
    ),
    Defect(
        "7",
        "an object was written over while it was read",
        "restore_point_did_not_change_while_it_was_read",
        lambda: PASSING.facts(
            "read_restore_point",
            looks=(replace(POINT.looks[0], version_after="another", etag_after="another"), *POINT.looks[1:]),
        ),
    ),
    Defect(
        "8",
        "the receipt is there and says failed",
        "validation_container_succeeded",
        lambda: PASSING.receipt("validate", outcome=Outcome.FAILED, reason="it failed"),
        "report-state",
        status=Status.UNPROVEN,
    ),
    Defect(
        "9",
        "skipped counts as passed",
        "materialised_state_is_what_was_backed_up",
        lambda: PASSING.receipt("restore_state", outcome=Outcome.NOT_RUN, observed=None, reason="skipped"),
        status=Status.UNPROVEN,
    ),
    Defect(
        "9",
        "a no counts as a decision",
        "promotion_is_a_recorded_decision",
        lambda: PROMOTED.facts("promote", approved=False, promotion_status="approved_but_auto_promote_disabled"),
    ),
    Defect(
        "9",
        "a request counts as a decision",
        "nothing_was_promoted_without_a_decision",
        lambda: PASSING.asking(promotion_expected=True),
    ),
    Defect(
        "10",
        "an end before the beginning",
        "recovery_was_within_rto",
        lambda: PASSING.receipt("validate", ended_at="2026-01-31T11:00:00.000Z"),
    ),
    Defect(
        "10",
        "a time of another form",
        "recovery_was_within_rto",
        lambda: PASSING.receipt("validate", ended_at="2026-01-31T1232:00Z"),
        status=Status.UNPROVEN,
    ),
    Defect(
        "9",
        "an execution that was refused promotes, and ends as SUCCEEDED",
        "end_state_is_that_of_the_answer",
        lambda: _ran(TURNED_DOWN, last_state="PromoteApproved"),
    ),
    Defect("9", "an execution of ours still runs", "execution_succeeded", lambda: _ran(OURS, status="RUNNING")),
    Defect(
        "11",
        "an execution of ours died, and its end says nothing",
        "execution_succeeded",
        lambda: _ran(OURS, status="FAILED"),
    ),
    Defect(
        "11",
        "nothing takes away what a dead execution brought up",
        "teardown_is_accounted_for",
        lambda: OURS.facts("read_execution", builds=()),
        status=Status.UNPROVEN,
    ),
    Defect(
        "11",
        "the teardown failed and nobody was told",
        "teardown_is_accounted_for",
        lambda: _torn_down(status="FAILED"),
    ),
    Defect(
        "11",
        "a failure leaves no receipt",
        "one_account_and_region_throughout",
        lambda: PASSING.without("bringup"),
        status=Status.UNPROVEN,
    ),
    Defect(
        "12",
        "verification's exit status is dropped",
        "published_run_matches_its_plan",
        lambda: _published(status="not_found", size=0, sha256=""),
        "ranked_json",
    ),
    Defect(
        "12",
        "only the length was verified",
        "published_run_matches_its_plan",
        lambda: _published(sha256=sha256("as long, and something else")),
        "ranked_json",
    ),
    Defect(
        "12",
        "the apply failed and nobody looked",
        "restored_object_is_what_was_backed_up",
        _cluster_without_what_was_applied,
        "CronJob/atlas-daily",
    ),
    Defect(
        "12",
        "the apply loses bytes",
        "control_plane_in_the_cluster_is_the_bundle",
        _lossy_apply,
        "alerts",
    ),
    Defect(
        "12",
        "the account was not patched",
        "pull_secret_is_linked",
        lambda: PASSING.facts(
            "inspect_cluster",
            pull_secret=replace(PASSING.receipts["inspect_cluster"].facts.pull_secret, linked=()),
        ),
    ),
    Defect(
        "18",
        "primary and backup in one region",
        "restore_point_outlives_the_primary",
        lambda: PASSING.asking(backup=replace(CRITERIA.backup, failure_domain="region")),
    ),
    Defect(
        "18",
        "primary and backup in one account",
        "restore_point_outlives_the_primary",
        lambda: PASSING.asking(backup=replace(CRITERIA.backup, failure_domain="account")),
    ),
    Defect(
        "18",
        "both sites are in one account",
        "recovery_shares_no_failure_domain",
        lambda: PASSING.facts("read_domains", recovery=replace(DOMAINS.recovery, account=DOMAINS.primary.account)),
        "account",
    ),
    Defect(
        "18",
        "the recovered workload publishes",
        "publishing_is_off",
        lambda: PASSING.facts("inspect_cluster", publishing={"PUBLISH_S3": "1", "PUBLISH_S3_DRY_RUN": "0"}),
        "PUBLISH_S3",
    ),
    Defect(
        "18",
        "validation may publish",
        "validation_could_not_publish",
        lambda: _container(publishing={"PUBLISH_S3": "1", "PUBLISH_S3_DRY_RUN": "0"}),
    ),
    Defect(
        "18",
        "state goes where the original publishes",
        "restore_is_isolated_from_the_primary",
        lambda: PASSING.facts("restore_state", bucket="atlas-primary", prefix="atlas"),
    ),
    Defect(
        "18",
        "the recovered schedule runs",
        "no_schedule_runs",
        lambda: PASSING.facts("inspect_cluster", schedules_that_run=("atlas-daily",)),
    ),
    Defect(
        "19",
        "a newer image replaced the machine",
        "runner_was_started_by_this_drill",
        lambda: PASSING.facts("bringup", instance_ids=(OTHER_MACHINE,), destroyed=1),
    ),
    Defect(
        "19",
        "a second state brought up a second machine",
        "exactly_one_runner_was_resolved",
        lambda: PASSING.facts("resolve_runner", candidates=(MACHINE, OTHER_MACHINE)),
    ),
    Defect(
        "19",
        "providers float",
        "providers_are_pinned",
        lambda: PASSING.facts(
            "read_terraform", modules=(replace(SITE, providers=(Provider(name="aws", constraint=">= 5.0"),)), RUNNER)
        ),
        SITE.name,
    ),
    Defect(
        "19",
        "another version destroyed than had created",
        "teardown_used_the_tools_of_the_bringup",
        lambda: PASSING.facts("teardown", provisioner_version="1.12.0"),
    ),
    Defect("20", "half of the pointers were switched", "primary_pointers_agree", _half_switched),
    Defect(
        "20",
        "a pointer was never written",
        "pointers_are_complete",
        lambda: _switched_back(status="not_found"),
        "global",
    ),
    Defect(
        "20",
        "a pointer without the fields of its readers",
        "pointers_are_complete",
        lambda: _switched_back(
            providers=(), profiles=(), provider_profiles={}, lacks=("profiles", "provider_profiles", "providers")
        ),
        "global",
    ),
    Defect(
        "20",
        "the path has no prefix and a slash at its end",
        "pointer_agrees_with_its_run",
        lambda: _switched_back(run_path=f"runs/{RUN}/"),
        "global",
    ),
    Defect(
        "20",
        "the latest copies are those of the recovery",
        "latest_equals_the_run",
        _latest_of_the_recovery,
        "ranked_json",
    ),
    Defect(
        "21",
        "an on-prem backup is taken for a restore point",
        "backup_object_matches_its_metadata",
        lambda: _object("state.tar.zst", status="not_found", size=0, sha256="", promised_size=None, promised_sha256=""),
        "state.tar.zst",
    ),
    Defect(
        "21",
        "the digest of the metadata is compared with nothing",
        "backup_object_matches_its_metadata",
        lambda: _object("manifests.tar.zst", sha256=sha256("something else of that size")),
        "manifests.tar.zst",
    ),
    Defect(
        "21",
        "the backup lies in the bucket of what it backs up",
        "restore_point_outlives_the_primary",
        lambda: PASSING.facts("read_restore_point", buckets=_bucket(name="atlas-primary")),
    ),
    Defect(
        "21",
        "a backup can be written over for good",
        "restore_point_is_protected_from_writers",
        lambda: PASSING.facts("read_restore_point", buckets=_bucket(versioning="none")),
    ),
    Defect(
        "21",
        "versions, and no Object Lock where it is demanded",
        "restore_point_is_protected_from_writers",
        lambda: PASSING.asking(backup=replace(CRITERIA.backup, protection="lock")),
    ),
)
