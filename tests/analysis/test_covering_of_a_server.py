"""What an API server makes of manifests of every kind is no difference, with its controllers at work."""

from functools import partial

import pytest
import yaml

from drproof.analysis.covering import differences, projected
from drproof.embedded.kubernetes import resources
from drproof.formats import manifests
from tests.embedded.kubernetes.conftest import IMAGE, registry, running
from tests.patience import until

__all__ = ["registry", "running"]

TEMPLATE = f"""
metadata: {{labels: {{app: app}}}}
spec:
  serviceAccountName: app
  imagePullSecrets: [{{name: pull}}]
  initContainers: [{{name: wait, image: '{IMAGE}', command: [sh, -c, 'true']}}]
  containers:
    - name: app
      image: '{IMAGE}'
      args: ['sleep 600']
      env:
        - {{name: MODE, value: live}}
        - {{name: IP, valueFrom: {{fieldRef: {{fieldPath: status.podIP}}}}}}
        - {{name: CPU, valueFrom: {{resourceFieldRef: {{resource: limits.cpu}}}}}}
      ports: [{{containerPort: 80}}]
      resources: {{limits: {{cpu: 0.1, memory: 64Mi}}, requests: {{cpu: 50m}}}}
      readinessProbe: {{httpGet: {{port: 80}}}}
      livenessProbe: {{tcpSocket: {{port: 80}}, periodSeconds: 30}}
      lifecycle: {{preStop: {{httpGet: {{port: 80}}}}}}
      volumeMounts:
        - {{name: empty, mountPath: /empty}}
        - {{name: settings, mountPath: /settings, readOnly: true}}
  volumes:
    - {{name: empty}}
    - {{name: settings, configMap: {{name: settings}}}}
    - {{name: secret, secret: {{secretName: words}}}}
    - {{name: host, hostPath: {{path: /tmp}}}}
    - {{name: about, downwardAPI: {{items: [{{path: labels, fieldRef: {{fieldPath: metadata.labels}}}}]}}}}
    - name: all
      projected:
        sources:
          - {{serviceAccountToken: {{path: token}}}}
          - {{downwardAPI: {{items: [{{path: name, fieldRef: {{fieldPath: metadata.name}}}}]}}}}
"""

MANIFESTS = """
apiVersion: v1
kind: ServiceAccount
metadata: {name: app}
imagePullSecrets: [{name: pull}]
---
apiVersion: v1
kind: ConfigMap
metadata: {name: settings, labels: {app: app}}
data: {a: '1'}
binaryData: {b: //8=}
---
apiVersion: v1
kind: Secret
metadata: {name: words}
stringData: {a: hidden}
data: {b: aGlkZGVu}
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: disk}
spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: reader}
rules: [{apiGroups: [''], resources: [pods], verbs: [get]}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: reader}
roleRef: {kind: Role, name: reader, apiGroup: rbac.authorization.k8s.io}
subjects: [{kind: ServiceAccount, name: app, namespace: default}, {kind: User, name: u}, {kind: Group, name: g}]
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: deny}
spec: {podSelector: {}}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: out}
spec: {podSelector: {matchLabels: {app: app}}, egress: [{to: [{podSelector: {}}], ports: [{port: 80}]}]}
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {name: app}
spec: {minAvailable: 1, selector: {matchLabels: {app: app}}}
---
apiVersion: v1
kind: Service
metadata: {name: app}
spec: {selector: {app: app}, ports: [{port: 80}]}
---
apiVersion: v1
kind: Service
metadata: {name: headless}
spec: {clusterIP: None, selector: {app: app}, ports: [{port: 80, name: http}, {port: 80, name: dns, protocol: UDP}]}
---
apiVersion: v1
kind: Service
metadata: {name: outside}
spec: {type: NodePort, selector: {app: app}, ports: [{port: 80, targetPort: 8080}]}
---
apiVersion: v1
kind: Service
metadata: {name: balanced}
spec: {type: LoadBalancer, selector: {app: app}, ports: [{port: 443}]}
---
apiVersion: v1
kind: Service
metadata: {name: elsewhere}
spec: {type: ExternalName, externalName: example.org}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: app}
spec: {selector: {matchLabels: {app: app}}, template: TEMPLATE}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: replaced}
spec: {replicas: 0, strategy: {type: Recreate}, selector: {matchLabels: {app: app}}, template: TEMPLATE}
---
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: app}
spec:
  serviceName: headless
  selector: {matchLabels: {app: app}}
  template: TEMPLATE
  volumeClaimTemplates:
    - metadata: {name: data}
      spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}
---
apiVersion: apps/v1
kind: DaemonSet
metadata: {name: app}
spec: {selector: {matchLabels: {app: app}}, template: TEMPLATE}
---
apiVersion: batch/v1
kind: CronJob
metadata: {name: app}
spec: {schedule: 0 13 * * *, suspend: true, jobTemplate: {spec: {template: ONCE}}}
---
apiVersion: batch/v1
kind: Job
metadata: {name: app}
spec: {template: ONCE}
---
apiVersion: v1
kind: Pod
metadata: {name: lone}
spec: {containers: [{name: app, image: 'IMAGE', args: ['sleep 600'], resources: {limits: {cpu: 100m}}}], volumes: [{name: v}]}
---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: app}
spec: {maxReplicas: 3, scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: replaced}}
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: app}
spec:
  rules: [{host: a.example.org, http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: app, port: {number: 80}}}}]}}]
"""

