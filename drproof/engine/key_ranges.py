"""Where two prefixes are cut into ranges: at what one look at each of their folders shows, on either side."""

from concurrent.futures import Executor

from drproof.analysis.cutting_listings import beginnings, cuts
from drproof.targets.aws.s3_ranges import Glance, ListedPrefix

LEVELS = 3
"""How deep folders are looked into."""


def found_cuts(left: ListedPrefix, right: ListedPrefix, shards: int, ahead: Executor) -> list[bytes]:
    """Return the keys between ranges, in order: common prefixes, or keys where one folder holds too many.

    It asks for at most two pages a shard and level, and then, in a folder without folders, for single keys.
    """
    if shards == 1:
        return []
    sides, found, level = (left, right), set[bytes](), [b""]
    crowded: dict[bytes, Glance] = {}
    for _ in range(LEVELS):
        asked = [(under, ahead.submit(side.glance, under)) for under in level for side in sides]
        level = []
        for under, answer in asked:
            glance = answer.result()
            level += glance.common_prefixes
            if glance.has_more and not glance.common_prefixes:
                crowded[under] = glance
        found.update(level)
        if len(found) >= shards or not level:
            break
        level = sorted(set(level))
    for under, glance in crowded.items():
        if len(found) < shards:
            found |= _within(under, glance, sides, shards, ahead)
    return cuts(list(found), shards)


def _within(
    under: bytes, glance: Glance, sides: tuple[ListedPrefix, ListedPrefix], shards: int, ahead: Executor
) -> set[bytes]:
    """Return keys of one folder that lie apart: the first ones after each way in which its keys may go on."""

    def first_above(ways: list[bytes]) -> set[bytes]:
        asked = [ahead.submit(side.first_above, way) for way in ways for side in sides]
        keys = {answer.result() for answer in asked}
        return {key for key in keys if key is not None and key.startswith(under)}

    found: set[bytes] = set()
    for ways in beginnings(glance.keys, under):
        # One question tells whether the keys differ in this place at all.
        if ways and (nearest := first_above(ways[:1])):
            found |= nearest | first_above(ways[1:])
        if len(found) >= shards:
            break
    return found
