"""Who the platform takes us for."""

from typing import TYPE_CHECKING

from drproof.model.receipt import Caller
from drproof.targets.aws.errors import translated

if TYPE_CHECKING:
    from mypy_boto3_sts.client import STSClient


class AwsIdentity:
    """The caller of one site; asked anew each time, because roles are changed and tokens run out."""

    def __init__(self, client: "STSClient") -> None:
        """Ask through `client`."""
        self._client = client

    def caller(self) -> Caller:
        """Return the caller as AWS sees it now."""
        with translated("sts:GetCallerIdentity"):
            answer = self._client.get_caller_identity()
        return Caller(arn=answer["Arn"], account_id=answer["Account"], region=self._client.meta.region_name)
