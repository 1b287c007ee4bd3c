"""Where both sites lie: what would go down together with the original one."""

from dataclasses import dataclass

from drproof.formats import s3_uri
from drproof.model.capabilities import SiteTarget
from drproof.model.context import Context
from drproof.model.errors import TargetError
from drproof.model.phase import phase


@dataclass(frozen=True, slots=True, kw_only=True)
class BucketPlace:
    """A bucket that a recovery depends on: where it lies, or the code with which it did not say."""

    name: str
    bucket: str
    region: str
    status: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SitePlace:
    """Where one site lies; a network is named as region/id, with no id where nobody named one."""

    account: str
    region: str
    vpc: str
    subnet: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DomainsObserved:
    """Both sites, the bucket that the original one publishes into, and those that a recovery depends on."""

    primary: SitePlace
    recovery: SitePlace
    published: str
    buckets: tuple[BucketPlace, ...]


@phase(
    plans={"preflight"}, uses={"identity.read", "places.read"}, objective_ms=30_000, command_hint="pytest -m preflight"
)
def read_domains(ctx: Context) -> DomainsObserved:
    """Both sites and every bucket of a recovery have said where they lie."""
    settings = ctx.settings
    where, primary, recovery = settings.recovery.provisioner, ctx.target.primary, ctx.target.recovery
    named = [
        ("recovery bucket", settings.recovery.bucket, recovery),
        ("state bucket", where.state_bucket, recovery),
        ("backup bucket", s3_uri.parse(ctx.plan.criteria.backup.uri).bucket, primary),
    ]
    buckets = [_place(ctx, name, bucket, site) for name, bucket, site in named]
    if settings.storing is not None:
        buckets.append(_receipts(ctx, s3_uri.parse(settings.storing.uri).bucket, settings.storing.owner))
    return DomainsObserved(
        primary=_site(primary, settings.primary.vpc_id, settings.primary.subnet_id),
        recovery=_site(recovery, where.vpc_id, where.subnet_id),
        published=settings.primary.bucket,
        buckets=tuple(buckets),
    )


def _site(site: SiteTarget, vpc: str, subnet: str) -> SitePlace:
    caller = site.identity.caller()
    return SitePlace(
        account=caller.account_id,
        region=caller.region,
        vpc=f"{caller.region}/{vpc}",
        subnet=f"{caller.region}/{subnet}",
    )


def _place(ctx: Context, name: str, bucket: str, site: SiteTarget) -> BucketPlace:
    try:
        region = site.objects.describe(bucket).region
    except TargetError as exc:
        ctx.say(str(exc))
        return BucketPlace(name=name, bucket=bucket, region="", status=exc.code or "unreachable")
    return BucketPlace(name=name, bucket=bucket, region=region, status="ok")


def _receipts(ctx: Context, bucket: str, owner: str) -> BucketPlace:
    """Return where the bucket for receipts lies; it may belong to a third account."""
    try:
        region = ctx.target.recovery.readiness.buckets.region(bucket, owner=owner)
    except TargetError as exc:
        ctx.say(str(exc))
        return BucketPlace(name="receipt bucket", bucket=bucket, region="", status=exc.code or "unreachable")
    return BucketPlace(name="receipt bucket", bucket=bucket, region=region, status="ok")
