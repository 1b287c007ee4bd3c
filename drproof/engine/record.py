"""The record of a run on disk: receipts in a chain, logs beside them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from drproof.engine.attempts import Ending
from drproof.engine.keys import Sealer
from drproof.evidence.bundle import Bundle, sealed_checkpoint, write_atomic
from drproof.evidence.canonical import canonical, digest
from drproof.evidence.redaction import KNOWN_VALUE, REDACTIONS, Redactor
from drproof.evidence.withheld import keep, note
from drproof.model.codec import decode, encode
from drproof.model.criteria import PlanDocument
from drproof.model.errors import EvidenceError
from drproof.model.receipt import Caller, Cause, EvidenceRef, Outcome, Receipt, receipt_type


@dataclass(slots=True)
class Record:
    """The receipts of one run, in the order in which they were written."""

    directory: Path
    plan: PlanDocument
    opening: str
    """The digest of the opening, which every receipt carries."""
    receipts: dict[str, Receipt[Any]]
    digests: dict[str, str]
    head: str
    """The digest of the last receipt, or of the opening."""
    masker: Redactor
    sealer: Sealer
    make_room: Callable[[], object] = lambda: None
    """Called once a write has failed: a full disk must not cost the receipt of what was done."""
    upstream: Callable[[str], frozenset[str]] = lambda _: frozenset()
    """Every phase that one comes after, by the plan."""

    @classmethod
    def begin(cls, directory: Path, plan: PlanDocument, opening: str, masker: Redactor, sealer: Sealer) -> "Record":
        """Return the record of a run that has no receipt yet; values that `masker` knows are never written."""
        return cls(directory, plan, opening, {}, {}, opening, masker, sealer)

    @classmethod
    def of(cls, bundle: Bundle, masker: Redactor, sealer: Sealer) -> "Record":
        """Return the record that another process left behind; a checkpoint that it did not come to is made up for."""
        record = cls.begin(bundle.directory, bundle.plan, bundle.opening_digest, masker, sealer)
        for file in bundle.files:
            record.receipts[file.receipt.phase] = file.receipt
            record.digests[file.receipt.phase] = file.digest
            record.head = file.digest
            record.seal(file.receipt, (bundle.directory / file.path).read_bytes())
        return record

    def write(
        self,
        phase: str,
        ending: Ending,
        *,
        given: Mapping[str, Any],
        caller: Caller | None,
        evidence: tuple[EvidenceRef, ...],
    ) -> Receipt[Any]:
        """Write the receipt of a phase durably and return it."""
        return self._append(
            Receipt(
                drill_id=self.plan.drill_id,
                mode=self.plan.mode,
                plan=self.plan.plan,
                phase=phase,
                sequence=len(self.receipts) + 1,
                previous=self.head,
                opening=self.opening,
                outcome=ending.outcome,
                started_at=ending.started_at,
                ended_at=ending.ended_at,
                duration_ms=ending.duration_ms,
                attempts=ending.attempts,
                input=given,
                observed=ending.observed,
                reason=ending.reason,
                cause=ending.cause,
                caller=caller,
                tool=self.plan.tool,
                image_ref=self.plan.criteria.image_ref,
                evidence=(*evidence, *self._redactions(phase)),
                manual=ending.manual,
                by_hand=self._by_hand(phase, ending),
            )
        )

    def _by_hand(self, phase: str, ending: Ending) -> tuple[str, ...]:
        """Return the phases that this one builds on, itself among them, and that were done by hand."""
        found = {name for name in self.upstream(phase) & self.receipts.keys() if self.receipts[name].manual is not None}
        return tuple(sorted(found | ({phase} if ending.manual is not None else set())))

    def inherit(self, bundle: Bundle, phase: str) -> Receipt[Any]:
        """Take a receipt over from an earlier run, marked with the digest of the original, evidence included."""
        file = next(file for file in bundle.files if file.receipt.phase == phase)
        for ref in file.receipt.evidence:
            write_atomic(self.directory / ref.path, (bundle.directory / ref.path).read_bytes())
        return self._append(
            replace(
                file.receipt,
                drill_id=self.plan.drill_id,
                sequence=len(self.receipts) + 1,
                previous=self.head,
                opening=self.opening,
                inherited_from=file.receipt.inherited_from or file.digest,
            )
        )

    def _append(self, receipt: Receipt[Any]) -> Receipt[Any]:
        path = f"receipts/{receipt.sequence:02}-{receipt.phase}.json"
        receipt = self._without_secrets(path, receipt)
        data = canonical(encode(receipt))
        self._put(path, data)
        self.receipts[receipt.phase] = receipt
        self.digests[receipt.phase] = self.head = digest(data)
        self.seal(receipt, data)
        return receipt

    def seal(self, receipt: Receipt[Any], data: bytes) -> None:
        """Write the checkpoint of a receipt where there is none yet."""
        path, _ = sealed_checkpoint(receipt, data)
        if not (self.directory / path).exists():
            content = self.sealer.seal(lambda signers: sealed_checkpoint(receipt, data, signers)[1])
            self._put(path, content)

    def _put(self, path: str, data: bytes) -> None:
        try:
            write_atomic(self.directory / path, data)
        except OSError:
            self.make_room()
            write_atomic(self.directory / path, data)

    def _without_secrets(self, path: str, receipt: Receipt[Any]) -> Receipt[Any]:
        """Return a receipt in which nothing is like a secret: what is judged must be what is written."""
        plain = encode(receipt)
        hits = self.masker.scan(canonical(plain))
        if not hits:
            return receipt
        if any(hit.rule != KNOWN_VALUE for hit in hits):
            note(self.directory, path, hits)
        kind = receipt_type(type(receipt.observed))
        try:
            masked: Receipt[Any] = decode(kind, self.masker.masked(plain))
        except EvidenceError:
            masked = receipt
        if not self.masker.scan(canonical(encode(masked))):
            return masked
        # The drill must not lose its receipt over a value that no mask reaches.
        return replace(
            receipt,
            outcome=Outcome.FAILED if receipt.passed else receipt.outcome,
            observed=None,
            input={},
            attempts=(),
            caller=None,
            reason="what this phase observed is like a secret and was not kept",
            cause=Cause.DEFECT,
            manual=None,
            by_hand=tuple(name for name in receipt.by_hand if name != receipt.phase),
        )

    def _redactions(self, phase: str) -> tuple[EvidenceRef, ...]:
        """Write what is left of the texts that this phase redacted, each with the digest of its original."""
        taken = self.masker.taken()
        if not taken:
            return ()
        path, data = f"evidence/{phase}.{REDACTIONS}.json", canonical(encode(taken))
        try:
            kept = keep(self.directory, path, data, self.masker)
        except OSError:
            self.make_room()
            kept = keep(self.directory, path, data, self.masker)
        if not kept:
            return ()
        return (EvidenceRef(name=REDACTIONS, path=path, sha256=digest(data), size=len(data)),)
