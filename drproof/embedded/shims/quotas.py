"""Service Quotas: the quotas of EC2 and CodeBuild that bringing a machine up depends on."""

import json
from typing import Any

from moto.servicequotas.exceptions import NoSuchResource
from moto.servicequotas.models import ServiceQuotasBackend
from moto.servicequotas.responses import ServiceQuotasResponse

from drproof.embedded.shims import seams
from drproof.embedded.world import World

SEAMS = (
    "moto.servicequotas.models:ServiceQuotasBackend.get_service_quota",
    "moto.servicequotas.models:ServiceQuotasBackend.list_aws_default_service_quotas",
    "moto.servicequotas.responses:ServiceQuotasResponse.get_service_quota",
)
# Service, code, name, value. The codes of EC2 are the public ones; those of CodeBuild are the world's own.
QUOTAS = (
    ("ec2", "L-1216C47A", "Running On-Demand Standard (A, C, D, H, I, M, R, T, Z) instances", 32.0),
    ("ec2", "L-34B43A08", "All Standard (A, C, D, H, I, M, R, T, Z) Spot Instance Requests", 32.0),
    ("codebuild", "L-EMBEDDED-LINUX-SMALL", "Concurrently running builds for Linux/Small environment", 1.0),
    ("codebuild", "L-EMBEDDED-LINUX-MEDIUM", "Concurrently running builds for Linux/Medium environment", 1.0),
)
NONE_LEFT = {
    "codebuild-quota-zero": frozenset({"codebuild"}),
    "preflight-quota-zero": frozenset({"codebuild", "ec2"}),
}
"""By scenario, the services whose quotas are those of a new account: nothing at all."""


def install(world: World) -> None:
    """Let quotas be listed and asked for; a scenario makes them those of a new account."""
    none_left = NONE_LEFT.get(world.scenario, frozenset())

    def listed(self: ServiceQuotasBackend, service_code: str) -> list[dict[str, Any]]:
        found = [_quota(self, row, none_left=row[0] in none_left) for row in QUOTAS if row[0] == service_code]
        if not found:
            raise NoSuchResource
        return found

    def one(self: ServiceQuotasBackend, service_code: str, quota_code: str) -> dict[str, Any]:
        for row in QUOTAS:
            if row[:2] == (service_code, quota_code):
                return _quota(self, row, none_left=row[0] in none_left)
        raise NoSuchResource

    def list_service_quotas(self: ServiceQuotasResponse) -> str:
        code = str(json.loads(self.body).get("ServiceCode"))
        return json.dumps({"Quotas": self.backend.list_aws_default_service_quotas(code)})

    def get_aws_default_service_quota(self: ServiceQuotasResponse) -> str:
        asked = json.loads(self.body)
        return json.dumps({"Quota": self.backend.get_service_quota(asked["ServiceCode"], asked["QuotaCode"])})

    seams.add(ServiceQuotasResponse, "get_aws_default_service_quota", get_aws_default_service_quota)
    seams.put(ServiceQuotasBackend, "list_aws_default_service_quotas", listed)
    seams.put(ServiceQuotasBackend, "get_service_quota", one)
    seams.add(ServiceQuotasResponse, "list_service_quotas", list_service_quotas)


def _quota(backend: ServiceQuotasBackend, row: tuple[str, str, str, float], *, none_left: bool) -> dict[str, Any]:
    service, code, name, value = row
    arn = f"arn:aws:servicequotas:{backend.region_name}:{backend.account_id}:{service}/{code}"
    return {
        "ServiceCode": service,
        "ServiceName": service,
        "QuotaArn": arn,
        "QuotaCode": code,
        "QuotaName": name,
        "Value": 0.0 if none_left else value,
        "Unit": "None",
        "Adjustable": True,
        "GlobalQuota": False,
    }
