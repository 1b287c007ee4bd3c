"""Label and field selectors: what a list or watch asks for."""

import re
from collections.abc import Callable
from dataclasses import dataclass

from drproof.embedded.kubernetes.errors import BadRequest
from drproof.embedded.kubernetes.resources import EVENTS, JOBS, NAMESPACES, NODES, PODS, SECRETS, Object, Resource

Matches = Callable[[Object], bool]

_KEY = r"[A-Za-z0-9](?:[A-Za-z0-9._/-]*[A-Za-z0-9])?"
_VALUE = r"(?:[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)?"
_REQUIREMENTS = re.compile(r",(?![^(]*\))")
_SET = re.compile(rf"^({_KEY})\s+(in|notin)\s*\(([^()]*)\)$")
_EQUALITY = re.compile(rf"^({_KEY})\s*(==|=|!=)\s*({_VALUE})$")
_ORDER = re.compile(rf"^({_KEY})\s*([<>])\s*(-?\d+)$")
_EXISTS = re.compile(rf"^(!?)\s*({_KEY})$")

_EVERY_KIND = frozenset({"metadata.name", "metadata.namespace"})
_FIELDS: dict[tuple[str, str], frozenset[str]] = {
    PODS.key: frozenset(
        {
            "spec.nodeName",
            "spec.restartPolicy",
            "spec.schedulerName",
            "spec.serviceAccountName",
            "spec.hostNetwork",
            "status.phase",
            "status.podIP",
            "status.nominatedNodeName",
        }
    ),
    EVENTS.key: frozenset(
        {f"involvedObject.{each}" for each in ("kind", "namespace", "name", "uid", "apiVersion", "resourceVersion")}
        | {"involvedObject.fieldPath", "reason", "reportingComponent", "source", "type"}
    ),
    NODES.key: frozenset({"spec.unschedulable"}),
    NAMESPACES.key: frozenset({"status.phase"}),
    SECRETS.key: frozenset({"type"}),
    JOBS.key: frozenset({"status.successful"}),
}


@dataclass(frozen=True, slots=True)
class Selector:
    """What objects are asked for; an empty one asks for all."""

    labels: str = ""
    fields: str = ""
    by_labels: Matches = lambda _: True
    by_fields: Matches = lambda _: True

    def __call__(self, obj: Object) -> bool:
        """Whether an object is asked for."""
        return self.by_labels(obj) and self.by_fields(obj)


def parse(resource: Resource, labels: str, fields: str) -> Selector:
    """Return the selector of a request; BadRequest for one that does not parse or that the kind does not support."""
    return Selector(labels, fields, by_labels(labels), _by_fields(resource, fields))


def by_labels(text: str) -> Matches:
    """Return whether an object's labels fulfil a selector; BadRequest for one that does not parse."""
    tests = [_requirement(each.strip(), text) for each in _REQUIREMENTS.split(text)] if text.strip() else []

    def matches(obj: Object) -> bool:
        labels = obj["metadata"].get("labels") or {}
        return all(test(labels) for test in tests)

    return matches


def of_selector(selector: Object | None) -> Matches:
    """Return whether an object's labels fulfil a LabelSelector (matchLabels and matchExpressions)."""
    tests: list[Callable[[Object], bool]] = []
    for key, value in ((selector or {}).get("matchLabels") or {}).items():
        tests.append(lambda labels, key=key, value=value: labels.get(key) == value)  # type: ignore[misc] # bound now
    expressions: list[Object] = (selector or {}).get("matchExpressions") or []
    tests += [_expression(each["key"], each["operator"], frozenset(each.get("values") or [])) for each in expressions]
    return lambda obj: all(test(obj["metadata"].get("labels") or {}) for test in tests)


def _expression(key: str, operator: str, values: frozenset[str]) -> Callable[[Object], bool]:
    match operator:
        case "In" | "in":
            return lambda labels: labels.get(key) in values
        case "NotIn" | "notin":
            return lambda labels: labels.get(key) not in values
        case "Exists":
            return lambda labels: key in labels
        case _:
            return lambda labels: key not in labels


def _requirement(text: str, whole: str) -> Callable[[Object], bool]:
    if found := _SET.match(text):
        return _expression(found[1], found[2], frozenset(each.strip() for each in found[3].split(",")))
    if found := _EQUALITY.match(text):
        return _expression(found[1], "notin" if found[2] == "!=" else "in", frozenset({found[3]}))
    if found := _ORDER.match(text):
        key, least = found[1], int(found[3])
        if found[2] == ">":
            return lambda labels: _number(labels.get(key)) is not None and int(labels[key]) > least
        return lambda labels: _number(labels.get(key)) is not None and int(labels[key]) < least
    if found := _EXISTS.match(text):
        return _expression(found[2], "DoesNotExist" if found[1] else "Exists", frozenset())
    raise BadRequest(f'unable to parse requirement: found "{text}" in "{whole}"')


def _number(text: object) -> int | None:
    return int(text) if isinstance(text, str) and re.fullmatch(r"-?\d{1,18}", text) else None


def _by_fields(resource: Resource, text: str) -> Matches:
    supported = _EVERY_KIND | _FIELDS.get(resource.key, frozenset())
    tests: list[tuple[str, str, bool]] = []
    for each in filter(None, text.split(",")):
        key, operator, value = re.match(r"^([^=!]*)(==|=|!=)?(.*)$", each, re.DOTALL).groups()  # type: ignore[union-attr] # always
        if not operator:
            raise BadRequest(f"invalid selector: '{text}'; can't understand '{each}'")
        if key not in supported:
            raise BadRequest(f'field label not supported: "{key}"')
        tests.append((key, value, operator != "!="))
    return lambda obj: all((_field(obj, key) == value) is equal for key, value, equal in tests)


def _field(obj: Object, path: str) -> str:
    value: object = obj
    if path == "source":
        return str((obj.get("source") or {}).get("component") or obj.get("reportingComponent") or "")
    if path == "status.successful":
        value = (obj.get("status") or {}).get("succeeded", 0)
        return str(value)
    for part in path.split("."):
        value = value.get(part) if isinstance(value, dict) else None
    if isinstance(value, bool) or (value is None and path in {"spec.unschedulable", "spec.hostNetwork"}):
        return str(bool(value)).lower()
    return "" if value is None else str(value)
