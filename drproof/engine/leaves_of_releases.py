"""The settings of what was released: rows of the one table in `leaves`."""

from drproof.engine.leaf import Leaf, row

RELEASES: tuple[Leaf, ...] = (
    row("drill.architectures", "names", "the architectures that the image must have", default=("amd64", "arm64")),
    row(
        "drill.release_metadata",
        "text",
        "the metadata of a release, which names the image where nobody else does",
        option="release_metadata",
        environment="RELEASE_METADATA",
        default="",
    ),
)
