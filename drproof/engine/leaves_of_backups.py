"""The settings of what a restore point must be: rows of the one table in `leaves`, too long with them."""

from drproof.engine.leaf import Leaf, row

BACKUPS: tuple[Leaf, ...] = (
    row(
        "backup.layout",
        "text",
        "how the restore point is laid out; it is said and never guessed",
        option="backup_layout",
        default="archives",
        of_the_world=False,
        choices=("archives", "onprem"),
    ),
    row(
        "backup.owner",
        "account",
        "who owns the bucket of the restore point; else who owns those of the original site",
        default="",
    ),
    row(
        "backup.failure_domain",
        "text",
        "what of the original site's the restore point must not share",
        default="bucket",
        of_the_world=False,
        choices=("none", "bucket", "region", "account"),
    ),
    row(
        "backup.protection",
        "text",
        "what must keep a restore point from being written over: versions of its bucket, or Object Lock",
        default="versions",
        of_the_world=False,
        choices=("none", "versions", "lock"),
    ),
    row(
        "backup.member_manifests",
        "text",
        "whether every archive must have a member manifest, or those that are promised are compared",
        default="promised",
        of_the_world=False,
        choices=("promised", "required"),
    ),
    row(
        "backup.checksums",
        "text",
        "whether every archive must carry checksums, or those of backups that make promises, or none",
        default="promised",
        of_the_world=False,
        choices=("ignored", "promised", "required"),
    ),
    row("backup.state", "text", "the archive that holds what is published", default="state.tar.zst"),
    row(
        "backup.plausible_share",
        "count",
        "its content must be at least one part in so many of the run published last; 0 compares nothing",
        default=20,
        of_the_world=False,
    ),
)
