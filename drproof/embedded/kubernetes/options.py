"""Options of writes: dry runs, field managers, field validation, and how to delete."""

from dataclasses import dataclass
from typing import cast

from drproof.embedded.kubernetes import documents
from drproof.embedded.kubernetes.deletion import Propagation
from drproof.embedded.kubernetes.errors import ApiError, BadRequest
from drproof.embedded.kubernetes.http import Request
from drproof.embedded.kubernetes.managed import Manager
from drproof.embedded.kubernetes.resources import Object

_VALIDATIONS = ("Ignore", "Strict", "Warn")


@dataclass(frozen=True, slots=True)
class DeleteOptions:
    """How to delete: "" leaves the propagation to the kind, None the grace period."""

    propagation: Propagation
    grace: int | None
    uid: str
    resource_version: str
    dry_run: bool


def dry_run(request: Request) -> bool:
    """Whether nothing is to be written; BadRequest for a word that is not All."""
    asked = request.query.get("dryRun", [])
    if any(each not in {"All", ""} for each in asked):
        raise options_invalid("dryRun", f'Unsupported value: "{asked[0]}": supported values: "All"')
    return "All" in asked


def options_invalid(name: str, message: str) -> ApiError:
    """Return the 422 of an option that makes no sense."""
    reason = "FieldValueRequired" if message.startswith("Required") else "FieldValueInvalid"
    causes = [{"reason": reason, "message": message, "field": name}]
    text = f'WriteOptions.meta.k8s.io "" is invalid: {name}: {message}'
    return ApiError(422, "Invalid", text, {"group": "meta.k8s.io", "kind": "WriteOptions", "causes": causes})


def manager(request: Request, operation: str, subresource: str = "") -> Manager:
    """Return who writes: the field manager that is named, or the first part of the User-Agent."""
    named = request.parameter("fieldManager")
    name = named or request.headers.get("user-agent", "").partition("/")[0] or "unknown"
    return Manager(name[:128], operation, subresource)


def field_validation(request: Request) -> str:
    """Return what happens to unknown fields: Ignore, Warn (the default) or Strict."""
    asked = request.parameter("fieldValidation", "Warn") or "Warn"
    if asked not in _VALIDATIONS:
        listed = ", ".join(f'"{each}"' for each in _VALIDATIONS)
        raise options_invalid("fieldValidation", f'Unsupported value: "{asked}": supported values: {listed}')
    return asked


def delete_options(request: Request) -> DeleteOptions:
    """Return how to delete, from the body or the query; BadRequest, or 422 for words that are none of it."""
    sent: Object = documents.mapping(request) if request.body.strip() else {}
    if sent.get("kind", "DeleteOptions") != "DeleteOptions":
        raise BadRequest(f"expected DeleteOptions, got {sent.get('kind')}")
    asked = sent.get("propagationPolicy") or request.parameter("propagationPolicy")
    orphan = sent.get("orphanDependents", request.query.get("orphanDependents", [None])[0])
    if not asked and orphan is not None:
        asked = "Orphan" if str(orphan).lower() in {"true", "1"} else "Background"
    if asked not in ("Background", "Foreground", "Orphan", "", None):
        supported = 'supported values: "Background", "Foreground", "Orphan"'
        raise options_invalid("propagationPolicy", f'Unsupported value: "{asked}": {supported}')
    grace = sent.get("gracePeriodSeconds", request.parameter("gracePeriodSeconds") or None)
    if grace is not None and not str(grace).lstrip("-").isdigit():
        raise BadRequest("gracePeriodSeconds must be a number")
    conditions = sent.get("preconditions") or {}
    if not isinstance(conditions, dict):
        raise BadRequest("preconditions is no object")
    dry = dry_run(request) or sent.get("dryRun") == ["All"]
    seconds = int(str(grace)[:12]) if grace is not None else None
    uid, revision = str(conditions.get("uid") or ""), str(conditions.get("resourceVersion") or "")
    return DeleteOptions(cast("Propagation", asked or ""), seconds, uid, revision, dry)
