"""A registry of images, as nodes see it: by tag or digest, for some architectures, with or without a login."""

import re
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

_DOMAIN = r"(?:[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?)(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?)*(?::\d+)?"
_COMPONENT = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_REFERENCE = re.compile(
    rf"(?P<name>(?:{_DOMAIN}/)?{_COMPONENT}(?:/{_COMPONENT})*)"
    r"(?::(?P<tag>\w[\w.-]{0,127}))?(?:@(?P<digest>sha256:[0-9a-f]{64}))?"
)
_DOCKER_HUB = "docker.io"


@dataclass(frozen=True, slots=True)
class Reference:
    """An image's name with its defaults written out: `nginx` is `docker.io/library/nginx:latest`."""

    host: str
    repository: str
    tag: str
    digest: str

    @classmethod
    def parse(cls, text: str) -> "Reference":
        """Return a reference as containerd reads it.

        Raises:
            ValueError: it is none.
        """
        found = _REFERENCE.fullmatch(text) if len(text) <= 512 else None  # noqa: PLR2004 — no registry takes longer names
        if not found:
            msg = f'couldn\'t parse image name "{text}": invalid reference format'
            raise ValueError(msg)
        first, slash, rest = found["name"].partition("/")
        if slash and (set(".:") & set(first) or first == "localhost" or first != first.lower()):
            host, repository = first, rest
        else:
            host, repository = _DOCKER_HUB, found["name"] if slash else f"library/{found['name']}"
        digest = found["digest"] or ""
        return cls(host, repository, found["tag"] or ("" if digest else "latest"), digest)

    @property
    def name(self) -> str:
        """The repository with its host."""
        return f"{self.host}/{self.repository}"

    def __str__(self) -> str:
        """Return the reference in full."""
        return self.name + (f":{self.tag}" if self.tag else "") + (f"@{self.digest}" if self.digest else "")


@dataclass(frozen=True, slots=True)
class Program:
    """What runs in the containers of an image: its ENTRYPOINT and CMD, as words that the host can run."""

    entrypoint: tuple[str, ...] = ()
    arguments: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)
    """Text files of the image by absolute path."""
    working_directory: str = ""


@dataclass(frozen=True, slots=True)
class Image:
    """One image of a repository, known by the digest of its index."""

    host: str
    repository: str
    digest: str
    architectures: tuple[str, ...]
    program: Program | None

    @property
    def identity(self) -> str:
        """What a pod's status calls imageID."""
        return f"{self.host}/{self.repository}@{self.digest}"


class Login(NamedTuple):
    """Basic credentials for a registry."""

    user: str
    password: str

    def __repr__(self) -> str:
        """Return the user alone: a password has no place in a traceback."""
        return f"Login(user={self.user!r})"


@dataclass(frozen=True, slots=True)
class Pull:
    """One question that a node asked the registry; no password is ever kept."""

    reference: str
    user: str
    node: str
    result: str
    """`pulled`, or the reason why not."""


class PullRefusedError(Exception):
    """The registry does not serve the image; the message is containerd's."""


