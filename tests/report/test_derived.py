import json
from dataclasses import replace
from typing import Any

import jsonschema
import pytest

from drproof.evidence.bundle import Bundle
from drproof.model.codec import schema_of
from drproof.model.criteria import Input, Window
from drproof.model.receipt import Cause, Outcome
from drproof.model.settings import CostInputs
from drproof.model.verdict import Status
from drproof.report import derived, derived_documents
from tests.report import drills, observed
from tests.report.conftest import Make
from tests.report.drills import Drill, Step, passed

DONE = "completed requested phases"
TYPES = {
    "drill.summary.json": derived_documents.SummaryDocument,
    "drill.phase_timestamps.json": derived_documents.PhaseTimesDocument,
    "drill.cost.inputs.json": derived_documents.CostInputsDocument,
    "drill.cost.actual.json": derived_documents.CostActualDocument,
    "drill.context.json": derived_documents.ContextDocument,
    "promote.decision.json": derived_documents.DecisionDocument,
    "dr_restore.control_plane.summary.json": derived_documents.ControlPlaneDocument,
    "control-plane/apply/apply.summary.json": derived_documents.AppliedDocument,
    "dr_validate.job_submission.json": derived_documents.JobDocument,
}
TEXTS = (
    *("drill.stop_reason.txt", "validate.job_name.txt", "validate.run_id.txt"),
    "control-plane/fetch/fetch.summary.env",
)
VALIDATE_ONLY = Window(
    full=False,
    start_at="validate",
    stop_after="validate",
    left_out=("promote", "teardown"),
    inherited=("bringup",),
)


def documents(bundle: Bundle, stop_reason: str = DONE, settings: Any = None, **said: Any) -> dict[str, Any]:
    files = derived.files(bundle, settings or drills.settings(), stop_reason=stop_reason, **said)
    return {path: json.loads(data) for path, data in files.items() if path.endswith(".json")}


def test_the_reference_finds_every_file_under_its_own_name(make: Make) -> None:
    files = derived.files(make(), drills.settings(), stop_reason=DONE)
    assert set(files) == {
        *(name for name in TYPES if name != "promote.decision.json"),
        *TEXTS,
        *(f"phases/{phase}.json" for phase in (*observed.DONE, "diagnose")),
    }
    assert files["drill.stop_reason.txt"] == b"completed requested phases\n"


@pytest.mark.parametrize(
    "drill",
    [
        Drill(),
        Drill(steps=[passed(name) for name in observed.DONE]),
        Drill(steps=drills.failed_at("restore"), outcome="refuted"),
        Drill(steps=[passed("bringup", inherited=True), passed("validate")], window=VALIDATE_ONLY),
        Drill(steps=[], verdicts=[], outcome="incomplete"),
    ],
)
def test_each_document_is_valid_against_the_schema_of_its_type(drill: Drill, make: Make) -> None:
    for path, document in documents(make(drill)).items():
        kind = TYPES.get(path, derived_documents.PhaseDocument)
        schema = schema_of(kind, uri=f"https://drproof.dev/schemas/{path}", title=path)
        jsonschema.validate(document, schema, cls=jsonschema.Draft202012Validator)


def test_documents_are_written_in_the_references_style(make: Make) -> None:
    for path, data in derived.files(make(), drills.settings(), stop_reason=DONE).items():
        if path.endswith(".json"):
            assert data.decode() == json.dumps(json.loads(data), indent=2, sort_keys=True) + "\n"


def test_a_whole_drill_is_a_success(make: Make) -> None:
    summary = documents(make())["drill.summary.json"]
    assert summary["overall_status"] == "success"
    assert (summary["exit_code"], summary["failed_phase"], summary["failed_error"]) == (0, "", "")
    assert summary["run_id"] == summary["receipt_dir"] == "recovery-20261101T080000Z-0a1b2c"
    assert (summary["start_timestamp_utc"], summary["end_timestamp_utc"]) == (
        "2026-11-01T08:00:00Z",
        "2026-11-01T08:00:51Z",
    )
    assert (summary["runtime_seconds"], summary["runtime_minutes_rounded_up"]) == (51, 1)
    assert summary["instance_id"] == "i-0123456789abcdef0"
    assert summary["public_ip"] == "203.0.113.7"
    assert summary["security_group_id"] == "sg-1"
    assert summary["key_name"] == "atlas-key"
    assert summary["actual_instance_type"] == "t4g.medium"
    assert (summary["start_at"], summary["stop_after"], summary["teardown"]) == ("bringup", "promote", True)
    assert (summary["validate_only"], summary["diagnostics_only"]) == (False, False)
    assert [row["phase"] for row in summary["phases"]] == [*observed.DONE, "diagnose"]


