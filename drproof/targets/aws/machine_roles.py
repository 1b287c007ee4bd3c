"""The role of a machine and its instance profile: looked at, and removed by the names that a state has for them."""

import contextlib
from collections.abc import Iterable, Mapping
from typing import Any

from drproof.model.capabilities import Intent
from drproof.model.errors import NotFoundError
from drproof.model.machines import Resource
from drproof.targets.aws.errors import translated

ROLE, PROFILE = "role", "instance-profile"


class AwsMachineRoles:
    """Roles and instance profiles of one account; IAM lists none by tag, so that each is asked for by its name."""

    def __init__(self, client: Any) -> None:  # noqa: ANN401 — the SDK's
        """Ask through `client`."""
        self._client = client

    def role(self, name: str) -> Resource | None:
        """Return a role with its tags; None when there is none of that name."""
        try:
            with translated("iam:GetRole", name):
                return _resource(ROLE, name, self._client.get_role(RoleName=name)["Role"])
        except NotFoundError:
            return None

    def profile(self, name: str) -> Resource | None:
        """Return an instance profile with its tags; None when there is none of that name."""
        try:
            with translated("iam:GetInstanceProfile", name):
                found = self._client.get_instance_profile(InstanceProfileName=name)
                return _resource(PROFILE, name, found["InstanceProfile"])
        except NotFoundError:
            return None

    def remove_profile(self, intent: Intent, name: str, role: str) -> None:
        """Take `role` out of a profile, where it has one, and remove the profile; what is gone already is as wanted."""
        of = f"{name} for effect {intent.number}"
        if role:
            with contextlib.suppress(NotFoundError), translated("iam:RemoveRoleFromInstanceProfile", of):
                self._client.remove_role_from_instance_profile(InstanceProfileName=name, RoleName=role)
        with contextlib.suppress(NotFoundError), translated("iam:DeleteInstanceProfile", of):
            self._client.delete_instance_profile(InstanceProfileName=name)

    def remove_role(self, intent: Intent, name: str, policies: Iterable[str]) -> None:
        """Detach these policies and remove the role; one with anything else on it is kept by the platform.

        Raises:
            TargetError: somebody else put something on it (`DeleteConflict`), or the call is denied.
        """
        of = f"{name} for effect {intent.number}"
        for policy in policies:
            with contextlib.suppress(NotFoundError), translated("iam:DetachRolePolicy", of):
                self._client.detach_role_policy(RoleName=name, PolicyArn=policy)
        with contextlib.suppress(NotFoundError), translated("iam:DeleteRole", of):
            self._client.delete_role(RoleName=name)


def _resource(kind: str, name: str, item: Mapping[str, Any]) -> Resource:
    return Resource(
        kind=kind,
        identity=name,
        state="exists",
        tags={tag["Key"]: tag["Value"] for tag in item.get("Tags", ())},
        account_id=str(item["Arn"]).split(":")[4],
    )
