"""What the emulator lacks or gets wrong, put right: one small file each, at seams that are checked before use."""

from types import ModuleType

from drproof.embedded.shims import (
    cloudwatch,
    codebuild,
    deployments,
    ec2,
    ecr,
    iam,
    iam_policies,
    kms,
    lambda_,
    quotas,
    s3_conditions,
    s3_locks,
    s3_owner,
    seams,
    ssm,
    stepfunctions,
    stepfunctions_builds,
    stepfunctions_ends,
    stepfunctions_errors,
    sts,
)
from drproof.embedded.world import World

ALL: tuple[ModuleType, ...] = (
    s3_owner,
    s3_conditions,
    s3_locks,
    sts,
    cloudwatch,
    ec2,
    ssm,
    quotas,
    ecr,
    iam,
    iam_policies,
    kms,
    stepfunctions,
    stepfunctions_errors,
    stepfunctions_ends,
    stepfunctions_builds,
    lambda_,
    codebuild,
    deployments,
)


def install(world: World) -> None:
    """Put every shim in place.

    Raises:
        SeamMovedError: the installed emulator lacks an attribute that a shim needs.
    """
    for shim in ALL:
        seams.check(shim.__name__, shim.SEAMS)
    for shim in ALL:
        if hasattr(shim, "install"):
            shim.install(world)
