"""The call log: one line for each API call, written by the world alone, without bodies and without secrets."""

import json
import re
import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from xml.sax.saxutils import unescape

from drproof.embedded.asked import Asked
from drproof.embedded.faults.clusters import named
from drproof.embedded.kubernetes.calls import Call


def instant() -> str:
    """Return now, in UTC, to the millisecond."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


IDENTITY = re.compile(rb"\b(?:i|vol|eni|sg|snap|key)-[0-9a-f]{8,17}\b")
KEY = re.compile(r"<Key>([^<]*)</Key>")
APPLICATION = re.compile(r"(?:^| )app/([!#$%&'*+.^_`|~0-9A-Za-z-]{1,64})(?= |$)")
"""How every SDK says which application it works for, where `AWS_SDK_UA_APP_ID` names one."""


def named_in(asked: Asked) -> list[str]:
    """Return what a call names in its body: machines and what hangs on them, and the keys that it removes."""
    if asked.service == "ec2":
        return sorted({found.decode() for found in IDENTITY.findall(asked.body)})
    if asked.service == "s3" and asked.action == "DeleteObjects":
        keys = KEY.findall(asked.body.decode("utf-8", "replace"))
        return sorted({unescape(key) for key in keys})
    return []


def application_of(user_agent: str) -> str:
    """Return what a call was made for: a function, a project of builds, `states`; "" for whoever drills."""
    found = APPLICATION.search(user_agent)
    return found[1] if found else ""


class CallLog:
    """A file of JSON lines, flushed before the caller has its answer."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file = path.open("a", encoding="utf-8")
        self._lock = threading.Lock()
        self._number = 0

    def add(self, asked: Asked, *, account: str, status: int, fault: str = "") -> None:
        """Write down one call of AWS, its status (0: it was not answered), and the fault that struck it."""
        self._write(
            account=account,
            region=asked.region,
            service=asked.service,
            action=asked.action,
            method=asked.method,
            path=asked.path,
            bucket=asked.bucket,
            key=asked.key,
            status=status,
            client_token=asked.client_token,
            expected_owner=asked.header("x-amz-expected-bucket-owner"),
            named=named_in(asked),
            app=application_of(asked.header("user-agent")),
            fault=fault,
        )

    def add_of_cluster(self, call: Call, *, account: str, region: str, fault: str = "") -> None:
        """Write down one call of a cluster; its object stands where AWS has a key."""
        action, key = named(call)
        self._write(
            account=account,
            region=region,
            service="kubernetes",
            action=action,
            method=call.method,
            path=call.path,
            bucket="",
            key=key,
            status=call.status,
            client_token="",
            expected_owner="",
            named=[],
            app="",
            fault=fault,
        )

    def _write(self, **facts: str | int | list[str]) -> None:
        with self._lock:
            self._number += 1
            line = {"n": self._number, "at": instant(), **facts}
            self._file.write(json.dumps(line, ensure_ascii=False, sort_keys=True) + "\n")
            self._file.flush()

    def all(self) -> list[dict[str, Any]]:
        """Return every call so far, oldest first."""
        with self._lock:
            text = self.path.read_text(encoding="utf-8")
        return [json.loads(line) for line in text.splitlines()]
