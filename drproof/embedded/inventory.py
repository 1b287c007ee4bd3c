"""Everything that a drill could have left, read from the emulator's own memory and not through its API."""

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from moto.dynamodb.models import dynamodb_backends
from moto.ec2.models import ec2_backends
from moto.s3.models import s3_backends
from moto.ssm.models import ssm_backends

from drproof.embedded.accounts import Credentials
from drproof.embedded.kubernetes.cluster import Cluster
from drproof.embedded.kubernetes.resources import (
    CONFIGMAPS,
    CRONJOBS,
    DEPLOYMENTS,
    JOBS,
    NAMESPACES,
    PODS,
    SECRETS,
    SERVICEACCOUNTS,
    SERVICES,
)
from drproof.embedded.world import World

RESTORED = (NAMESPACES, CONFIGMAPS, CRONJOBS, DEPLOYMENTS, JOBS, SECRETS, SERVICEACCOUNTS, SERVICES)
LABEL, EXPIRES = "drproof.io/drill", "drproof.io/expires-at"
STATE = ".tfstate"
OF_EVERY_NAMESPACE = frozenset({"default", "kube-root-ca.crt"})


def take(world: World) -> dict[str, Any]:
    """Return what exists now: machines, disks, groups, recovered objects, lock items, commands, clusters."""
    sites = (world.primary, world.recovery)
    # Of machines and what hangs on them also what lies in a region that no site is in.
    everywhere = tuple(
        replace(site, region=region) for site in sites for region in sorted(ec2_backends[site.account_id].keys())
    )
    return {
        "instances": [item for site in everywhere for item in _instances(site)],
        "volumes": [item for site in everywhere for item in _volumes(site)],
        "interfaces": [item for site in everywhere for item in _interfaces(site)],
        "security_groups": [item for site in sites for item in _groups(site)],
        "others": [item for site in everywhere for item in _others(site)],
        "objects": list(_objects(world.recovery.account_id)),
        "lock_items": [item for site in sites for item in _items(site)],
        "commands": [item for site in sites for item in _commands(site)],
        "clusters": [_cluster(machine, cluster) for machine, cluster in list(world.clusters.items())],
    }


def _cluster(machine: str, cluster: Cluster) -> dict[str, Any]:
    """Return what lives in a cluster besides what every cluster has."""
    own = {"default", "kube-system", "kube-public", "kube-node-lease"}
    kept = {}
    for resource in (JOBS, PODS, SECRETS, CRONJOBS):
        found = [one["metadata"] for one in cluster.store.list(resource)[0]]
        kept[resource.plural] = [f"{one['namespace']}/{one['name']}" for one in found if one["namespace"] not in own]
    spaces = [one["metadata"]["name"] for one in cluster.store.list(NAMESPACES)[0]]
    found = [(kind, one["metadata"]) for kind in RESTORED for one in cluster.store.list(kind)[0]]
    others = [(kind, one) for kind, one in found if one.get("namespace", one["name"]) not in own]
    marked = [
        {"name": one["name"], "kind": kind.plural, "expires_at": (one.get("annotations") or {}).get(EXPIRES, "")}
        for kind, one in others
        if LABEL in (one.get("labels") or {})
    ]
    bare = [
        f"{kind.plural}/{one['name']}"
        for kind, one in others
        if LABEL not in (one.get("labels") or {}) and one["name"] not in OF_EVERY_NAMESPACE
    ]
    spaces = sorted(set(spaces) - own)
    return {"machine": machine, "uid": cluster.uid, "namespaces": spaces, **kept, "marked": marked, "unmarked": bare}


def _where(site: Credentials) -> dict[str, str]:
    return {"account": site.account_id, "region": site.region}


def _instances(site: Credentials) -> Iterator[dict[str, Any]]:
    backend = ec2_backends[site.account_id][site.region]
    for reservation in list(backend.reservations.values()):
        for instance in reservation.instances:
            if instance.state != "terminated":
                tags = {tag["key"]: tag["value"] for tag in instance.get_tags()}
                yield _where(site) | {"id": instance.id, "state": instance.state, "tags": tags}


def _volumes(site: Credentials) -> Iterator[dict[str, Any]]:
    for volume in list(ec2_backends[site.account_id][site.region].volumes.values()):
        tags = {tag["key"]: tag["value"] for tag in volume.get_tags()}
        yield _where(site) | {"id": volume.id, "state": volume.status, "tags": tags}


def _groups(site: Credentials) -> Iterator[dict[str, Any]]:
    for groups in list(ec2_backends[site.account_id][site.region].groups.values()):
        for group in list(groups.values()):
            if group.name != "default":
                tags = {tag["key"]: tag["value"] for tag in group.get_tags()}
                yield _where(site) | {"id": group.id, "name": group.name, "tags": tags}


def _interfaces(site: Credentials) -> Iterator[dict[str, Any]]:
    for card in list(ec2_backends[site.account_id][site.region].enis.values()):
        tags = {tag["key"]: tag["value"] for tag in card.get_tags()}
        yield _where(site) | {"id": card.id, "state": card.status, "tags": tags}


def _others(site: Credentials) -> Iterator[dict[str, Any]]:
    """Yield key pairs, and snapshots but for that of the base image, which the site has from the start."""
    backend = ec2_backends[site.account_id][site.region]
    for pair in list(backend.key_pairs.values()):
        yield _where(site) | {"id": pair.id, "kind": "key-pair"}
    for copy in list(backend.snapshots.values()):
        if copy.owner_id == site.account_id and not copy.from_ami:
            yield _where(site) | {"id": copy.id, "kind": "snapshot"}


def _objects(account: str) -> Iterator[dict[str, Any]]:
    tagger = s3_backends[account]["aws"].tagger
    for bucket in list(s3_backends[account]["aws"].buckets.values()):
        # The store's own `items` yields the newest version alone.
        for key, versions in list(dict.items(bucket.keys)):
            for version in list(versions):
                size = getattr(version, "size", None)
                yield {
                    "bucket": bucket.name,
                    "key": key,
                    "version": version.version_id,
                    "delete_marker": size is None,
                    "size": size,
                    "tags": tagger.get_tag_dict_for_resource(version.arn) if size is not None else {},
                    **({"holds": _held(version.value) if size is not None else []} if key.endswith(STATE) else {}),
                }


def _held(body: bytes) -> list[str]:
    """Return what a Terraform state holds; of one that nobody can read, that."""
    try:
        resources = json.loads(body)["resources"]
        managed = [one for one in resources if one["mode"] == "managed" and one["instances"]]
        return [f"{one['type']}.{one['name']}" for one in managed]
    except (ValueError, KeyError, TypeError):
        return ["what cannot be read"]


def _items(site: Credentials) -> Iterator[dict[str, Any]]:
    for table in list(dynamodb_backends[site.account_id][site.region].tables.values()):
        for item in table.all_items():
            yield _where(site) | {"table": table.name, "item": item.to_json()}


def _commands(site: Credentials) -> Iterator[dict[str, Any]]:
    for command in list(ssm_backends[site.account_id][site.region]._commands):  # noqa: SLF001 — the API pages, this must not
        yield _where(site) | {
            "id": command.command_id,
            "instances": list(command.instance_ids),
            "status": command.status,
            "commands": command.parameters.get("commands", []),
        }
