"""Preparation: everything that is decided before a service is touched.

What comes out is the plan of this run with its criteria; what is wrong with the request is refused here.
"""

import os
import re
import secrets
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import drproof
from drproof import catalog
from drproof.analysis.cost import estimated_minutes
from drproof.engine import fleet as fleets
from drproof.engine import named
from drproof.engine.approving import LONGEST_MS
from drproof.engine.clock import SystemClock
from drproof.engine.criteria import criteria_of, expected_of, settings_of
from drproof.engine.keys import TRUST, read_trust
from drproof.engine.kubeconfig import uid_of
from drproof.engine.places import check_places, refuse_unreachable, rooted, with_signer
from drproof.engine.private import Private
from drproof.engine.readiness import approvers_of
from drproof.engine.refusal import refuse
from drproof.engine.settings import EMBEDDED, Scenario, find_file, resolve, scenario
from drproof.engine.window import Coverage, WindowRequest, cover
from drproof.evidence.bundle import Bundle
from drproof.evidence.expectations import Expectations
from drproof.evidence.history import last_of
from drproof.evidence.verification import SIGNATURES, verify
from drproof.formats import booleans
from drproof.model.codec import encode
from drproof.model.collection import Collection
from drproof.model.criteria import Criteria, ExpectedContract, Fleet, Input, PlanDocument
from drproof.model.errors import EvidenceError, FormatError
from drproof.model.plan import Plan
from drproof.model.receipt import Mode, Tool
from drproof.model.settings import Settings
from drproof.targets.signers import FILE

NEEDED: Mapping[str, tuple[str, ...]] = {
    catalog.HEALTH: ("target", "sites.primary.", "primary."),
    catalog.BACKUP: ("target", "sites.primary.", "drill.backup_uri", "criteria.rpo"),
    catalog.FLEET: ("target", "sites.primary.", "criteria.rpo"),
}
"""The settings that a read-only plan cannot do without; a plan that is not listed needs all."""

EXPIRES_AFTER = timedelta(hours=12)
"""When what a drill created may be removed by anyone, counted from its opening and the time that people have."""

LONGEST_LIFE = EXPIRES_AFTER + timedelta(milliseconds=LONGEST_MS)
DRILL_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,79}")


@dataclass(frozen=True, slots=True, kw_only=True)
class DrillRequest:
    """What a driver was asked to run; options are as the user typed them, None for what was not said."""

    plan: str
    options: Mapping[str, Any] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))
    directory: Path = field(default_factory=Path.cwd)


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """A run that can start: nothing outside this process knows of it yet."""

    drill_id: str
    mode: Mode
    plan: Plan
    coverage: Coverage
    criteria: Criteria
    settings: Settings
    contracts: tuple[ExpectedContract, ...]
    inputs: tuple[Input, ...]
    reports: Path
    scenario: Scenario | None
    prior: Bundle | None
    values: Mapping[str, Any]
    """Every setting by its path."""
    notes: tuple[str, ...]
    collection: Collection = field(default_factory=Collection)
    """What is handed to the phases besides."""
    previous: str | None = None
    """The digest of the last bundle of the same plan that was closed here before: what is left out is missed."""

    @property
    def directory(self) -> Path:
        """Where the proof of this run will lie."""
        return self.reports / self.drill_id

    @property
    def teardown_is_armed(self) -> bool:
        """Whether this run removes what it created, whatever happens."""
        return any(phase.window == "teardown" for phase in self.coverage.run)

    def document(self, *, nonce: str, created_at: str, tool: Tool) -> PlanDocument:
        """Return the plan as it is written down before the first effect."""
        return PlanDocument(
            drill_id=self.drill_id,
            mode=self.mode,
            plan=self.plan.name,
            scenario=self.scenario.name if self.scenario else "",
            created_at=created_at,
            nonce=nonce,
            previous_bundle=self.prior.digest if self.prior else self.previous,
            window=self.coverage.window,
            manual_phase=self.coverage.manual,
            phases=self.coverage.names,
            contracts=self.contracts,
            criteria=self.criteria,
            max_attempts=self.settings.limits.max_attempts,
            inputs=self.inputs,
            tool=tool,
        )


