"""Service quotas that bringing a machine up counts against, beside what is taken of them."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from drproof.model.errors import NotFoundError
from drproof.model.readiness import PROJECT_LIMIT, QuotaSeen
from drproof.targets.aws.errors import failure, translated

STANDARD = ("L-1216C47A", "A, C, D, H, I, M, R, T and Z")
FAMILIES: Mapping[str, tuple[str, str]] = {
    "dl": ("L-6E869C2A", "DL"),
    "f": ("L-74FC7D96", "F"),
    "g": ("L-DB2E81BA", "G and VT"),
    "inf": ("L-1945791B", "Inf"),
    "p": ("L-417A185B", "P"),
    "trn": ("L-2C3B7624", "Trn"),
    "u": ("L-43DA4232", "High Memory"),
    "vt": ("L-DB2E81BA", "G and VT"),
    "x": ("L-7295265B", "X"),
}
"""The quota of each family of machines that does not count as a standard one."""

STANDARD_LETTERS = "acdhimrtz"
COUNTED = ("pending", "running", "stopping")
"""The states in which a machine counts against the quota."""

CODEBUILD = "codebuild"
SIZES = {
    "BUILD_GENERAL1_SMALL": "Small",
    "BUILD_GENERAL1_MEDIUM": "Medium",
    "BUILD_GENERAL1_LARGE": "Large",
    "BUILD_GENERAL1_XLARGE": "XLarge",
    "BUILD_GENERAL1_2XLARGE": "2XLarge",
}
KINDS = {"LINUX_CONTAINER": "Linux", "ARM_CONTAINER": "ARM", "LINUX_GPU_CONTAINER": "Linux GPU"}
USUAL = {"type": "LINUX_CONTAINER", "computeType": "BUILD_GENERAL1_MEDIUM"}
"""The environment that is meant where nobody could ask for a project's."""


class AwsQuotas:
    """The quotas of one site."""

    def __init__(
        self, quotas: Callable[[], Any], ec2: Callable[[], Any], builds: Callable[[], Any], *, project: str = ""
    ) -> None:
        """Ask through these clients, each made when it is first needed; `project` is that of the drill's builds."""
        self._quotas, self._ec2, self._builds = quotas, ec2, builds
        self._project = project

    def machines(self, instance_type: str) -> QuotaSeen:
        """Return the quota of on-demand vCPUs that a machine of this type counts against, those that run counted.

        Raises:
            TargetError: one of the services does not say.
        """
        code, families = quota_of(instance_type)
        if not code:
            message = "expected a family of machines whose quota is known"
            raise failure("servicequotas:GetServiceQuota", instance_type, "UnknownFamily", message)
        name, value = self._quota("ec2", code)
        running = [kind for kind in self._running() if quota_of(kind)[0] == code]
        cores = self._cores({*running, instance_type})
        return QuotaSeen(
            service="ec2",
            code=code,
            name=name or f"vCPUs of running on-demand {families} machines",
            value=value,
            in_use=sum(cores[kind] for kind in running),
            needed=cores[instance_type],
        )

    def builds(self) -> QuotaSeen:
        """Return the quota of concurrent builds in the environment of the project, those that run in it counted.

        Raises:
            TargetError: one of the services does not say, has no such project, or no such quota.
        """
        with translated("codebuild:BatchGetProjects", self._project):
            found = self._builds().batch_get_projects(names=[self._project]).get("projects", ())
        if not found:
            message = "CodeBuild knows no such project"
            raise failure("codebuild:BatchGetProjects", self._project, "ProjectNotFound", message)
        wanted = builds_named(found[0]["environment"])
        code, value = quota_named(self._quotas(), CODEBUILD, wanted)
        running = self._building()
        in_use = sum(quota == wanted for _, quota in running)
        limit = int(found[0].get(PROJECT_LIMIT) or 0)
        own = sum(project == self._project for project, _ in running)
        if limit and limit - own < value - in_use:
            return QuotaSeen(
                service=CODEBUILD, code=PROJECT_LIMIT, name=self._project, value=limit, in_use=own, needed=1
            )
        return QuotaSeen(service=CODEBUILD, code=code, name=wanted, value=value, in_use=in_use, needed=1)

    def _quota(self, service: str, code: str) -> tuple[str, int]:
        """Return name and value of a quota: the account's own, else what everybody has."""
        asked = {"ServiceCode": service, "QuotaCode": code}
        subject = f"{service} {code}"
        try:
            with translated("servicequotas:GetServiceQuota", subject):
                quota = self._quotas().get_service_quota(**asked)["Quota"]
        except NotFoundError:
            with translated("servicequotas:GetAWSDefaultServiceQuota", subject):
                quota = self._quotas().get_aws_default_service_quota(**asked)["Quota"]
        return str(quota.get("QuotaName") or ""), _value(quota, "servicequotas:GetServiceQuota", subject)

    def _running(self) -> Iterator[str]:
        states = [{"Name": "instance-state-name", "Values": list(COUNTED)}]
        for group in _pages(
            self._ec2(), "describe_instances", "ec2:DescribeInstances", "Reservations", {"Filters": states}
        ):
            for item in group["Instances"]:
                # Spot machines have a quota of their own.
                if item.get("InstanceLifecycle") is None and item["State"]["Name"] in COUNTED:
                    yield item["InstanceType"]

    def _cores(self, kinds: set[str]) -> dict[str, int]:
        with translated("ec2:DescribeInstanceTypes", ", ".join(sorted(kinds))):
            answer = self._ec2().describe_instance_types(InstanceTypes=sorted(kinds))
        found = {row["InstanceType"]: int(row["VCpuInfo"]["DefaultVCpus"]) for row in answer["InstanceTypes"]}
        if missing := kinds - found.keys():
            message = f"expected the vCPUs of {', '.join(sorted(missing))}, got none"
            raise failure("ec2:DescribeInstanceTypes", "", "UnknownType", message)
        return found

    def _building(self) -> list[tuple[str, str]]:
        """Return project and quota of each build that runs, of the latest hundred of each project."""
        client = self._builds()
        running: list[tuple[str, str]] = []
        for project in _pages(client, "list_projects", "codebuild:ListProjects", "projects", {}):
            with translated("codebuild:ListBuildsForProject", project):
                ids = client.list_builds_for_project(projectName=project, sortOrder="DESCENDING").get("ids", ())
            if not ids:
                continue
            with translated("codebuild:BatchGetBuilds", project):
                builds = client.batch_get_builds(ids=list(ids[:100]))["builds"]
            at_work = [build for build in builds if build.get("buildStatus") == "IN_PROGRESS"]
            running += [(project, builds_named(build["environment"])) for build in at_work]
        return running


