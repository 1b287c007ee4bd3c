"""What is asked for by its name in a cluster is gone when nothing of that name is there, whatever it carries."""

from typing import Any

import pytest

from drproof.model.cluster import NAMESPACE
from drproof.phases.recovery.cluster_residue import is_gone

UNMARKED: dict[str, Any] = {
    "atlas": [
        {"kind": "Secret", "metadata": {"namespace": "atlas", "name": "pull"}},
        {
            "kind": "ServiceAccount",
            "metadata": {"namespace": "atlas", "name": "default"},
            "imagePullSecrets": [{"name": "pull"}],
        },
    ]
}


class Cluster:
    """A cluster with one namespace, of whose objects none carries a label."""

    def get(self, kind: Any, name: str, *, namespace: str = "") -> dict[str, Any] | None:
        assert (kind, namespace) == (NAMESPACE, "")
        return {"kind": "Namespace"} if name in UNMARKED else None

    def everything(self, *, namespace: str = "", labels: Any = None) -> list[dict[str, Any]]:
        assert labels is None
        return UNMARKED.get(namespace, [])


@pytest.mark.parametrize(
    ("identity", "gone"),
    [
        ("atlas/Secret/pull", False),
        ("atlas/Secret/other", True),
        ("atlas/ConfigMap/pull", True),
        ("other/Secret/pull", True),
        ("Namespace/atlas", False),
        ("Namespace/other", True),
        ("atlas/ServiceAccount/default#pull", False),
        ("atlas/ServiceAccount/default#other", True),
        ("atlas/ServiceAccount/other#pull", True),
        # Nobody asks for what is in no namespace, so nobody says that it is gone.
        ("ClusterRole/other", False),
    ],
)
def test_what_has_lost_its_label_is_there_all_the_same(identity: str, gone: bool) -> None:
    cluster: Any = Cluster()

    assert is_gone(cluster, identity) is gone
