"""What an auditor heard from the platform: kept as a signed record, or read by those who believe them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Union

from drproof.cli.errors import clear
from drproof.evidence import corroboration
from drproof.evidence.bundle import write_atomic
from drproof.evidence.integrity import CLOSING, Inspection
from drproof.evidence.statements import AskedAgain, Corroboration
from drproof.evidence.trust import Trust

if TYPE_CHECKING:
    from drproof.engine.corroborate import Asked


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """Where the record lies, and which key signs it; none where it is read."""

    path: Path
    signer: str
    profile: str

    @classmethod
    def of(cls, path: Path | None, *, signer: str, profile: str, corroborate: bool) -> "Recording | None":
        """Return what the options say: a record that nobody would sign, or a signature on nothing, ends with 2."""
        from drproof.engine.refusal import refuse

        with clear():
            if signer and not (corroborate and path is not None):
                raise refuse(
                    "--signer signs what the platform said, and nothing else of a verification",
                    expected="--corroborate and --record FILE beside it",
                    next_step="drproof verify <bundle> --corroborate --signer file2:<key> --record <file>",
                )
            if path is not None and corroborate and (not signer or path.exists()):
                raise refuse(
                    f"{path} is there already" if signer else "--record would be a record that nobody signs",
                    expected="--signer with your own key, and a file that is not there yet",
                    next_step="drproof keys init <folder> --role collector",
                )
        return cls(path=path, signer=signer, profile=profile) if path is not None else None

    def write(self, inspection: Inspection, asked: Sequence[Union["Asked", AskedAgain]], execution: str) -> str:
        """Write what the platform said, signed by the auditor's own key, and return a line for people."""
        from drproof.targets import open_key

        with clear():
            opening, closing = inspection.opening, _closing(inspection)
            said = Corroboration(
                drill_id=opening.drill_id if opening is not None else "",
                asked_at=datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z"),
                execution=execution,
                asked=tuple(AskedAgain(what=one.what, status=one.status, reason=one.reason) for one in asked),
            )
            region = opening.sites.recovery.region if opening is not None else ""
            key = open_key(self.signer, region=region, profile=self.profile)
            write_atomic(self.path, corroboration.write(said, closing, [key]))
        return f"record: {self.path}, signed by {key.keyid}"

    def read(self, inspection: Inspection, trust: Trust) -> tuple[str, tuple[AskedAgain, ...]]:
        """Return what an auditor heard, and a line for people; it raises no level: whoever reads it did not ask."""
        with clear():
            said, keys = corroboration.read(self.path.read_bytes(), _closing(inspection), trust)
        who = ", ".join(keys)
        return f"record: {who} asked the platform at {said.asked_at}; the level is that of whoever asks", said.asked


def _closing(inspection: Inspection) -> str:
    if CLOSING not in inspection.folder.paths:
        msg = "the bundle is not closed: no record is about it\n  next: drproof status <bundle>"
        raise ValueError(msg)
    return inspection.digest(CLOSING)
