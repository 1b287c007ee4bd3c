"""Who the platform takes us for."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from drproof.model.readiness import EXPIRY_UNKNOWN
from drproof.model.receipt import Caller
from drproof.targets.aws import instants
from drproof.targets.aws.errors import failure, translated

if TYPE_CHECKING:
    from mypy_boto3_sts.client import STSClient


class AwsIdentity:
    """The caller of one site; asked anew each time, because roles are changed and tokens run out."""

    def __init__(self, client: "STSClient", expires_at: Callable[[], str] = lambda: EXPIRY_UNKNOWN) -> None:
        """Ask through `client`; `expires_at` says when its credentials end."""
        self._client = client
        self._expires_at = expires_at

    def expires_at(self) -> str:
        """Return when the credentials end: "" when they do not, or are renewed by themselves; `EXPIRY_UNKNOWN`."""
        return self._expires_at()

    def platform_time(self) -> str:
        """Return what time it is for the platform: the `Date` of its answer, to the second.

        Raises:
            TargetError: the platform does not answer, or does not say.
        """
        with translated("sts:GetCallerIdentity"):
            answer = self._client.get_caller_identity()
        said = answer["ResponseMetadata"]["HTTPHeaders"].get("date", "")
        found = instants.of_header(said)
        if not found:
            raise failure("sts:GetCallerIdentity", "", "NoDate", f"expected a Date header, got {said!r}")
        return found

    def caller(self) -> Caller:
        """Return the caller as AWS sees it now."""
        with translated("sts:GetCallerIdentity"):
            answer = self._client.get_caller_identity()
        return Caller(arn=answer["Arn"], account_id=answer["Account"], region=self._client.meta.region_name)
