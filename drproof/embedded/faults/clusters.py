"""The same rules for the calls of a cluster: its API fails as its own server would."""

from collections.abc import Mapping

from drproof.embedded.faults.rules import KUBERNETES, Faults
from drproof.embedded.kubernetes.calls import Call
from drproof.embedded.kubernetes.faults import Fault

_ANSWERS: Mapping[str, tuple[int, str, str]] = {
    "throttle": (429, "TooManyRequests", "too many requests, please try again later"),
    "server-error": (500, "InternalError", "an error on the server has prevented the request from succeeding"),
    "unavailable": (503, "ServiceUnavailable", "apiserver not ready"),
    "denied": (403, "Forbidden", "not allowed here"),
    "expired": (401, "Unauthorized", "the credentials have expired"),
    "gone": (410, "Expired", "too old resource version"),
}


class Planted:
    """What a cluster asks for each call, and what its log asks afterwards."""

    def __init__(self, faults: Faults) -> None:
        self._faults = faults
        self._struck: dict[int, str] = {}

    def __call__(self, call: Call) -> Fault | None:
        """Return the fault of a call, or None."""
        action, key = named(call)
        rule = self._faults.meet(KUBERNETES, action, "", key)
        if rule is None:
            return None
        self._struck[call.number] = rule.kind
        if rule.kind in _ANSWERS:
            status, reason, message = _ANSWERS[rule.kind]
            return Fault(status=status, reason=rule.code or reason, message=message)
        silent = rule.kind in {"reset", "answer-lost", "hang"}
        return Fault(reset=silent, after=rule.kind == "answer-lost", hang_seconds=rule.seconds)

    def of(self, call: Call) -> str:
        """Return the kind of the fault that struck a call, once; "" where none did."""
        return self._struck.pop(call.number, "")


def named(call: Call) -> tuple[str, str]:
    """Return action and key of a call as the log and the rules have them."""
    dry = " (dry run)" if call.dry_run else ""
    return f"{call.verb} {call.resource}{dry}".strip(), "/".join(part for part in (call.namespace, call.name) if part)
