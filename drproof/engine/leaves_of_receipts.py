"""The settings of the receipt store: rows of the one table in `leaves`, which would be too long with them."""

from drproof.engine.leaf import Leaf, row

RECEIPTS: tuple[Leaf, ...] = (
    row(
        "receipts.uri",
        "text",
        "where each receipt is stored besides, s3://…; create-only",
        option="receipt_uri",
        environment="RECEIPT_URI",
        default="",
        optional=True,
    ),
    row("receipts.owner", "account", "who owns that bucket; else who owns those of the recovery site", default=""),
    row(
        "receipts.retention_mode",
        "text",
        "how a bucket with Object Lock keeps a receipt",
        default="GOVERNANCE",
        of_the_world=False,
        choices=("COMPLIANCE", "GOVERNANCE"),
    ),
    row(
        "receipts.retention_days",
        "count",
        "how many days it keeps it, from the opening of the drill; 0 leaves it to the bucket's own rule",
        default=30,
        of_the_world=False,
    ),
    row(
        "receipts.digest_key",
        "text",
        "the HMAC key that makes a drill's digest key anew on another machine, awskms:…; else the signer's own file",
        environment="DRPROOF_DIGEST_KEY",
        default="",
        of_the_world=False,
    ),
)
