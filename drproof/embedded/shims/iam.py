"""IAM: what a principal's own policies say of an action, which the emulator knows and has no way to be asked."""

import json
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import unquote

from moto.core.responses import ActionResult
from moto.iam.models import IAMBackend
from moto.iam.responses import IamResponse

from drproof.embedded.accounts import Credentials
from drproof.embedded.asked import Asked
from drproof.embedded.refusals import Refusal
from drproof.embedded.shims import iam_statements, seams
from drproof.embedded.shims.iam_statements import Context, Said
from drproof.embedded.world import World

SEAMS = (
    "moto.iam.exceptions:InvalidInput",
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
        context = _context(asked.get("ContextEntries") or [])
        rows = [
            _row(action, resource, iam_statements.decide(policies, action, resource, context))
            for action in asked["ActionNames"]
            for resource in resources
        ]
        return ActionResult({"EvaluationResults": rows, "IsTruncated": False})

    seams.add(IamResponse, "simulate_principal_policy", simulate_principal_policy)


def _row(action: str, resource: str, said: Said) -> dict[str, Any]:
    return {
        "EvalActionName": action,
        "EvalResourceName": resource,
        "EvalDecision": said.decision,
        "MissingContextValues": sorted(said.missing),
    }


def _context(entries: Iterable[Mapping[str, Any]]) -> Context:
    """Return what a call carries, by the names of its keys, which are the same in any case."""
    return {str(entry["ContextKeyName"]).lower(): tuple(entry.get("ContextKeyValues") or ()) for entry in entries}


def _policies(backend: IAMBackend, arn: str) -> list[Mapping[str, Any]]:
    role = backend.get_role_by_arn(arn)
    versions = [one for policy in role.managed_policies.values() for one in policy.versions if one.is_default]
    attached = [one.document for one in versions]
    return [_document(found) for found in (*role.policies.values(), *attached)]


def _document(found: Any) -> Mapping[str, Any]:  # noqa: ANN401 — text, quoted text, or read already
    document: Mapping[str, Any] = json.loads(unquote(found)) if isinstance(found, str) else found
    return document
