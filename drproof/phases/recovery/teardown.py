"""Everything that the drill created goes away, and a second, independent look says so."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from drproof.analysis.ownership import doubts, refuse_too_many
from drproof.model.capabilities import ObjectInfo
from drproof.model.changes import Change
from drproof.model.codec import decode, encode
from drproof.model.context import DRILL_TAG, Context
from drproof.model.errors import DrproofError, NotFoundError, TargetError
from drproof.model.machines import Resource
from drproof.model.ownership import Bounds
from drproof.model.phase import phase
from drproof.model.receipt import Count
from drproof.phases.recovery import census, cluster_residue, own_objects, tool_used
from drproof.phases.recovery.census import CLUSTER, IN_A_CLUSTER, UNCOUNTED, UNMARKED, Item
from drproof.phases.recovery.place import bounds_of, isolated_prefix, runner_spec, runner_tags

FOREIGN_SHOWN = 100
"""How many foreign objects a receipt names; all of them are left."""

CREATING = ("runner.up", own_objects.WRITING, *cluster_residue.MAKING)
NOT_THE_MACHINE = frozenset({"objects", IN_A_CLUSTER, CLUSTER})
LASTING = frozenset({"Forbidden", "Unauthorized", "Invalid", "AccessDenied"})
"""Refusals that the next attempt would hear again."""
LOOK = (
    "look whose it is, no journal of this drill made it: "
    "aws ec2 describe-tags --region {region} --filters Name=resource-id,Values={identity}"
)
UNTAGGED = "see who took the drill's tag off; it is what the drill made: "
REMOVE = {
    "instance": "aws ec2 terminate-instances --region {region} --instance-ids {identity}",
    "volume": "aws ec2 delete-volume --region {region} --volume-id {identity}",
    "security-group": "aws ec2 delete-security-group --region {region} --group-id {identity}",
    "network-interface": "aws ec2 delete-network-interface --region {region} --network-interface-id {identity}",
    "key-pair": "aws ec2 delete-key-pair --region {region} --key-pair-id {identity}",
    "snapshot": "aws ec2 delete-snapshot --region {region} --snapshot-id {identity}",
    # By the journals, key by key: a removal of the whole prefix would take what others put there.
    "objects": "pytest -m drill --start-at teardown --receipt-dir reports/{drill}",
    "cluster-object": "kubectl delete, with the kubeconfig that the drill was given: {identity}",
    "cluster": "kubectl get namespaces, with the kubeconfig that the drill was given, pinned to {identity}",
    # By now it may be another drill's: a sweep looks, and removes nothing unless it is told to.
    "state": "drproof gc, which says of which drill {identity} is and with what command it goes",
    "lock": "drproof gc, which says who holds {identity} and with what command it is given back",
}


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
    """What was there of the drill when its first teardown began, and what came up since."""
    before_unsettled: tuple[Item, ...] = ()
    """What an earlier window counted besides, whose removal is not known to have ended."""
    destroyed: Count
    made: tuple[str, ...] = ()
    """What the bring-up wrote down that the remote state held, by the names of the tool that made it."""
    held_before: tuple[str, ...] = ()
    """What the state held of the drill ahead of the first removal, by this window's look or an earlier one's."""
    held_after: tuple[str, ...] = ()
    """What it holds of it now."""
    held_unsettled: tuple[str, ...] = ()
    """What it held by an earlier window's look, whose removal is not known to have ended."""
    removed: tuple[Item, ...]
    residue: tuple[Residue, ...]
    refused: tuple[str, ...] = ()
    """Why there is residue in a cluster, where it refused for good: the first line of each refusal."""
    foreign_before: tuple[Item, ...]
    """What was there and is not the drill's: all that carries the runner's tags, objects under its prefix."""
    foreign: tuple[Item, ...]
    """What of the same kind is there afterwards: foreign things are listed, and left."""
    provisioner: str = ""
    """How the machine was taken away, by this removal or an earlier one's; empty where nothing had been meant, and in
    receipts of an earlier drproof."""
    provisioner_version: str = ""
    providers: Mapping[str, str] = field(default_factory=dict)
    """The plugins of the tool, each with its version; none where the state held nothing."""