def prepare(request: DrillRequest) -> Prepared:
    """Return a run that can start.

    Raises:
        Refusal: something about the request is wrong; nothing was changed.
    """
    plan = catalog.plan(request.plan)
    options, fleet = fleets.asked(plan.name, request.options)
    named.refuse_elsewhere(plan.name, options)
    name = options.get("scenario") or ""
    window = _window(options, plan)
    if options.get("receipt_dir") and not plan.mutates:
        raise refuse(f"plan {plan.name} builds on no earlier run", next_step="leave out --receipt-dir")
    prior = _prior(options.get("receipt_dir"), request.directory)
    earlier = Private.of(prior.directory).handover() if prior else None
    resolved = resolve(
        options,
        request.environment,
        find_file(request.directory),
        scenario_name=name,
        needed=NEEDED.get(request.plan, ("",)),
        earlier=earlier.values if earlier else None,
        directory=request.directory,
    )
    embedded = resolved["target"] == EMBEDDED
    notes: list[str] = []
    if window.whole and plan.mutates:
        notes += _guard_the_full_drill(options, request.environment, embedded=embedded)
    flags = _flags(options, request.environment)
    settings = rooted(settings_of(resolved, no_retry=flags["no_retry"]), request.directory)
    settings = fleets.settings_for(fleet, settings)
    if settings.cluster.kubeconfig and not settings.cluster.uid:
        # The cluster of the window before is the one that is meant, however it is reached now.
        settings = replace(settings, cluster=replace(settings.cluster, uid=uid_of(prior)))
    check_places(settings, plan, resolved["backup.archives"], allow_tag=flags["allow_tag"] or flags["DEV_MODE"])
    settings = with_signer(settings, plan, request.directory)
    if plan.name == catalog.PREFLIGHT:
        settings = replace(settings, approvers=approvers_of(settings))
    if prior is not None:
        _refuse_a_stranger(prior, settings)
    passed = {receipt.phase: receipt.passed for receipt in prior.receipts} if prior else None
    by_hand = [receipt.phase for receipt in prior.receipts if receipt.manual is not None] if prior else []
    coverage = cover(plan, window, passed, by_hand=by_hand)
    refuse_unreachable(settings, (phase.name for phase in coverage.run), live=not embedded)
    challenge = prior.plan.criteria.workload.challenge if prior else ""
    criteria = criteria_of(resolved, settings, plan, teardown=window.teardown, challenge=challenge)
    # Whether it was forced is fixed with the first window, and judged again by that.
    forced = prior.plan.criteria.force_recovery if prior is not None else criteria.force_recovery
    criteria = replace(criteria, fleet=fleet or Fleet(), force_recovery=forced)
    mode: Mode = "rehearsal" if embedded else "live"
    if prior is not None and earlier is not None:
        _refuse_another_drill(prior.plan, earlier.settings, plan=plan, mode=mode, criteria=criteria, settings=settings)
    if plan.mutates:
        _refuse_local_state(request.environment)
        running = [phase.name for phase in coverage.run]
        minutes = estimated_minutes(running, settings.cost, promotes=settings.promotion.auto_promote)
        machine = f"{settings.cost.instance_type} with {settings.cost.ebs_root_gb} GB of disk"
        notes.append(f"cost note: about {minutes} minutes of {machine}; drproof knows no prices")
    if embedded:
        notes.append("rehearsal against the embedded world: it proves drproof, never anyone's recovery")
    said = tuple(
        Input(name=key, value=str(value), source=f"option --{key.replace('_', '-')}")
        for key, value in sorted(options.items())
        if value is not None and key in _RECORDED
    )
    reports = (request.directory / resolved["reports"]).resolve()
    return Prepared(
        drill_id=_drill_id(options.get("run_id") or request.environment.get("RUN_ID") or "", request.plan),
        mode=mode,
        plan=plan,
        coverage=coverage,
        criteria=criteria,
        settings=settings,
        contracts=expected_of(plan, coverage, criteria),
        inputs=(*(one for one in resolved.inputs if fleet is None or one.name != "drill.backup_uri"), *said),
        reports=reports,
        scenario=scenario(name) if name else None,
        prior=prior,
        values=resolved.values,
        notes=tuple(notes),
        collection=Collection(
            drills=named.drills_in(
                named.folders(options, named.DRILLS, request.directory),
                named.trust_in(settings.signing.trust, request.directory),
                named.now(),
            )
        ),
        previous=last_of(reports, plan.name, mode),
    )


