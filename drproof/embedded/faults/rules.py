"""Rules of faults: which call they strike, how it fails, and which rule a call meets."""

import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, fields
from fnmatch import fnmatchcase
from typing import Any

KUBERNETES = "kubernetes"
REFUSING = ("throttle", "server-error", "unavailable", "denied", "expired", "gone")
"""The service answers, and what it answers is an error."""

SILENT = ("reset", "answer-lost", "hang")
"""No byte of an answer comes; with `answer-lost` the call was done."""

SPOILING = ("reset-mid-body", "truncated", "truncated-consistent", "wrong-bytes")
"""The call is done, and its answer does not arrive as it was sent."""

SLOW = "latency"
KINDS = (*REFUSING, *SILENT, *SPOILING, SLOW)
OF_CLUSTERS = frozenset({*REFUSING, *SILENT, SLOW})
"""The kinds that can befall a call of a cluster."""

HANGING_MS = 600_000
LATENCY_MS = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One fault and the calls that it strikes; `service`, `action`, `bucket` and `key` are globs over the call log."""

    kind: str
    service: str = "*"
    action: str = "*"
    bucket: str = "*"
    key: str = "*"
    nth: int = 1
    """The first of the calls that match which is struck, counted from 1."""
    times: int = 1
    """How many are struck from there on; 0: all."""
    code: str = ""
    """The error to answer with, where the service's own would not do."""
    milliseconds: int = 0
    """How long `latency` and `hang` last; 0: a second, and ten minutes."""
    checked: bool = False
    """Whether wrong bytes come with the checksum of the right ones."""

    def __post_init__(self) -> None:
        """Refuse what could never strike, or not as it says.

        Raises:
            ValueError: the kind is unknown, a number is out of range, or the kind cannot befall such a call.
        """
        if self.kind not in KINDS:
            msg = f"kind: expected one of {', '.join(KINDS)}, got {self.kind!r}"
            raise ValueError(msg)
        if self.nth < 1 or self.times < 0 or self.milliseconds < 0:
            got = f"{self.nth}, {self.times} and {self.milliseconds}"
            msg = f"a fault: expected nth from 1, times and milliseconds from 0, got {got}"
            raise ValueError(msg)
        if self.kind == "wrong-bytes" and (self.service, self.action) != ("s3", "GetObject"):
            msg = "wrong-bytes: expected service s3 and action GetObject, the one answer whose bytes anybody can check"
            raise ValueError(msg)
        if self.kind == "gone" and self.service != KUBERNETES:
            msg = f"gone: expected service {KUBERNETES}, got {self.service!r}"
            raise ValueError(msg)
        if self.service == KUBERNETES and self.kind not in OF_CLUSTERS:
            msg = f"{self.kind}: expected a service of AWS, got {KUBERNETES}"
            raise ValueError(msg)

    def meets(self, service: str, action: str, bucket: str, key: str) -> bool:
        """Return whether a call is one of those that it counts."""
        if service == KUBERNETES and self.kind not in OF_CLUSTERS:
            return False
        pairs = ((service, self.service), (action, self.action), (bucket, self.bucket), (key, self.key))
        return all(fnmatchcase(said, wanted) for said, wanted in pairs)

    @property
    def seconds(self) -> float:
        """How long the call waits."""
        return (self.milliseconds or {"hang": HANGING_MS, SLOW: LATENCY_MS}.get(self.kind, 0)) / 1000


def rule_of(document: object) -> Rule:
    """Return the rule that plain JSON or TOML describes.

    Raises:
        ValueError: it describes none; the message says what was expected.
    """
    kinds = {field.name: type(field.default) if field.name != "kind" else str for field in fields(Rule)}
    if not isinstance(document, Mapping) or "kind" not in document or set(document) - set(kinds):
        msg = f"a fault: expected an object with kind and any of {', '.join(sorted(set(kinds) - {'kind'}))}"
        raise ValueError(msg)
    for name, value in document.items():
        if type(value) is not kinds[name]:
            msg = f"a fault's {name}: expected {kinds[name].__name__}, got {value!r}"
            raise ValueError(msg)
    return Rule(**document)


class Faults:
    """The rules of one world, and how many calls each has met."""

    def __init__(self, rules: Iterable[Rule] = ()) -> None:
        self._lock = threading.Lock()
        self._rules: list[Rule] = []
        self._met: list[int] = []
        self._struck: list[int] = []
        for rule in rules:
            self.add(rule)

    def add(self, rule: Rule) -> int:
        """Heed a rule from the next call on, and return its number, counted from 1."""
        with self._lock:
            self._rules.append(rule)
            self._met.append(0)
            self._struck.append(0)
            return len(self._rules)

    def clear(self) -> None:
        """Heed no rule any more."""
        with self._lock:
            self._rules, self._met, self._struck = [], [], []

    def meet(
        self, service: str, action: str, bucket: str, key: str, *, only: Callable[[Rule], bool] = lambda _: True
    ) -> Rule | None:
        """Count a call, and return the first rule that strikes it."""
        with self._lock:
            found: int | None = None
            for number, rule in enumerate(self._rules):
                if not rule.meets(service, action, bucket, key) or not only(rule):
                    continue
                self._met[number] += 1
                past = self._met[number] - rule.nth
                if found is None and past >= 0 and (not rule.times or past < rule.times):
                    found = number
            if found is None:
                return None
            self._struck[found] += 1
            return self._rules[found]

    def all(self) -> list[dict[str, Any]]:
        """Return every rule with the calls that it has met and struck."""
        with self._lock:
            counts = zip(self._rules, self._met, self._struck, strict=True)
            return [
                {"number": number, **asdict(rule), "met": met, "struck": struck}
                for number, (rule, met, struck) in enumerate(counts, start=1)
            ]
