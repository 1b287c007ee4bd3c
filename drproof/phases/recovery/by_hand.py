"""The one command that removes what a lost state held and no tag finds, by the name that the platform knows it by.

What is held is named by its address in the state; what no listing by tag shows has, after a blank, the names of the
platform, joined by `|`: `aws_iam_role.runner atlas-dr-runner-1a2b3c4d`.
"""

import json
from collections.abc import Iterable, Mapping
from shlex import quote

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

NOTHING_OF_ITS_OWN = "terraform_data"
"""A resource that stands for nothing on a platform."""

_ORDER = {kind: number for number, kind in enumerate(COMMANDS)}


def called(kind: str, attributes: Mapping[str, object]) -> str:
    """Return the names of the platform for a resource; "" where a tag finds it, or the state does not say."""
    values = [attributes.get(name) for name in NAMED.get(kind, ())]
    return "|".join(map(str, values)) if values and all(values) else ""


def commands(held: Iterable[str]) -> tuple[str, ...]:
    """Return the command for each that needs one, in the order in which they work."""
    found = []
    for one in held:
        _, _, names = one.partition(" ")
        kind = kind_of(one)
        if names and kind in COMMANDS:
            found.append((_ORDER[kind], COMMANDS[kind].format(*map(quote, names.split("|")))))
    return tuple(command for _, command in sorted(found))


def kind_of(held: str) -> str:
    """Return the type of what is held: within modules it is the last part but one of its address."""
    return held.partition(" ")[0].partition("[")[0].rpartition(".")[0].rpartition(".")[2]


def of_a_state(held: Iterable[str], *, bucket: str, key: str, region: str) -> str:
    """Return the one command that clears a state which does not say whose it is: by its names, else by its module."""
    held = tuple(held)
    if {*map(kind_of, held)} <= {*COMMANDS, NOTHING_OF_ITS_OWN}:
        return " && ".join((*commands(held), _without(bucket, key, region)))
    backend = _backend({"bucket": bucket, "key": key, "region": region})
    return f"terraform init {backend} && terraform destroy, in the folder of the module that made it"


def of_a_lock(  # noqa: PLR0913 — which lock, and where it can lie
    lock_id: str, *, bucket: str, key: str, region: str, table: str, beside: bool
) -> str:
    """Return the one command that gives back, from any folder, the lock `beside` a state, or that in the table.

    Of both Terraform fails at the one that is not there. It asks whether it is meant, and for an id.
    """
    if not lock_id and beside:
        return _without(bucket, f"{key}.tflock", region)
    if not lock_id:
        item = quote(json.dumps({"LockID": {"S": f"{bucket}/{key}"}}))
        return f"aws dynamodb delete-item --region {region} --table-name {quote(table)} --key {item}"
    where = {"bucket": bucket, "key": key, "region": region}
    locks = {"use_lockfile": "true"} if beside else {"dynamodb_table": table}
    empty = """cd "$(mktemp -d)" && echo '{"terraform": {"backend": {"s3": {}}}}' >main.tf.json"""
    return f"{empty} && terraform init {_backend(where | locks)} && terraform force-unlock {quote(lock_id)}"


def _without(bucket: str, key: str, region: str) -> str:
    return f"aws s3api delete-object --region {region} --bucket {quote(bucket)} --key {quote(key)}"


def _backend(told: Mapping[str, str]) -> str:
    return " ".join(f"-backend-config={quote(f'{name}={value}')}" for name, value in told.items())
