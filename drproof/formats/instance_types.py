"""Names of EC2 instance types, and the architecture that their processors have."""

import re

NAME = re.compile(r"(?P<series>[a-z]+)(?P<generation>\d+)(?P<attributes>[a-z]*)(?P<more>(?:-[a-z0-9]+)*)\.[a-z0-9-]+")
ARM, INTEL = "arm64", "amd64"
OTHERS = frozenset({"mac"})
"""Series whose machines run no Linux."""

GRACE = re.compile(r"-gb\d+")


def architecture(name: str) -> str:
    """Return the architecture of a machine of this type, as images name it; empty for a name of another shape.

    AWS marks its own processors with a `g` behind the generation: `t4g`, `m7gd`, `c6gn`, `im4gn`, `is4gen`, `x2gd`.
    A `g` before it (`g4dn`) means graphics, and the first generation of Arm is `a1`.
    """
    match = NAME.fullmatch(name)
    if match is None or match["series"] in OTHERS:
        return ""
    if match["series"] == "a" or "g" in match["attributes"] or GRACE.match(match["more"]):
        return ARM
    return INTEL
