"""What the modules grant to each role, read off their text; and the settings by which the table of roles is filled in."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files
from pathlib import Path
from tempfile import TemporaryDirectory

from drproof import catalog
from drproof.engine.readiness import verbs_of
from drproof.model.settings import Settings
from drproof.orchestrator.deployment import settings_in
from drproof.targets.aws.permissions import Permission
from drproof.targets.aws.role_grants import RoleGrant
from drproof.targets.aws.roles import ROLES, TABLE, of_role
from tests.orchestrator.test_package import LIVE

DEPLOY = Path(str(files("drproof.deploy"))) / "terraform"
STATEMENTS: dict[str, tuple[RoleGrant, ...]] = {role: TABLE[role] for role in ROLES}
SOURCES: dict[str, Path] = dict.fromkeys(STATEMENTS, DEPLOY / "orchestrator" / "roles.tf") | {
    "builds": DEPLOY / "orchestrator" / "build_role.tf",
    "reaper": DEPLOY / "reaper" / "role.tf",
}
NAMED = {"function": "orchestrator"}
"""How the module calls a role's document, where it calls it otherwise."""
AT = "arn:aws:{service}:us-west-2:444455556666:{what}"
FUNCTION = "atlas-dr-orchestrator"
DEPLOYED = f"""
[orchestrator]
machine = "{AT.format(service="states", what=f"stateMachine:{FUNCTION}")}"
function = "{AT.format(service="lambda", what=f"function:{FUNCTION}")}"
watcher = "{AT.format(service="lambda", what=f"function:{FUNCTION}-watcher")}"
reaper = "{AT.format(service="lambda", what="function:drproof-reaper")}"
schedule = "{FUNCTION}-schedule"
"""
SIGNER = "awskms:" + AT.format(service="kms", what="key/11111111-2222-3333-4444-555555555555")
DIGESTS = "awskms:" + AT.format(service="kms", what="key/66666666-7777-8888-9999-000000000000")
READS = "arn:aws:iam::444455556666:policy/atlas-drill-reads"
BLOCK = re.compile(r'^\s*(?:dynamic "statement"|statement) \{$', re.MULTILINE)
QUOTED = re.compile(r'"([^"]*)"')


@dataclass(frozen=True)
class Statement:
    """One statement of a module, as its text has it."""

    sid: str
    actions: frozenset[str]
    tests: frozenset[tuple[str, str]]
    """Each condition's operator and key."""


@cache
def settings_of_all() -> Settings:
    """Return the settings of sites with every part of the orchestrator and a lock table, each named."""
    text = LIVE.replace('uri = "s3://atlas-receipts/r"', f'uri = "s3://atlas-receipts/r"\ndigest_key = "{DIGESTS}"')
    text = text.replace('signer = "awskms:alias/atlas"', f'signer = "{SIGNER}"')
    text = text.replace(
        "[recovery.provisioner]\n",
        f'[recovery.provisioner]\nlock_table = "atlas-locks"\nvariables = {{ machine_policy_arn = "{READS}" }}\n',
    )
    text = text.replace(
        "[recovery.provisioner.codebuild]\n",
        '[recovery.provisioner.codebuild]\nterraform_uri = "s3://atlas-tools/terraform.zip"\n',
    )
    with TemporaryDirectory() as folder:
        file = Path(folder) / "drproof.toml"
        file.write_text(text + DEPLOYED, encoding="utf-8")
        return settings_in(file, {})


def verbs() -> tuple[str, ...]:
    """Return the verbs of the plan that the function runs."""
    return verbs_of(catalog.plan(catalog.RECOVERY), settings_of_all())


def one_account() -> Settings:
    """Return those settings where both sites are one account, so that the function's role has the rights at both."""
    settings = settings_of_all()
    owner = settings.sites.recovery.account_id
    primary = replace(settings.sites.primary, account_id=owner, owner=owner)
    return replace(settings, sites=replace(settings.sites, primary=primary))


@cache
def permissions(role: str) -> tuple[Permission, ...]:
    """Return everything that a role is granted, where both sites are one account."""
    return of_role(role, verbs(), one_account())


def actions(role: str) -> frozenset[str]:
    """Return every action that a role is granted."""
    return frozenset(one.action for one in permissions(role))


def written(role: str) -> dict[str, Statement]:
    """Return the statements of a role's document in the module, by sid."""
    text = SOURCES[role].read_text(encoding="utf-8")
    start = text.index(f'data "aws_iam_policy_document" "{NAMED.get(role, role)}" {{')
    document = text[start : text.index("\n}\n", start)]
    return {one.sid: one for one in _statements(document)}


def _statements(document: str) -> Iterator[Statement]:
    begins = [found.start() for found in BLOCK.finditer(document)]
    for begin, end in zip(begins, [*begins[1:], len(document)], strict=True):
        text = document[begin:end]
        (sid,) = re.findall(r'\bsid\s+= "(\w+)"', text)
        (listed,) = re.findall(r"\bactions\s+= \[(.*?)\]", text, re.DOTALL)
        conditions = re.findall(r"condition \{(.*?)\n\s*\}", text, re.DOTALL)
        yield Statement(sid, frozenset(QUOTED.findall(listed)), frozenset(_tested(one) for one in conditions))


def _tested(condition: str) -> tuple[str, str]:
    (test,) = re.findall(r'test\s+= "(\w+)"', condition)
    (variable,) = re.findall(r"variable\s+= (\S+)", condition)
    return test, {"local.drill_is": "aws:ResourceTag/drproof:drill"}.get(variable, variable.strip('"'))


def declared(grant: RoleGrant) -> Statement:
    """Return a row of the table as a statement's text would have it."""
    tests = frozenset((test, key) for test, keys in grant.condition.items() for key in keys)
    return Statement(grant.sid, frozenset(grant.actions), tests)


def rows(role: str) -> dict[str, Statement]:
    """Return the rows of the table, by sid."""
    return {grant.sid: declared(grant) for grant in STATEMENTS[role]}
