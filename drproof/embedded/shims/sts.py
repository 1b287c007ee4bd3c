"""STS: the caller is the rehearsal's role in the account of its access key."""

from moto.core.responses import ActionResult
from moto.sts.responses import TokenResponse

from drproof.embedded.accounts import ROLE
from drproof.embedded.shims import seams
from drproof.embedded.world import World

SEAMS = ("moto.sts.responses:TokenResponse.get_caller_identity",)


def install(_world: World) -> None:
    """Let `GetCallerIdentity` name the role."""

    def get_caller_identity(self: TokenResponse) -> ActionResult:
        account = self.current_account
        return ActionResult(
            {"UserId": f"AROAEMBEDDEDREHEARSAL:{account}", "Account": account, "Arn": f"arn:aws:sts::{account}:{ROLE}"}
        )

    seams.put(TokenResponse, "get_caller_identity", get_caller_identity)
