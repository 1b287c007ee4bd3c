"""Everything that the drill created goes away, and a second, independent look says so."""

from dataclasses import dataclass

from drproof.model.context import DRILL_TAG, Context
from drproof.model.errors import NotFoundError
from drproof.model.phase import phase
from drproof.model.receipt import Count
from drproof.phases.recovery.place import isolated_prefix, runner_spec, runner_tags

PATIENCE_MS = 10_000
"""How long the platform may take to let go of what was removed."""

POLL_MS = 250
CREATING = ("runner.up", "objects.put")
REMOVE = {
    "instance": "aws ec2 terminate-instances --region {region} --instance-ids {identity}",
    "volume": "aws ec2 delete-volume --region {region} --volume-id {identity}",
    "security-group": "aws ec2 delete-security-group --region {region} --group-id {identity}",
    "network-interface": "aws ec2 delete-network-interface --region {region} --network-interface-id {identity}",
    "key-pair": "aws ec2 delete-key-pair --region {region} --key-pair-id {identity}",
    "snapshot": "aws ec2 delete-snapshot --region {region} --snapshot-id {identity}",
    "objects": "aws s3 rm --region {region} --recursive {identity}",
    "state": "terraform destroy, with the state {identity}",
    "lock": "terraform force-unlock, with the lock {identity}",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """Something that exists at the recovery site; objects under one prefix are one item."""

    kind: str
    identity: str
    state: str = ""
    count: Count = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Residue:
    """Something of the drill that is still there, and the command that removes it."""

    kind: str
    identity: str
    remove_command: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TeardownObserved:
    """What there was, what was removed, and what a recount of everything found."""

    origin: str
    intended: Count
    """Creating effects in the journals of this drill, whether or not their outcome is known."""
    created: Count
    """Those of them that are known to have been done."""
    before: tuple[Item, ...]
    destroyed: Count
    removed: tuple[Item, ...]
    residue: tuple[Residue, ...]
    foreign: tuple[Item, ...]
    """What carries the runner's tags and not the drill's: listed, and left."""


@phase(
    plans={"recovery"},
    window="teardown",
    mutates=True,
    always=True,
    uses={"runner.down", "objects.delete", "runners.read"},
    objective_ms=480_000,
    command_hint="pytest -m drill --start-at teardown --receipt-dir …",
)
def teardown(ctx: Context) -> TeardownObserved:
    """Everything with the drill's tag was removed where the drill created it, and then counted again."""
    bucket, prefix = ctx.settings.recovery.bucket, f"{isolated_prefix(ctx)}/"
    creating = ctx.effects.made(*CREATING)
    before = _own(ctx)
    destroyed = 0
    spec = runner_spec(ctx)
    recovery = ctx.target.recovery
    # A run that never meant to create anything has nothing to remove, and must not touch the state.
    if creating or any(item.kind != "objects" for item in before):
        with ctx.effects.intend("runner.down", spec.name, {"tags": dict(spec.tags)}) as pending:
            destroyed = recovery.provisioner.down(pending.intent, spec).destroyed
            pending.done(destroyed=destroyed)
    keys = [info.key for info in recovery.objects.list(bucket, prefix)]
    if keys and ctx.effects.made("objects.put"):
        with ctx.effects.intend("objects.delete", f"s3://{bucket}/{prefix}", {"count": len(keys)}) as pending:
            recovery.objects.delete(pending.intent, bucket, keys)
            pending.done(count=len(keys))
    left = _recount(ctx)
    gone = {(item.kind, item.identity) for item in left}
    return TeardownObserved(
        origin=ctx.origin,
        intended=len(creating),
        created=sum(effect.outcome == "done" for effect in creating),
        before=before,
        destroyed=destroyed,
        removed=tuple(item for item in before if (item.kind, item.identity) not in gone),
        residue=tuple(_residue(ctx, item) for item in left),
        foreign=_foreign(ctx),
    )


@teardown.repair
def wait_a_moment(ctx: Context, error: Exception) -> str:
    """Wait for the platform to settle before the second attempt."""
    del error
    ctx.clock.sleep_ms(ctx.settings.limits.backoff_ms // 3)
    return "waited for the platform to settle"


def _own(ctx: Context) -> tuple[Item, ...]:
    """Return everything of this drill that exists: by tag, by prefix, by state and by lock."""
    recovery = ctx.target.recovery
    mark = {DRILL_TAG: ctx.origin}
    bucket, prefix = ctx.settings.recovery.bucket, f"{isolated_prefix(ctx)}/"
    tagged = (Item(kind=one.kind, identity=one.identity, state=one.state) for one in recovery.fleet.tagged(mark))
    items = sorted(tagged, key=lambda item: (item.kind, item.identity))
    if count := sum(1 for _ in recovery.objects.list(bucket, prefix)):
        items.append(Item(kind="objects", identity=f"s3://{bucket}/{prefix}", count=count))
    if held := recovery.provisioner.holds():
        mine = {item.identity for item in items}
        if mine.intersection(held) or ctx.effects.made("runner.up"):
            items.append(Item(kind="state", identity=recovery.provisioner.state, count=len(held)))
    return tuple(items)


def _recount(ctx: Context) -> tuple[Item, ...]:
    """Look again until nothing of the drill is left, or the time is over."""
    deadline = ctx.clock.monotonic_ms() + PATIENCE_MS
    while left := (*_own(ctx), *_own_lock(ctx)):
        if ctx.clock.monotonic_ms() >= deadline:
            break
        ctx.clock.sleep_ms(POLL_MS)
    return left


def _own_lock(ctx: Context) -> tuple[Item, ...]:
    """Return the lock of the state when this drill's own provisioner may have left it behind."""
    if not any(effect.outcome == "" for effect in ctx.effects.made("runner.up", "runner.down")):
        return ()
    where = ctx.settings.recovery.provisioner
    try:
        ctx.target.recovery.objects.head(where.state_bucket, f"{where.state_key}.tflock")
    except NotFoundError:
        return ()
    return (Item(kind="lock", identity=f"s3://{where.state_bucket}/{where.state_key}.tflock"),)


def _residue(ctx: Context, item: Item) -> Residue:
    region = ctx.plan.criteria.sites.recovery.region
    template = REMOVE.get(item.kind, "remove the {kind} {identity} in {region}")
    return Residue(
        kind=item.kind,
        identity=item.identity,
        remove_command=template.format(kind=item.kind, identity=item.identity, region=region),
    )


def _foreign(ctx: Context) -> tuple[Item, ...]:
    return tuple(
        Item(kind="instance", identity=runner.instance_id, state=runner.state)
        for runner in ctx.target.recovery.fleet.runners(runner_tags(ctx))
        if runner.tags.get(DRILL_TAG) != ctx.origin
    )
