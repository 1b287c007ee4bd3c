"""The end of a bundle is shown to a time-stamping authority, and its answer is laid beside the bundle, once."""

import os
import tempfile
from contextlib import suppress
from pathlib import Path

from drproof.engine import keys
from drproof.engine.refusal import refuse
from drproof.evidence import envelope
from drproof.evidence.integrity import CLOSING, TRUSTED_TIME
from drproof.evidence.trust import Trust
from drproof.evidence.trusted_time import TrustedTime
from drproof.model.errors import EvidenceError
from drproof.model.settings import Signing
from drproof.targets import tsa


def stamp(directory: Path, url: str, trust: Trust | None = None) -> TrustedTime:
    """Have the closing of a bundle dated, write the answer into `after/`, and return what it shows.

    Raises:
        Refusal: the bundle is not closed, or has trusted time already; nothing was asked.
        ValueError: the address is none.
        TargetError: the authority refused, did not answer in time, or answered something else.
    """
    path = directory / TRUSTED_TIME
    if path.exists():
        raise refuse(f"{path} is there already: a bundle is dated once", next_step=f"drproof verify {directory}")
    try:
        closing = (directory / CLOSING).read_bytes()
        envelope.read(closing)
    except (OSError, EvidenceError) as exc:
        raise refuse(
            f"{directory} holds no closed bundle: {exc}",
            expected="the folder of a drill that was sealed",
            next_step=f"drproof status {directory}",
        ) from exc
    answer, found = tsa.ask(url, closing, trust.authorities if trust is not None else ())
    _write_once(path, answer)
    return found


def stamp_or_say(directory: Path, signing: Signing) -> str:
    """Have a sealed drill dated as its settings say; return why it is not, and the next command, or "".

    Whatever goes wrong here, the drill is what it was: an authority is no part of a recovery.
    """
    if not signing.tsa:
        return ""
    trust = f" --trust {signing.trust}" if signing.trust else ""
    try:
        believed = keys.read_trust(Path(signing.trust)) if signing.trust else None
        found = stamp(directory, signing.tsa, believed)
    except Exception as exc:  # noqa: BLE001 — nothing that an authority does may cost a drill that is sealed
        said = str(exc).partition("\n")[0]
        return f"not dated: {said}\n  next: drproof timestamp {directory} --tsa {tsa.shown(signing.tsa)}{trust}"
    return "" if found.at_latest else f"dated, and {found.reason}: its root belongs in the trust file"


def _write_once(path: Path, data: bytes) -> None:
    """Write a file whole or not at all, and never over another."""
    path.parent.mkdir(exist_ok=True)
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fchmod(file.fileno(), 0o644)
            os.fsync(file.fileno())
        try:
            os.link(name, path)
        except FileExistsError as exc:
            raise refuse(f"{path} was written meanwhile", next_step=f"drproof verify {path.parent.parent}") from exc
    finally:
        with suppress(FileNotFoundError):
            Path(name).unlink()
