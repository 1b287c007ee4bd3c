"""The way into the recovery cluster: a kubeconfig in a private place."""

import ssl
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from drproof.formats.kubeconfig import Kubeconfig, parse
from drproof.formats.kubeconfig_kept import is_loopback, relocated, render, secrets, with_files
from drproof.model.cluster import KubeconfigFacts
from drproof.model.errors import FormatError, GuardError
from drproof.targets import environment
from drproof.targets.kubernetes import private

if TYPE_CHECKING:
    from drproof.targets.kubernetes.cluster import KubernetesCluster

KEPT = "kubeconfig.yaml"
SOURCES = ("arg_kubeconfig", "bringup_generated", "receipt_dir_autoload")
UNSET = "unset"
MOST_BYTES = 1 << 20


class KubeconfigAccess:
    """One kubeconfig, kept in a private folder, and the cluster that it opens."""

    def __init__(
        self,
        directory: Path,
        *,
        context: str = "",
        exec_allowed: tuple[str, ...] = (),
        environment: Mapping[str, str] | None = None,
    ) -> None:
        """Name the private folder, which exists; nothing is read yet.

        `context` is the one that is taken from every kubeconfig, by default its current one. A command that gives
        credentials runs only when `exec_allowed` has its name, in `environment`.
        """
        self._directory = directory
        self._context = context
        self._exec_allowed = exec_allowed
        self._environment = environment
        self._learned: dict[str, None] = {}

    @property
    def by_kubeconfig(self) -> bool:
        """Whether a kubeconfig is needed here: it is the way."""
        return True

    @property
    def known(self) -> bool:
        """Whether a kubeconfig is kept."""
        return self._path.exists()

    @property
    def source(self) -> str:
        """Where the kept one came from, `unset` when there is none."""
        return (self._kept().source or UNSET) if self.known else UNSET

    def at(self, instance_id: str) -> None:
        """Refuse a machine.

        Raises:
            ValueError: always: a kubeconfig is the way.
        """
        msg = f"a kubeconfig leads to the cluster, and not the machine {instance_id}"
        raise ValueError(msg)

    def keep(self, kubeconfig: str, *, source: str, host: str = "", base: Path | None = None) -> KubeconfigFacts:
        """Check a kubeconfig and keep what it says of one context, readable to this user alone.

        `base` is the folder of a kubeconfig that is a file of this machine; only such a one may refer to others,
        which become part of it. With `host`, a server on a loopback, private or unspecified address is rewritten to
        it, port kept, and the name that the certificate speaks for is kept as `tls-server-name`.

        Raises:
            GuardError: it would start a process that the settings do not allow, or reach a server without proof.
            FormatError: it is none, lacks the context, or refers to files of another machine.
        """
        if source not in SOURCES:
            msg = f"a kubeconfig comes from one of {', '.join(SOURCES)}, got {source!r}"
            raise ValueError(msg)
        config = parse(kubeconfig, context=self._context)
        # Before any of its files is read: one that is refused is left alone.
        self._refuse(config)
        config = relocated(with_files(config, _files(config, base)), host)
        _refuse_plain(config)
        private.write(self._path, render(config, source=source).encode())
        return _facts(config)

    def facts(self) -> KubeconfigFacts:
        """Return what of the kept kubeconfig may be shown.

        Raises:
            GuardError: none is kept.
        """
        return _facts(self._kept())

    def secrets(self) -> tuple[str, ...]:
        """Return the values that nobody may see: those of the kept kubeconfig, and tokens that its command gave.

        Raises:
            GuardError: others can read the kept one.
        """
        kept = secrets(self._kept()) if self.known else ()
        return tuple(dict.fromkeys((*kept, *self._learned)))

    def open(self, *, uid: str = "") -> "KubernetesCluster":
        """Open the cluster of the kept kubeconfig, pinned to `uid`, or to the one that answers when that is empty.

        Raises:
            GuardError: another cluster answers, or no kubeconfig is kept.
            TargetError: none answers.
        """
        # The client costs a third of a second, which only a run that opens a cluster shall pay.
        from drproof.targets.kubernetes.client import Wire
        from drproof.targets.kubernetes.cluster import KubernetesCluster
        from drproof.targets.kubernetes.credentials import CommandToken

        config = self._kept()
        bearer = None
        if config.exec is not None:
            given = environment.child(proxies=True) if self._environment is None else self._environment
            bearer = CommandToken(config, given, learned=self._learn)
        trust = self._trust(config) if config.address.scheme == "https" else None
        return KubernetesCluster.opened(Wire(config, trust=trust, bearer=bearer), context=config.context, uid=uid)

    @property
    def _path(self) -> Path:
        return self._directory / KEPT

    def _kept(self) -> Kubeconfig:
        if not self.known:
            msg = f"no kubeconfig is kept in {self._directory}\n  next: give one with --kubeconfig FILE"
            raise GuardError(msg)
        config = parse(private.read(self._path))
        # What was allowed when it was kept may not be any more.
        self._refuse(config)
        _refuse_plain(config)
        return config

    def _learn(self, token: str) -> None:
        self._learned[token] = None

    def _refuse(self, config: Kubeconfig) -> None:
        for sentence in config.refusals:
            msg = f"the kubeconfig's context {config.context!r} is refused: {sentence}"
            raise GuardError(msg)
        command = config.exec.command if config.exec is not None else ""
        if command and ("/" in command or command not in self._exec_allowed):
            allowed = ", ".join(self._exec_allowed) or "none"
            msg = (
                f"the user {config.user!r} of the kubeconfig would start {command!r} on this machine;"
                f" allowed by name: {allowed}\n  next: give a kubeconfig with a token or a client certificate,"
                " or allow the command by its bare name"
            )
            raise GuardError(msg)

    def _trust(self, config: Kubeconfig) -> ssl.SSLContext:
        """Return what the server must show, and what we show it; the keys lie on the disk only while they are read."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        try:
            if config.certificate_authority:
                context.load_verify_locations(cadata=config.certificate_authority.decode("ascii"))
            else:
                context.load_default_certs()
            if config.client_certificate:
                with private.lent(self._directory, config.client_certificate + b"\n" + config.client_key) as path:
                    context.load_cert_chain(path)
        except (ssl.SSLError, UnicodeDecodeError) as exc:
            reason = getattr(exc, "reason", None) or type(exc).__name__
            raise FormatError(
                "kubeconfig-certificate", f"the certificates or the key of {config.context!r} cannot be used: {reason}"
            ) from exc
        return context


def _facts(config: Kubeconfig) -> KubeconfigFacts:
    return KubeconfigFacts(
        context=config.context,
        server=config.server,
        users_with_exec=(config.user,) if config.exec is not None else (),
    )


def _refuse_plain(config: Kubeconfig) -> None:
    address = config.address
    if address.scheme != "https" and not is_loopback(address.hostname or ""):
        msg = (
            f"the server {config.server} of the kubeconfig is asked without TLS; expected https, or an address of"
            " this machine: anybody on the way could read the credentials and answer in its place"
        )
        raise GuardError(msg)


def _files(config: Kubeconfig, base: Path | None) -> dict[str, bytes]:
    """Return the contents of the files that a kubeconfig refers to, relative to its own folder."""
    if config.files and base is None:
        named = ", ".join(sorted(config.files.values()))
        raise FormatError(
            "kubeconfig-file",
            f"the kubeconfig refers to files of the machine that it was written on: {named};"
            " expected one that holds them: kubectl config view --raw --flatten --minify",
        )
    contents = {}
    for attribute, name in config.files.items():
        path = (base or Path()) / name
        try:
            with path.open("rb") as file:
                contents[attribute] = file.read(MOST_BYTES)
        except OSError as exc:
            raise FormatError(
                "kubeconfig-file", f"{path}, to which the kubeconfig refers, cannot be read: {exc.strerror}"
            ) from exc
    return contents
