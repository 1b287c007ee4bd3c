"""Machines of one site, and everything else of EC2 that carries a tag."""

import contextlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from drproof.model.capabilities import Intent, RunnerSpec
from drproof.model.errors import GuardError, NotFoundError
from drproof.model.machines import Resource, Runner
from drproof.model.ownership import EFFECT_TAG
from drproof.targets import waiting
from drproof.targets.aws import instants
from drproof.targets.aws.errors import failure, translated

if TYPE_CHECKING:
    from mypy_boto3_ec2.client import EC2Client

ALIVE = ("pending", "running", "stopping", "stopped", "shutting-down")
ENDED = frozenset({"shutting-down", "terminated"})
DEFAULT_NETWORK = "embedded"
"""The name by which the settings of the embedded world mean its default subnet."""

TAGGED = ("instance", "network-interface", "volume")
"""What one request makes, and marks in the same moment."""

ARCHITECTURES = {"arm64": "arm64", "x86_64": "x86_64"}
IMAGE = "resolve:ssm:/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-{architecture}"


def _state(item: Mapping[str, Any]) -> str:
    return str(item.get("State") or item.get("Status") or "exists")


KINDS: tuple[tuple[str, str, str, str], ...] = (
    ("key-pair", "describe_key_pairs", "KeyPairs", "KeyPairId"),
    ("network-interface", "describe_network_interfaces", "NetworkInterfaces", "NetworkInterfaceId"),
    ("security-group", "describe_security_groups", "SecurityGroups", "GroupId"),
    ("snapshot", "describe_snapshots", "Snapshots", "SnapshotId"),
    ("volume", "describe_volumes", "Volumes", "VolumeId"),
)
"""Kind, method, and where the answer has the items and their identity."""
KNOWN = tuple(kind for kind, *_ in KINDS)

REMOVALS: Mapping[str, tuple[str, str]] = {
    "instance": ("terminate_instances", "InstanceIds"),
    "volume": ("delete_volume", "VolumeId"),
    "network-interface": ("delete_network_interface", "NetworkInterfaceId"),
    "security-group": ("delete_security_group", "GroupId"),
}
"""What a drill may have made, in the order in which it can go: the method, and how that calls the identity."""


