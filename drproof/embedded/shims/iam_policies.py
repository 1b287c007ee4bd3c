"""IAM: the policies that AWS itself manages are there, as in every account.

Stock moto has none of them, so that no role could be given one; it loads them when IAM is first asked for.
"""

from moto.core.config import default_user_config

from drproof.embedded.world import World

SEAMS = ("moto.core.config:default_user_config",)


def install(world: World) -> None:
    """Have the managed policies loaded."""
    del world
    default_user_config["iam"] = {"load_aws_managed_policies": True}
