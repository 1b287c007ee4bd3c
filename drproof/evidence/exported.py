"""What of an execution may be written down: projected field by field, what is like a secret masked by a keyed tag.

A task's token approves for whoever reads it. It is replaced by a tag under a key that is thrown away, equal tokens by
equal tags, so that what was equal stays equal; and a tag under a token's name is still seen as a secret that lies open.
"""

import hashlib
import hmac
import json
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from drproof.evidence.redaction import MASK, Redactor
from drproof.formats import secret_shapes, strict_json
from drproof.model.errors import FormatError

NUMBERS = ("id", "previousEventId", "type", "timestamp")
PLAIN = ("name", "resourceType", "resource", "region", "timeoutInSeconds", "heartbeatInSeconds", "roleArn")
TEXTS = ("input", "output", "parameters")
CUT = ("inputDetails", "outputDetails")
ASKED = ("FunctionName", "Payload", "ProjectName", "EnvironmentVariablesOverride", "TopicArn")
"""What a task was called with; an idempotency token, or a message to people, is not among it."""
BUILD = ("Arn", "BuildNumber", "BuildStatus", "EndTime", "Id", "ProjectName", "StartTime")
FAILURE = ("errorType", "errorMessage")
NAME = re.compile(r"[A-Za-z][A-Za-z0-9_.:-]{0,79}", re.ASCII)
TAG = re.compile(f"{MASK} [0-9a-f]{{32}}")
REPEATED = ("StateEntered", "StateExited")
"""Kinds of events whose texts are the whole state of the execution, told once more."""


@dataclass(slots=True)
class Export:
    """Projects one execution; `masked` says where something was masked."""

    redactor: Redactor
    masked: list[dict[str, str]] = field(default_factory=list)
    _key: bytes = field(default_factory=lambda: secrets.token_bytes(32))

    def event(self, row: Mapping[str, Any]) -> dict[str, Any]:
        """Return an event of a history."""
        kept = {name: row[name] for name in NUMBERS if name in row}
        bare = str(row.get("type", "")).endswith(REPEATED)
        for name, details in row.items():
            if name.endswith("EventDetails") and isinstance(details, Mapping):
                kept[name] = self._details(details, bare=bare)
        return kept

    def document(self, text: str) -> str:
        """Return JSON in a text with what is like a secret masked; a text that is no JSON is somebody's prose."""
        try:
            value = strict_json.parse(text.encode(), fractions=True)
        except FormatError:
            return self.words(text)
        return json.dumps(self.value(value), ensure_ascii=False)

    def value(self, value: Any) -> Any:  # noqa: ANN401 — plain JSON
        """Return plain JSON with what is like a secret masked."""
        tagged = self._tagged(value)
        return _with_tags(self.redactor.masked(tagged), tagged)

    def words(self, text: str) -> str:
        """Return somebody's words: what is not proven harmless is masked."""
        return self.redactor.redact(text, record=False)

    def cause(self, text: str) -> str:
        """Return why something failed: of a build or a function the members that are known, else its words."""
        try:
            value = strict_json.parse(text.encode(), fractions=True)
        except FormatError:
            return self.words(text)
        if not isinstance(value, dict):
            return self.words(text)
        build = value.get("Build", value)
        if isinstance(build, dict) and "BuildStatus" in build:
            return json.dumps({"Build": _only(build, BUILD)})
        return json.dumps({name: self.words(str(value[name])) for name in FAILURE if name in value})

    def error(self, text: str) -> str:
        """Return the name of an error; whoever gives a task back says what it is, so that one may be prose."""
        return text if NAME.fullmatch(text) and not self.redactor.scan(text.encode()) else self.words(text)

    def file(self, name: str, data: bytes) -> bytes:
        """Return a file as it is, or, where it is JSON that holds a secret, without it; `masked` then says so."""
        try:
            value = strict_json.parse(data, fractions=True)
        except FormatError:
            # Nobody reads it as a receipt, and nobody knows what it holds.
            text = data.decode("utf-8", "replace")
            covered = self.words(text)
            if covered != text:
                self.masked.append({"file": name, "kind": "text", "where": ""})
                return covered.encode()
            return data
        found = {where: kind for kind, where, _ in secret_shapes.find(value)}
        found = {hit.where: hit.rule for hit in self.redactor.scan(data)} | found
        if not found:
            return data
        self.masked += [{"file": name, "kind": kind, "where": where} for where, kind in sorted(found.items())]
        return json.dumps(self.value(value), ensure_ascii=False, indent=1).encode()

    def _details(self, details: Mapping[str, Any], *, bare: bool) -> dict[str, Any]:
        kept: dict[str, Any] = {name: details[name] for name in PLAIN if isinstance(details.get(name), str | int)}
        if bare:
            return kept
        for name in TEXTS:
            if isinstance(details.get(name), str):
                kept[name] = self._text(name, details[name])
        for name in CUT:
            if isinstance(details.get(name), Mapping):
                kept[name] = {"truncated": details[name].get("truncated") is True}
        if isinstance(details.get("error"), str):
            kept["error"] = self.error(details["error"])
        if isinstance(details.get("cause"), str):
            kept["cause"] = self.cause(details["cause"])
        return kept

    def _text(self, name: str, text: str) -> str:
        try:
            value = strict_json.parse(text.encode(), fractions=True)
        except FormatError:
            return self.words(text)
        if isinstance(value, dict):
            if name == "parameters":
                value = _only(value, ASKED)
            elif isinstance(value.get("Build"), dict):
                value = {"Build": _only(value["Build"], BUILD)}
            elif "Payload" in value and "StatusCode" in value:
                value = _only(value, ("Payload", "StatusCode"))
        return json.dumps(self.value(value), ensure_ascii=False)

    def _tagged(self, value: Any) -> Any:  # noqa: ANN401 — plain JSON
        if isinstance(value, str):
            return secret_shapes.TOKEN.sub(lambda found: self._tag(found[0]), value)
        if isinstance(value, list):
            return [self._tagged(item) for item in value]
        if isinstance(value, dict):
            return {key: self._member(str(key), item) for key, item in value.items()}
        return value

    def _member(self, name: str, value: Any) -> Any:  # noqa: ANN401 — plain JSON
        token = name.lower() in secret_shapes.TOKEN_NAMES and isinstance(value, str)
        return self._tag(value) if token and len(value) >= secret_shapes.SHORTEST_TOKEN else self._tagged(value)

    def _tag(self, token: str) -> str:
        # By this tag two places of one export are told to have held the same token, and nothing else.
        return f"{MASK} {hmac.new(self._key, token.encode(), hashlib.sha256).hexdigest()[:32]}"


def _with_tags(masked: Any, tagged: Any) -> Any:  # noqa: ANN401 — plain JSON
    """Return what was masked with the tags that stand where tokens were: a tag is no secret, whatever its name."""
    if isinstance(tagged, str):
        return tagged if TAG.fullmatch(tagged) else masked
    if isinstance(tagged, list) and isinstance(masked, list):
        return [_with_tags(*pair) for pair in zip(masked, tagged, strict=True)]
    if isinstance(tagged, dict) and isinstance(masked, dict) and len(masked) == len(tagged):
        pairs = zip(masked.items(), tagged.values(), strict=True)
        return {key: _with_tags(value, tag) for (key, value), tag in pairs}
    return masked


def _only(value: Mapping[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    return {name: value[name] for name in names if name in value}