class AwsFleet:
    """The machines of one site."""

    def __init__(self, client: "EC2Client", *, every: float) -> None:
        """Ask through `client`, when waiting every so many seconds."""
        # One loop over many describe operations is beyond the generated types.
        self._client: Any = client
        self._every = every

    def runners(self, tags: Mapping[str, str]) -> tuple[Runner, ...]:
        """Return the machines with all these tags that are not terminated."""
        return tuple(sorted(map(_runner, self._instances(tags)), key=lambda runner: runner.instance_id))

    def tagged(self, tags: Mapping[str, str]) -> tuple[Resource, ...]:
        """Return everything of EC2 with all these tags that still exists, whatever its kind."""
        found = [runner.resource for runner in self.runners(tags)]
        for kind, method, member, identity in KINDS:
            owners = ("self",) if kind == "snapshot" else ()
            found += [_resource(kind, identity, item) for item in self._described(method, member, tags, owners=owners)]
        found += self._of_other_kinds(tags)
        return tuple(sorted(found, key=lambda resource: (resource.kind, resource.identity)))

    def carrying(self, key: str) -> tuple[Resource, ...]:
        """Return everything of EC2 that carries a tag of this name, whatever its value and its kind."""
        having = [{"Name": "tag-key", "Values": [_literal(key)]}]
        alive = {"Name": "instance-state-name", "Values": list(ALIVE)}
        found = [
            _runner({"OwnerId": group.get("OwnerId", ""), **item}).resource
            for group in self._pages("describe_instances", "Reservations", Filters=[*having, alive])
            for item in group["Instances"]
            if item["State"]["Name"] in ALIVE
        ]
        for kind, method, member, identity in KINDS:
            own = {"OwnerIds": ("self",)} if kind == "snapshot" else {}
            found += [_resource(kind, identity, item) for item in self._pages(method, member, Filters=having, **own)]
        known = {"instance", *KNOWN}
        named = [{"Name": "key", "Values": [_literal(key)]}]
        found += [
            Resource(
                kind=item["ResourceType"],
                identity=item["ResourceId"],
                state="exists",
                tags={item["Key"]: item.get("Value", "")},
            )
            for item in self._pages("describe_tags", "Tags", Filters=named)
            if item["ResourceType"] not in known
        ]
        exact = [one for one in found if key in one.tags]
        return tuple(sorted(exact, key=lambda resource: (resource.kind, resource.identity)))

    def launch(self, intent: Intent, spec: RunnerSpec) -> Runner:
        """Create one machine; the same effect asked twice is the same machine.

        Raises:
            TargetError: AWS refused, or the machine of this effect has ended already.
        """
        carried = {**spec.tags, EFFECT_TAG: intent.token}
        tags = [{"Key": key, "Value": value} for key, value in sorted(carried.items())]
        request: dict[str, Any] = {
            "ImageId": IMAGE.format(architecture=self._architecture(spec.instance_type)),
            "InstanceType": spec.instance_type,
            "MinCount": 1,
            "MaxCount": 1,
            "ClientToken": intent.token,
            "TagSpecifications": [{"ResourceType": kind, "Tags": tags} for kind in TAGGED],
        }
        if spec.subnet_id and spec.subnet_id != DEFAULT_NETWORK:
            request["SubnetId"] = spec.subnet_id
            self._refuse_another_network(spec)
        with translated("ec2:RunInstances", spec.name):
            answer = self._client.run_instances(**request)
        runner = _runner(answer["Instances"][0])
        if runner.state in ENDED:
            message = f"the machine of this effect was {runner.instance_id}, and it is {runner.state}"
            raise failure("ec2:RunInstances", spec.name, "Ended", message)
        return runner

    def network(self, name: str) -> str:
        """Return the identity of a network; the embedded world has a word for its default one."""
        if name != DEFAULT_NETWORK:
            return name
        with translated("ec2:DescribeVpcs", name):
            return str(self._client.describe_vpcs(VpcIds=[name])["Vpcs"][0]["VpcId"])

    def terminate(self, intent: Intent, instance_id: str) -> str:
        """End one machine and return its last state."""
        with translated("ec2:TerminateInstances", f"{instance_id} for effect {intent.number}"):
            answer = self._client.terminate_instances(InstanceIds=[instance_id])
        return str(answer["TerminatingInstances"][0]["CurrentState"]["Name"])

    def remove(self, intent: Intent, resource: Resource) -> None:
        """Remove one thing; what is gone already is as wanted.

        Raises:
            ValueError: its kind is none that a drill makes.
        """
        if resource.kind not in REMOVALS:
            msg = f"{resource.kind} {resource.identity} is never removed; expected one of {', '.join(REMOVALS)}"
            raise ValueError(msg)
        method, name = REMOVALS[resource.kind]
        given = [resource.identity] if name.endswith("Ids") else resource.identity
        with (
            contextlib.suppress(NotFoundError),
            translated(f"ec2:{_operation(method)}", f"{resource.identity} for effect {intent.number}"),
        ):
            getattr(self._client, method)(**{name: given})

    def is_there(self, kind: str, identity: str) -> bool:
        """Return whether one thing still exists, whatever it carries.

        Raises:
            ValueError: its kind is none that is asked for by name.
        """
        try:
            if kind == "instance":
                return str(self._instance(identity)["State"]["Name"]) != "terminated"
            if kind not in KNOWN:
                msg = f"{kind} {identity} is not asked for by name; expected one of instance, {', '.join(KNOWN)}"
                raise ValueError(msg)
            _, method, member, name = KINDS[KNOWN.index(kind)]
            with translated(f"ec2:{_operation(method)}", identity):
                return bool(getattr(self._client, method)(**{f"{name}s": [identity]})[member])
        except NotFoundError:
            return False

    def wait_until(self, instance_id: str, state: str, *, timeout_ms: int) -> Runner:
        """Return the machine once it is in `state`; `TargetError` when the time is over or it cannot come any more."""
        last = "not found"
        for _ in waiting.until(timeout_ms, every=self._every):
            try:
                item = self._instance(instance_id)
            except NotFoundError:
                # A new machine is not known everywhere at once; one that shall be gone is.
                if state in ENDED:
                    raise
                continue
            last = item["State"]["Name"]
            if last == state:
                return _runner(item)
            if last == "terminated" or (last in ENDED and state not in ENDED):
                why = item.get("StateReason", {}).get("Message", "no reason given")
                message = f"expected {state}, got {last}: {why}"
                raise failure("ec2:DescribeInstances", instance_id, "Ended", message)
        message = f"expected {state} within {timeout_ms} ms, got {last}"
        raise failure("ec2:DescribeInstances", instance_id, "Timeout", message)

    def _refuse_another_network(self, spec: RunnerSpec) -> None:
        """Refuse to start a machine in a network in which nobody would look for it afterwards."""
        with translated("ec2:DescribeSubnets", spec.subnet_id):
            found = self._client.describe_subnets(SubnetIds=[spec.subnet_id])["Subnets"]
        network = found[0]["VpcId"] if found else "nothing"
        if network != self.network(spec.vpc_id):
            msg = (
                f"subnet {spec.subnet_id} is in network {network}; expected {spec.vpc_id} "
                f"(recovery.provisioner.vpc_id)\n  next: mend vpc_id or subnet_id in drproof.toml"
            )
            raise GuardError(msg)

    def _architecture(self, instance_type: str) -> str:
        with translated("ec2:DescribeInstanceTypes", instance_type):
            answer = self._client.describe_instance_types(InstanceTypes=[instance_type])
        for found in answer["InstanceTypes"]:
            for name in found.get("ProcessorInfo", {}).get("SupportedArchitectures", ()):
                if name in ARCHITECTURES:
                    return ARCHITECTURES[name]
        message = f"expected an architecture of {sorted(ARCHITECTURES)}, got none"
        raise failure("ec2:DescribeInstanceTypes", instance_type, "NoArchitecture", message)

    def _instance(self, instance_id: str) -> Mapping[str, Any]:
        with translated("ec2:DescribeInstances", instance_id):
            answer = self._client.describe_instances(InstanceIds=[instance_id])
        for reservation in answer["Reservations"]:
            for item in reservation["Instances"]:
                found: Mapping[str, Any] = item
                return found
        msg = f"ec2:DescribeInstances {instance_id}: AWS knows no such machine"
        raise NotFoundError(msg, code="InvalidInstanceID.NotFound", call="ec2:DescribeInstances")

    def _instances(self, tags: Mapping[str, str]) -> Iterator[Mapping[str, Any]]:
        alive = {"Name": "instance-state-name", "Values": list(ALIVE)}
        for group in self._described("describe_instances", "Reservations", tags, alive, whole=False):
            yield from (
                {"OwnerId": group.get("OwnerId", ""), **item}
                for item in group["Instances"]
                if _carries(item, tags) and item["State"]["Name"] in ALIVE
            )

    def _of_other_kinds(self, tags: Mapping[str, str]) -> Iterator[Resource]:
        """Yield what is tagged and of a kind that nobody thought of."""
        known = {"instance", *KNOWN}
        carried: dict[tuple[str, str], dict[str, str]] = {}
        for key, value in tags.items():
            filters = [{"Name": "key", "Values": [key]}, {"Name": "value", "Values": [_literal(value)]}]
            for item in self._pages("describe_tags", "Tags", Filters=filters):
                if item["Key"] == key and item.get("Value", "") == value and item["ResourceType"] not in known:
                    carried.setdefault((item["ResourceType"], item["ResourceId"]), {})[key] = value
        for (kind, identity), found in carried.items():
            if found == dict(tags):
                yield Resource(kind=kind, identity=identity, state="exists", tags=found)

    def _described(
        self,
        method: str,
        member: str,
        tags: Mapping[str, str],
        *more: Mapping[str, Any],
        whole: bool = True,
        owners: tuple[str, ...] = (),
    ) -> Iterator[Mapping[str, Any]]:
        """Yield what an operation describes with all these tags; exactly these, though filters know wildcards."""
        if not tags:
            msg = f"ec2:{_operation(method)}: expected at least one tag, got none, which would mean everything"
            raise ValueError(msg)
        filters = [{"Name": f"tag:{key}", "Values": [_literal(value)]} for key, value in tags.items()]
        request = {"Filters": [*filters, *more], **({"OwnerIds": owners} if owners else {})}
        for item in self._pages(method, member, **request):
            if not whole or _carries(item, tags):
                yield item

    def _pages(self, method: str, member: str, **request: Any) -> Iterator[Mapping[str, Any]]:  # noqa: ANN401
        call = f"ec2:{_operation(method)}"
        if not self._client.can_paginate(method):
            ask: Callable[..., Mapping[str, Any]] = getattr(self._client, method)
            with translated(call):
                yield from ask(**request).get(member, ())
            return
        pages: Iterable[Mapping[str, Any]] = self._client.get_paginator(method).paginate(**request)
        turning = iter(pages)
        while True:
            with translated(call):
                page = next(turning, None)
            if page is None:
                return
            yield from page.get(member, ())