@pytest.mark.parametrize(("took_ms", "minutes"), [(0, 0), (900, 1), (59_900, 1), (60_900, 2)])
def test_minutes_are_rounded_up(took_ms: int, minutes: int, make: Make) -> None:
    summary = documents(make(Drill(steps=[passed("restore", took_ms=took_ms)])))["drill.summary.json"]
    assert summary["runtime_minutes_rounded_up"] == minutes


def test_a_failed_phase_fails_the_drill_and_names_the_upstream_of_what_was_skipped(make: Make) -> None:
    found = documents(
        make(Drill(steps=drills.failed_at("bringup"), outcome="refuted")), "phase=bringup failed after 2 attempts"
    )
    summary = found["drill.summary.json"]
    assert (summary["overall_status"], summary["exit_code"], summary["failed_phase"]) == ("failed", 1, "bringup")
    assert summary["failed_error"] == "terraform apply ended with exit status 1"
    failed = found["phases/bringup.json"]
    assert (failed["status"], failed["attempts"], failed["repair_applied"]) == ("failed", 2, True)
    assert failed["last_error_tail"] == ["tail of boom again"]
    assert failed["skip_reason"] == ""
    skipped = found["phases/validate.json"]
    assert (skipped["status"], skipped["attempts"]) == ("skipped", 0)
    assert skipped["skip_reason"] == "skipped due upstream failure in phase=bringup"
    assert found["phases/teardown.json"]["status"] == "success"


def test_an_interrupted_phase_is_failed(make: Make) -> None:
    steps = [
        passed("bringup"),
        Step(phase="restore", outcome=Outcome.INTERRUPTED, reason="SIGTERM", cause=Cause.SIGNAL),
        Step(
            phase="validate", outcome=Outcome.BLOCKED, reason="phase restore is interrupted", cause=Cause.PREREQUISITE
        ),
    ]
    found = documents(make(Drill(steps=steps, outcome="incomplete")), "interrupted: SIGTERM", exit_code=143)
    assert found["phases/restore.json"]["status"] == "failed"
    assert found["phases/restore.json"]["last_error_tail"] == ["SIGTERM"]
    assert found["phases/validate.json"]["skip_reason"] == "skipped due upstream failure in phase=restore"
    assert found["drill.summary.json"]["exit_code"] == 143
    assert found["drill.summary.json"]["overall_status"] == "failed"


def test_an_interrupted_run_is_no_success_although_every_phase_passed(make: Make) -> None:
    summary = documents(make(), "interrupted: SIGINT")["drill.summary.json"]
    assert (summary["overall_status"], summary["exit_code"], summary["failed_error"]) == (
        "failed",
        1,
        "interrupted: SIGINT",
    )


def test_a_phase_that_a_contract_blocked_says_which(make: Make) -> None:
    reason = "contract archive_is_sound[a] is refuted: torn"
    steps = [
        passed("read_restore_point"),
        Step(phase="bringup", outcome=Outcome.BLOCKED, reason=reason, cause=Cause.CONTRACT),
        Step(phase="restore", outcome=Outcome.BLOCKED, reason="phase bringup is blocked", cause=Cause.PREREQUISITE),
    ]
    found = documents(make(Drill(steps=steps, outcome="refuted")))
    assert found["phases/bringup.json"]["skip_reason"] == reason
    assert found["phases/restore.json"]["skip_reason"] == "skipped due upstream failure in phase=bringup"
    assert found["drill.summary.json"]["failed_phase"] == "bringup"
    assert found["drill.summary.json"]["overall_status"] == "failed"


@pytest.mark.parametrize("status", [Status.REFUTED, Status.UNPROVEN])
def test_a_drill_whose_phases_all_passed_is_no_success_while_a_contract_is_in_doubt(status: Status, make: Make) -> None:
    doubt = drills.verdict("archive_is_sound", "a", status, reason="torn")
    summary = documents(make(Drill(verdicts=[*drills.verdicts(), doubt])))["drill.summary.json"]
    assert (summary["overall_status"], summary["exit_code"], summary["failed_phase"]) == ("failed", 1, "")
    assert summary["failed_error"] == f"contract archive_is_sound[a] is {status}: torn"


