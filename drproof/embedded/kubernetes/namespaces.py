"""Namespaces: what each begins with, and how one is emptied before it goes."""

from drproof.embedded.kubernetes.controlling import RETRY_SECONDS, Controller, create
from drproof.embedded.kubernetes.deletion import delete
from drproof.embedded.kubernetes.errors import AlreadyExists, ApiError
from drproof.embedded.kubernetes.objects import being_deleted, key_of, set_condition
from drproof.embedded.kubernetes.resources import ALL, CONFIGMAPS, EVENTS, NAMESPACES, SERVICEACCOUNTS, Object
from drproof.embedded.kubernetes.store import Event, Store

INITIAL = ("default", "kube-system", "kube-public", "kube-node-lease")
_ROOT_CA = "kube-root-ca.crt"
_ROOT_CA_NOTE = (
    "Contains a CA bundle that can be used to verify the kube-apiserver when using internal endpoints such as the "
    "internal service IP or kubernetes.default.svc. No other usage is guaranteed across distributions of Kubernetes "
    "clusters."
)
_REMAINS = "NamespaceContentRemaining"


class Namespaces(Controller):
    """Furnishes new namespaces and empties those that are being deleted."""

    def __init__(self, store: Store) -> None:
        self.certificate_authority = ""
        """The certificate, as PEM, that a cluster's clients trust."""
        self.account_seconds = 0.0
        """How long a new namespace waits for its ServiceAccount."""
        self._store = store
        self._seen: dict[str, float] = {}

    def concerns(self, event: Event) -> bool:
        """Whether a namespace is new, lost what it began with, or has less to be emptied of."""
        return event.resource.key == NAMESPACES.key or (event.type == "DELETED" and event.resource.namespaced)

    def begin(self) -> None:
        """Make the namespaces that every cluster has."""
        for name in INITIAL:
            document: Object = {
                "metadata": {"name": name, "labels": {"kubernetes.io/metadata.name": name}},
                "spec": {"finalizers": ["kubernetes"]},
                "status": {"phase": "Active"},
            }
            if self._store.get(NAMESPACES, "", name) is None:
                self._store.create(NAMESPACES, document)

    def reconcile(self, now: float) -> float | None:
        """Furnish and empty; return when to try again."""
        due = None
        accounts = {key_of(each) for each in self._store.list(SERVICEACCOUNTS)[0]}
        for namespace in self._store.list(NAMESPACES)[0]:
            name = namespace["metadata"]["name"]
            try:
                if being_deleted(namespace):
                    self._empty(namespace)
                elif (name, "default") not in accounts:
                    # Counted from the first look: creationTimestamp has whole seconds.
                    ready = self._seen.setdefault(namespace["metadata"]["uid"], now) + self.account_seconds
                    if now < ready:
                        due = min(due or ready, ready)
                    else:
                        self._furnish(name)
                elif self._store.get(CONFIGMAPS, name, _ROOT_CA) is None:
                    self._publish_ca(name)
            except ApiError:
                due = now + RETRY_SECONDS
        return due

    def _furnish(self, name: str) -> None:
        document: Object = {"metadata": {"name": "default", "namespace": name}}
        try:
            create(self._store, SERVICEACCOUNTS, document)
        except AlreadyExists:
            return
        self._publish_ca(name)

    def _publish_ca(self, name: str) -> None:
        meta = {"name": _ROOT_CA, "namespace": name, "annotations": {"kubernetes.io/description": _ROOT_CA_NOTE}}
        try:
            create(self._store, CONFIGMAPS, {"metadata": meta, "data": {"ca.crt": self.certificate_authority}})
        except AlreadyExists:
            return

    def _empty(self, namespace: Object) -> None:
        """Delete what a namespace holds; with nothing left, let it go."""
        name = namespace["metadata"]["name"]
        left: list[str] = []
        # Events last: what is said about the end of the others goes with them.
        for resource in sorted((each for each in ALL if each.namespaced), key=lambda each: each is EVENTS):
            if resource is EVENTS and left:
                continue
            for obj in self._store.list(resource, name)[0]:
                meta = obj["metadata"]
                if not being_deleted(obj):
                    delete(self._store, resource, name, meta["name"], propagation="Background", uid=meta["uid"])
                if self._store.get(resource, name, meta["name"]) is not None:
                    left.append(resource.plural)
        if left:
            self._say_what_remains(name, left)
        else:
            self._store.update(NAMESPACES, "", name, _let_go)

    def _say_what_remains(self, name: str, left: list[str]) -> None:
        counts = ", ".join(f"{kind}. has {left.count(kind)} resource instances" for kind in sorted(set(left)))

        def say(found: Object) -> None:
            new = {"type": _REMAINS, "status": "True", "reason": "SomeResourcesRemain"}
            set_condition(found.setdefault("status", {}), new | {"message": f"Some resources are remaining: {counts}"})

        self._store.update(NAMESPACES, "", name, say)


def _let_go(namespace: Object) -> None:
    namespace.setdefault("spec", {}).pop("finalizers", None)
