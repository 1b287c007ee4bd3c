"""The key of the recovery account that signs drills; like the real one, it never leaves the key service."""

from moto.kms.models import kms_backends

from drproof.embedded.world import World

ALIAS = "alias/drproof-drills"


def generate(world: World) -> dict[str, str]:
    """Make the key and return its names."""
    backend = kms_backends[world.recovery.account_id][world.recovery.region]
    key = backend.create_key(None, "SIGN_VERIFY", "ECC_NIST_P256", "Signs what drills showed", None)
    backend.create_alias(key.id, ALIAS)
    return {"signing_alias": ALIAS, "signing_key": str(key.arn)}
