"""The login to image registries as Kubernetes keeps it: `.dockerconfigjson`."""

import base64
import json

from drproof.formats import strict_json
from drproof.model.errors import FormatError

KEY = ".dockerconfigjson"
SECRET_TYPE = "kubernetes.io/dockerconfigjson"  # noqa: S105 — a type, no secret


def docker_config(server: str, username: str, password: str) -> bytes:
    """Return the document that logs in to one registry; it holds the password."""
    if not server or not server.isprintable() or " " in server:
        raise ValueError(f"no registry: {server!r}")
    if not username or ":" in username or not password:
        # The pair is kept as `username:password`.
        raise ValueError("a login needs a username without a colon, and a password")
    login = base64.b64encode(f"{username}:{password}".encode()).decode()
    entry = {"username": username, "password": password, "auth": login}
    return json.dumps({"auths": {server: entry}}, sort_keys=True).encode()


def servers(data: bytes) -> tuple[str, ...]:
    """Return the registries that a document logs in to, sorted; a message never holds what the document holds.

    Raises:
        FormatError: `registry-login`.
    """
    try:
        content = strict_json.parse(data)
    except FormatError as exc:
        raise FormatError("registry-login", f"the login is no JSON document ({exc.code})") from None
    auths = content.get("auths") if isinstance(content, dict) else None
    if not isinstance(auths, dict) or not all(isinstance(entry, dict) for entry in auths.values()):
        raise FormatError("registry-login", "the login holds no `auths`")
    return tuple(sorted(auths))