PODS = 5
"""Those of the Deployment, the StatefulSet, the DaemonSet and the Job, and the one that is alone."""

PLURALS = {one.kind: one for one in vars(resources).values() if isinstance(one, resources.Resource)}


def documents():
    template = yaml.safe_load(TEMPLATE)
    once = {**template, "spec": {**template["spec"], "restartPolicy": "Never"}}
    text = MANIFESTS.replace("IMAGE", IMAGE)

    def filled(value):
        if isinstance(value, dict):
            return {name: filled(item) for name, item in value.items()}
        if isinstance(value, list):
            return [filled(item) for item in value]
        return {"TEMPLATE": template, "ONCE": once}.get(value, value) if isinstance(value, str) else value

    return [filled(one) for one in yaml.safe_load_all(text)]


def at(manifest):
    found = PLURALS[manifest["kind"]]
    root = f"/apis/{found.group}/{found.version}" if found.group else f"/api/{found.version}"
    return f"{root}/namespaces/default/{found.plural}/{manifest['metadata']['name']}"


def settled(running, wanted):
    """Wait until the controllers have done their work, and return every object as it is then."""

    def placed():
        pods = running.get("/api/v1/namespaces/default/pods")["items"]
        return len([one for one in pods if one["spec"].get("nodeName")]) >= PODS

    until(placed)
    return [running.get(at(one)) for one in wanted]


def is_gone(running, one):
    return running.call("GET", at(one)).status != 200


@pytest.mark.parametrize("way", ["apply", "create"])
def test_whatever_is_applied_is_stored_without_a_difference(running, way):
    wanted = [manifests.portable(one, namespace="default") for one in documents()]
    assert {one["kind"] for one in wanted} >= {kind for _, kind in manifests.KINDS} - {"LimitRange", "ResourceQuota"}
    for one in wanted:
        if way == "apply":
            assert running.apply(at(one), one).status in (200, 201), one
        else:
            running.create(at(one).rpartition("/")[0], one)
    found = settled(running, wanted)

    assert {
        at(one): differences(one, live) for one, live in zip(wanted, found, strict=True) if differences(one, live)
    } == {}
    kept = {at(one): differences(projected(one), projected(live)) for one, live in zip(wanted, found, strict=True)}
    assert {name: each for name, each in kept.items() if each} == {}


def test_whatever_is_stored_is_restored_without_a_difference(running):
    wanted = documents()
    for one in wanted:
        running.create(at(one).rpartition("/")[0], one)
    stored = [one for one in settled(running, wanted) if one["kind"] != "Pod"]
    exported = [manifests.portable(one, namespace="default") for one in stored]
    for one in exported:
        running.call("DELETE", at(one))
    for one in exported:
        until(partial(is_gone, running, one))
        assert running.apply(at(one), one).status == 201, at(one)

    again = {at(one): differences(one, running.get(at(one))) for one in exported}
    assert {name: each for name, each in again.items() if each} == {}
