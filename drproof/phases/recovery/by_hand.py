"""The one command that removes what a lost state held and no tag finds, by the name that the platform knows it by.

What is held is named by its address in the state; what no listing by tag shows has, after a blank, the names of the
platform, joined by `|`: `aws_iam_role.runner atlas-dr-runner-1a2b3c4d`.
"""

from collections.abc import Iterable, Mapping

COMMANDS: Mapping[str, str] = {
    "aws_iam_role_policy_attachment": "aws iam detach-role-policy --role-name {0} --policy-arn {1}",
    "aws_iam_instance_profile": (
        "aws iam remove-role-from-instance-profile --instance-profile-name {0} --role-name {1} "
        "&& aws iam delete-instance-profile --instance-profile-name {0}"
    ),
    "aws_iam_role": "aws iam delete-role --role-name {0}",
}
"""By the type of a resource, in the order in which they work."""

NAMED: Mapping[str, tuple[str, ...]] = {
    "aws_iam_role_policy_attachment": ("role", "policy_arn"),
    "aws_iam_instance_profile": ("name", "role"),
    "aws_iam_role": ("name",),
}
"""By which attributes of the state such a resource is called."""

_ORDER = {kind: number for number, kind in enumerate(COMMANDS)}


def called(kind: str, attributes: Mapping[str, object]) -> str:
    """Return the names of the platform for a resource; "" where a tag finds it, or the state does not say."""
    values = [attributes.get(name) for name in NAMED.get(kind, ())]
    return "|".join(map(str, values)) if values and all(values) else ""


def commands(held: Iterable[str]) -> tuple[str, ...]:
    """Return the command for each that needs one, in the order in which they work."""
    found = []
    for one in held:
        address, _, names = one.partition(" ")
        # Within modules the type is the last part but one.
        kind = address.partition("[")[0].rpartition(".")[0].rpartition(".")[2]
        if names and kind in COMMANDS:
            found.append((_ORDER[kind], COMMANDS[kind].format(*names.split("|"))))
    return tuple(command for _, command in sorted(found))