def test_a_drill_without_verdicts_is_no_success(make: Make) -> None:
    assert documents(make(Drill(verdicts=[])))["drill.summary.json"]["overall_status"] == "failed"


def test_every_skipped_phase_has_the_references_reason(make: Make) -> None:
    drill = Drill(
        steps=[passed("bringup", inherited=True), passed("validate")],
        window=VALIDATE_ONLY,
        inputs=(
            Input(name="validate_only", value="True", source="option --validate-only"),
            Input(name="receipt_dir", value="/somewhere/else/earlier-drill/", source="option --receipt-dir"),
        ),
    )
    found = documents(make(drill))
    outside = "outside execution window start-at=validate stop-after=validate"
    reasons = {
        path: found[f"phases/{path}.json"]["skip_reason"]
        for path in ("bringup", "promote", "teardown", "diagnose", "validate")
    }
    assert reasons == {
        "bringup": outside,
        "promote": outside,
        "teardown": "teardown disabled by flag",
        "diagnose": "diagnostics-only mode not enabled",
        "validate": "",
    }
    assert found["drill.summary.json"]["validate_only"] is True
    assert found["drill.context.json"]["validate_only"] is True
    assert found["drill.context.json"]["input_receipt_dir"] == "earlier-drill"
    assert (found["drill.context.json"]["run_bringup"], found["drill.context.json"]["run_validate"]) == (False, True)


def test_a_promotion_that_nobody_asked_for_is_skipped_in_the_references_words(make: Make) -> None:
    bundle = make()
    assert documents(bundle)["phases/promote.json"]["skip_reason"] == "auto promote disabled"
    asked = documents(bundle, settings=drills.settings(auto_promote=True))
    assert asked["phases/promote.json"]["skip_reason"] == drills.MANUAL


def test_a_phase_that_stopped_for_a_reason_of_its_own_keeps_it_after_a_failure(make: Make) -> None:
    steps = [
        *drills.failed_at("bringup")[:3],
        Step(phase="restore", outcome=Outcome.BLOCKED, reason="contract c is refuted: torn", cause=Cause.CONTRACT),
        Step(phase="notify", outcome=Outcome.NOT_RUN, reason="there is nobody to write to"),
    ]
    found = documents(make(Drill(steps=steps, outcome="refuted")))
    assert found["phases/restore.json"]["skip_reason"] == "contract c is refuted: torn"
    assert found["phases/notify.json"]["skip_reason"] == "there is nobody to write to"


def test_a_phase_that_was_never_reached_is_no_success(make: Make) -> None:
    found = documents(make(Drill(steps=[passed("bringup")], plan={"phases": ("bringup", "restore")})))
    assert found["phases/restore.json"]["status"] == "skipped"
    assert found["phases/restore.json"]["skip_reason"] == "no receipt: the run ended before this phase"
    assert found["drill.summary.json"]["overall_status"] == "failed"


def test_times_come_in_the_order_of_execution_and_to_the_second(make: Make) -> None:
    rows = documents(make())["drill.phase_timestamps.json"]["phases"]
    assert rows[0] == {
        "phase": "check_health",
        "status": "success",
        "started_at_utc": "2026-11-01T08:00:00Z",
        "ended_at_utc": "2026-11-01T08:00:04Z",
    }
    times = [row["started_at_utc"] for row in rows if row["started_at_utc"]]
    assert times == sorted(times)


def test_the_estimate_counts_the_phases_that_run(make: Make) -> None:
    bundle = make()
    assert documents(bundle)["drill.cost.inputs.json"]["estimated_runtime_minutes"] == 12 + 10 + 12 + 8
    asked = documents(bundle, settings=drills.settings(auto_promote=True))["drill.cost.inputs.json"]
    assert asked["estimated_runtime_minutes"] == 12 + 10 + 12 + 8 + 2
    said = replace(drills.settings(), cost=CostInputs(runtime_minutes=5, instance_type="m7g.large", ebs_root_gb=30))
    given = documents(bundle, settings=said)["drill.cost.inputs.json"]
    assert (given["estimated_runtime_minutes"], given["instance_type_input"], given["ebs_root_gb_input"]) == (
        5,
        "m7g.large",
        30,
    )
    assert (given["full_drill_requested"], given["full_drill_allowed"]) == (True, True)
    window = Drill(steps=[passed("validate")], window=VALIDATE_ONLY)
    part = documents(make(window, name="part"))["drill.cost.inputs.json"]
    assert part["estimated_runtime_minutes"] == 12
    assert (part["full_drill_requested"], part["full_drill_allowed"]) == (False, False)


