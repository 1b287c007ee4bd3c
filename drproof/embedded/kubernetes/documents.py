"""Bodies: JSON or YAML to objects, bounded and without surprises."""

import json
import re
from typing import Any, NoReturn

import yaml

from drproof.embedded.kubernetes.errors import BadRequest, UnsupportedMediaType
from drproof.embedded.kubernetes.http import JSON, Request
from drproof.embedded.kubernetes.resources import Object

YAML = "application/yaml"
DEPTH_MAX = 150
"""How deep a document may nest; no object of Kubernetes comes near."""
_SURROGATE = re.compile("[\ud800-\udfff]")


class _Loader(yaml.SafeLoader):
    """YAML as JSON: no aliases (their expansion is unbounded), no dates."""

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            raise yaml.YAMLError("aliases are not read")
        node: yaml.Node | None = super().compose_node(parent, index)
        return node


_Loader.yaml_implicit_resolvers = {
    first: [each for each in resolvers if each[0] != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def body(request: Request, *, accepted: tuple[str, ...] = (JSON, YAML)) -> Any:  # noqa: ANN401 — any JSON value
    """Return the document of a request; BadRequest, UnsupportedMediaType."""
    kind = request.media_type or accepted[0]
    if kind not in accepted:
        raise UnsupportedMediaType(", ".join(accepted))
    try:
        text = request.body.decode()
    except UnicodeDecodeError as defect:
        raise BadRequest(f"the body is not UTF-8: {defect.reason} at byte {defect.start}") from None
    return _parsed(text, may_be_yaml="yaml" in kind)


def mapping(request: Request, *, accepted: tuple[str, ...] = (JSON, YAML)) -> Object:
    """Return the object of a request; BadRequest where its document is none."""
    found = body(request, accepted=accepted)
    if not isinstance(found, dict):
        raise BadRequest("couldn't get version/kind; json parse error: the body is no object")
    return found


def _parsed(text: str, *, may_be_yaml: bool) -> Any:  # noqa: ANN401 — any JSON value
    try:
        return _tidy(json.loads(text, parse_constant=_refuse), 0)
    except (ValueError, RecursionError) as defect:
        if not may_be_yaml:
            raise BadRequest(f"couldn't get version/kind; json parse error: {defect}") from None
    try:
        return _tidy(yaml.load(text, Loader=_Loader), 0)  # noqa: S506 — a safe loader, narrowed
    except (yaml.YAMLError, ValueError, RecursionError) as defect:
        first = str(defect).partition("\n")[0]
        raise BadRequest(f"error decoding YAML: {first}") from None


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"invalid character {constant[0]!r} looking for beginning of value")


def _tidy(value: Any, depth: int) -> Any:  # noqa: ANN401 — any JSON value
    """Return a value whose keys are texts and whose texts are Unicode (Go's decoder replaces lone surrogates too)."""
    if depth > DEPTH_MAX:
        raise ValueError("exceeded max depth")
    if isinstance(value, dict):
        return {_text(str(key)): _tidy(each, depth + 1) for key, each in value.items()}
    if isinstance(value, list):
        return [_tidy(each, depth + 1) for each in value]
    if isinstance(value, str):
        return _text(value)
    if value is None or isinstance(value, (bool, int, float)):
        return value
    raise ValueError(f"cannot be JSON: {type(value).__name__}")


def _text(text: str) -> str:
    return text if text.isascii() else _SURROGATE.sub("�", text)
