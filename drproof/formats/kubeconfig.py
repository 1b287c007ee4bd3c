"""Kubeconfigs: one context of one, read strictly.

A refusal names fields, contexts, clusters and users, and never what a field holds: it may be a token.
"""

import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import SplitResult, urlsplit

from drproof.formats.strict_json import shape_of
from drproof.model.errors import FormatError

SOURCE_EXTENSION = "drproof.io/source"
"""The name under which a kept kubeconfig says where it came from."""

CLUSTER_FIELDS = frozenset(
    {
        "server",
        "certificate-authority",
        "certificate-authority-data",
        "tls-server-name",
        "insecure-skip-tls-verify",
        "proxy-url",
        "disable-compression",
        "extensions",
    }
)
USER_FIELDS = frozenset(
    {
        "client-certificate",
        "client-certificate-data",
        "client-key",
        "client-key-data",
        "token",
        "tokenFile",
        "username",
        "password",
        "exec",
        "auth-provider",
        "as",
        "as-uid",
        "as-groups",
        "as-user-extra",
        "extensions",
    }
)
EXEC_FIELDS = frozenset(
    {"apiVersion", "command", "args", "env", "installHint", "interactiveMode", "provideClusterInfo"}
)
EXEC_VERSIONS = frozenset({"client.authentication.k8s.io/v1", "client.authentication.k8s.io/v1beta1"})
IMPERSONATION = ("as", "as-uid", "as-groups", "as-user-extra")

CERTIFICATE: Final = b"-----BEGIN CERTIFICATE-----"
KEY = re.compile(rb"-----BEGIN (?:RSA |EC )?PRIVATE KEY-----")
ENCRYPTED = (b"BEGIN ENCRYPTED PRIVATE KEY", b"Proc-Type: 4,ENCRYPTED")


@dataclass(frozen=True, slots=True, kw_only=True)
class Exec:
    """A command whose answer is the credential."""

    api_version: str
    command: str
    arguments: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    provide_cluster_info: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Kubeconfig:
    """One context of a kubeconfig: its cluster, its user, and nothing of the others."""

    context: str
    server: str
    user: str
    namespace: str = ""
    tls_server_name: str = ""
    certificate_authority: bytes = field(default=b"", repr=False)
    client_certificate: bytes = field(default=b"", repr=False)
    client_key: bytes = field(default=b"", repr=False)
    token: str = field(default="", repr=False)
    username: str = ""
    password: str = field(default="", repr=False)
    exec: Exec | None = None
    files: Mapping[str, str] = field(default_factory=dict)
    """What is given by the path of a file, by the name of the attribute that its content becomes."""
    refusals: tuple[str, ...] = ()
    """What it asks for and drproof never does, a sentence each."""
    source: str = ""
    """Where it came from, in one that drproof keeps."""

    @property
    def address(self) -> SplitResult:
        """The server's URL, split; it has a host."""
        return urlsplit(self.server)


def parse(data: bytes | str, *, context: str = "") -> Kubeconfig:
    """Return a context of a kubeconfig, by default its current one.

    Raises:
        FormatError: `kubeconfig-shape`, `kubeconfig-field`, `kubeconfig-context`, `kubeconfig-server`,
            `kubeconfig-base64`, `kubeconfig-certificate`, `kubeconfig-key`; and what `strict_yaml.parse` raises.
    """
    from drproof.formats import strict_yaml

    document = _mapping(strict_yaml.parse(data), "a kubeconfig")
    if document.get("kind", "Config") != "Config" or document.get("apiVersion", "v1") != "v1":
        raise FormatError("kubeconfig-shape", "a kubeconfig is `v1 Config`, this is of another version or kind")
    name = context or _text(document, "current-context", "a kubeconfig")
    if not name:
        raise FormatError("kubeconfig-context", "the kubeconfig has no current context: name one")
    chosen = _named(document, "contexts", name)
    where = f"the context {name!r}"
    cluster_name, user_name = _text(chosen, "cluster", where), _text(chosen, "user", where)
    cluster = _known(_named(document, "clusters", cluster_name), CLUSTER_FIELDS, f"the cluster {cluster_name!r}")
    user = _known(_named(document, "users", user_name), USER_FIELDS, f"the user {user_name!r}")
    found = _of_cluster(cluster, cluster_name) | _of_user(user, user_name)
    refusals = (*_cluster_refusals(cluster, cluster_name), *_user_refusals(user, user_name))
    files = {
        attribute: path
        for attribute, (fields, key, data_key) in _FILES.items()
        if (path := _text(cluster if fields == "cluster" else user, key, where))
        and not found.get(attribute if data_key else "")
    }
    config = Kubeconfig(
        context=name,
        user=user_name,
        namespace=_text(chosen, "namespace", where),
        files=files,
        refusals=refusals,
        source=_source(document),
        **found,
    )
    return checked(config)


