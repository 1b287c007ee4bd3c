"""Lists: selected, in pages that belong together, as objects, metadata or tables."""

import base64
import json
from collections import OrderedDict
from dataclasses import dataclass

from drproof.embedded.kubernetes import selectors, tables
from drproof.embedded.kubernetes.errors import ApiError, BadRequest, Expired, NotAcceptable
from drproof.embedded.kubernetes.http import Request
from drproof.embedded.kubernetes.resources import Object, Resource
from drproof.embedded.kubernetes.store import Store

SNAPSHOTS = 16
"""How many lists that were begun in pages are held until they are read to the end."""
_TOO_OLD = (
    "The provided continue parameter is too old to display a consistent list result. You can start a new list without "
    "the continue parameter."
)
_SnapshotKey = tuple[int, tuple[str, str], str, str, str]


@dataclass(frozen=True, slots=True)
class Form:
    """How objects are answered: `""` as they are, `Table`, or `PartialObjectMetadata`."""

    name: str
    include: str = "Metadata"


def form(request: Request) -> Form:
    """Return the form that a client asks for; NotAcceptable where it reads no JSON."""
    accepted = request.headers.get("accept", "") or "*/*"
    for each in accepted.split(","):
        media, *parameters = (part.strip() for part in each.split(";"))
        said = dict(part.partition("=")[::2] for part in parameters)
        if media not in {"application/json", "*/*", "application/*", "application/yaml"}:
            continue
        wanted = said.get("as", "")
        if wanted == "Table" and said.get("g") == "meta.k8s.io":
            return Form("Table", request.parameter("includeObject", "Metadata"))
        if wanted in {"PartialObjectMetadata", "PartialObjectMetadataList"}:
            return Form("PartialObjectMetadata")
        if not wanted:
            return Form("")
    if "as=APIGroupDiscoveryList" in accepted:
        return Form("")
    raise NotAcceptable("application/json")


def shown(request: Request, resource: Resource, obj: Object) -> Object:
    """Return one object in the form that its reader asks for."""
    wanted = form(request)
    if wanted.name == "Table":
        answer = tables.table(resource, [obj], include=wanted.include)
        answer["metadata"] = {"resourceVersion": obj["metadata"].get("resourceVersion", "")}
        return answer
    return tables.partial(obj) if wanted.name else obj


class Lists:
    """Lists of one store, and the snapshots of those that are read in pages."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._snapshots: OrderedDict[_SnapshotKey, list[Object]] = OrderedDict()

    def answer(self, request: Request, resource: Resource, namespace: str) -> Object:
        """Return a list; BadRequest for selectors or pages that make no sense, Expired for pages that are gone."""
        wanted = form(request)
        selector = selectors.parse(resource, request.parameter("labelSelector"), request.parameter("fieldSelector"))
        limit = _number(request, "limit")
        check_revision(request, self._store)
        start: tuple[str, str] | None = None
        if token := request.parameter("continue"):
            revision, start = _read_token(token)
            found = self._resumed(resource, namespace, selector, revision)
        else:
            objects, revision = self._store.list(resource, namespace)
            found = [each for each in objects if selector(each)]
        rest = [each for each in found if start is None or _place(each) > start]
        meta: Object = {"resourceVersion": str(revision)}
        page = rest[:limit] if limit else rest
        if len(page) < len(rest):
            self._hold((revision, resource.key, namespace, selector.labels, selector.fields), found)
            meta["continue"] = _token(revision, _place(page[-1]))
            if not selector.labels and not selector.fields:
                meta["remainingItemCount"] = len(rest) - len(page)
        return _listed(resource, page, meta, wanted)

    def _hold(self, key: _SnapshotKey, found: list[Object]) -> None:
        with self._store.lock:
            self._snapshots[key] = found
            self._snapshots.move_to_end(key)
            while len(self._snapshots) > SNAPSHOTS:
                self._snapshots.popitem(last=False)

    def _resumed(self, resource: Resource, namespace: str, selector: selectors.Selector, revision: int) -> list[Object]:
        with self._store.lock:
            held = self._snapshots.get((revision, resource.key, namespace, selector.labels, selector.fields))
        if held is None or not self._store.remembers(revision):
            raise Expired(_TOO_OLD)
        return held


def check_revision(request: Request, store: Store) -> int | None:
    """Return the revision that a read asks for, None for none; 504 for one that is not there yet."""
    text = request.parameter("resourceVersion")
    if not text:
        return None
    if not text.isascii() or not text.isdigit():
        raise BadRequest(f'Invalid value: "{text}": strconv.ParseUint: parsing "{text}": invalid syntax')
    asked = int(text[:20])
    if asked > store.revision:
        message = f"Timeout: Too large resource version: {asked}, current: {store.revision}"
        error = ApiError(
            504, "Timeout", message, {"causes": [{"reason": "ResourceVersionTooLarge", "message": message}]}
        )
        error.retry_after = 1
        raise error
    return asked


def _listed(resource: Resource, objects: list[Object], meta: Object, wanted: Form) -> Object:
    if wanted.name == "Table":
        answer = tables.table(resource, objects, include=wanted.include)
        answer["metadata"] = meta
        return answer
    if wanted.name:
        items = [tables.partial(each) for each in objects]
        return {"kind": "PartialObjectMetadataList", "apiVersion": "meta.k8s.io/v1", "metadata": meta, "items": items}
    # The items of a list of built-in objects do not say their kind again.
    items = [{key: value for key, value in each.items() if key not in {"kind", "apiVersion"}} for each in objects]
    return {"kind": f"{resource.kind}List", "apiVersion": resource.api_version, "metadata": meta, "items": items}


def _number(request: Request, name: str) -> int:
    text = request.parameter(name, "0") or "0"
    if not text.isascii() or not text.isdigit():
        raise BadRequest(f'Invalid value: "{text}": {name} must be a number that is not negative')
    return int(text[:18])


def _place(obj: Object) -> tuple[str, str]:
    return str(obj["metadata"].get("namespace", "")), str(obj["metadata"]["name"])


def _token(revision: int, after: tuple[str, str]) -> str:
    document = {"v": "meta.k8s.io/v1", "rv": revision, "start": list(after)}
    return base64.urlsafe_b64encode(json.dumps(document).encode()).decode().rstrip("=")


def _read_token(token: str) -> tuple[int, tuple[str, str]]:
    try:
        document = json.loads(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
        namespace, name = document["start"]
        return int(document["rv"]), (str(namespace), str(name))
    except (ValueError, KeyError, TypeError):
        raise BadRequest("continue key is not valid") from None
