"""What secrets look like in the files of an orchestrator: by the name of what holds them, or by their shape."""

import re
from collections.abc import Iterator

TOKEN_NAMES = frozenset({"task_token", "tasktoken"})
TOKEN = re.compile(r"[A-Za-z0-9+/]{0,8}AAAAKgAAAA[A-Za-z0-9+/=]{60,}", re.ASCII)
"""A task token of Step Functions: base64 over a header whose bytes are mostly zero."""

SHAPES: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("private_key", re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----")),
    ("kubeconfig_key", re.compile(r"client-key-data\s*[:=]")),
    ("registry_login", re.compile(r"\.dockerconfigjson|\"auths\"\s*:")),
    ("access_key", re.compile(r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b")),
    ("secret_access_key", re.compile(r"(?i)aws_secret_access_key\W{1,4}[A-Za-z0-9/+=]{40}")),
    ("bearer_token", re.compile(r"\bBearer\s+[A-Za-z0-9._~+/-]{20,}")),
)
SHORTEST_TOKEN = 24
"""A shorter value under a token's name is a hint or a placeholder, which approves nothing."""


def find(document: object, where: str = "") -> Iterator[tuple[str, str, str]]:
    """Yield the kind, the place (a JSON pointer) and the text of each secret of a document."""
    if isinstance(document, dict):
        for key, value in document.items():
            place = f"{where}/{str(key).replace('~', '~0').replace('/', '~1')}"
            if str(key).lower() in TOKEN_NAMES and isinstance(value, str) and len(value) >= SHORTEST_TOKEN:
                yield "task_token", place, value
            else:
                yield from find(value, place)
    elif isinstance(document, list):
        for number, value in enumerate(document):
            yield from find(value, f"{where}/{number}")
    elif isinstance(document, str):
        if found := TOKEN.search(document):
            yield "task_token", where, found[0]
        for kind, shape in SHAPES:
            if shape.search(document):
                yield kind, where, document
