"""What a preflight is judged by: what the drill after it will need, from the settings and the plan of that drill."""

from datetime import UTC, datetime
from pathlib import Path

from drproof import catalog
from drproof.engine.keys import read_trust
from drproof.engine.lifetime import needed_ms
from drproof.engine.refusal import nearest, refuse
from drproof.engine.settings import Resolved
from drproof.engine.window import WindowRequest, cover
from drproof.formats.image_ref import registry_of
from drproof.model.criteria import Preflight
from drproof.model.plan import Plan
from drproof.model.settings import Orchestrator, Settings, Triggers
from drproof.model.signing import Role

KMS = "awskms:"
BUILDS = "codebuild"
"""The provisioner that builds run for."""

DOMAINS = ("account", "region", "vpc", "subnet", "recovery bucket", "state bucket", "backup bucket")
"""What goes down together with the original site, if recovery has the same one."""

RECEIPT_BUCKET = "receipt bucket"


def triggers_of(resolved: Resolved) -> Triggers:
    """Return what starts the orchestrator by itself, as the settings name it."""
    return Triggers(
        rules=resolved["triggers.rules"], alarms=resolved["triggers.alarms"], site=resolved["triggers.site"]
    )


def orchestrator_of(resolved: Resolved) -> Orchestrator:
    """Return the parts of the orchestrator, as the settings name them."""
    return Orchestrator(
        **{name: resolved[f"orchestrator.{name}"] for name in ("machine", "function", "watcher", "reaper", "schedule")}
    )


def roles_of(settings: Settings) -> tuple[str, ...]:
    """Return the parts whose roles are asked about: those that the settings name, and builds where they work.

    Raises:
        Refusal: a part is named without those that its role's rights are about.
    """
    ours = settings.orchestrator
    around = {"machine": ours.machine, "function": ours.function}
    if (any(around.values()) or ours.watcher or ours.schedule) and not all(around.values()):
        lacking = ", ".join(f"orchestrator.{name}" for name, part in around.items() if not part)
        raise refuse(
            f"the roles of the orchestrator cannot be asked about without {lacking}",
            expected="machine and function, because the rights of the others are about them",
            got=", ".join(f"{name} = {part!r}" for name, part in around.items()),
            next_step=f"set {lacking} in drproof.toml, as the module's outputs say",
        )
    named = {
        "builds": str(settings.recovery.provisioner.kind) == BUILDS or ours.machine,
        "function": ours.function,
        "machine": ours.machine,
        "reaper": ours.reaper,
        "schedule": ours.schedule,
        "watcher": ours.watcher,
    }
    return tuple(role for role, part in named.items() if part)


def preflight_of(resolved: Resolved, settings: Settings, plan: Plan) -> Preflight:
    """Return what the sites must have for a drill; of another plan than `preflight` nothing is demanded.

    Raises:
        Refusal: an overlap is accepted of something that has no name here, or half of an orchestrator is named.
    """
    if plan.name != catalog.PREFLIGHT:
        return Preflight()
    drill = catalog.plan(catalog.RECOVERY)
    domains = (*DOMAINS, *([RECEIPT_BUCKET] if settings.storing else []))
    accepted: tuple[str, ...] = resolved["preflight.accept_overlaps"]
    for name in accepted:
        if name not in (*DOMAINS, RECEIPT_BUCKET):
            raise refuse(
                f"preflight.accept_overlaps names {name!r}, which is no failure domain",
                expected=nearest(name, domains),
                got=name,
                next_step="mend preflight.accept_overlaps in drproof.toml",
            )
    pulls = bool(settings.cluster.pull_secret and registry_of(settings.image_ref))
    # The provisioner may have a name that this version's settings do not know yet.
    builds = str(settings.recovery.provisioner.kind) == BUILDS
    return Preflight(
        # What the drill refuses by, so that it does not refuse what passed here.
        credentials_ms=needed_ms(
            cover(drill, WindowRequest(), None).run, settings.limits, waits_ms=settings.promotion.await_ms
        ),
        clock_skew_ms=resolved["preflight.clock_skew"],
        quotas=("vCPUs", *(["builds"] if builds else [])),
        uses=verbs_of(drill, settings),
        roles=roles_of(settings),
        triggers=(
            *(f"rule {name}" for name in settings.triggers.rules),
            *(f"alarm {name}" for name in settings.triggers.alarms),
        ),
        domains=domains,
        accepted_overlaps=tuple(name for name in domains if name in accepted),
        login_expected=pulls,
        cluster_expected=pulls and bool(settings.cluster.kubeconfig),
    )


def verbs_of(plan: Plan, settings: Settings) -> tuple[str, ...]:
    """Return the capability verbs of a plan's phases, and those of the engine around them."""
    verbs = {verb for phase in plan.phases for verb in phase.uses} | {"identity.read"}
    if plan.mutates:
        verbs.add("lease.hold")
    if settings.storing is not None:
        verbs.add("receipts.create")
    if settings.signing.signer.startswith(KMS):
        verbs.add("signing.sign")
    return tuple(sorted(verbs))


def approvers_of(settings: Settings) -> tuple[str, ...]:
    """Return who can approve: the keys that a named trust file believes as approvers now, else whoever is named.

    Raises:
        Refusal: the trust file cannot be read.
    """
    if not settings.signing.trust:
        return (settings.promotion.approver,) if settings.promotion.approver else ()
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")
    keys = read_trust(Path(settings.signing.trust)).keys
    return tuple(
        key.keyid for key in keys if key.role is Role.APPROVER and key.revoked_at is None and not key.counts_at(now)
    )
