"""Which objects below a drill's prefix are its own: in its journals, marked with its tag, and not older than both."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from drproof.analysis.ownership import older
from drproof.model.capabilities import Intent, ObjectInfo
from drproof.model.context import DRILL_TAG, Context
from drproof.model.errors import NotFoundError
from drproof.phases.recovery.place import isolated_prefix

WRITING = "objects.put"
WORKERS = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Below:
    """What lies below the drill's prefix."""

    written: tuple[ObjectInfo, ...]
    """Objects with a key that the journals know; whether they are the drill's, their tags say."""
    others: tuple[ObjectInfo, ...]


def written_keys(ctx: Context) -> frozenset[str]:
    """Return the key of every object that this drill meant to write, as its journals tell."""
    return frozenset(key for effect in ctx.effects.made(WRITING) for key in effect.details["keys"])


def since(ctx: Context) -> str:
    """Return when the drill first meant to write an object; empty when it never did."""
    return min((effect.at for effect in ctx.effects.made(WRITING)), default="")


def below(ctx: Context) -> Below:
    """Return what lies below the prefix now, sorted by what the journals know; keys are compared letter by letter."""
    known = written_keys(ctx)
    written: list[ObjectInfo] = []
    others: list[ObjectInfo] = []
    for info in ctx.target.recovery.objects.list(ctx.settings.recovery.bucket, f"{isolated_prefix(ctx)}/"):
        (written if info.key in known else others).append(info)
    return Below(written=tuple(written), others=tuple(others))


@dataclass(frozen=True, slots=True, kw_only=True)
class Sorted:
    """Objects that the journals know, by what they carry."""

    own: tuple[ObjectInfo, ...]
    unmarked: tuple[ObjectInfo, ...]
    """Not older than the drill, and without the tag of any: somebody took it off, or wrote another object there."""


def by_mark(ctx: Context, found: tuple[ObjectInfo, ...]) -> Sorted:
    """Return those of the written objects that carry the drill's tag, and those that carry none.

    One question for each object: they are asked only ahead of a removal, and of what a removal left.
    """
    begun = since(ctx)
    store = ctx.target.recovery.objects

    def mark(info: ObjectInfo) -> str | None:
        if not info.modified_at or older(info.modified_at, begun):
            return None
        try:
            return store.tags(info.bucket, info.key).get(DRILL_TAG, "")
        except NotFoundError:
            # Gone since it was listed.
            return None

    with ThreadPoolExecutor(WORKERS) as pool:
        marks = tuple(zip(found, pool.map(mark, found), strict=True))
    return Sorted(
        own=tuple(info for info, carried in marks if carried == ctx.origin),
        unmarked=tuple(info for info, carried in marks if carried == ""),
    )


def own(ctx: Context, found: tuple[ObjectInfo, ...]) -> tuple[ObjectInfo, ...]:
    """Return those of the written objects that carry the drill's tag, and are not older than the drill."""
    return by_mark(ctx, found).own


def removable(ctx: Context) -> tuple[str, ...]:
    """Return the keys that may be removed: the drill's own, and unchanged in a second listing."""
    mine = own(ctx, below(ctx).written)
    if not mine:
        return ()
    again = {(info.key, info.etag) for info in below(ctx).written}
    return tuple(info.key for info in mine if (info.key, info.etag) in again)


def remove(ctx: Context, intent: Intent, keys: tuple[str, ...]) -> None:
    """Remove objects; versions that were there before the drill stay."""
    ctx.target.recovery.objects.delete(intent, ctx.settings.recovery.bucket, keys, since=since(ctx))