_FILES: dict[str, tuple[str, str, str]] = {
    "certificate_authority": ("cluster", "certificate-authority", "certificate-authority-data"),
    "client_certificate": ("user", "client-certificate", "client-certificate-data"),
    "client_key": ("user", "client-key", "client-key-data"),
    # A file of a token goes before a token: kubectl reads it so.
    "token": ("user", "tokenFile", ""),
}
"""By attribute: whose field the path is in, the field, and the field of the content that goes before it."""


def _of_cluster(cluster: Mapping[str, Any], name: str) -> dict[str, Any]:
    where = f"the cluster {name!r}"
    return {
        "server": _text(cluster, "server", where),
        "tls_server_name": _text(cluster, "tls-server-name", where),
        "certificate_authority": _decoded(cluster, "certificate-authority-data", where),
    }


def _of_user(user: Mapping[str, Any], name: str) -> dict[str, Any]:
    where = f"the user {name!r}"
    return {
        "client_certificate": _decoded(user, "client-certificate-data", where),
        "client_key": _decoded(user, "client-key-data", where),
        "token": _text(user, "token", where),
        "username": _text(user, "username", where),
        "password": _text(user, "password", where),
        "exec": None if user.get("exec") is None else _exec(_mapping(user["exec"], f"`exec` of {where}"), where),
    }


def _exec(given: Mapping[str, Any], where: str) -> Exec:
    what = f"`exec` of {where}"
    _known(given, EXEC_FIELDS, what)
    command, version = _text(given, "command", what), _text(given, "apiVersion", what)
    if not command or version not in EXEC_VERSIONS:
        raise FormatError(
            "kubeconfig-field", f"{what} needs a command, and as apiVersion {' or '.join(sorted(EXEC_VERSIONS))}"
        )
    environment = {
        _text(each, "name", what): _text(each, "value", what)
        for each in (_mapping(item, f"`env` of {what}") for item in _list(given, "env", what))
    }
    arguments = _list(given, "args", what)
    if not all(isinstance(each, str) for each in arguments):
        raise FormatError("kubeconfig-field", f"`args` of {what} must be texts")
    return Exec(
        api_version=version,
        command=command,
        arguments=tuple(str(each) for each in arguments),
        environment=environment,
        provide_cluster_info=given.get("provideClusterInfo") is True,
    )


def _cluster_refusals(cluster: Mapping[str, Any], name: str) -> tuple[str, ...]:
    found = []
    if cluster.get("insecure-skip-tls-verify") not in (None, False):
        found.append(f"the cluster {name!r} is reached without looking at its certificate (insecure-skip-tls-verify)")
    if cluster.get("proxy-url"):
        found.append(f"the cluster {name!r} is reached through a proxy (proxy-url)")
    return tuple(found)


def _user_refusals(user: Mapping[str, Any], name: str) -> tuple[str, ...]:
    found = []
    if user.get("auth-provider") is not None:
        found.append(f"the user {name!r} has an auth-provider, which runs code of the client")
    if asked := [key for key in IMPERSONATION if user.get(key)]:
        found.append(f"the user {name!r} acts as somebody else ({', '.join(asked)})")
    given = user.get("exec")
    if isinstance(given, dict) and given.get("interactiveMode") == "Always":
        found.append(f"the user {name!r} has a command that asks a person (interactiveMode: Always)")
    return tuple(found)


