"""When a bundle was closed at the latest, by somebody who gains nothing from it: an RFC 3161 token over the closing.

Nothing is asked and no clock is looked at: a certificate has to be valid at the time that the token states, and roots
come from the reader's own trust file. Source: `docs/bundle-format.md`, sections 4 and 7.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from drproof.evidence.trust import Authority
from drproof.formats.timestamp_answer import in_order
from drproof.model.errors import EvidenceError, FormatError

if TYPE_CHECKING:
    from rfc3161_client import TimeStampResponse

LARGEST = 256 * 1024
"""No token of one signer with its certificates comes near this."""

SHA256 = "2.16.840.1.101.3.4.2.1"
GRANTED = 0
CUT_OFF = timedelta(milliseconds=999)
"""The library that reads tokens drops the fraction of a second, so the time may be later by this."""

INSTALL = "pip install 'drproof[tsa]'"


class Dating(StrEnum):
    """What a token comes to."""

    DATED = "dated"
    INVALID = "invalid"
    UNCHECKED = "unchecked"
    """Nothing is wrong with it as far as it could be looked at; it shows nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrustedTime:
    """What is known of when something existed."""

    dating: Dating
    at_latest: str = ""
    """The instant at which it existed at the latest: the authority's time with its own accuracy added."""
    authority: str = ""
    """The name that the trust file gives to the root that was relied on."""
    reason: str = ""
    """Why it is not dated."""


def check(answer: bytes, imprint: bytes, authorities: Iterable[Authority], *, nonce: int | None = None) -> TrustedTime:
    """Return what an authority's answer, in DER, shows about the file whose SHA-256 is `imprint`.

    Only tokens under a root of `authorities` count; a `nonce` is compared by the one who sent it, and by nobody later.

    Raises:
        EvidenceError: `trust-file`, when an authority has no certificate.
    """
    trusted = [(one.name, _root(one)) for one in authorities]
    if len(answer) > LARGEST:
        return _invalid(f"it has {len(answer)} bytes, more than {LARGEST}")
    try:
        import rfc3161_client
    except ImportError:
        if imprint not in answer:
            return _invalid(f"the digest {imprint.hex()} is not in it")
        return TrustedTime(dating=Dating.UNCHECKED, reason=f"not checked: that takes rfc3161-client, {INSTALL}")
    try:
        response = rfc3161_client.decode_timestamp_response(_readable(answer))
        reason = _states(response, imprint, nonce)
        if reason:
            return _invalid(reason)
        latest = _latest(response.tst_info)
    except Exception as exc:  # noqa: BLE001 — whatever two libraries raise over these bytes is a fact about the bytes
        return _invalid(f"it is no answer with a token: {_first_line(exc)}")
    if not trusted:
        return TrustedTime(dating=Dating.UNCHECKED, reason="not checked: no authority is trusted")
    said = ""
    for name, root in trusted:
        try:
            rfc3161_client.VerifierBuilder(roots=[root]).build().verify(response, imprint)
        except Exception as exc:  # noqa: BLE001 — as above
            said = said or _first_line(exc)
        else:
            return TrustedTime(dating=Dating.DATED, at_latest=latest, authority=name)
    return _invalid(f"no authority of the trust file signed it: {said}")


def _invalid(reason: str) -> TrustedTime:
    return TrustedTime(dating=Dating.INVALID, reason=reason)


def _root(authority: Authority) -> x509.Certificate:
    try:
        return x509.load_pem_x509_certificate(authority.certificate.encode())
    except ValueError as exc:
        raise EvidenceError("trust-file", f"the authority {authority.name!r} has no certificate in PEM") from exc


def _readable(answer: bytes) -> bytes:
    try:
        return in_order(answer)
    except FormatError:
        # A refusal has no token, and what is broken is named best by the strict reader.
        return answer


def _states(response: "TimeStampResponse", imprint: bytes, nonce: int | None) -> str:
    """Return why a token does not state what it has to, or ""."""
    if response.status != GRANTED:
        told = "; ".join(response.status_string)[:200]
        return f"the authority did not grant it: status {response.status} {told!r}"
    info = response.tst_info
    algorithm = info.message_imprint.hash_algorithm.dotted_string
    if algorithm != SHA256:
        return f"its imprint is made by {algorithm}, expected SHA-256 ({SHA256})"
    if info.message_imprint.message != imprint:
        return f"it dates {info.message_imprint.message.hex()}, expected {imprint.hex()}"
    if nonce is not None and info.nonce != nonce:
        return f"it answers another request: its nonce is {info.nonce}, expected {nonce}"
    return _purpose(response)


def _purpose(response: "TimeStampResponse") -> str:
    """Return why the signer is no time-stamper, or ""."""
    signers = list(response.signed_data.signer_infos)
    if len(signers) != 1:
        return f"it has {len(signers)} signers, expected one"
    certificates = [x509.load_der_x509_certificate(one) for one in response.signed_data.certificates]
    signer = (signers[0].issuer, signers[0].serial_number)
    mine = next((one for one in certificates if (one.issuer, one.serial_number) == signer), None)
    if mine is None:
        return "it does not hold the certificate of its signer"
    try:
        usage = mine.extensions.get_extension_for_class(x509.ExtendedKeyUsage)
    except x509.ExtensionNotFound:
        return "its signer's certificate is not for time-stamping"
    if not usage.critical or list(usage.value) != [ExtendedKeyUsageOID.TIME_STAMPING]:
        return "its signer's certificate is not for time-stamping alone, as a critical extension"
    return ""


def _latest(info: Any) -> str:  # noqa: ANN401 — the library's token
    accuracy = info.accuracy
    spread = timedelta()
    if accuracy is not None:
        # A part of a millisecond counts as a whole one.
        milliseconds = (accuracy.millis or 0) + bool(accuracy.micros)
        spread = timedelta(seconds=accuracy.seconds or 0, milliseconds=milliseconds)
    latest: datetime = info.gen_time.astimezone(UTC) + CUT_OFF + spread
    return latest.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _first_line(exc: Exception) -> str:
    return str(exc).partition("\n")[0][:300]
