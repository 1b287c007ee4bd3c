"""ECR: an image's digest is the SHA-256 of its manifest, and a registry can be read from the other account."""

import functools
import hashlib

from moto.ecr.models import ECRBackend, Image, ecr_backends
from moto.ecr.responses import ECRResponse

from drproof.embedded.shims import seams
from drproof.embedded.world import World

SEAMS = (
    "moto.ecr.models:Image.get_image_digest",
    "moto.ecr.models:ECRBackend.batch_get_image",
    "moto.ecr.responses:ECRResponse.ecr_backend",
    "moto.ecr.models:ecr_backends",
)
READS = {"BatchGetImage", "DescribeImages"}


def install(world: World) -> None:
    """Let digests be digests, and let the recovery account read the original site's registry."""
    get = Image.get_image_digest

    @functools.wraps(get)
    def get_image_digest(self: Image) -> str:
        return "sha256:" + hashlib.sha256(self.image_manifest.encode()).hexdigest()

    def ecr_backend(self: ECRResponse) -> ECRBackend:
        account = self.current_account
        registry = self._get_param("registryId") or account
        shared = account == world.recovery.account_id and registry == world.primary.account_id
        return ecr_backends[registry if shared and self._get_action() in READS else account][self.region]

    seams.put(Image, "get_image_digest", get_image_digest)
    seams.put(ECRResponse, "ecr_backend", property(ecr_backend))
