"""The receipt that a build leaves in its bucket, bound to that build."""

import hashlib
from dataclasses import dataclass

from drproof.formats import build_receipts
from drproof.formats.build_receipts import BuildReceipt
from drproof.model.errors import FormatError, NotFoundError, TargetError
from drproof.targets.aws.codebuild import BuildSeen
from drproof.targets.provisioners.build_order import Action, Orders
from drproof.targets.provisioners.place import Place

EXPORTED = "RECEIPT_SHA256"
NO_RECEIPT = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """The receipt of a build as it lies in its bucket."""

    receipt: BuildReceipt
    uri: str
    sha256: str
    version: str


def kept_of(build: BuildSeen, action: Action, place: Place, orders: Orders) -> Kept | None:
    """Return the receipt of a build, once everything that binds it to this build holds; None when there is none.

    Raises:
        TargetError: there is one, and it is not of this build.
    """
    bucket, key = orders.receipts.bucket, orders.receipt_key(action, place.origin)
    try:
        info, body = place.objects.read(bucket, key, limit=build_receipts.LIMIT)
    except NotFoundError:
        return None
    try:
        receipt = build_receipts.parse(body)
    except FormatError as exc:
        raise mismatch(build, orders, f"s3://{bucket}/{key} cannot be read: {exc}") from exc
    exported = build.exported.get(EXPORTED, "")
    if receipt.build_id != build.build_id and build.status != "SUCCEEDED" and exported in {"", NO_RECEIPT}:
        # What lies there is of an earlier build, and this one left none.
        return None
    digest = hashlib.sha256(body).hexdigest()
    # Settings against what the build wrote, and what wrote it against what CodeBuild says of it.
    expected = {
        "build_id": build.build_id,
        "execution_id": place.origin,
        "phase": action,
        "tool": orders.tool,
    }
    got = {
        "build_id": receipt.build_id,
        "execution_id": receipt.execution_id,
        "phase": receipt.phase,
        "tool": receipt.tool,
    }
    # A build that was ended may not have come to say the digest.
    if exported or build.status == "SUCCEEDED":
        expected[EXPORTED], got[EXPORTED] = digest, exported
    if receipt.status == "ok":
        expected |= {"account_id": orders.account, "region": orders.region}
        got |= {"account_id": receipt.account_id, "region": receipt.region}
        if orders.tool == "terraform":
            expected |= {"module": orders.settings.module_sha256, "version": orders.terraform_version}
            got |= {"module": receipt.module_sha256, "version": receipt.tool_version}
    wrong = [
        f"{name}: expected {expected[name]}, got {got[name]!r}" for name in expected if expected[name] != got[name]
    ]
    if wrong:
        raise mismatch(build, orders, f"s3://{bucket}/{key}: {'; '.join(wrong)}")
    return Kept(receipt=receipt, uri=f"s3://{bucket}/{key}", sha256=digest, version=info.version)


def mismatch(build: BuildSeen, orders: Orders, why: str) -> TargetError:
    """Return the error of a build that does not fit what it should be, or what it left."""
    msg = (
        f"build {build.build_id}: ReceiptMismatch: {why}\n"
        f"  next: give project {orders.settings.project} the buildspec of deploy/codebuild/buildspec.yml"
    )
    return TargetError(msg, code="ReceiptMismatch", call="s3:GetObject")
