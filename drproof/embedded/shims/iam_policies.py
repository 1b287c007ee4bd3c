"""IAM: the policies that AWS itself manages are there, as in every account.

Stock moto has none of them, so that no role could be given one; it loads them when IAM is first asked for, and reads
their 1,300 documents anew for each account.
"""

import copy
import json
from functools import cache

from moto.core.config import default_user_config
from moto.iam.aws_managed_policies import aws_managed_policies_data
from moto.iam.models import AWSManagedPolicy, IAMBackend
from moto.utilities.utils import DEFAULT_PARTITION, get_partition

from drproof.embedded.shims.seams import put
from drproof.embedded.world import World

SEAMS = (
    "moto.core.config:default_user_config",
    "moto.iam.aws_managed_policies:aws_managed_policies_data",
    "moto.iam.models:AWSManagedPolicy.from_data",
    "moto.iam.models:IAMBackend._init_aws_policies",
)


def install(world: World) -> None:
    """Have the managed policies loaded."""
    del world
    default_user_config["iam"] = {"load_aws_managed_policies": True}
    put(IAMBackend, "_init_aws_policies", lambda backend: _of_account(backend.account_id, backend.region_name))


@cache
def known(partition: str = DEFAULT_PARTITION) -> tuple[AWSManagedPolicy, ...]:
    """Return the policies of a partition: they are no account's, and have the same id in each."""
    found = json.loads(aws_managed_policies_data)
    return tuple(AWSManagedPolicy.from_data(name, "aws", partition, data) for name, data in found.items())


def _of_account(account_id: str, region: str) -> list[AWSManagedPolicy]:
    """Return what an account has of them: how often it has attached each is its own."""
    own = [copy.copy(policy) for policy in known(get_partition(region))]
    for policy in own:
        policy.account_id = account_id
        policy.tags, policy.versions = {}, list(policy.versions)
    return own
