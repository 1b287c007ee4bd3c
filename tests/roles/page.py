"""`python -m tests.roles.page`: the page of the roles, from the table, the record of what was asked for, and the exceptions."""

import sys
from pathlib import Path

from drproof.targets.aws.roles import ROLES, TABLE
from tests.roles.asked import recorded
from tests.roles.exceptions import TOLERATED, UNSEEN
from tests.roles.granted import permissions, rows

PAGE = Path(__file__).resolve().parents[2] / "docs" / "roles.md"
HEAD = """# Roles

Each part of the orchestrator acts as a role of its own. This page is made from the table that the preflight asks by
(`drproof/targets/aws/role_grants.py`, `reaper_grants.py`), the logs of the embedded world, and the exceptions of the tests; what is
granted is what was seen, and what was not seen has its reason here. `deploy/terraform` makes the roles. The function's
phases have what `drproof policy` prints, without what a build or the machine does for them. The role of a function that is
in subnets (`function_subnet_ids`) needs `ec2:CreateNetworkInterface`, `ec2:DeleteNetworkInterface` and
`ec2:DescribeNetworkInterfaces` besides: the preflight asks the function whether it is in any, and IAM about these.
"""


def page() -> str:
    """Return the page."""
    seen = recorded()
    parts = [HEAD]
    for role in ROLES:
        by_action = seen.get(role, {})
        lines = [f"\n## {role}\n\n| action | needed by | seen in |\n|---|---|---|\n"]
        needed: dict[str, list[str]] = {}
        for one in permissions(role):
            needed.setdefault(one.action, [])
            if one.verb not in needed[one.action]:
                needed[one.action].append(one.verb)
        for action, by in sorted(needed.items()):
            where = "; ".join(by_action.get(action, ())) or f"*nowhere*: {UNSEEN[role].get(action, '')}"
            lines.append(f"| `{action}` | {'; '.join(_worded(one) for one in by)} | {where} |\n")
        conditions = sorted(
            f"`{sid}`: " + ", ".join(f"`{key}`" for _, key in sorted(one.tests))
            for sid, one in rows(role).items()
            if one.tests
        )
        lines += [f"\nBound by a condition: {'; '.join(conditions)}.\n"] if conditions else []
        lines += [f"\nMay be denied: `{action}`: {why}.\n" for action, why in TOLERATED.get(role, {}).items()]
        parts.append("".join(lines))
    return "".join(parts)


def _worded(needed_by: str) -> str:
    """Return who needs it; the verbs of phases are code."""
    known = {grant.needed_by for grants in TABLE.values() for grant in grants}
    return needed_by if needed_by in known else f"`{needed_by}`"


if __name__ == "__main__":
    sys.stdout.write(page())