@phase(
    plans={"recovery"},
    window="teardown",
    mutates=True,
    always=True,
    uses={"runner.down", "objects.delete", "residue.read", "cluster.read", "cluster.delete"},
    objective_ms=480_000,
    command_hint="pytest -m drill --start-at teardown --receipt-dir …",
)
def teardown(ctx: Context) -> TeardownObserved:
    """Everything with the drill's tag was removed where the drill created it, and then counted again."""
    creating = ctx.effects.made(*CREATING)
    counted, foreign_before, held_now = _before(ctx)
    before = counted.settled
    named = frozenset(item.identity for item in foreign_before)
    _refuse_too_many(ctx)
    refused = _remove_from_the_cluster(ctx)
    failure = _remove_objects(ctx)
    done = Change(created=0, changed=0, destroyed=0)
    # A run that never meant to create anything has nothing to remove, and must not touch the state.
    if creating or any(item.kind not in NOT_THE_MACHINE for item in before):
        spec = runner_spec(ctx)
        told = {"tags": dict(spec.tags), "held": list(held_now)}
        with ctx.effects.intend("runner.down", spec.name, told) as pending:
            provisioner = ctx.target.recovery.provisioner
            done = provisioner.down(pending.intent, spec, bounds_of(ctx), say=ctx.say)
            pending.done(**tool_used.told(provisioner, done))
    if failure is not None:
        raise failure
    left = _recount(ctx)
    _raise_what_may_pass(refused, left)
    there = {(item.kind, item.identity) for item in left}
    foreign = _foreign(ctx, named)
    strange = {(item.kind, item.identity) for item in foreign}
    held, used = census.held(ctx.effects, ctx.drill_id), tool_used.that_took_away(ctx.effects)
    return TeardownObserved(
        origin=ctx.origin,
        intended=len(creating),
        created=sum(effect.outcome == "done" for effect in creating),
        before=before,
        before_unsettled=counted.unsettled,
        destroyed=done.destroyed,
        made=_made(ctx),
        held_before=held.before,
        held_after=_held(ctx),
        held_unsettled=held.unsettled,
        removed=tuple(item for item in before if (item.kind, item.identity) not in there | strange),
        residue=tuple(_residue(ctx, item, strange=(item.kind, item.identity) in strange) for item in left),
        refused=tuple(dict.fromkeys(_first_line(error) for error in refused if left)),
        foreign_before=foreign_before,
        foreign=foreign,
        provisioner=used.kind,
        provisioner_version=used.version,
        providers=used.providers,
    )


def _before(ctx: Context) -> tuple[census.Counted, tuple[Item, ...], tuple[str, ...]]:
    """Return what was the drill's own ahead of its first removal, what was foreign, and what the state holds.

    What is foreign is that ahead of this window's first removal, and what the state holds that ahead of this attempt.
    An attempt after the first, or a process that goes on with a run, would not see what was removed before it. What is
    foreign may go away between two windows, and no drill has taken it.
    """
    own = _own(ctx)
    look = census.of_this_window(ctx.effects, ctx.drill_id)
    held = () if census.unread_state(own) else _held(ctx)
    if look is None:
        foreign = _foreign(ctx)
        with ctx.effects.intend(census.CENSUS, ctx.drill_id) as pending:
            pending.done(own=encode(own), foreign=encode(foreign), held=list(held))
    else:
        foreign = decode(tuple[Item, ...], look.result["foreign"])
    counted = census.counted(ctx.effects, ctx.drill_id, CREATING, own)
    return counted.without(_gone_by_name(ctx, counted.unsettled)), foreign, held


def _gone_by_name(ctx: Context, items: tuple[Item, ...]) -> tuple[Item, ...]:
    """Return those things of a cluster that are not there any more, whatever they would carry, where it answers."""
    asked = [item for item in items if item.kind == IN_A_CLUSTER]
    if not asked or not cluster_residue.outlives(ctx):
        return ()
    try:
        cluster = cluster_residue.opened(ctx)
        return tuple(item for item in asked if cluster_residue.is_gone(cluster, item.identity))
    except DrproofError:
        return ()


def _made(ctx: Context) -> tuple[str, ...]:
    """Return what the state held when the last bring-up of this drill ended well."""
    done = [effect for effect in ctx.effects.made("runner.up") if effect.outcome == "done"]
    return tuple(str(name) for name in done[-1].result.get("held", ())) if done else ()


def _held(ctx: Context) -> tuple[str, ...]:
    """Return what the state holds of this drill; it may be another's, and is not looked at where nothing was made."""
    return ctx.target.recovery.provisioner.holds() if ctx.effects.made("runner.up") else ()


