"""Where a path leads: to an object, a collection, a subresource, or something that is no resource."""

from dataclasses import dataclass
from urllib.parse import unquote

from drproof.embedded.kubernetes import resources as kinds
from drproof.embedded.kubernetes.errors import MethodNotAllowed, UnknownPath
from drproof.embedded.kubernetes.http import Request
from drproof.embedded.kubernetes.resources import Resource

_BY_PATH: dict[tuple[str, str, str], Resource] = {(each.group, each.version, each.plural): each for each in kinds.ALL}
_MORE_SUBRESOURCES = {kinds.PODS.key: frozenset({"eviction", "binding"})}


@dataclass(frozen=True, slots=True)
class Review:
    """A question that is asked by creating an object that is never stored."""

    group: str
    version: str
    plural: str
    kind: str
    namespaced: bool = False


REVIEWS = (
    Review("authorization.k8s.io", "v1", "selfsubjectaccessreviews", "SelfSubjectAccessReview"),
    Review("authorization.k8s.io", "v1", "selfsubjectrulesreviews", "SelfSubjectRulesReview"),
    Review("authentication.k8s.io", "v1", "selfsubjectreviews", "SelfSubjectReview"),
)
_REVIEWS = {(each.group, each.version, each.plural): each for each in REVIEWS}


@dataclass(frozen=True, slots=True)
class Target:
    """What a request is about."""

    verb: str = ""
    resource: Resource | None = None
    review: Review | None = None
    namespace: str = ""
    name: str = ""
    subresource: str = ""
    path: tuple[str, ...] = ()
    """Decoded segments, for what is no resource."""

    @property
    def names(self) -> tuple[str, str]:
        """Group and plural name; ("", "") for what is no resource."""
        about = self.resource or self.review
        return (about.group, about.plural) if about is not None else ("", "")


def target(request: Request) -> Target:
    """Return what a request is about; UnknownPath, MethodNotAllowed."""
    raw = request.path.split("/")[1:]
    if raw and not raw[-1]:
        raw.pop()
    parts = tuple(unquote(each) for each in raw)
    if any(not each or each in {".", ".."} or "/" in each for each in parts):
        raise UnknownPath
    match parts:
        case ("api", "v1", first, *rest):
            return _resource(request, ("", "v1"), (first, *rest))
        case ("apis", group, version, first, *rest):
            return _resource(request, (group, version), (first, *rest))
    if request.method not in {"GET", "HEAD"}:
        raise MethodNotAllowed
    return Target(path=parts)


def _resource(request: Request, group_version: tuple[str, str], parts: tuple[str, ...]) -> Target:
    namespace = ""
    # `namespaces/x/pods` leads into a namespace; `namespaces/x/status` is about the namespace itself.
    of_itself = group_version == ("", "v1") and parts[2:] and parts[2] in kinds.NAMESPACES.subresources
    if parts[0] == "namespaces" and parts[2:] and not of_itself:
        namespace, parts = parts[1], parts[2:]
    plural, name, subresource = parts[0], *(*parts[1:], "", "")[:2]
    key = (*group_version, plural)
    if review := _REVIEWS.get(key):
        if len(parts) > 1 or namespace:
            raise UnknownPath
        if request.method != "POST":
            raise MethodNotAllowed
        return Target("create", None, review)
    found = _BY_PATH.get(key)
    if found is None or len(parts) > 3 or (namespace and not found.namespaced):  # noqa: PLR2004 — as above
        raise UnknownPath
    if subresource and subresource not in found.subresources | _MORE_SUBRESOURCES.get(found.key, frozenset()):
        raise UnknownPath
    if name and found.namespaced and not namespace:
        raise UnknownPath
    verb = _verb(request, found, namespace, name, subresource)
    return Target(verb, found, None, namespace, name, subresource)


def _verb(request: Request, resource: Resource, namespace: str, name: str, subresource: str) -> str:
    method = request.method
    if subresource in {"eviction", "binding"}:
        verbs = {"POST": "create"}
    elif subresource == "log":
        verbs = {"GET": "get"}
    elif subresource == "finalize":
        verbs = {"PUT": "update"}
    elif subresource:
        verbs = {"GET": "get", "PUT": "update", "PATCH": "patch"}
    elif name:
        verbs = {"GET": "get", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}
    else:
        verbs = {"GET": "watch" if request.flag("watch") else "list"}
        if namespace or not resource.namespaced:
            verbs |= {"POST": "create", "DELETE": "deletecollection"}
    if method not in verbs:
        raise MethodNotAllowed
    return verbs[method]