def checked(config: Kubeconfig) -> Kubeconfig:
    """Return a kubeconfig, or refuse what cannot be what it says.

    Raises:
        FormatError: `kubeconfig-server`, `kubeconfig-certificate`, `kubeconfig-key`, `kubeconfig-token`.
    """
    try:
        address = config.address
        port_is_one = address.port is None or address.port > 0
    except ValueError:
        raise FormatError("kubeconfig-server", "the server is no URL") from None
    # An unquoted `/` in an account ends the host: what is left of the account is in the path.
    odd = address.username is not None or address.query or address.fragment or not port_is_one or "@" in address.path
    if address.scheme not in {"https", "http"} or not address.hostname or odd:
        raise FormatError("kubeconfig-server", f"{_shown(address)} is not of the form https://HOST[:PORT][/PATH]")
    for attribute, content in (
        ("certificate-authority", config.certificate_authority),
        ("client-certificate", config.client_certificate),
    ):
        if content and CERTIFICATE not in content:
            raise FormatError("kubeconfig-certificate", f"the {attribute} is no certificate in PEM")
    if config.client_key and any(mark in config.client_key for mark in ENCRYPTED):
        raise FormatError("kubeconfig-key", "the client-key is encrypted, and nobody would be there to open it")
    if config.client_key and not KEY.search(config.client_key):
        raise FormatError("kubeconfig-key", "the client-key is no private key in PEM")
    has = {
        attribute
        for attribute in ("client_certificate", "client_key")
        if getattr(config, attribute) or attribute in config.files
    }
    if len(has) == 1:
        raise FormatError(
            "kubeconfig-key", f"a client certificate needs its key, got only {has.pop().replace('_', '-')}"
        )
    if any(ord(letter) <= ord(" ") or ord(letter) > ord("~") for letter in config.token):
        raise FormatError("kubeconfig-token", "the token holds characters that no token has")
    return config


def _shown(address: SplitResult) -> str:
    """Return of a URL what may be shown: no account, no query, and nothing where they cannot be told apart."""
    host = address.netloc.rpartition("@")[2]
    if not address.scheme or not host or "@" in address.path:
        return "the server"
    return f"the server {address.scheme}://{host}{address.path}"


def _source(document: Mapping[str, Any]) -> str:
    for each in document.get("extensions") or ():
        if isinstance(each, dict) and each.get("name") == SOURCE_EXTENSION and isinstance(each.get("extension"), dict):
            return str(each["extension"].get("source", ""))
    return ""


def _named(document: Mapping[str, Any], key: str, name: str) -> Mapping[str, Any]:
    """Return the one entry of a list that has a name."""
    kind = key.removesuffix("s")
    entries = [_mapping(item, f"an entry of `{key}`") for item in _list(document, key, "a kubeconfig")]
    found = [entry for entry in entries if entry.get("name") == name]
    if len(found) != 1:
        texts = {entry["name"] for entry in entries if isinstance(entry.get("name"), str)}
        names = ", ".join(sorted(texts)[:20]) or "none"
        raise FormatError(
            f"kubeconfig-{'context' if kind == 'context' else 'shape'}",
            f"{len(found)} of its {key} have the name {name!r}, expected one; there are: {names}",
        )
    return _mapping(found[0].get(kind), f"the {kind} {name!r}")


def _known(fields: Mapping[str, Any], known: frozenset[str], where: str) -> Mapping[str, Any]:
    if not known.issuperset(fields):
        raise FormatError("kubeconfig-field", f"{where} has a field that is none of {', '.join(sorted(known))}")
    return fields


def _mapping(value: object, what: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise FormatError("kubeconfig-shape", f"{what} must be a mapping, got {shape_of(value)}")
    return value


def _list(fields: Mapping[str, Any], key: str, where: str) -> list[Any]:
    value = fields.get(key)
    if value is None:
        return []
    if not isinstance(value, list):
        raise FormatError("kubeconfig-shape", f"`{key}` of {where} must be a list, got {shape_of(value)}")
    return value


def _text(fields: Mapping[str, Any], key: str, where: str) -> str:
    value = fields.get(key)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise FormatError("kubeconfig-field", f"`{key}` of {where} must be a text, got {shape_of(value)}")
    return value


def _decoded(fields: Mapping[str, Any], key: str, where: str) -> bytes:
    text = _text(fields, key, where)
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError):
        raise FormatError("kubeconfig-base64", f"`{key}` of {where} is no base64") from None
