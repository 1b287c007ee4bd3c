"""JSON patches (RFC 6902) and merge patches (RFC 7386)."""

from typing import Any

from drproof.embedded.kubernetes.errors import ApiError, BadRequest
from drproof.embedded.kubernetes.resources import Object
from drproof.embedded.kubernetes.store import copied

OPERATIONS_MAX = 10_000
"""How many operations a JSON patch may have (apiserver, maxJSONPatchOperations)."""


def merge(target: object, patch: object) -> Any:  # noqa: ANN401 — any JSON value
    """Return a value after a merge patch: null removes, objects merge, anything else replaces."""
    if not isinstance(patch, dict):
        return copied(patch)
    result = dict(target) if isinstance(target, dict) else {}
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = merge(result.get(key), value)
    return result


def json_patch(target: Object, operations: object) -> Object:
    """Return an object after a JSON patch; 422 where an operation cannot be applied, BadRequest for no patch."""
    if not isinstance(operations, list) or not all(isinstance(each, dict) for each in operations):
        raise BadRequest("error decoding patch: a JSON patch is a list of operations")
    if len(operations) > OPERATIONS_MAX:
        message = f"The allowed maximum operations in a JSON patch is {OPERATIONS_MAX}, got {len(operations)}"
        raise ApiError(413, "RequestEntityTooLarge", message)
    holder = {"": copied(target)}
    for operation in operations:
        _apply(holder, operation)
    result = holder.get("")
    if not isinstance(result, dict):
        raise BadRequest("the patch does not leave an object")
    return result


def _refused(message: str) -> ApiError:
    return ApiError(422, "Invalid", f"the server rejected our request due to an error in our request: {message}", {})


def _apply(holder: dict[str, Any], operation: Object) -> None:
    kind, path = operation.get("op"), operation.get("path")
    if not isinstance(path, str) or (path and not path.startswith("/")):
        raise BadRequest(f"error decoding patch: unexpected path: {path!r}")
    match kind:
        case "add" | "replace" | "test" if "value" not in operation:
            raise BadRequest(f"error decoding patch: operation {kind!r} on {path!r} has no value")
        case "add":
            _put(holder, path, copied(operation["value"]))
        case "remove":
            _take(holder, path)
        case "replace":
            _look(holder, path)
            _put(holder, path, copied(operation["value"]), replace=True)
        case "move" | "copy":
            _transfer(holder, path, operation)
        case "test":
            if _look(holder, path, missing_is_null=True) != operation["value"]:
                raise _refused(f"testing value {path} failed: test failed")
        case _:
            raise BadRequest(f"error decoding patch: unexpected kind: {kind!r}")


def _transfer(holder: dict[str, Any], path: str, operation: Object) -> None:
    source = operation.get("from")
    if not isinstance(source, str):
        raise BadRequest(f"error decoding patch: operation {operation['op']!r} on {path!r} has no source")
    value = copied(_look(holder, source))
    if operation["op"] == "move":
        _take(holder, source)
    _put(holder, path, value)


def _steps(path: str) -> list[str]:
    return [each.replace("~1", "/").replace("~0", "~") for each in path.split("/")]


def _place(holder: list[Any], step: str, *, end: bool) -> int:
    if step == "-" and end:
        return len(holder)
    if not step.isascii() or not step.isdigit() or (step != "0" and step.startswith("0")):
        raise _refused(f"invalid index: {step!r}")
    place = int(step) if len(step) < 9 else len(holder) + 1  # noqa: PLR2004 — digits that no list needs
    if place >= len(holder) + end:
        raise _refused(f"index out of bounds: {step}")
    return place


def _look(holder: dict[str, Any], path: str, *, missing_is_null: bool = False) -> Any:  # noqa: ANN401 — any JSON value
    value: Any = holder
    for step in _steps(path):
        if isinstance(value, dict) and step in value:
            value = value[step]
        elif isinstance(value, list):
            value = value[_place(value, step, end=False)]
        elif missing_is_null and isinstance(value, dict):
            return None
        else:
            raise _refused(f"{path}: missing value")
    return value


def _put(holder: dict[str, Any], path: str, value: object, *, replace: bool = False) -> None:
    *before, last = _steps(path)
    target = _look(holder, "/".join(before)) if before else holder
    if isinstance(target, dict):
        target[last] = value
    elif isinstance(target, list) and replace:
        target[_place(target, last, end=False)] = value
    elif isinstance(target, list):
        target.insert(_place(target, last, end=True), value)
    else:
        raise _refused(f"{path}: missing container")


def _take(holder: dict[str, Any], path: str) -> None:
    *before, last = _steps(path)
    target = _look(holder, "/".join(before)) if before else holder
    if isinstance(target, dict) and last in target:
        del target[last]
    elif isinstance(target, list):
        del target[_place(target, last, end=False)]
    else:
        raise _refused(f"unable to remove nonexistent key: {last}: missing value")
