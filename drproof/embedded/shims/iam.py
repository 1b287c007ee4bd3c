"""IAM: what a principal's own policies say of an action, which the emulator knows and has no way to be asked."""

from collections.abc import Iterable
from typing import Any

from moto.core.responses import ActionResult
from moto.iam.access_control import IAMPolicy, PermissionResult
from moto.iam.models import IAMBackend
from moto.iam.responses import IamResponse

from drproof.embedded.accounts import Credentials
from drproof.embedded.asked import Asked
from drproof.embedded.refusals import Refusal
from drproof.embedded.shims import seams
from drproof.embedded.world import World

SEAMS = (
    "moto.iam.access_control:IAMPolicy.is_action_permitted",
    "moto.iam.access_control:PermissionResult",
    "moto.iam.models:IAMBackend.get_role_by_arn",
    "moto.iam.responses:IamResponse",
)


def gate(world: World, asked: Asked, _credentials: Credentials) -> Refusal | None:
    """Refuse a simulation where the scenario says that nobody may ask for one."""
    if asked.action == "SimulatePrincipalPolicy" and world.scenario == "preflight-iam-unasked":
        return Refusal(403, "AccessDenied", "not authorized to perform: iam:SimulatePrincipalPolicy")
    return None


def install(_world: World) -> None:
    """Let policies be simulated: those of the role itself, as an action on a resource would find them."""

    def simulate_principal_policy(self: IamResponse) -> ActionResult:
        asked: dict[str, Any] = self._get_params()
        resources = asked.get("ResourceArns") or ["*"]
        policies = _policies(self.backend, str(asked["PolicySourceArn"]))
        rows = [
            {
                "EvalActionName": action,
                "EvalResourceName": resource,
                "EvalDecision": _decision(policies, action, resource),
                "MissingContextValues": [],
            }
            for action in asked["ActionNames"]
            for resource in resources
        ]
        return ActionResult({"EvaluationResults": rows, "IsTruncated": False})

    seams.add(IamResponse, "simulate_principal_policy", simulate_principal_policy)


def _policies(backend: IAMBackend, arn: str) -> list[IAMPolicy]:
    role = backend.get_role_by_arn(arn)
    attached = [IAMPolicy(policy) for policy in role.managed_policies.values()]
    return [*(IAMPolicy(document) for document in role.policies.values()), *attached]


def _decision(policies: Iterable[IAMPolicy], action: str, resource: str) -> str:
    found = {policy.is_action_permitted(action, resource) for policy in policies}
    if PermissionResult.DENIED in found:
        return "explicitDeny"
    return "allowed" if PermissionResult.PERMITTED in found else "implicitDeny"
