"""STS: the caller is the role that an access key stands for, in its account."""

from moto.core.responses import ActionResult
from moto.sts.responses import TokenResponse

from drproof.embedded.accounts import ROLE
from drproof.embedded.shims import seams
from drproof.embedded.world import World

SEAMS = ("moto.sts.responses:TokenResponse.get_caller_identity",)


def install(world: World) -> None:
    """Let `GetCallerIdentity` name the role."""

    def get_caller_identity(self: TokenResponse) -> ActionResult:
        account = self.current_account
        known = world.accounts.of(self.get_access_key())
        role = known.role if known is not None else ROLE
        return ActionResult(
            {"UserId": f"AROAEMBEDDEDREHEARSAL:{account}", "Account": account, "Arn": f"arn:aws:sts::{account}:{role}"}
        )

    seams.put(TokenResponse, "get_caller_identity", get_caller_identity)
