"""A cluster of the operator's that a drill is given, and what others do in it meanwhile."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from drproof.embedded.kubernetes.admission import admit
from drproof.embedded.kubernetes.calls import Call
from drproof.embedded.kubernetes.cluster import Cluster
from drproof.embedded.kubernetes.faults import Fault
from drproof.embedded.kubernetes.nodes import Node
from drproof.embedded.kubernetes.registry import Program, Registry
from drproof.embedded.kubernetes.resources import (
    ALL,
    NAMESPACES,
    Resource,
)
from drproof.model.cluster import DRILL_LABEL
from tests.drill.conftest import Drill, Operator
from tests.drill.test_cluster import IMAGE

WORKLOAD = Path(__file__).parents[2] / "drproof/embedded/images/workload.py"
IN_THE_IMAGE = "/app/workload.py"
UNTIL_RESTORE = ("--stop-after", "restore")
KEPT = ("--teardown", "false")
Document = dict[str, Any]


class Given:
    """A cluster of the operator's in which the workload really runs, on the state of the drill's own world."""

    def __init__(self, folder: Path) -> None:
        program = Program(entrypoint=("python3", IN_THE_IMAGE), files={IN_THE_IMAGE: WORKLOAD.read_text()})
        self._folder = folder
        self.registry = Registry()
        self.registry.push(IMAGE[0], IMAGE[1], digest=IMAGE[2], program=program)
        self.calls: list[Call] = []
        self.cluster = Cluster(
            folder / "cluster", nodes=(Node("theirs"),), registry=self.registry, on_call=self.calls.append
        )
        self.cluster.start()
        self.store = self.cluster.store
        self.made: list[str] = []
        """What drills have made in it, each as often as it was made."""
        self.broken: list[Exception] = []
        """What went wrong in a test's own act: the drill has seen it as an error of the cluster's, and may have ended well."""
        self._note_what_is_made()
        self.kubeconfig = folder / "theirs.yaml"
        self.kubeconfig.write_text(self.cluster.kubeconfig())
        self.words = ("--kubeconfig", str(self.kubeconfig), "--cluster-uid", self.cluster.uid)
        self.before("create", "jobs", self._let_the_node_reach_the_state)

    def before(self, verb: str, plural: str, act: Callable[[], None]) -> None:
        """Do something once, when the first such call has come and is not yet answered."""
        still = [True]

        def hook(call: Call) -> None:
            if still[0] and (call.verb, call.resource, call.dry_run) == (verb, plural, False):
                still[0] = False
                try:
                    act()
                except Exception as exc:
                    self.broken.append(exc)
                    raise

        self.cluster.faults.append(hook)

    def forbid(self, verb: str, plural: str) -> None:
        """Refuse such calls."""
        refusal = Fault(status=403, reason="Forbidden", message="not for you")
        self.cluster.faults.append(lambda call: refusal if (call.verb, call.resource) == (verb, plural) else None)

    def namespace(self) -> None:
        """Make the namespace, as somebody else does."""
        spec: Document = {"spec": {"finalizers": ["kubernetes"]}, "status": {"phase": "Active"}}
        self.store.create(NAMESPACES, {"metadata": {"name": "atlas"}, **spec})

    def put(self, resource: Resource, document: Document) -> None:
        """Make an object, as somebody else does."""
        self.store.create(resource, admit(self.store, resource, document))

    def marked(self) -> list[str]:
        """Return what carries a drill's label."""
        found = [one for resource in ALL for one in self.store.list(resource)[0]]
        marked = [one for one in found if DRILL_LABEL in (one["metadata"].get("labels") or {})]
        return [f"{one['kind']}/{one['metadata']['name']}" for one in marked]

    def names(self) -> list[str]:
        """Return everything that is in the cluster, whoever made it, apart from what it tells of itself."""
        kinds = [resource for resource in ALL if resource.kind not in {"Event", "Lease", "PodMetrics"}]
        found = [(resource.kind, one["metadata"]) for resource in kinds for one in self.store.list(resource)[0]]
        return sorted(f"{kind}/{meta.get('namespace', '')}/{meta['name']}" for kind, meta in found)

    def _note_what_is_made(self) -> None:
        create = self.store.create

        def noted(resource: Resource, obj: Document, *, dry_run: bool = False) -> Document:
            made = create(resource, obj, dry_run=dry_run)
            if not dry_run and DRILL_LABEL in (made["metadata"].get("labels") or {}):
                self.made.append(f"{made['kind']}/{made['metadata']['name']}")
            return made

        self.store.create = noted  # type: ignore[method-assign] # the calls of creation do not say what is made

    def _let_the_node_reach_the_state(self) -> None:
        # The drill's own world, or the one that a test started for it.
        places = (place for where in ("reports/*.private/world", "world") for place in self._folder.glob(where))
        world = json.loads((next(places) / "world.json").read_text())
        keys = world["credentials"]["recovery"]
        self.cluster.kubelet._environment = {
            "AWS_ACCESS_KEY_ID": keys["access_key_id"],
            "AWS_SECRET_ACCESS_KEY": keys["secret_access_key"],
            "AWS_DEFAULT_REGION": keys["region"],
            "AWS_ENDPOINT_URL": world["endpoint"],
            "AWS_EC2_METADATA_DISABLED": "true",
        }


def settings_of(operator: Operator, text: str) -> None:
    (operator.folder / "drproof.toml").write_text(f'target = "embedded"\n{text}')


def baseline(operator: Operator, *documents: Document) -> None:
    (operator.folder / "base").mkdir()
    for number, document in enumerate(documents):
        (operator.folder / f"base/{number}.yaml").write_text(json.dumps(document))
    settings_of(operator, '[cluster]\nbaseline = "base"\n')


def theirs(name: str) -> Document:
    return {"metadata": {"name": name, "namespace": "atlas"}, "data": {"a": "b"}}


def runs(command: str) -> Callable[[Resource, str, Document], None]:
    def mutate(resource: Resource, _: str, manifest: Document) -> None:
        if resource.kind == "Job":
            for container in manifest["spec"]["template"]["spec"]["containers"]:
                container["command"] = ["sh", "-c", command]
                container.pop("args", None)

    return mutate


def shown_otherwise(drill: Drill) -> bool:
    """Return whether a drill that got as far as into the cluster was judged not to be proven."""
    assert drill.outcomes["restore"] == "passed", drill.output
    return drill.status == 1 and drill.closing["outcome"] != "proven"
