"""ECR: a digest is the SHA-256 of a manifest, the other account can read the registry, and logins are short-lived."""

import functools
import hashlib
from base64 import b64encode

from moto.core.responses import ActionResult
from moto.ecr.models import ECRBackend, Image, ecr_backends
from moto.ecr.responses import ECRResponse

from drproof.embedded.logins import USER
from drproof.embedded.shims import seams
from drproof.embedded.world import World

SEAMS = (
    "moto.ecr.models:Image.get_image_digest",
    "moto.ecr.models:ECRBackend.batch_get_image",
    "moto.ecr.responses:ECRResponse.ecr_backend",
    "moto.ecr.responses:ECRResponse.get_authorization_token",
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

    def get_authorization_token(self: ECRResponse) -> ActionResult:
        found = []
        for registry in self._get_param("registryIds") or [self.current_account]:
            password, ends = world.logins.issue()
            found.append(
                {
                    "authorizationToken": b64encode(f"{USER}:{password}".encode()).decode(),
                    "expiresAt": ends,
                    "proxyEndpoint": f"https://{registry}.dkr.ecr.{self.region}.amazonaws.com",
                }
            )
        return ActionResult({"authorizationData": found})

    seams.put(Image, "get_image_digest", get_image_digest)
    seams.put(ECRResponse, "get_authorization_token", get_authorization_token)
    seams.put(ECRResponse, "ecr_backend", property(ecr_backend))