def _remove_from_the_cluster(ctx: Context) -> list[DrproofError]:
    """Remove what was made in a cluster that outlives the drill; failures are returned: the rest goes all the same."""
    if not cluster_residue.outlives(ctx):
        return []
    try:
        cluster = cluster_residue.opened(ctx)
        errors = cluster_residue.remove(ctx, cluster, cluster_residue.census(ctx, cluster))
    except DrproofError as exc:
        errors = [exc]
    for error in errors:
        ctx.say(_first_line(error))
    return errors


def _first_line(error: DrproofError) -> str:
    return str(error).partition("\n")[0]


def _raise_what_may_pass(errors: list[DrproofError], left: tuple[Item, ...]) -> None:
    """Fail the attempt when the next one may remove more; what is refused for good is residue, and told as that."""
    for error in errors:
        if left and isinstance(error, TargetError) and error.code not in LASTING:
            names = ", ".join(item.identity for item in left[:FOREIGN_SHOWN])
            msg = f"{_first_line(error)}; still there: {names}"
            raise type(error)(msg, code=error.code, call=error.call)


def _remove_objects(ctx: Context) -> TargetError | None:
    """Remove the objects that the journals tell of; a failure is returned: the machine goes away all the same."""
    try:
        keys = own_objects.removable(ctx)
        if keys:
            place = f"s3://{ctx.settings.recovery.bucket}/{isolated_prefix(ctx)}/"
            with ctx.effects.intend("objects.delete", place, {"count": len(keys)}) as pending:
                own_objects.remove(ctx, pending.intent, keys)
                pending.done(count=len(keys))
    except TargetError as exc:
        return exc
    return None


def _refuse_too_many(ctx: Context) -> None:
    """Refuse a teardown that would remove more than the limits allow, before it removes anything.

    Raises:
        GuardError: there is too much of a kind; the message names the setting.
    """
    limits, bounds = ctx.settings.limits, _bounds(ctx)
    machines = [one for one in _marked(ctx) if one.kind == "instance" and not doubts(one, bounds)]
    refuse_too_many("machines", machines, limits.max_machines, "limits.max_machines")
    written = own_objects.below(ctx).written
    refuse_too_many("objects", written, limits.max_deletions, "limits.max_deletions")
    refuse_too_many("objects of the cluster", _in_the_cluster(ctx)[0], limits.max_deletions, "limits.max_deletions")


def _bounds(ctx: Context) -> Bounds:
    bounds = bounds_of(ctx)
    return replace(bounds, network=ctx.target.recovery.fleet.network(bounds.network))


def _marked(ctx: Context) -> tuple[Resource, ...]:
    return ctx.target.recovery.fleet.tagged({DRILL_TAG: ctx.origin})


