"""Who the platform takes us for."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from drproof.model.receipt import Caller
from drproof.targets.aws.errors import translated

if TYPE_CHECKING:
    from mypy_boto3_sts.client import STSClient


class AwsIdentity:
    """The caller of one site; asked anew each time, because roles are changed and tokens run out."""

    def __init__(self, client: "STSClient", ends: Callable[[], str] = str) -> None:
        """Ask through `client`; `ends` says when its credentials end, or nothing."""
        self._client = client
        self._ends = ends

    def caller(self) -> Caller:
        """Return the caller as AWS sees it now."""
        with translated("sts:GetCallerIdentity"):
            answer = self._client.get_caller_identity()
        return Caller(arn=answer["Arn"], account_id=answer["Account"], region=self._client.meta.region_name)

    def expires_at(self) -> str:
        """Return when the credentials end and nothing renews them; empty when they do not, or nobody can tell."""
        return self._ends()
