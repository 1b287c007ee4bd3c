"""Everything that a drill will need, looked at while nothing has been changed."""

from collections.abc import Callable
from dataclasses import dataclass

from drproof.analysis.leases import read_lease
from drproof.formats import s3_uri
from drproof.formats.image_ref import registry_of
from drproof.model.capabilities import ImageSeen, ObjectInfo
from drproof.model.context import Context
from drproof.model.errors import FormatError, NotFoundError, TargetError
from drproof.model.phase import phase
from drproof.model.receipt import Caller
from drproof.phases.recovery.place import runner_tags

NOT_IN_ECR = "NotInECR"
"""What is said of an image of another registry, which nobody asks: a drill can pull it, and a preflight cannot look."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """One thing that a drill needs; `status` is `ok` or says what is wrong."""

    name: str
    place: str
    status: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PreflightObserved:
    """What is there and what is in the way."""

    primary: Caller
    recovery: Caller
    restore_point: tuple[Need, ...]
    control_plane: Need
    state_bucket: Need
    recovery_bucket: Need
    architectures: tuple[str, ...]
    image_status: str
    image_media_type: str = ""
    instance_type: str = ""
    """The type of the machine that is to run the image."""
    state_lock: str
    """Who holds the lock of the remote state; empty when nobody does."""
    lease: str
    """The drill that holds the target; empty when none does."""
    runners: tuple[str, ...]
    """Machines that carry the recovery runner's tags already."""
    receipt_store: Need | None = None
    """The bucket that receipts are stored in besides; None where nobody asked for one."""
    table_lock: str = ""
    """Who holds the lock of the remote state in its lock table; empty when nobody does, or there is no table."""


@phase(
    plans={"preflight"},
    site="recovery",
    uses={"objects.read", "runners.read", "images.read", "state.read"},
    objective_ms=60_000,
    command_hint="pytest -m preflight",
)
def check_preflight(ctx: Context) -> PreflightObserved:
    """Both identities, the restore point, the image, the buckets and the locks have been looked at."""
    primary, recovery = ctx.target.primary, ctx.target.recovery
    where = ctx.settings.recovery.provisioner
    uri = s3_uri.parse(ctx.plan.criteria.backup.uri)
    image, image_status = _image(ctx)
    return PreflightObserved(
        primary=primary.identity.caller(),
        recovery=recovery.identity.caller(),
        restore_point=tuple(
            _need(ctx, "primary", name, uri.bucket, uri.join(name)) for name in ctx.plan.criteria.backup.objects
        ),
        control_plane=_control_plane(ctx, uri),
        state_bucket=_bucket(ctx, "state bucket", where.state_bucket),
        recovery_bucket=_bucket(ctx, "recovery bucket", ctx.settings.recovery.bucket),
        architectures=tuple(sorted(image.digests)),
        image_status=image_status,
        image_media_type=image.media_type,
        instance_type=ctx.settings.recovery.instance_type,
        state_lock=_body(ctx, where.state_bucket, f"{where.state_key}.tflock"),
        lease=_body(ctx, where.state_bucket, f"{where.state_key}.drproof-lease", _is_held),
        runners=tuple(runner.instance_id for runner in recovery.fleet.runners(runner_tags(ctx))),
        receipt_store=_receipt_store(ctx),
        table_lock=_table_lock(ctx),
    )


def _table_lock(ctx: Context) -> str:
    """Return what the lock table says of the state's lock, by the name that Terraform gives it there."""
    where = ctx.settings.recovery.provisioner
    if not where.lock_table:
        return ""
    lock_id = f"{where.state_bucket}/{where.state_key}"
    try:
        return ctx.target.recovery.readiness.lock_tables.holder(where.lock_table, lock_id)
    except TargetError as exc:
        return _code(exc)


def _control_plane(ctx: Context, uri: s3_uri.S3Uri) -> Need:
    try:
        key = f"{uri.control_plane_prefix}/current.json"
    except FormatError as exc:
        return Need(name="control plane", place=str(uri), status=ctx.redact(str(exc)))
    return _need(ctx, "primary", "control plane", uri.bucket, key)


def _need(ctx: Context, side: str, name: str, bucket: str, key: str) -> Need:
    store = ctx.target.primary.objects if side == "primary" else ctx.target.recovery.objects
    try:
        size = store.head(bucket, key).size
    except TargetError as exc:
        return Need(name=name, place=f"s3://{bucket}/{key}", status=_code(exc))
    return Need(name=name, place=f"s3://{bucket}/{key}", status="ok" if size else "empty")


def _bucket(ctx: Context, name: str, bucket: str) -> Need:
    try:
        next(iter(ctx.target.recovery.objects.list(bucket, "drproof-preflight/")), None)
    except TargetError as exc:
        return Need(name=name, place=f"s3://{bucket}", status=_code(exc))
    return Need(name=name, place=f"s3://{bucket}", status="ok")


def _receipt_store(ctx: Context) -> Need | None:
    """Ask the bucket for receipts what a drill asks it first; that one can be written there, this check's own shows."""
    storing = ctx.plan.criteria.storing
    if storing is None:
        return None
    uri = s3_uri.parse(storing.uri)
    try:
        ctx.target.receipts.locks(uri.bucket)
    except TargetError as exc:
        return Need(name="receipt store", place=storing.uri, status=_code(exc))
    return Need(name="receipt store", place=storing.uri, status="ok")


def _body(
    ctx: Context, bucket: str, key: str, holds: Callable[[Context, ObjectInfo, bytes], bool] = lambda *_: True
) -> str:
    """Return what an object says that holds the target; empty where there is none, or it holds nothing any more."""
    try:
        info, data = ctx.target.recovery.objects.read(bucket, key, limit=65_536)
    except NotFoundError:
        return ""
    except TargetError as exc:
        return _code(exc)
    return (data.decode("utf-8", "replace")[:500] or "empty") if holds(ctx, info, data) else ""


def _is_held(ctx: Context, info: ObjectInfo, data: bytes) -> bool:
    """Return whether a lease holds the target; what nobody renews any more is taken over by the next drill."""
    lease = read_lease(info, data)
    if lease.holder is None or lease.holder.execution or not lease.has_run_out(ctx.clock.now()):
        return True
    ctx.say(f"the lease of {lease.holder.drill_id} has run out: the next drill takes it over")
    return False


def _image(ctx: Context) -> tuple[ImageSeen, str]:
    reference = ctx.plan.criteria.image_ref
    if not registry_of(reference):
        return ImageSeen(media_type="", digests={}), NOT_IN_ECR
    try:
        return ctx.target.primary.images.look(reference), "ok"
    except TargetError as exc:
        return ImageSeen(media_type="", digests={}), _code(exc)


def _code(exc: TargetError) -> str:
    return exc.code or "unreachable"
