"""A time-stamping authority (RFC 3161): is shown a digest and signs when it saw it; what comes back is checked first.

One request, in bounded time, for an answer of bounded size; no redirect is followed. Only the SHA-256 of what is dated
leaves this machine.
"""

import hashlib
from collections.abc import Iterable
from http import HTTPStatus
from urllib.parse import urlsplit

from drproof.evidence.trust import Authority
from drproof.evidence.trusted_time import INSTALL, LARGEST, Dating, TrustedTime, check
from drproof.model.errors import TargetError, UnansweredError

CALL = "tsa:timestamp"
SECONDS = 20.0
"""How long an authority may take from the first look for its address to the last byte."""

QUERY, REPLY = "application/timestamp-query", "application/timestamp-reply"


def checked_address(url: str) -> str:
    """Return the address of an authority if it can be one.

    Raises:
        ValueError: it is none, or it holds a password, which would be shown wherever the address is.
    """
    parts = urlsplit(url)
    try:
        usable = parts.scheme in {"http", "https"} and parts.hostname and parts.port != 0
    except ValueError:
        usable = False
    if not usable or parts.username is not None or parts.fragment or not url.isprintable() or " " in url:
        got = repr(url) if parts.username is None else "one with a name or password in it"
        msg = f"the time-stamping authority: expected an address http(s)://<host>/<path>, got {got}"
        raise ValueError(msg)
    return url


def is_installed() -> bool:
    """Return whether the library that reads tokens is there."""
    try:
        import rfc3161_client  # noqa: F401 — whether it can be imported is the question
    except ImportError:
        return False
    return True


def shown(url: str) -> str:
    """Return an address as it may be shown: what stands behind its question mark may be a key."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}{parts.path}"


def ask(
    url: str, data: bytes, authorities: Iterable[Authority] = (), *, seconds: float = SECONDS
) -> tuple[bytes, TrustedTime]:
    """Return an authority's answer about `data`, in DER, and what it shows under the roots of `authorities`.

    Raises:
        ValueError: the address is none.
        TargetError: it refused or gave no answer in time, or its answer is not what was asked for.
    """
    checked_address(url)
    try:
        from rfc3161_client import HashAlgorithm, TimestampRequestBuilder
    except ImportError as exc:
        raise _failed(url, "LibraryMissing", f"rfc3161-client is not installed\n  next: {INSTALL}") from exc
    request = TimestampRequestBuilder().data(data).hash_algorithm(HashAlgorithm.SHA256).cert_request(cert_request=True)
    query = request.nonce(nonce=True).build()
    answer = _sent(url, query.as_bytes(), seconds)
    found = check(answer, hashlib.sha256(data).digest(), authorities, nonce=query.nonce)
    if found.dating is Dating.INVALID:
        raise _failed(url, "WrongToken", found.reason)
    return answer, found


def _sent(url: str, query: bytes, seconds: float) -> bytes:
    """Return the body of a good answer."""
    # Importing it looks for IPv6 with a socket, and addresses are checked in runs that touch nothing.
    import urllib3

    from drproof.targets.kubernetes.bounded import POOLS, TooLargeError, within

    pools = urllib3.PoolManager(num_pools=1, retries=False, headers={"User-Agent": "drproof"})
    pools.pool_classes_by_scheme = dict(POOLS)
    headers = {"Content-Type": QUERY, "Accept": REPLY, "Connection": "close"}
    try:
        with within(seconds), pools:
            answer = pools.request("POST", url, body=query, headers=headers, redirect=False, preload_content=False)
            if answer.status != HTTPStatus.OK:
                raise _refused(url, answer.status, answer.headers.get("Location", ""))
            kind = answer.headers.get("Content-Type", "").partition(";")[0].strip().lower()
            if kind != REPLY:
                raise _failed(url, "NoToken", f"expected {REPLY}, got {kind or 'no content type'}")
            body = answer.read(LARGEST + 1)
    except (urllib3.exceptions.HTTPError, OSError, TooLargeError) as exc:
        code = "Timeout" if isinstance(exc, (TimeoutError, urllib3.exceptions.TimeoutError)) else type(exc).__name__
        said = f"no answer within {seconds:g} s" if code == "Timeout" else str(exc)
        raise _failed(url, code, said, kind=UnansweredError) from exc
    if len(body) > LARGEST:
        raise _failed(url, "TooLarge", f"the answer has more than {LARGEST} bytes")
    return body


def _refused(url: str, status: int, location: str) -> TargetError:
    moved = f", which sends elsewhere: {location[:200]!r}" if location else ""
    kind = UnansweredError if status >= HTTPStatus.INTERNAL_SERVER_ERROR else TargetError
    return _failed(url, str(status), f"expected status 200, got {status}{moved}", kind=kind)


def _failed(url: str, code: str, said: str, *, kind: type[TargetError] = TargetError) -> TargetError:
    return kind(f"{CALL} {shown(url)}: {code}: {said}", code=code, call=CALL)
