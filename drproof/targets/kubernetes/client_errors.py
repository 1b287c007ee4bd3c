"""What the official client raises, in the model's words."""

import json
import re
import ssl
from collections.abc import Iterator
from contextlib import contextmanager

from kubernetes.client.exceptions import ApiException
from urllib3 import exceptions as wire

from drproof.model.errors import TargetError
from drproof.targets.kubernetes import bounded
from drproof.targets.kubernetes.errors import MISSING, REASONS, Asked, failure, of_status


@contextmanager
def translated(asked: Asked) -> Iterator[None]:
    """Turn what the client raises inside into the model's errors."""
    try:
        yield
    except ApiException as exc:
        # Its own text carries headers and the whole body: it must be no part of a trace.
        raise _of_answer(asked, exc) from None
    except (bounded.TooLargeError, MemoryError, OverflowError) as exc:
        # The last two are of an answer that says how large it will be, and is believed.
        raise failure(asked, "Unreadable", f"{type(exc).__name__}: {exc}") from exc
    except wire.HTTPError as exc:
        raise _of_wire(asked, exc) from exc
    except (ssl.SSLError, OSError) as exc:
        raise failure(asked, *_transport(asked, exc)) from exc
    except ValueError as exc:
        # The client refuses an object by its own models, before anything is sent.
        raise failure(asked, "Invalid", f"{type(exc).__name__}: {exc}", status=422) from None


def speaks_of(exc: ApiException, name: str) -> bool:
    """Return whether a 404 speaks of the object itself, and not of a path that the server does not serve."""
    document = _body(exc)
    details = document.get("details") if isinstance(document, dict) else None
    return exc.status == MISSING and isinstance(details, dict) and details.get("name") == name


def _of_answer(asked: Asked, exc: ApiException) -> TargetError:
    status = int(exc.status or 0)
    if status == 0:
        # The client hides a failed handshake in an answer that nobody gave.
        kind, _, text = str(exc.reason or "").partition("\n")
        code = "UntrustedCertificate" if "SSL" in kind or "certificate" in text.lower() else "Unreadable"
        return failure(asked, code, _plain(text or kind))
    document = _body(exc)
    if isinstance(document, dict) and document.get("kind") == "Status":
        return of_status(asked, document, http=status)
    return failure(asked, REASONS.get(status, f"Status{status}"), str(exc.reason or ""), status=status)


def _body(exc: ApiException) -> object:
    try:
        return json.loads(exc.body or "")
    except ValueError:
        return None


def _of_wire(asked: Asked, exc: wire.HTTPError) -> TargetError:
    return failure(asked, *_transport(asked, exc))


def _transport(asked: Asked, exc: Exception) -> tuple[str, str]:
    """Return the code and the text of a failure on the way to the server or back."""
    reason = exc.reason if isinstance(exc, wire.MaxRetryError) and exc.reason is not None else exc
    said = f"{type(reason).__name__}: {_plain(str(reason))}"
    if isinstance(reason, (wire.SSLError, ssl.SSLError)):
        return "UntrustedCertificate", said
    if isinstance(reason, (wire.NewConnectionError, wire.ConnectTimeoutError, ConnectionRefusedError)):
        # Nothing was sent: it certainly did not happen.
        return "Unreachable", said
    return ("Unanswered" if asked.changes else "Unreachable"), said


_OBJECT = re.compile(r"<[\w.]+ object at 0x[0-9a-f]+>(?:: )?|\w+\(host=[^)]*\): ")


def _plain(text: str) -> str:
    """Return a transport's words without the names of our own objects."""
    return _OBJECT.sub("", text).strip()