_RECORDED = frozenset(
    {
        "start_at",
        "stop_after",
        "validate_only",
        "diagnostics_only",
        "teardown",
        "no_retry",
        "allow_full_drill",
        "allow_tag",
        "receipt_dir",
        "backups_under",
        "scenario",
    }
)


def tool() -> Tool:
    """Return which drproof this is; the revision only where it runs from a source tree."""
    root = Path(drproof.__file__).resolve().parent.parent
    sha = ""
    if (root / ".git").exists():
        answer = subprocess.run(  # noqa: S603 — fixed words
            ["git", "-C", str(root), "rev-parse", "HEAD"],  # noqa: S607 — the operator's git
            capture_output=True,
            text=True,
            timeout=10,
            check=False,
        )
        sha = answer.stdout.strip() if answer.returncode == 0 else ""
    version = ".".join(str(part) for part in sys.version_info[:3])
    return Tool(version=drproof.__version__, git_sha=sha, python=version)


def _window(options: Mapping[str, Any], plan: Plan) -> WindowRequest:
    request = WindowRequest(
        start_at=options.get("start_at") or "",
        stop_after=options.get("stop_after") or "",
        validate_only=bool(options.get("validate_only")),
        diagnostics_only=bool(options.get("diagnostics_only")),
        teardown=_flag(options.get("teardown"), "--teardown", default=True),
        manual=options.get("manual") or "",
    )
    if not plan.mutates and request != WindowRequest():
        raise refuse(f"plan {plan.name} has no windows", next_step="leave out --start-at, --stop-after and --teardown")
    return request


def _flags(options: Mapping[str, Any], environment: Mapping[str, str]) -> dict[str, bool]:
    return {
        "no_retry": bool(options.get("no_retry")),
        "allow_tag": bool(options.get("allow_tag")),
        "DEV_MODE": _flag(environment.get("DEV_MODE") or None, "environment DEV_MODE", default=False),
    }


def _flag(value: object, name: str, *, default: bool) -> bool:
    if value is None or isinstance(value, bool):
        return default if value is None else value
    try:
        return booleans.parse(str(value))
    except FormatError as exc:
        raise refuse(f"{name}: {exc}", next_step=f"give {name} true or false") from exc


def _refuse_local_state(environment: Mapping[str, str]) -> None:
    mode = environment.get("TF_BACKEND_MODE", "remote")
    if mode != "remote":
        raise refuse(
            "state on this machine cannot be undone from another one",
            expected="TF_BACKEND_MODE=remote, or none",
            got=f"TF_BACKEND_MODE={mode}",
            next_step="set recovery.provisioner.state_bucket and state_key in drproof.toml",
        )


def _guard_the_full_drill(
    options: Mapping[str, Any], environment: Mapping[str, str], *, embedded: bool
) -> tuple[str, ...]:
    if embedded:
        return ("a full drill needs no --allow-full-drill here: the guard is lifted for the embedded world only",)
    allowed = bool(options.get("allow_full_drill")) or _flag(
        environment.get("ALLOW_FULL_DRILL") or None, "environment ALLOW_FULL_DRILL", default=False
    )
    if not allowed:
        raise refuse(
            "a full live drill creates and removes machines",
            expected="--allow-full-drill or ALLOW_FULL_DRILL=1",
            got="neither",
            next_step="pytest -m drill --allow-full-drill …, or a window such as --stop-after bringup --teardown false",
        )
    return ()


