"""What was asked of the API server: one line a request, without bodies and secrets."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Call:
    """One request; `status` is 0 until it is answered, and for an answer that never came."""

    number: int
    at: float
    """Seconds since the epoch."""
    user: str
    method: str
    path: str
    verb: str
    """`get`, `list`, `watch`, `create`, `update`, `patch`, `delete`, `deletecollection`; "" for what is no resource."""
    group: str = ""
    resource: str = ""
    subresource: str = ""
    namespace: str = ""
    name: str = ""
    dry_run: bool = False
    field_manager: str = ""
    user_agent: str = ""
    status: int = 0
