"""The drill as the reference writes it down: its summary, its context, its times, its cost and its decision."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from drproof.analysis.cost import estimated_minutes
from drproof.evidence.bundle import Bundle
from drproof.formats.timestamps import milliseconds
from drproof.model.settings import Settings
from drproof.model.verdict import Status
from drproof.phases.recovery.marks import GIVEN
from drproof.report import facts
from drproof.report.derived_documents import (
    ContextDocument,
    CostActualDocument,
    CostInputsDocument,
    DecisionDocument,
    PhaseDocument,
    PhaseTime,
    PhaseTimesDocument,
    SummaryDocument,
    second,
)
from drproof.report.derived_phases import DIAGNOSE, STATUSES

TIMES_FILE = "drill.phase_timestamps.json"


@dataclass(frozen=True, slots=True)
class Drill:
    """One bundle, asked for the reference's facts."""

    bundle: Bundle
    settings: Settings
    stop_reason: str
    given_exit_code: int | None

    @property
    def exit_code(self) -> int:
        """The run's exit status; worked out from the evidence when nobody gave it."""
        if self.given_exit_code is not None:
            return self.given_exit_code
        verdicts = self.bundle.verdicts
        complete = set(self.bundle.plan.phases) <= facts.by_phase(self.bundle).keys()
        interrupted = self.stop_reason.startswith("interrupted")
        proven = bool(verdicts) and all(verdict.proven for verdict in verdicts) and not facts.unjudged(self.bundle)
        return 0 if complete and proven and not interrupted and not facts.stopped(self.bundle) else 1

    def _failure(self) -> tuple[str, str]:
        """Return the phase that failed and why; only the why, when all phases ran and a contract was not proven."""
        stopped = facts.stopped(self.bundle)
        first = next((r for r in stopped if STATUSES[r.outcome] == "failed"), stopped[0] if stopped else None)
        if first is not None:
            return first.phase, first.reason
        doubtful = [verdict for verdict in self.bundle.verdicts if not verdict.proven]
        doubtful.sort(key=lambda verdict: verdict.status is not Status.REFUTED)
        if doubtful:
            return "", f"contract {doubtful[0].name} is {doubtful[0].status}: {doubtful[0].reason}"
        return ("", self.stop_reason) if self.exit_code else ("", "")

    def summary(self, phases: tuple[PhaseDocument, ...]) -> SummaryDocument:
        """Return the drill in one page."""
        plan = self.bundle.plan
        failed_phase, failed_error = self._failure()
        validated = self._observed("validate")
        runner = self._observed("resolve_runner")
        return SummaryDocument(
            run_id=plan.drill_id,
            start_timestamp_utc=second(plan.created_at),
            end_timestamp_utc=second(self._ended_at()),
            overall_status="failed" if self.exit_code or facts.stopped(self.bundle) else "success",
            exit_code=self.exit_code,
            failed_phase=failed_phase,
            failed_error=failed_error,
            instance_id=facts.text(runner, "instance_id"),
            public_ip=facts.text(runner, "public_ip"),
            security_group_id=facts.text(runner, "security_group"),
            key_name=facts.text(runner, "key_name"),
            actual_instance_type=facts.text(runner, "instance_type") or "unknown",
            dr_job_name=facts.text(validated, "job"),
            dr_run_id=facts.text(validated, "run_id"),
            stop_reason=self.stop_reason,
            start_at=plan.window.start_at,
            stop_after=plan.window.stop_after,
            diagnostics_only=self._runs(DIAGNOSE),
            validate_only=self._said("validate_only"),
            teardown=plan.criteria.teardown,
            cost_inputs=self.cost_inputs(),
            cost_actual=self.cost_actual(),
            runtime_seconds=self._seconds(),
            runtime_minutes_rounded_up=self._minutes(),
            phase_timestamps_file=TIMES_FILE,
            receipt_dir=plan.drill_id,
            phases=phases,
        )

    def times(self, phases: tuple[PhaseDocument, ...]) -> PhaseTimesDocument:
        """Return when each phase ran."""
        return PhaseTimesDocument(
            phases=tuple(
                PhaseTime(
                    phase=phase.phase,
                    status=phase.status,
                    started_at_utc=phase.started_at_utc,
                    ended_at_utc=phase.ended_at_utc,
                )
                for phase in phases
            )
        )

    def cost_inputs(self) -> CostInputsDocument:
        """Return what the drill was expected to take."""
        requested = self._whole()
        return CostInputsDocument(
            recorded_at_utc=second(self.bundle.plan.created_at),
            instance_type_input=self.settings.cost.instance_type,
            estimated_runtime_minutes=self._estimate(),
            ebs_root_gb_input=self.settings.cost.ebs_root_gb,
            full_drill_requested=requested,
            # A full drill that was not allowed was refused and left no bundle.
            full_drill_allowed=requested or self._said("allow_full_drill"),
        )

    def cost_actual(self) -> CostActualDocument:
        """Return what the drill took."""
        runner = self._observed("resolve_runner")
        return CostActualDocument(
            recorded_at_utc=second(self._ended_at()),
            instance_type_actual=facts.text(runner, "instance_type") or "unknown",
            ebs_root_gb_actual="unknown",
            root_volume_id="unknown",
            runtime_seconds=self._seconds(),
            runtime_minutes_rounded_up=self._minutes(),
        )

    def context(self) -> ContextDocument:
        """Return what the drill was told."""
        plan, settings = self.bundle.plan, self.settings
        provisioner = settings.recovery.provisioner
        return ContextDocument(
            run_id=plan.drill_id,
            start_timestamp_utc=second(plan.created_at),
            git_sha=plan.tool.git_sha,
            backup_uri=plan.criteria.backup.uri,
            image_ref=plan.criteria.image_ref,
            aws_account_id=plan.criteria.sites.recovery.account_id,
            aws_region=plan.criteria.sites.recovery.region,
            auto_promote=settings.promotion.auto_promote,
            allow_promote_bypass=settings.promotion.allow_bypass,
            teardown=plan.criteria.teardown,
            namespace=plan.criteria.workload.namespace,
            terraform_backend_mode="remote",
            terraform_vpc_id=provisioner.vpc_id,
            terraform_subnet_id=provisioner.subnet_id,
            terraform_allowed_cidr=provisioner.allowed_cidr,
            start_at=plan.window.start_at,
            stop_after=plan.window.stop_after,
            stop_after_explicit=self._input("stop_after") != "",
            max_attempts=plan.max_attempts,
            validate_max_retries=settings.limits.validate_max_retries,
            no_retry=self._said("no_retry"),
            diagnostics_only=self._runs(DIAGNOSE),
            validate_only=self._said("validate_only"),
            allow_full_drill=self._said("allow_full_drill"),
            full_drill_requested=self._whole(),
            cost_instance_type=settings.cost.instance_type,
            cost_estimated_runtime_minutes=self._estimate(),
            cost_ebs_root_gb=settings.cost.ebs_root_gb,
            run_bringup=self._runs("bringup"),
            run_restore=self._runs("restore"),
            run_validate=self._runs("validate"),
            run_promote=self._runs("promote"),
            run_diagnostics=self._runs(DIAGNOSE),
            validate_skip_workload_assume=settings.job.skip_workload_assume,
            kubeconfig_selection_source=self._kubeconfig_source,
            input_receipt_dir=self._input("receipt_dir").rstrip("/").rpartition("/")[2],
        )

    def decision(self) -> DecisionDocument | None:
        """Return the recorded decision, if there is one."""
        found = facts.decision(self.bundle)
        if not found:
            return None
        runner = self._observed("resolve_runner")
        decided_at = facts.text(found, "decided_at") or facts.by_phase(self.bundle)["promote"].ended_at
        return DecisionDocument(
            timestamp_utc=second(decided_at),
            mode=f"dr_drill_{facts.text(found, 'mode') or 'manual_bypass'}",
            approved=found.get("approved") is True,
            auto_promote=self.settings.promotion.auto_promote,
            manual_bypass_allowed=self.settings.promotion.allow_bypass,
            approver=facts.text(found, "approver"),
            ticket=facts.text(found, "ticket"),
            reason=facts.text(found, "reason"),
            dr_run_id=facts.text(self._observed("validate"), "run_id"),
            image_ref=self.bundle.plan.criteria.image_ref,
            backup_uri=self.bundle.plan.criteria.backup.uri,
            instance_id=facts.text(runner, "instance_id"),
            public_ip=facts.text(runner, "public_ip"),
            namespace=self.bundle.plan.criteria.workload.namespace,
            promotion_status=facts.text(found, "promotion_status"),
        )

    def _observed(self, phase: str) -> Mapping[str, Any]:
        return facts.observed(facts.by_phase(self.bundle).get(phase))

    @property
    def _kubeconfig_source(self) -> str:
        """Where the kubeconfig came from, in the reference's words; as it was asked for when no cluster was reached."""
        said = facts.text(self._observed("reach_cluster"), "source")
        return said or (GIVEN if self.settings.cluster.kubeconfig else "unset")

    def _runs(self, phase: str) -> bool:
        return phase in self.bundle.plan.phases and phase not in self.bundle.plan.window.inherited

    def _input(self, name: str) -> str:
        return next((given.value for given in self.bundle.plan.inputs if given.name == name), "")

    def _said(self, name: str) -> bool:
        return self._input(name).casefold() in {"true", "1", "yes", "y"}

    def _whole(self) -> bool:
        window = self.bundle.plan.window
        return (window.start_at, window.stop_after) == ("bringup", "promote") and self._runs(facts.TEARDOWN)

    def _estimate(self) -> int:
        plan = self.bundle.plan
        running = [name for name in plan.phases if self._runs(name)]
        return estimated_minutes(running, self.settings.cost, promotes=self.settings.promotion.auto_promote)

    def _ended_at(self) -> str:
        return max((receipt.ended_at for receipt in facts.own(self.bundle)), default=self.bundle.plan.created_at)

    def _seconds(self) -> int:
        return max(0, milliseconds(self._ended_at()) - milliseconds(self.bundle.plan.created_at)) // 1000

    def _minutes(self) -> int:
        return -(-self._seconds() // 60)