def _prior(given: str | None, directory: Path) -> Bundle | None:
    if not given:
        return None
    path = (directory / given).resolve()
    types = {phase.name: phase.observes for phase in catalog.phases()}
    try:
        bundle = Bundle.open(path, types)
        problems = bundle.problems()
    except (EvidenceError, OSError) as exc:
        raise refuse(
            f"--receipt-dir {path} is no bundle: {exc}", next_step="name the folder of an earlier drill"
        ) from exc
    if problems:
        raise refuse(
            f"--receipt-dir {path} is not as it was sealed: {problems[0].message}",
            next_step="use an untouched bundle, or start at bringup",
        )
    return bundle


def _refuse_a_stranger(prior: Bundle, settings: Settings) -> None:
    """Refuse to build on a bundle that no key of the trust file signed; without a trust file nobody can tell."""
    signing = settings.signing
    path = Path(signing.trust) if signing.trust else Path(signing.signer.removeprefix(FILE)).with_name(TRUST)
    if not signing.trust and not (signing.own and path.is_file()):
        return
    found = verify(
        prior.directory,
        catalog.types(),
        trust=read_trust(path),
        expect=Expectations(accept_rehearsal=True),
        now=SystemClock().now(),
    )
    doubts = [problem for problem in found.problems if problem.code in SIGNATURES]
    if doubts:
        raise refuse(
            f"--receipt-dir {prior.directory}: {doubts[0].message}",
            expected=f"an earlier window signed by a key of {path}",
            got=doubts[0].code,
            next_step="name the trust file that believes its key with --trust, or start at bringup",
        )


def _refuse_another_drill(  # noqa: PLR0913 — the two sides of a comparison
    before: PlanDocument, places: Settings, *, plan: Plan, mode: Mode, criteria: Criteria, settings: Settings
) -> None:
    """Refuse a window that moves the bar, or the place, of the windows that it builds on."""
    # Whether this window tears down, promotes or waits for people, and where it stores its receipts, is its own affair.
    bar = replace(
        before.criteria,
        teardown=criteria.teardown,
        promotion_expected=criteria.promotion_expected,
        approval=criteria.approval,
        storing=criteria.storing,
        # Which cluster it is, the receipts say; how it is reached may change.
        workload=replace(before.criteria.workload, cluster_uid=criteria.workload.cluster_uid),
    )
    way = settings.cluster
    cluster = replace(places.cluster, kubeconfig=way.kubeconfig, context=way.context, uid=way.uid)
    pairs = {
        "plan": (before.plan, plan.name),
        "mode": (before.mode, mode),
        "criteria": (encode(bar), encode(criteria)),
        "recovery": (encode(places.recovery), encode(settings.recovery)),
        "primary": (encode(places.primary), encode(settings.primary)),
        "validation": (encode(places.validation), encode(settings.validation)),
        "cluster": (encode(cluster), encode(settings.cluster)),
        "job": (encode(places.job), encode(settings.job)),
    }
    for name, (was, now) in pairs.items():
        if was != now:
            field = next((key for key in was if was[key] != now[key]), "") if isinstance(was, dict) else ""
            raise refuse(
                f"--receipt-dir is of a drill with another {name}{f'.{field}' if field else ''}",
                expected=str(was[field] if field else was),
                got=str(now[field] if field else now),
                next_step="leave the setting as it was, or start a drill of its own at bringup",
            )


def _drill_id(given: str, plan: str) -> str:
    if given:
        if not DRILL_ID.fullmatch(given):
            raise refuse(
                "the run id is no folder name",
                expected=DRILL_ID.pattern,
                got=given,
                next_step="choose another --run-id",
            )
        return given
    return f"{plan}-{datetime.now(UTC):%Y%m%dT%H%M%SZ}-{secrets.token_hex(3)}"
