"""The keys of a project: where they lie, and whose signatures it believes itself.

The folder is private to its owner; an auditor gets the public half, or the trust file, on another way.
"""

import contextlib
import json
import os
import stat
import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path

from drproof.engine.refusal import refuse
from drproof.evidence import trust as trusting
from drproof.evidence.bundle import write_atomic
from drproof.evidence.trust import Trust
from drproof.model.codec import encode
from drproof.model.errors import DrproofError, EvidenceError, TargetError
from drproof.model.signing import Role, Signer
from drproof.targets.signers import FILE, make_key, open_signer

FOLDER = ".drproof"
TRUST = "trust.json"


def key_path(folder: Path, role: Role = Role.RUNNER) -> Path:
    """Return where the private key of a role lies."""
    return folder / f"{role.value}.key"


def init(folder: Path, role: Role = Role.RUNNER) -> Signer:
    """Make a key for a role in a folder of its owner, and enter it in the trust file beside it.

    Raises:
        Refusal: there is one already, others can read the folder, or its trust file is none.
    """
    _make(folder)
    path = key_path(folder, role)
    try:
        signer = make_key(path)
    except FileExistsError as exc:
        raise refuse(f"{path} exists already", next_step="name another folder, or keep using this key") from exc
    except (OSError, TargetError) as exc:
        raise refuse(
            f"no key can be made in {folder}: {exc}", next_step="name a folder that only you can read"
        ) from exc
    write_atomic(path.with_suffix(".pub"), signer.public_key.encode("ascii"))
    believe(folder / TRUST, signer, role)
    return signer


def believe(path: Path, signer: Signer, role: Role) -> None:
    """Enter a key in a trust file, which is made where there is none."""
    trust = read_trust(path) if path.exists() else Trust()
    if role not in trust.named(signer.keyid):
        trust = replace(trust, keys=(*trust.keys, trusting.of_signer(signer, role)))
        write_atomic(path, (json.dumps(encode(trust), indent=2, sort_keys=True) + "\n").encode())


def read_trust(path: Path) -> Trust:
    """Return a trust file.

    Raises:
        Refusal: it cannot be read.
    """
    try:
        return trusting.read(path.read_bytes())
    except OSError as exc:
        raise refuse(
            f"the trust file {path} cannot be read: {exc.strerror}", next_step="name one with --trust"
        ) from exc
    except EvidenceError as exc:
        raise refuse(f"{path}: {exc}", next_step="mend it, or make one with drproof keys init") from exc


def rehearsal_signer(folder: Path) -> tuple[Signer, bool]:
    """Return the project's own key, made when a rehearsal first needs it, and whether it was made now."""
    path = key_path(folder)
    if not path.exists():
        with contextlib.suppress(ValueError):
            # Another rehearsal may make it at the same time; both then use the one that is there.
            return init(folder), True
    return open_signer(f"{FILE}{path}"), False


def _make(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    mode = stat.S_IMODE(folder.stat().st_mode)
    if mode & 0o077:
        raise refuse(
            f"{folder} can be read by others",
            expected="mode 0700",
            got=f"{mode:04o}",
            next_step=f"chmod go= {folder}, or name another folder",
        )
    with contextlib.suppress(FileExistsError):
        # No repository takes a private key by accident.
        descriptor = os.open(folder / ".gitignore", os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write("*\n")


PAUSE_MS = 500
"""The wait after the first refusal of a key."""


class Sealer:
    """Signs what a run states; a key that refuses costs the proof, never the drill."""

    TRIES = 3

    def __init__(self, signers: Iterable[Signer] = (), *, pause_ms: int = PAUSE_MS) -> None:
        """Sign by these keys; the wait after a refusal grows linearly, because a key service throttles."""
        self.signers = tuple(signers)
        self._pause_ms = pause_ms
        self.failure = ""
        """Why something stayed unsigned that was to be signed; empty when nothing did."""

    def seal(self, build: Callable[[tuple[Signer, ...]], bytes]) -> bytes:
        """Return what `build` makes, signed; unsigned when the key does not sign, which `failure` then says."""
        for number in range(1, self.TRIES + 1):
            try:
                return build(self.signers)
            except (DrproofError, OSError, ValueError) as exc:
                if number == self.TRIES:
                    self.failure = f"it could not be signed: {exc}".partition("\n")[0]
                    break
                time.sleep(self._pause_ms * number / 1000)
        return build(())
