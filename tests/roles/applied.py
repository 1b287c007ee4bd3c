"""What a role really has once a module is applied, beside what the table says for the same settings."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, TypeAlias

from drproof import catalog
from drproof.engine.readiness import verbs_of
from drproof.model.settings import Settings
from drproof.targets.aws.roles import of_phases, of_role

Granted: TypeAlias = set[tuple[str, str, str]]
"""Action, resource, condition."""


def granted(iam: Any, role: str) -> Granted:
    """Return everything that the policies of a role allow."""
    names = iam.list_role_policies(RoleName=role)["PolicyNames"]
    documents = [iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"] for name in names]
    statements = [one for document in documents for one in _listed(document["Statement"])]
    assert {one["Effect"] for one in statements} == {"Allow"}
    return {
        (action, resource, _worded(one.get("Condition", {})))
        for one in statements
        for action in _listed(one["Action"])
        for resource in _listed(one["Resource"])
    }


def meant(role: str, settings: Settings, packaged: Settings) -> Granted:
    """Return everything that the table says of a role; what phases need is by the settings that were packaged."""
    own = {(one.action, one.resource, _worded(one.condition)) for one in of_role(role, (), settings)}
    if role != "function":
        return own
    verbs = verbs_of(catalog.plan(catalog.RECOVERY), packaged)
    return own | {(one.action, one.resource, _worded(one.condition)) for one in of_phases(verbs, packaged)}


def deployed(settings: Settings, variables: Mapping[str, Any], outputs: Mapping[str, Any]) -> Settings:
    """Return settings that name what the module was given and what it made."""
    where = replace(
        settings.recovery.provisioner,
        state_bucket=outputs["terraform_state_bucket"],
        lock_table=outputs["terraform_lock_table"],
        vpc_id=variables["dr_vpc_id"],
        subnet_id=variables["dr_subnet_id"],
        codebuild=replace(settings.recovery.provisioner.codebuild, project=outputs["infra_codebuild_project_name"]),
    )
    ours = replace(
        settings.orchestrator,
        machine=outputs["state_machine_arn"],
        function=outputs["runner_lambda_arn"],
        watcher=outputs["watcher_lambda_arn"],
        schedule=outputs["schedule_rule_name"],
    )
    signing = replace(settings.signing, signer=outputs["signer"], digest_key=outputs["digest_key"])
    return replace(settings, recovery=replace(settings.recovery, provisioner=where), orchestrator=ours, signing=signing)


def _listed(found: Any) -> Iterable[Any]:
    return found if isinstance(found, list) else [found]


def _worded(condition: Mapping[str, Mapping[str, Any]]) -> str:
    whole = {
        test: {key: sorted([values] if isinstance(values, str) else values) for key, values in keys.items()}
        for test, keys in condition.items()
    }
    return json.dumps(whole, sort_keys=True)