@teardown.repair
def wait_a_moment(ctx: Context, error: Exception) -> str:
    """Wait for the platform to settle before the second attempt."""
    del error
    ctx.clock.sleep_ms(ctx.settings.limits.backoff_ms // 3)
    return "waited for the platform to settle"


def _own(ctx: Context) -> tuple[Item, ...]:
    """Return everything of this drill that exists: by tag, by name, by prefix, by state and by lock."""
    recovery = ctx.target.recovery
    bucket, prefix = ctx.settings.recovery.bucket, f"{isolated_prefix(ctx)}/"
    marked = (Item(kind=one.kind, identity=one.identity, state=one.state) for one in _marked(ctx))
    found = {(item.kind, item.identity): item for item in marked}
    # Whoever takes a tag away takes nothing else away.
    for kind, identity in census.named(ctx.effects):
        if (kind, identity) not in found and recovery.fleet.is_there(kind, identity):
            found[kind, identity] = Item(kind=kind, identity=identity, state=UNMARKED)
    items = [item for _, item in sorted(found.items())]
    if count := len(_own_objects(ctx)):
        items.append(Item(kind="objects", identity=f"s3://{bucket}/{prefix}", count=count))
    items += _in_the_cluster(ctx)[0]
    try:
        held = recovery.provisioner.holds()
    except TargetError as exc:
        if exc.code != census.UNREADABLE:
            raise
        # It is not taken for an empty one, and what is marked goes away all the same.
        unread = f"{census.UNREAD}: {_first_line(exc)}"
        items.append(Item(kind="state", identity=recovery.provisioner.state, state=unread))
        return tuple(items)
    if held:
        mine = {item.identity for item in items}
        if mine.intersection(held) or ctx.effects.made("runner.up"):
            items.append(Item(kind="state", identity=recovery.provisioner.state, count=len(held)))
    return tuple(items)


def _own_objects(ctx: Context) -> tuple[ObjectInfo, ...]:
    """Return the drill's objects; of one that is in the journals without the drill's tag, a removal made nothing."""
    written = own_objects.below(ctx).written
    # Ahead of the removal the journals count; what it left is looked at one by one.
    return own_objects.by_mark(ctx, written).own if ctx.effects.made("objects.delete") else written


def _in_the_cluster(ctx: Context) -> tuple[list[Item], list[Item]]:
    """Return what is the drill's own in a cluster that outlives it, and what others put where the drill worked."""
    if not cluster_residue.outlives(ctx):
        return [], []
    try:
        found = cluster_residue.census(ctx, cluster_residue.opened(ctx))
    except DrproofError as exc:
        uid = ctx.effects.made(*cluster_residue.MAKING, cluster_residue.LINK)[-1].intent.resource.partition("/")[0]
        return [Item(kind="cluster", identity=uid, state=f"{UNCOUNTED}: {exc}".partition("\n")[0])], []
    own = [Item(kind=IN_A_CLUSTER, identity=cluster_residue.identity_of(one)) for one in found.own]
    own += [
        Item(kind=IN_A_CLUSTER, identity=f"{cluster_residue.identity_of(account)}#{secret}")
        for account, secret in found.links
    ]
    return own, [Item(kind=IN_A_CLUSTER, identity=cluster_residue.identity_of(one)) for one in found.foreign]


def _recount(ctx: Context) -> tuple[Item, ...]:
    """Look again until nothing of the drill is left, or the time is over."""
    deadline = ctx.clock.monotonic_ms() + ctx.settings.limits.recount_ms
    while left := (*_own(ctx), *_own_lock(ctx)):
        if ctx.clock.monotonic_ms() >= deadline:
            break
        ctx.clock.sleep_ms(ctx.settings.limits.poll_ms)
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


def _residue(ctx: Context, item: Item, *, strange: bool) -> Residue:
    region = ctx.plan.criteria.sites.recovery.region
    template = REMOVE.get(item.kind, "remove the {kind} {identity} in {region}")
    if strange:
        # It carries the drill's tag, and no journal of the drill made it.
        template = LOOK
    elif item.state == UNMARKED:
        # It is left for that: a tag that somebody took off may mean that they want it.
        template = f"{UNTAGGED}{template}"
    return Residue(
        kind=item.kind,
        identity=item.identity,
        remove_command=template.format(kind=item.kind, identity=item.identity, region=region, drill=ctx.drill_id),
    )


def _foreign(ctx: Context, named: frozenset[str] = frozenset()) -> tuple[Item, ...]:
    """Return what stands where the drill worked and is not its own; of many objects the first ones, and those named."""
    # What has lost the drill's tag alone is no stranger's.
    known = frozenset(census.named(ctx.effects))
    carriers = [
        Item(kind=one.kind, identity=one.identity, state=one.state)
        for one in ctx.target.recovery.fleet.tagged(runner_tags(ctx))
        if one.tags.get(DRILL_TAG) != ctx.origin and (one.kind, one.identity) not in known
    ]
    bounds = _bounds(ctx)
    # A copied tag makes nothing the drill's: it is left, and the recount still counts it.
    carriers += [
        Item(kind=one.kind, identity=one.identity, state=one.state) for one in _marked(ctx) if doubts(one, bounds)
    ]
    found = own_objects.below(ctx)
    objects = [
        Item(kind="object", identity=f"s3://{info.bucket}/{info.key}", state=state)
        # Those whose they are nobody knows come first: of many only the first are named.
        for state, infos in (*_untagged(ctx, found.written), ("", found.others))
        for info in infos
    ]
    shown = (item for number, item in enumerate(objects) if number < FOREIGN_SHOWN or item.identity in named)
    return (*carriers, *shown, *_in_the_cluster(ctx)[1])


def _untagged(ctx: Context, written: tuple[ObjectInfo, ...]) -> tuple[tuple[str, tuple[ObjectInfo, ...]], ...]:
    """Return what a removal left of the objects in the journals: those without any drill's tag, and those of others."""
    if not written or not ctx.effects.made("objects.delete"):
        return ()
    found = own_objects.by_mark(ctx, written)
    known = {info.key for info in (*found.own, *found.unmarked)}
    return (UNMARKED, found.unmarked), ("", tuple(info for info in written if info.key not in known))
