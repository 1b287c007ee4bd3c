"""The restore point, read once from front to back before anything is paid for."""

from drproof.formats import archive
from drproof.formats.member_manifest import ListedMember
from drproof.model.context import Context
from drproof.model.phase import phase
from drproof.model.receipt import Digest
from drproof.phases.backup.observed import RestorePointObserved
from drproof.phases.backup.reading import Place, read_point


@phase(
    plans={"recovery", "backup"},
    after=["check_health"],
    window="bringup",
    site="primary",
    uses={"objects.read", "buckets.read"},
    objective_ms=600_000,
    keeps={
        "members": dict[str, tuple[archive.Member, ...]],
        "promised_members": dict[str, tuple[ListedMember, ...]],
        "control_plane": dict[str, Digest],
    },
    command_hint="pytest -m backup-check --backup-uri s3://…",
)
def read_restore_point(ctx: Context) -> RestorePointObserved:
    """Every byte of the restore point has been read once and hashed, and nothing was extracted."""
    criteria = ctx.plan.criteria
    place = Place(
        objects=ctx.target.primary.objects,
        sections=criteria.control_plane_sections,
        redact=ctx.redact,
    )
    reading = read_point(place, criteria.backup, progress=ctx.moved, expect=lambda size: ctx.moved(0, of=size))
    ctx.evidence("members", reading.members)
    ctx.evidence("promised_members", reading.promised)
    # Also when nothing could be read: an absent listing could not be told from one that was lost.
    ctx.evidence("control_plane", reading.control_plane)
    return reading.observed