class Registry:
    """The registries of the world by host: what is pushed can be pulled by who may."""

    def __init__(self) -> None:
        self.faults: list[Callable[[Reference, str], str | None]] = []
        """Each is asked with the reference and the node; a text that is returned is why the pull fails.

        It is the host's answer (`429 Too Many Requests`), or a whole error that begins with `rpc error:`.
        """
        self._lock = threading.Lock()
        self._images: dict[tuple[str, str, str], Image] = {}
        self._tags: dict[tuple[str, str, str], str] = {}
        self._checks: dict[str, Callable[[str, str], bool]] = {}
        self._pulls: list[Pull] = []

    @property
    def pulls(self) -> tuple[Pull, ...]:
        """What was asked of the registry, oldest first."""
        with self._lock:
            return tuple(self._pulls)

    def push(  # noqa: PLR0913 — an image has this many properties
        self,
        host: str,
        repository: str,
        *,
        digest: str,
        tags: tuple[str, ...] = (),
        program: Program | None = None,
        architectures: tuple[str, ...] = ("amd64", "arm64"),
    ) -> Image:
        """Serve an image by its digest and its tags; a tag that another image had moves."""
        if not re.fullmatch(r"sha256:[0-9a-f]{64}", digest):
            msg = f"an image's digest is sha256: and 64 hexadecimal digits: got {digest!r}"
            raise ValueError(msg)
        image = Image(host, repository, digest, architectures, program)
        with self._lock:
            self._images[host, repository, digest] = image
            for tag in tags:
                self._tags[host, repository, tag] = digest
        return image

    def remove(self, host: str, repository: str, digest: str) -> None:
        """Serve an image no more."""
        with self._lock:
            self._images.pop((host, repository, digest), None)

    def require_login(self, host: str, check: Callable[[str, str], bool]) -> None:
        """Serve a host's images only to those whose user and password pass `check`."""
        with self._lock:
            self._checks[host] = check

    def pull(self, reference: Reference, logins: tuple[Login, ...], node: str, architecture: str) -> Image:
        """Return the image that a node asks for, trying each login in turn.

        Raises:
            PullRefusedError: it is not served to that node; the text is containerd's.
        """
        user = logins[0].user if logins else ""
        try:
            self._fail(reference, node)
            user = self._log_in(reference, logins)
            image = self._find(reference, architecture)
        except PullRefusedError as exc:
            self._note(Pull(str(reference), user, node, str(exc)))
            raise
        self._note(Pull(str(reference), user, node, "pulled"))
        return image

    def _fail(self, reference: Reference, node: str) -> None:
        for fault in list(self.faults):
            if text := fault(reference, node):
                raise PullRefusedError(text if text.startswith("rpc error:") else _answered(reference, text))

    def _log_in(self, reference: Reference, logins: tuple[Login, ...]) -> str:
        """Return the user that is let in; "" where nobody needs to log in."""
        with self._lock:
            check = self._checks.get(reference.host)
        if check is None:
            return ""
        for login in logins:
            # Outside the lock: the check may be another server's business.
            if check(login.user, login.password):
                return login.user
        raise PullRefusedError(_answered(reference, "401 Unauthorized"))

    def _find(self, reference: Reference, architecture: str) -> Image:
        host, repository = reference.host, reference.repository
        with self._lock:
            if all(known[0] != host for known in self._images) and host not in self._checks:
                asked = f"https://{host}/v2/{repository}/manifests/{reference.digest or reference.tag}"
                msg = f'failed to do request: Head "{asked}": dial tcp: lookup {host}: no such host'
                raise PullRefusedError(_unresolved("Unknown", reference, msg))
            digest = reference.digest or self._tags.get((host, repository, reference.tag), "")
            image = self._images.get((host, repository, digest))
        if image is None:
            raise PullRefusedError(_unresolved("NotFound", reference, f"{reference}: not found"))
        if architecture not in image.architectures:
            msg = (
                f'rpc error: code = NotFound desc = failed to pull and unpack image "{reference}": '
                "no match for platform in manifest: not found"
            )
            raise PullRefusedError(msg)
        return image

    def _note(self, pull: Pull) -> None:
        with self._lock:
            self._pulls.append(pull)


def _answered(reference: Reference, status: str) -> str:
    """Return containerd's text for a host that does not answer with a manifest."""
    asked = f"[manifests {reference.digest or reference.tag}]"
    said = f"pulling from host {reference.host} failed with status code {asked}: {status}"
    return _unresolved("Unknown", reference, said)


def _unresolved(code: str, reference: Reference, reason: str) -> str:
    """Return containerd's text for a name that leads to no manifest."""
    return (
        f'rpc error: code = {code} desc = failed to pull and unpack image "{reference}": '
        f'failed to resolve reference "{reference}": {reason}'
    )
