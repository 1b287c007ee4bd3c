"""The parts of an orchestrator and IAM in memory: each part says its role, and policies are simulated as in the embedded world."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from botocore.exceptions import ClientError

from drproof.embedded.shims.iam_statements import decide
from drproof.targets.aws.permissions import Permission

ACCOUNT = "444455556666"


def arn_of(role: str) -> str:
    """Return the ARN of a part's role."""
    return f"arn:aws:iam::{ACCOUNT}:role/{role}"


class Platform:
    """Every client at once: it answers for CodeBuild, Lambda, Step Functions, EventBridge and IAM."""

    def __init__(self, machine: str, documents: Iterable[Mapping[str, Any]] = ()) -> None:
        """Let every role have these policies."""
        self.machine = machine
        self.documents = list(documents)
        self.asked: list[str] = []
        self.refuses, self.code = "", "AccessDenied"
        """The call that is answered with an error, and its code."""
        self.subnets: dict[str, list[str]] = {}
        """The subnets of functions, by their roles."""

    def __call__(self, _service: str) -> "Platform":
        return self

    def _answer(self, call: str, answer: dict[str, Any]) -> dict[str, Any]:
        if call == self.refuses:
            raise ClientError({"Error": {"Code": self.code, "Message": "no"}}, call)
        return answer

    def batch_get_projects(self, *, names: list[str]) -> dict[str, Any]:
        found = [{"name": name, "serviceRole": arn_of("builds")} for name in names]
        return self._answer("BatchGetProjects", {"projects": found})

    def get_function_configuration(self, **asked: str) -> dict[str, Any]:
        kind = asked["FunctionName"].rpartition("-")[2]
        role = {"watcher": "watcher", "reaper": "reaper"}.get(kind, "function")
        return {"Role": arn_of(role), "VpcConfig": {"SubnetIds": self.subnets.get(role, []), "VpcId": ""}}

    def describe_state_machine(self, **asked: str) -> dict[str, Any]:
        assert asked == {"stateMachineArn": self.machine}
        return {"roleArn": arn_of("machine")}

    def list_targets_by_rule(self, **asked: str) -> dict[str, Any]:
        others = {"Id": "other", "Arn": "arn:aws:sns:us-west-2:444455556666:people"}
        return {"Targets": [others, {"Id": asked["Rule"], "Arn": self.machine, "RoleArn": arn_of("schedule")}]}

    def simulate_principal_policy(self, **asked: Any) -> dict[str, Any]:
        self.asked.append(asked["PolicySourceArn"])
        entries = asked.get("ContextEntries", ())
        context = {one["ContextKeyName"].lower(): tuple(one["ContextKeyValues"]) for one in entries}
        (resource,) = asked["ResourceArns"]
        said = {action: decide(self.documents, action, resource, context) for action in asked["ActionNames"]}
        rows = [
            {"EvalActionName": name, "EvalDecision": one.decision, "MissingContextValues": sorted(one.missing)}
            for name, one in said.items()
        ]
        return self._answer("SimulatePrincipalPolicy", {"EvaluationResults": rows, "IsTruncated": False})


def document(permissions: Iterable[Permission]) -> dict[str, Any]:
    """Return a policy that allows exactly these: a statement for each action on each resource, read back as JSON."""
    statements = [
        {
            "Effect": "Allow",
            "Action": one.action,
            "Resource": one.resource,
            **({"Condition": one.condition} if one.condition else {}),
        }
        for one in permissions
    ]
    found: dict[str, Any] = json.loads(json.dumps({"Version": "2012-10-17", "Statement": statements}))
    return found
