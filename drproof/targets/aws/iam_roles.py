"""What the parts of the orchestrator may do: which role each has, as that part says itself, and what IAM says of it.

Whose role is asked about is never a setting: a role that nobody has any longer would prove nothing.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from drproof.model.errors import TargetError
from drproof.model.readiness import PermissionsSeen
from drproof.model.settings import Settings
from drproof.targets.aws.errors import failure, translated
from drproof.targets.aws.iam import REFUSED, SIMULATED, nobody_knows, simulated_each
from drproof.targets.aws.roles import of_role


class AwsRoles:
    """The parts of the orchestrator at one site."""

    def __init__(self, client: Callable[[str], Any], settings: Settings) -> None:
        """Ask through what `client` returns for the name of a service."""
        self._client = client
        self._settings = settings

    def look(self, role: str, verbs: Iterable[str]) -> PermissionsSeen:
        """Return what becomes of every action of a role; `status` says why it was not simulated.

        Raises:
            TargetError: the part does not say which role it has, or the platform does not answer.
        """
        principal, in_subnets = self._part(role)
        wanted = of_role(role, verbs, self._settings, in_subnets=in_subnets)
        try:
            decisions = simulated_each(self._client("iam"), principal, wanted)
        except TargetError as exc:
            if exc.code not in REFUSED:
                raise
            return PermissionsSeen(principal=principal, status=exc.code, decisions=nobody_knows(wanted))
        return PermissionsSeen(principal=principal, status=SIMULATED, decisions=decisions)

    def _part(self, role: str) -> tuple[str, bool]:
        """Return the role that a part has, and whether the part is a function in subnets."""
        ours = self._settings.orchestrator
        functions = {"function": ours.function, "reaper": ours.reaper, "watcher": ours.watcher}
        if role in functions:
            return self._of_function(functions[role])
        ways: Mapping[str, Callable[[], str]] = {
            "builds": self._of_project,
            "machine": self._of_machine,
            "schedule": self._of_schedule,
        }
        return ways[role](), False

    def _of_project(self) -> str:
        name = self._settings.recovery.provisioner.codebuild.project
        with translated("codebuild:BatchGetProjects", name):
            found = self._client("codebuild").batch_get_projects(names=[name])["projects"]
        if not found:
            raise failure("codebuild:BatchGetProjects", name, "ProjectNotFound", "CodeBuild knows no such project")
        return str(found[0]["serviceRole"])

    def _of_function(self, arn: str) -> tuple[str, bool]:
        with translated("lambda:GetFunctionConfiguration", arn):
            found = self._client("lambda").get_function_configuration(FunctionName=arn)
        return str(found["Role"]), bool(found.get("VpcConfig", {}).get("SubnetIds"))

    def _of_machine(self) -> str:
        arn = self._settings.orchestrator.machine
        with translated("states:DescribeStateMachine", arn):
            return str(self._client("stepfunctions").describe_state_machine(stateMachineArn=arn)["roleArn"])

    def _of_schedule(self) -> str:
        """Return the role as which a rule starts the machine."""
        bus, _, rule = self._settings.orchestrator.schedule.rpartition("/")
        asked = {"Rule": rule, **({"EventBusName": bus} if bus else {})}
        with translated("events:ListTargetsByRule", rule):
            targets = self._client("events").list_targets_by_rule(**asked)["Targets"]
        machine = self._settings.orchestrator.machine
        found = [str(one.get("RoleArn", "")) for one in targets if one.get("Arn") == machine]
        if not any(found):
            raise failure("events:ListTargetsByRule", rule, "NoSuchTarget", f"the rule does not start {machine}")
        return found[0]
