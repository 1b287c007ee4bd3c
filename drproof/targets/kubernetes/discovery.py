"""Which kinds of object a cluster keeps: all of them, because what is left in it may be of any."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from drproof.model.cluster import Kind
from drproof.model.errors import NotFoundError, TargetError
from drproof.targets.kubernetes.api_server import ApiServer, Served
from drproof.targets.kubernetes.errors import Asked, failure

CALL: Final = "kubernetes:discover"
KEPT: Final = frozenset({"list", "delete"})
"""What can be done with the objects of a kind that are kept: metrics and states of components are only looked at."""

PASSING: Final = frozenset({("", "Event"), ("events.k8s.io", "Event"), ("coordination.k8s.io", "Lease")})
"""Kinds by group and name whose objects the cluster itself makes and forgets."""


def kept_kinds(wire: ApiServer) -> Iterator[tuple[Kind, Served]]:
    """Yield every kind whose objects the cluster keeps and can list, once each, in the version that it prefers.

    A group that another server gives and that is unavailable is left out: metrics that are down must not keep anybody
    from counting. An unavailable group of the cluster's own is an error.

    Raises:
        TargetError: what there is cannot be known.
    """
    seen = set(PASSING)
    for group, version in (("", "v1"), *_versions(wire)):
        for name, served in _served(wire, group, version).items():
            if (group, name) not in seen and served.verbs >= KEPT:
                seen.add((group, name))
                yield Kind(api_version=f"{group}/{version}" if group else version, kind=name), served


def _versions(wire: ApiServer) -> list[tuple[str, str]]:
    """Return the named groups with each of their versions, the preferred one first: a kind may be in another only."""
    asked = Asked(call=CALL, subject="/apis")
    found: list[tuple[str, str]] = []
    try:
        for each in wire.ask(asked, "GET", "/apis")["groups"]:
            named = ((each.get("preferredVersion") or {}).get("version"), *(one["version"] for one in each["versions"]))
            found += [(each["name"], version) for version in dict.fromkeys(named) if version]
    except (KeyError, TypeError, AttributeError):
        raise failure(asked, "Unreadable", "/apis is no list of groups") from None
    return found


def _served(wire: ApiServer, group: str, version: str) -> Mapping[str, Served]:
    api_version = f"{group}/{version}" if group else version
    try:
        return wire.kinds(Asked(call=CALL, subject=api_version), api_version)
    except NotFoundError:
        if not group:
            raise
        # It went since the groups were listed, and its objects with it.
        return {}
    except TargetError as exc:
        if exc.code != "ServiceUnavailable" or not group or not _given_by_another(wire, group, version):
            raise
        return {}


def _given_by_another(wire: ApiServer, group: str, version: str) -> bool:
    """Return whether the cluster says that it only passes on what it is asked of a group."""
    name = f"{version}.{group}"
    asked = Asked(call=CALL, subject=f"APIService/{name}")
    try:
        service: Any = wire.ask(asked, "GET", f"/apis/apiregistration.k8s.io/v1/apiservices/{name}").get("spec")
    except NotFoundError:
        return False
    return isinstance(service, dict) and bool(service.get("service"))
