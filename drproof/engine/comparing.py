"""The two places of a comparison: opened by options, else by the settings of both sites."""

from dataclasses import dataclass

from drproof.engine.reaching import Way
from drproof.engine.refusal import refuse
from drproof.formats.s3_uri import BUCKET
from drproof.targets.aws.s3_ranges import ListedPrefix
from drproof.targets.aws.s3_requests import FIRST_PAUSE, FIRST_PAUSE_AT_THE_WORLD, SignedBucket


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One side, as the command line names it."""

    uri: str
    way: Way


def open_pair(left: Asked, right: Asked, *, connections: int) -> tuple[ListedPrefix, ListedPrefix]:
    """Return both sides, each ready to be listed; nothing is asked of them yet.

    Raises:
        Refusal: a URI or the endpoint is none, both sides are the same, one has no owner or no region.
        TargetError: the profile does not exist.
    """
    places = [_place(one) for one in (left, right)]
    if places[0] == places[1]:
        # Not the words: a bucket is also itself with a slash behind it.
        raise refuse(
            f"both sides are {left.uri}",
            expected="two places: a prefix compared with itself shows nothing",
            next_step="drproof compare-prefixes s3://one/prefix/ s3://another/prefix/",
        )
    if bool(places[0][1]) == bool(places[1][1]) and places[0][1].endswith("/") != places[1][1].endswith("/"):
        raise refuse(
            f"{left.uri} and {right.uri}",
            expected="both with a slash at the end or both without: keys are compared by what follows the prefix",
            next_step="add the slash that is missing",
        )
    opened = [
        _opened(one, bucket, prefix, connections) for one, (bucket, prefix) in zip((left, right), places, strict=True)
    ]
    return opened[0], opened[1]


def _place(asked: Asked) -> tuple[str, str]:
    bucket, _, prefix = asked.uri.removeprefix("s3://").partition("/")
    if not asked.uri.startswith("s3://") or not BUCKET.fullmatch(bucket):
        raise refuse(
            f"the {asked.way.side.strip('-')} side is {asked.uri!r}",
            expected="s3://bucket/prefix/",
            next_step="drproof compare-prefixes s3://one/prefix/ s3://another/prefix/",
        )
    return bucket, prefix


def _opened(asked: Asked, bucket: str, prefix: str, connections: int) -> ListedPrefix:
    session, owner = asked.way.open(bucket)
    # Another store has an address of its own as well, and is no rehearsal.
    pause = FIRST_PAUSE_AT_THE_WORLD if asked.way.world else FIRST_PAUSE
    return ListedPrefix(SignedBucket(session, bucket, owner=owner, connections=connections, first_pause=pause), prefix)