def _operation(method: str) -> str:
    """Return the name of the operation behind a method of the client."""
    return "".join(word.capitalize() for word in method.split("_"))


def _literal(value: str) -> str:
    """Return a filter value without wildcards."""
    return value.replace("\\", "\\\\").replace("*", "\\*").replace("?", "\\?")


def _tags(item: Mapping[str, Any]) -> dict[str, str]:
    # A network interface calls its tags otherwise than everything else does.
    return {tag["Key"]: tag.get("Value", "") for tag in item.get("Tags") or item.get("TagSet") or ()}


def _carries(item: Mapping[str, Any], tags: Mapping[str, str]) -> bool:
    carried = _tags(item)
    return all(carried.get(key) == value for key, value in tags.items())


def _runner(item: Mapping[str, Any]) -> Runner:
    groups = item.get("SecurityGroups") or [{}]
    return Runner(
        instance_id=item["InstanceId"],
        state=item["State"]["Name"],
        instance_type=item["InstanceType"],
        launched_at=instants.text(item.get("LaunchTime")),
        public_ip=item.get("PublicIpAddress", ""),
        private_ip=item.get("PrivateIpAddress", ""),
        key_name=item.get("KeyName", ""),
        security_group=groups[0].get("GroupId", ""),
        tags=_tags(item),
        effect=item.get("ClientToken", ""),
        account_id=item.get("OwnerId", ""),
        network=item.get("VpcId", ""),
        made_at=_made_at(item),
    )


def _made_at(item: Mapping[str, Any]) -> str:
    """Return when a machine was first launched: its first interface has been attached since then."""
    attached = (card.get("Attachment") or {} for card in item.get("NetworkInterfaces") or ())
    first = next((one.get("AttachTime") for one in attached if one.get("DeviceIndex") == 0), None)
    return instants.text(first) if isinstance(first, datetime) else ""


def _resource(kind: str, identity: str, item: Mapping[str, Any]) -> Resource:
    tags = _tags(item)
    made = item.get("CreateTime") or item.get("StartTime")
    return Resource(
        kind=kind,
        identity=item[identity],
        state=_state(item),
        tags=tags,
        effect=tags.get(EFFECT_TAG, ""),
        created_at=instants.text(made) if isinstance(made, datetime) else "",
        account_id=item.get("OwnerId", ""),
        network=item.get("VpcId", ""),
        attached_to=_attached_to(item),
    )


def _attached_to(item: Mapping[str, Any]) -> str:
    """Return the machine that a disk or an interface hangs on; a disk may hang on several, and the first is named."""
    cards = item.get("Attachments") or [item.get("Attachment") or {}]
    return next((str(card["InstanceId"]) for card in cards if card.get("InstanceId")), "")
