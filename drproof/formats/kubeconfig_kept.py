"""A kubeconfig that is kept: it refers to no file, its server can be reached, and what it hides is known."""

import base64
import ipaddress
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from drproof.formats.kubeconfig import SOURCE_EXTENSION, Exec, Kubeconfig, checked
from drproof.model.errors import FormatError

INTERNAL = tuple(
    ipaddress.ip_network(text)
    for text in (
        "0.0.0.0/32",
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.168.0.0/16",
        "::/128",
        "::1/128",
        "fc00::/7",
        "fe80::/10",
    )
)
"""Addresses that mean something only where the kubeconfig was written."""

HOST = re.compile(
    r"(?=.{1,253}\Z)[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?)*"
)
SECRET_NAME = re.compile(r"SECRET|TOKEN|PASSW|KEY|CREDENTIAL", re.IGNORECASE)
SHORTEST_LINE = 16
"""A shorter last line of a key says nothing of it."""


def with_files(config: Kubeconfig, contents: Mapping[str, bytes]) -> Kubeconfig:
    """Return a kubeconfig that holds what it referred to; `contents` are by attribute, as in `files`.

    Raises:
        FormatError: a file holds nothing of its kind.
    """
    read: dict[str, Any] = {}
    for attribute in config.files:
        content, named = contents[attribute], f"the file of the {attribute.replace('_', '-')}"
        if not content.strip():
            raise FormatError("kubeconfig-file", f"{named} is empty")
        try:
            read[attribute] = content.decode("ascii").strip() if attribute == "token" else content
        except UnicodeDecodeError:
            raise FormatError("kubeconfig-token", f"{named} holds no token: it is no text") from None
    return checked(replace(config, files={}, **read))


def relocated(config: Kubeconfig, host: str) -> Kubeconfig:
    """Return a kubeconfig whose server is at `host`, when it was at an address that means something only elsewhere.

    The certificate speaks for the old host, which becomes the name that is expected unless there is one already.

    Raises:
        FormatError: `kubeconfig-host`.
    """
    address = config.address
    old = address.hostname or ""
    if not host or not is_internal(old) or host == old:
        return config
    try:
        shown = f"[{host}]" if ipaddress.ip_address(host).version == 6 else host  # noqa: PLR2004 — IPv6
    except ValueError as exc:
        if not HOST.fullmatch(host):
            raise FormatError("kubeconfig-host", f"{host!r} is no address and no name of a host") from exc
        shown = host
    netloc = f"{shown}:{address.port}" if address.port is not None else shown
    name = config.tls_server_name or (old if address.scheme == "https" else "")
    return replace(config, server=address._replace(netloc=netloc).geturl(), tls_server_name=name)


def is_internal(host: str) -> bool:
    """Return whether a host is on this machine, on a private network, or unspecified."""
    if is_loopback(host):
        return True
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    return any(address in network for network in INTERNAL if network.version == address.version)


def is_loopback(host: str) -> bool:
    """Return whether a host is this machine itself."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def render(config: Kubeconfig, *, source: str = "") -> str:
    """Return a kubeconfig of one context that refers to no file; `source` is written into it.

    Raises:
        ValueError: it still refers to files.
    """
    import yaml

    if config.files:
        msg = f"{', '.join(config.files.values())} must be read before the kubeconfig is written"
        raise ValueError(msg)
    user: dict[str, Any] = {}
    if config.client_certificate:
        user["client-certificate-data"] = _encoded(config.client_certificate)
        user["client-key-data"] = _encoded(config.client_key)
    words = {"token": config.token, "username": config.username, "password": config.password}
    user |= {key: value for key, value in words.items() if value}
    if config.exec is not None:
        user["exec"] = _exec_document(config.exec)
    context = {"cluster": config.context, "user": config.user}
    if config.namespace:
        context["namespace"] = config.namespace
    document: dict[str, Any] = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": config.context, "cluster": cluster_document(config)}],
        "users": [{"name": config.user, "user": user}],
        "contexts": [{"name": config.context, "context": context}],
        "current-context": config.context,
    }
    if source:
        document["extensions"] = [{"name": SOURCE_EXTENSION, "extension": {"source": source}}]
    text: str = yaml.safe_dump(document, sort_keys=False, width=1 << 20)
    return text


def cluster_document(config: Kubeconfig) -> dict[str, Any]:
    """Return how a kubeconfig says where its cluster is, and what it must show."""
    cluster: dict[str, Any] = {"server": config.server}
    if config.certificate_authority:
        cluster["certificate-authority-data"] = _encoded(config.certificate_authority)
    if config.tls_server_name:
        cluster["tls-server-name"] = config.tls_server_name
    return cluster


def secrets(config: Kubeconfig) -> tuple[str, ...]:
    """Return the texts that nobody may see: tokens, passwords, and keys as they are written, whole and line by line."""
    values = [config.token, config.password]
    if config.username and config.password:
        values.append(_encoded(f"{config.username}:{config.password}".encode()))
    if config.client_key:
        text = config.client_key.decode("ascii", "replace")
        lines = [line.strip() for line in text.splitlines() if not line.startswith("-----")]
        values += [_encoded(config.client_key), text.strip(), *(line for line in lines if len(line) >= SHORTEST_LINE)]
    if config.exec is not None:
        values += [value for name, value in config.exec.environment.items() if SECRET_NAME.search(name)]
    return tuple(dict.fromkeys(value for value in values if value))


def _exec_document(command: Exec) -> dict[str, Any]:
    document: dict[str, Any] = {
        "apiVersion": command.api_version,
        "command": command.command,
        "args": list(command.arguments),
        "interactiveMode": "Never",
        "provideClusterInfo": command.provide_cluster_info,
    }
    if command.environment:
        document["env"] = [{"name": name, "value": value} for name, value in command.environment.items()]
    return document


def _encoded(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")