def builds_named(environment: Mapping[str, Any]) -> str:
    """Return the name of the quota of concurrent builds in an environment."""
    kind, size = str(environment["type"]), str(environment["computeType"])
    return f"Concurrently running builds for {KINDS.get(kind, kind)}/{SIZES.get(size, size)} environment"


def quota_named(client: Any, service: str, name: str) -> tuple[str, int]:  # noqa: ANN401 — the SDK's
    """Return code and value of a quota by its name, the account's own first: what nobody changed is a default alone.

    Raises:
        TargetError: the service does not say, or has no such quota.
    """
    for method, operation in (
        ("list_service_quotas", "ListServiceQuotas"),
        ("list_aws_default_service_quotas", "ListAWSDefaultServiceQuotas"),
    ):
        for row in _pages(client, method, f"servicequotas:{operation}", "Quotas", {"ServiceCode": service}):
            if row.get("QuotaName") == name:
                return str(row["QuotaCode"]), _value(row, f"servicequotas:{operation}", name)
    raise failure("servicequotas:ListServiceQuotas", service, "NoSuchQuota", f"expected {name!r}")


def _value(quota: Mapping[str, Any], call: str, subject: str) -> int:
    """Return the value of a quota; the service names one of which it could not learn that, and why."""
    if quota.get("Value") is None:
        why = quota.get("ErrorReason") or {}
        said = f"expected a value, got none: {why.get('ErrorMessage') or 'nobody says why'}"
        raise failure(call, subject, str(why.get("ErrorCode") or "NoValue"), said)
    return int(quota["Value"])


def quota_of(instance_type: str) -> tuple[str, str]:
    """Return code and families of the quota that machines of a type count against; "" for an unknown family."""
    series = ""
    for letter in instance_type.partition(".")[0].partition("-")[0]:
        if not letter.isalpha():
            break
        series += letter
    if series in FAMILIES:
        return FAMILIES[series]
    # Names such as `im4gn` and `is4gen` are of the family that their first letter says.
    return STANDARD if series[:1] and series[:1] in STANDARD_LETTERS and series != "mac" else ("", "")


def _pages(client: Any, method: str, call: str, member: str, request: Mapping[str, Any]) -> Iterator[Any]:  # noqa: ANN401
    pages = iter(client.get_paginator(method).paginate(**request))
    while True:
        with translated(call):
            page = next(pages, None)
        if page is None:
            return
        yield from page.get(member, ())
