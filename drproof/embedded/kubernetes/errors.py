"""What the API refuses, each as the Status that Kubernetes answers."""

# ruff: noqa: N818 — the names are the reasons that Kubernetes gives

from typing import Any, Self

Details = dict[str, Any]


class ApiError(Exception):
    """A refusal: HTTP status, machine-readable reason, message, and details of the Status."""

    def __init__(self, status: int, reason: str, message: str, details: Details | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.reason = reason
        self.message = message
        self.details = details
        self.retry_after: int | None = None

    def document(self) -> dict[str, Any]:
        """Return the Status object that clients read."""
        answer: dict[str, Any] = {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {},
            "status": "Failure",
            "message": self.message,
        }
        if self.reason:
            answer["reason"] = self.reason
        details = dict(self.details or {})
        if self.retry_after is not None:
            details["retryAfterSeconds"] = self.retry_after
        if details:
            answer["details"] = details
        answer["code"] = self.status
        return answer


def qualified(plural: str, group: str) -> str:
    """Return a resource as messages name it: `jobs.batch`, `pods`."""
    return f"{plural}.{group}" if group else plural


def _details(plural: str, group: str, name: str, uid: str = "") -> Details:
    details: Details = {"name": name}
    if group:
        details["group"] = group
    details["kind"] = plural
    if uid:
        details["uid"] = uid
    return details


class NotFound(ApiError):
    """404: no object of that name."""

    def __init__(self, plural: str, group: str, name: str) -> None:
        message = f'{qualified(plural, group)} "{name}" not found'
        super().__init__(404, "NotFound", message, _details(plural, group, name))


class UnknownPath(ApiError):
    """404: the server serves no such path."""

    def __init__(self) -> None:
        super().__init__(404, "NotFound", "the server could not find the requested resource", {})


class AlreadyExists(ApiError):
    """409: an object of that name is there."""

    def __init__(self, plural: str, group: str, name: str) -> None:
        message = f'{qualified(plural, group)} "{name}" already exists'
        super().__init__(409, "AlreadyExists", message, _details(plural, group, name))


class Conflict(ApiError):
    """409: the object is not what the caller saw."""

    def __init__(self, plural: str, group: str, name: str, why: str = "") -> None:
        why = why or ("the object has been modified; please apply your changes to the latest version and try again")
        message = f'Operation cannot be fulfilled on {qualified(plural, group)} "{name}": {why}'
        super().__init__(409, "Conflict", message, _details(plural, group, name))


class ApplyConflict(ApiError):
    """409: other managers own fields that an apply would change; `owners` are (field, message)."""

    def __init__(self, message: str, owners: list[tuple[str, str]]) -> None:
        causes = [{"reason": "FieldManagerConflict", "message": text, "field": field} for field, text in owners]
        super().__init__(409, "Conflict", message, {"causes": causes})


class Cause(tuple[str, str, str]):
    """One defect of one field: (reason such as FieldValueRequired, field, message)."""

    __slots__ = ()

    def __new__(cls, reason: str, field: str, message: str) -> Self:
        """Make one from its three parts."""
        return super().__new__(cls, (reason, field, message))


class Invalid(ApiError):
    """422: the object breaks rules of its kind."""

    def __init__(self, kind: str, group: str, name: str, causes: list[Cause]) -> None:
        listed = [f"{field}: {message}" for _, field, message in causes]
        text = listed[0] if len(listed) == 1 else f"[{', '.join(listed)}]"
        details = _details(kind, group, name)
        details["causes"] = [{"reason": reason, "message": said, "field": field} for reason, field, said in causes]
        super().__init__(422, "Invalid", f'{qualified(kind, group)} "{name}" is invalid: {text}', details)


class BadRequest(ApiError):
    """400: the request cannot be understood."""

    def __init__(self, message: str) -> None:
        super().__init__(400, "BadRequest", message)


class Unauthorized(ApiError):
    """401: the caller is nobody."""

    def __init__(self) -> None:
        super().__init__(401, "Unauthorized", "Unauthorized")


class Forbidden(ApiError):
    """403: the caller may not do this, or nobody may now."""

    def __init__(self, plural: str, group: str, name: str, why: str, causes: list[Cause] | None = None) -> None:
        details = _details(plural, group, name)
        if causes:
            details["causes"] = [{"reason": reason, "message": said, "field": field} for reason, field, said in causes]
        super().__init__(403, "Forbidden", f'{qualified(plural, group)} "{name}" is forbidden: {why}', details)


class MethodNotAllowed(ApiError):
    """405: the resource has no such verb."""

    def __init__(self) -> None:
        message = "the server does not allow this method on the requested resource"
        super().__init__(405, "MethodNotAllowed", message, {})


class NotAcceptable(ApiError):
    """406: no answer in a form that the caller reads."""

    def __init__(self, accepted: str) -> None:
        super().__init__(406, "NotAcceptable", f"only the following media types are accepted: {accepted}")


class Expired(ApiError):
    """410: the history that was asked for is gone."""

    def __init__(self, message: str) -> None:
        super().__init__(410, "Expired", message)


class TooLarge(ApiError):
    """413: the body is larger than the server reads."""

    def __init__(self, limit: int) -> None:
        super().__init__(413, "RequestEntityTooLarge", f"Request entity too large: limit is {limit}")


class UnsupportedMediaType(ApiError):
    """415: the body is in a form that the server does not read."""

    def __init__(self, accepted: str) -> None:
        message = f"the body of the request was in an unknown format - accepted media types include: {accepted}"
        super().__init__(415, "UnsupportedMediaType", message)


class InternalError(ApiError):
    """500: the server failed; some refusals of server-side apply are such."""

    def __init__(self, message: str) -> None:
        super().__init__(
            500, "InternalError", f"Internal error occurred: {message}", {"causes": [{"message": message}]}
        )