def test_money_is_nowhere(make: Make) -> None:
    for data in derived.files(make(), drills.settings(), stop_reason=DONE).values():
        text = data.decode().casefold()
        assert not any(word in text for word in ("usd", "dollar", "price", "currency", "$"))


def test_a_decision_is_written_only_when_one_was_recorded(make: Make) -> None:
    assert "promote.decision.json" not in documents(make(name="a"))
    bundle = make(Drill(steps=[passed(name) for name in observed.DONE]), name="b")
    decision = documents(bundle, settings=drills.settings(auto_promote=True, allow_bypass=True))[
        "promote.decision.json"
    ]
    assert decision == {
        "schema_version": 1,
        "timestamp_utc": "2026-11-01T08:01:00Z",
        "mode": "dr_drill_manual_bypass",
        "approved": True,
        "auto_promote": True,
        "manual_bypass_allowed": True,
        "approver": "ada",
        "ticket": "DR-7",
        "reason": "the drill went well",
        "dr_run_id": "2026-11-01T08:00:30+00:00",
        "image_ref": observed.IMAGE,
        "backup_uri": observed.URI,
        "instance_id": "i-0123456789abcdef0",
        "public_ip": "203.0.113.7",
        "namespace": "atlas",
        "promotion_status": "recorded_nothing_switched",
    }


def test_the_control_plane_is_counted_and_its_registry_is_no_candidate(make: Make) -> None:
    assert documents(make(name="a"))["dr_restore.control_plane.summary.json"] == {
        "schema_version": 1,
        "bundle_uri": "s3://atlas-backups/atlas/control-plane/bundles/b.tar.gz",
        "bundle_sha256": observed.SHA,
        "candidate_count": 3,
        "alert_count": 2,
        "provider_count": 1,
        "scoring_count": 5,
    }
    unread = documents(make(Drill(steps=drills.failed_at("read_restore_point")), name="b"))
    assert "dr_restore.control_plane.summary.json" not in unread


def test_hints_are_those_that_the_caller_gives(make: Make) -> None:
    found = documents(make(), hints={"bringup": "pytest -m drill --stop-after bringup"})
    assert found["phases/bringup.json"]["command_hint"] == "pytest -m drill --stop-after bringup"
    assert found["phases/restore.json"]["command_hint"] == ""


def test_no_path_of_this_machine_is_written(make: Make) -> None:
    bundle = make()
    for data in derived.files(bundle, drills.settings(), stop_reason=DONE).values():
        assert str(bundle.directory.parent).encode() not in data


def test_the_context_says_what_the_drill_was_told(make: Make) -> None:
    inputs = tuple(
        Input(name=name, value=value, source="option")
        for name, value in (("stop_after", "promote"), ("no_retry", "True"), ("allow_full_drill", "True"))
    )
    context = documents(make(Drill(inputs=inputs)))["drill.context.json"]
    assert (context["stop_after_explicit"], context["no_retry"], context["allow_full_drill"]) == (True, True, True)
    assert (context["aws_account_id"], context["aws_region"]) == ("444455556666", "us-west-2")
    assert (context["terraform_backend_mode"], context["terraform_vpc_id"]) == ("remote", "vpc-1")
    assert (context["backup_uri"], context["image_ref"]) == (observed.URI, observed.IMAGE)
    plain = documents(make(name="plain"))["drill.context.json"]
    assert (plain["stop_after_explicit"], plain["no_retry"], plain["allow_full_drill"]) == (False, False, False)


def test_the_reason_why_a_drill_stopped_holds_nothing_that_a_terminal_obeys(make):
    files = derived.files(make(), drills.settings(), stop_reason="own test test_\x1b]0;x\x07\u202e.py\nis failed")

    assert files["drill.stop_reason.txt"] == b"own test test_\\u{1b}]0;x\\u{7}\\u{202e}.py\nis failed\n"
