"""What drproof takes for granted of a cluster, shown in a namespace that is thrown away."""

import secrets
from collections.abc import Callable, Collection

from drproof.model.cluster import DRILL_LABEL, NAMESPACE, Cluster
from drproof.model.context import Effects
from drproof.model.errors import NotFoundError, TargetError, UnansweredError
from drproof.targets import cleaning
from drproof.targets.kubernetes.ground import FailedError, Ground, NotShownError, Probe, Result, marks
from drproof.targets.kubernetes.probing_objects import OBJECT_PROBES
from drproof.targets.kubernetes.probing_pods import POD_PROBES

PREFIX = "drproof-conformance-"
PATIENCE_MS = 180_000
REMOVED = "namespace_goes"
LOST = frozenset({"Unreachable", "UntrustedCertificate", "Unauthorized"})
"""After these no probe can show anything."""


def probes() -> tuple[Probe, ...]:
    """Return every probe, in the order in which they are run."""
    return (*OBJECT_PROBES, *POD_PROBES, _REMOVAL)


def new_namespace() -> str:
    """Return a name that no namespace has."""
    return f"{PREFIX}{secrets.token_hex(4)}"


def run(  # noqa: PLR0913 — where, what with, and how patiently
    cluster: Cluster,
    effects: Effects,
    *,
    namespace: str,
    image: str = "",
    names: Collection[str] = (),
    patience_ms: int = PATIENCE_MS,
    heard: Callable[[Result], None] = lambda _: None,
) -> tuple[Result, ...]:
    """Run the probes in a new namespace and return what each came to; `heard` is told as it goes.

    All of them, or those with these `names`. The namespace is removed at the end, whatever happens in between.

    Raises:
        ValueError: the namespace is not of the form that `new_namespace` gives.
        GuardError: another cluster answers.
        TargetError: the cluster is not reached any more, or the namespace could not be made or removed.
    """
    if not namespace.startswith(PREFIX):
        msg = f"a namespace that is thrown away is called {PREFIX}…, got {namespace!r}"
        raise ValueError(msg)
    ground = Ground(cluster, effects, namespace=namespace, image=image, patience_ms=patience_ms)
    results: list[Result] = []

    def take(result: Result) -> None:
        results.append(result)
        heard(result)

    try:
        ground.create(_namespace(namespace))
        for probe in (*OBJECT_PROBES, *POD_PROBES):
            if not names or probe.name in names:
                take(_shown(probe, ground))
    except BaseException as exc:
        left, next_step = f"the namespace {namespace} may be left", f"kubectl delete namespace {namespace}"
        with cleaning.after(exc, left=left, next_step=next_step):
            _remove(ground)
        raise
    take(_shown(_REMOVAL, ground))
    return tuple(results)


def _namespace(name: str) -> dict[str, object]:
    return {
        "apiVersion": NAMESPACE.api_version,
        "kind": NAMESPACE.kind,
        "metadata": {"name": name, **marks(name)},
    }


def _shown(probe: Probe, ground: Ground) -> Result:
    try:
        detail = probe.show(ground)
    except NotShownError as exc:
        return Result(name=probe.name, status="not_shown", detail=str(exc))
    except FailedError as exc:
        return Result(name=probe.name, status="failed", detail=str(exc))
    except TargetError as exc:
        if exc.code in LOST or isinstance(exc, UnansweredError):
            raise
        return Result(name=probe.name, status="failed", detail=str(exc).splitlines()[0])
    except (KeyError, IndexError, TypeError) as exc:
        what = f"an object was not of the shape that the API describes: {type(exc).__name__} {exc}"
        return Result(name=probe.name, status="failed", detail=what)
    return Result(name=probe.name, status="ok", detail=detail)


def _remove(ground: Ground) -> str:
    """Remove the namespace and wait until it is gone, if it is ours."""
    found = ground.cluster.get(NAMESPACE, ground.namespace)
    if found is None:
        return "it is gone"
    if found["metadata"].get("labels", {}).get(DRILL_LABEL) != ground.namespace:
        msg = f"the namespace {ground.namespace} is not ours: it does not carry {DRILL_LABEL}={ground.namespace}"
        raise FailedError(msg)
    try:
        ground.delete(found)
    except NotFoundError:
        return "it is gone"
    return "it went, with everything in it"


_REMOVAL = Probe(
    name=REMOVED,
    claim="a namespace that is removed takes everything in it along",
    source="Kubernetes documentation: Namespaces",
    show=_remove,
)
