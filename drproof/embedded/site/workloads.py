"""What ran in the cluster of the original site, as an export of it holds it: with all that a live object carries."""

import base64
import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from drproof.embedded.site.store import second
from drproof.embedded.world import World

NAMESPACE = "atlas"
CRONJOB, ACCOUNT, CONFIG = "atlas-daily", "atlas", "atlas-config"
BORN_BEFORE = timedelta(days=90)
SETTINGS_MAPS = 6


def manifests(world: World, created: datetime) -> Iterator[tuple[str, str]]:
    """Yield file names and texts; JSON is YAML, so that the world needs no writer of it."""
    objects = [one for one in _objects(world) if not (world.scenario == "cronjob-missing" and one["kind"] == "CronJob")]
    for number, one in enumerate(objects):
        live = _exported(one, number, created - BORN_BEFORE)
        yield f"{number:02d}-{one['kind'].lower()}-{one['metadata']['name']}.yaml", json.dumps(live, indent=2) + "\n"
    yield "README.md", "Exported with kubectl get -o yaml, one object a file.\n"


def _objects(world: World) -> list[dict[str, Any]]:
    image = world.names.image_ref
    labels = {"app.kubernetes.io/name": "atlas"}
    return [
        _object("v1", "ServiceAccount", ACCOUNT, imagePullSecrets=[{"name": "mirror-pull"}]),
        _object("rbac.authorization.k8s.io/v1", "Role", ACCOUNT, rules=[]),
        _object(
            "rbac.authorization.k8s.io/v1",
            "RoleBinding",
            ACCOUNT,
            roleRef={"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": ACCOUNT},
            subjects=[{"kind": "ServiceAccount", "name": ACCOUNT, "namespace": NAMESPACE}],
        ),
        # The original publishes; a restore must not.
        _object(
            "v1",
            "ConfigMap",
            CONFIG,
            data={
                "CAREERS_MODE": "SNAPSHOT",
                "PUBLISH_S3": "1",
                "PUBLISH_S3_DRY_RUN": "0",
                "ATLAS_S3_BUCKET": world.names.bucket,
                "ATLAS_S3_PREFIX": world.names.prefix,
            },
        ),
        _object(
            "v1",
            "Secret",
            "atlas-secrets",
            type="Opaque",
            data={"WEBHOOK_TOKEN": base64.b64encode(b"generated-for-the-embedded-world").decode()},
        ),
        *(
            _object("v1", "ConfigMap", f"atlas-settings-{number}", data={"number": f"{number}", "text": "a\n  b\n\n"})
            for number in range(SETTINGS_MAPS)
        ),
        _object(
            "v1",
            "Service",
            "atlas-dashboard",
            spec={
                "selector": {"app": "atlas-dashboard"},
                "clusterIP": "10.43.7.7",
                "clusterIPs": ["10.43.7.7"],
                "ports": [{"port": 80, "targetPort": 8080, "protocol": "TCP"}],
            },
        ),
        _object(
            "apps/v1",
            "Deployment",
            "atlas-dashboard",
            spec={
                "replicas": 0,
                "selector": {"matchLabels": {"app": "atlas-dashboard"}},
                "template": {
                    "metadata": {"labels": {"app": "atlas-dashboard"}},
                    "spec": {
                        "serviceAccountName": ACCOUNT,
                        "containers": [
                            {
                                "name": "dashboard",
                                "image": image,
                                "args": ["serve"],
                                "resources": {"requests": {"cpu": 0.1, "memory": "268435456"}},
                            }
                        ],
                    },
                },
            },
        ),
        _object(
            "batch/v1",
            "CronJob",
            CRONJOB,
            spec={
                "schedule": "0 13 * * *",
                "concurrencyPolicy": "Forbid",
                "startingDeadlineSeconds": 600,
                "jobTemplate": {
                    "spec": {
                        "backoffLimit": 0,
                        "template": {
                            "metadata": {"labels": labels},
                            "spec": {
                                "serviceAccountName": ACCOUNT,
                                "restartPolicy": "Never",
                                "securityContext": {"runAsUser": 1000, "runAsGroup": 1000, "fsGroup": 1000},
                                "containers": [
                                    {
                                        "name": "daily",
                                        "image": image,
                                        "args": ["run", "--profile", world.names.profile],
                                        "envFrom": [{"configMapRef": {"name": CONFIG}}],
                                        "env": [
                                            {
                                                "name": "WEBHOOK_TOKEN",
                                                "valueFrom": {
                                                    "secretKeyRef": {"name": "atlas-secrets", "key": "WEBHOOK_TOKEN"}
                                                },
                                            }
                                        ],
                                        "volumeMounts": [{"name": "work", "mountPath": "/work"}],
                                    }
                                ],
                                "volumes": [{"name": "work", "emptyDir": {}}],
                            },
                        },
                    }
                },
            },
        ),
        # What an export of everything holds as well, and a restore leaves out.
        _object("v1", "ConfigMap", "kube-root-ca.crt", data={"ca.crt": "the authority of another cluster"}),
        _object("v1", "Pod", "atlas-daily-29000000-abcde", spec={"containers": [{"name": "daily", "image": image}]}),
    ]


def _object(api_version: str, kind: str, name: str, **content: Any) -> dict[str, Any]:  # noqa: ANN401 — plain JSON
    metadata = {"name": name, "namespace": NAMESPACE}
    return {"apiVersion": api_version, "kind": kind, "metadata": metadata, **content}


def _exported(one: dict[str, Any], number: int, born: datetime) -> dict[str, Any]:
    metadata = {
        **one["metadata"],
        "uid": f"00000000-0000-4000-8000-{number:012d}",
        "resourceVersion": f"{4000 + number}",
        "creationTimestamp": second(born),
        "annotations": {"kubectl.kubernetes.io/last-applied-configuration": "{}"},
    }
    return {**one, "metadata": metadata} | ({"status": {}} if "spec" in one else {})
